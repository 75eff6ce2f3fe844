"""`orchestrator simulate`: a provider's API on this machine, with its test values and its webhooks."""

from __future__ import annotations

import asyncio

import click
import httpx
import uvicorn

from connectors.spi import SampleWebhook
from connectors.spi.simulating import Faults, Faulty, SimulatorOptions
from orchestrator.cli.remote import http_url
from orchestrator.cli.webhook_urls import webhook_url
from orchestrator.plugins import connector_named, installed_connectors
from orchestrator.settings import DEFAULT_MERCHANT
from orchestratorx_prism.errors import UnknownConnector

_TIMEOUT_S = 30.0
_CHANCE = click.FloatRange(0, 1)


def _url(_context: click.Context, _param: click.Parameter, text: str | None) -> httpx.URL | None:
    return None if text is None else http_url(text)


@click.command()
@click.argument("connector")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="On 127.0.0.1. Default: a free one.")
@click.option("--to", default=None, callback=_url, metavar="URL", help="The server that gets its webhooks.")
@click.option("--merchant", default=DEFAULT_MERCHANT, show_default=True, help="The merchant they are for.")
@click.option("--secret", default="", help="What signs them: as in the server's settings.")
@click.option("--seed", default=0, show_default=True, help="Same seed and requests, same ids and chances.")
@click.option("--lose-replies", default=0.0, type=_CHANCE, help="Chance that a reply is lost after committing.")
@click.option("--cut", default=0.0, type=_CHANCE, help="Chance that a connection breaks before anything is done.")
@click.option("--errors", default=0.0, type=_CHANCE, help="Chance of a 500.")
@click.option("--lose-webhooks", default=0.0, type=_CHANCE, help="Chance that a webhook is never sent.")
@click.option("--repeat-webhooks", default=0.0, type=_CHANCE, help="Chance that a webhook is sent twice.")
@click.option("--webhook-delay", default=0.0, type=click.FloatRange(0), help="Seconds from answer to webhook.")
def simulate(
    connector: str,
    port: int,
    to: httpx.URL | None,
    merchant: str,
    secret: str,
    seed: int,
    lose_replies: float,
    cut: float,
    errors: float,
    lose_webhooks: float,
    repeat_webhooks: float,
    webhook_delay: float,
) -> None:
    """Serve CONNECTOR's provider on this machine: its API, its test values, its webhooks. For development and tests.

    It prints the credentials to put under `merchants.….connectors.….credentials`. Everything is in memory.
    """
    try:
        make = connector_named(connector).make_simulator
    except UnknownConnector as error:
        raise click.BadParameter(f"{error.message}; {error.fix}", param_hint="CONNECTOR") from None
    if make is None:
        able = ", ".join(label.name for label in installed_connectors().values() if label.make_simulator)
        raise click.BadParameter(f"{connector} has no simulator; those that have: {able}", param_hint="CONNECTOR")

    async def deliver(sample: SampleWebhook) -> None:
        if to is not None:
            await _post(webhook_url(to, sample, connector, merchant), sample)

    options = SimulatorOptions(
        seed=seed,
        deliver=None if to is None else deliver,
        webhook_secret=secret,
        callback_delay_s=webhook_delay,
        lost_callbacks=lose_webhooks,
        duplicate_callbacks=repeat_webhooks,
    )
    simulator = make(options)
    app = Faulty(simulator, Faults(lost_replies=lose_replies, cut_requests=cut, errors=errors), seed=seed)
    asyncio.run(_serve(app, simulator, port))


async def _serve(app: Faulty, simulator: object, port: int) -> None:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            raise click.ClickException(f"port {port} is taken")
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    click.echo(f"serving at {address}; credentials:")
    for name, value in simulator.config(address).items():  # type: ignore[attr-defined]
        click.echo(f"  {name}={value}")
    try:
        await serving
    finally:
        await simulator.aclose()  # type: ignore[attr-defined]


async def _post(url: httpx.URL, sample: SampleWebhook) -> None:
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
        try:
            answer = await client.post(url, content=sample.body, headers=dict(sample.headers))
        except httpx.HTTPError as error:
            click.echo(f"webhook not delivered: {type(error).__name__}", err=True)
            return
    if not answer.is_success:
        click.echo(f"webhook refused: {answer.status_code}", err=True)
