"""Consumer groups of Kafka: what several members do, and what is left when one of them goes, in whatever way."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestratorx_prism.brokers import (
    BrokerSettings,
    BrokerUnavailable,
    Delivery,
    Message,
    Subscription,
    kafka_membership,
    kafka_offsets,
)
from orchestratorx_prism.brokers.kafka import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

Opened = Callable[..., KafkaBroker]
TOPIC = "payments.events"


@pytest.fixture
def settings(kafka_server: Any) -> BrokerSettings:
    return BrokerSettings(
        "kafka",
        url=kafka_server.url,
        topic_prefix=f"test-{uuid.uuid4().hex}",
        partitions=6,
        publish_timeout_s=2.0,
        ack_wait_s=20.0,
        session_timeout_s=1.0,
    )


@pytest.fixture
async def opened(settings: BrokerSettings) -> AsyncIterator[Opened]:
    clients: list[KafkaBroker] = []

    def open_one(**changes: Any) -> KafkaBroker:
        clients.append(KafkaBroker(replace(settings, **changes)))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"


def message(number: int, key: str) -> Message:
    return Message(id=str(uuid.uuid4()), address=TOPIC, key=key, body=b"%d" % number)


async def published(broker: KafkaBroker, messages: list[Message]) -> None:
    deadline = time.monotonic() + 30
    while messages:
        outcomes = await broker.publish(messages)
        messages = [one for one, outcome in zip(messages, outcomes, strict=True) if outcome is not None]
        assert time.monotonic() < deadline, outcomes


async def gathered(subscription: Subscription, count: int, *, within_s: float = 15.0) -> list[Delivery]:
    found: list[Delivery] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        try:
            found += await subscription.fetch(limit=count - len(found), timeout_s=left)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return found


async def handled(subscription: Subscription, count: int) -> list[int]:
    """The next `count` messages, each acknowledged before the next is fetched."""
    found: list[int] = []
    while len(found) < count:
        deliveries = await gathered(subscription, 1)
        assert deliveries, f"{len(found)} of {count} came"
        for delivery in deliveries:
            await delivery.ack()
            found.append(int(delivery.message.body))
    return found


def by_number(deliveries: list[Delivery]) -> dict[int, Delivery]:
    return {int(delivery.message.body): delivery for delivery in deliveries}


class Effects(list[str]):
    """Ids of messages, as they were handled."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def append(self, effect: str) -> None:
        super().append(effect)
        self._more.set()

    async def until(self, enough: Callable[[], bool], *, within_s: float = 60.0) -> None:
        async with asyncio.timeout(within_s):
            while not enough():
                self._more.clear()
                await self._more.wait()


class Member:
    """Handles whatever comes, several at a time, until it is stopped: a handler takes some milliseconds."""

    def __init__(self, subscription: Subscription, effects: Effects) -> None:
        self._subscription = subscription
        self._effects = effects
        self._handling: set[asyncio.Task[None]] = set()
        self.handled = 0
        self.lost = 0
        self.stopping = asyncio.Event()
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                deliveries = await self._subscription.fetch(limit=20, timeout_s=0.2)
            except BrokerUnavailable:
                await asyncio.sleep(0.05)
                continue
            for delivery in deliveries:
                task = asyncio.create_task(self._handle(delivery))
                self._handling.add(task)
                task.add_done_callback(self._handling.discard)
        if self._handling:
            await asyncio.wait(self._handling)
        await self._subscription.close()

    async def _handle(self, delivery: Delivery) -> None:
        await asyncio.sleep(0.005)
        self._effects.append(delivery.message.id)
        try:
            await delivery.ack()
            self.handled += 1
        except BrokerUnavailable:
            self.lost += 1

    async def stop(self) -> None:
        self.stopping.set()
        await self.running


async def test_members_come_and_go_under_load_and_every_effect_happens_once_in_order(
    opened: Opened, group: str
) -> None:
    publisher = opened()
    sent: list[Message] = []
    effects = Effects()
    enough = asyncio.Event()

    async def publish() -> None:
        while not enough.is_set():
            batch = [message(n, f"key-{n % 40}") for n in range(len(sent), len(sent) + 40)]
            sent.extend(batch)
            await published(publisher, batch)
            await asyncio.sleep(0.02)

    async def joined() -> Member:
        return Member(await opened().subscribe([TOPIC], group=group), effects)

    async def handled(*members: Member) -> None:
        """Each of them handles a hundred more."""
        before = [member.handled for member in members]
        await effects.until(lambda: all(m.handled >= n + 100 for m, n in zip(members, before, strict=True)))

    publishing = asyncio.create_task(publish())
    first = await joined()
    await handled(first)
    second = await joined()
    await handled(first, second)
    third = await joined()
    await handled(first, second, third)
    await first.stop()
    await handled(second, third)
    await third.stop()
    await handled(second)
    enough.set()
    await publishing
    await effects.until(lambda: len(effects) >= len(sent))
    await asyncio.sleep(1.0)
    await second.stop()

    assert {one: times for one, times in Counter(effects).items() if times > 1} == {}
    assert (first.lost, second.lost, third.lost) == (0, 0, 0)
    assert first.handled + second.handled + third.handled == len(sent)
    for key in range(40):
        expected = [one.id for one in sent if one.key == f"key-{key}"]
        ours = set(expected)
        assert [one for one in effects if one in ours] == expected


async def test_a_delivery_that_outlasts_a_rebalance_is_lost_here_and_comes_again(
    opened: Opened, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_membership, "MOST_DRAIN_S", 0.3)
    broker = opened()
    await published(broker, [message(1, "a")])
    slow = await broker.subscribe([TOPIC], group=group)
    (delivery,) = await gathered(slow, 1)
    other = await opened().subscribe([TOPIC], group=group)

    (again,) = await first_of(slow, other)

    assert (again.message, again.attempt) == (delivery.message, 2)
    for verdict in (delivery.ack(), delivery.nack(), delivery.dead_letter("late")):
        with pytest.raises(BrokerUnavailable, match="another member"):
            await verdict
    await again.ack()
    assert await broker.dead_letters(group=group) == []


async def first_of(*subscriptions: Subscription) -> list[Delivery]:
    """What whichever of them gets first."""
    for _ in range(60):
        for subscription in subscriptions:
            found = list(await subscription.fetch(limit=1, timeout_s=0.2))
            if found:
                return found
    return []


async def test_acknowledgements_out_of_order_survive_the_member_and_attempts_are_counted_on(
    opened: Opened, group: str
) -> None:
    broker = opened(partitions=1)
    await published(broker, [message(n, f"key-{n}") for n in range(5)])
    first = await broker.subscribe([TOPIC], group=group)
    deliveries = by_number(await gathered(first, 5))
    await asyncio.gather(deliveries[1].ack(), deliveries[3].ack())
    await deliveries[4].nack(delay_s=60)
    await first.close()

    second = await opened(partitions=1).subscribe([TOPIC], group=group)
    again = by_number(await gathered(second, 3))
    assert {n: delivery.attempt for n, delivery in again.items()} == {0: 2, 2: 2, 4: 2}
    for delivery in again.values():
        await delivery.ack()
    third = await opened(partitions=1).subscribe([TOPIC], group=group)
    await second.close()
    assert await gathered(third, 1, within_s=2.0) == []


CONSUMER = """
import asyncio, sys
from orchestratorx_prism.brokers import BrokerSettings, open_broker

async def main(url, prefix, group):
    broker = open_broker(BrokerSettings("kafka", url=url, topic_prefix=prefix, partitions=6, session_timeout_s=1.0))
    subscription = await broker.subscribe(["payments.events"], group=group)
    while True:
        for delivery in await subscription.fetch(limit=10, timeout_s=1.0):
            print(delivery.message.body.decode(), delivery.attempt, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_attempts_are_counted_though_the_consumer_is_killed_each_time(
    opened: Opened, settings: BrokerSettings, group: str
) -> None:
    broker = opened()
    await published(broker, [message(7, "a")])
    for attempt in (1, 2):
        arguments = ["-c", CONSUMER, settings.url, settings.topic_prefix, group]
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            assert await process.stdout.readline() == b"7 %d\n" % attempt
        finally:
            process.kill()
            await process.wait()
    subscription = await broker.subscribe([TOPIC], group=group)
    (delivery,) = await gathered(subscription, 1)
    assert delivery.attempt == 3
    await delivery.ack()


async def test_a_group_loses_nothing_while_it_is_absent_and_the_server_restarts(
    opened: Opened, kafka_server: Any, group: str
) -> None:
    publisher = opened()
    await published(publisher, [message(n, f"key-{n % 7}") for n in range(30)])
    first = await opened().subscribe([TOPIC], group=group)
    await handled(first, 10)
    await first.close()
    await published(publisher, [message(n, f"key-{n % 7}") for n in range(30, 60)])
    await asyncio.to_thread(kafka_server.kill)
    await asyncio.to_thread(kafka_server.start)

    second = await connected(opened(), group)
    found = await handled(second, 50)
    assert len(set(found)) == 50
    assert set(range(30, 60)) <= set(found)
    assert await gathered(second, 1, within_s=1.0) == []


async def connected(broker: KafkaBroker, group: str) -> Subscription:
    for _ in range(100):
        try:
            return await broker.subscribe([TOPIC], group=group)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return await broker.subscribe([TOPIC], group=group)


async def test_two_members_go_on_over_partitions_when_the_server_is_killed_under_load(
    opened: Opened, kafka_server: Any, group: str
) -> None:
    publisher = opened()
    sent = [message(n, f"key-{n % 24}") for n in range(600)]
    effects = Effects()
    await published(publisher, sent[:100])
    members = [Member(await opened().subscribe([TOPIC], group=group), effects) for _ in range(2)]
    publishing = asyncio.create_task(published(publisher, sent[100:]))
    await effects.until(lambda: len(effects) >= 50)
    await asyncio.to_thread(kafka_server.kill)
    await asyncio.to_thread(kafka_server.start)
    await publishing
    await effects.until(lambda: set(effects) == {one.id for one in sent})
    for member in members:
        await member.stop()
    # An effect whose acknowledgement was lost with the server comes again; order is that of the first ones.
    for key in range(24):
        expected = [one.id for one in sent if one.key == f"key-{key}"]
        ours = set(expected)
        assert [one for one in dict.fromkeys(effects) if one in ours] == expected


async def test_a_message_that_waits_long_holds_back_its_key_alone_and_no_crash_waits_for_it(
    opened: Opened, group: str
) -> None:
    broker = opened(partitions=1)
    await published(broker, [message(n, "slow" if n % 10 == 0 else f"key-{n}") for n in range(100)])
    subscription = await broker.subscribe([TOPIC], group=group)
    (first,) = await gathered(subscription, 1)
    assert first.message.key == "slow"
    await first.nack(delay_s=600.0)
    assert await handled(subscription, 90) == [n for n in range(100) if n % 10]
    assert await gathered(subscription, 1, within_s=0.5) == []

    await subscription.close()
    again = await broker.subscribe([TOPIC], group=group)
    assert await handled(again, 10) == list(range(0, 100, 10))


async def test_a_partition_is_read_up_to_the_window_past_an_unfinished_message(
    opened: Opened, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_offsets, "WINDOW", 100)
    broker = opened(partitions=1)
    await published(broker, [message(n, f"key-{n}") for n in range(300)])
    subscription = await broker.subscribe([TOPIC], group=group)
    (stuck,) = await gathered(subscription, 1)
    passed: list[int] = []
    while deliveries := await gathered(subscription, 1, within_s=1.0):
        for delivery in deliveries:
            passed.append(int(delivery.message.body))
            await delivery.ack()
    # The window, and what one reading may bring beyond it.
    assert 99 <= len(passed) < 200
    await stuck.ack()
    passed += await handled(subscription, 299 - len(passed))
    assert passed == list(range(1, 300))


async def test_who_stops_reading_leaves_the_group_and_comes_back_when_it_reads(opened: Opened, group: str) -> None:
    idle = await opened(ack_wait_s=1.0).subscribe([TOPIC], group=group)
    await idle.fetch(limit=1, timeout_s=1.0)
    busy = await opened().subscribe([TOPIC], group=group)
    publisher = opened()
    await published(publisher, [message(n, f"key-{n}") for n in range(24)])
    # All of them: half of the partitions were the other one's.
    assert sorted(await handled(busy, 24)) == list(range(24))
    await busy.close()
    await published(publisher, [message(100, "a")])
    (delivery,) = await gathered(idle, 1)
    await delivery.ack()


async def test_closing_the_broker_ends_a_fetch_and_nothing_is_opened_again(opened: Opened, group: str) -> None:
    broker = opened()
    await published(broker, [message(1, "a")])
    subscription = await broker.subscribe([TOPIC], group=group)
    (delivery,) = await gathered(subscription, 1)
    fetching = asyncio.create_task(subscription.fetch(limit=1, timeout_s=30))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await broker.close()
    with pytest.raises(BrokerUnavailable, match="closed"):
        await fetching
    assert time.monotonic() - began < 5
    for verdict in (delivery.ack(), delivery.nack(), delivery.dead_letter("late")):
        with pytest.raises(BrokerUnavailable):
            await verdict


async def test_a_fetch_that_is_cancelled_loses_no_message(opened: Opened, group: str) -> None:
    broker = opened()
    subscription = await broker.subscribe([TOPIC], group=group)
    found: list[int] = []
    publishing = asyncio.create_task(published(broker, [message(n, f"key-{n}") for n in range(300)]))
    deadline = time.monotonic() + 30
    patience_s = 0.001
    while len(found) < 300 and time.monotonic() < deadline:
        fetching = asyncio.create_task(subscription.fetch(limit=10, timeout_s=5))
        await asyncio.wait([fetching], timeout=patience_s)
        patience_s = patience_s * 1.5 if patience_s < 0.2 else 0.001
        if not fetching.done():
            fetching.cancel()
            await asyncio.wait([fetching])
        if fetching.cancelled():
            continue
        deliveries = fetching.result()
        await asyncio.gather(*(delivery.ack() for delivery in deliveries))
        found += [int(delivery.message.body) for delivery in deliveries]
    await publishing
    assert sorted(found) == list(range(300))


async def test_two_verdicts_on_one_delivery_at_once_end_it_once(opened: Opened, group: str) -> None:
    broker = opened()
    await published(broker, [message(1, "a")])
    subscription = await broker.subscribe([TOPIC], group=group)
    (delivery,) = await gathered(subscription, 1)
    outcomes = await asyncio.gather(delivery.ack(), delivery.ack(), return_exceptions=True)
    assert outcomes.count(None) >= 1
    assert await gathered(subscription, 1, within_s=1.0) == []
