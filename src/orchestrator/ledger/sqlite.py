"""The ledger in one SQLite file: write-ahead log, synchronous=FULL, one writer thread, readers beside it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from orchestrator.ledger import sqlite_jobs
from orchestrator.ledger.base import ChannelRule, Outbox, Recorded, Recording
from orchestrator.ledger.filters import wanted
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.intents import Intents
from orchestrator.ledger.paging import foreign_cursor
from orchestrator.ledger.raw import RawVault
from orchestrator.ledger.references import column_text
from orchestrator.ledger.replaying import replay
from orchestrator.ledger.rows import prepare, published
from orchestrator.ledger.sql_reading import PUBLISHED, SLICE, Reading, event_conditions
from orchestrator.ledger.sqlite_intents import SqliteIntents
from orchestrator.ledger.sqlite_outbox import SqliteOutbox
from orchestrator.ledger.sqlite_watermarks import SqliteWatermarks
from orchestrator.ledger.sqlite_writer import SqliteWriter
from orchestrator.ledger.tables import SqliteTables, Tables
from orchestrator.ledger.watermarks import Watermarks
from orchestrator.ledger.writing import all_told, closed, unavailable
from orchestratorx_prism.errors import PrismError, SettingsRejected
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

BUSY_S: Final = 15.0
"""How long the write lock is waited for while other processes hold it."""
READERS: Final = 2
_CACHE_KIB: Final = 64 * 1024
_STATEMENTS: Final = 512
"""Prepared statements kept: some have a form for every number of values."""
_CHECKPOINT_PAGES: Final = 8_000
"""Pages that the log takes before it is written back: a page that changes often is then written back once."""

_bells: weakref.WeakValueDictionary[Path, Bell] = weakref.WeakValueDictionary()
"""Ledgers of one file in one process wake each other's readers."""


def _connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if readonly:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA case_sensitive_like = ON")  # as in PostgreSQL
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteLedger(Reading):
    """Implements `Ledger`."""

    def __init__(
        self,
        path: Path,
        *,
        channels: Sequence[ChannelRule] = (),
        raw_keys: Mapping[str, bytes] | None = None,
        spanning: Collection[str] = (),
        migrate: bool = True,
        on_commit: Callable[[int], None] | None = None,
    ) -> None:
        """As `open_ledger` says."""
        self._path = path.absolute()
        self._rules = tuple(channels)
        self._spanning = frozenset(spanning)
        self._migrate = migrate
        bell = _bells.get(self._path)
        self._bell = bell if bell is not None else _bells.setdefault(self._path, Bell())
        self._writer = SqliteWriter(lambda: _connect(self._path, readonly=False), self._rules, self._bell, on_commit)
        self._outbox = SqliteOutbox(self._writer.run, self._bell)
        self._intents = SqliteIntents(self._writer.run)
        self._watermarks = SqliteWatermarks(self._writer.run)
        self._tables = SqliteTables(self._writer.run, self._fetch_rows)
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        super().__init__(self._fetch_rows, RawVault(raw_keys or {}))

    @property
    def keeps_raw(self) -> bool:
        return self._vault.keeps

    @property
    def outbox(self) -> Outbox:
        return self._outbox

    @property
    def intents(self) -> Intents:
        return self._intents

    @property
    def watermarks(self) -> Watermarks:
        return self._watermarks

    @property
    def tables(self) -> Tables:
        return self._tables

    async def open(self) -> None:
        """See `Ledger`.

        Raises:
            SettingsRejected: There is no such folder, or the tables are not of this release and not to be migrated.
        """
        if self._readers is not None:
            return
        if not self._path.parent.is_dir():
            raise SettingsRejected(
                f"there is no folder {self._path.parent} for the database", fix="make it, or mend database_url"
            )
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger reader")
        self._writer.start()
        try:
            await self._writer.run(sqlite_jobs.migrate if self._migrate else sqlite_jobs.check)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See `Ledger`."""
        readers, self._readers = self._readers, None
        if readers is not None:
            await self._writer.stop()
            await asyncio.to_thread(readers.shutdown)
            while self._reading:
                self._reading.pop().close()

    async def ping(self) -> None:
        """See `Ledger`."""
        await self._writer.run(lambda connection: connection.execute("SELECT n FROM events LIMIT 1").fetchone())

    async def record(self, recording: Recording) -> Recorded:
        """See `Ledger`."""
        return await self._writer.record([prepare(recording, self._spanning, self._vault)])[0]

    async def record_many(self, recordings: Sequence[Recording]) -> list[Recorded | PrismError]:
        """See `Ledger`."""
        prepared = [prepare(recording, self._spanning, self._vault) for recording in recordings]
        return await all_told(self._writer.record(prepared))

    async def events_after(self, cursor: str, where: EventFilter, *, limit: int) -> tuple[list[tuple[Event, str]], str]:
        """See `Ledger`. Writers take turns, so the order of numbers is the order of commits."""
        if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
            raise foreign_cursor()
        wants = wanted(where, times=False)
        slice_ = f"SELECT n FROM events WHERE n > ? ORDER BY n LIMIT {SLICE}"  # noqa: S608 - constants only
        last = (await self._fetch(f"SELECT max(n) FROM ({slice_})", (int(cursor),)))[0][0]  # noqa: S608
        if last is None:
            if int(cursor) > int(await self.head_cursor()):
                raise foreign_cursor()
            return [], cursor
        conditions = event_conditions(wants)
        conditions.add("merchant_id = ?", column_text(wants.merchant_id))
        if wants.payment_id:
            conditions.add("payment = ?", await self._payment_number(wants.payment_id))
        query = (
            f"SELECT e.n, e.message, {PUBLISHED} FROM events e "  # noqa: S608 - values are bound
            f"WHERE e.n > ? AND e.n <= ? AND {conditions.text()} ORDER BY e.n LIMIT ?"
        )
        rows = await self._fetch(query, (int(cursor), last, *conditions.values, limit))
        found = [(published(row[1], row[2]), str(row[0])) for row in rows]
        return found, found[-1][1] if len(found) == limit else str(last)

    async def head_cursor(self) -> str:
        """See `Ledger`."""
        return str((await self._fetch("SELECT coalesce(max(n), 0) FROM events", ()))[0][0])

    async def replay(self, where: EventFilter, event_ids: Sequence[str], *, channel: str) -> int:
        """See `Ledger`. Rows that were put into the outbox before a failure stay there."""
        wants = wanted(where)
        payment = await self._payment_number(wants.payment_id) if wants.payment_id else None
        return await replay(self._fetch, self._put, self._rules, wants, payment, event_ids, channel)

    async def _put(self, chosen: Sequence[tuple[str, int, str]]) -> None:
        await self._writer.run(lambda connection: sqlite_jobs.put_into_outbox(connection, chosen))
        self._bell.ring()

    async def purge_raw(self, *, older_than_s: float, limit: int) -> int:
        """See `Ledger`."""
        return await self._writer.run(lambda connection: sqlite_jobs.purge_raw(connection, older_than_s, limit))

    async def _fetch_rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        readers = self._readers
        if readers is None:
            raise closed()
        try:
            return await asyncio.get_running_loop().run_in_executor(readers, self._read, query, values)
        except sqlite3.DatabaseError as error:
            raise unavailable(error) from error

    def _read(self, query: str, values: Sequence[Any]) -> list[Any]:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self._path, readonly=True)
            self._reading.append(connection)
        return connection.execute(query, values).fetchall()
