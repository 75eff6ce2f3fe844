"""Dead letters and the lag of groups in Kafka: the topic, crashes between two steps, and what other processes see."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from orchestratorx_prism.brokers import (
    BrokerSettings,
    BrokerUnavailable,
    DeadLetter,
    Delivery,
    Message,
    Subscription,
    kafka_dead_letters,
)
from orchestratorx_prism.brokers.checkup import checkup
from orchestratorx_prism.brokers.kafka import KafkaBroker
from orchestratorx_prism.brokers.kafka_messages import dead_letter_headers
from orchestratorx_prism.brokers.kafka_topics import dead_letter_topic

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


def message(number: int, key: str = "", **fields: Any) -> Message:
    return Message(id=str(uuid.uuid4()), address=TOPIC, key=key, body=b"%d" % number, **fields)


async def published(broker: KafkaBroker, *messages: Message) -> None:
    assert await broker.publish(messages) == [None] * len(messages)


async def fetched(subscription: Subscription, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await subscription.fetch(limit=count - len(found), timeout_s=5)
    return found


async def gathered(broker: KafkaBroker, group: str, count: int) -> list[Delivery]:
    """The next deliveries; their subscription stays, and keeps its partitions."""
    return await fetched(await broker.subscribe([TOPIC], group=group), count)


async def parked(broker: KafkaBroker, group: str, *messages: Message) -> None:
    """Publishes them, parks them all, and leaves the group."""
    await published(broker, *messages)
    subscription = await broker.subscribe([TOPIC], group=group)
    for delivery in await fetched(subscription, len(messages)):
        await delivery.dead_letter("refused")
    await subscription.close()


async def test_dead_letters_are_in_a_compacted_topic_that_nothing_expires_from(
    opened: Opened, admin: AIOKafkaAdminClient, settings: BrokerSettings, group: str
) -> None:
    await parked(opened(), group, message(1))
    topic = dead_letter_topic(settings, group)
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    configs = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert (configs["cleanup.policy"], configs["retention.ms"]) == ("compact", "-1")
    assert [finding for finding in await checkup(settings) if finding.level == "unsafe"] == []


async def test_dead_letters_are_found_in_a_topic_that_somebody_made_with_more_partitions(
    opened: Opened, admin: AIOKafkaAdminClient, settings: BrokerSettings, group: str
) -> None:
    await admin.create_topics([NewTopic(dead_letter_topic(settings, group), 5, 1)])
    broker = opened()
    await parked(broker, group, *[message(n, f"key-{n}") for n in range(8)])
    assert len(await broker.dead_letters(group=group)) == 8
    assert await broker.redrive(group=group) == 8
    assert await broker.dead_letters(group=group) == []


async def test_dead_letters_whose_records_have_the_keys_of_their_messages_are_told_apart(
    opened: Opened, admin: AIOKafkaAdminClient, settings: BrokerSettings, kafka_server: Any, group: str
) -> None:
    """As they were parked before the record's key was the dead letter's own."""
    topic = dead_letter_topic(settings, group)
    await admin.create_topics([NewTopic(topic, 1, 1)])
    async with AIOKafkaProducer(bootstrap_servers=kafka_server.url.removeprefix("kafka://")) as producer:
        for number in range(3):
            dead = DeadLetter(message(number, "key"), group, "refused", 1)
            headers = dead_letter_headers(settings, dead, origin=f"{TOPIC}:0:{number}")
            await producer.send_and_wait(topic, b"%d" % number, key=b"key", headers=headers)
    broker = opened()
    assert [dead.message.body for dead in await broker.dead_letters(group=group)] == [b"0", b"1", b"2"]
    assert await broker.redrive(group=group, limit=2) == 2
    assert [dead.message.body for dead in await broker.dead_letters(group=group)] == [b"2"]


async def test_a_crash_between_redriving_and_recording_it_brings_one_twice_and_loses_none(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    broker = opened()
    sent = message(1, "key")
    await parked(broker, group, sent)

    async def crash(*_: Any) -> None:
        raise BrokerUnavailable("away")

    with monkeypatch.context() as crashing:
        crashing.setattr(kafka_dead_letters.DeadLetters, "_record", crash)
        with pytest.raises(BrokerUnavailable):
            await broker.redrive(group=group)
    assert [dead.message.id for dead in await broker.dead_letters(group=group)] == [sent.id]
    assert await broker.redrive(group=group) == 1
    assert await broker.dead_letters(group=group) == []
    subscription = await opened().subscribe([TOPIC], group=group)
    await broker.close()
    for _ in range(2):
        (again,) = await subscription.fetch(limit=1, timeout_s=20)
        assert (again.message, again.attempt) == (sent, 1)
        await again.ack()


async def test_what_cannot_be_published_stays_a_dead_letter_and_the_others_go_back(
    opened: Opened, admin: AIOKafkaAdminClient, settings: BrokerSettings, group: str
) -> None:
    large = replace(message(1, "a"), body=b"x" * 5_000)
    broker = opened()
    await parked(broker, group, large, message(2, "b"))
    lowered = ConfigResource(ConfigResourceType.TOPIC, f"{settings.topic_prefix}.{TOPIC}", {"max.message.bytes": 2_000})
    await admin.alter_configs([lowered])
    with pytest.raises(BrokerUnavailable) as refused:
        await broker.redrive(group=group)
    assert refused.value.reason == "MESSAGE_REFUSED"
    assert [dead.message.id for dead in await broker.dead_letters(group=group)] == [large.id]


async def test_two_groups_whose_dead_letters_share_a_topic_park_and_redrive_the_same_message(
    opened: Opened, group: str
) -> None:
    broker = opened()
    sent = message(1)
    await published(broker, sent)
    one, two = f"{group}.v", f"{group} v"
    for name in (one, two):
        (delivery,) = await gathered(broker, name, 1)
        await delivery.dead_letter(name)
    assert [dead.reason for dead in await broker.dead_letters(group=one)] == [one]
    assert await broker.redrive(group=one) == 1
    assert await broker.dead_letters(group=one) == []
    assert [(dead.reason, dead.message) for dead in await broker.dead_letters(group=two)] == [(two, sent)]


async def test_a_client_that_has_counted_dead_letters_sees_what_others_redrive_and_park(
    opened: Opened, group: str
) -> None:
    one, two = opened(), opened()
    await parked(one, group, message(1), message(2))
    assert (await two.lag(group)).dead_letters == 2
    assert await one.redrive(group=group, limit=1) == 1
    assert (await two.lag(group)).dead_letters == 1
    (delivery,) = await gathered(one, group, 1)
    await delivery.dead_letter("again")
    assert (await two.lag(group)).dead_letters == 2
    assert [dead.reason for dead in await two.dead_letters(group=group)] == ["refused", "again"]


async def test_a_topic_of_dead_letters_that_was_deleted_is_empty(
    opened: Opened, admin: AIOKafkaAdminClient, settings: BrokerSettings, group: str
) -> None:
    broker = opened()
    await parked(broker, group, message(1), message(2))
    assert (await broker.lag(group)).dead_letters == 2
    await admin.delete_topics([dead_letter_topic(settings, group)])
    async with asyncio.timeout(20):
        while (await broker.lag(group)).dead_letters:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0.1)
    assert await broker.dead_letters(group=group) == []
    assert await broker.redrive(group=group) == 0


async def test_a_redriven_message_leaves_no_other_group_behind(opened: Opened, group: str) -> None:
    broker, other = opened(), f"other-{group}"
    await parked(broker, group, message(1))
    subscription = await broker.subscribe([TOPIC], group=other)
    (delivery,) = await subscription.fetch(limit=1, timeout_s=10)
    await delivery.ack()
    await broker.redrive(group=group)
    assert await subscription.fetch(limit=1, timeout_s=1.0) == []
    # As another process sees it: from what is committed.
    lag = await opened().lag(other)
    assert (lag.waiting, lag.unfinished, lag.oldest_age_s) == (0, 0, None)


async def test_another_process_sees_what_is_in_hand_what_waits_and_how_old_it_is(opened: Opened, group: str) -> None:
    await published(opened(), *[message(n, f"key-{n}") for n in range(6)])
    handed = await gathered(opened(), group, 6)
    await handed[0].ack()
    await handed[1].nack(delay_s=60)
    lag = await opened().lag(group)
    assert (lag.waiting, lag.unfinished) == (0, 5)
    await published(opened(), *[message(n, f"key-{n}") for n in range(3)])
    lag = await opened().lag(group)
    assert (lag.waiting, lag.unfinished, lag.dead_letters) == (3, 5, 0)
    assert lag.oldest_age_s is not None
    assert 0 < lag.oldest_age_s < 60


async def test_a_group_that_begins_with_the_latest_is_not_behind_by_what_was_before(opened: Opened, group: str) -> None:
    broker = opened(auto_offset_reset="latest")
    await published(broker, message(1), message(2))
    subscription = await broker.subscribe([TOPIC], group=group)
    assert (await broker.lag(group)).waiting == 0
    assert await subscription.fetch(limit=1, timeout_s=2.0) == []
    await subscription.close()
    await published(broker, message(3))
    # It has a place, though it was handed nothing yet.
    assert (await opened().lag(group)).waiting == 1
    (delivery,) = await gathered(broker, group, 1)
    assert delivery.message.body == b"3"


async def test_a_group_that_reads_something_else_now_does_not_wait_for_what_it_read_before(
    opened: Opened, group: str
) -> None:
    broker = opened()
    await published(broker, message(1))
    (delivery,) = await gathered(broker, group, 1)
    await delivery.ack()
    await broker.close()

    broker = opened()
    await published(broker, message(2), replace(message(3), address="refunds"))
    subscription = await broker.subscribe(["refunds"], group=group)
    (delivery,) = await subscription.fetch(limit=1, timeout_s=10)
    await delivery.ack()
    assert (await opened().lag(group)).waiting == 0
    assert (await broker.lag(group)).waiting == 0


async def test_groups_of_other_prefixes_are_not_listed(opened: Opened, group: str) -> None:
    await gathered_nothing(opened(topic_prefix=f"other-{group}"), f"{group}-theirs")
    await gathered_nothing(opened(), group)
    assert await opened().groups() == [group]


async def gathered_nothing(broker: KafkaBroker, group: str) -> None:
    """Joins, with nothing to read, and leaves."""
    subscription = await broker.subscribe([TOPIC], group=group)
    assert await subscription.fetch(limit=1, timeout_s=2.0) == []
    await subscription.close()
