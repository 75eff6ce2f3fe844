"""What happens to events when something goes wrong: nothing is lost. A test a row of the table in docs/consuming.md.

Over every broker, by what applications use: `PaymentEventConsumer`, `PaymentEventPublisher`, and the server's relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from broker_servers import REAL, BrokerServer, broker_server

from orchestrator.ledger.base import ChannelRule, Recording
from orchestrator.ledger.factory import open_ledger
from orchestrator.publishing.channels import DEFAULT_BROKER, built_in_channels
from orchestrator.publishing.relay import Relay, RelayOptions
from orchestratorx_prism import PaymentEventConsumer, PaymentEventPublisher, PrismEvent, RetryPolicy
from orchestratorx_prism.brokers import BrokerUnavailable, DeadLetter, open_broker
from orchestratorx_prism.v1.event_pb2 import Event

PAYMENTS = 4
ACK_WAIT_S = 2.0
QUICK = RetryPolicy(attempts=5, initial_s=0.1, factor=1.0, jitter=0.0)
PROCESS = Path(__file__).with_name("fate_consumer_process.py")
Handle = Callable[[PrismEvent], Any]

pytestmark = pytest.mark.timeout(180)
everywhere = pytest.mark.parametrize("server", ["memory", *REAL], indirect=True)
outside_this_process = pytest.mark.parametrize("server", REAL, indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> BrokerServer:
    return broker_server(request.param, request)


class Shop:
    """An application's publisher, and its consumers, one after the other."""

    def __init__(self, server: BrokerServer, stack: AsyncExitStack) -> None:
        self.server = server
        self.settings = server.settings(ack_wait_s=ACK_WAIT_S, publish_timeout_s=2.0)
        self.publisher = PaymentEventPublisher(self.settings)
        self.seen: dict[str, list[int]] = defaultdict(list)
        """Payment → numbers of the events that were handled, in the order in which they first were."""
        self._stack = stack
        stack.push_async_callback(self.publisher.close)

    async def consume(self, handle: Handle | None = None, retry: RetryPolicy = QUICK) -> PaymentEventConsumer:
        """A consumer that runs until the end of the test, or until it is stopped."""
        consumer = await self._stack.enter_async_context(PaymentEventConsumer(self.settings, retry=retry))
        await consumer.register_handler("*", handle or self.see)
        await consumer.start()
        return consumer

    async def see(self, event: PrismEvent) -> None:
        numbers = self.seen[event.data["payment"]]
        if event.data["number"] not in numbers:
            numbers.append(event.data["number"])

    async def publish(self, payment: str, number: int) -> None:
        """Raises BrokerUnavailable."""
        await self.publisher.publish_event(
            event_type="payment.custom.event",
            data={"payment": payment, "number": number},
            key=payment,
            event_id=f"{payment}-{number}",
        )

    async def publish_all(self, numbers: range) -> None:
        for number in numbers:
            for payment in range(PAYMENTS):
                await self.publish(f"pay-{payment}", number)

    async def publish_at_last(self, payment: str, number: int) -> None:
        """Again and again under the same id, as `publish_event` asks for, until it is acknowledged."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(BrokerUnavailable):
                    return await self.publish(payment, number)
                await asyncio.sleep(0.1)

    async def until_seen(self, numbers: range) -> None:
        """Returns once every payment's events were handled: all of them, in order."""
        wanted = {f"pay-{payment}": list(numbers) for payment in range(PAYMENTS)}
        await until(lambda: all(set(wanted[one]) <= set(self.seen[one]) for one in wanted), lambda: str(self.seen))
        assert self.seen == wanted

    async def dead_letters(self) -> Sequence[DeadLetter]:
        broker = open_broker(self.settings)
        try:
            return await broker.dead_letters(group="orchestratorx")
        finally:
            await broker.close()


async def until(condition: Callable[[], bool], found: Callable[[], str] = str, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen: {found()}"
        await asyncio.sleep(0.01)


@pytest.fixture
async def shop(server: BrokerServer) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        yield Shop(server, stack)


@everywhere
async def test_a_handler_that_raises_once_is_called_again(shop: Shop) -> None:
    raised: set[str] = set()

    async def handle(event: PrismEvent) -> None:
        if event.id not in raised:
            raised.add(event.id)
            raise ConnectionError("the shop is away")
        await shop.see(event)

    await shop.consume(handle)
    await shop.publish_all(range(3))
    await shop.until_seen(range(3))
    assert len(raised) == 3 * PAYMENTS
    assert await shop.dead_letters() == []


@everywhere
async def test_a_handler_that_always_raises_is_called_at_the_pace_of_its_backoff(shop: Shop) -> None:
    calls: list[float] = []

    async def handle(event: PrismEvent) -> None:
        if event.data["payment"] != "pay-0":
            return await shop.see(event)
        calls.append(time.monotonic())
        raise OSError("down")

    failing = await shop.consume(handle, retry=RetryPolicy(attempts=None, initial_s=0.5, factor=2.0, jitter=0.0))
    await shop.publish_all(range(2))
    await until(lambda: len(calls) == 3)
    assert calls[2] - calls[0] >= 1.45
    await until(lambda: all(shop.seen[f"pay-{payment}"] == [0, 1] for payment in range(1, PAYMENTS)))
    assert await shop.dead_letters() == []
    await failing.stop()
    assert len(calls) == 3
    await shop.consume()
    await shop.until_seen(range(2))


@outside_this_process
async def test_what_a_consumer_had_when_it_was_killed_goes_to_the_next(shop: Shop) -> None:
    await shop.publish_all(range(5))
    command = [sys.executable, str(PROCESS), json.dumps(dataclasses.asdict(shop.settings))]
    killed = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    lines = [[""]]
    async with asyncio.timeout(60):
        while not lines[-1][-1].endswith("-1"):
            lines.append((await killed.stdout.readline()).decode().split())
            assert lines[-1], "it ended by itself"
    killed.kill()
    lines += [line.decode().split() async for line in killed.stdout]
    await killed.wait()

    done = {event_id for what, event_id in lines[1:] if what == "done"}
    in_hand = {event_id for what, event_id in lines[1:] if what == "began"} - done
    assert done
    assert in_hand
    await shop.consume()
    everything = {f"pay-{payment}-{number}" for payment in range(PAYMENTS) for number in range(5)}

    def handled() -> set[str]:
        return done | {f"{payment}-{number}" for payment, numbers in shop.seen.items() for number in numbers}

    await until(lambda: handled() == everything, lambda: str(everything - handled()))
    assert in_hand <= {f"{payment}-{number}" for payment, numbers in shop.seen.items() for number in numbers}
    if shop.server.name != "nats":  # whose consumers know nothing of each other's messages in hand
        assert all(numbers == sorted(numbers) for numbers in shop.seen.values())


@everywhere
async def test_what_is_published_while_no_consumer_is_there_waits_for_it(shop: Shop) -> None:
    # Before the group was ever there, and while it is away.
    await shop.publish_all(range(2))
    first = await shop.consume()
    await shop.until_seen(range(2))
    await first.stop()
    await shop.publish_all(range(2, 5))
    await shop.consume()
    await shop.until_seen(range(5))


@everywhere
async def test_what_waits_for_a_consumer_outlives_a_crash_of_the_broker(shop: Shop) -> None:
    first = await shop.consume()
    await shop.publish_all(range(2))
    await shop.until_seen(range(2))
    await first.stop()
    await shop.publish_all(range(2, 5))
    await asyncio.to_thread(shop.server.stop)
    await asyncio.to_thread(shop.server.start)
    await shop.publish_at_last("pay-0", 5)
    await shop.consume()
    await until(lambda: 5 in shop.seen["pay-0"])
    shop.seen["pay-0"].remove(5)
    await shop.until_seen(range(5))


@everywhere
async def test_a_publisher_is_told_that_the_broker_is_down_and_its_events_arrive_when_published_again(
    shop: Shop,
) -> None:
    await shop.consume()
    await shop.publish_all(range(1))
    await shop.until_seen(range(1))
    await asyncio.to_thread(shop.server.stop)
    for payment in range(PAYMENTS):
        with pytest.raises(BrokerUnavailable):
            await shop.publish(f"pay-{payment}", 1)
    await asyncio.to_thread(shop.server.start)
    for payment in range(PAYMENTS):
        await shop.publish_at_last(f"pay-{payment}", 1)
    await shop.until_seen(range(2))


def _recording(payment: str, number: int) -> Recording:
    event = Event(
        id=str(uuid.uuid4()),
        type="payment.captured",
        schema_version=1,
        connector="stripe",
        environment="ENVIRONMENT_SANDBOX",
        merchant_id="default",
        connector_transaction_id=payment,
    )
    event.references.add(kind="payment_intent", value=payment)
    event.occurred_at.GetCurrentTime()
    event.received_at.GetCurrentTime()
    event.payment.amount.minor_units = number + 1
    event.payment.amount.currency = "USD"
    return Recording(events=[event])


@everywhere
async def test_what_is_recorded_while_the_broker_is_down_is_published_when_it_is_back(
    shop: Shop, tmp_path: Path
) -> None:
    channels = built_in_channels()
    ledger = open_ledger(
        f"sqlite:///{tmp_path / 'ledger.db'}",
        channels=[ChannelRule(channel.name, channel.selection.takes) for channel in channels],
        memory_outbox=True,
        spanning=(),
    )
    broker = open_broker(shop.settings)
    relay = Relay(ledger.outbox, channels, {DEFAULT_BROKER: broker}, options=RelayOptions(backoff_longest_s=0.5))
    numbers: dict[str, list[int]] = defaultdict(list)

    async def handle(event: PrismEvent) -> None:
        if event.sequence not in numbers[event["connector_transaction_id"]]:
            numbers[event["connector_transaction_id"]].append(event.sequence)

    await shop.consume(handle)
    await ledger.open()
    try:
        await relay.start()
        await asyncio.to_thread(shop.server.stop)
        for number in range(5):
            for payment in range(PAYMENTS):
                await ledger.record(_recording(f"pi_{payment}", number))
        await asyncio.to_thread(shop.server.start)
        await until(lambda: sum(map(len, numbers.values())) == 5 * PAYMENTS, lambda: str(numbers))
    finally:
        await relay.stop()
        await broker.close()
        await ledger.close()
    assert numbers == {f"pi_{payment}": [1, 2, 3, 4, 5] for payment in range(PAYMENTS)}


async def _delete(shop: Shop) -> None:
    """What the events wait in, as an administrator deletes it by mistake."""
    settings = shop.settings
    if settings.broker_type == "redis":
        from redis.asyncio import Redis

        async with Redis.from_url(settings.url) as redis:
            assert await redis.delete("payments.events") == 1
    elif settings.broker_type == "nats":
        import nats

        connection = await nats.connect(settings.url)
        assert await connection.jetstream().delete_stream(settings.stream)
        await connection.close()
    elif settings.broker_type == "rabbitmq":
        import aio_pika

        async with await aio_pika.connect(settings.url) as amqp:
            channel = await amqp.channel()
            await channel.queue_delete(f"{settings.queue_prefix}.group.orchestratorx")
    else:
        from aiokafka.admin import AIOKafkaAdminClient

        admin = AIOKafkaAdminClient(bootstrap_servers=settings.url.removeprefix("kafka://"))
        await admin.start()
        await admin.delete_topics([f"{settings.topic_prefix}.payments.events"])
        await admin.close()


@outside_this_process
async def test_a_consumer_whose_stream_is_deleted_says_so_and_goes_on_with_what_comes(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handle(event: PrismEvent) -> None:
        if event.id == "pay-0-7":
            begun.set()
            await go_on.wait()
        await shop.see(event)

    consumer = await shop.consume(handle)
    await shop.publish_all(range(8))
    await until(lambda: begun.is_set() and sum(map(len, shop.seen.values())) == 8 * PAYMENTS - 1)
    caplog.clear()
    # With one event in the hands of its handler. What waits would be gone with the stream: the ledger can replay it.
    await _delete(shop)
    go_on.set()
    for number in range(8, 11):
        for payment in range(PAYMENTS):
            await shop.publish_at_last(f"pay-{payment}", number)
    await shop.until_seen(range(11))
    told = [record for record in caplog.records if record.levelno >= logging.ERROR and "deleted" in record.getMessage()]
    assert told, caplog.text
    await consumer.stop()
