"""`orchestrator consumers`: the consumer groups at the broker, and how far each is behind."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from orchestrator.cli.broker import broker_options, broker_settings, with_broker
from orchestratorx_prism.brokers import Broker, GroupLag
from orchestratorx_prism.consuming.groups import queries_of


@click.command()
@click.option("--group", "groups", multiple=True, help="Only this group; repeatable.")
@broker_options
def consumers(groups: tuple[str, ...], config: str | None, broker: str, as_json: bool) -> None:
    """Consumer groups: messages that wait, messages in hand, age of the oldest of them in seconds, dead letters."""
    settings = broker_settings(config, broker)
    found = with_broker(settings, lambda open_one: _lags(open_one, groups))
    if as_json:
        for lag in found:
            click.echo(msgspec.json.encode(lag).decode())
        return
    if not found:
        click.echo("no consumer groups", err=True)
        return
    click.echo(f"{'group':30} {'waiting':>9} {'in hand':>9} {'oldest s':>10} {'dead letters':>13}")
    for lag in found:
        oldest = "-" if lag.oldest_age_s is None else f"{lag.oldest_age_s:.1f}"
        click.echo(f"{lag.group:30} {lag.waiting:>9} {lag.unfinished:>9} {oldest:>10} {lag.dead_letters:>13}")


async def _lags(broker: Broker, groups: Sequence[str]) -> list[GroupLag]:
    queries = queries_of(broker)
    return [await queries.lag(group) for group in groups or sorted(await queries.groups())]
