"""A database that does not answer is waited through, whatever its driver says, and keeps nobody from stopping."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from orchestratorx_prism import RetryPolicy, StreamEvent, StreamWorker
from orchestratorx_prism.brokers import BrokerSettings, Message, open_broker
from orchestratorx_prism.consuming import StreamConsumer
from orchestratorx_prism.consuming import worker as worker_module


@pytest.fixture
def messaging() -> BrokerSettings:
    return BrokerSettings("memory", url=f"memory://{uuid.uuid4().hex}", ack_wait_s=0.5)


def stream_message(number: int) -> Message:
    body = b'{"event_type": "Updated", "payload": {}}'
    return Message(f"m-{number}", "payments.events", "k", body, {"content-type": "application/json"})


@pytest.mark.parametrize(
    "said",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
async def test_what_asyncpg_itself_says_of_a_server_that_starts_is_waited_through(
    said: Exception, messaging: BrokerSettings, tmp_path: Path
) -> None:
    """SQLAlchemy 2.0 lets it pass as it is, if it is said while a connection is made."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    refusals = [said]

    @event.listens_for(engine.sync_engine, "do_connect")
    def refuse_once(*_: Any) -> None:
        if refusals:
            raise refusals.pop()

    handled = asyncio.Event()

    async def handle(_: StreamEvent, session: AsyncSession) -> None:
        handled.set()

    consumer = StreamConsumer("payments.events", "orders", handle, RetryPolicy())
    broker = open_broker(messaging)
    assert await broker.publish([stream_message(1)]) == [None]
    worker = StreamWorker(messaging, engine, consumers=[consumer], lease_s=0.3)
    async with asyncio.timeout(8), asyncio.TaskGroup() as running:
        running.create_task(worker.run())
        await handled.wait()
        await worker.stop()
    assert refusals == []
    await engine.dispose()


@pytest.fixture
async def silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The URL of a database that takes connections and says nothing, and whether somebody has come."""
    came, writers = asyncio.Event(), []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        came.set()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield f"postgresql://shop:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}/shop", came
    for writer in writers:
        writer.close()
    server.close()


async def test_a_worker_whose_database_says_nothing_can_be_stopped(
    messaging: BrokerSettings, silent_server: tuple[str, asyncio.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_ANSWERS_WITHIN_S", 0.5)

    async def handle(_: StreamEvent, session: AsyncSession) -> None: ...

    url, came = silent_server
    consumer = StreamConsumer("payments.events", "orders", handle, RetryPolicy())
    worker = StreamWorker(messaging, url, consumers=[consumer], lease_s=0.3)
    await worker.start()
    async with asyncio.timeout(8):
        await came.wait()
        await worker.stop()


async def test_a_worker_whose_database_falls_silent_stops_and_gives_back_what_it_has(
    messaging: BrokerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_ANSWERS_WITHIN_S", 0.5)
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args={"check_same_thread": False})
    silent, goes_on = threading.Event(), threading.Event()

    @event.listens_for(engine, "before_cursor_execute")
    def hang(*_: Any) -> None:
        if silent.is_set():
            assert goes_on.wait(20)

    handling = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handle(_: StreamEvent, session: Session) -> None:
        silent.set()
        loop.call_soon_threadsafe(handling.set)

    consumer = StreamConsumer("payments.events", "orders", handle, RetryPolicy())
    broker = open_broker(messaging)
    assert await broker.publish([stream_message(1)]) == [None]
    worker = StreamWorker(messaging, engine, consumers=[consumer], lease_s=0.3, handler_timeout_s=0.5)
    await worker.start()
    try:
        async with asyncio.timeout(8):
            await handling.wait()
            await worker.stop()
            other = await broker.subscribe(["payments.events"], group="orders")
            (again,) = await other.fetch(limit=1, timeout_s=2.0)
            assert again.message == stream_message(1)
    finally:
        goes_on.set()
        engine.dispose()
