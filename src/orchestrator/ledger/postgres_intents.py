"""PostgreSQL's intents. The clock is the database's."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from orchestrator.ledger.intents import Intent, State, known_key
from orchestrator.ledger.postgres_batch import NOW_US
from orchestrator.ledger.sql_intents import COLUMNS, ENDED, WAITING, intent_of, known_columns, values_of
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest

Transact = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]

_UNKNOWN: Final = int(State.UNKNOWN)
_INSERT: Final = (
    "INSERT INTO intents (key, merchant_id, connector, capability, request_id, request_hash, request, created_at, "  # noqa: S608
    "state, claim, tries, due_at, known_key, known) "
    f"VALUES ($1,$2,$3,$4,$5,$6,$7,$8,{int(State.IN_FLIGHT)},$9,0,{NOW_US} + $10,$11,$12) "
    "ON CONFLICT DO NOTHING RETURNING 1"
)
_GET: Final = f"SELECT {COLUMNS} FROM intents WHERE key = $1"  # noqa: S608 - constants
_TAKE: Final = (
    f"UPDATE intents SET state = {_UNKNOWN}, claim = $2, due_at = {NOW_US} + $3 WHERE key = $1 "  # noqa: S608
    f"AND state IN {WAITING} AND (claim IS NULL OR due_at <= {NOW_US}) RETURNING {COLUMNS}"
)
_FINISH: Final = (
    "UPDATE intents SET state = $3, answer = $4, claim = NULL, due_at = NULL, known_key = coalesce($5, known_key), "
    "known = coalesce($6, known) WHERE key = $1 AND claim = $2 RETURNING 1"
)
_POSTPONE: Final = (
    f"UPDATE intents SET state = {_UNKNOWN}, claim = NULL, due_at = {NOW_US} + $3, tries = tries + $4::int "  # noqa: S608
    "WHERE key = $1 AND claim = $2 RETURNING 1"
)
_CLAIM_DUE: Final = (
    f"UPDATE intents i SET state = {_UNKNOWN}, claim = $3, due_at = {NOW_US} + $2 FROM "  # noqa: S608 - constants
    f"(SELECT key FROM intents WHERE due_at <= {NOW_US} ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS due "
    f"WHERE i.key = due.key RETURNING {', '.join('i.' + name for name in COLUMNS.split(', '))}"
)
_UNRESOLVED: Final = f"SELECT count(*), {NOW_US} - min(created_at) FROM intents WHERE due_at > 0 AND state = {_UNKNOWN}"  # noqa: S608
_UNDER_WAY: Final = (
    "SELECT 1 FROM intents WHERE due_at > 0 AND claim IS NOT NULL AND merchant_id = $1 AND connector = $2 LIMIT 1"
)
_PURGE: Final = (
    "WITH gone AS (DELETE FROM intents WHERE key IN (SELECT key FROM intents "  # noqa: S608 - constants
    f"WHERE created_at < {NOW_US} - $1 AND state IN {ENDED} ORDER BY created_at LIMIT $2) RETURNING 1) "
    "SELECT count(*) FROM gone"
)


class PostgresIntents:
    """Implements `Intents`."""

    def __init__(self, transact: Transact) -> None:
        """`transact`: runs a function of a connection in one transaction."""
        self._transact = transact

    async def begin(self, intent: Intent, *, lease_s: float, known: KnownRequest | None = None) -> tuple[Intent, bool]:
        """See `Intents`."""
        claim, lease_us = uuid.uuid4().bytes, int(lease_s * 1e6)

        async def work(connection: Any) -> tuple[Intent, bool]:
            if await connection.fetchval(_INSERT, *values_of(intent), claim, lease_us, *known_columns(intent, known)):
                return replace(intent, claim=claim), True
            taken = await connection.fetchrow(_TAKE, intent.key, claim, lease_us)
            return intent_of(taken or await connection.fetchrow(_GET, intent.key)), taken is not None

        begun: tuple[Intent, bool] = await self._transact(work)
        return begun

    async def finish(self, intent: Intent, state: State, answer: bytes, known: KnownRequest | None = None) -> bool:
        """See `Intents`."""
        return await self._change(_FINISH, intent, int(state), answer, *known_columns(intent, known))

    async def postpone(self, intent: Intent, *, delay_s: float, counts: bool = True) -> bool:
        """See `Intents`."""
        return await self._change(_POSTPONE, intent, int(delay_s * 1e6), int(counts))

    async def forget(self, intent: Intent) -> bool:
        """See `Intents`."""
        return await self._change("DELETE FROM intents WHERE key = $1 AND claim = $2 RETURNING 1", intent)

    async def claim_due(self, *, limit: int, lease_s: float) -> list[Intent]:
        """See `Intents`."""
        values = (limit, int(lease_s * 1e6), uuid.uuid4().bytes)
        return [intent_of(row) for row in await self._transact(lambda c: c.fetch(_CLAIM_DUE, *values))]

    async def known_request(self, merchant_id: str, connector: str, connector_request_id: str) -> KnownRequest | None:
        """See `Intents`."""
        key = known_key(merchant_id, connector, connector_request_id)
        query = "SELECT known FROM intents WHERE known_key = $1 LIMIT 1"
        found = await self._transact(lambda connection: connection.fetchval(query, key))
        return None if found is None else KnownRequest.FromString(found)

    async def under_way(self, merchant_id: str, connector: str) -> bool:
        """See `Intents`."""
        return bool(await self._transact(lambda c: c.fetchval(_UNDER_WAY, merchant_id, connector)))

    async def unresolved(self) -> tuple[int, float]:
        """See `Intents`."""
        count, age_us = await self._transact(lambda connection: connection.fetchrow(_UNRESOLVED))
        return count, max(0.0, float(age_us or 0) / 1e6)

    async def purge(self, *, older_than_s: float, limit: int) -> int:
        """See `Intents`."""
        older_us = int(older_than_s * 1e6)
        purged: int = await self._transact(lambda connection: connection.fetchval(_PURGE, older_us, limit))
        return purged

    async def _change(self, statement: str, intent: Intent, *values: Any) -> bool:
        arguments = (intent.key, intent.claim, *values)
        return bool(await self._transact(lambda connection: connection.fetchval(statement, *arguments)))
