"""`orchestrator reconcile`: what a provider sent or booked and never came here, fetched and recorded."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from orchestrator.cli import say, status_of
from orchestrator.reconciliation import Report
from orchestrator.serving import run_loop
from orchestrator.settings import DEFAULT_MERCHANT, Settings
from orchestrator.settings_loading import load_settings
from orchestrator.telemetry.logs import configure_logs
from orchestratorx_prism.currencies import exponent
from orchestratorx_prism.errors import SettingsRejected
from orchestratorx_prism.v1.money_pb2 import Money

_SPAN = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SHOWN = 20
"""How many of each list people are shown; --json has all."""


def _moment(_context: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    """Unix seconds of "2h", that long ago, or of an ISO 8601 time; without an offset it is UTC."""
    if text is None:
        return None
    if span := _SPAN.fullmatch(text):
        return int(time.time()) - int(span[1]) * _SECONDS[span[2]]
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter("neither a span as 90m, 2h or 7d, nor ISO 8601: 2026-01-31T10:00:00Z") from None


@click.command()
@click.argument("connector")
@click.option("--merchant", default=DEFAULT_MERCHANT, show_default=True, help="Whose list.")
@click.option("--since", callback=_moment, help="How long ago (90m, 2h, 7d) or ISO 8601. Default: the last run's end.")
@click.option("--until", callback=_moment, help="Likewise. Default: what is not so new that it may still come.")
@click.option("--register", is_flag=True, help="M-Pesa: register the shortcode for Pull Transactions, once.")
@click.option("--config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML.")
@click.option("--database-url", help="Default: the configured one.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def reconcile(
    connector: str,
    merchant: str,
    since: int | None,
    until: int | None,
    register: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> int:
    """Fetch CONNECTOR's own list of what it sent or booked, and record what never came here.

    Works on the database of the settings, beside a running server, which publishes what is found. A repeat changes
    nothing. `orchestrator serve` does the same by itself, every reconcile_every_s.

    Exit status: 0 everything was fetched and recorded, 1 the provider refused, 2 wrong usage or settings, 3 the
    provider or the database did not answer. What was fetched before is recorded.
    """
    if until is not None and since is None:
        raise click.UsageError("--until needs --since")
    if since is not None and until is not None and until <= since:
        raise click.BadParameter("not after --since", param_hint="--until")
    settings = load_settings(config, {"database_url": database_url})
    configure_logs("error", settings.log_format)  # what a server would log stands in the report
    if register:
        click.echo(run_loop(_registered(settings, connector, merchant)))
        return 0
    report = run_loop(_reconciled(settings, connector, merchant, since, until, quiet=as_json))
    if as_json:
        click.echo(msgspec.json.encode(report.as_dict()).decode())
    else:
        _print(report)
    if report.stopped_by is None:
        return 0
    say(report.stopped_by)
    return status_of(report.stopped_by)


async def _registered(settings: Settings, connector: str, merchant: str) -> str:
    from orchestrator.bootstrap import build

    application = build(settings)
    try:
        return await application.reconciler.register(connector, merchant)
    finally:
        await application.reconciler.aclose()
        await application.merchants.aclose()


async def _reconciled(
    settings: Settings, connector: str, merchant: str, since: int | None, until: int | None, *, quiet: bool
) -> Report:
    from orchestrator.bootstrap import build

    if settings.database_url.get_secret_value().startswith("memory:"):
        raise SettingsRejected(
            "a database in memory is another one for every process", fix="give the server's own: --database-url"
        )
    application = build(settings)
    await application.ledger.open()
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    try:
        with bar:
            task = bar.add_task(connector, total=None, counts="")

            def progress(report: Report) -> None:
                bar.update(
                    task,
                    total=max(1, report.until_s - report.since_s),
                    completed=report.reached_s - report.since_s,
                    counts=f"{report.fetched} fetched, {report.recorded} recorded",
                )

            if since is None:
                return await application.reconciler.catch_up(connector, merchant, progress=progress)
            return await application.reconciler.reconcile(connector, merchant, since, until, progress=progress)
    finally:
        await application.reconciler.aclose()
        await application.merchants.aclose()
        await application.ledger.close()


def _print(report: Report) -> None:
    shown: dict[str, Any] = report.as_dict()
    click.echo(f"{report.connector}, merchant {report.merchant_id}: {shown['since']} to {shown['until']}")
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(report.refused.items()))
    rows = [
        ("fetched", f"{report.fetched}"),
        ("recorded", f"{report.recorded} that were missing" if report.recorded else "0"),
        ("known", f"{report.known}"),
        ("refused", refused or "0"),
    ]
    if report.matched or report.unmatched:
        rows.append(("matched", f"{report.matched} to payments that waited"))
    if report.asked:
        rows.append(("asked about", f"{report.asked}, {report.resolved} of them decided now"))
    for name, text in rows:
        click.echo(f"  {name:12} {text}")
    if report.unmatched:
        click.echo(f"  unmatched    {len(report.unmatched)}: money that no payment announced")
    for one in report.unmatched[:_SHOWN]:
        about = f"account {one.merchant_transaction_id}" if one.merchant_transaction_id else "no account"
        click.echo(f"    {one.payment_id}  {one.reference}  {_text(one.amount)}  {about}  {one.why}")
    _more(len(report.unmatched))
    if report.open:
        click.echo(f"  still open   {len(report.open)}")
    for known in report.open[:_SHOWN]:
        click.echo(f"    {known}")
    _more(len(report.open))
    if report.anomalies:
        click.echo(f"  anomalies    {len(report.anomalies)}: see `orchestrator events list --type payment.anomaly`")


def _more(count: int) -> None:
    if count > _SHOWN:
        click.echo(f"    and {count - _SHOWN} more: --json has all")


def _text(amount: Money) -> str:
    """1099 with USD is "10.99 USD"."""
    if not amount.currency:
        return "unknown amount"
    places = exponent(amount.currency)
    whole, part = divmod(amount.minor_units, 10**places)
    return f"{whole}.{part:0{places}} {amount.currency}" if places else f"{whole} {amount.currency}"
