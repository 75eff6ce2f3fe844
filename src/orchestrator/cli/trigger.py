"""`orchestrator trigger`: post a signed, realistic webhook of any listed type to a running server."""

from __future__ import annotations

import secrets
import sys
import time
from difflib import get_close_matches

import click
import httpx

from connectors.spi import Label, SampleRequest, SampleWebhook
from orchestrator.cli.remote import api_key_option, http_url
from orchestrator.cli.webhook_urls import webhook_url
from orchestrator.plugins import connector_named
from orchestrator.settings import DEFAULT_MERCHANT
from orchestrator.settings_loading import load_settings
from orchestratorx_prism.errors import Unavailable, UnknownConnector
from orchestratorx_prism.sync import EventClient

DEFAULT_URL = "http://127.0.0.1:8080"
GRPC = "grpc://"
_TIMEOUT_S = 30.0


def _destination(_context: click.Context, _param: click.Parameter, text: str) -> str:
    return text if text.startswith(GRPC) else str(http_url(text))


@click.command()
@click.argument("connector")
@click.argument("event_type", required=False)
@click.option(
    "--to",
    default=DEFAULT_URL,
    show_default=True,
    callback=_destination,
    help="Server, webhook URL, or grpc://host:port.",
)
@click.option("--secret", default=None, help="What signs it. Default: the configured one.")
@click.option("--merchant", default=DEFAULT_MERCHANT, show_default=True, help="The merchant it is for.")
@click.option("--seed", default=None, type=int, help="Same seed, same payment. Default: a new payment.")
@click.option("--step", default=0, show_default=True, help="Tells apart two webhooks of one type and seed.")
@click.option("--amount", "amount_minor", default=1099, show_default=True, help="Minor units: 1099 is 10.99 with USD.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--reference", default="order-1", show_default=True, help="The merchant's own reference.")
@click.option(
    "--config", "config", default=None, type=click.Path(dir_okay=False), help="Settings file, for the secret."
)
@api_key_option
@click.option("--list", "list_types", is_flag=True, help="List the types and stop.")
def trigger(
    connector: str,
    event_type: str | None,
    to: str,
    secret: str | None,
    merchant: str,
    seed: int | None,
    step: int,
    amount_minor: int,
    currency: str,
    reference: str,
    config: str | None,
    api_key: str | None,
    list_types: bool,
) -> None:
    """Send a signed webhook, as CONNECTOR's provider would: `orchestrator trigger stripe payment_intent.succeeded`.

    PayPal's certificates cannot travel in a webhook: send those to --to grpc://127.0.0.1:50051.

    Exit status: 0 if the server acknowledged, 1 if it refused, 2 for wrong usage, 3 if it could not be reached.
    """
    label = _label(connector)
    if list_types:
        click.echo("\n".join(label.event_types))
        return
    if event_type is None or event_type not in label.event_types:
        near = get_close_matches(event_type or "", label.event_types, n=3)
        hint = f"did you mean {', '.join(near)}? " if near else ""
        raise click.BadParameter(f"{hint}`trigger {connector} --list` lists all", param_hint="EVENT_TYPE")
    if label.sample is None:
        raise click.BadParameter(f"{connector} has no simulator", param_hint="CONNECTOR")
    signing = secret if secret is not None else _configured_secret(label, merchant, config)
    if not signing:
        raise click.UsageError(f"no secret to sign with: give --secret, or set {label.webhook_secret_key or 'one'}")
    sample = label.sample(
        SampleRequest(
            event_type,
            secret=signing,
            now_s=int(time.time()),
            seed=secrets.randbits(53) if seed is None else seed,
            step=step,
            amount_minor=amount_minor,
            currency=currency,
            merchant_transaction_id=reference,
        )
    )
    accepted = (
        _call(sample, connector, merchant, signing, to, api_key)
        if to.startswith(GRPC)
        else _post(sample, connector, merchant, to)
    )
    sys.exit(0 if accepted else 1)


def _label(name: str) -> Label:
    try:
        return connector_named(name)
    except UnknownConnector as error:
        raise click.BadParameter(f"{error.message}; {error.fix}", param_hint="CONNECTOR") from None


def _configured_secret(label: Label, merchant: str, config: str | None) -> str:
    found = load_settings(config).merchant(merchant)
    connector = found.connectors.get(label.name) if found else None
    if connector is None:
        return ""
    if label.webhook_id_key:
        return connector.webhook_id
    return connector.webhook_secrets[0].get_secret_value() if connector.webhook_secrets else ""


def _post(sample: SampleWebhook, connector: str, merchant: str, to: str) -> bool:
    url = webhook_url(httpx.URL(to), sample, connector, merchant)
    shown = str(url).replace(sample.url_token, "…") if sample.url_token else str(url)
    try:
        answer = httpx.post(url, content=sample.body, headers=dict(sample.headers), timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"could not reach {shown}: {type(error).__name__}", fix="start it with `orchestrator serve`"
        ) from error
    click.echo(f"{answer.status_code} from {shown}\n{answer.text}".rstrip(), err=not answer.is_success)
    if sample.certificates and not answer.is_success:
        click.echo(f"its certificates cannot travel in a webhook: give --to {GRPC}127.0.0.1:50051", err=True)
    return answer.is_success


def _call(sample: SampleWebhook, connector: str, merchant: str, secret: str, to: str, api_key: str | None) -> bool:
    request: dict[str, object] = {
        "payload": sample.body,
        "headers": dict(sample.headers),
        "webhook_secret": secret,
        "webhook_id": secret,
        "url_token": sample.url_token,
        "purpose": sample.purpose,
        "certificates": list(sample.certificates),
    }
    if sample.known_request is not None:
        request["known_request"] = sample.known_request
    target = to.removeprefix(GRPC)
    with EventClient(connector=connector, merchant_id=merchant, target=target, api_key=api_key) as client:
        handled = client.handle_event(request)
    for event in handled.events:
        again = " (recorded before)" if event["id"] in handled.duplicates else ""
        click.echo(f"{event['type']} {event['id']}{again}")
    return True
