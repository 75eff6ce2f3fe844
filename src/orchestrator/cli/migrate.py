"""`orchestrator migrate`: the database's schema, brought up to date."""

from __future__ import annotations

import click

from orchestrator.serving import run_loop
from orchestrator.settings import Settings
from orchestrator.settings_loading import load_settings
from orchestrator.startup import without_password


@click.command()
@click.option("--config", "config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML.")
@click.option("--database-url", help="Default: the configured one.")
def migrate(config: str | None, database_url: str | None) -> None:
    """Bring the database's schema up to date; nothing is lost, and doing it twice changes nothing.

    `orchestrator serve` does this by itself when it starts, unless database_migrate is false: then run this first.

    Exit status: 0 the schema is up to date, 2 wrong settings, 3 the database cannot be reached.
    """
    settings = load_settings(config, {"database_url": database_url})
    run_loop(_migrated(settings))
    click.echo(f"up to date: {without_password(settings.database_url.get_secret_value())}")


async def _migrated(settings: Settings) -> None:
    from orchestrator.bootstrap import build

    ledger = build(settings.model_copy(update={"database_migrate": True})).ledger
    await ledger.open()
    await ledger.close()
