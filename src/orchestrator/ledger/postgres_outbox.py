"""PostgreSQL's outbox: the relay's side. Claims of one channel take turns, so that two never share a key."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from orchestrator.ledger.base import Backlog, Claim, OutboxRow
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.outbox_choice import Choice
from orchestrator.ledger.postgres_batch import NOW_US

Transact = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]

_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7161))"
_UNSENT: Final = "SELECT n, partition_key, available_at FROM outbox WHERE channel = $1 AND n > $2 ORDER BY n LIMIT $3"
_OF_KEYS: Final = (
    "SELECT n, partition_key FROM outbox WHERE channel = $1 AND n <= $2 AND partition_key IN "
    "(SELECT partition_key FROM outbox WHERE channel = $1 AND n = ANY($3::bigint[])) ORDER BY n"
)
_CLAIM: Final = (
    "UPDATE outbox o SET available_at = $1, claim = $2, attempts = o.attempts + 1 FROM events e "
    "WHERE o.channel = $3 AND o.n = ANY($4::bigint[]) AND e.n = o.event "
    "RETURNING o.n, e.message, o.partition_key, o.attempts"
)
_COMPLETE: Final = (
    "WITH done AS ("  # noqa: S608 - constants
    "DELETE FROM outbox WHERE channel = $1 AND claim = $2 AND n = ANY($3::bigint[]) RETURNING event), "
    f"noted AS (INSERT INTO sent (event, channel, sent_at) SELECT DISTINCT event, $1, {NOW_US} FROM done "
    "ON CONFLICT DO NOTHING) SELECT count(*) FROM done"
)
_RELEASE: Final = (
    f"UPDATE outbox SET available_at = {NOW_US} + $4, claim = NULL "  # noqa: S608 - a constant expression
    "WHERE channel = $1 AND claim = $2 AND n = ANY($3::bigint[])"
)
_PURGE: Final = (
    "WITH gone AS (DELETE FROM sent WHERE (event, channel) IN (SELECT event, channel FROM "  # noqa: S608 - constants
    "(SELECT event, channel, sent_at FROM sent ORDER BY event, channel LIMIT $1) AS oldest "
    f"WHERE sent_at < {NOW_US} - $2) RETURNING 1) SELECT count(*) FROM gone"
)
_BACKLOG: Final = (
    "SELECT (SELECT count(*) FROM outbox WHERE channel = $1), "  # noqa: S608 - constants
    f"{NOW_US} - (SELECT recorded_at FROM outbox WHERE channel = $1 ORDER BY n LIMIT 1)"
)


class PostgresOutbox:
    """Implements `Outbox`. The clock is the database's."""

    def __init__(self, transact: Transact, bell: Bell) -> None:
        """`transact`: runs a function of a connection in one transaction."""
        self._transact = transact
        self._bell = bell

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Claim:
        """See `Outbox`."""
        claim_id = uuid.uuid4()

        async def work(connection: Any) -> list[OutboxRow]:
            await connection.execute(_TURN, channel)
            now_us = await connection.fetchval(f"SELECT {NOW_US}")
            choice = Choice(limit, now_us)
            slices = 0
            while choice.wants_more:
                choice.look_at(await connection.fetch(_UNSENT, channel, choice.after, choice.next_slice))
                slices += 1
            chosen = choice.chosen
            if slices > 1 and chosen:
                chosen = await _not_overtaking(connection, channel, chosen)
            if not chosen:
                return []
            until_us = now_us + int(lease_s * 1_000_000)
            rows = await connection.fetch(_CLAIM, until_us, claim_id.bytes, channel, chosen)
            return sorted((OutboxRow(row[0], channel, *row[1:]) for row in rows), key=lambda row: row.row_id)

        return Claim(claim_id.hex, await self._transact(work))

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        """See `Outbox`."""
        if not row_ids or not claim.rows:
            return 0
        values = (claim.rows[0].channel, uuid.UUID(hex=claim.claim_id).bytes, list(row_ids))
        done: int = await self._transact(lambda connection: connection.fetchval(_COMPLETE, *values))
        return done

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        """See `Outbox`."""
        if not row_ids or not claim.rows:
            return
        values = (claim.rows[0].channel, uuid.UUID(hex=claim.claim_id).bytes, list(row_ids), int(delay_s * 1_000_000))
        await self._transact(lambda connection: connection.execute(_RELEASE, *values))
        if delay_s <= 0:
            self._bell.ring()

    async def backlog(self, channel: str) -> Backlog:
        """See `Outbox`."""
        unsent, age_us = await self._transact(lambda connection: connection.fetchrow(_BACKLOG, channel))
        return Backlog(unsent, max(0.0, float(age_us or 0) / 1_000_000))

    async def wait_for_work(self, timeout_s: float) -> None:
        """See `Outbox`. Rung by this process' commits, and by notifications of the others'."""
        await self._bell.wait(timeout_s)

    async def purge_sent(self, *, older_than_s: float, limit: int) -> int:
        """See `Outbox`. Here rows leave the outbox when they are sent; this forgets when that was."""
        older_us = int(older_than_s * 1_000_000)
        purged: int = await self._transact(lambda connection: connection.fetchval(_PURGE, limit, older_us))
        return purged


async def _not_overtaking(connection: Any, channel: str, chosen: Sequence[int]) -> list[int]:
    """Those of the chosen rows that have none of their key before them that is not chosen, too.

    A slice is read in one look, and shows with each row all that its key had before. Between two slices, an earlier
    row and a later one of a key may be committed, and the first slice has seen neither.
    """
    wanted = set(chosen)
    kept: list[int] = []
    held: set[str] = set()
    for number, key in await connection.fetch(_OF_KEYS, channel, chosen[-1], chosen):
        if number not in wanted:
            held.add(key)
        elif key not in held:
            kept.append(number)
    return kept
