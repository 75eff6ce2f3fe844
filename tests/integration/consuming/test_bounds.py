"""What PostgreSQL is told about a stream worker's transactions, and what happens when another holds their rows."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from orchestratorx_prism import RetryPolicy, StreamEvent, StreamWorker
from orchestratorx_prism.brokers import Broker, BrokerSettings, Message, open_broker
from orchestratorx_prism.consuming import StreamConsumer

pytestmark = pytest.mark.postgres

ADDRESS = "payments.events"


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    opened = open_broker(BrokerSettings("memory", url=f"memory://{uuid.uuid4().hex}"))
    yield opened
    await opened.close()


@pytest.fixture
async def connection(fresh_postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(fresh_postgres_url)
    yield made
    await made.close()


async def until(connection: asyncpg.Connection, query: str) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(query):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def publish(broker: Broker) -> None:
    body = b'{"event_type": "PaymentRequestUpdated", "payload": {"number": 1}}'
    message = Message("event-1", ADDRESS, "pay-1", body, {"content-type": "application/json"})
    assert await broker.publish([message]) == [None]


@pytest.mark.parametrize(("own", "in_force"), [("0", "1800ms"), ("300ms", "300ms"), ("1h", "1800ms")])
async def test_statements_of_a_handler_are_bounded_by_twice_its_time_or_by_less_if_the_application_says_so(
    broker: Broker, fresh_postgres_url: str, own: str, in_force: str
) -> None:
    found: list[tuple[str, str]] = []
    done = asyncio.Event()

    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        shown = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
        found.append(tuple((await session.execute(text(shown))).one()))
        done.set()

    url = fresh_postgres_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, connect_args={"server_settings": {"statement_timeout": own}})
    worker = StreamWorker(
        BrokerSettings(),
        engine,
        consumers=[StreamConsumer(ADDRESS, "orders", handle, RetryPolicy())],
        broker=broker,
        handler_timeout_s=0.9,
    )
    try:
        async with worker:
            await publish(broker)
            async with asyncio.timeout(10):
                await done.wait()
    finally:
        await engine.dispose()
    assert found == [(in_force, "1800ms")]


async def test_a_message_that_a_hanging_worker_has_half_recorded_is_tried_again_and_not_parked(
    broker: Broker, connection: asyncpg.Connection, fresh_postgres_url: str
) -> None:
    tries = 0
    came_again = asyncio.Event()

    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        if tries == 2:
            came_again.set()
        await session.execute(text("INSERT INTO effects (message_id) VALUES (:id)"), {"id": event.id})

    await connection.execute("CREATE TABLE effects (message_id TEXT)")
    consumer = StreamConsumer(ADDRESS, "orders", handle, RetryPolicy(attempts=1))
    async with StreamWorker(
        BrokerSettings(), fresh_postgres_url, consumers=[consumer], broker=broker, handler_timeout_s=0.1
    ):
        await until(connection, "SELECT to_regclass('orchestratorx_inbox') IS NOT NULL")
        hanging = connection.transaction()
        await hanging.start()
        await connection.execute("INSERT INTO orchestratorx_inbox VALUES ('orders', 'event-1', 0)")
        await publish(broker)
        async with asyncio.timeout(20):
            await came_again.wait()
        await hanging.rollback()
        await until(connection, "SELECT count(*) FROM effects")
    assert await connection.fetchval("SELECT count(*) FROM effects") == 1
    assert await broker.dead_letters(group="orders") == []
