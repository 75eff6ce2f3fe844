"""`orchestrator keys`: who may call, and what for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

import click
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table

from orchestrator.cli.administration import database_options, plain, print_json, span_s, with_services
from orchestrator.settings import DEFAULT_MERCHANT
from orchestratorx_prism.v1 import api_key_service_pb2 as pb

_ONCE = "This is shown once, and kept nowhere: put it where its user finds it."
_PAGE = 1_000
_WIDE = 400
"""Where nobody looks, nothing is cut. Columns."""

merchant_option = click.option(
    "--merchant", default=DEFAULT_MERCHANT, show_default=True, help='Whose; "*": the installation\'s own.'
)


@click.group()
def keys() -> None:
    """Make, list, show, rotate and revoke API keys.

    Works on the database of the settings, beside running servers, which know of it within a second.
    """


@keys.command()
@merchant_option
@click.option("--scope", "scopes", multiple=True, required=True, help="What for: payments:read; repeatable. '*': all.")
@click.option("--name", default="", help="For people.")
@click.option("--expires-in", callback=span_s, help="A span as 90d; default: never.")
@click.option("--calls-per-minute", default=0, type=click.IntRange(0), help="Default: the installation's limit.")
@database_options
def create(
    merchant: str,
    scopes: tuple[str, ...],
    name: str,
    expires_in: int | None,
    calls_per_minute: int,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Make a key."""
    request = pb.ApiKeyServiceCreateRequest(
        merchant_id=merchant, scopes=scopes, name=name, calls_per_minute=calls_per_minute
    )
    if expires_in is not None:
        request.expires_at.CopyFrom(Timestamp(seconds=int(time.time()) + expires_in))
    answer = with_services(config, database_url, lambda services: services.api_keys.create(request))
    if as_json:
        print_json(plain(answer))
        return
    click.echo(answer.secret)
    click.echo(f"{answer.api_key.key_id} of merchant {answer.api_key.merchant_id}. {_ONCE}", err=True)


@keys.command("list")
@merchant_option
@click.option("--ended", is_flag=True, help="Also those that are expired or revoked.")
@database_options
def list_keys(merchant: str, ended: bool, config: str | None, database_url: str | None, as_json: bool) -> None:
    """A merchant's keys, newest first; with --json one object a line."""
    request = pb.ApiKeyServiceListRequest(merchant_id=merchant, ended=ended, page_size=_PAGE)
    found: list[pb.ApiKey] = []
    while True:
        page = with_services(config, database_url, lambda services: services.api_keys.list(request))
        found += page.api_keys
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    if as_json:
        for key in found:
            print_json(plain(key))
    elif found:
        _print(found)
    else:
        click.echo(f"no keys of merchant {merchant}", err=True)


@keys.command()
@click.argument("key_id")
@merchant_option
@database_options
def show(key_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """One key, without its text."""
    request = pb.ApiKeyServiceGetRequest(key_id=key_id, merchant_id=merchant)
    answer = with_services(config, database_url, lambda services: services.api_keys.get(request))
    if as_json:
        print_json(plain(answer.api_key))
    else:
        _print([answer.api_key])


@keys.command()
@click.argument("key_id")
@merchant_option
@click.option("--overlap", callback=span_s, default="24h", show_default=True, help="How long the old one still works.")
@database_options
def rotate(
    key_id: str, merchant: str, overlap: int, config: str | None, database_url: str | None, as_json: bool
) -> None:
    """Make another key with the same rights; the old one ends after the overlap."""
    request = pb.ApiKeyServiceRotateRequest(key_id=key_id, merchant_id=merchant, overlap_s=overlap)
    answer = with_services(config, database_url, lambda services: services.api_keys.rotate(request))
    if as_json:
        print_json(plain(answer))
        return
    click.echo(answer.secret)
    ends = _time(answer.previous, "expires_at")
    click.echo(f"{answer.api_key.key_id} takes the place of {key_id}, which ends {ends}. {_ONCE}", err=True)


@keys.command()
@click.argument("key_id")
@merchant_option
@database_options
def revoke(key_id: str, merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """End a key, within a second on every server."""
    request = pb.ApiKeyServiceRevokeRequest(key_id=key_id, merchant_id=merchant)
    answer = with_services(config, database_url, lambda services: services.api_keys.revoke(request))
    if as_json:
        print_json(plain(answer.api_key))
    else:
        click.echo(f"{key_id} has ended: {_time(answer.api_key, 'revoked_at')}")


def _print(found: Iterable[pb.ApiKey]) -> None:
    table = Table(box=None)
    for title in ("key", "begins", "merchant", "name", "scopes", "made", "last used", "ends"):
        table.add_column(title, no_wrap=title in {"key", "begins"})
    for key in found:
        ends = f"revoked {_time(key, 'revoked_at')}" if key.HasField("revoked_at") else _time(key, "expires_at")
        table.add_row(
            key.key_id,
            key.prefix,
            key.merchant_id,
            key.name,
            " ".join(key.scopes),
            _time(key, "created_at"),
            _time(key, "last_used_at"),
            ends,
        )
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


def _time(key: pb.ApiKey, name: Literal["created_at", "expires_at", "revoked_at", "last_used_at"]) -> str:
    """To the second, UTC; "-": never."""
    return getattr(key, name).ToJsonString()[:19] + "Z" if key.HasField(name) else "-"
