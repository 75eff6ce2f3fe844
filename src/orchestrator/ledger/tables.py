"""Administration: SQLAlchemy's statements over the ledger's own database, one code for SQLite and PostgreSQL.

A transaction is a generator: it yields statements, is sent their rows, and returns what came of it. So the same
function runs in SQLite's writer thread, where it shares commits with recordings, and over asyncpg.

    def rename(merchant_id: str, name: str) -> Work[bool]:
        rows = yield update(merchants).where(...).values(display_name=name).returning(merchants.c.merchant_id)
        return bool(rows)

    renamed = await tables.transact(lambda: rename("acme", "Acme"))

Times are the database's: `now_us()` in a statement. What is asked many times a second, or cannot be said in one way for
both, is a `Plain`, written by hand. Not here: the recording path, which has writers of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import BigInteger
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from orchestratorx_prism.errors import NotSupported

T = TypeVar("T")
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Plain:
    """SQL by hand, for each database."""

    sqlite: str
    """With marks `?`."""
    postgres: str
    """With marks `$1`."""
    values: Sequence[Any] = ()
    """Of the marks. For PostgreSQL often whole columns, as arrays."""
    sqlite_rows: Sequence[Sequence[Any]] | None = None
    """SQLite has no arrays: it is asked once for each of these, and the answers are put together. None: once, with
    `values`."""


Statement = ClauseElement | Plain
Work = Generator[Statement, list[Row], T]
"""Yields statements, is sent the rows of each, returns what came of the transaction."""

SQLITE_NOW_US: Final = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
"""`now_us()` by hand. julianday has milliseconds, and its day begins at noon; 2440587.5 is 1970-01-01."""
POSTGRES_NOW_US: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

_SQLITE: Final = sqlite.dialect(paramstyle="qmark")
_POSTGRES: Final = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class now_us(GenericFunction[int]):  # noqa: N801 - SQL's own way
    """The database's clock. Microseconds since 1970, UTC."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_us, "sqlite")
def _sqlite_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    return SQLITE_NOW_US


@compiles(now_us, "postgresql")
def _postgres_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    return POSTGRES_NOW_US


class Tables(Protocol):
    """Both methods raise `Unavailable` when the database cannot answer; nothing is half done then."""

    async def read(self, statement: Statement) -> list[Row]:
        """The rows of one SELECT."""
        ...

    async def transact(self, work: Callable[[], Work[T]]) -> T:
        """Runs `work()` in one transaction, and returns after commit. It may be begun anew: it must change nothing
        but the database. What it raises undoes the transaction, and is raised."""
        ...


class SqliteTables:
    """Implements `Tables`."""

    def __init__(
        self,
        run: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]],
        fetch: Callable[[str, Sequence[Any]], Awaitable[list[Any]]],
    ) -> None:
        """`run`: does a job under the write lock, and returns once it is committed. `fetch`: a reader's query."""
        self._run = run
        self._fetch = fetch

    async def read(self, statement: Statement) -> list[Row]:
        """See `Tables`."""
        return await self._fetch(*_compiled(statement, _SQLITE))

    async def transact(self, work: Callable[[], Work[T]]) -> T:
        """See `Tables`."""

        def job(connection: sqlite3.Connection) -> T:
            steps = work()
            try:
                statement = next(steps)
                while True:
                    statement = steps.send(_asked_of_sqlite(connection, statement))
            except StopIteration as ended:
                result: T = ended.value
                return result

        context = copy_context()  # the job runs in the writer's thread, and knows there too on whose behalf it acts
        result: T = await self._run(lambda connection: context.run(job, connection))
        return result


class PostgresTables:
    """Implements `Tables`."""

    def __init__(self, transact: Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]) -> None:
        """`transact`: runs a function of an asyncpg connection in one transaction."""
        self._transact = transact

    async def read(self, statement: Statement) -> list[Row]:
        """See `Tables`."""
        query, values = _compiled(statement, _POSTGRES)
        rows: list[Row] = await self._transact(lambda connection: connection.fetch(query, *values))
        return rows

    async def transact(self, work: Callable[[], Work[T]]) -> T:
        """See `Tables`."""

        async def job(connection: Any) -> T:
            steps = work()
            try:
                statement = next(steps)
                while True:
                    query, values = _compiled(statement, _POSTGRES)
                    statement = steps.send(await connection.fetch(query, *values))
            except StopIteration as ended:
                result: T = ended.value
                return result

        result: T = await self._transact(job)
        return result


class NoTables:
    """A ledger in memory keeps no administration."""

    async def read(self, statement: Statement) -> list[Row]:
        """
        Raises:
            NotSupported: Always.
        """
        raise self._refusal()

    async def transact(self, work: Callable[[], Work[T]]) -> T:
        """
        Raises:
            NotSupported: Always.
        """
        raise self._refusal()

    def _refusal(self) -> NotSupported:
        return NotSupported(
            "a ledger in memory keeps no merchants, keys or endpoints",
            reason="DATABASE_NEEDED",
            fix="set database_url to sqlite:///file.db or postgresql://user:password@host/name",
        )


def _asked_of_sqlite(connection: sqlite3.Connection, statement: Statement) -> list[Row]:
    if not isinstance(statement, Plain) or statement.sqlite_rows is None:
        return connection.execute(*_compiled(statement, _SQLITE)).fetchall()
    found: list[Row] = []
    for values in statement.sqlite_rows:
        found += connection.execute(statement.sqlite, values)
    return found


def _compiled(statement: Statement, dialect: Any) -> tuple[str, Sequence[Any]]:
    """SQL in the driver's own style, and its values in order."""
    if isinstance(statement, Plain):
        return (statement.postgres if dialect is _POSTGRES else statement.sqlite), statement.values
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - anything else is a defect of ours
    values = compiled.params
    return compiled.string, [values[name] for name in compiled.positiontup or ()]
