"""Events in commit order, from PostgreSQL, where numbers are given before commits, and transactions overlap.

The order is (transaction id, number). A row is handed out only when every transaction that began to write before its
own has ended (`pg_snapshot_xmin`): nothing can come before it any more. A long transaction anywhere in the cluster that
has written something holds the stream back; it never makes it skip.

A cursor is "transaction.number". One that was taken while transactions were under way also names the snapshot, so that
what was committed by then is left out, and what was under way is not: "transaction.number~xmin:xmax:xip,…".
"""

from __future__ import annotations

import re
from typing import Any, Final

from orchestrator.ledger.filters import Wanted
from orchestrator.ledger.paging import foreign_cursor
from orchestrator.ledger.references import column_text
from orchestrator.ledger.rows import published
from orchestrator.ledger.sql_reading import PUBLISHED, SLICE, Fetch, event_conditions
from orchestratorx_prism.v1.event_pb2 import Event

_CURSOR: Final = re.compile(
    r"(\d{1,18})(?:\.(\d{1,18}))?(?:~(\d{1,18}:\d{1,18}:(?:\d{1,18}(?:,\d{1,18}){0,999})?))?", re.ASCII
)
_SETTLED: Final = "xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEXT: Final = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_UNSEEN: Final = "NOT pg_visible_in_snapshot(xact::text::xid8, ?::text::pg_snapshot)"


async def head_cursor(fetch: Fetch) -> str:
    """After everything that is committed now."""
    snapshot: str = (await fetch("SELECT pg_current_snapshot()::text", ()))[0][0]
    return f"{snapshot.partition(':')[0]}.0~{snapshot}"


async def events_after(
    fetch: Fetch, cursor: str, wants: Wanted, payment: int | None, limit: int
) -> tuple[list[tuple[Event, str]], str]:
    """See `Ledger.events_after`."""
    xact, number, snapshot = _parsed(cursor)
    values: list[Any] = [xact, number]
    place = f"(xact, n) > (?, ?) AND {_SETTLED}"
    if snapshot:
        place, values = f"{place} AND {_UNSEEN}", [*values, snapshot]
    ends = await fetch(
        f"SELECT xact, n FROM (SELECT xact, n FROM events WHERE {place} ORDER BY xact, n LIMIT {SLICE}) AS slice "  # noqa: S608
        "ORDER BY xact DESC, n DESC LIMIT 1",
        values,
    )
    if not ends:
        if xact > (await fetch(_NEXT, ()))[0][0]:
            raise foreign_cursor()
        return [], cursor
    conditions = event_conditions(wants)
    conditions.add("merchant_id = ?", column_text(wants.merchant_id))
    if payment is not None:
        conditions.add("payment = ?", payment)
    rows = await fetch(
        f"SELECT e.xact, e.n, e.message, {PUBLISHED} FROM events e "  # noqa: S608 - values are bound
        f"WHERE {place} AND (e.xact, e.n) <= (?, ?) AND {conditions.text()} ORDER BY e.xact, e.n LIMIT ?",
        [*values, *ends[0], *conditions.values, limit],
    )
    found = [(published(row[2], row[3]), _text(row[0], row[1], snapshot)) for row in rows]
    return found, found[-1][1] if len(found) == limit else _text(ends[0][0], ends[0][1], snapshot)


def _parsed(cursor: str) -> tuple[int, int, str]:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise foreign_cursor()
    xact, number, snapshot = match.groups()
    if snapshot and not _ordered(snapshot):
        raise foreign_cursor()
    return int(xact), int(number or 0), snapshot or ""


def _ordered(snapshot: str) -> bool:
    """Whether PostgreSQL takes it: xmin <= every xip < xmax, ascending."""
    first, last, between = snapshot.split(":")
    running = [int(xid) for xid in between.split(",")] if between else []
    return 0 < int(first) <= int(last) and all(
        int(first) <= xid < int(last) and (place == 0 or running[place - 1] < xid) for place, xid in enumerate(running)
    )


def _text(xact: Any, number: Any, snapshot: str) -> str:
    # Once past the snapshot's end, everything is unseen, and it need not be carried on.
    if snapshot and xact < int(snapshot.split(":")[1]):
        return f"{xact}.{number}~{snapshot}"
    return f"{xact}.{number}"
