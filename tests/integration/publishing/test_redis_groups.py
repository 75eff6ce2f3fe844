"""What Redis says about its groups, and the way back of dead letters, where it differs from others."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message
from orchestratorx_prism.brokers.redis import RedisBroker
from orchestratorx_prism.brokers.redis_group_scripts import TAKE
from orchestratorx_prism.brokers.redis_link import Link
from orchestratorx_prism.brokers.redis_scripts import Script

pytestmark = pytest.mark.redis

STREAM = "payments.events"
Opened = Callable[..., RedisBroker]


@pytest.fixture
async def opened(redis_server: Any) -> AsyncIterator[Opened]:
    clients: list[RedisBroker] = []

    def open_one(**settings: Any) -> RedisBroker:
        clients.append(RedisBroker(BrokerSettings("redis", url=redis_server.url, publish_timeout_s=1.5, **settings)))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
async def bare(redis_server: Any) -> AsyncIterator[Redis]:
    """A bare client, to do what operators do."""
    client = Redis.from_url(redis_server.url, protocol=2)
    yield client
    await client.aclose()


def message(number: int, key: str | None = None) -> Message:
    key = f"key-{number}" if key is None else key
    return Message(str(uuid.uuid4()), STREAM, key, str(number).encode(), {}, "payment.captured")


async def taken(broker: RedisBroker, group: str) -> list[bytes]:
    """Bodies of all that the group gets, each acknowledged."""
    subscription = await broker.subscribe([STREAM], group=group)
    found: list[bytes] = []
    while deliveries := await subscription.fetch(limit=10, timeout_s=0.5):
        for delivery in deliveries:
            await delivery.ack()
            found.append(delivery.message.body)
    await subscription.close()
    return found


async def park(broker: RedisBroker, group: str, count: int) -> None:
    subscription = await broker.subscribe([STREAM], group=group)
    parked = 0
    while parked < count:
        for delivery in await subscription.fetch(limit=count - parked, timeout_s=5):
            await delivery.dead_letter("HANDLER_FAILED")
            parked += 1
    await subscription.close()


async def test_two_that_redrive_at_once_bring_each_dead_letter_once(opened: Opened) -> None:
    broker, other = opened(), opened()
    await broker.publish([message(n) for n in range(250)])
    await park(broker, "all", 250)
    counts = await asyncio.gather(*(one.redrive(group="all", limit=1_000) for one in (broker, other)))
    assert sum(counts) == 250
    assert sorted(await taken(broker, "all"), key=int) == [str(n).encode() for n in range(250)]


async def test_what_is_redriven_to_one_group_does_not_wait_for_the_others(opened: Opened) -> None:
    broker = opened()
    await broker.publish([message(n) for n in range(3)])
    await park(broker, "billing", 3)
    assert await taken(broker, "shipping") == [b"0", b"1", b"2"]
    await broker.redrive(group="billing")
    await broker.publish([message(4)])

    assert [(await broker.lag(group)).waiting for group in ("shipping", "billing")] == [1, 4]
    # Also for a group that is new, and begins with the oldest.
    assert await taken(broker, "newcomer") == [b"0", b"1", b"2", b"4"]
    assert await taken(broker, "shipping") == [b"4"]
    lag = await broker.lag("shipping")
    assert (lag.waiting, lag.unfinished, lag.oldest_age_s) == (0, 0, None)
    assert await taken(broker, "billing") == [b"0", b"1", b"2", b"4"]


async def test_lag_is_right_after_an_operator_deleted_entries(opened: Opened, bare: Redis) -> None:
    broker = opened()
    await broker.publish([message(n) for n in range(700)])
    await broker.subscribe([STREAM], group="all")
    entries = [entry for entry, _ in await bare.xrange(STREAM)]
    await bare.xdel(STREAM, entries[0], *entries[600:620])
    assert (await broker.lag("all")).waiting == 679
    assert len(await taken(broker, "all")) == 679
    assert (await broker.lag("all")).waiting == 0


async def test_lag_is_right_after_the_stream_was_trimmed(opened: Opened) -> None:
    broker = opened(stream_maxlen=20)
    await broker.subscribe([STREAM], group="all")
    for start in range(0, 60, 10):
        assert await broker.publish([message(start + n) for n in range(10)]) == [None] * 10
        if start < 50:
            await taken(broker, "all")
    assert (await broker.lag("all")).waiting == 10
    late = len(await taken(broker, "late"))
    assert late < 60
    assert (await broker.lag("late")).waiting == 0
    await broker.subscribe([STREAM], group="later")
    assert (await broker.lag("later")).waiting == late


async def test_what_waits_behind_its_key_at_another_consumer_was_handed_to_nobody(opened: Opened) -> None:
    broker = opened()
    one = await broker.subscribe([STREAM], group="all")
    two = await broker.subscribe([STREAM], group="all")
    await broker.publish([message(1, "key"), message(2, "key")])
    (first,) = await one.fetch(limit=1, timeout_s=5)
    assert await two.fetch(limit=1, timeout_s=0.2) == []
    lag = await broker.lag("all")
    assert (lag.waiting, lag.unfinished) == (1, 1)
    await first.ack()


async def test_messages_whose_delivery_got_lost_on_the_way_come_at_once_and_before_later_ones_of_their_key(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = opened()
    subscription = await broker.subscribe([STREAM], group="all")
    for number in range(1, 5):
        await broker.publish([message(number, "key")])
    (first,) = await subscription.fetch(limit=1, timeout_s=5)
    run, lost = Link.run, []

    async def losing(link: Link, script: Script, keys: Any, arguments: Any) -> Any:
        reply = await run(link, script, keys, arguments)
        if script is TAKE and not lost:
            lost.extend(reply[0])
            raise BrokerUnavailable("the connection broke before the answer came")
        return reply

    monkeypatch.setattr(Link, "run", losing)
    with pytest.raises(BrokerUnavailable):
        await subscription.fetch(limit=2, timeout_s=0.1)
    assert len(lost) == 2
    await first.ack()
    found = []
    while deliveries := await subscription.fetch(limit=1, timeout_s=2):
        (delivery,) = deliveries
        found.append((delivery.message.body, delivery.attempt))
        await delivery.ack()
    assert found == [(b"2", 1), (b"3", 1), (b"4", 1)]


async def test_a_group_that_was_removed_is_not_listed_and_has_its_place_again_when_it_is_redriven(
    opened: Opened, bare: Redis
) -> None:
    broker = opened()
    await broker.publish([message(1)])
    await park(broker, "all", 1)
    await bare.xgroup_destroy(STREAM, "all")
    await bare.hdel("orchestratorx:groups", "all")
    assert await broker.groups() == []
    lag = await broker.lag("all")
    assert (lag.waiting, lag.unfinished, lag.dead_letters) == (0, 0, 1)

    assert await broker.redrive(group="all") == 1
    assert await broker.groups() == ["all"]
    # As a new group it begins with the oldest entry, and the redriven one is behind that.
    assert await taken(broker, "all") == [b"1", b"1"]


async def test_a_dead_letter_of_a_deleted_stream_goes_back_and_no_group_loses_its_place(
    opened: Opened, bare: Redis
) -> None:
    broker = opened()
    await broker.publish([message(1)])
    await park(broker, "billing", 1)
    assert await taken(broker, "shipping") == [b"1"]
    await bare.delete(STREAM)
    assert await broker.redrive(group="billing") == 1
    await broker.publish([message(2)])
    assert await taken(broker, "billing") == [b"1", b"2"]
    assert await taken(broker, "shipping") == [b"2"]


async def test_a_server_without_memory_keeps_the_dead_letters_where_they_are(opened: Opened, bare: Redis) -> None:
    broker = opened()
    await broker.publish([message(n) for n in range(3)])
    await park(broker, "all", 3)
    await bare.config_set("maxmemory", 1)
    with pytest.raises(BrokerUnavailable) as refused:
        await broker.redrive(group="all")
    assert refused.value.reason == "BROKER_FULL"
    await bare.config_set("maxmemory", 0)
    assert len(await broker.dead_letters(group="all")) == 3
    assert await broker.redrive(group="all") == 3
