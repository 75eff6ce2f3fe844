"""A worker that hangs with messages in hand: another follows it, and each payment's effects stay in order.

The operating system stops the process, as a virtual machine that is moved: its connections stay open, and nobody hears
from it. When it goes on it still believes to be the one who works.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator

import asyncpg
import pytest
from broker_servers import REAL, BrokerServer, broker_server
from stream_workers import Effects, Worker, out_of_order, stream_message

from orchestratorx_prism.brokers import BrokerSettings, open_broker

PAYMENTS = 12
ROUNDS = 40
BEFORE_IT_HANGS = 150
"""Effects. Enough for its connections to know their statements; else it may be ended later: see `postgres_bounds`."""
HEARTBEAT_S = 1
"""RabbitMQ's, of the workers."""

HANDLER_TIMEOUT_S = 1.0
"""For twice as long the database waits for somebody who hangs in the middle of a transaction."""

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(params=REAL)
def server(request: pytest.FixtureRequest) -> BrokerServer:
    return broker_server(request.param, request)


@pytest.fixture
def messaging(server: BrokerServer) -> BrokerSettings:
    settings = server.settings(ack_wait_s=1.0)
    if server.name == "rabbitmq":
        return server.settings(ack_wait_s=1.0, url=f"{settings.url}?heartbeat={HEARTBEAT_S}")
    return settings


@pytest.fixture
def new_worker(messaging: BrokerSettings, fresh_postgres_url: str) -> Iterator[Callable[[], Worker]]:
    made: list[Worker] = []

    def make() -> Worker:
        made.append(Worker(messaging, fresh_postgres_url, handler_timeout_s=HANDLER_TIMEOUT_S))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


async def test_the_next_worker_waits_until_it_gets_what_a_hanging_one_has_in_hand(
    messaging: BrokerSettings, new_worker: Callable[[], Worker], fresh_postgres_url: str
) -> None:
    hanging, following = new_worker(), new_worker()
    connection = await asyncpg.connect(fresh_postgres_url)
    effects = Effects(connection)
    await effects.create()
    broker = open_broker(messaging)
    try:
        wanted = {f"pay-{place}": list(range(1, ROUNDS + 1)) for place in range(PAYMENTS)}
        messages = [stream_message(f"{p}:{n}", p, n) for n in range(1, ROUNDS + 1) for p in wanted]
        assert await broker.publish(messages) == [None] * len(messages)
        hanging.start()
        await effects.at_least(BEFORE_IT_HANGS)
        hanging.send(signal.SIGSTOP)
        following.start()
        await effects.at_least(len(messages))
        hanging.send(signal.SIGCONT)
        await asyncio.sleep(1.0)
        assert await asyncio.to_thread(hanging.end, signal.SIGTERM) == 0
        assert await asyncio.to_thread(following.end, signal.SIGTERM) == 0
        assert out_of_order(await effects.by_payment(), wanted) == []
    finally:
        await broker.close()
        await connection.close()
