"""The RabbitMQ broker where it differs from others: exchanges, the history, deleted queues, refusals."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import aio_pika
import aiormq
import pytest

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message, Subscription
from orchestratorx_prism.brokers.rabbitmq import RabbitBroker
from orchestratorx_prism.brokers.rabbitmq_census import Member
from orchestratorx_prism.brokers.rabbitmq_consuming import RabbitSubscription
from orchestratorx_prism.brokers.rabbitmq_topology import ready_queue
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

pytestmark = pytest.mark.rabbitmq

EXCHANGE = "payments.events"
Opened = Callable[..., RabbitBroker]


@pytest.fixture
def settings(rabbit_server: Any) -> BrokerSettings:
    url = rabbit_server.url(rabbit_server.virtual_host)
    return BrokerSettings("rabbitmq", url=url, publish_timeout_s=3.0, ack_wait_s=10.0)


@pytest.fixture
async def opened(settings: BrokerSettings) -> AsyncIterator[Opened]:
    clients: list[RabbitBroker] = []

    def open_one(**changes: Any) -> RabbitBroker:
        clients.append(RabbitBroker(replace(settings, **changes)))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
async def bare(settings: BrokerSettings) -> AsyncIterator[Any]:
    """A channel of a bare client, to look at the server with."""
    async with await aio_pika.connect(settings.url) as connection:
        yield await connection.channel()


def message(number: int, key: str | None = None, **fields: Any) -> Message:
    fields = {"address": EXCHANGE, "routing_key": "payment.captured"} | fields
    key = f"key-{number}" if key is None else key
    return Message(id=str(uuid.uuid4()), key=key, **({"body": str(number).encode()} | fields))


async def taken(subscription: Subscription, count: int, *, within_s: float = 15.0) -> list[Message]:
    """The next `count` messages, each acknowledged; less if no more come."""
    found: list[Message] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        try:
            for delivery in await subscription.fetch(limit=min(50, count - len(found)), timeout_s=min(left, 1.0)):
                await delivery.ack()
                found.append(delivery.message)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return found


async def until_alone(subscription: RabbitSubscription, *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await subscription.alone():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)


def bodies(messages: list[Message]) -> list[bytes]:
    return [one.body for one in messages]


def expected(count: int, start: int = 0) -> list[bytes]:
    return [str(n).encode() for n in range(start, count)]


async def published_at_last(broker: RabbitBroker, one: Message, *, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while (outcome := (await broker.publish([one]))[0]) is not None:
        assert time.monotonic() < deadline, outcome
        await asyncio.sleep(0.1)


async def test_an_event_is_on_the_exchange_of_its_address_with_its_type_as_routing_key(
    opened: Opened, bare: Any
) -> None:
    broker = opened(exchange_name="acme.payments")
    await broker.connect()
    await broker.publish([message(0)])
    own = await bare.declare_queue("own", exclusive=True)
    await own.bind(EXCHANGE, "payment.*")
    all_of_them = await bare.declare_queue("all", exclusive=True)
    await all_of_them.bind("acme.payments", "payment.captured")
    sent = message(1, headers={"ce-id": "1"})
    assert await broker.publish([sent]) == [None]

    received = await own.get(timeout=5)
    assert (received.body, received.message_id, received.routing_key) == (b"1", sent.id, "payment.captured")
    assert received.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert received.headers["ce-id"] == "1"
    assert (await all_of_them.get(timeout=5)).message_id == sent.id


async def test_queues_are_durable_quorum_queues_and_the_history_is_a_stream(opened: Opened, rabbit_server: Any) -> None:
    broker = opened()
    await broker.subscribe([EXCHANGE], group="all")
    flat = rabbit_server.evaluate(
        "lists:sort([{binary_to_atom(element(4, amqqueue:get_name(Q))), amqqueue:get_type(Q), amqqueue:is_durable(Q)} "
        f'|| Q <- rabbit_amqqueue:list(<<"{rabbit_server.virtual_host}">>)]).\n'
    )
    flat = flat.replace(" ", "").replace("'", "")
    for name, kind in (
        ("group.all", "rabbit_quorum_queue"),
        ("dead_letters.all", "rabbit_quorum_queue"),
        ("history", "rabbit_stream_queue"),
    ):
        assert f"{{orchestratorx.{name},{kind},true}}" in flat
    assert "backlog" not in flat


async def test_what_is_published_before_any_group_is_there_waits_for_the_first_even_over_a_crash(
    opened: Opened, rabbit_server: Any
) -> None:
    broker = opened()
    sent = [message(n, key=f"key-{n % 3}") for n in range(30)]
    assert await broker.publish(sent) == [None] * 30
    await asyncio.to_thread(rabbit_server.kill)
    await asyncio.to_thread(rabbit_server.start)
    # The history takes a moment to come up; whoever asks before is told that it is away.
    await published_at_last(broker, message(30, key="key-0"))

    arrived = await taken(await broker.subscribe([EXCHANGE], group="first"), 31)

    assert sorted(bodies(arrived), key=int) == expected(31)
    assert bodies([one for one in arrived if one.key == "key-0"]) == [b"0", *expected(31, 1)[2::3]]
    assert {(one.address, one.routing_key) for one in arrived} == {(EXCHANGE, "payment.captured")}


async def test_a_group_that_is_away_while_the_server_crashes_loses_nothing(opened: Opened, rabbit_server: Any) -> None:
    broker = opened()
    await (await broker.subscribe([EXCHANGE], group="all")).close()
    assert await broker.publish([message(n) for n in range(50)]) == [None] * 50
    await asyncio.to_thread(rabbit_server.kill)
    await asyncio.to_thread(rabbit_server.start)
    await published_at_last(broker, message(50))

    arrived = await taken(await broker.subscribe([EXCHANGE], group="all"), 52, within_s=8)
    assert sorted(bodies(arrived), key=int) == expected(51)


async def test_a_group_made_while_messages_come_gets_all_of_them_in_order(opened: Opened) -> None:
    broker, consumer = opened(), opened()
    publishing_ended = asyncio.Event()
    sent: list[Message] = []

    async def publish() -> None:
        while len(sent) < 200 or not subscribed.done():
            batch = [message(len(sent) + n, key=f"key-{n % 5}") for n in range(10)]
            assert await broker.publish(batch) == [None] * 10
            sent.extend(batch)
        publishing_ended.set()

    subscribed: asyncio.Task[Any] = asyncio.create_task(asyncio.sleep(0))
    await subscribed
    await broker.publish([message(-1, key="warm-up", address="payments.other")])
    subscribed = asyncio.create_task(consumer.subscribe([EXCHANGE], group="late"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
    arrived = await taken(await subscribed, len(sent), within_s=30)

    assert publishing_ended.is_set()
    assert {one.id for one in arrived} == {one.id for one in sent}
    for key in {one.key for one in sent}:
        first_arrivals = list(dict.fromkeys(one.id for one in arrived if one.key == key))
        assert first_arrivals == [one.id for one in sent if one.key == key]


async def test_members_that_join_a_new_group_at_once_make_it_once(opened: Opened) -> None:
    broker = opened()
    assert await broker.publish([message(n) for n in range(20)]) == [None] * 20
    members = await asyncio.gather(*(opened().subscribe([EXCHANGE], group="all") for _ in range(3)))
    arrived = [one for member in members for one in await taken(member, 20, within_s=2)]
    assert sorted(bodies(arrived), key=int) == expected(20)


@pytest.mark.parametrize("given_up_after_s", [0.02, 0.3, 1.1, 1.25])
async def test_a_group_whose_maker_gives_up_in_the_middle_is_made_by_the_next(
    opened: Opened, given_up_after_s: float
) -> None:
    publisher = opened()
    sent = [message(n, key=f"key-{n % 7}") for n in range(300)]
    assert await publisher.publish(sent) == [None] * 300
    maker = opened()
    making = asyncio.create_task(maker.subscribe([EXCHANGE], group="all"))
    await asyncio.sleep(given_up_after_s)
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    await maker.close()

    arrived = await taken(await opened().subscribe([EXCHANGE], group="all"), 300)

    for key in {one.key for one in sent}:
        assert [one.id for one in arrived if one.key == key] == [one.id for one in sent if one.key == key]


async def test_a_wildcard_group_gets_addresses_that_are_new_after_it(opened: Opened) -> None:
    broker = opened()
    subscription = await broker.subscribe(["payments.*"], group="all")
    sent = [message(1), message(2, address="payments.dev.events"), message(3, address="payouts.events")]
    assert await broker.publish(sent) == [None] * 3
    assert sorted(bodies(await taken(subscription, 3, within_s=2))) == [b"1", b"2"]


async def test_a_queue_deleted_under_a_consumer_is_made_again_with_its_messages_and_is_told(
    opened: Opened, bare: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broker = opened()
    subscription = await broker.subscribe([EXCHANGE], group="all")
    await broker.publish([message(1)])
    assert bodies(await taken(subscription, 1)) == [b"1"]
    fetching = asyncio.create_task(subscription.fetch(limit=5, timeout_s=10))
    await asyncio.sleep(0.3)
    await bare.queue_delete("orchestratorx.group.all")
    with pytest.raises(BrokerUnavailable, match="was deleted or moved"):
        await fetching
    assert await broker.publish([message(2)]) == [None]

    # The first was ended here a moment ago, and is known.
    assert bodies(await taken(subscription, 2, within_s=4)) == [b"2"]
    assert "was deleted; made again" in caplog.text


async def test_a_queue_deleted_between_two_fetches_is_made_again(opened: Opened, bare: Any) -> None:
    broker = opened()
    subscription = await broker.subscribe([EXCHANGE], group="all")
    await bare.queue_delete("orchestratorx.group.all")
    await broker.publish([message(1)])
    assert bodies(await taken(subscription, 1)) == [b"1"]


async def test_an_exchange_deleted_under_a_publisher_is_made_again(opened: Opened, bare: Any) -> None:
    broker = opened()
    await broker.publish([message(1)])
    await bare.exchange_delete(EXCHANGE)
    (outcome,) = await broker.publish([message(2)])
    assert outcome is not None
    assert outcome.reason == "NO_STREAM"
    await published_at_last(broker, message(3))


async def test_without_history_and_groups_publishing_is_refused_and_the_history_is_made_again(
    opened: Opened, bare: Any
) -> None:
    broker = opened()
    await broker.publish([message(1)])
    await bare.queue_delete("orchestratorx.history")
    (outcome,) = await broker.publish([message(2)])
    assert outcome is not None
    assert outcome.reason == "NO_STREAM"
    await published_at_last(broker, message(3))
    assert bodies(await taken(await broker.subscribe([EXCHANGE], group="all"), 2, within_s=3)) == [b"3"]


async def test_a_message_that_always_fails_is_retried_with_its_backoff_and_blocks_no_other_key(opened: Opened) -> None:
    broker = opened()
    subscription = await broker.subscribe([EXCHANGE], group="all")
    await broker.publish([message(0, key="poison"), *(message(n) for n in range(1, 40))])
    tries: list[float] = []
    others = 0
    until = time.monotonic() + 2.4
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


async def test_the_number_of_tries_outlives_the_consumer(opened: Opened) -> None:
    broker = opened()
    await broker.publish([message(1)])
    for attempt in (1, 2, 3):
        subscription = await broker.subscribe([EXCHANGE], group="all")
        (delivery,) = await subscription.fetch(limit=1, timeout_s=5)
        assert delivery.attempt == attempt
        await delivery.nack()
        await subscription.close()


async def test_a_key_keeps_its_order_though_one_consumer_after_another_dies_with_a_part_of_it(opened: Opened) -> None:
    broker = opened()
    await broker.publish([message(n, "one-key") for n in range(20)])
    for limit in (30, 4, 3):
        # What is not acknowledged when a channel closes goes back to the queue as it does when a process dies.
        subscription = await broker.subscribe([EXCHANGE], group="all")
        (delivery,) = await subscription.fetch(limit=limit, timeout_s=5)
        assert delivery.message.body == b"0"
        await subscription.close()
    last = await broker.subscribe([EXCHANGE], group="all")
    assert bodies(await taken(last, 20)) == expected(20)


async def test_a_message_that_was_tried_again_is_still_before_later_ones_of_its_key_when_the_connection_breaks(
    opened: Opened,
) -> None:
    dying = opened()
    await dying.publish([message(n, "one-key") for n in range(3)])
    subscription = await dying.subscribe([EXCHANGE], group="all")
    for attempt in (1, 2, 3):
        (delivery,) = await subscription.fetch(limit=5, timeout_s=5)
        assert (delivery.message.body, delivery.attempt) == (b"0", attempt)
        await delivery.nack(delay_s=0.05)
    (delivery,) = await subscription.fetch(limit=5, timeout_s=5)
    # Nothing is given back one by one, as when the process is killed.
    await delivery.channel.close()
    assert bodies(await taken(await opened().subscribe([EXCHANGE], group="all"), 3)) == expected(3)


@pytest.mark.parametrize("fetches", [15, 50])
async def test_what_came_with_many_fetches_keeps_its_order_when_the_connection_breaks(
    opened: Opened, fetches: int
) -> None:
    dying = opened()
    subscription = await dying.subscribe([EXCHANGE], group="all")
    await dying.publish([message(0, "one-key")])
    (first,) = await subscription.fetch(limit=5, timeout_s=5)
    for number in range(1, fetches):
        await dying.publish([message(number, "one-key")])
        # It waits here for the first one of its key.
        assert await subscription.fetch(limit=5, timeout_s=0.1) == []
    await first.channel.close()
    staying = await opened().subscribe([EXCHANGE], group="all")
    await until_alone(staying)
    assert bodies(await taken(staying, fetches)) == expected(fetches)


async def test_what_a_dead_consumer_left_keeps_its_order_though_another_died_with_a_part_of_it(
    opened: Opened, bare: Any
) -> None:
    dying = opened()
    subscription = await dying.subscribe([EXCHANGE], group="all")
    await dying.publish([message(n, "one-key") for n in range(12)])
    (first,) = await subscription.fetch(limit=20, timeout_s=5)
    await first.channel.close()
    staying = await opened().subscribe([EXCHANGE], group="all")
    await until_alone(staying)
    queue = await bare.get_queue("orchestratorx.group.all")
    part = [await queue.get(no_ack=False) for _ in range(5)]
    assert [one.body for one in part] == expected(5)
    assert not await staying.alone()
    await bare.close()
    # On the server they are behind the other seven now.
    await until_alone(staying)
    assert bodies(await taken(staying, 12)) == expected(12)


async def test_a_consumer_that_begins_too_early_gets_what_comes_back_later_in_order(opened: Opened, bare: Any) -> None:
    broker = opened()
    staying = await broker.subscribe([EXCHANGE], group="all")
    await broker.publish([message(n, "one-key") for n in range(12)])
    queue = await bare.get_queue("orchestratorx.group.all")
    held = [await queue.get(no_ack=False) for _ in range(12)]
    assert await staying.fetch(limit=5, timeout_s=0.2) == []
    for one in reversed(held):
        await one.nack(requeue=True)
    assert bodies(await taken(staying, 12)) == expected(12)


async def test_a_connection_that_breaks_under_a_question_is_unavailable(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = await opened().subscribe([EXCHANGE], group="all")

    async def breaking(*_: Any, **__: Any) -> None:
        raise RuntimeError("closed")

    monkeypatch.setattr(aiormq.Connection, "channel", breaking)
    with pytest.raises(BrokerUnavailable, match="broke"):
        await subscription.fetch(limit=1, timeout_s=1)


async def test_who_gives_up_joining_in_the_middle_is_not_counted_among_the_members(
    opened: Opened, bare: Any, settings: BrokerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = opened()
    await (await broker.subscribe([EXCHANGE], group="all")).close()
    joined, join = asyncio.Event(), Member.join

    async def join_and_hang(member: Member, link: Any) -> None:
        await join(member, link)
        joined.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Member, "join", join_and_hang)
    joining = asyncio.create_task(broker.subscribe([EXCHANGE], group="all"))
    await joined.wait()
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    queue = await bare.declare_queue(ready_queue(settings, "all"), passive=True)
    assert queue.declaration_result.consumer_count == 0


async def test_a_server_whose_heartbeats_stay_away_is_unavailable_and_its_messages_come_when_it_is_back(
    opened: Opened, settings: BrokerSettings, rabbit_server: Any
) -> None:
    """aiormq then cancels whoever waits for an answer: a consumer that took it for its own end stopped in silence."""
    broker = opened(url=f"{settings.url}?heartbeat=1", publish_timeout_s=30.0)
    await broker.publish([message(1), message(2)])
    subscription = await broker.subscribe([EXCHANGE], group="all")
    assert len(await subscription.fetch(limit=1, timeout_s=5.0)) == 1
    rabbit_server.freeze()
    try:
        with pytest.raises(BrokerUnavailable):
            await subscription.fetch(limit=1, timeout_s=30.0)
    finally:
        rabbit_server.thaw()
    assert sorted(bodies(await taken(subscription, 2))) == [b"1", b"2"]


async def test_a_message_that_went_back_once_is_still_before_later_ones_of_its_key_when_its_consumer_closes(
    opened: Opened,
) -> None:
    broker = opened()
    await broker.publish([message(n, "one-key") for n in range(3)])
    leaving = await broker.subscribe([EXCHANGE], group="all")
    (first,) = await leaving.fetch(limit=5, timeout_s=5)
    await first.nack(delay_s=0.1)
    (again,) = await leaving.fetch(limit=5, timeout_s=5)
    assert again.message.body == b"0"
    await leaving.close()
    staying = await broker.subscribe([EXCHANGE], group="all")
    assert bodies(await taken(staying, 3)) == expected(3)


async def test_a_delivery_that_went_back_cannot_be_ended_any_more(opened: Opened) -> None:
    broker = opened(ack_wait_s=0.4)
    await broker.publish([message(1)])
    subscription = await broker.subscribe([EXCHANGE], group="all")
    (late,) = await subscription.fetch(limit=1, timeout_s=5)
    await asyncio.sleep(0.8)
    with pytest.raises(BrokerUnavailable, match="went back"):
        await late.ack()
    await late.nack()
    (again,) = await subscription.fetch(limit=1, timeout_s=5)
    assert again.attempt == 2
    await late.ack()
    assert await subscription.fetch(limit=1, timeout_s=0.8) == [], "it was the same message, and is ended"


async def test_a_message_published_twice_by_two_publishers_is_handled_once(opened: Opened) -> None:
    sent = message(1)
    subscription = await opened().subscribe([EXCHANGE], group="all")
    assert await opened().publish([sent]) == [None]
    assert await opened().publish([sent]) == [None]
    assert len(await taken(subscription, 2, within_s=2)) == 1


async def test_dead_letters_are_listed_again_and_again_with_their_reasons(opened: Opened) -> None:
    broker = opened()
    sent = [message(n, headers={"ce-id": str(n)}) for n in range(3)]
    await broker.publish(sent)
    subscription = await broker.subscribe([EXCHANGE], group="all")
    for delivery in await subscription.fetch(limit=3, timeout_s=5):
        await delivery.dead_letter(f"refused {delivery.message.body.decode()}")
    for limit in (2, 1, 3, 10):
        listed = await broker.dead_letters(group="all", limit=limit)
        assert [dead.message for dead in listed] == sent[:limit]
        assert [dead.reason for dead in listed] == ["refused 0", "refused 1", "refused 2"][:limit]


async def test_one_at_a_time_means_one_consumer_at_a_time(opened: Opened) -> None:
    broker = opened(max_unacked=1)
    await broker.publish([message(n) for n in range(4)])
    one = await broker.subscribe([EXCHANGE], group="all")
    two = await opened(max_unacked=1).subscribe([EXCHANGE], group="all")
    (first,) = await one.fetch(limit=5, timeout_s=5)
    assert first.message.body == b"0"
    assert await one.fetch(limit=5, timeout_s=0.3) == []
    await first.ack()
    assert bodies(await taken(two, 3)) == [b"1", b"2", b"3"]


async def test_messages_of_other_publishers_are_delivered_too(opened: Opened, bare: Any) -> None:
    broker = opened()
    subscription = await broker.subscribe([EXCHANGE], group="all")
    exchange = await bare.get_exchange(EXCHANGE)
    await exchange.publish(aio_pika.Message(b"theirs", headers={"n": 7}), "custom")
    (delivery,) = await subscription.fetch(limit=5, timeout_s=5)
    received = delivery.message
    assert (received.body, received.address, received.routing_key, received.key) == (b"theirs", EXCHANGE, "custom", "")
    assert received.headers == {"n": "7"}
    assert received.id


async def test_a_queue_of_another_kind_is_refused_with_the_way_out(opened: Opened, bare: Any) -> None:
    await bare.declare_queue("orchestratorx.group.all", durable=True)
    with pytest.raises(SettingsRejected, match="made with other settings") as refused:
        await opened().subscribe([EXCHANGE], group="all")
    assert "queue_prefix" in refused.value.fix


async def test_a_message_that_amqp_cannot_carry_fails_alone_and_holds_its_key_back(opened: Opened) -> None:
    batch = [
        message(1, key="a", routing_key="x" * 256),
        message(2, key="a"),
        message(3, key="b"),
        message(4, address=""),
    ]
    outcomes = await opened().publish(batch)
    assert [None if one is None else one.reason for one in outcomes] == [
        "MESSAGE_REFUSED",
        "ORDER_HELD",
        None,
        "MESSAGE_REFUSED",
    ]


async def test_a_frozen_server_fails_publishing_in_time(opened: Opened, rabbit_server: Any) -> None:
    broker = opened(publish_timeout_s=1.0)
    await broker.publish([message(0)])
    rabbit_server.freeze()
    try:
        began = time.monotonic()
        outcomes = await broker.publish([message(n) for n in range(1, 300)])
        assert time.monotonic() - began < 5
        assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)
    finally:
        rabbit_server.thaw()
    await published_at_last(broker, message(300))


@pytest.mark.parametrize("address", ["payments.ev*", "*.events", "", "x" * 300])
async def test_an_address_that_rabbitmq_cannot_filter_by_is_refused(opened: Opened, address: str) -> None:
    with pytest.raises(RequestRejected):
        await opened().subscribe([address], group="all")


async def test_refused_credentials_are_unavailable_and_are_named_nowhere(
    opened: Opened, settings: BrokerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    url = settings.url.replace("orchestrator:orchestrator@", "orchestrator:open-sesame@")
    with pytest.raises(BrokerUnavailable, match="cannot connect") as refused:
        await opened(url=url).connect()
    assert "open-sesame" not in f"{refused.value!s} {refused.value!r} {caplog.text}"


async def test_the_second_of_two_servers_is_used_when_the_first_is_away(
    opened: Opened, settings: BrokerSettings
) -> None:
    broker = opened(url=f"amqp://127.0.0.1:1/, {settings.url}")
    assert await broker.publish([message(1)]) == [None]
