"""The memory broker's bounds, and its use from several event loops. What every broker does is in tests/conformance."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message
from orchestratorx_prism.brokers.memory import MemoryBroker


def message(number: int, key: str = "k") -> Message:
    return Message(id=f"id-{number}", address="a", key=key, body=str(number).encode())


def broker_of(capacity: int, publish_timeout_s: float = 0.2) -> MemoryBroker:
    return MemoryBroker(BrokerSettings(capacity=capacity, publish_timeout_s=publish_timeout_s))


async def test_without_a_group_the_oldest_messages_make_room() -> None:
    broker = broker_of(capacity=3)
    assert await broker.publish([message(n) for n in range(5)]) == [None] * 5

    subscription = await broker.subscribe(["a"], group="late")
    found = []
    for _ in range(3):
        (delivery,) = await subscription.fetch(limit=1, timeout_s=0)
        found.append(delivery.message.body)
        await delivery.ack()
    assert found == [b"2", b"3", b"4"]


async def test_a_full_broker_refuses_what_a_group_would_lose_and_keeps_the_order_of_the_key() -> None:
    broker = broker_of(capacity=2)
    await broker.subscribe(["a"], group="slow")

    outcomes = await broker.publish([message(1), message(2, "other"), message(3), message(4), message(5, "other")])

    reasons = [None if outcome is None else outcome.reason for outcome in outcomes]
    assert reasons == [None, None, "BROKER_FULL", "ORDER_HELD", "BROKER_FULL"]


async def test_publishing_to_a_full_broker_waits_for_the_consumer() -> None:
    broker = broker_of(capacity=2, publish_timeout_s=5)
    subscription = await broker.subscribe(["a"], group="slow")
    await broker.publish([message(1), message(2)])
    publishing = asyncio.create_task(broker.publish([message(3)]))
    await asyncio.sleep(0.05)
    assert not publishing.done()

    (delivery,) = await subscription.fetch(limit=1, timeout_s=0)
    await delivery.ack()
    assert await asyncio.wait_for(publishing, 1) == [None]


async def test_dead_letters_are_bounded_too_and_none_is_dropped() -> None:
    broker = broker_of(capacity=2)
    subscription = await broker.subscribe(["a"], group="g")
    for number in range(2):
        await broker.publish([message(number, key="")])
        (delivery,) = await subscription.fetch(limit=1, timeout_s=1)
        await delivery.dead_letter("refused")
    await broker.publish([message(3, key="")])
    (delivery,) = await subscription.fetch(limit=1, timeout_s=1)

    with pytest.raises(BrokerUnavailable) as full:
        await delivery.dead_letter("refused")

    assert full.value.reason == "BROKER_FULL"
    assert len(await broker.dead_letters(group="g")) == 2
    await delivery.nack()
    assert len(await subscription.fetch(limit=5, timeout_s=1)) == 1


async def test_a_late_acknowledgement_ends_a_message_that_went_to_another_consumer() -> None:
    broker = MemoryBroker(BrokerSettings(ack_wait_s=0.05))
    await broker.publish([message(1), message(2)])
    one, two = await broker.subscribe(["a"], group="g"), await broker.subscribe(["a"], group="g")
    (slow,) = await one.fetch(limit=1, timeout_s=0)
    (again,) = await two.fetch(limit=1, timeout_s=1)
    assert (again.message.body, again.attempt) == (b"1", 2)

    await slow.ack()
    await slow.nack()
    await again.nack()
    (after,) = await two.fetch(limit=5, timeout_s=1)
    assert after.message.body == b"2"


async def test_a_consumer_in_another_thread_and_loop_is_woken() -> None:
    broker = MemoryBroker()
    ready = threading.Event()
    found: list[bytes] = []

    async def consume() -> None:
        subscription = await broker.subscribe(["a"], group="g")
        ready.set()
        for delivery in await subscription.fetch(limit=1, timeout_s=10):
            found.append(delivery.message.body)
            await delivery.ack()

    thread = threading.Thread(target=lambda: asyncio.run(consume()))
    thread.start()
    await asyncio.to_thread(ready.wait, 5)
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await broker.publish([message(1)])
    await asyncio.to_thread(thread.join, 5)
    assert found == [b"1"]
    assert time.monotonic() - began < 2


async def test_ten_thousand_keys_cost_no_more_each_than_a_hundred() -> None:
    async def seconds_a_message(keys: int) -> float:
        broker = MemoryBroker(BrokerSettings(capacity=20_000, max_unacked=20_000))
        await broker.publish([message(n, f"key-{n}") for n in range(keys)])
        subscription = await broker.subscribe(["a"], group="g")
        began = time.process_time()
        count = 0
        while deliveries := await subscription.fetch(limit=50, timeout_s=0):
            for delivery in deliveries:
                await delivery.ack()
                count += 1
        assert count == keys
        return (time.process_time() - began) / keys

    # CPU time, and the best of three: other work on the machine must not decide. Looking at every key each time would
    # make it twenty times as much.
    few = min([await seconds_a_message(500) for _ in range(3)])
    many = min([await seconds_a_message(10_000) for _ in range(3)])
    assert many < 6 * few
