"""SQLite's intents. Everything that changes them goes through the writer, and shares its commits."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from orchestrator.ledger.intents import Intent, State, known_key
from orchestrator.ledger.sql_intents import COLUMNS, ENDED, WAITING, intent_of, known_columns, values_of
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest

Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]

_UNKNOWN: Final = int(State.UNKNOWN)
_INSERT: Final = (
    "INSERT OR IGNORE INTO intents (key, merchant_id, connector, capability, request_id, request_hash, request, "
    "created_at, state, claim, tries, due_at, known_key, known) VALUES (?,?,?,?,?,?,?,?,?,?,0,?,?,?)"
)
_GET: Final = f"SELECT {COLUMNS} FROM intents WHERE key = ?"  # noqa: S608 - constants
_TAKE: Final = (
    f"UPDATE intents SET state = {_UNKNOWN}, claim = ?, due_at = ? WHERE key = ? "  # noqa: S608 - constants
    f"AND state IN {WAITING} AND (claim IS NULL OR due_at <= ?)"
)
_FINISH: Final = (
    "UPDATE intents SET state = ?, answer = ?, claim = NULL, due_at = NULL, known_key = coalesce(?, known_key), "
    "known = coalesce(?, known) WHERE key = ? AND claim = ?"
)
_POSTPONE: Final = (
    f"UPDATE intents SET state = {_UNKNOWN}, claim = NULL, due_at = ?, tries = tries + ? "  # noqa: S608 - constants
    "WHERE key = ? AND claim = ?"
)
_DUE: Final = "SELECT key FROM intents WHERE due_at <= ? ORDER BY due_at LIMIT ?"
_UNRESOLVED: Final = f"SELECT count(*), min(created_at) FROM intents WHERE due_at > 0 AND state = {_UNKNOWN}"  # noqa: S608
_UNDER_WAY: Final = (
    "SELECT 1 FROM intents WHERE due_at > 0 AND claim IS NOT NULL AND merchant_id = ? AND connector = ? LIMIT 1"
)
_PURGE: Final = (
    "DELETE FROM intents WHERE key IN (SELECT key FROM intents WHERE created_at < ? "  # noqa: S608 - constants
    f"AND state IN {ENDED} ORDER BY created_at LIMIT ?)"
)


class SqliteIntents:
    """Implements `Intents`. The clock is the machine's, which is the database's too."""

    def __init__(self, run: Run) -> None:
        """`run`: does a job under the write lock, and returns once it is committed."""
        self._run = run

    async def begin(self, intent: Intent, *, lease_s: float, known: KnownRequest | None = None) -> tuple[Intent, bool]:
        """See `Intents`."""
        claim = uuid.uuid4().bytes

        def job(connection: sqlite3.Connection) -> tuple[Intent, bool]:
            now_us = _now_us()
            until_us = now_us + int(lease_s * 1e6)
            new = (*values_of(intent), int(State.IN_FLIGHT), claim, until_us, *known_columns(intent, known))
            if connection.execute(_INSERT, new).rowcount:
                return replace(intent, claim=claim), True
            taken = connection.execute(_TAKE, (claim, until_us, intent.key, now_us)).rowcount
            return intent_of(connection.execute(_GET, (intent.key,)).fetchone()), bool(taken)

        begun: tuple[Intent, bool] = await self._run(job)
        return begun

    async def finish(self, intent: Intent, state: State, answer: bytes, known: KnownRequest | None = None) -> bool:
        """See `Intents`."""
        return await self._change(_FINISH, int(state), answer, *known_columns(intent, known), intent.key, intent.claim)

    async def postpone(self, intent: Intent, *, delay_s: float, counts: bool = True) -> bool:
        """See `Intents`."""
        return await self._change(_POSTPONE, _now_us() + int(delay_s * 1e6), int(counts), intent.key, intent.claim)

    async def forget(self, intent: Intent) -> bool:
        """See `Intents`."""
        return await self._change("DELETE FROM intents WHERE key = ? AND claim = ?", intent.key, intent.claim)

    async def claim_due(self, *, limit: int, lease_s: float) -> list[Intent]:
        """See `Intents`."""

        def job(connection: sqlite3.Connection) -> list[Intent]:
            now_us = _now_us()
            held = []
            for (key,) in connection.execute(_DUE, (now_us, limit)).fetchall():
                connection.execute(_TAKE, (uuid.uuid4().bytes, now_us + int(lease_s * 1e6), key, now_us))
                held.append(intent_of(connection.execute(_GET, (key,)).fetchone()))
            return held

        due: list[Intent] = await self._run(job)
        return due

    async def known_request(self, merchant_id: str, connector: str, connector_request_id: str) -> KnownRequest | None:
        """See `Intents`."""
        key = known_key(merchant_id, connector, connector_request_id)
        query = "SELECT known FROM intents WHERE known_key = ? LIMIT 1"
        row = await self._run(lambda connection: connection.execute(query, (key,)).fetchone())
        return None if row is None else KnownRequest.FromString(row[0])

    async def under_way(self, merchant_id: str, connector: str) -> bool:
        """See `Intents`."""
        values = (merchant_id, connector)
        return bool(await self._run(lambda connection: connection.execute(_UNDER_WAY, values).fetchone()))

    async def unresolved(self) -> tuple[int, float]:
        """See `Intents`."""
        count, oldest_us = await self._run(lambda connection: connection.execute(_UNRESOLVED).fetchone())
        return count, max(0.0, (_now_us() - oldest_us) / 1e6) if oldest_us is not None else 0.0

    async def purge(self, *, older_than_s: float, limit: int) -> int:
        """See `Intents`."""
        values = (_now_us() - int(older_than_s * 1e6), limit)
        purged: int = await self._run(lambda connection: connection.execute(_PURGE, values).rowcount)
        return purged

    async def _change(self, statement: str, *values: Any) -> bool:
        return bool(await self._run(lambda connection: connection.execute(statement, values).rowcount))


def _now_us() -> int:
    return time.time_ns() // 1000
