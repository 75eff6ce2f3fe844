"""`orchestrator events`: what was recorded, from a running server."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from orchestrator.cli.remote import server_options, warn_of_unknown_types
from orchestrator.cli.times import time_option
from orchestratorx_prism.sync import EventClient
from orchestratorx_prism.v1.event_service_pb2 import EventFilter


@click.group()
def events() -> None:
    """List, show and replay recorded events."""


def _filter_options(command: Any) -> Any:
    for option in (
        click.option("--until", callback=time_option, help="Received before; ISO 8601."),
        click.option("--since", callback=time_option, help="Received at or after; ISO 8601."),
        click.option("--payment", default="", help="Our payment id."),
        click.option("--connector", "connectors", multiple=True, help="Repeatable."),
        click.option("--type", "types", multiple=True, help="Type or pattern: 'payment.*'; repeatable."),
    ):
        command = option(command)
    return command


def _filter(merchant: str, **chosen: Any) -> EventFilter:
    warn_of_unknown_types(chosen["types"])
    return EventFilter(
        merchant_id=merchant,
        types=chosen["types"],
        connectors=chosen["connectors"],
        payment_id=chosen["payment"],
        received_from=chosen["since"],
        received_until=chosen["until"],
    )


@events.command("list")
@_filter_options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@click.option("--page", "page_token", default="", help="The next page, as printed by the one before.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@server_options
def list_events(
    target: str, api_key: str | None, merchant: str, limit: int, page_token: str, as_json: bool, **chosen: Any
) -> None:
    """Recorded events, newest first."""
    with EventClient(target=target, api_key=api_key) as client:
        page = client.list_events(filter=_filter(merchant, **chosen), page_size=limit, page_token=page_token)
    found = [event.to_dict() for event in page.events]
    if as_json:
        for event in found:
            click.echo(msgspec.json.encode(event).decode())
        return
    for event in found:
        place = f"#{event['sequence']}" if event.get("sequence") else ""
        click.echo(
            f"{event['received_at'][:19]}  {event['id']}  {event['connector']:8} {event['type']:30} {place:5} "
            f"{event.get('payment_id', ''):40} {event.get('merchant_transaction_id', '')}".rstrip()
        )
    if not found:
        click.echo("no events", err=True)
    if page.next_page_token:
        click.echo(f"more: --page {page.next_page_token}", err=True)


@events.command()
@click.argument("event_id")
@server_options
def show(target: str, api_key: str | None, merchant: str, event_id: str) -> None:
    """One event in full, as JSON."""
    with EventClient(target=target, api_key=api_key) as client:
        event = client.get_event(event_id=event_id, merchant_id=merchant)
    click.echo(msgspec.json.format(msgspec.json.encode(event.to_dict()), indent=2).decode())


@events.command()
@click.argument("event_ids", nargs=-1)
@_filter_options
@click.option("--channel", default="", help="Only this channel. Default: all.")
@server_options
def replay(
    target: str, api_key: str | None, merchant: str, event_ids: tuple[str, ...], channel: str, **chosen: Any
) -> None:
    """Publish recorded events again, under their own ids: EVENT_IDS, or all that the options select."""
    if not event_ids and not any(chosen.values()):
        raise click.UsageError("say which events: ids, or --type, --connector, --payment, --since, --until")
    with EventClient(target=target, api_key=api_key) as client:
        answer = client.replay_events(filter=_filter(merchant, **chosen), event_ids=event_ids, channel=channel)
    click.echo(f"{answer.replayed} events will be published again")
    sys.exit(0 if answer.replayed else 1)
