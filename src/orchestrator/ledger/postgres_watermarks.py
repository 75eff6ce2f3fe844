"""PostgreSQL's watermarks. The clock is the database's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from orchestrator.ledger.postgres_batch import NOW_US
from orchestrator.ledger.watermarks import Source

Transact = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]

_KEY: Final = "(merchant_id, connector, environment)"
_GET: Final = "SELECT until_at FROM watermarks WHERE merchant_id = $1 AND connector = $2 AND environment = $3"
_ADVANCE: Final = (
    "INSERT INTO watermarks AS w (merchant_id, connector, environment, until_at, tried_at) "  # noqa: S608 - constants
    f"VALUES ($1, $2, $3, $4, 0) ON CONFLICT {_KEY} DO UPDATE SET until_at = greatest(w.until_at, excluded.until_at)"
)
_BEGIN: Final = (
    "INSERT INTO watermarks AS w (merchant_id, connector, environment, until_at, tried_at) "  # noqa: S608 - constants
    f"VALUES ($1, $2, $3, 0, {NOW_US}) ON CONFLICT {_KEY} DO UPDATE SET tried_at = excluded.tried_at "
    "WHERE w.tried_at <= excluded.tried_at - $4 OR w.tried_at > excluded.tried_at RETURNING 1"
)


class PostgresWatermarks:
    """Implements `Watermarks`."""

    def __init__(self, transact: Transact) -> None:
        """`transact`: runs a function of a connection in one transaction."""
        self._transact = transact

    async def get(self, source: Source) -> int | None:
        """See `Watermarks`."""
        until_us = await self._transact(lambda connection: connection.fetchval(_GET, *_values(source)))
        return until_us // 1_000_000 if until_us else None

    async def advance(self, source: Source, until_s: int) -> None:
        """See `Watermarks`."""
        values = (*_values(source), until_s * 1_000_000)
        await self._transact(lambda connection: connection.execute(_ADVANCE, *values))

    async def begin(self, source: Source, *, every_s: float) -> bool:
        """See `Watermarks`."""
        values = (*_values(source), int(every_s * 1e6))
        return bool(await self._transact(lambda connection: connection.fetchval(_BEGIN, *values)))


def _values(source: Source) -> tuple[Any, ...]:
    return (source.merchant_id, source.connector, source.environment)
