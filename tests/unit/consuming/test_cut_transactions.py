"""A stream consumer's transaction that is cut off leaves SQLite free for everybody else."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session

from orchestratorx_prism import RetryPolicy, StreamEvent
from orchestratorx_prism.consuming import StreamConsumer
from orchestratorx_prism.consuming.sessions import Database, open_database
from orchestratorx_prism.consuming.sqlite_connection import WholeConnection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE effects (n INTEGER)")
        connection.execute("INSERT INTO effects VALUES (1)")
    connection.close()
    return tmp_path / "shop.db"


async def _nothing(event: StreamEvent, session: object) -> None:
    """The consumer's function, which is not called here."""


def _open(target: str | AsyncEngine) -> Database:
    return open_database(target, StreamConsumer("payments.events", "orders", _nothing, RetryPolicy()), concurrency=1)


def _use_from_elsewhere(path: Path) -> None:
    connection = sqlite3.connect(path, timeout=2)
    try:
        connection.execute("UPDATE effects SET n = n")
        connection.commit()
        assert connection.execute("SELECT count(*) FROM effects").fetchone() == (1,)
    finally:
        connection.close()


def _change(session: Session) -> None:
    session.execute(text("UPDATE effects SET n = n + 1 RETURNING n")).all()


@pytest.mark.parametrize("own_engine", [False, True])
async def test_no_lock_is_left_wherever_a_transaction_is_cut(path: Path, own_engine: bool) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with AsyncExitStack() as stack:  # connections that the application has used before
        for connection in [await stack.enter_async_context(engine.connect()) for _ in range(3)]:
            await connection.execute(text("SELECT 1"))
    database = _open(engine if own_engine else f"sqlite:///{path}")
    gc.disable()  # what the collector would find some day holds the lock until then
    try:
        for cut in range(40):
            work = asyncio.create_task(database.run(_change))
            for _ in range(cut):
                await asyncio.sleep(0)
            await asyncio.sleep(0.0001 * (cut % 8))
            work.cancel()
            await asyncio.wait([work])
            await asyncio.to_thread(_use_from_elsewhere, path)
    finally:
        gc.enable()
        await database.close()
        await engine.dispose()


async def test_a_database_in_memory_stays_as_it_is() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE effects (n INTEGER)"))
        await connection.execute(text("INSERT INTO effects VALUES (1)"))
    await _open(engine).run(_change)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT n FROM effects"))).scalar_one() == 2
    await engine.dispose()


def test_a_connection_closes_with_a_statement_under_way(path: Path) -> None:
    connection = sqlite3.connect(path, factory=WholeConnection)
    under_way = connection.cursor().execute("UPDATE effects SET n = n + 1 RETURNING n")
    connection.close()
    connection.close()
    _use_from_elsewhere(path)
    with pytest.raises(sqlite3.ProgrammingError):
        under_way.fetchone()
