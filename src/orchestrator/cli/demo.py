"""`orchestrator demo`: everything at once, in this process."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.console import Console
from rich.table import Table

from orchestrator.demonstration.posting import Mischief
from orchestrator.demonstration.running import Outcome, Report, run
from orchestratorx_prism.event_types import UNMAPPED

_STYLES = {"recorded": "green", "duplicate": "yellow", "refused": "red"}


@click.command()
@click.option(
    "--rounds", default=2, show_default=True, type=click.IntRange(1, 100), help="How often each story is told."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same mischief.")
@click.option("--pace", "pace_s", default=0.05, show_default=True, help="Seconds between webhooks.")
def demo(rounds: int, seed: int, pace_s: float) -> None:
    """Watch signed webhooks of all four providers become one stream of events.

    Simulators tell the stories of some payments. Their webhooks come shuffled, some twice, some forged. Everything runs
    in this process, over a SQLite file that is removed afterwards.

    Exit status: 0 if every payment ended as its story says, each event came out once and in order, and every forgery
    was refused; else 1.
    """
    console = Console(highlight=False)
    console.print("Webhooks as they arrive, shuffled; what became of each:\n")
    console.print(
        f"{'provider':8} {'webhook':40} {'reference':9} {'outcome':9} event or reason", style="bold", soft_wrap=True
    )

    def show(outcome: Outcome) -> None:
        console.print(_line(outcome), soft_wrap=True)

    report = asyncio.run(run(rounds, seed=seed, pace_s=pace_s, show=show))
    console.print()
    console.print(_payments(report))
    _summary(console, report)
    sys.exit(1 if report.faults else 0)


def _line(outcome: Outcome) -> str:
    letter = outcome.letter
    style = _STYLES[outcome.kind]
    place = f" #{outcome.sequence}" if outcome.kind == "recorded" and outcome.sequence else ""
    forged = " (forged)" if letter.mischief is Mischief.FORGED else ""
    return (
        f"{letter.story.connector:8} {letter.step.event_type:40} {letter.reference:9} "
        f"[{style}]{outcome.kind:9}[/{style}] {outcome.what}{place}{forged}"
    )


def _payments(report: Report) -> Table:
    table = Table(
        title="Payments, computed from their events, in whatever order these came", title_justify="left", box=None
    )
    for column in ("provider", "reference", "story", "status", "captured", "refunded", "events"):
        table.add_column(column, justify="right" if column in {"captured", "refunded", "events"} else "left")
    for story, reference, payment in report.payments:
        table.add_row(
            story.connector,
            reference,
            story.title,
            payment["status"],
            _money(payment.get("captured")),
            _money(payment.get("refunded")),
            str(payment.get("sequence", 0)),
        )
    return table


def _money(value: dict[str, object] | None) -> str:
    return f"{value['minor_units']} {value['currency']}" if value and value.get("minor_units") else "-"


def _summary(console: Console, report: Report) -> None:
    total = len(report.outcomes)
    forged = sum(outcome.letter.mischief is Mischief.FORGED for outcome in report.outcomes)
    unmapped = sum(outcome.what == UNMAPPED for outcome in report.outcomes)
    console.print(
        f"\n{total} webhooks in {report.seconds:.1f} s: {report.count('recorded')} recorded, "
        f"{report.count('duplicate')} duplicates dropped, {report.count('refused')} of {forged} forgeries refused, "
        f"{unmapped} without a word of ours.\n{report.published} events published, once each and in order per payment. "
        "Amounts are in minor units: 1099 USD is $10.99."
    )
    for fault in report.faults:
        console.print(f"[red]not as it must be:[/red] {fault}")
    if not report.faults:
        console.print("[green]All as it must be.[/green] Next: `orchestrator serve`, or the ten lines in the README.")
