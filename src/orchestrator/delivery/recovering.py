"""Puts deliveries in line again: one, what a filter chooses, or what an endpoint has missed. In batches, each in a
transaction of its own: what was put in line before a failure stays there.

What is sent again goes behind first attempts: a large recovery does not delay what happens now.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from orchestrator.delivery.claims import POSTGRES_NOW, SQLITE_NOW
from orchestrator.delivery.completing import CANCELED, FAILED
from orchestrator.ledger.fanout import Patterns, delivery_key, line_of
from orchestrator.ledger.references import column_word
from orchestrator.ledger.tables import Plain, Tables, Work
from orchestratorx_prism.v1.event_pb2 import Event

BATCH: Final = 500
_ENABLED: Final = 1

Missed = tuple[bytes, str, int, int, str, int, int | None]
"""As `ledger.fanout.DeliveryRow`."""


async def recover(
    tables: Tables, merchant_id: str, endpoint: int, patterns: Sequence[str], *, ordered: bool, since_us: int
) -> int:
    """Everything received since then that the endpoint wants and has not got. Returns how many."""
    wanted = Patterns(patterns)
    owner = column_word(merchant_id)
    after, count = (since_us - 1, 1 << 62), 0
    while True:
        query = (
            "SELECT n, received_at, message FROM events WHERE merchant_id = {0} AND "  # noqa: S608
            "(received_at > {1} OR (received_at = {1} AND n > {2})) AND received_at >= {1} "
            f"ORDER BY received_at, n LIMIT {BATCH}"
        )
        found = await tables.read(
            Plain(query.format("?1", "?2", "?3"), query.format("$1", "$2", "$3"), (owner, *after))
        )
        events = [(row[0], Event.FromString(row[2])) for row in found]
        missed: list[Missed] = []
        for n, event in events:
            if wanted.take(event.type):
                line = line_of(event.partition_key)
                key = delivery_key(endpoint, event.id)
                kept = line if ordered else None
                missed.append((key, owner, endpoint, n, column_word(event.type), line, kept))
        if missed:
            count += await tables.transact(partial(put_in_line, missed))
        if len(found) < BATCH:
            return count
        after = (found[-1][1], found[-1][0])


def put_in_line(missed: Sequence[Missed]) -> Work[int]:
    """Those that there is no delivery of, and those whose delivery was given up. Returns how many."""
    keys = [row[0] for row in missed]
    rows = yield Plain(
        "SELECT key, n, state FROM deliveries WHERE key = ?",
        "SELECT key, n, state FROM deliveries WHERE key = ANY($1::bytea[])",
        (keys,),
        [(key,) for key in keys],
    )
    known = {bytes(row[0]): (row[1], row[2]) for row in rows}
    ended = [n for n, state in known.values() if state in (FAILED, CANCELED)]
    new = [row for row in missed if row[0] not in known]
    if new:
        yield from _owe(new)
    return len(new) + (yield from requeue(ended))


def _owe(new: Sequence[Missed]) -> Work[None]:
    columns = "n, key, merchant_id, endpoint, event, type, line, created_at, state, tries, failures, last_status"
    insert = f"INSERT INTO deliveries ({columns}) SELECT"
    # OFFSET 0 keeps the events in their order while they get their numbers.
    yield Plain(
        f"{insert} (SELECT coalesce(max(n), 0) + 1 FROM deliveries), ?1, ?2, ?3, ?4, ?5, ?6, {SQLITE_NOW}, "  # noqa: S608
        "1, 0, 0, 0 WHERE true ON CONFLICT (key) DO NOTHING",
        f"{insert} nextval('deliveries_n'), key, merchant_id, endpoint, event, type, line, {POSTGRES_NOW}, 1, 0, 0, 0 "  # noqa: S608
        "FROM (SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[]) "
        "WITH ORDINALITY AS t(key, merchant_id, endpoint, event, type, line, place) ORDER BY place OFFSET 0) AS w "
        "ON CONFLICT (key) DO NOTHING",
        [list(column) for column in zip(*(row[:6] for row in new), strict=True)],
        [row[:6] for row in new],
    )
    queue = "INSERT INTO delivery_queue (n, endpoint, again, due_at, line) SELECT d.n, d.endpoint, 1,"
    yield Plain(
        f"{queue} {SQLITE_NOW}, ?2 FROM deliveries d WHERE d.key = ?1 AND d.state = 1 ON CONFLICT (n) DO NOTHING",
        f"{queue} {POSTGRES_NOW}, w.kept FROM unnest($1::bytea[], $2::bigint[]) AS w(key, kept) "
        "JOIN deliveries d ON d.key = w.key WHERE d.state = 1 ON CONFLICT (n) DO NOTHING",
        ([row[0] for row in new], [row[6] for row in new]),
        [(row[0], row[6]) for row in new],
    )


def requeue(numbers: Sequence[int]) -> Work[int]:
    """Puts deliveries in line again, under the same id, from the beginning of the schedule. Returns how many: those
    whose endpoint is switched on. One that is under way stays so."""
    if not numbers:
        return 0
    put = "INSERT INTO delivery_queue (n, endpoint, again, due_at, line) "
    source = "CASE WHEN e.ordered = 1 THEN d.line END FROM deliveries d JOIN endpoints e ON e.n = d.endpoint "
    where = f"WHERE e.state = {_ENABLED} AND d.n"
    conflict = (
        "ON CONFLICT (n) DO UPDATE SET due_at = excluded.due_at, again = 1 WHERE delivery_queue.claim IS NULL "
        "RETURNING n"
    )
    rows = yield Plain(
        f"{put}SELECT d.n, d.endpoint, 1, {SQLITE_NOW}, {source}{where} = ? {conflict}",
        f"{put}SELECT d.n, d.endpoint, 1, {POSTGRES_NOW}, {source}{where} = ANY($1::bigint[]) {conflict}",
        (list(numbers),),
        [(n,) for n in numbers],
    )
    queued = [row[0] for row in rows]
    if queued:
        yield Plain(
            "UPDATE deliveries SET state = 1, failures = 0 WHERE n = ?",
            "UPDATE deliveries SET state = 1, failures = 0 WHERE n = ANY($1::bigint[])",
            (queued,),
            [(n,) for n in queued],
        )
    return len(queued)
