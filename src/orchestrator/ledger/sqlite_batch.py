"""Records a batch into SQLite, inside the caller's write transaction: read, compute, write. Synchronous."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from orchestrator.ledger.base import ChannelRule, Recorded
from orchestrator.ledger.changes import Changes
from orchestrator.ledger.fanout import PENDING, DeliveryRow, Subscriber, delivery_rows, merchants_of
from orchestrator.ledger.payouts import DECODE as DECODE_PAYOUT
from orchestrator.ledger.payouts import PayoutRecord
from orchestrator.ledger.records import DECODE
from orchestrator.ledger.references import Name
from orchestrator.ledger.rows import Prepared, Rows, published, rows_of
from orchestrator.ledger.sql_reading import PUBLISHED
from orchestratorx_prism.v1.event_pb2 import Event

_CHUNK = 500
"""Most values of one IN list."""

_CHILD_UPSERT = (
    "INSERT INTO {} VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET "
    "payment = excluded.payment, status = excluded.status, message = excluded.message"
)

_PAYOUT_UPSERT = (
    "INSERT INTO payouts (key, merchant_id, connector, status, created_at, record, n) VALUES (?,?,?,?,?,?,?) "
    "ON CONFLICT (key) DO UPDATE SET status = excluded.status, record = excluded.record"
)


def record_batch(
    connection: sqlite3.Connection, batch: Sequence[Prepared], rules: Sequence[ChannelRule]
) -> list[Recorded]:
    """Facts, projections, names, raw bodies and outbox rows of all of them. Nobody else writes meanwhile."""
    now_us = time.time_ns() // 1000
    names = _names(connection, batch)
    payments = select_in(connection, "SELECT n, record FROM payments WHERE n IN ({})", list(set(names.values())))
    changes = Changes(
        names=names,
        payments={number: DECODE(record) for number, record in payments},
        known=_known(connection, batch),
        new_payment=_counting(connection),
        rules=rules,
        now_us=now_us,
        payouts=_payouts(connection, batch),
    )
    recorded = [changes.record(prepared.events) for prepared in batch]
    if changes.fresh:
        first = next_number(connection, [rule.name for rule in rules])
        numbers = range(first, first + len(changes.fresh))
        _write(connection, rows_of(changes, numbers, batch, _bodies(connection, batch), now_us))
        if subscribers := _subscribers(connection, batch):
            owe(connection, delivery_rows(changes.fresh, numbers, subscribers), now_us)
    return recorded


def next_number(connection: sqlite3.Connection, channels: Sequence[str]) -> int:
    """Greater than every event's, and than every row's in the outbox of these channels."""
    greatest: int = connection.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()[0]
    for channel in channels:
        query = "SELECT coalesce(max(n), 0) FROM outbox WHERE channel = ?"
        greatest = max(greatest, connection.execute(query, (channel,)).fetchone()[0])
    return greatest + 1


def select_in(connection: sqlite3.Connection, query: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
    """Rows of a query with an IN list: `{}` in it takes the marks."""
    for begin in range(0, len(values), _CHUNK):
        chunk = values[begin : begin + _CHUNK]
        yield from connection.execute(query.format(",".join("?" * len(chunk))), chunk).fetchall()


def _names(connection: sqlite3.Connection, batch: Sequence[Prepared]) -> dict[Name, int]:
    names = {name for prepared in batch for name in prepared.names}
    return dict(select_in(connection, "SELECT key, payment FROM names WHERE key IN ({})", list(names)))


def _payouts(connection: sqlite3.Connection, batch: Sequence[Prepared]) -> dict[Name, PayoutRecord]:
    names = {name for prepared in batch for name in prepared.payouts}
    found = select_in(connection, "SELECT key, record FROM payouts WHERE key IN ({})", list(names))
    return {key: DECODE_PAYOUT(record) for key, record in found}


def _known(connection: sqlite3.Connection, batch: Sequence[Prepared]) -> dict[str, Event]:
    keys = [key for prepared in batch for key in prepared.keys]
    query = f"SELECT e.message, {PUBLISHED} FROM events e WHERE e.key IN ({{}})"  # noqa: S608 - constants only
    known = {}
    for message, sent_us in select_in(connection, query, keys):
        event = published(message, sent_us)
        known[event.id] = event
    return known


def _bodies(connection: sqlite3.Connection, batch: Sequence[Prepared]) -> dict[bytes, int]:
    keys = [prepared.sealed[0] for prepared in batch if prepared.sealed is not None]
    return dict(select_in(connection, "SELECT key, n FROM raw_bodies WHERE key IN ({})", keys))


def _counting(connection: sqlite3.Connection) -> Callable[[], int]:
    """Numbers for new payments. Looked up once, and only if there are any."""
    last = 0

    def following() -> int:
        nonlocal last
        last = (last or connection.execute("SELECT coalesce(max(n), 0) FROM payments").fetchone()[0]) + 1
        return last

    return following


def _subscribers(connection: sqlite3.Connection, batch: Sequence[Prepared]) -> list[Subscriber]:
    query = (
        "SELECT n, merchant_id, event_types, ordered FROM endpoints WHERE state = 1 AND merchant_id IN ({}) "
        "ORDER BY merchant_id, n"
    )
    return list(select_in(connection, query, list(merchants_of(batch))))


def owe(connection: sqlite3.Connection, rows: Sequence[DeliveryRow], now_us: int) -> int:
    """Puts deliveries in line; those that there are already stay as they are. Returns how many are new."""
    n: int = connection.execute("SELECT coalesce(max(n), 0) FROM deliveries").fetchone()[0]
    first = n + 1
    due_us = now_us - 1_000  # SQLite's own clock has milliseconds: it must not be behind this
    for key, merchant_id, endpoint, event, event_type, line, kept in rows:
        values = (n + 1, key, merchant_id, endpoint, event, event_type, line, now_us, PENDING)
        if connection.execute(_INSERT_DELIVERY, values).rowcount:
            n += 1
            connection.execute(_INSERT_OWED, (n, endpoint, due_us, kept))
    return n + 1 - first


_INSERT_DELIVERY = (
    "INSERT INTO deliveries (n, key, merchant_id, endpoint, event, type, line, created_at, state, tries, failures, "
    "last_status) VALUES (?,?,?,?,?,?,?,?,?,0,0,0) ON CONFLICT (key) DO NOTHING"
)
_INSERT_OWED = "INSERT INTO delivery_queue (n, endpoint, again, due_at, line) VALUES (?,?,0,?,?)"


def _write(connection: sqlite3.Connection, rows: Rows) -> None:
    many = connection.executemany
    if rows.merged:
        moves = [(survivor, loser) for loser, survivor in rows.merged]
        many("UPDATE events SET payment = ? WHERE payment = ?", moves)
        many("DELETE FROM payments WHERE n = ?", [(loser,) for loser, _ in rows.merged])
    if rows.raw_bodies:
        many("INSERT INTO raw_bodies (n, key, stored_at, body) VALUES (?,?,?,?)", rows.raw_bodies)
    many(
        "INSERT INTO events (n, key, merchant_id, connector, type, payment, received_at, raw, message) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        rows.events,
    )
    if rows.created:
        many("INSERT INTO payments VALUES (?,?,?,?,?,?,?,?,?)", rows.created)
    if rows.updated:
        many(
            "UPDATE payments SET status = ?, currency = ?, merchant_transaction_id = ?, record = ?, amount = ? "
            "WHERE n = ?",
            rows.updated,
        )
    if rows.names:
        many(
            "INSERT INTO names VALUES (?,?) ON CONFLICT (key) DO UPDATE SET payment = excluded.payment",
            rows.names,
        )
    if rows.refunds:
        many(_CHILD_UPSERT.format("refunds"), rows.refunds)
    if rows.disputes:
        many(_CHILD_UPSERT.format("disputes"), rows.disputes)
    if rows.payouts:
        many(_PAYOUT_UPSERT, rows.payouts)
    if rows.outbox:
        many(
            "INSERT INTO outbox (channel, n, event, partition_key, recorded_at, available_at, attempts) "
            "VALUES (?,?,?,?,?,?,?)",
            rows.outbox,
        )
