"""What commands that run the installation have in common: they work on the settings' database, beside servers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from orchestrator.access.principal import CLI, acting
from orchestrator.services import Services
from orchestrator.serving import run_loop
from orchestrator.settings import DEFAULT_MERCHANT, Settings
from orchestrator.settings_loading import load_settings
from orchestrator.telemetry.logs import configure_logs
from orchestratorx_prism.errors import SettingsRejected

if TYPE_CHECKING:
    from orchestrator.bootstrap import Application

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_SPAN: Final = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def database_options(command: F) -> F:
    """Adds --config, --database-url and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--database-url", help="Default: the configured one."),
        click.option("--config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML."),
    ):
        command = option(command)
    return command


merchant_option = click.option("--merchant", default=DEFAULT_MERCHANT, show_default=True, help="Whose.")


def span_s(_context: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    """Seconds of "90d", "12h", "30m" or "0s"."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter("not a span as 30m, 12h or 90d")
    return int(found[1]) * _SECONDS[found[2]]


def with_services(config: str | None, database_url: str | None, use: Callable[[Services], Awaitable[T]]) -> T:
    """What `use` makes of the services; see `with_application`."""
    return with_application(config, database_url, lambda application: use(application.services))


def with_application(config: str | None, database_url: str | None, use: Callable[[Application], Awaitable[T]]) -> T:
    """What `use` makes of the application over the settings' database, on behalf of this machine's command line.

    Raises:
        SettingsRejected: The settings do not hold together, or name a database in memory.
        Unavailable: The database cannot be reached.
    """
    settings = load_settings(config, {"database_url": database_url})
    configure_logs("error", settings.log_format)
    if settings.database_url.get_secret_value().startswith("memory:"):
        raise SettingsRejected(
            "a database in memory is another one for every process", fix="give the server's own: --database-url"
        )
    return run_loop(_used(settings, use))


def plain(message: Message) -> dict[str, Any]:
    """A message under its own field names, times as ISO 8601."""
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def print_json(value: Any) -> None:
    """One line."""
    click.echo(msgspec.json.encode(value).decode())


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


async def _used(settings: Settings, use: Callable[[Application], Awaitable[T]]) -> T:
    from orchestrator.bootstrap import build

    application = build(settings)
    acting.set(CLI)
    await application.ledger.open()
    try:
        await application.directory.refresh()
        return await use(application)
    finally:
        await application.delivery.stop()
        await application.reconciler.aclose()
        await application.merchants.aclose()
        await application.access.stop()
        await application.ledger.close()
