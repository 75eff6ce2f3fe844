"""Records a batch into PostgreSQL, inside the caller's transaction: lock, read, compute, write. A dozen round trips.

Locks, always in this order, each kind sorted, so that replicas cannot wait for each other in a circle:

1. advisory locks on every name, payout, event and body of the batch: whoever has the same ones waits here, before
   reading. Before them one lock that all batches share. A batch of more keys than a server may have room for
   (`MOST_LOCKS`) takes that one for itself alone, and no other;
2. the rows of the payments that the names lead to.

Then nothing that was read can change before the commit, with one exception: another replica may have merged a payment
away between our look at a name and our lock on its row. Then the row is gone, and the batch begins again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from orchestrator.ledger.base import ChannelRule, Recorded
from orchestrator.ledger.changes import Changes
from orchestrator.ledger.fanout import PENDING, DeliveryRow, delivery_rows, merchants_of, subscribers_of
from orchestrator.ledger.payouts import DECODE as DECODE_PAYOUT
from orchestrator.ledger.payouts import PayoutRecord
from orchestrator.ledger.records import DECODE, PaymentRecord
from orchestrator.ledger.references import Name
from orchestrator.ledger.rows import Prepared, Rows, published, rows_of
from orchestrator.ledger.sql_reading import PUBLISHED
from orchestratorx_prism.v1.event_pb2 import Event

NOW_US: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

MOST_LOCKS: Final = 512
"""Advisory locks of one transaction. A server has room for 64 (`max_locks_per_transaction`) times its connections, of
which each replica has about ten."""

_SHARED: Final = -(1 << 63)
"""The lock that all batches share: the least of all numbers, so that it comes first."""

_LOCK: Final = (
    f"SELECT CASE k WHEN {_SHARED} THEN pg_advisory_xact_lock_shared(k) ELSE pg_advisory_xact_lock(k) END "  # noqa: S608
    "FROM unnest($1::bigint[]) AS k"
)
_LOCK_ALL: Final = f"SELECT pg_advisory_xact_lock({_SHARED})"
_NAMES: Final = "SELECT key, payment FROM names WHERE key = ANY($1::bytea[])"
_PAYMENTS: Final = "SELECT n, record FROM payments WHERE n = ANY($1::bigint[]) ORDER BY n FOR UPDATE"
_PAYOUTS: Final = "SELECT key, record FROM payouts WHERE key = ANY($1::bytea[])"
_KNOWN: Final = f"SELECT e.message, {PUBLISHED} FROM events e WHERE e.key = ANY($1::bytea[])"  # noqa: S608
_BODIES: Final = "SELECT key, n FROM raw_bodies WHERE key = ANY($1::bytea[])"
_NUMBERS: Final = (
    f"SELECT {NOW_US}, ARRAY(SELECT nextval('events_n') FROM generate_series(1, $1::int)), "  # noqa: S608 - constants
    "ARRAY(SELECT nextval('payments_n') FROM generate_series(1, $2::int)), "
    "(SELECT json_agg(json_build_array(n, merchant_id, event_types, ordered) ORDER BY merchant_id, n)::text "
    "FROM endpoints WHERE state = 1 AND merchant_id = ANY($3::text[]))"
)
"""The clock, numbers for events and payments, and the endpoints of these merchants; NULL if they have none."""


class Overtaken(Exception):
    """What was read is no longer true: the batch must begin again, in a new transaction."""


async def record_batch(connection: Any, batch: Sequence[Prepared], rules: Sequence[ChannelRule]) -> list[Recorded]:
    """Facts, projections, names, raw bodies and outbox rows of all of them.

    Raises:
        Overtaken: Another replica was faster. Nothing is written.
    """
    locks = _locks(batch)
    await (connection.fetch(_LOCK, [_SHARED, *locks]) if len(locks) <= MOST_LOCKS else connection.fetch(_LOCK_ALL))
    names = await _names(connection, batch)
    payments = await _payments(connection, set(names.values()))
    payouts = await _payouts(connection, batch)
    known = await _known(connection, batch)
    # Anomalies bring events of their own; how many is known only afterwards, so there is room for some.
    events = sum(len(prepared.events) for prepared in batch)
    merchants = list(merchants_of(batch))
    now_us, numbers, payment_numbers, wanting = await connection.fetchrow(_NUMBERS, 2 * events, events, merchants)
    changes = Changes(names, payments, known, _taking(payment_numbers), rules, now_us, payouts=payouts)
    recorded = [changes.record(prepared.events) for prepared in batch]
    if changes.fresh:
        numbers = sorted(numbers)
        if len(changes.fresh) > len(numbers):
            more = len(changes.fresh) - len(numbers)
            numbers += sorted((await connection.fetchrow(_NUMBERS, more, 0, []))[1])
        bodies = await _bodies(connection, batch)
        numbers = numbers[: len(changes.fresh)]
        await _write(connection, rows_of(changes, numbers, batch, bodies, now_us))
        if wanting is not None:
            await owe(connection, delivery_rows(changes.fresh, numbers, subscribers_of(wanting)), now_us)
    return recorded


async def owe(connection: Any, rows: Sequence[DeliveryRow], now_us: int) -> int:
    """Puts deliveries in line; those that there are already stay as they are. Returns how many are new."""
    if not rows:
        return 0
    return len(await connection.fetch(_OWE, *_columns(rows), now_us))


def locks_of(prepared: Prepared) -> int:
    """How many locks a recording needs, at most."""
    return len(prepared.keys) + len(prepared.names) + len(prepared.payouts) + 1


def _locks(batch: Sequence[Prepared]) -> list[int]:
    """64 bits of every key, ascending. Two keys with the same bits only wait for each other without need."""
    keys: set[bytes] = set()
    for prepared in batch:
        keys.update(key[:8] for key in prepared.keys)
        keys.update(name[:8] for name in prepared.names)
        keys.update(name[:8] for name in prepared.payouts)
        if prepared.sealed is not None:
            keys.add(prepared.sealed[0][:8])
    return sorted(struct.unpack(">q", key)[0] for key in keys)


async def _names(connection: Any, batch: Sequence[Prepared]) -> dict[Name, int]:
    names = {name for prepared in batch for name in prepared.names}
    rows = await connection.fetch(_NAMES, list(names)) if names else ()
    return {row[0]: row[1] for row in rows}


async def _payments(connection: Any, numbers: set[int]) -> dict[int, PaymentRecord]:
    if not numbers:
        return {}
    payments = {row[0]: DECODE(row[1]) for row in await connection.fetch(_PAYMENTS, sorted(numbers))}
    if len(payments) != len(numbers):
        raise Overtaken
    return payments


async def _payouts(connection: Any, batch: Sequence[Prepared]) -> dict[Name, PayoutRecord]:
    names = {name for prepared in batch for name in prepared.payouts}
    rows = await connection.fetch(_PAYOUTS, list(names)) if names else ()
    return {row[0]: DECODE_PAYOUT(row[1]) for row in rows}


async def _known(connection: Any, batch: Sequence[Prepared]) -> dict[str, Event]:
    keys = [key for prepared in batch for key in prepared.keys]
    events = [published(row[0], row[1]) for row in await connection.fetch(_KNOWN, keys)]
    return {event.id: event for event in events}


async def _bodies(connection: Any, batch: Sequence[Prepared]) -> dict[bytes, int]:
    keys = [prepared.sealed[0] for prepared in batch if prepared.sealed is not None]
    return {row[0]: row[1] for row in await connection.fetch(_BODIES, keys)} if keys else {}


def _taking(numbers: Iterable[int]) -> Callable[[], int]:
    waiting: Iterator[int] = iter(sorted(numbers))
    return lambda: next(waiting)


_INSERT_EVENTS: Final = (
    "INSERT INTO events (n, key, xact, merchant_id, connector, type, payment, received_at, raw, message) "
    "SELECT n, key, pg_current_xact_id()::text::bigint, merchant_id, connector, type, payment, received_at, raw, "
    "message "
    "FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], "
    "$8::bigint[], $9::bytea[]) AS r(n, key, merchant_id, connector, type, payment, received_at, raw, message) "
    "ON CONFLICT DO NOTHING RETURNING n"
)
_INSERT_PAYMENTS: Final = (
    "INSERT INTO payments "
    "(n, merchant_id, connector, status, currency, merchant_transaction_id, created_at, record, amount) "
    "SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[], "
    "$8::bytea[], $9::bigint[])"
)
_UPDATE_PAYMENTS: Final = (
    "UPDATE payments p SET status = r.status, currency = r.currency, "
    "merchant_transaction_id = r.merchant_transaction_id, record = r.record, amount = r.amount "
    "FROM unnest($1::int[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[]) "
    "AS r(status, currency, merchant_transaction_id, record, amount, n) WHERE p.n = r.n"
)
_UPSERT_NAMES: Final = (
    "INSERT INTO names (key, payment) SELECT * FROM unnest($1::bytea[], $2::bigint[]) "
    "ON CONFLICT (key) DO UPDATE SET payment = excluded.payment"
)
_UPSERT_CHILDREN: Final = (
    "INSERT INTO {} (key, n, payment, merchant_id, connector, status, created_at, message) "
    "SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::bigint[], "
    "$8::bytea[]) ON CONFLICT (key) DO UPDATE SET "
    "payment = excluded.payment, status = excluded.status, message = excluded.message"
)
_UPSERT_PAYOUTS: Final = (
    "INSERT INTO payouts (key, merchant_id, connector, status, created_at, record, n) "
    "SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::bigint[]) "
    "ON CONFLICT (key) DO UPDATE SET status = excluded.status, record = excluded.record"
)
_INSERT_OUTBOX: Final = (
    "INSERT INTO outbox (channel, n, event, partition_key, recorded_at, available_at, attempts) "
    "SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::int[])"
)
_OWE: Final = (
    "WITH r AS (SELECT nextval('deliveries_n') AS n, * FROM (SELECT * FROM unnest($1::bytea[], $2::text[], "  # noqa: S608
    "$3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[]) WITH ORDINALITY "
    "AS t(key, merchant_id, endpoint, event, type, line, kept, place) ORDER BY place) AS ordered), "
    "d AS (INSERT INTO deliveries (n, key, merchant_id, endpoint, event, type, line, created_at, state, tries, "
    f"failures, last_status) SELECT n, key, merchant_id, endpoint, event, type, line, $8::bigint, {PENDING}, 0, 0, 0 "
    "FROM r ON CONFLICT (key) DO NOTHING RETURNING n) "
    "INSERT INTO delivery_queue (n, endpoint, again, due_at, line) "
    "SELECT r.n, r.endpoint, 0, $8::bigint, r.kept FROM r JOIN d ON d.n = r.n RETURNING n"
)
_INSERT_BODIES: Final = (
    "INSERT INTO raw_bodies (n, key, stored_at, body) "
    "SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[])"
)


async def _write(connection: Any, rows: Rows) -> None:
    if rows.merged:
        losers, survivors = [list(column) for column in zip(*rows.merged, strict=True)]
        moves = "SELECT * FROM unnest($1::bigint[], $2::bigint[])"
        await connection.execute(
            f"UPDATE events e SET payment = m.survivor FROM ({moves}) AS m(loser, survivor) WHERE e.payment = m.loser",  # noqa: S608
            losers,
            survivors,
        )
        await connection.execute("DELETE FROM payments WHERE n = ANY($1::bigint[])", losers)
    await _insert(connection, _INSERT_BODIES, rows.raw_bodies)
    inserted = await connection.fetch(_INSERT_EVENTS, *_columns(rows.events))
    if len(inserted) != len(rows.events):
        raise Overtaken
    await _insert(connection, _INSERT_PAYMENTS, rows.created)
    await _insert(connection, _UPDATE_PAYMENTS, rows.updated)
    await _insert(connection, _UPSERT_NAMES, rows.names)
    await _insert(connection, _UPSERT_CHILDREN.format("refunds"), rows.refunds)
    await _insert(connection, _UPSERT_CHILDREN.format("disputes"), rows.disputes)
    await _insert(connection, _UPSERT_PAYOUTS, rows.payouts)
    await _insert(connection, _INSERT_OUTBOX, rows.outbox)


async def _insert(connection: Any, query: str, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        # fetch() keeps its statements prepared; execute() with arguments does, too, but returns less.
        await connection.fetch(query, *_columns(rows))


def _columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
