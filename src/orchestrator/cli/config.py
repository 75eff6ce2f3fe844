"""`orchestrator config check`: every setting, where it came from, and every fault at once."""

from __future__ import annotations

import click
import msgspec

from orchestrator.bootstrap import build
from orchestrator.listening import check_tls
from orchestrator.plugins import installed_connectors
from orchestrator.settings import Settings
from orchestrator.settings_loading import load_settings, unread_file_warning
from orchestrator.settings_origins import Shown, shown_settings
from orchestrator.startup import warnings
from orchestrator.workers import refuse_unshared


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@click.option("--config", "file", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML.")
@click.option("--all", "everything", is_flag=True, help="Also settings that have their default.")
@click.option("--json", "as_json", is_flag=True, help='{"settings": […], "warnings": […]}, with every setting.')
def check(file: str | None, everything: bool, as_json: bool) -> None:
    """Read the settings as `orchestrator serve` would, and show them: secrets hidden, each with where it came from.

    Nothing is started or connected to. Faults are listed all at once, each with what to do.

    Exit status: 0 the settings hold together, 2 they do not.
    """
    settings = load_settings(file)
    _check_parts(settings)
    shown = shown_settings(settings, file)
    advice = [*warnings(settings, installed_connectors()), *unread_file_warning(file)]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"settings": shown, "warnings": advice}), indent=2).decode())
        return
    chosen = [each for each in shown if everything or each.origin != "default"]
    _print(chosen, hidden=len(shown) - len(chosen))
    for text in advice:
        click.echo(f"warning: {text}")


def _check_parts(settings: Settings) -> None:
    """What only the parts themselves know of their settings: databases, brokers, drivers, files."""
    refuse_unshared(settings)
    if settings.tls.on:
        check_tls(settings.tls)
    build(settings)


def _print(shown: list[Shown], *, hidden: int) -> None:
    lines = [(f"{each.name} = {msgspec.json.encode(each.value).decode()}", each.origin) for each in shown]
    width = max((len(line) for line, _ in lines), default=0)
    for line, origin in lines:
        click.echo(f"{line:{width}}  # {origin}")
    click.echo(f"the settings hold together; {hidden} have their default" + (" (--all shows them)" if hidden else ""))
