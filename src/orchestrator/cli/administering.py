"""What commands share that work on the settings' database directly, beside running servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from orchestrator.access.principal import CLI, acting
from orchestrator.settings import Settings
from orchestrator.settings_loading import load_settings
from orchestrator.telemetry.logs import configure_logs
from orchestratorx_prism.errors import SettingsRejected

if TYPE_CHECKING:
    from orchestrator.bootstrap import Application

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
merchant_option = click.option("--merchant", default="default", show_default=True, help="Whose.")
environment_option = click.option(
    "--environment",
    type=click.Choice(["SANDBOX", "PRODUCTION"], case_sensitive=False),
    help="Default: the merchant's own.",
)


def database_options(command: F) -> F:
    """Adds --config and --database-url."""
    for option in (
        click.option("--database-url", help="Default: the configured one."),
        click.option("--config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML."),
    ):
        command = option(command)
    return command


def settings_of(config: str | None, database_url: str | None) -> Settings:
    """The settings, for a database that other processes share.

    Raises:
        SettingsRejected: They do not hold together, or name a ledger in memory.
    """
    settings = load_settings(config, {"database_url": database_url})
    if settings.database_url.get_secret_value().startswith("memory:"):
        raise SettingsRejected(
            "a database in memory is another one for every process", fix="give the server's own: --database-url"
        )
    configure_logs("error", settings.log_format)
    return settings


@asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[Application]:
    """The wired application with its database open and its merchants known. Nothing runs by itself in it."""
    from orchestrator.bootstrap import build

    application = build(settings, publishes=False)
    await application.ledger.open()
    token = acting.set(CLI)
    try:
        await application.directory.refresh()
        yield application
    finally:
        acting.reset(token)
        await application.merchants.aclose()
        await application.ledger.close()


def print_json(rows: Sequence[Mapping[str, Any]]) -> None:
    """One object a line."""
    for row in rows:
        click.echo(msgspec.json.encode(row).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, none: str) -> None:
    """For people; `none` is said on standard error where there are no rows."""
    if not rows:
        click.echo(none, err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns[:-1]:
        table.add_column(column, no_wrap=True)
    table.add_column(columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console()
    # A pipe has no width: nothing is cut or folded for it.
    (console if console.is_terminal else Console(width=10_000)).print(table)
