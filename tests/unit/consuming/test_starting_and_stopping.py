"""A consumer is stopped at awkward moments: nothing is left behind, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from orchestratorx_prism import PaymentEventConsumer, PaymentEventPublisher
from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable
from orchestratorx_prism.brokers.memory import MemoryBroker
from orchestratorx_prism.consuming import consumer as consumer_module
from orchestratorx_prism.errors import RequestRejected

Step = Callable[[], Awaitable[None]]


class Subscription:
    """Of the memory broker, but for a step of the test's before each fetch."""

    def __init__(self, inner: Any, broker: Broker) -> None:
        self._inner = inner
        self._broker = broker
        self.closed = False

    async def fetch(self, *, limit: int, timeout_s: float) -> Any:
        await self._broker.before_fetch()
        return await self._inner.fetch(limit=limit, timeout_s=timeout_s)

    async def close(self) -> None:
        self.closed = True
        await self._inner.close()


async def _nothing() -> None: ...


class Broker(MemoryBroker):
    def __init__(self) -> None:
        super().__init__(BrokerSettings())
        self.before_subscribe: Step = _nothing
        self.before_fetch: Step = _nothing
        self.subscriptions: list[Subscription] = []
        self.is_closed = False

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> Any:
        await self.before_subscribe()
        inner = await super().subscribe(addresses, group=group)
        self.subscriptions.append(Subscription(inner, self))
        return self.subscriptions[-1]

    async def close(self) -> None:
        self.is_closed = True
        await super().close()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The one that the next consumers open and own."""
    made = Broker()
    monkeypatch.setattr(consumer_module, "open_broker", lambda _: made)
    return made


@pytest.fixture
def consumer(broker: Broker) -> PaymentEventConsumer:
    return PaymentEventConsumer(BrokerSettings())


async def forever() -> None:
    await asyncio.Event().wait()


async def publish(broker: Broker, count: int = 1) -> None:
    publisher = PaymentEventPublisher(BrokerSettings(), broker=broker)
    for number in range(count):
        await publisher.publish_event(event_type="shop.scored", data={"number": number}, key=uuid.uuid4().hex)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - several things are waited for in this way
            await asyncio.sleep(0)


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


async def test_stopping_ends_a_start_that_waits_for_the_broker(broker: Broker, consumer: PaymentEventConsumer) -> None:
    subscribing = asyncio.Event()

    async def hang() -> None:
        subscribing.set()
        await forever()

    broker.before_subscribe = hang
    starting = asyncio.create_task(consumer.start())
    await subscribing.wait()
    async with asyncio.timeout(5):
        await consumer.stop()
        with pytest.raises(RequestRejected, match="stopped"):
            await starting
    assert broker.is_closed
    assert others() == set()


async def test_a_start_that_is_cancelled_can_be_tried_again(broker: Broker, consumer: PaymentEventConsumer) -> None:
    broker.before_subscribe = forever
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await consumer.start()
    broker.before_subscribe = _nothing
    await consumer.start()
    await consumer.stop()
    assert [one.closed for one in broker.subscriptions] == [True]


async def test_two_starts_at_once_join_once(broker: Broker, consumer: PaymentEventConsumer) -> None:
    broker.before_subscribe = lambda: asyncio.sleep(0)
    await asyncio.gather(consumer.start(), consumer.start())
    assert len(broker.subscriptions) == 1
    await consumer.stop()
    assert others() == set()


async def test_a_start_that_failed_can_be_tried_again_and_stopped(
    broker: Broker, consumer: PaymentEventConsumer
) -> None:
    broker.server.stop()
    with pytest.raises(BrokerUnavailable):
        await consumer.start()
    broker.server.start()
    await consumer.start()
    await consumer.stop()
    assert broker.is_closed


async def test_stopping_before_the_start_and_twice_is_fine(broker: Broker, consumer: PaymentEventConsumer) -> None:
    await consumer.stop()
    await consumer.stop()
    assert broker.is_closed
    with pytest.raises(RequestRejected, match="stopped"):
        await consumer.start()


async def test_run_returns_when_everything_has_ended_that_somebody_else_has_stopped(
    broker: Broker, consumer: PaymentEventConsumer
) -> None:
    began, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_: object) -> None:
        began.set()
        await go_on.wait()
        done.set()

    await consumer.register_handler("*", handle)
    await publish(broker)
    running = asyncio.create_task(consumer.run())
    await began.wait()
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(5):
        await running
    assert done.is_set()
    assert broker.is_closed
    await stopping


async def test_a_stop_that_is_cancelled_goes_on(broker: Broker, consumer: PaymentEventConsumer) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def handle(_: object) -> None:
        began.set()
        await go_on.wait()

    await consumer.register_handler("*", handle)
    await publish(broker)
    await consumer.start()
    await began.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await consumer.stop()
    go_on.set()
    async with asyncio.timeout(5):
        await consumer.stop()
    assert broker.is_closed
    assert broker.subscriptions[0].closed
    assert others() == set()


async def test_a_handler_may_stop_its_consumer(broker: Broker, consumer: PaymentEventConsumer) -> None:
    handled = []

    async def handle(event: Any) -> None:
        await consumer.stop()
        handled.append(event.data["number"])

    await consumer.register_handler("*", handle)
    await publish(broker, 1)
    async with asyncio.timeout(5):
        await consumer.run()
    assert handled == [0]
    assert broker.server.lag("orchestratorx").unfinished == 0
    assert broker.is_closed


async def test_a_fetch_that_hangs_does_not_keep_a_consumer_from_stopping(
    broker: Broker, consumer: PaymentEventConsumer
) -> None:
    fetching = asyncio.Event()

    async def hang() -> None:
        fetching.set()
        await forever()

    broker.before_fetch = hang
    await consumer.start()
    await fetching.wait()
    async with asyncio.timeout(5):
        await consumer.stop(grace_s=0.1)
    assert broker.is_closed
    assert others() == set()


async def test_a_client_that_cancels_a_fetch_does_not_end_the_consumer(
    broker: Broker, consumer: PaymentEventConsumer
) -> None:
    handled = asyncio.Event()
    given_up = asyncio.get_running_loop().create_future()
    given_up.cancel()

    async def give_up_once() -> None:
        broker.before_fetch = _nothing
        await given_up

    async def handle(_: object) -> None:
        handled.set()

    broker.before_fetch = give_up_once
    await consumer.register_handler("*", handle)
    await publish(broker)
    await consumer.start()
    async with asyncio.timeout(5):
        await handled.wait()
        await consumer.stop()
