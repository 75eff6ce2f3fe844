"""Sessions and transactions of stream consumers, over a blocking engine or an async one.

The SQL is written once, on blocking sessions; the async engine runs it by SQLAlchemy's `run_sync`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from orchestratorx_prism.consuming.handling import called_in_thread, failing_if_cancelled_inside
from orchestratorx_prism.consuming.postgres_bounds import bound
from orchestratorx_prism.consuming.reading import StreamEvent
from orchestratorx_prism.consuming.sqlite_connection import close_wholly
from orchestratorx_prism.consuming.streams import StreamConsumer, TransactionOwned
from orchestratorx_prism.consuming.tables import metadata, now_s
from orchestratorx_prism.errors import DriverMissing, SettingsRejected

T = TypeVar("T")
Step = Callable[[Session], None]

_DRIVERS = {
    ("postgresql", True): "postgresql+asyncpg",
    ("postgres", True): "postgresql+asyncpg",
    ("postgresql", False): "postgresql+psycopg",
    ("postgres", False): "postgresql+psycopg",
    ("sqlite", True): "sqlite+aiosqlite",
    ("sqlite", False): "sqlite+pysqlite",
}
"""Database of a URL without a driver, and whether the driver is to be async → SQLAlchemy's name of both."""
LONGEST_S = 5.0
"""Of a statement of the worker's own, beside handlers."""
_SPARE_CONNECTIONS = 3
"""Beside one for each handler: for renewals, for failures to be written down, and for pruning."""


class WorkerSession(Session):
    """What handlers get, itself or inside an AsyncSession: everything of a Session but the end of its transaction."""

    _lent = False

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """While a handler has it. Raises TransactionOwned if the handler ended the transaction by a way around."""
        transaction = self.get_transaction()
        self._lent = True
        try:
            yield
        finally:
            self._lent = False
        if self.get_transaction() is not transaction:
            raise TransactionOwned.by("the transaction was ended")

    def refuse_commit(self) -> None:
        """Also of those who reach for the transaction itself. Savepoints may be released."""
        if not self.in_nested_transaction():
            self._refuse_while_lent("session.get_transaction().commit()")

    def commit(self) -> None:
        self._refuse_while_lent("session.commit()")
        super().commit()

    def rollback(self) -> None:
        self._refuse_while_lent("session.rollback()")
        super().rollback()

    def close(self) -> None:
        self._refuse_while_lent("session.close()")
        super().close()

    def invalidate(self) -> None:
        self._refuse_while_lent("session.invalidate()")
        super().invalidate()

    def reset(self) -> None:
        self._refuse_while_lent("session.reset()")
        super().reset()

    def _refuse_while_lent(self, what: str) -> None:
        if self._lent:
            raise TransactionOwned.by(what)


event.listen(WorkerSession, "before_commit", WorkerSession.refuse_commit)


class Database(Protocol):
    """The application's database, as one worker uses it."""

    async def run(self, work: Callable[[Session], T], *, longest_s: float | None = LONGEST_S) -> T:
        """Does the work in a transaction of its own.

        `longest_s`: how long each statement of it, and each pause between two, may take. None: as the database has it;
        for work that locks nothing.
        """
        ...

    async def handle(self, consumer: StreamConsumer, delivered: StreamEvent, finish: Step, timeout_s: float) -> None:
        """The handler, then `finish`, then the commit: one transaction. Whatever any of them raises rolls it back."""
        ...

    async def close(self) -> None: ...


class AsyncDatabase:
    """See `Database`. For coroutine functions."""

    def __init__(self, engine: AsyncEngine, *, owned: bool) -> None:
        self.engine = engine
        self._owned = owned

    async def run(self, work: Callable[[Session], T], *, longest_s: float | None = LONGEST_S) -> T:
        async with AsyncSession(self.engine) as session, session.begin():
            if longest_s is not None:
                await session.run_sync(partial(bound, longest_s=longest_s))
            return await session.run_sync(work)

    async def handle(self, consumer: StreamConsumer, delivered: StreamEvent, finish: Step, timeout_s: float) -> None:
        async with AsyncSession(self.engine, sync_session_class=WorkerSession) as session:
            await session.run_sync(partial(_begin, timeout_s=timeout_s))
            assert isinstance(session.sync_session, WorkerSession)  # noqa: S101 - for the type checker: made above
            with session.sync_session.lent(), failing_if_cancelled_inside():
                async with asyncio.timeout(timeout_s):
                    await consumer.handler(delivered, session)
            await session.run_sync(finish)
            await session.commit()

    async def close(self) -> None:
        if self._owned:
            await self.engine.dispose()


class BlockingDatabase:
    """See `Database`. For plain functions, which run in threads."""

    def __init__(self, engine: Engine, *, threads: int, owned: bool) -> None:
        self.engine = engine
        self._owned = owned
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="stream-consumer")

    async def run(self, work: Callable[[Session], T], *, longest_s: float | None = LONGEST_S) -> T:
        def in_transaction() -> T:
            with Session(self.engine) as session, session.begin():
                if longest_s is not None:
                    bound(session, longest_s=longest_s)
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._pool, in_transaction)

    async def handle(self, consumer: StreamConsumer, delivered: StreamEvent, finish: Step, timeout_s: float) -> None:
        def in_transaction() -> None:
            with WorkerSession(self.engine) as session:
                _begin(session, timeout_s=timeout_s)
                with session.lent():
                    called_in_thread(partial(consumer.handler, delivered, session))
                finish(session)
                session.commit()

        with failing_if_cancelled_inside():
            await asyncio.get_running_loop().run_in_executor(self._pool, in_transaction)

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._owned:
            self.engine.dispose()


def open_database(target: str | Engine | AsyncEngine, consumer: StreamConsumer, *, concurrency: int) -> Database:
    """The database, by the kind of engine that the consumer's function needs.

    Args:
        target: "postgresql://user:password@host/name", "sqlite:///file.db", or an engine of the application's.

    Raises:
        SettingsRejected: No such database, or an engine of the other kind.
        DriverMissing: Its driver is not installed.
    """
    owned = isinstance(target, str)
    engine = _engine(target, consumer.is_async, concurrency) if isinstance(target, str) else target
    now_s(engine.dialect.name)
    if isinstance(engine, AsyncEngine) != consumer.is_async:
        wanted = "an AsyncEngine" if consumer.is_async else "an Engine"
        raise SettingsRejected(
            f"stream consumer {consumer.name}: its function needs {wanted}",
            fix="async functions go with create_async_engine, others with create_engine; a URL goes with both",
        )
    if isinstance(engine, AsyncEngine):
        if engine.dialect.driver == "aiosqlite":
            close_wholly(engine)
        return AsyncDatabase(engine, owned=owned)
    return BlockingDatabase(engine, threads=concurrency + _SPARE_CONNECTIONS, owned=owned)


def is_sqlite(target: str | Engine | AsyncEngine) -> bool:
    """Whether the database has one writer at a time."""
    if isinstance(target, str):
        return target.startswith("sqlite")
    return target.dialect.name == "sqlite"


async def create_tables(database: Database) -> None:
    """Makes the worker's tables if they are missing. Several workers may do so at once."""

    def create(session: Session) -> None:
        if session.get_bind().dialect.name == "postgresql":
            # CREATE TABLE IF NOT EXISTS of two at a time fails for one of them. The number is "prism" in ASCII.
            session.execute(text("SELECT pg_advisory_xact_lock(482906238829)"))
        metadata.create_all(session.connection())

    await database.run(create)


def _engine(url: str, wants_async: bool, concurrency: int) -> Engine | AsyncEngine:
    try:
        parsed = make_url(url)
        driver = _DRIVERS.get((parsed.drivername, wants_async), parsed.drivername)
        options: dict[str, Any] = {"pool_size": concurrency + _SPARE_CONNECTIONS, "pool_pre_ping": True}
        if parsed.get_backend_name() == "sqlite":
            options = {"connect_args": {"timeout": 30}}
        make: Callable[..., Engine | AsyncEngine] = create_async_engine if wants_async else create_engine
        return make(parsed.set(drivername=driver), **options)
    except ArgumentError:
        raise SettingsRejected(
            "the database URL cannot be read, or its driver is not the right one",
            reason="DATABASE_UNKNOWN",
            fix="postgresql://user:password@host/name or sqlite:///file.db",
        ) from None
    except ModuleNotFoundError as missing:
        raise DriverMissing(
            f"the database driver {missing.name} is not installed", fix=f"pip install {missing.name}"
        ) from missing


def _begin(session: Session, *, timeout_s: float) -> None:
    """Opens the transaction, so that it can be told whether it was ended."""
    session.begin()
    bound(session, longest_s=max(2 * timeout_s, 1.0))
