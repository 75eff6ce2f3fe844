"""What RabbitMQ says about its groups, and the way back of dead letters, where it differs from others."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import aio_pika
import pytest

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message, rabbitmq_inlet, rabbitmq_registry
from orchestratorx_prism.brokers.rabbitmq import RabbitBroker

pytestmark = pytest.mark.rabbitmq

EXCHANGE = "payments.events"
Opened = Callable[[], RabbitBroker]


@pytest.fixture
def settings(rabbit_server: Any) -> BrokerSettings:
    return BrokerSettings("rabbitmq", url=rabbit_server.url(rabbit_server.virtual_host), publish_timeout_s=3.0)


@pytest.fixture
async def opened(settings: BrokerSettings) -> AsyncIterator[Opened]:
    clients: list[RabbitBroker] = []

    def open_one() -> RabbitBroker:
        clients.append(RabbitBroker(settings))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
async def bare(settings: BrokerSettings) -> AsyncIterator[Any]:
    """A channel of a bare client, to do what operators do."""
    async with await aio_pika.connect(settings.url) as connection:
        yield await connection.channel()


def message(number: int, key: str | None = None) -> Message:
    key = f"key-{number}" if key is None else key
    return Message(str(uuid.uuid4()), EXCHANGE, key, str(number).encode(), {}, "payment.captured")


async def park(broker: RabbitBroker, group: str, count: int) -> None:
    subscription = await broker.subscribe([EXCHANGE], group=group)
    parked = 0
    while parked < count:
        for delivery in await subscription.fetch(limit=count - parked, timeout_s=5):
            await delivery.dead_letter("HANDLER_FAILED")
            parked += 1
    await subscription.close()


async def test_two_that_redrive_at_once_bring_each_dead_letter_once(opened: Opened) -> None:
    broker, other = opened(), opened()
    await broker.publish([message(n) for n in range(120)])
    await park(broker, "all", 120)
    counts = await asyncio.gather(*(one.redrive(group="all", limit=1_000) for one in (broker, other)))
    assert sum(counts) == 120
    assert (await broker.lag("all")).waiting == 120


async def test_those_who_look_at_dead_letters_at_once_all_see_all(opened: Opened) -> None:
    broker, other = opened(), opened()
    await broker.publish([message(n) for n in range(5)])
    await park(broker, "all", 5)
    one, two, three, lag = await asyncio.gather(
        broker.dead_letters(group="all"),
        broker.dead_letters(group="all"),
        other.dead_letters(group="all"),
        other.lag("all"),
    )
    assert [len(one), len(two), len(three), lag.dead_letters] == [5, 5, 5, 5]


async def test_a_group_without_its_queue_is_not_listed_and_keeps_its_dead_letters_until_it_has_one(
    opened: Opened, bare: Any
) -> None:
    broker = opened()
    await broker.publish([message(1)])
    await park(broker, "all", 1)
    assert await broker.groups() == ["all"]
    await bare.queue_delete("orchestratorx.group.all")
    assert await broker.groups() == []
    with pytest.raises(BrokerUnavailable) as refused:
        await broker.redrive(group="all")
    assert refused.value.reason == "NO_STREAM"
    lag = await broker.lag("all")
    assert (lag.waiting, lag.unfinished, lag.dead_letters) == (0, 0, 1)

    await broker.subscribe([EXCHANGE], group="all")
    assert await broker.groups() == ["all"]
    assert await broker.redrive(group="all") == 1


async def test_names_of_groups_outlive_being_looked_at_often(
    opened: Opened, bare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_registry, "_WORN_AFTER", 2)
    broker = opened()
    for group in ("billing", "shipping"):
        await broker.subscribe([EXCHANGE], group=group)
    # As a crash leaves it, between putting a name in again and removing the worn one.
    await bare.default_exchange.publish(aio_pika.Message(b"billing"), routing_key="orchestratorx.groups")
    for _ in range(5):
        assert await broker.groups() == ["billing", "shipping"]
    registry = await bare.declare_queue("orchestratorx.groups", passive=True)
    assert registry.declaration_result.message_count == 2


async def test_a_registry_that_was_deleted_is_filled_again_by_whoever_joins(opened: Opened, bare: Any) -> None:
    await opened().subscribe([EXCHANGE], group="all")
    await bare.queue_delete("orchestratorx.groups")
    broker = opened()
    assert await broker.groups() == []
    await broker.subscribe([EXCHANGE], group="all")
    assert await broker.groups() == ["all"]


async def test_lag_adds_up_what_all_members_have_in_hand(opened: Opened) -> None:
    asking, broker, other = opened(), opened(), opened()
    one = await broker.subscribe([EXCHANGE], group="all")
    two = await other.subscribe([EXCHANGE], group="all")
    for number, key in enumerate(("a", "a", "b", "c", "d"), start=1):
        await broker.publish([message(number, key)])
    # The second of key a is here too, and was handed to nobody.
    first = await one.fetch(limit=3, timeout_s=5)
    assert [delivery.message.body for delivery in first] == [b"1", b"3"]
    (second,) = await two.fetch(limit=1, timeout_s=5)
    lag = await asking.lag("all")
    assert (lag.waiting, lag.unfinished) == (2, 3)
    assert lag.oldest_age_s is not None
    assert 0 <= lag.oldest_age_s < 60

    await one.close()
    await second.ack()
    for _ in range(100):  # the server takes a moment to notice
        lag = await asking.lag("all")
        if (lag.waiting, lag.unfinished) == (4, 0):
            break
        await asyncio.sleep(0.05)
    assert (lag.waiting, lag.unfinished, lag.oldest_age_s) == (4, 0, None)


async def test_lag_is_not_known_while_a_member_does_not_answer(opened: Opened, settings: BrokerSettings) -> None:
    broker = opened()
    await broker.subscribe([EXCHANGE], group="all")
    async with await aio_pika.connect(settings.url) as connection:
        # As a process whose event loop is kept busy.
        silent = await (await connection.channel()).declare_queue("orchestratorx.ready.all", passive=True)
        await silent.consume(print)
        with pytest.raises(BrokerUnavailable, match="does not say what it has in hand"):
            await broker.lag("all")
    assert (await broker.lag("all")).waiting == 0


async def test_a_member_is_counted_again_after_another_has_made_the_group_anew(
    opened: Opened, bare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_inlet, "_BIND_EVERY_S", 0.0)
    staying = await opened().subscribe([EXCHANGE], group="all")
    await bare.queue_delete("orchestratorx.group.all")
    broker = opened()
    await broker.subscribe([EXCHANGE], group="all")
    await broker.publish([message(1)])
    (delivery,) = await staying.fetch(limit=1, timeout_s=5)
    lag = await broker.lag("all")
    assert (lag.waiting, lag.unfinished) == (0, 1)
    await delivery.ack()
