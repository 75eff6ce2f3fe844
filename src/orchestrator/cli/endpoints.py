"""`orchestrator endpoints`: where merchants get their events."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.administration import database_options, merchant_option, print_json, print_table, with_application
from orchestrator.cli.times import time_option
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb
from orchestratorx_prism.v1.webhook_endpoint_service_pb2 import WebhookEndpoint
from orchestratorx_prism.values import to_dict

if TYPE_CHECKING:
    from orchestrator.bootstrap import Application

_PAGE = 1_000


@click.group()
def endpoints() -> None:
    """Make, list, change, try and forget endpoints; they count from the next event on, on every server."""


def _headers(_context: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition(":") for text in texts]
    if not all(colon for _, colon, _ in pairs):
        raise click.BadParameter('not of the form "Name: value"')
    return {name.strip(): value.strip() for name, _, value in pairs}


_options = (
    click.option("--description", default=None, help="For people."),
    click.option("--type", "types", multiple=True, help="Type or pattern: 'payment.*'; repeatable. Default: all."),
    click.option(
        "--header", "headers", multiple=True, callback=_headers, help='"Name: value", sent along; repeatable.'
    ),
    click.option("--max-in-flight", type=int, default=None, help="The most requests at once."),
    click.option("--per-second", type=int, default=None, help="The most requests a second; 0: no limit."),
    click.option("--ordered/--unordered", default=None, help="One payment's events one after the other."),
    click.option("--payments-headers/--no-payments-headers", default=None, help="Also send X-Payments-Signature."),
)


def _field_options(command: Any) -> Any:
    for option in reversed(_options):
        command = option(command)
    return command


@endpoints.command()
@click.argument("url")
@_field_options
@click.option("--asymmetric", is_flag=True, help="Also sign with an ed25519 key.")
@merchant_option
@database_options
def create(
    url: str,
    types: tuple[str, ...],
    merchant: str,
    config: str | None,
    database_url: str | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Make an endpoint at URL. Its secret is shown this once."""
    given = {name: value for name, value in fields.items() if value is not None}
    request = pb.WebhookEndpointServiceCreateRequest(url=url, merchant_id=merchant, event_types=types, **given)
    answer = with_application(config, database_url, lambda app: app.services.webhook_endpoints.create(request))
    _show_with_secret(answer.endpoint, answer.secret, as_json)


@endpoints.command("list")
@merchant_option
@database_options
def list_endpoints(merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """A merchant's endpoints, newest first."""

    async def work(application: Application) -> list[WebhookEndpoint]:
        request = pb.WebhookEndpointServiceListRequest(merchant_id=merchant, page_size=_PAGE)
        page = await application.services.webhook_endpoints.list(request)
        return list(page.endpoints)

    _print(with_application(config, database_url, work), as_json)


@endpoints.command()
@click.argument("endpoint_id")
@merchant_option
@database_options
def show(endpoint_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """One endpoint."""
    request = pb.WebhookEndpointServiceGetRequest(endpoint_id=endpoint_id, merchant_id=merchant)
    answer = with_application(config, database_url, lambda app: app.services.webhook_endpoints.get(request))
    _print([answer.endpoint], as_json)


@endpoints.command()
@click.argument("endpoint_id")
@click.option("--url", default=None, help="Where to.")
@_field_options
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@merchant_option
@database_options
def update(
    endpoint_id: str,
    types: tuple[str, ...],
    headers: dict[str, str],
    merchant: str,
    config: str | None,
    database_url: str | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Change what is named; types and headers take the place of those before."""
    given = {name: value for name, value in fields.items() if value is not None}
    request = pb.WebhookEndpointServiceUpdateRequest(endpoint_id=endpoint_id, merchant_id=merchant, **given)
    if types:
        request.event_types.patterns.extend(types)
    if headers:
        request.headers.values.update(headers)
    if not given and not types and not headers:
        raise click.UsageError("say what to change; --help lists what can be")
    answer = with_application(config, database_url, lambda app: app.services.webhook_endpoints.update(request))
    _print([answer.endpoint], as_json)


@endpoints.command()
@click.argument("endpoint_id")
@merchant_option
@database_options
def delete(endpoint_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Forget an endpoint; what was not delivered to it is not."""
    request = pb.WebhookEndpointServiceDeleteRequest(endpoint_id=endpoint_id, merchant_id=merchant)
    with_application(config, database_url, lambda app: app.services.webhook_endpoints.delete(request))
    _say({"deleted": endpoint_id}, f"{endpoint_id} is forgotten", as_json)


@endpoints.command()
@click.argument("endpoint_id")
@click.option(
    "--overlap", "overlap_s", type=int, default=None, help="Seconds that the old secret is good. Default: a day."
)
@merchant_option
@database_options
def rotate(
    endpoint_id: str, overlap_s: int | None, merchant: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Make a new secret, shown this once; messages are signed with both until the overlap ends."""
    request = pb.WebhookEndpointServiceRotateSecretRequest(
        endpoint_id=endpoint_id, merchant_id=merchant, overlap_s=overlap_s
    )
    answer = with_application(config, database_url, lambda app: app.services.webhook_endpoints.rotate_secret(request))
    _show_with_secret(answer.endpoint, answer.secret, as_json)


@endpoints.command()
@click.argument("endpoint_id")
@merchant_option
@database_options
def ping(endpoint_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """Send a test message from this machine, and say what came back. Exit status: 1 if it was not taken."""
    request = pb.WebhookEndpointServicePingRequest(endpoint_id=endpoint_id, merchant_id=merchant)
    answer = with_application(config, database_url, lambda app: app.services.webhook_endpoints.ping(request))
    text = f"HTTP {answer.status_code}" if answer.succeeded else answer.error
    _say(to_dict(answer), f"{text}, {answer.duration_ms} ms", as_json)
    sys.exit(0 if answer.succeeded else 1)


@endpoints.command()
@click.argument("endpoint_id")
@click.option("--since", callback=time_option, required=True, help="Recorded at or after; ISO 8601.")
@merchant_option
@database_options
def recover(
    endpoint_id: str, since: Any, merchant: str, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Send everything again that was recorded since then and the endpoint has not got."""
    request = pb.WebhookEndpointServiceRecoverRequest(endpoint_id=endpoint_id, merchant_id=merchant, since=since)
    answer = with_application(config, database_url, lambda app: app.services.webhook_endpoints.recover(request))
    _say({"count": answer.count}, f"{answer.count} deliveries are in line", as_json)


def _say(values: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(values)
    else:
        click.echo(text)


def _show_with_secret(endpoint: WebhookEndpoint, secret: str, as_json: bool) -> None:
    if as_json:
        print_json({**to_dict(endpoint), "secret": secret})
        return
    _print([endpoint], as_json)
    click.echo(f"secret: {secret}")
    click.echo("keep it: it is not shown again", err=True)


def _state(endpoint: WebhookEndpoint) -> str:
    name = pb.WebhookEndpointState.Name(endpoint.state).removeprefix("WEBHOOK_ENDPOINT_STATE_").lower()
    if endpoint.state == pb.WEBHOOK_ENDPOINT_STATE_ENABLED and endpoint.HasField("failing_since"):
        return "failing"
    return name


def _print(found: list[WebhookEndpoint], as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(to_dict(one))
        return
    rows = [
        (one.endpoint_id, _state(one), ", ".join(one.event_types) or "all", one.url, one.state_reason) for one in found
    ]
    print_table(("endpoint", "state", "types", "url", "why"), rows, none="no endpoints")
