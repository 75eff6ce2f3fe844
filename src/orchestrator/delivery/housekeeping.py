"""What must be done now and then: telling how deliveries stand, canceling what is owed to endpoints that are switched
off, forgetting what is old. Each in small batches; several processes may do so at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from orchestrator.delivery.claims import POSTGRES_NOW, SQLITE_NOW, Owed
from orchestrator.delivery.completing import CANCELED
from orchestrator.delivery.options import DeliveryMetrics, DispatchOptions, Standing
from orchestrator.delivery.posting import Poster
from orchestrator.delivery.telling import Telling
from orchestrator.ledger.tables import Plain, Tables, Work
from orchestratorx_prism.errors import PrismError

BATCH: Final = 500
DELETED: Final = 4
"""State of an endpoint that was deleted, while something is owed to it."""
_FORGOTTEN_AFTER_US: Final = 600_000_000
"""A deleted endpoint's row stays so long: a recording that began before may still owe it something."""

_log = structlog.get_logger(__name__)


class Housekeeping:
    """Runs beside a dispatcher."""

    def __init__(
        self,
        tables: Tables,
        poster: Poster,
        options: DispatchOptions,
        metrics: DeliveryMetrics,
        telling: Telling | None = None,
    ) -> None:
        self._tables = tables
        self._telling = telling
        self._poster = poster
        self._options = options
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._run(), name="deliveries housekeeping")

    async def stop(self) -> None:
        """Ends between two steps."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        purged_at = 0.0
        while True:
            try:
                await self._poster.sweep()
                self._metrics.deliveries_stand(await standing(self._tables))
                await self._repeat(lambda: self._tables.transact(cancel_switched_off))
                if time.monotonic() - purged_at >= self._options.purge_every_s or not purged_at:
                    await self._repeat(self._purge)
                    purged_at = time.monotonic()
                if self._telling is not None:  # last: an event that cannot be recorded holds up nothing else
                    await self._telling.tell()
            except PrismError as error:
                _log.warning("delivery.housekeeping_postponed", reason=error.reason)
            except Exception:
                # A defect must not end what alerts depend on.
                _log.error("delivery.housekeeping_failed", exc_info=True)
            await asyncio.sleep(self._options.housekeeping_s)

    async def _repeat(self, step: Callable[[], Awaitable[int]]) -> None:
        """While there is a whole batch of it."""
        full = True
        while full:
            full = await step() == BATCH

    async def _purge(self) -> int:
        older_us = int(self._options.retention_s * 1_000_000)
        return await self._tables.transact(lambda: purge(older_us))


def cancel_switched_off() -> Work[int]:
    """Cancels what is owed to endpoints that get nothing, but what is under way: at most BATCH. Returns how many."""
    owed = (
        "SELECT q.n FROM endpoints e JOIN delivery_queue q ON q.endpoint = e.n "
        "WHERE e.state > 1 AND (q.claim IS NULL OR q.due_at < {}) LIMIT {}"
    )
    sqlite, postgres = owed.format(SQLITE_NOW, BATCH), owed.format(POSTGRES_NOW, BATCH)
    rows = yield Plain(
        f"DELETE FROM delivery_queue WHERE n IN ({sqlite}) RETURNING n",  # noqa: S608 - constants
        f"DELETE FROM delivery_queue WHERE n = ANY(ARRAY({postgres})) RETURNING n",  # noqa: S608 - constants
    )
    numbers = [row[0] for row in rows]
    if numbers:
        yield Plain(
            f"UPDATE deliveries SET state = {CANCELED} WHERE n = ? AND state = 1",  # noqa: S608 - constants
            f"UPDATE deliveries SET state = {CANCELED} WHERE n = ANY($1::bigint[]) AND state = 1",  # noqa: S608
            (numbers,),
            [(n,) for n in numbers],
        )
    elif (yield Plain(*_some_deleted())):
        for table in ("endpoint_states", "endpoints"):
            column = "endpoint" if table == "endpoint_states" else "n"
            sqlite, postgres = _some_deleted()
            yield Plain(
                f"DELETE FROM {table} WHERE {column} IN ({sqlite})",  # noqa: S608 - constants
                f"DELETE FROM {table} WHERE {column} IN ({postgres})",  # noqa: S608 - constants
            )
    return len(numbers)


def _some_deleted() -> tuple[str, str]:
    query = "SELECT n FROM endpoints WHERE state = {} AND state > 1 AND updated_at < {} - {}"
    return (
        query.format(DELETED, SQLITE_NOW, _FORGOTTEN_AFTER_US),
        query.format(DELETED, POSTGRES_NOW, _FORGOTTEN_AFTER_US),
    )


def purge(older_us: int) -> Work[int]:
    """Forgets the oldest deliveries, with their attempts, if they are old enough and owed no more: at most BATCH."""
    oldest = f"SELECT n, created_at, state FROM deliveries ORDER BY n LIMIT {BATCH}"  # noqa: S608 - constants
    where = "SELECT n FROM ({}) AS oldest WHERE state <> 1 AND created_at < {} - {}"
    rows = yield Plain(
        f"DELETE FROM deliveries WHERE n IN ({where.format(oldest, SQLITE_NOW, '?')}) RETURNING n",  # noqa: S608
        f"DELETE FROM deliveries WHERE n IN ({where.format(oldest, POSTGRES_NOW, '$1')}) RETURNING n",  # noqa: S608
        (older_us,),
    )
    numbers = [row[0] for row in rows]
    if numbers:
        yield Plain(
            "DELETE FROM attempts WHERE delivery = ?",
            "DELETE FROM attempts WHERE delivery = ANY($1::bigint[])",
            (numbers,),
            [(n,) for n in numbers],
        )
    return len(numbers)


def release(owed: Sequence[Owed]) -> Work[None]:
    """Gives claimed deliveries back, due at once."""
    values = [(one.n, one.claim) for one in owed]
    yield Plain(
        f"UPDATE delivery_queue SET claim = NULL, due_at = {SQLITE_NOW} WHERE n = ? AND claim = ?",  # noqa: S608
        f"UPDATE delivery_queue q SET claim = NULL, due_at = {POSTGRES_NOW} "  # noqa: S608 - constants
        "FROM unnest($1::bigint[], $2::bytea[]) AS w(n, claim) WHERE q.n = w.n AND q.claim = w.claim",
        ([n for n, _ in values], [claim for _, claim in values]),
        values,
    )


async def standing(tables: Tables) -> Standing:
    """How deliveries stand now, by the beginnings of indexes."""
    query = (
        "SELECT t.now, (SELECT count(*) FROM (SELECT 1 FROM delivery_queue LIMIT 10000) AS counted), "
        "(SELECT d.created_at FROM delivery_queue q JOIN deliveries d ON d.n = q.n ORDER BY q.n LIMIT 1), "
        "(SELECT min((SELECT q.due_at FROM delivery_queue q WHERE q.endpoint = e.n AND q.again = 0 "
        "ORDER BY q.due_at LIMIT 1)) FROM endpoints e WHERE e.state = 1), "
        "(SELECT count(*) FROM endpoint_states s JOIN endpoints e ON e.n = s.endpoint "
        "WHERE e.state = 1 AND s.failing_since IS NOT NULL), "
        "(SELECT count(*) FROM endpoints WHERE state = 3 AND state > 1) FROM (SELECT {} AS now{}) t"
    )
    sqlite, postgres = query.format(SQLITE_NOW, ""), query.format(POSTGRES_NOW, " OFFSET 0")
    now, waiting, oldest, due, failing, failed = (await tables.read(Plain(sqlite, postgres)))[0]
    return Standing(
        waiting,
        max(0.0, (now - oldest) / 1_000_000) if oldest is not None else 0.0,
        max(0.0, (now - due) / 1_000_000) if due is not None else 0.0,
        failing,
        failed,
    )
