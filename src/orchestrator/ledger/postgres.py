"""The ledger in PostgreSQL: for many replicas over one database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import asyncpg

from orchestrator.ledger import migrating
from orchestrator.ledger.base import ChannelRule, Outbox, Recorded, Recording
from orchestrator.ledger.filters import wanted
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.intents import Intents
from orchestrator.ledger.postgres_batch import NOW_US
from orchestrator.ledger.postgres_intents import PostgresIntents
from orchestrator.ledger.postgres_listener import Listener
from orchestrator.ledger.postgres_outbox import PostgresOutbox
from orchestrator.ledger.postgres_stream import events_after, head_cursor
from orchestrator.ledger.postgres_watermarks import PostgresWatermarks
from orchestrator.ledger.postgres_writer import PostgresWriter
from orchestrator.ledger.raw import RawVault
from orchestrator.ledger.replaying import replay
from orchestrator.ledger.rows import prepare
from orchestrator.ledger.sql_reading import Reading
from orchestrator.ledger.tables import PostgresTables, Tables
from orchestrator.ledger.watermarks import Watermarks
from orchestrator.ledger.writing import all_told, closed, unavailable, unreachable
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

POOL: Final = 8
"""Connections for reading and for the relay, besides the writer's and the listener's."""
COMMAND_TIMEOUT_S: Final = 30.0
POINT_QUERIES: Final = {
    "enable_seqscan": "off",
    "jit": "off",
    "application_name": "orchestratorx",
    "idle_in_transaction_session_timeout": "30s",
}
"""Every query here goes through an index, and stays prepared: a plan that was made while a table was empty must not
read the whole of it when it is not.

A replica that freezes inside a transaction, or is cut off from the server, must not keep its locks from the others
until the server's TCP gives it up, which takes hours."""
WRITER_QUERIES: Final = {
    **POINT_QUERIES,
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
_MIGRATION_LOCK: Final = 7_161_0001
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class PostgresLedger(Reading):
    """Implements `Ledger`. For one event loop."""

    def __init__(
        self,
        url: str,
        *,
        channels: Sequence[ChannelRule] = (),
        raw_keys: Mapping[str, bytes] | None = None,
        spanning: Collection[str] = (),
        migrate: bool = True,
        on_commit: Callable[[int], None] | None = None,
    ) -> None:
        """As `open_ledger` says."""
        self._url = url
        self._rules = tuple(channels)
        self._spanning = frozenset(spanning)
        self._migrate = migrate
        self._bell = Bell()
        self._pool: Any = None
        self._on_commit = on_commit
        self._listener = Listener(self._connect, self._bell)
        self._writer = PostgresWriter(self._connect, self._rules, self._committed)
        self._outbox = PostgresOutbox(self._transact, self._bell)
        self._intents = PostgresIntents(self._transact)
        self._watermarks = PostgresWatermarks(self._transact)
        self._tables = PostgresTables(self._transact)
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
            SettingsRejected: The tables are not of this release, and not to be migrated.
        """
        if self._pool is not None:
            return
        try:
            pool = asyncpg.create_pool(
                self._url,
                min_size=1,
                max_size=POOL,
                command_timeout=COMMAND_TIMEOUT_S,
                timeout=10.0,
                server_settings=POINT_QUERIES,
            )
            self._pool = await pool
        except (*_FAILURES, ValueError) as error:
            raise unreachable(error) from error
        try:
            await self._transact(self._bring_up_to_date)
        except BaseException:
            pool, self._pool = self._pool, None
            pool.terminate()
            raise
        self._writer.start()
        self._listener.start()

    async def close(self) -> None:
        """See `Ledger`."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        await self._writer.stop()
        await self._listener.stop()
        try:
            async with asyncio.timeout(5.0):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def ping(self) -> None:
        """See `Ledger`."""
        # "on" in a standby, and where an operator or a full disk has made the server read-only.
        rows = await self._fetch_rows("SELECT current_setting('transaction_read_only')", ())
        if rows[0][0] != "off":
            raise unavailable(asyncpg.ReadOnlySQLTransactionError("the server takes no writes"))

    async def record(self, recording: Recording) -> Recorded:
        """See `Ledger`."""
        return await self._writer.record([prepare(recording, self._spanning, self._vault)])[0]

    async def record_many(self, recordings: Sequence[Recording]) -> list[Recorded | PrismError]:
        """See `Ledger`."""
        prepared = [prepare(recording, self._spanning, self._vault) for recording in recordings]
        return await all_told(self._writer.record(prepared))

    async def events_after(self, cursor: str, where: EventFilter, *, limit: int) -> tuple[list[tuple[Event, str]], str]:
        """See `Ledger`."""
        wants = wanted(where, times=False)
        payment = await self._payment_number(wants.payment_id) if wants.payment_id else None
        return await events_after(self._fetch, cursor, wants, payment, limit)

    async def head_cursor(self) -> str:
        """See `Ledger`."""
        return await head_cursor(self._fetch)

    async def replay(self, where: EventFilter, event_ids: Sequence[str], *, channel: str) -> int:
        """See `Ledger`. Rows that were put into the outbox before a failure stay there."""
        wants = wanted(where)
        payment = await self._payment_number(wants.payment_id) if wants.payment_id else None
        return await replay(self._fetch, self._put, self._rules, wants, payment, event_ids, channel)

    async def _put(self, chosen: Sequence[tuple[str, int, str]]) -> None:
        query = (
            "INSERT INTO outbox (channel, n, event, partition_key, recorded_at, available_at, attempts) "  # noqa: S608
            f"SELECT channel, nextval('events_n'), event, partition_key, {NOW_US}, 0, 0 FROM (SELECT * FROM "
            "unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY "
            "AS r(channel, event, partition_key, place) ORDER BY place) AS chosen"
        )
        columns = [list(column) for column in zip(*chosen, strict=True)]
        await self._transact(lambda connection: connection.fetch(query, *columns))
        self._bell.ring()
        self._listener.announce()

    async def purge_raw(self, *, older_than_s: float, limit: int) -> int:
        """See `Ledger`."""
        query = (
            "WITH gone AS (DELETE FROM raw_bodies WHERE n IN (SELECT n FROM "  # noqa: S608 - a constant expression
            "(SELECT n, stored_at FROM raw_bodies ORDER BY n LIMIT $1) AS oldest "
            f"WHERE stored_at < {NOW_US} - $2) RETURNING 1) SELECT count(*) FROM gone"
        )
        older_us = int(older_than_s * 1_000_000)
        purged: int = await self._transact(lambda connection: connection.fetchval(query, limit, older_us))
        return purged

    def _committed(self, recordings: int) -> None:
        self._bell.ring()
        self._listener.announce()
        if self._on_commit is not None:
            self._on_commit(recordings)

    async def _connect(self) -> Any:
        return await asyncpg.connect(
            self._url, command_timeout=COMMAND_TIMEOUT_S, timeout=10.0, server_settings=WRITER_QUERIES
        )

    async def _bring_up_to_date(self, connection: Any) -> None:
        # Replicas that start together take turns: the first migrates, the others find it done.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
        version = None
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is not None:
            version = await connection.fetchval(migrating.VERSION_QUERY)
        if not self._migrate:
            migrating.check(version)
        for statement in migrating.statements("postgresql", version):
            await connection.execute(statement)

    async def _transact(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        pool = self._pool
        if pool is None:
            raise closed()
        try:
            async with pool.acquire() as connection, connection.transaction():
                return await work(connection)
        except PrismError:
            raise
        except _FAILURES as error:
            raise unavailable(error) from error

    async def _fetch_rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        pool = self._pool
        if pool is None:
            raise closed()
        try:
            rows: list[Any] = await pool.fetch(numbered(query), *values)
        except _FAILURES as error:
            raise unavailable(error) from error
        return rows


@lru_cache(maxsize=1_024)
def numbered(query: str) -> str:
    """The query with its marks `?` as PostgreSQL wants them. No text in a query has a question mark of its own."""
    first, *rest = query.split("?")
    return first + "".join(f"${place}{part}" for place, part in enumerate(rest, start=1))
