"""`orchestrator audit`: who did what, and whether the log of it is as it was written."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click
import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orchestrator.cli import DONE, REFUSED
from orchestrator.cli.administration import database_options, plain, print_json, with_services
from orchestrator.services import Services
from orchestratorx_prism.v1 import audit_service_pb2 as pb

_PAGE = 1_000
_HEAD_DIGITS = 64


@click.group()
def audit() -> None:
    """List, export and verify the audit log of the settings' database."""


def _time(_context: click.Context, _param: click.Parameter, text: str | None) -> Timestamp | None:
    if text is None:
        return None
    stamp = Timestamp()
    try:
        moment = datetime.fromisoformat(text)
        stamp.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter("not ISO 8601: 2026-01-31 or 2026-01-31T10:00:00Z") from None
    return stamp


def _head(_context: click.Context, _param: click.Parameter, text: str | None) -> bytes:
    if not text:
        return b""
    if len(text) != _HEAD_DIGITS:
        raise click.BadParameter(f"{_HEAD_DIGITS} hexadecimal digits, as `audit verify` prints them")
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise click.BadParameter("hexadecimal digits, as `audit verify` prints them") from None


def _chosen(command: Any) -> Any:
    for option in (
        click.option("--until", callback=_time, help="Before; ISO 8601."),
        click.option("--since", callback=_time, help="At or after; ISO 8601."),
        click.option("--actor", default="", help="Who: a key's id, settings, cli, system, anonymous."),
        click.option("--action", "actions", multiple=True, help="What: key.revoked, 'auth.*'; repeatable."),
        click.option("--merchant", default="*", show_default=True, help='Whose business; "*": everybody\'s.'),
    ):
        command = option(command)
    return command


def _request(chosen: dict[str, Any], *, page_size: int, oldest_first: bool) -> pb.AuditServiceListRequest:
    return pb.AuditServiceListRequest(
        merchant_id=chosen["merchant"],
        actions=chosen["actions"],
        actor=chosen["actor"],
        occurred_from=chosen["since"],
        occurred_until=chosen["until"],
        page_size=page_size,
        oldest_first=oldest_first,
    )


@audit.command("list")
@_chosen
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, _PAGE), help="How many at most.")
@database_options
def list_entries(limit: int, config: str | None, database_url: str | None, as_json: bool, **chosen: Any) -> None:
    """The newest entries first; with --json one object a line."""
    request = _request(chosen, page_size=limit, oldest_first=False)
    page = with_services(config, database_url, lambda services: services.audit.list(request))
    for entry in page.entries:
        if as_json:
            print_json(_as_dict(entry))
        else:
            click.echo(_line(entry))
    if page.next_page_token:
        click.echo(f"the {limit} newest; `orchestrator audit export` writes all", err=True)


@audit.command()
@_chosen
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; default: standard output.")
@database_options
def export(output: Path | None, config: str | None, database_url: str | None, as_json: bool, **chosen: Any) -> None:
    """All entries from the oldest on, as JSON lines, to be kept elsewhere."""
    request = _request(chosen, page_size=_PAGE, oldest_first=True)

    async def write(services: Services) -> int:
        count = 0
        with _opened(output) as file, _bar("entries") as bar:
            task = bar.add_task("exporting", total=None)
            async for entry in _all(services, request):
                file.write(msgspec.json.encode(_as_dict(entry)).decode() + "\n")
                count += 1
                bar.update(task, completed=count)
        return count

    written = with_services(config, database_url, write)
    if output is not None and not as_json:
        click.echo(f"{written} entries", err=True)


@audit.command()
@click.option("--head", "known_head", callback=_head, help="A head that was printed before and kept elsewhere.")
@database_options
def verify(known_head: bytes, config: str | None, database_url: str | None, as_json: bool) -> int:
    """Compute the log's chain anew.

    Exit status: 0 every entry is as it was written, 1 one is not, or is missing; which one is printed.
    """
    request = pb.AuditServiceVerifyRequest(known_head=known_head)

    async def check(services: Services) -> pb.AuditServiceVerifyResponse:
        with _bar("entries") as bar:
            task = bar.add_task("verifying", total=None)
            return await services.audit.verified(
                request, lambda seen, count: bar.update(task, completed=seen, total=count)
            )

    answer = with_services(config, database_url, check)
    found = {**plain(answer), "entries": answer.entries, "intact": answer.intact, "head": answer.head.hex()}
    if as_json:
        print_json({**found, "broken_at": answer.broken_at, "finding": answer.finding})
    elif answer.intact:
        click.echo(f"{answer.entries} entries, all as they were written\nhead {answer.head.hex()}")
    else:
        click.echo(f"broken at entry {answer.broken_at}: {answer.finding}", err=True)
    return DONE if answer.intact else REFUSED


async def _all(services: Services, request: pb.AuditServiceListRequest) -> AsyncIterator[pb.AuditEntry]:
    while True:
        page = await services.audit.list(request)
        for entry in page.entries:
            yield entry
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _as_dict(entry: pb.AuditEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "occurred_at": entry.occurred_at.ToJsonString(),
        "merchant_id": entry.merchant_id,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "remote_address": entry.remote_address,
        "details": dict(entry.details),
        "hash": entry.hash.hex(),
    }


def _line(entry: pb.AuditEntry) -> str:
    details = " ".join(f"{name}={value}" for name, value in sorted(entry.details.items()))
    at = entry.occurred_at.ToJsonString()[:19]
    where = f" from {entry.remote_address}" if entry.remote_address else ""
    who = f"{entry.actor}{where}"
    return f"{entry.number:6} {at}  {entry.action:18} {entry.merchant_id:12} {who}  {entry.target}  {details}".rstrip()


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8") as file:
        yield file


def _bar(unit: str) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
