"""`orchestrator connectors`: the support table, made of the connectors' own labels."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from connectors.spi import Label, Trust
from orchestrator.http_api.requests import PURPOSES
from orchestrator.plugins import installed_connectors

TRUST_WORDS: dict[Trust.ValueType, tuple[str, str]] = {
    Trust.TRUST_SIGNED: ("signed", "the signature covers the body"),
    Trust.TRUST_SIGNED_WEAKLY: ("signed weakly", "the signature does not bind the whole body: ask before money moves"),
    Trust.TRUST_QUERY_BACK: ("unsigned", "accepted by URL token and address, believed when the provider confirms it"),
}
"""In one word, and in a sentence."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with the event types of each connector.")
def connectors(as_json: bool) -> None:
    """What each installed connector can do, how far its webhooks are to be trusted, and the settings it takes.

    A connector of a third party appears here once its package is installed.

    Exit status: 0.
    """
    described = [describe(label) for label in installed_connectors().values()]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(described), indent=2).decode())
        return
    console = Console(highlight=False)
    table = Table("connector", "trust", "event types", "can", box=None)
    for each in described:
        can = ", ".join(each["capabilities"])
        table.add_row(each["name"], each["trust_word"], str(len(each["event_types"])), can)
    console.print(table)
    for each in described:
        console.print(f"\n{each['title']}: {each['trust_text']}", style="bold", soft_wrap=True)
        console.print(f"  webhooks to  POST {each['webhook_path']}", soft_wrap=True)
        if each["purposes"]:
            console.print(f"  URLs for one purpose end in  /{'  /'.join(each['purposes'])}", soft_wrap=True)
        for key, where in each["config_keys"].items():
            console.print(f"  {key}  {where}", soft_wrap=True, markup=False)
    console.print(
        "\nThese are variables of the environment, for the merchant `default`. For others, and in the settings file:"
    )
    console.print("merchants.NAME.connectors.CONNECTOR, with webhook_secrets, webhook_id and credentials.")


def describe(label: Label) -> dict[str, Any]:
    """A label as plain values."""
    token = "/{token}" if label.trust == Trust.TRUST_QUERY_BACK else ""
    return {
        "name": label.name,
        "title": label.title,
        "capabilities": sorted(capability.value for capability in label.capabilities),
        "trust": Trust.Name(label.trust),
        "trust_word": TRUST_WORDS[label.trust][0],
        "trust_text": TRUST_WORDS[label.trust][1],
        "webhook_path": f"/webhooks/{label.ingress_alias or label.name}/{{merchant}}{token}",
        "purposes": [*PURPOSES, *label.purposes] if label.purposes else [],
        "config_keys": dict(label.config_keys),
        "webhook_secret_key": label.webhook_secret_key,
        "event_types": list(label.event_types),
    }
