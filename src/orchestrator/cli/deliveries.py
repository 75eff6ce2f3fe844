"""`orchestrator deliveries`: what was sent to endpoints, and sending it again."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.administration import database_options, merchant_option, print_json, print_table, with_application
from orchestrator.cli.times import time_option
from orchestratorx_prism.v1 import delivery_service_pb2 as pb
from orchestratorx_prism.v1.delivery_service_pb2 import Delivery, DeliveryFilter
from orchestratorx_prism.values import time_text, to_dict

_STATES = ("pending", "delivered", "failed", "canceled")


@click.group()
def deliveries() -> None:
    """List, show and replay deliveries."""


def _filter_options(command: Any) -> Any:
    for option in (
        click.option("--until", callback=time_option, help="Put in line before; ISO 8601."),
        click.option("--since", callback=time_option, help="Put in line at or after; ISO 8601."),
        click.option("--payment", default="", help="Our payment id."),
        click.option("--event", default="", help="The event's id."),
        click.option("--type", "types", multiple=True, help="Type or pattern: 'payment.*'; repeatable."),
        click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Repeatable."),
        click.option("--endpoint", default="", help="To which endpoint."),
    ):
        command = option(command)
    return command


def _filter(merchant: str, chosen: dict[str, Any]) -> DeliveryFilter:
    return DeliveryFilter(
        merchant_id=merchant,
        endpoint_id=chosen["endpoint"],
        states=[_STATES.index(name) + 1 for name in chosen["states"]],  # type: ignore[misc]
        event_types=chosen["types"],
        event_id=chosen["event"],
        payment_id=chosen["payment"],
        created_from=chosen["since"],
        created_until=chosen["until"],
    )


@deliveries.command("list")
@_filter_options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
@click.option("--page", "page_token", default="", help="The next page, as printed by the one before.")
@merchant_option
@database_options
def list_deliveries(
    limit: int,
    page_token: str,
    merchant: str,
    config: str | None,
    database_url: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Deliveries, newest first."""
    request = pb.DeliveryServiceListRequest(filter=_filter(merchant, chosen), page_size=limit, page_token=page_token)
    page = with_application(config, database_url, lambda app: app.services.deliveries.list(request))
    _print(list(page.deliveries), as_json)
    if page.next_page_token:
        click.echo(f"more: --page {page.next_page_token}", err=True)


@deliveries.command()
@click.argument("delivery_id")
@merchant_option
@database_options
def show(delivery_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """One delivery with its attempts."""
    request = pb.DeliveryServiceGetRequest(delivery_id=delivery_id, merchant_id=merchant)
    answer = with_application(config, database_url, lambda app: app.services.deliveries.get(request))
    if as_json:
        print_json(to_dict(answer))
        return
    _print([answer.delivery], as_json)
    rows = [
        (str(one.number), time_text(one.started_at)[:19], f"{one.duration_ms} ms", str(one.status_code), one.error)
        for one in answer.attempts
    ]
    click.echo()
    print_table(("attempt", "began", "took", "status", "error"), rows, none="no attempts yet")


@deliveries.command()
@click.argument("delivery_id")
@merchant_option
@database_options
def replay(delivery_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Send one again, under the same webhook id. A running server does."""
    request = pb.DeliveryServiceReplayRequest(delivery_id=delivery_id, merchant_id=merchant)
    answer = with_application(config, database_url, lambda app: app.services.deliveries.replay(request))
    _print([answer.delivery], as_json)


@deliveries.command("replay-many")
@_filter_options
@merchant_option
@database_options
def replay_many(merchant: str, config: str | None, database_url: str | None, as_json: bool, **chosen: Any) -> None:
    """Send everything again that the options select: failed and canceled ones, unless --state says others."""
    if not any(chosen.values()):
        raise click.UsageError("say which: --endpoint, --state, --type, --event, --payment, --since or --until")
    request = pb.DeliveryServiceReplayManyRequest(filter=_filter(merchant, chosen))
    answer = with_application(config, database_url, lambda app: app.services.deliveries.replay_many(request))
    if as_json:
        print_json({"count": answer.count})
    else:
        click.echo(f"{answer.count} deliveries are in line")


def _print(found: list[Delivery], as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(to_dict(one))
        return
    rows = [
        (
            time_text(one.created_at)[:19],
            one.delivery_id,
            one.endpoint_id,
            one.event_type,
            _STATES[one.state - 1],
            str(one.attempts),
            str(one.last_status_code or ""),
        )
        for one in found
    ]
    print_table(
        ("put in line", "delivery", "endpoint", "type", "state", "attempts", "status"), rows, none="no deliveries"
    )
