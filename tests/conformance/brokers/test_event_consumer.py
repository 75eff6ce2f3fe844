"""What the consumer promises to applications. Runs over every broker."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from orchestratorx_prism import DoNotRetry, PaymentEventConsumer, PaymentEventPublisher, PrismEvent, RetryPolicy
from orchestratorx_prism import setup_default_consumers as set_up_defaults
from orchestratorx_prism.brokers import Broker, BrokerSettings, GroupQueries, Message
from orchestratorx_prism.consuming.history import read_note
from orchestratorx_prism.envelopes.cloudevents import encode_json
from orchestratorx_prism.v1.connector_pb2 import ENVIRONMENT_SANDBOX
from orchestratorx_prism.v1.event_pb2 import Event

Opened = Callable[..., Broker]
QUICK = RetryPolicy(attempts=3, initial_s=0.1, factor=1.0, jitter=0.0)


def captured(payment: str, sequence: int, kind: str = "payment.captured") -> Message:
    """An event of the system as the `events` channel publishes it."""
    event = Event(
        id=f"{payment}-{sequence}",
        type=kind,
        schema_version=1,
        connector="stripe",
        environment=ENVIRONMENT_SANDBOX,
        merchant_id="default",
        payment_id=payment,
        sequence=sequence,
        partition_key=payment,
    )
    body, headers = encode_json(event)
    return Message(event.id, "payments.events", payment, body, headers, kind)


async def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.01)


class Shop:
    """Consumers and a publisher over one broker, closed at the end."""

    def __init__(self, opened: Opened, stack: AsyncExitStack) -> None:
        self._opened, self._stack = opened, stack
        self.broker: Any = opened()
        self.settings = BrokerSettings()

    async def consumer(self, **options: Any) -> PaymentEventConsumer:
        consumer = PaymentEventConsumer(self.settings, broker=self._opened(), **options)
        return await self._stack.enter_async_context(consumer)

    def publisher(self) -> PaymentEventPublisher:
        return PaymentEventPublisher(self.settings, broker=self.broker)

    async def publish(self, *messages: Message) -> None:
        assert await self.broker.publish(messages) == [None] * len(messages)

    async def dead_letters(self, group: str = "orchestratorx") -> Any:
        return await self.broker.dead_letters(group=group)


@pytest.fixture
async def shop(opened: Opened) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        yield Shop(opened, stack)


async def test_a_custom_event_reaches_handlers_of_its_type_and_of_patterns(shop: Shop) -> None:
    consumer = await shop.consumer()
    seen: dict[str, PrismEvent] = {}
    threads: set[int] = set()

    async def exactly(event: PrismEvent) -> None:
        seen["exactly"] = event

    def blocking(event: PrismEvent) -> None:
        threads.add(threading.get_ident())
        seen["blocking"] = event

    async def other(event: PrismEvent) -> None:
        seen["other"] = event

    await consumer.register_handler("payment.custom.event", exactly)
    await consumer.register_handler("payment.*", blocking)
    await consumer.register_handler("refund.*", other)
    await consumer.start()
    sent = await shop.publisher().publish_event(event_type="payment.custom.event", data={"score": 7, "tags": ["a"]})

    await until(lambda: len(seen) == 2)
    event = seen["exactly"]
    assert (event.id, event["type"], event.data["score"], event["data"]["tags"]) == (
        sent,
        "payment.custom.event",
        7,
        ["a"],
    )
    assert seen["blocking"] == event
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("name", ["payment.captured", "payment.transaction.succeeded", "payment.transaction.*", "*"])
async def test_new_and_older_names_and_patterns_find_the_same_event(shop: Shop, name: str) -> None:
    consumer = await shop.consumer()
    seen: list[PrismEvent] = []
    await consumer.register_handler(name, seen.append)
    await consumer.start()
    await shop.publish(captured("pay-1", 1))
    await until(lambda: seen)
    assert (seen[0].type, seen[0].payment_id, seen[0].sequence) == ("payment.captured", "pay-1", 1)


async def test_an_event_that_nobody_wants_is_acknowledged(shop: Shop) -> None:
    consumer = await shop.consumer()
    await consumer.register_handler("refund.*", print)
    await consumer.start()
    await shop.publish(captured("pay-1", 1))
    await until(lambda: consumer.counters.ended_by_outcome["unhandled"] == 1)
    assert await shop.dead_letters() == []


async def test_a_handler_that_fails_once_is_tried_again_and_the_order_of_the_payment_is_kept(shop: Shop) -> None:
    consumer = await shop.consumer(retry=QUICK)
    seen: dict[str, list[int]] = defaultdict(list)
    failed: set[str] = set()

    async def handle(event: PrismEvent) -> None:
        if event.sequence == 2 and event.id not in failed:
            failed.add(event.id)
            raise ConnectionError("the shop is away")
        seen[event.payment_id].append(event.sequence)

    await consumer.register_handler("payment.captured", handle)
    await consumer.start()
    await shop.publish(*(captured(f"pay-{p}", s) for s in range(1, 6) for p in range(5)))
    await until(lambda: sum(map(len, seen.values())) == 25)
    assert dict(seen) == {f"pay-{p}": [1, 2, 3, 4, 5] for p in range(5)}
    assert await shop.dead_letters() == []


async def test_a_poison_message_is_parked_with_its_history_and_blocks_no_other_payment(shop: Shop) -> None:
    consumer = await shop.consumer(concurrency=2, retry=QUICK)
    seen: list[tuple[str, int]] = []

    async def handle(event: PrismEvent) -> None:
        if event.payment_id == "poison" and event.sequence == 1:
            raise ValueError("card 4111 1111 1111 1111 | is no good")
        seen.append((event.payment_id, event.sequence))

    await consumer.register_handler("payment.captured", handle, retry=RetryPolicy(3, 0.5, 1.0, jitter=0.0))
    await consumer.start()
    await shop.publish(captured("poison", 1), captured("poison", 2), *(captured("good", n) for n in range(1, 6)))
    await until(lambda: ("good", 5) in seen)
    assert ("poison", 2) not in seen
    await until(lambda: ("poison", 2) in seen)

    (dead,) = await shop.dead_letters()
    note = read_note(dead.reason)
    assert note.reason == "HANDLER_FAILED handle: ValueError: card [hidden] / is no good"
    assert [one.number for one in note.attempts] == [1, 2, 3]
    assert {one.error for one in note.attempts} == {"ValueError: card [hidden] / is no good"}
    assert consumer.counters.failed_by_error == {"ValueError": 3}


async def test_a_handler_that_always_fails_waits_longer_each_time(shop: Shop) -> None:
    consumer = await shop.consumer()
    calls: list[float] = []

    async def handle(event: PrismEvent) -> None:
        calls.append(time.monotonic())
        raise OSError("down")

    policy = RetryPolicy(attempts=4, initial_s=0.2, factor=2.0, jitter=0.0)
    await consumer.register_handler("payment.captured", handle, retry=policy)
    await consumer.start()
    await shop.publish(captured("pay-1", 1))
    await until(lambda: consumer.counters.ended_by_outcome["dead_letter"] == 1)
    waits = [later - earlier for earlier, later in itertools.pairwise(calls)]
    assert len(waits) == 3
    assert all(wait >= wanted * 0.95 for wait, wanted in zip(waits, (0.2, 0.4, 0.8), strict=True))


async def test_an_error_that_says_so_is_not_retried(shop: Shop) -> None:
    consumer = await shop.consumer()
    calls: list[str] = []

    async def never(event: PrismEvent) -> None:
        calls.append(event.id)
        raise DoNotRetry("no such order")

    async def neither(event: PrismEvent) -> None:
        calls.append(event.id)
        raise KeyError("order")

    await consumer.register_handler("payment.captured", never)
    await consumer.register_handler("payment.failed", neither, retry=RetryPolicy(non_retryable=(KeyError,)))
    await consumer.start()
    await shop.publish(captured("pay-1", 1), captured("pay-2", 1, "payment.failed"))
    await until(lambda: consumer.counters.ended_by_outcome["dead_letter"] == 2)
    assert sorted(calls) == ["pay-1-1", "pay-2-1"]


async def test_when_one_of_two_handlers_fails_the_other_is_not_called_again(shop: Shop) -> None:
    consumer = await shop.consumer(retry=QUICK)
    calls: list[str] = []

    async def fine(event: PrismEvent) -> None:
        calls.append("fine")

    async def flaky(event: PrismEvent) -> None:
        calls.append("flaky")
        if calls.count("flaky") < 3:
            raise OSError

    await consumer.register_handler("*", fine)
    await consumer.register_handler("*", flaky)
    await consumer.start()
    await shop.publish(captured("pay-1", 1))
    await until(lambda: consumer.counters.ended_by_outcome["acknowledged"] == 1)
    assert calls == ["fine", "flaky", "flaky", "flaky"]


async def test_what_cannot_be_read_is_parked_and_blocks_nothing(shop: Shop) -> None:
    consumer = await shop.consumer()
    seen: list[str] = []
    await consumer.register_handler("*", lambda event: seen.append(event.id))
    await consumer.start()
    whole = captured("pay-1", 1)
    broken = Message("broken", whole.address, "pay-1", whole.body[:-5], whole.headers, whole.routing_key)
    foreign = Message("foreign", whole.address, "pay-1", b"hello", {}, whole.routing_key)
    await shop.publish(broken, foreign, whole)
    await until(lambda: seen == ["pay-1-1"])
    reasons = {dead.message.id: dead.reason for dead in await shop.dead_letters()}
    assert reasons["broken"].startswith("PAYLOAD_NOT_JSON")
    assert reasons["foreign"].startswith("ENVELOPE_UNKNOWN")


async def test_a_handler_that_takes_too_long_is_stopped_and_tried_again(shop: Shop) -> None:
    consumer = await shop.consumer(handler_timeout_s=0.2, retry=QUICK)
    calls: list[str] = []

    async def slow_at_first(event: PrismEvent) -> None:
        calls.append(event.id)
        if len(calls) == 1:
            await asyncio.sleep(60)

    await consumer.register_handler("*", slow_at_first)
    await consumer.start()
    await shop.publish(captured("pay-1", 1))
    await until(lambda: consumer.counters.ended_by_outcome["acknowledged"] == 1)
    assert len(calls) == 2
    assert consumer.counters.failed_by_error == {"TimeoutError": 1}


async def test_stopping_finishes_what_is_in_hand_and_leaves_the_rest_to_others(shop: Shop) -> None:
    leaving = await shop.consumer(concurrency=1)
    begun, go_on = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def handle(event: PrismEvent) -> None:
        begun.set()
        await go_on.wait()
        seen.append(event.id)

    await leaving.register_handler("*", handle)
    await leaving.start()
    await shop.publish(*(captured("pay-1", n) for n in range(1, 4)))
    await begun.wait()
    stopping = asyncio.create_task(leaving.stop())
    await asyncio.sleep(0.05)
    go_on.set()
    await stopping
    assert seen == ["pay-1-1"]

    staying = await shop.consumer(concurrency=1)
    await staying.register_handler("*", handle)
    await staying.start()
    await until(lambda: len(seen) == 3)
    assert seen == ["pay-1-1", "pay-1-2", "pay-1-3"]


async def test_a_redriven_event_is_handled_once_its_handler_is_mended(shop: Shop) -> None:
    if not isinstance(shop.broker, GroupQueries):
        pytest.skip(f"{shop.broker.name} has no GroupQueries yet: see brokers/base.py")
    consumer = await shop.consumer()
    mended = False
    seen: list[str] = []

    async def handle(event: PrismEvent) -> None:
        if not mended:
            raise DoNotRetry
        seen.append(event.id)

    await consumer.register_handler("*", handle)
    await consumer.start()
    await shop.publish(captured("pay-1", 1))
    await until(lambda: consumer.counters.ended_by_outcome["dead_letter"] == 1)
    mended = True
    assert await shop.broker.redrive(group="orchestratorx") == 1
    await until(lambda: seen == ["pay-1-1"])
    assert await shop.dead_letters() == []


async def test_the_default_consumers_keep_the_newest_event_of_a_payment(shop: Shop) -> None:
    consumer = await shop.consumer()
    defaults = await set_up_defaults(consumer, prometheus=False)
    await consumer.start()
    await shop.publish(captured("pay-1", 2), captured("pay-1", 1, "payment.authorized"), captured("pay-2", 1))
    await until(lambda: defaults.counters.ended_by_outcome["acknowledged"] == 3)
    newest = defaults.payments.get("pay-1")
    assert newest is not None
    assert (newest.type, newest.sequence) == ("payment.captured", 2)
    assert len(defaults.payments) == 2
    assert defaults.payments.get("pay-3") is None
    assert defaults.counters.handled_by_type["payment.captured"] == 4
