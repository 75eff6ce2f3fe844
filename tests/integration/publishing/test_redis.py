"""The Redis broker where it differs from others: trimming, deleted streams, replicas, memory, what others add."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message, Subscription
from orchestratorx_prism.brokers.redis import RedisBroker
from orchestratorx_prism.errors import SettingsRejected

pytestmark = pytest.mark.redis

STREAM = "payments.events"
Opened = Callable[..., RedisBroker]


@pytest.fixture
def settings(redis_server: Any) -> BrokerSettings:
    return BrokerSettings("redis", url=redis_server.url, publish_timeout_s=1.5, ack_wait_s=5.0)


@pytest.fixture
async def opened(settings: BrokerSettings) -> AsyncIterator[Opened]:
    clients: list[RedisBroker] = []

    def open_one(**changes: Any) -> RedisBroker:
        clients.append(RedisBroker(replace(settings, **changes)))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
async def bare(redis_server: Any) -> AsyncIterator[Redis]:
    """A bare client, to look at the server with."""
    client = Redis.from_url(redis_server.url, protocol=2)
    yield client
    await client.aclose()


def message(number: int, key: str | None = None, **fields: Any) -> Message:
    fields = {"address": STREAM, "routing_key": "payment.captured"} | fields
    key = f"key-{number}" if key is None else key
    return Message(id=str(uuid.uuid4()), key=key, **({"body": str(number).encode()} | fields))


async def taken(subscription: Subscription, count: int, *, within_s: float = 8.0) -> list[bytes]:
    """Bodies of the next `count` messages, each acknowledged; less if no more come."""
    found: list[bytes] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        try:
            for delivery in await subscription.fetch(limit=count - len(found), timeout_s=left):
                await delivery.ack()
                found.append(delivery.message.body)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return found


async def test_a_full_stream_is_trimmed_of_what_every_group_has_ended_and_of_nothing_else(
    opened: Opened, bare: Redis
) -> None:
    broker = opened(stream_maxlen=20, publish_timeout_s=0.3)
    fast = await broker.subscribe([STREAM], group="fast")
    slow = await broker.subscribe([STREAM], group="slow")
    assert await broker.publish([message(n) for n in range(20)]) == [None] * 20
    assert len(await taken(fast, 20)) == 20
    assert await taken(slow, 5) == [b"0", b"1", b"2", b"3", b"4"]

    outcomes = await broker.publish([message(n) for n in range(20, 40)])

    assert outcomes[:5] == [None] * 5
    assert {outcome.reason for outcome in outcomes[5:] if outcome is not None} == {"BROKER_FULL"}
    assert "group slow wants the oldest" in str(outcomes[5])
    assert await bare.xlen(STREAM) == 20
    assert await taken(slow, 20) == [str(n).encode() for n in range(5, 25)]


async def test_what_is_delivered_and_not_ended_is_not_trimmed(opened: Opened) -> None:
    broker = opened(stream_maxlen=5, publish_timeout_s=0.3, ack_wait_s=0.5)
    subscription = await broker.subscribe([STREAM], group="all")
    await broker.publish([message(n) for n in range(5)])
    first, *others = await subscription.fetch(limit=5, timeout_s=2)
    for delivery in others:
        await delivery.ack()

    (outcome,) = await broker.publish([message(5)])
    assert outcome is not None
    assert outcome.reason == "BROKER_FULL"

    assert await taken(subscription, 1) == [first.message.body]
    assert await broker.publish([message(6)]) == [None]


async def test_publishing_waits_for_room_and_keeps_the_order_of_a_key(opened: Opened) -> None:
    broker = opened(stream_maxlen=4, publish_timeout_s=5.0)
    subscription = await broker.subscribe([STREAM], group="all")
    publishing = asyncio.create_task(broker.publish([message(n, key="one") for n in range(12)]))

    assert await taken(subscription, 12) == [str(n).encode() for n in range(12)]
    assert await publishing == [None] * 12


async def test_messages_behind_one_that_found_no_room_fail_with_it(opened: Opened) -> None:
    broker = opened(stream_maxlen=1, publish_timeout_s=0.2)
    await broker.subscribe([STREAM], group="all")
    outcomes = await broker.publish(
        [message(1, key="a"), message(2, key="a"), message(3, key="a"), message(4, key="b")]
    )
    assert [None if one is None else one.reason for one in outcomes] == [
        None,
        "BROKER_FULL",
        "ORDER_HELD",
        "BROKER_FULL",
    ]


async def test_without_groups_the_oldest_give_way(opened: Opened, bare: Redis) -> None:
    broker = opened(stream_maxlen=10)
    assert await broker.publish([message(n) for n in range(25)]) == [None] * 25
    assert await bare.xlen(STREAM) <= 10
    subscription = await broker.subscribe([STREAM], group="late")
    assert (await taken(subscription, 10, within_s=1))[-1] == b"24"


async def test_a_stream_deleted_under_a_consumer_comes_back_with_its_groups_and_is_told(
    opened: Opened, bare: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    broker = opened()
    subscription = await broker.subscribe([STREAM], group="all")
    await broker.subscribe(["payments.*"], group="absent")
    await broker.publish([message(1)])
    fetching = asyncio.create_task(taken(subscription, 2))
    await asyncio.sleep(0.3)
    await bare.delete(STREAM)

    assert await broker.publish([message(2)]) == [None]

    assert await fetching == [b"1", b"2"]
    assert caplog.text.count("was deleted; made again") == 1
    groups = {group["name"] for group in await bare.xinfo_groups(STREAM)}
    assert groups == {b"all", b"absent"}, "a group that is away must begin with the new stream's first message"


async def test_a_group_deleted_under_a_consumer_is_made_again_and_is_told(
    opened: Opened, bare: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    broker = opened()
    subscription = await broker.subscribe([STREAM], group="all")
    await broker.publish([message(1)])
    assert await taken(subscription, 1) == [b"1"]
    await bare.xgroup_destroy(STREAM, "all")

    assert await taken(subscription, 1) == [b"1"]
    assert "was deleted; made again" in caplog.text


async def test_messages_deleted_before_they_were_handled_are_told(
    opened: Opened, bare: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    broker = opened(ack_wait_s=0.4)
    subscription = await broker.subscribe([STREAM], group="all")
    await broker.publish([message(1)])
    await subscription.fetch(limit=1, timeout_s=2)
    await bare.xtrim(STREAM, maxlen=0)

    assert await subscription.fetch(limit=1, timeout_s=1.5) == []
    assert "1 messages of group all were deleted before they were handled" in caplog.text
    assert (await bare.xpending(STREAM, "all"))["pending"] == 0


async def test_a_server_that_lost_everything_is_made_ready_again(opened: Opened, bare: Redis) -> None:
    broker = opened()
    subscription = await broker.subscribe(["payments.*"], group="all")
    await broker.publish([message(1)])
    await bare.flushall()
    # Within the time in which a subscription looks for new streams.
    assert await broker.publish([message(2)]) == [None]
    assert await taken(subscription, 1) == [b"2"]


async def test_nothing_is_lost_while_a_group_is_away_and_the_server_restarts(opened: Opened, redis_server: Any) -> None:
    first = opened()
    await (await first.subscribe(["payments.*"], group="all")).close()
    sent = [message(n, address=f"payments.{n % 3}") for n in range(30)]
    assert await first.publish(sent) == [None] * 30
    redis_server.kill()
    redis_server.start()

    arrived = await taken(await opened().subscribe(["payments.*"], group="all"), 31, within_s=3)
    assert sorted(arrived, key=int) == [str(n).encode() for n in range(30)]


async def test_a_message_that_always_fails_is_retried_with_its_backoff_and_blocks_no_other_key(opened: Opened) -> None:
    broker = opened()
    subscription = await broker.subscribe([STREAM], group="all")
    await broker.publish([message(0, key="poison"), *(message(n) for n in range(1, 40))])
    tries: list[float] = []
    others = 0
    until = time.monotonic() + 2.2
    while time.monotonic() < until:
        for delivery in await subscription.fetch(limit=5, timeout_s=0.2):
            if delivery.message.key == "poison":
                tries.append(time.monotonic())
                assert delivery.attempt == len(tries)
                await delivery.nack(delay_s=0.2 * 2 ** len(tries))
            else:
                others += 1
                await delivery.ack()
    assert others == 39
    assert len(tries) == 3
    assert tries[1] - tries[0] >= 0.38
    assert tries[2] - tries[1] >= 0.78


async def test_the_order_of_a_key_outlives_a_consumer_that_dies(opened: Opened) -> None:
    broker, other = opened(ack_wait_s=1.0), opened(ack_wait_s=1.0)
    dying = await other.subscribe([STREAM], group="all")
    await broker.publish([message(1, key="a"), message(2, key="a"), message(3, key="b")])
    (first,) = await dying.fetch(limit=1, timeout_s=2)
    assert first.message.body == b"1"

    alive = await broker.subscribe([STREAM], group="all")
    await broker.publish([message(4, key="a")])

    order = []
    for _ in range(4):
        (delivery,) = await alive.fetch(limit=1, timeout_s=4)
        order.append((delivery.message.body, delivery.attempt))
        await delivery.ack()
    assert order == [(b"3", 1), (b"1", 2), (b"2", 1), (b"4", 1)]


async def test_two_consumers_never_have_messages_of_one_key_at_a_time(opened: Opened, bare: Redis) -> None:
    broker = opened()
    consumers = [await opened().subscribe([STREAM], group="all") for _ in range(3)]
    sent = [message(n, key=f"key-{n % 4}") for n in range(120)]
    await broker.publish(sent)
    handled: list[Message] = []
    busy: set[str] = set()

    async def consume(subscription: Subscription) -> None:
        while len(handled) < len(sent):
            for delivery in await subscription.fetch(limit=2, timeout_s=0.3):
                assert delivery.message.key not in busy
                busy.add(delivery.message.key)
                await asyncio.sleep(0.001)
                handled.append(delivery.message)
                busy.discard(delivery.message.key)
                await delivery.ack()

    await asyncio.gather(*(consume(one) for one in consumers))
    for key in {one.key for one in sent}:
        assert [one for one in handled if one.key == key] == [one for one in sent if one.key == key]
    assert await bare.keys("orchestratorx:lane:*") == []


async def test_hundreds_of_messages_may_be_ended_at_once(opened: Opened) -> None:
    broker = opened()
    await broker.publish([message(n) for n in range(200)])
    subscription = await broker.subscribe([STREAM], group="all")
    deliveries = await subscription.fetch(limit=200, timeout_s=5.0)
    assert len(deliveries) == 200
    await asyncio.gather(*(delivery.ack() for delivery in deliveries))
    assert (await broker.lag("all")).unfinished == 0


async def test_the_number_of_tries_outlives_the_consumer(opened: Opened) -> None:
    broker = opened()
    await broker.publish([message(1)])
    for attempt in (1, 2, 3):
        subscription = await broker.subscribe([STREAM], group="all")
        (delivery,) = await subscription.fetch(limit=1, timeout_s=3)
        assert delivery.attempt == attempt
        await delivery.nack(delay_s=0.2)
        await subscription.close()


async def test_a_delay_outlives_the_consumer(opened: Opened) -> None:
    broker = opened()
    await broker.publish([message(1)])
    subscription = await broker.subscribe([STREAM], group="all")
    (delivery,) = await subscription.fetch(limit=1, timeout_s=3)
    began = time.monotonic()
    await delivery.nack(delay_s=1.0)
    await subscription.close()

    assert await taken(await broker.subscribe([STREAM], group="all"), 1) == [b"1"]
    assert time.monotonic() - began >= 0.95


async def test_consumers_that_left_are_forgotten_with_nothing_of_theirs(opened: Opened, bare: Redis) -> None:
    broker = opened()
    await broker.publish([message(1)])
    leaving = await broker.subscribe([STREAM], group="all")
    await leaving.fetch(limit=1, timeout_s=2)
    await leaving.close()

    consumers = await bare.xinfo_consumers(STREAM, "all")
    assert [(one["name"], one["pending"]) for one in consumers] == [(b"given-back", 1)]
    assert await taken(await broker.subscribe([STREAM], group="all"), 1) == [b"1"]


async def test_entries_of_other_publishers_are_delivered_too(opened: Opened, bare: Redis) -> None:
    broker = opened()
    subscription = await broker.subscribe([STREAM], group="all")
    entry = (await bare.xadd(STREAM, {"type": "custom", "amount": "12"})).decode()
    (delivery,) = await subscription.fetch(limit=5, timeout_s=5)
    assert delivery.message == Message(f"{STREAM}:{entry}", STREAM, "", b'{"type":"custom","amount":"12"}')


async def test_an_entry_can_be_read_by_others(opened: Opened, bare: Redis) -> None:
    sent = message(1, headers={"ce-id": "1"})
    await opened().publish([sent])
    ((_, fields),) = await bare.xrange(STREAM)
    assert fields == {
        b"id": sent.id.encode(),
        b"key": b"key-1",
        b"routing_key": b"payment.captured",
        b"headers": b'{"ce-id":"1"}',
        b"body": b"1",
    }


async def test_a_frozen_server_fails_publishing_in_time_and_a_repeat_is_stored_once(
    opened: Opened, redis_server: Any, bare: Redis
) -> None:
    broker = opened()
    await broker.connect()
    batch = [message(n) for n in range(500)]
    redis_server.freeze()
    began = time.monotonic()
    outcomes = await broker.publish(batch)
    assert time.monotonic() - began < 3
    assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)

    redis_server.thaw()
    assert await broker.publish(batch) == [None] * 500
    assert await bare.xlen(STREAM) == 500


async def test_what_too_few_replicas_confirmed_is_no_success_and_its_repeat_is_stored_once(
    opened: Opened, bare: Redis
) -> None:
    sent = message(1)
    (outcome,) = await opened(wait_replicas=1, publish_timeout_s=0.5).publish([sent])
    assert "0 of 1 replicas confirmed" in str(outcome)
    assert await opened().publish([sent]) == [None]
    assert await bare.xlen(STREAM) == 1


async def test_waitaof_is_used_where_the_server_knows_it_and_refused_where_it_does_not(
    opened: Opened, bare: Redis
) -> None:
    version = tuple(int(part) for part in (await bare.info("server"))["redis_version"].split(".")[:2])
    broker = opened(wait_aof=True)
    if version >= (7, 2):
        assert await broker.publish([message(1)]) == [None]
    else:
        with pytest.raises(SettingsRejected, match=r"use Redis 7\.2 or later"):
            await broker.connect()


async def test_a_server_that_evicts_is_refused(opened: Opened, bare: Redis) -> None:
    await bare.config_set("maxmemory", "100mb")
    await bare.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(SettingsRejected, match="noeviction"):
        await opened().connect()


async def test_a_server_whose_memory_is_full_is_full(opened: Opened, bare: Redis) -> None:
    broker = opened(publish_timeout_s=0.3)
    assert await broker.publish([message(1)]) == [None]
    await bare.config_set("maxmemory", "1mb")
    (outcome,) = await broker.publish([message(2)])
    assert outcome is not None
    assert outcome.reason == "BROKER_FULL"
    await bare.config_set("maxmemory", "0")
    assert await broker.publish([message(3)]) == [None]


async def test_a_server_without_append_only_file_is_warned_of(
    opened: Opened, bare: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await bare.config_set("appendonly", "no")
    await opened().connect()
    assert "set appendonly yes" in caplog.text


async def test_a_key_that_is_no_stream_is_reported_and_other_addresses_pass(opened: Opened, bare: Redis) -> None:
    await bare.set("taken", "x")
    outcomes = await opened().publish(
        [message(1, address="taken"), message(2), message(3, address="orchestratorx:ids")]
    )
    assert [None if one is None else one.reason for one in outcomes] == ["NO_STREAM", None, "MESSAGE_REFUSED"]


async def test_refused_credentials_are_unavailable_and_are_named_nowhere(
    opened: Opened, redis_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    redis_server.kill()
    redis_server.options += ["--requirepass", "hush-hush-1"]
    redis_server.start()
    host = redis_server.url.removeprefix("redis://")
    with pytest.raises(BrokerUnavailable, match="refused the credentials") as refused:
        await opened(url=f"redis://:open-sesame@{host}").connect()
    assert await opened(url=f"redis://:hush-hush-1@{host}").publish([message(1)]) == [None]
    said = f"{refused.value!s} {refused.value!r} {caplog.text}"
    assert "open-sesame" not in said
    assert "hush-hush" not in said
