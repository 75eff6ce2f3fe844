"""`orchestrator listen`: print events as they come, or post them on."""

from __future__ import annotations

import asyncio
import contextlib

import click
import httpx
import msgspec

from orchestrator.cli.remote import http_url, server_options, warn_of_unknown_types
from orchestratorx_prism import EventClient
from orchestratorx_prism.envelopes.cloudevents import encode_json
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.wrappers import PrismEvent

_FORWARD_TIMEOUT_S = 30.0
_LONGEST_PAUSE_S = 10.0


def _url(_context: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    return None if text is None else str(http_url(text))


@click.command()
@click.option("--type", "types", multiple=True, help="Type or pattern: 'payment.*'; repeatable.")
@click.option("--connector", "connectors", multiple=True, help="Repeatable.")
@click.option(
    "--from", "cursor", default="", help="Cursor to go on from; 0: from the first event. Default: from now on."
)
@click.option("--forward-to", default=None, callback=_url, metavar="URL", help="Post each event there as a CloudEvent.")
@click.option("--json", "as_json", is_flag=True, help="One whole event a line, as JSON.")
@click.option("--count", default=0, type=click.IntRange(0), help="Stop after so many. Default: never.")
@server_options
def listen(
    target: str,
    api_key: str | None,
    merchant: str,
    types: tuple[str, ...],
    connectors: tuple[str, ...],
    cursor: str,
    forward_to: str | None,
    as_json: bool,
    count: int,
) -> None:
    """Print events from a running server as they come, until interrupted.

    With --forward-to each event is posted to the URL as a CloudEvent and repeated until it is answered with 2xx: order
    is kept, and nothing is skipped.
    """
    warn_of_unknown_types(types)
    chosen = EventFilter(types=types, connectors=connectors, merchant_id=merchant)
    asyncio.run(_listen(target, api_key, chosen, cursor, forward_to, as_json, count))


async def _listen(
    target: str,
    api_key: str | None,
    chosen: EventFilter,
    cursor: str,
    forward_to: str | None,
    as_json: bool,
    count: int,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(EventClient(target=target, api_key=api_key))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=_FORWARD_TIMEOUT_S)) if forward_to else None
        seen = 0
        async for event in client.subscribe_events(filter=chosen, cursor=cursor):
            note = await _forward(http, forward_to, event) if http and forward_to else ""
            click.echo(_line(event, as_json) + note)
            seen += 1
            if seen == count:
                return


def _line(event: PrismEvent, as_json: bool) -> str:
    values = event.to_dict()
    if as_json:
        return msgspec.json.encode(values).decode()
    amount = values["data"].get("amount")
    money = f" {amount['minor_units']} {amount['currency']}" if amount else ""
    place = f" #{values['sequence']}" if values.get("sequence") else ""
    return f"{values['received_at'][11:19]} {values['connector']:8} {values['type']:28}{money}{place} {values['id']}"


async def _forward(http: httpx.AsyncClient, url: str, event: PrismEvent) -> str:
    body, headers = encode_json(event.message)
    pause_s = 0.5
    while True:
        try:
            answer = await http.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            reason = type(error).__name__
        else:
            if answer.is_success:
                return f" → {answer.status_code}"
            reason = str(answer.status_code)
        click.echo(f"{url}: {reason}; again in {pause_s:g} s", err=True)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
