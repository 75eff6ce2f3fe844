"""A consumer whose process is killed in the middle of its work: the message comes to another, before later ones."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest

from orchestratorx_prism.brokers import BrokerSettings, Delivery, Message, open_broker

ADDRESS = "payments.events"
CONSUMER = """
import asyncio, sys
from orchestratorx_prism.brokers import BrokerSettings, open_broker

async def main():
    broker = open_broker(BrokerSettings(sys.argv[1], url=sys.argv[2], ack_wait_s=2.0))
    subscription = await broker.subscribe(["payments.events"], group="all")
    deliveries = []
    while not deliveries:
        deliveries = await subscription.fetch(limit=10, timeout_s=1)
    print(deliveries[0].message.body.decode(), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture(
    params=[
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("rabbitmq", marks=pytest.mark.rabbitmq),
    ]
)
def settings(request: pytest.FixtureRequest) -> BrokerSettings:
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
    else:
        node: Any = request.getfixturevalue("rabbit_server")
        url = node.url(node.virtual_host)
    return BrokerSettings(request.param, url=url, ack_wait_s=2.0)


async def test_what_a_killed_consumer_had_in_hand_comes_to_the_next_in_order(settings: BrokerSettings) -> None:
    broker = open_broker(settings)
    try:
        sent = [Message(str(n), ADDRESS, "one-key", str(n).encode()) for n in range(3)]
        assert await broker.publish(sent) == [None] * 3
        for killed in range(2):
            consumer = await asyncio.to_thread(_start, settings)
            assert await asyncio.to_thread(_read_line, consumer) == "0", killed
            consumer.kill()
            await asyncio.to_thread(consumer.wait, 10)

        subscription = await broker.subscribe([ADDRESS], group="all")
        came: list[tuple[bytes, bool]] = []
        deadline = time.monotonic() + 15
        while len(came) < 3 and time.monotonic() < deadline:
            delivery: Delivery
            for delivery in await subscription.fetch(limit=10, timeout_s=1.0):
                came.append((delivery.message.body, delivery.attempt >= 3))
                await delivery.ack()
        assert [body for body, _ in came] == [b"0", b"1", b"2"]
        assert came[0][1], "two consumers had it before"
    finally:
        await broker.close()


def _start(settings: BrokerSettings) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CONSUMER, settings.broker_type, settings.url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _read_line(consumer: subprocess.Popen[str]) -> str:
    assert consumer.stdout is not None
    with consumer.stdout:
        return consumer.stdout.readline().strip()
