"""The Kafka broker where it differs from others: topics, refusals, frozen servers, what aiokafka does by itself."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Delivery, Message, Subscription
from orchestratorx_prism.brokers.kafka import KafkaBroker
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

Opened = Callable[..., KafkaBroker]
TOPIC = "payments.events"


@pytest.fixture
def settings(kafka_server: Any) -> BrokerSettings:
    """Topics of the test's own."""
    return BrokerSettings(
        "kafka",
        url=kafka_server.url,
        topic_prefix=f"test-{uuid.uuid4().hex}",
        partitions=4,
        publish_timeout_s=2.0,
        ack_wait_s=10.0,
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
async def admin(kafka_server: Any) -> AsyncIterator[AIOKafkaAdminClient]:
    """A bare client, to look at the server with."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_server.url.removeprefix("kafka://"))
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"


def message(number: int, key: str | None = None, **fields: Any) -> Message:
    fields = {"address": TOPIC, "routing_key": "payment.captured"} | fields
    key = f"key-{number}" if key is None else key
    return Message(id=str(uuid.uuid4()), key=key, **({"body": str(number).encode()} | fields))


async def gathered(subscription: Subscription, count: int, *, within_s: float = 15.0) -> list[Delivery]:
    found: list[Delivery] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        try:
            found += await subscription.fetch(limit=count - len(found), timeout_s=left)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return found


async def handled(subscription: Subscription, count: int, *, within_s: float = 15.0) -> list[int]:
    """The next `count` messages, each acknowledged; less if no more come."""
    found: list[int] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        for delivery in await gathered(subscription, 1, within_s=left):
            await delivery.ack()
            found.append(int(delivery.message.body))
    return found


def numbers(deliveries: list[Delivery]) -> list[int]:
    return sorted(int(delivery.message.body) for delivery in deliveries)


async def until_published(broker: KafkaBroker, messages: list[Message]) -> None:
    deadline = time.monotonic() + 30
    while messages:
        outcomes = await broker.publish(messages)
        messages = [one for one, outcome in zip(messages, outcomes, strict=True) if outcome is not None]
        assert time.monotonic() < deadline, outcomes


async def test_a_topic_is_made_with_safe_settings(
    opened: Opened, settings: BrokerSettings, admin: AIOKafkaAdminClient
) -> None:
    broker = opened(max_age_s=3_600.0)
    assert await broker.publish([message(1)]) == [None]
    topic = f"{settings.topic_prefix}.{TOPIC}"
    (described,) = await admin.describe_topics([topic])
    assert len(described["partitions"]) == 4
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    configs = {name: value for name, value, *_ in answer.resources[0][4]}
    assert (configs["retention.ms"], configs["cleanup.policy"]) == ("3600000", "delete")
    assert (configs["min.insync.replicas"], configs["unclean.leader.election.enable"]) == ("1", "false")


async def test_more_copies_than_servers_is_a_fault_of_the_settings(opened: Opened) -> None:
    with pytest.raises(SettingsRejected, match="InvalidReplicationFactor"):
        await opened(replicas=3).publish([message(1)])


async def test_two_replicas_that_start_at_once_make_one_topic(opened: Opened) -> None:
    outcomes = await asyncio.gather(*(opened().publish([message(n)]) for n in range(3)))
    assert outcomes == [[None]] * 3


async def test_others_read_the_body_with_key_and_headers(opened: Opened, settings: BrokerSettings) -> None:
    sent = message(1, key="payment-1", headers={"ce_type": "payment.captured"})
    assert await opened().publish([sent]) == [None]
    consumer = AIOKafkaConsumer(
        f"{settings.topic_prefix}.{TOPIC}",
        bootstrap_servers=settings.url.removeprefix("kafka://"),
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), 10)
    finally:
        await consumer.stop()
    assert (record.key, record.value) == (b"payment-1", b"1")
    assert dict(record.headers) == {
        "ce_type": b"payment.captured",
        "orchestratorx-id": sent.id.encode(),
        "orchestratorx-routing-key": b"payment.captured",
    }


async def test_messages_of_other_publishers_are_delivered_too(
    opened: Opened, settings: BrokerSettings, group: str
) -> None:
    subscription = await opened().subscribe([TOPIC], group=group)
    topic = f"{settings.topic_prefix}.{TOPIC}"
    producer = AIOKafkaProducer(bootstrap_servers=settings.url.removeprefix("kafka://"), compression_type="gzip")
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"theirs", partition=2)
    finally:
        await producer.stop()
    (delivery,) = await gathered(subscription, 1)
    assert delivery.message == Message(id=f"{topic}:2:0", address=TOPIC, key="", body=b"theirs")


async def test_a_message_the_server_refuses_fails_alone_and_holds_its_key_back(
    opened: Opened, settings: BrokerSettings, group: str
) -> None:
    broker = opened(partitions=1)
    batch = [
        message(0, key="b"),
        message(1, key="a", body=b"x" * 2_000_000),
        message(2, key="a"),
        message(3, key="b"),
        message(4, key="c", address="not a topic"),
        message(5, key="c"),
    ]
    outcomes = await broker.publish(batch)
    assert [None if one is None else one.reason for one in outcomes] == [
        None,
        "MESSAGE_REFUSED",
        "ORDER_HELD",
        None,
        "MESSAGE_REFUSED",
        "ORDER_HELD",
    ]
    # The producer is another one now; the partition goes on.
    assert await broker.publish([message(6)]) == [None]
    assert await handled(await broker.subscribe([TOPIC], group=group), 3) == [0, 3, 6]


async def test_a_batch_too_large_for_the_topic_goes_message_by_message(
    opened: Opened, settings: BrokerSettings, admin: AIOKafkaAdminClient, group: str
) -> None:
    topic = f"{settings.topic_prefix}.{TOPIC}"
    await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": "4000"})])
    broker = opened()
    sent = [message(n, key=f"key-{n % 3}", body=b"%d" % n + b" " * 1_500) for n in range(12)]
    sent[5] = message(5, key="key-2", body=b"x" * 5_000)

    outcomes = await broker.publish(sent)

    reasons = {n: outcome.reason for n, outcome in enumerate(outcomes) if outcome is not None}
    assert reasons == {5: "MESSAGE_REFUSED", 8: "ORDER_HELD", 11: "ORDER_HELD"}
    assert await handled(await broker.subscribe([TOPIC], group=group), 9) == [0, 1, 2, 3, 4, 6, 7, 9, 10]


async def test_a_frozen_server_fails_publishing_in_time_and_order_survives(
    opened: Opened, kafka_server: Any, group: str
) -> None:
    broker = opened()
    await until_published(broker, [message(0)])
    sent = [message(n, key=f"key-{n % 3}") for n in range(1, 60)]
    kafka_server.freeze()
    try:
        began = time.monotonic()
        outcomes = await broker.publish(sent)
        assert time.monotonic() - began < 10
        assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)
        with pytest.raises(BrokerUnavailable):
            await broker.health()
    finally:
        kafka_server.thaw()
    await until_published(broker, sent)

    subscription = await broker.subscribe([TOPIC], group=group)
    arrived: list[str] = []
    while len(set(arrived)) < 60:
        deliveries = await gathered(subscription, 1)
        assert deliveries
        for delivery in deliveries:
            arrived.append(delivery.message.id)
            await delivery.ack()
    for key in range(3):
        expected = [one.id for one in sent if one.key == f"key-{key}"]
        assert [one for one in dict.fromkeys(arrived) if one in expected] == expected


async def test_an_address_where_nobody_listens_is_unavailable_at_once(opened: Opened) -> None:
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match=r"cannot connect to kafka://127\.0\.0\.1:1"):
        await opened(url="kafka://127.0.0.1:1").connect()
    assert time.monotonic() - began < 1.5


async def test_the_second_of_two_servers_is_used_when_the_first_is_away(opened: Opened, kafka_server: Any) -> None:
    broker = opened(url=f"127.0.0.1:1, {kafka_server.url}")
    assert await broker.publish([message(1)]) == [None]


@pytest.mark.parametrize("address", ["pay ments", "pay*ments", ""])
async def test_an_address_that_cannot_be_a_topic_is_refused(opened: Opened, address: str, group: str) -> None:
    with pytest.raises(RequestRejected):
        await opened().subscribe([address], group=group)


async def test_a_topic_deleted_under_publisher_and_consumer_is_made_again_and_both_go_on(
    opened: Opened,
    settings: BrokerSettings,
    admin: AIOKafkaAdminClient,
    group: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher, consumer = opened(), opened()
    subscription = await consumer.subscribe([TOPIC], group=group)
    await until_published(publisher, [message(n) for n in range(20)])
    held = (await gathered(subscription, 20))[0]
    await admin.delete_topics([f"{settings.topic_prefix}.{TOPIC}"])
    # The consumer meets it first: it says so, makes the topic anew, and joins again.
    async with asyncio.timeout(20):
        while "somebody deleted" not in caplog.text:
            assert await gathered(subscription, 1, within_s=0.5) == []

    await until_published(publisher, [message(n) for n in range(100, 130)])

    again = await gathered(subscription, 30)
    assert numbers(again) == list(range(100, 130))
    with pytest.raises(BrokerUnavailable):
        await held.ack()
    for delivery in again:
        await delivery.ack()
    assert await gathered(subscription, 1, within_s=1.0) == []


async def test_a_publisher_alone_makes_its_topic_again_after_somebody_deleted_it(
    opened: Opened, settings: BrokerSettings, admin: AIOKafkaAdminClient, group: str
) -> None:
    broker = opened(publish_timeout_s=1.0)
    await until_published(broker, [message(1)])
    await admin.delete_topics([f"{settings.topic_prefix}.{TOPIC}"])
    outcomes = await broker.publish([message(2)])
    # What is reported as failed is not stored later, by a producer that goes on trying.
    expected = [] if outcomes[0] is not None else [2]
    await until_published(broker, [message(3)])
    await asyncio.sleep(0.5)
    subscription = await broker.subscribe([TOPIC], group=group)
    assert sorted(await handled(subscription, 3, within_s=3.0)) == [*expected, 3]


async def test_a_star_brings_topics_that_are_made_later_and_no_dead_letters(opened: Opened, group: str) -> None:
    broker = opened()
    await until_published(broker, [message(1, address="payments.early")])
    subscription = await broker.subscribe(["payments.*", "refunds"], group=group)
    (first,) = await gathered(subscription, 1)
    await first.dead_letter("refused")
    await until_published(broker, [message(2, address="payments.late"), message(3, address="refunds")])
    assert sorted(await handled(subscription, 2)) == [2, 3]
    assert await gathered(subscription, 1, within_s=1.0) == []


async def test_a_message_parked_twice_is_listed_once_and_groups_see_their_own(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    broker = opened()
    await until_published(broker, [message(1)])
    group = f"{group} v2.0"
    subscription = await broker.subscribe([TOPIC], group=group)
    (delivery,) = await gathered(subscription, 1)
    # A crash between parking and committing: the message comes again.
    with monkeypatch.context() as crash:
        crash.setattr(subscription, "end", refuse)
        with pytest.raises(BrokerUnavailable):
            await delivery.dead_letter("first")
    await delivery.dead_letter("second")
    (dead,) = await broker.dead_letters(group=group)
    assert (dead.reason, dead.group, dead.attempt) == ("second", group, 1)
    # The same topic, for the names differ in characters that a topic cannot have.
    assert await broker.dead_letters(group=group.replace(" ", ".")) == []


async def refuse(_delivery: Any) -> None:
    raise BrokerUnavailable("away")


async def test_a_group_that_begins_with_the_latest_skips_what_was_before(opened: Opened, group: str) -> None:
    broker = opened(auto_offset_reset="latest")
    await until_published(broker, [message(1)])
    subscription = await broker.subscribe([TOPIC], group=group)
    # Where the latest is, is decided when the group gets its partitions.
    for number in range(2, 40):
        found = await gathered(subscription, 1, within_s=0.5)
        if found:
            break
        await until_published(broker, [message(number)])
    assert numbers(found)[0] > 1


async def test_a_session_shorter_than_the_server_allows_is_told_aloud(opened: Opened, group: str) -> None:
    subscription = await opened(session_timeout_s=0.1).subscribe([TOPIC], group=group)
    with pytest.raises(BrokerUnavailable, match="InvalidSessionTimeout") as refused:
        await subscription.fetch(limit=1, timeout_s=10)
    assert "session_timeout_s" in refused.value.fix


async def test_the_groups_place_is_not_lost_where_the_server_says_it_is_loading(
    opened: Opened, settings: BrokerSettings, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    """aiokafka's consumer would begin at the oldest message again."""
    broker = opened(partitions=1)
    await until_published(broker, [message(n) for n in range(3)])
    first = await broker.subscribe([TOPIC], group=group)
    for delivery in await gathered(first, 2):
        await delivery.ack()
    await first.close()
    partition = TopicPartition(f"{settings.topic_prefix}.{TOPIC}", 0)
    assert (await broker._link.committed(group, [partition]))[partition][0] == 2

    from aiokafka.consumer.group_coordinator import GroupCoordinator

    async def nothing(*_: Any) -> dict[Any, Any]:
        return {}

    monkeypatch.setattr(GroupCoordinator, "_do_fetch_commit_offsets", nothing)
    second = await broker.subscribe([TOPIC], group=group)
    assert numbers(await gathered(second, 3, within_s=3.0)) == [2]
