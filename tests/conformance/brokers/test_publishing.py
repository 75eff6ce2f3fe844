"""What a broker promises to those who publish. Runs over every broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from orchestratorx_prism.brokers import Broker, BrokerUnavailable, Message, Subscription

ADDRESS = "payments.events"
Opened = Callable[..., Broker]
Make = Callable[..., Message]


async def drained(subscription: Subscription, count: int, *, within_s: float = 15.0) -> list[Message]:
    """The next `count` messages, each acknowledged. Those whose acknowledgement fails come again."""
    messages: list[Message] = []
    deadline = time.monotonic() + within_s
    while len(messages) < count and time.monotonic() < deadline:
        try:
            deliveries = await subscription.fetch(limit=100, timeout_s=1.0)
            outcomes = await asyncio.gather(*(delivery.ack() for delivery in deliveries), return_exceptions=True)
            for delivery, outcome in zip(deliveries, outcomes, strict=True):
                if outcome is None:
                    messages.append(delivery.message)
                elif not isinstance(outcome, BrokerUnavailable):
                    raise outcome
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return messages


async def test_a_batch_is_acknowledged_and_arrives_as_it_was_sent(opened: Opened, message: Make) -> None:
    broker = opened()
    sent = [
        message("key-a", 1, headers={"ce-type": "payment.captured", "X-Odd": "ä=%20;"}),
        message("key-b", 2, body=bytes(range(256)) * 100),
        message("", 3, routing_key="", headers={}),
    ]

    assert await broker.publish(sent) == [None, None, None]

    arrived = await drained(await broker.subscribe([ADDRESS], group="all"), 3)
    assert sorted(arrived, key=lambda m: m.id) == sorted(sent, key=lambda m: m.id)


async def test_publishing_connects_by_itself_and_an_empty_batch_is_nothing(opened: Opened, message: Make) -> None:
    broker = opened()
    assert await broker.publish([]) == []
    assert await broker.publish([message("k", 1)]) == [None]


async def test_a_second_message_with_the_same_id_is_dropped_where_the_broker_can(
    opened: Opened, message: Make, server: Any
) -> None:
    broker = opened()
    first, other = message("k", 1), message("k", 2)

    assert await broker.publish([first]) == [None]
    assert await broker.publish([first, other, first]) == [None, None, None]

    subscription = await broker.subscribe([ADDRESS], group="all")
    expected = [first, other] if server.drops_repeated_ids else [first, first, other, first]
    assert await drained(subscription, len(expected)) == expected
    assert await drained(subscription, 1, within_s=0.5) == []


async def test_a_batch_keeps_the_order_of_each_key(opened: Opened, message: Make) -> None:
    broker = opened()
    sent = [message(f"key-{n % 7}", n) for n in range(200)]

    assert await broker.publish(sent) == [None] * 200

    arrived = await drained(await broker.subscribe([ADDRESS], group="all"), 200)
    for key in {m.key for m in sent}:
        assert [m.id for m in arrived if m.key == key] == [m.id for m in sent if m.key == key]


async def test_publishing_while_the_server_is_down_fails_and_sends_nothing_later(
    opened: Opened, message: Make, server: Any
) -> None:
    broker = opened()
    await broker.connect()
    lost, kept = message("k", 1), message("k", 2)
    server.stop()

    # At once, when the client may not have noticed yet, and later, when it has.
    for _ in range(2):
        outcomes = await broker.publish([lost, message("k", 3)])
        assert [type(outcome) for outcome in outcomes] == [BrokerUnavailable, BrokerUnavailable]
        await asyncio.sleep(0.3)

    server.start()
    await published_at_last(broker, [kept])
    subscription = await broker.subscribe([ADDRESS], group="all")
    assert [m.body for m in await drained(subscription, 1)] == [b"2"]
    assert await drained(subscription, 1, within_s=0.5) == []


async def test_a_client_opened_while_the_server_is_down_works_when_it_is_up(
    opened: Opened, message: Make, server: Any
) -> None:
    opened()
    server.stop()
    broker = opened()
    with pytest.raises(BrokerUnavailable):
        await broker.connect()
    assert isinstance((await broker.publish([message("k", 1)]))[0], BrokerUnavailable)

    server.start()
    await published_at_last(broker, [message("k", 2)])


async def test_nothing_is_lost_and_keys_keep_their_order_when_the_server_restarts_under_load(
    opened: Opened, message: Make, server: Any
) -> None:
    publisher, consumer = opened(), opened()
    subscription = await consumer.subscribe([ADDRESS], group="all")
    sent = [message(f"key-{n % 10}", n) for n in range(600)]
    under_way, noticed = asyncio.Event(), asyncio.Event()

    async def publish_all() -> None:
        for start in range(0, len(sent), 20):
            await published_at_last(publisher, sent[start : start + 20], noticed=noticed)
            if start >= 100:
                under_way.set()
            await asyncio.sleep(0.01)

    async def restart() -> None:
        await under_way.wait()
        await asyncio.to_thread(server.stop)
        await noticed.wait()
        await asyncio.to_thread(server.start)

    arrived: list[Message] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_all())
        tasks.create_task(restart())
        while {m.id for m in arrived} != {m.id for m in sent}:
            more = await drained(subscription, 1, within_s=20.0)
            assert more, f"{len({m.id for m in arrived})} of {len(sent)} arrived"
            arrived += more

    for key in {m.key for m in sent}:
        first_arrivals = list(dict.fromkeys(m.id for m in arrived if m.key == key))
        assert first_arrivals == [m.id for m in sent if m.key == key]


async def test_health_passes_fails_when_the_server_is_down_and_passes_again(
    opened: Opened, message: Make, server: Any
) -> None:
    broker = opened()
    await broker.health()
    server.stop()
    with pytest.raises(BrokerUnavailable):
        await broker.health()

    server.start()
    await published_at_last(broker, [message("k", 1)])
    await broker.health()


async def test_closing_waits_for_what_is_being_published(opened: Opened, message: Make) -> None:
    broker, other = opened(), opened()
    await broker.connect()
    publishing = asyncio.create_task(broker.publish([message(f"key-{n}", n) for n in range(300)]))
    await asyncio.sleep(0)

    await broker.close()

    assert await publishing == [None] * 300
    assert len(await drained(await other.subscribe([ADDRESS], group="all"), 300)) == 300


async def test_a_closed_broker_refuses_and_may_be_closed_again(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish([message("k", 1)])
    await broker.close()
    await broker.close()

    assert isinstance((await broker.publish([message("k", 2)]))[0], BrokerUnavailable)
    for call in (broker.connect(), broker.health(), broker.subscribe([ADDRESS], group="all")):
        with pytest.raises(BrokerUnavailable):
            await call


async def published_at_last(
    broker: Broker, messages: list[Message], *, within_s: float = 20.0, noticed: asyncio.Event | None = None
) -> None:
    """Publishes until all are acknowledged, as the relay does: what failed, again, in order. `noticed`: a failure."""
    deadline = time.monotonic() + within_s
    while messages:
        outcomes = await broker.publish(messages)
        messages = [m for m, outcome in zip(messages, outcomes, strict=True) if outcome is not None]
        if messages:
            assert time.monotonic() < deadline, outcomes
            if noticed is not None:
                noticed.set()
            await asyncio.sleep(0.1)
