"""SQLite's watermarks. Changes go through the writer, and share its commits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from orchestrator.ledger.watermarks import Source

Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]

_GET: Final = "SELECT until_at FROM watermarks WHERE merchant_id = ? AND connector = ? AND environment = ?"
_ADVANCE: Final = (
    "INSERT INTO watermarks (merchant_id, connector, environment, until_at, tried_at) VALUES (?,?,?,?,0) "
    "ON CONFLICT DO UPDATE SET until_at = max(until_at, excluded.until_at)"
)
_BEGIN: Final = (
    "INSERT INTO watermarks (merchant_id, connector, environment, until_at, tried_at) VALUES (?,?,?,0,?) "
    "ON CONFLICT DO UPDATE SET tried_at = excluded.tried_at WHERE tried_at <= ? OR tried_at > excluded.tried_at"
)
"""A time that is still to come was written by a clock that was wrong."""


class SqliteWatermarks:
    """Implements `Watermarks`. The clock is the machine's, which is the database's too."""

    def __init__(self, run: Run) -> None:
        """`run`: does a job under the write lock, and returns once it is committed."""
        self._run = run

    async def get(self, source: Source) -> int | None:
        """See `Watermarks`."""
        row = await self._run(lambda connection: connection.execute(_GET, _values(source)).fetchone())
        return row[0] // 1_000_000 if row is not None and row[0] else None

    async def advance(self, source: Source, until_s: int) -> None:
        """See `Watermarks`."""
        values = (*_values(source), until_s * 1_000_000)
        await self._run(lambda connection: connection.execute(_ADVANCE, values).rowcount)

    async def begin(self, source: Source, *, every_s: float) -> bool:
        """See `Watermarks`."""
        now_us = time.time_ns() // 1000
        values = (*_values(source), now_us, now_us - int(every_s * 1e6))
        return bool(await self._run(lambda connection: connection.execute(_BEGIN, values).rowcount))


def _values(source: Source) -> tuple[Any, ...]:
    return (source.merchant_id, source.connector, source.environment)
