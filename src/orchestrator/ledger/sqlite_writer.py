"""SQLite's writer: one thread, one connection, and group commit.

Whatever is handed in while a commit is under way goes into the next one together, so that callers share the price of
`fsync`. Several processes may write to one file: each takes the write lock for one batch at a time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from orchestrator.ledger.base import ChannelRule, Recorded
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.rows import Prepared
from orchestrator.ledger.sqlite_batch import record_batch
from orchestrator.ledger.writing import MAX_BATCH, Entry, Gathering, closed, settle, told, unavailable
from orchestratorx_prism.errors import Unavailable

T = TypeVar("T")


class SqliteWriter:
    """Carries out recordings and jobs, each batch in one transaction."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        rules: Sequence[ChannelRule],
        bell: Bell,
        on_commit: Callable[[int], None] | None,
    ) -> None:
        self._connect = connect
        self._rules = rules
        self._bell = bell
        self._on_commit = on_commit
        self._waiting: deque[Entry] = deque()
        self._gathering = Gathering(self._hand_over)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """Opens the connection, in its own thread, where it stays."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ledger writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finishes what was handed in."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def record(self, prepared: Sequence[Prepared]) -> list[asyncio.Future[Recorded]]:
        """Hands in recordings; each future ends when its commit did."""
        loop = asyncio.get_running_loop()
        if self._thread is None or self._stopping:
            raise closed()
        entries = [Entry(loop, loop.create_future(), prepared=one) for one in prepared]
        self._gathering.add(loop, entries)
        return [entry.future for entry in entries]

    def run(self, job: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Hands in something else to be done under the write lock."""
        loop = asyncio.get_running_loop()
        if self._thread is None or self._stopping:
            raise closed()
        entry = Entry(loop, loop.create_future(), job=job)
        self._hand_over([entry])
        return entry.future

    def _hand_over(self, entries: Sequence[Entry]) -> None:
        with self._changed:
            taken = self._thread is not None and not self._stopping
            if taken:
                self._waiting.extend(entries)
                self._changed.notify()
        if not taken:
            settle(entries, [closed() for _ in entries])

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while entries := self._next_entries():
            try:
                connection = connection or self._connect()
            except (sqlite3.Error, Unavailable) as error:
                settle(entries, [unavailable(error) for _ in entries])
                continue
            if not self._carry_out(connection, entries):
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _next_entries(self) -> list[Entry]:
        """What waits; empty when it is time to stop."""
        with self._changed:
            while not self._waiting:
                if self._stopping:
                    return []
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]

    def _carry_out(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
        """All together; if one of them cannot be, each by itself, so that it does not take the others with it.

        Returns whether the connection is still good.
        """
        try:
            outcomes = self._commit(connection, entries)
        except Exception as error:
            for entry in entries:
                if entry.prepared is not None:
                    entry.prepared.restore()
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _FAULTS_OF_DATA):
                settle(entries, [unavailable(error) for _ in entries])
                return False
            if len(entries) == 1:
                settle(entries, [told(error)])
                return True
            healthy = True
            for entry in entries:
                healthy = self._carry_out(connection, [entry]) and healthy
            return healthy
        settle(entries, outcomes)
        recordings = sum(entry.prepared is not None for entry in entries)
        if recordings:
            self._bell.ring()
            if self._on_commit is not None:
                self._on_commit(recordings)
        return True

    def _commit(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[object]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            recordings = [entry.prepared for entry in entries if entry.prepared is not None]
            recorded = iter(record_batch(connection, recordings, self._rules) if recordings else ())
            outcomes: list[Any] = [
                entry.job(connection) if entry.job is not None else next(recorded) for entry in entries
            ]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes


_FAULTS_OF_DATA = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What one entry can be the cause of; every other error means that the database cannot be written to."""
