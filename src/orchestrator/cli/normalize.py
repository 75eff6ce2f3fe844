"""`orchestrator normalize`: verify and normalize bodies from disk, without a server."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from orchestrator.plugins import connector_named
from orchestrator.services.intake import Intake
from orchestrator.services.merchants import Merchants
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, MerchantSettings, Settings
from orchestratorx_prism.errors import PrismError, UnknownConnector
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest
from orchestratorx_prism.values import to_dict

_NS = 1_000_000_000


def _header(_context: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for place, text in enumerate(values, start=1):
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            # What was given is not repeated: it may be a signature.
            raise click.BadParameter(f"number {place} is not of the form 'Name: value'")
        headers[name.strip()] = value.strip()
    return headers


@click.command()
@click.argument("connector")
@click.argument("files", nargs=-1, required=True, type=click.File("rb"), metavar="FILE...")
@click.option("--header", "headers", multiple=True, callback=_header, help="'Name: value' as received; repeatable.")
@click.option("--secret", "secrets", multiple=True, help="Stripe whsec_…, Adyen's hex key, M-Pesa's token; repeatable.")
@click.option("--webhook-id", default="", help="PayPal: the webhook's id.")
@click.option(
    "--cert",
    "certs",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PayPal: PEM file; leaf first, then intermediates, then the root if the system does not have it; repeatable.",
)
@click.option("--url-token", default="", help="M-Pesa: the token that stood in the callback's URL.")
@click.option("--purpose", default="", help="M-Pesa: 'validation' or 'timeout', if the URL was registered for that.")
@click.option("--at", "at_s", type=int, default=None, help="Unix seconds to verify at, instead of now.")
@click.option("--unverified", is_flag=True, help="Skip verification; each event says so.")
@click.option("--json", "as_json", is_flag=True, help="One compact JSON object a line, also on a terminal.")
def normalize(
    connector: str,
    files: tuple[BinaryIO, ...],
    headers: dict[str, str],
    secrets: tuple[str, ...],
    webhook_id: str,
    certs: tuple[Path, ...],
    url_token: str,
    purpose: str,
    at_s: int | None,
    unverified: bool,
    as_json: bool,
) -> None:
    """Verify and normalize webhook bodies from FILE (or - for standard input).

    Prints one JSON object a file: {"file", "verified", "error": {"reason", "message"} or null, "events": […]}.
    Nothing is recorded or published, and no network is used.

    Exit status: 0 if all were accepted, 1 if any was refused, 2 for wrong usage.
    """
    try:
        connector_named(connector)
    except UnknownConnector as error:
        raise click.BadParameter(f"{error.message}; {error.fix}", param_hint="CONNECTOR") from None
    intake = _intake(connector, at_s)
    refused = False
    for file in files:
        request = HandleEventRequest(
            connector=connector,
            payload=file.read(),
            headers=headers,
            webhook_secrets=secrets,
            webhook_id=webhook_id,
            certificates=[path.read_bytes() for path in certs],
            url_token=url_token,
            purpose=purpose,
        )
        outcome = _normalized(intake, request, unverified=unverified)
        refused |= outcome["error"] is not None
        _print({"file": file.name, **outcome}, compact=as_json or not sys.stdout.isatty())
    sys.exit(1 if refused else 0)


def _normalized(intake: Intake, request: HandleEventRequest, *, unverified: bool) -> dict[str, Any]:
    try:
        accepted = intake.accept_unverified(request) if unverified else intake.accept_here(request)
    except PrismError as error:
        return {"verified": False, "error": {"reason": error.reason, "message": error.message}, "events": []}
    return {"verified": not unverified, "error": None, "events": [to_dict(event) for event in accepted.events]}


def _intake(connector: str, at_s: int | None) -> Intake:
    # What the codec says is shown as it is: nothing is held back for want of a confirmation.
    open_door = MerchantSettings(connectors={connector: ConnectorSettings(require_confirmation=False)})
    merchants = Merchants(Settings(merchants={DEFAULT_MERCHANT: open_door}))
    limit = Settings.model_fields["http_max_body_bytes"].default
    if at_s is None:
        return Intake(merchants, keeps_raw=False, max_body_bytes=limit, now_ns=time.time_ns)
    return Intake(merchants, keeps_raw=False, max_body_bytes=limit, now_ns=lambda: at_s * _NS)


def _print(value: dict[str, Any], *, compact: bool) -> None:
    text = msgspec.json.encode(value)
    click.echo((text if compact else msgspec.json.format(text, indent=2)).decode())
