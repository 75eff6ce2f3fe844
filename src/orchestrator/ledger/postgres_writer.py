"""PostgreSQL's writer: one connection, and group commit. Several replicas write at once, each with a writer like this.

Whatever is handed in while a commit is under way goes into the next one together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from orchestrator.ledger.base import ChannelRule, Recorded
from orchestrator.ledger.postgres_batch import MOST_LOCKS, Overtaken, locks_of, record_batch
from orchestrator.ledger.rows import Prepared
from orchestrator.ledger.writing import MAX_BATCH, Entry, Gathering, closed, settle, told, unavailable
from orchestratorx_prism.errors import Unavailable

_TRIES = 8
"""How often a batch begins again, that another replica or a deadlock elsewhere got in the way of."""

_AGAIN = (
    Overtaken,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
_OF_THE_DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_FAULTS_OF_DATA = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
)
"""What one recording can be the cause of; every other error of the database means that it cannot be written to."""


class PostgresWriter:
    """Carries out recordings, each batch in one transaction."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        rules: Sequence[ChannelRule],
        committed: Callable[[int], None],
    ) -> None:
        """`committed`: told how many recordings each commit took."""
        self._connect = connect
        self._rules = rules
        self._committed = committed
        self._connection: Any = None
        self._waiting: deque[Entry] = deque()
        self._gathering = Gathering(self._hand_over)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begins to take recordings; connects with the first."""
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    async def stop(self) -> None:
        """Finishes what was handed in, and disconnects."""
        self._stopping = True
        self._changed.set()
        task, self._task = self._task, None
        if task is not None:
            await task

    def record(self, prepared: Sequence[Prepared]) -> list[asyncio.Future[Recorded]]:
        """Hands in recordings; each future ends when its commit did."""
        if self._task is None or self._stopping:
            raise closed()
        loop = asyncio.get_running_loop()
        entries = [Entry(loop, loop.create_future(), prepared=one) for one in prepared]
        self._gathering.add(loop, entries)
        return [entry.future for entry in entries]

    def _hand_over(self, entries: Sequence[Entry]) -> None:
        if self._task is None or self._stopping:
            settle(entries, [closed() for _ in entries])
            return
        self._waiting.extend(entries)
        self._changed.set()

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                if self._stopping:
                    await self._disconnect()
                    return
                self._changed.clear()
                await self._changed.wait()
            await self._carry_out(self._next_entries())

    def _next_entries(self) -> list[Entry]:
        """What waits, as much as one transaction may lock; at least one."""
        entries: list[Entry] = []
        locks = 0
        while self._waiting and len(entries) < MAX_BATCH:
            prepared = self._waiting[0].prepared
            locks += locks_of(prepared) if prepared is not None else 0
            if entries and locks > MOST_LOCKS:
                break
            entries.append(self._waiting.popleft())
        return entries

    async def _carry_out(self, entries: Sequence[Entry]) -> None:
        """All together; if one of them cannot be, each by itself, so that it does not take the others with it."""
        batch = [entry.prepared for entry in entries if entry.prepared is not None]
        try:
            recorded = await self._commit(batch)
        except Exception as error:
            for prepared in batch:
                prepared.restore()
            if _is_down(error):
                await self._disconnect()
                _settle(entries, [unavailable(error) for _ in entries])
            elif len(entries) == 1:
                _settle(entries, [told(error)])
            else:
                for entry in entries:
                    await self._carry_out([entry])
            return
        _settle(entries, recorded)
        self._committed(len(batch))

    async def _commit(self, batch: Sequence[Prepared]) -> list[Recorded]:
        for attempt in range(_TRIES):
            if self._connection is None or self._connection.is_closed():
                try:
                    self._connection = await self._connect()
                except _OF_THE_DATABASE as error:
                    raise unavailable(error) from error
            try:
                async with self._connection.transaction():
                    return await record_batch(self._connection, batch, self._rules)
            except _AGAIN:
                if attempt == _TRIES - 1:
                    raise
                for prepared in batch:
                    prepared.restore()
        raise AssertionError("unreachable")

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


def _is_down(error: Exception) -> bool:
    if isinstance(error, (*_AGAIN, Unavailable)):
        return True
    return isinstance(error, _OF_THE_DATABASE) and not isinstance(error, _FAULTS_OF_DATA)


def _settle(entries: Sequence[Entry], outcomes: Sequence[object]) -> None:
    for entry, outcome in zip(entries, outcomes, strict=True):
        if entry.future.done():
            continue
        if isinstance(outcome, BaseException):
            entry.future.set_exception(outcome)
        else:
            entry.future.set_result(outcome)
