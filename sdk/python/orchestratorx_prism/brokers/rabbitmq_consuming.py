"""Consuming from RabbitMQ: a quorum queue a group, consumed only while somebody fetches.

While nobody does, nothing is pushed here, so that a slow member keeps no messages from the others: a fetch begins
with basic.consume, whose prefetch is what may still be handed out, and ends with basic.cancel.

Order per key: within one `Subscription`, a message is handed out when the one before it of the same key is ended; one
given back stays here until its delay is over, and then returns to the head of the queue. Between several subscriptions
of a group RabbitMQ deals messages out regardless of key. Where that matters, set `max_unacked=1`: the queue then has a
single active consumer.

AMQP does not confirm an acknowledgement. A call after it on the same channel is answered when the server has read it;
a server that dies in the moment after may deliver once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from aiormq import Channel
from aiormq.abc import AbstractChannel, ConsumerCallback, DeliveredMessage

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, Message
from orchestratorx_prism.brokers.key_order import KeyOrder
from orchestratorx_prism.brokers.rabbitmq_dead_letters import park
from orchestratorx_prism.brokers.rabbitmq_groups import ensure_group
from orchestratorx_prism.brokers.rabbitmq_link import Link, close_channel, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_messages import attempt_of, message_of
from orchestratorx_prism.brokers.rabbitmq_publishing import RecentIds
from orchestratorx_prism.brokers.rabbitmq_topology import (
    backlog_queue,
    bind_group,
    check_names,
    group_queue,
    queue_is_there,
    ready_count,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

_HELD_FOR = 1.5
"""A delivery that is not ended and has not come again after so many times `ack_wait_s` was ended after all."""
_LINGER_S = 0.005
"""How long a fetch that has something waits for more of it."""
_SHORTEST_WAIT_S = 0.05
"""A queue needs this long to answer, even to a fetch that does not want to wait."""
_LOOK_INTO_BACKLOG_S = 0.5
_BIND_EVERY_S = 10.0
LONGEST_DELAY_S = 15 * 60.0
"""The server closes the channel of a consumer that keeps a message for longer than 30 minutes (consumer_timeout)."""
_KNOWN_POSITIONS = 10_000


class RabbitDelivery:
    """See `base.Delivery`."""

    def __init__(self, subscription: RabbitSubscription, received: DeliveredMessage, message: Message) -> None:
        self._subscription = subscription
        self.channel = received.channel
        self.tag: int = received.delivery_tag or 0
        """On that channel, and on no other."""
        self.position = 0
        self._attempt = attempt_of(received)
        self._message = message
        self.timer: asyncio.TimerHandle | None = None
        """When it goes back to the queue."""

    @property
    def message(self) -> Message:
        return self._message

    @property
    def attempt(self) -> int:
        return self._attempt

    async def ack(self) -> None:
        await self._subscription.end(self)

    async def nack(self, *, delay_s: float = 0.0) -> None:
        await self._subscription.give_back(self, delay_s)

    async def dead_letter(self, reason: str) -> None:
        await self._subscription.park(self, reason)


class _ForAllTags(dict[str, ConsumerCallback]):
    """Consumers of a channel. What the server sent before it read basic.cancel belongs to us as well."""

    def __init__(self, callback: ConsumerCallback) -> None:
        super().__init__()
        self._callback = callback

    def get(self, tag: str, default: Any = None) -> ConsumerCallback:
        return self._callback


class RabbitSubscription:
    """See `base.Subscription`."""

    def __init__(
        self,
        link_now: Callable[[], Awaitable[Link]],
        settings: BrokerSettings,
        addresses: Sequence[str],
        group: str,
    ) -> None:
        check_names(addresses, group)
        self._link_now = link_now
        self._settings = settings
        self._addresses = tuple(addresses)
        self.group = group
        self._link: Link | None = None
        self._channel: Channel | None = None
        self._bound_at = 0.0
        self._backlog_at: float | None = None
        self._order: KeyOrder[RabbitDelivery] = KeyOrder()
        self._here: dict[int, RabbitDelivery] = {}
        """By position: what the channel has not acknowledged."""
        self._positions: OrderedDict[str, int] = OrderedDict()
        self._next_position = itertools.count(1)
        self._done = RecentIds(settings.duplicate_window_s)
        self._arrived: deque[DeliveredMessage] = deque()
        self._changed = asyncio.Event()
        self._tags = itertools.count(1)
        self._cancelled = False
        self._spoiled = False
        self._asking: asyncio.Task[None] | None = None
        self._one_question = asyncio.Lock()
        self._returning: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    async def open(self) -> None:
        """Makes the group and a channel. Raises BrokerUnavailable, SettingsRejected."""
        await self._channel_now()

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[RabbitDelivery]:
        deadline = time.monotonic() + timeout_s
        pulled = False
        while True:
            if self._closed:
                raise unavailable("the subscription is closed")
            channel = await self._channel_now()
            await self._sort_arrived()
            now = time.monotonic()
            ready = self._order.take(limit, now, until_s=now + _HELD_FOR * self._settings.ack_wait_s)
            if ready:
                for delivery in ready:
                    self._return_after(delivery, self._settings.ack_wait_s)
                return ready
            if now >= deadline and pulled:
                return []
            next_change = self._order.next_change_s(now)
            until = max(deadline if next_change is None else min(deadline, next_change), now + _SHORTEST_WAIT_S)
            room = min(limit, self._settings.max_unacked - len(self._here))
            if room > 0:
                await self._pull(channel, room, until)
            else:
                await self._wait(until)
            pulled = True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._changed.set()
        for delivery in self._here.values():
            if delivery.timer is not None:
                delivery.timer.cancel()
        for task in self._returning:
            task.cancel()
        await asyncio.gather(*self._returning, return_exceptions=True)
        if self._channel is not None:
            # The server gives what is unacknowledged to others, in order.
            await close_channel(self._channel)

    async def end(self, delivery: RabbitDelivery) -> None:
        current = self._current(delivery)
        async with self._keeping(current):
            await self._acknowledge(current)
        self._done.add(current.message)

    async def give_back(self, delivery: RabbitDelivery, delay_s: float) -> None:
        if self._here.get(delivery.position) is not delivery:
            return
        if delivery.channel.is_closed:
            raise unavailable("the connection broke, and the message comes again")
        # Here until then: its key's later messages must not overtake it, and the queue knows no delays.
        self._order.given_back(
            delivery.message.key,
            delivery.position,
            until_s=time.monotonic() + delay_s + self._settings.ack_wait_s,
        )
        if delay_s > 0:
            self._return_after(delivery, min(delay_s, LONGEST_DELAY_S))
        else:
            await self._return(delivery)

    async def park(self, delivery: RabbitDelivery, reason: str) -> None:
        current = self._current(delivery)
        async with self._keeping(current):
            # In this order: a crash in between brings the message again, and it is parked twice rather than never.
            dead = DeadLetter(current.message, self.group, reason, current.attempt)
            await park(await self._link_now(), self._settings, dead)
            await self._acknowledge(current)

    @contextlib.asynccontextmanager
    async def _keeping(self, delivery: RabbitDelivery) -> AsyncIterator[None]:
        """The message does not go back while it is being ended; if that fails, it does."""
        if delivery.timer is not None:
            delivery.timer.cancel()
        try:
            yield
        except BaseException:
            self._return_after(delivery, 0.0)
            raise

    async def _acknowledge(self, delivery: RabbitDelivery) -> None:
        async with self._in_time():
            await delivery.channel.basic_ack(delivery.tag, wait=False)
            await self._read_back(delivery.channel)
        self._forget(delivery)
        self._order.ended(delivery.message.key, delivery.position)
        self._changed.set()

    def _current(self, delivery: RabbitDelivery) -> RabbitDelivery:
        """What is here of this message: it may have gone back and come again. Raises BrokerUnavailable if nothing."""
        current = self._here.get(delivery.position)
        if current is None or current.channel.is_closed:
            raise unavailable("the message went back to the queue after ack_wait_s, or with the connection")
        return current

    def _forget(self, delivery: RabbitDelivery) -> None:
        if delivery.timer is not None:
            delivery.timer.cancel()
        if self._here.get(delivery.position) is delivery:
            del self._here[delivery.position]

    async def _read_back(self, channel: AbstractChannel) -> None:
        """Returns when the server has read what was sent so far. Calls at one time share an answer."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask(channel))
            self._asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._asking)

    async def _ask(self, channel: AbstractChannel) -> None:
        async with self._one_question:
            # Whoever comes from now on may have sent something after it.
            self._asking = None
            await channel.flow(active=True)

    def _return_after(self, delivery: RabbitDelivery, delay_s: float) -> None:
        if delivery.timer is not None:
            delivery.timer.cancel()

        def due() -> None:
            task = asyncio.ensure_future(self._return_quietly(delivery))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

        delivery.timer = asyncio.get_running_loop().call_later(delay_s, due)

    async def _return_quietly(self, delivery: RabbitDelivery) -> None:
        # If the server cannot be told, it has lost the channel, and gives the message to others by itself.
        with contextlib.suppress(BrokerUnavailable):
            await self._return(delivery)

    async def _return(self, delivery: RabbitDelivery) -> None:
        """Back to the head of the queue, for whoever comes first."""
        if self._here.get(delivery.position) is not delivery:
            return
        self._forget(delivery)
        until_s = time.monotonic() + self._settings.ack_wait_s
        self._order.given_back(delivery.message.key, delivery.position, until_s=until_s)
        with translating():
            await delivery.channel.basic_nack(delivery.tag, requeue=True, wait=False)
        self._changed.set()

    # ---- the channel, and what comes through it

    async def _channel_now(self) -> Channel:
        """The channel, with the group's queues there. One that is gone is replaced, and what it had comes again."""
        link = await self._link_now()
        channel = self._channel
        if channel is None or channel.is_closed or link is not self._link or self._spoiled:
            channel = await self._open_channel(link)
        elif time.monotonic() - self._bound_at >= _BIND_EVERY_S:
            # Exchanges that somebody deleted come back without what was bound to them.
            await bind_group(link, self._settings, self._addresses, self.group)
            self._bound_at = time.monotonic()
        return channel

    async def _open_channel(self, link: Link) -> Channel:
        if self._channel is not None:
            await close_channel(self._channel)
        self._let_go()
        if await ensure_group(link, self._settings, self._addresses, self.group):
            _log.error(
                "rabbitmq: the queue of group %s was deleted; made again, it begins with the oldest message kept",
                self.group,
            )
        has_backlog = await queue_is_there(link, backlog_queue(self._settings, self.group))
        self._backlog_at = 0.0 if has_backlog else None
        channel = await link.channel()
        channel.consumers = _ForAllTags(self._receive)
        channel.on_consumer_cancel_callbacks.add(self._queue_gone)
        channel.closing.add_done_callback(lambda _: self._changed.set())
        self._link, self._channel, self._bound_at = link, channel, time.monotonic()
        return channel

    def _let_go(self) -> None:
        """What the channel had unacknowledged is the queue's again."""
        for delivery in self._here.values():
            if delivery.timer is not None:
                delivery.timer.cancel()
        self._here.clear()
        self._arrived.clear()
        self._order = KeyOrder()
        self._cancelled = self._spoiled = False
        self._asking = None

    async def _receive(self, message: DeliveredMessage) -> None:
        self._arrived.append(message)
        self._changed.set()

    def _queue_gone(self, _: object) -> None:
        self._cancelled = self._spoiled = True
        self._changed.set()

    async def _pull(self, channel: Channel, count: int, until: float) -> None:
        """What the backlog has, else what the group's queue has or gets in time. Raises BrokerUnavailable."""
        if await self._backlog_waits(channel):
            queue = backlog_queue(self._settings, self.group)
            await self._consume(channel, queue, count, time.monotonic() + _SHORTEST_WAIT_S)
            if self._arrived:
                return
        if self._backlog_at is not None:
            until = min(until, time.monotonic() + _LOOK_INTO_BACKLOG_S)
        await self._consume(channel, group_queue(self._settings, self.group), count, until)

    async def _backlog_waits(self, channel: Channel) -> bool:
        """Whether there is something older than the group's queue. One that was empty is looked into now and then:

        another consumer may give something back.
        """
        now = time.monotonic()
        if self._backlog_at is None or now < self._backlog_at:
            return False
        async with self._in_time():
            waits = await ready_count(channel, backlog_queue(self._settings, self.group)) > 0
        self._backlog_at = now if waits else now + _LOOK_INTO_BACKLOG_S
        return waits

    async def _consume(self, channel: Channel, queue: str, count: int, until: float) -> None:
        """Until there is something, and for what comes with it; at most `count`."""
        tag = f"{self.group[:100]}-{next(self._tags)}"
        self._changed.clear()
        async with self._in_time():
            await channel.basic_qos(prefetch_count=count)
            await channel.basic_consume(queue, self._receive, consumer_tag=tag)
        while not self._arrived and not self._waiting_may_go():
            if time.monotonic() >= until:
                break
            await self._wait(until)
            self._check(channel)
        while self._arrived and len(self._arrived) < count:
            before = len(self._arrived)
            await self._wait(time.monotonic() + _LINGER_S)
            self._check(channel)
            if len(self._arrived) == before:
                break
        async with self._in_time():
            await channel.basic_cancel(tag)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            with translating():
                async with asyncio.timeout(self._settings.publish_timeout_s):
                    yield
        except BrokerUnavailable:
            # An answer that did not come in time may still come, and would be taken for that of another question.
            self._spoiled = True
            raise

    def _check(self, channel: Channel) -> None:
        if self._cancelled:
            raise unavailable("the group's queue was deleted or moved; the next fetch finds it or makes it again")
        if channel.is_closed:
            raise unavailable("the connection broke")

    def _waiting_may_go(self) -> bool:
        """Whether something that waited here for another of its key need not any more."""
        return self._order.has_ready(time.monotonic())

    async def _wait(self, until: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until - time.monotonic()):
                await self._changed.wait()
        self._changed.clear()

    async def _sort_arrived(self) -> None:
        while self._arrived:
            received = self._arrived.popleft()
            message = message_of(received)
            delivery = RabbitDelivery(self, received, message)
            delivery.position = self._position_of(message.id)
            if self._done.has(message) or delivery.position in self._here:
                # Published twice, or acknowledged and not heard: it was handled, or is at hand.
                with translating():
                    await delivery.channel.basic_ack(delivery.tag, wait=False)
                continue
            self._here[delivery.position] = delivery
            self._order.add(message.key, delivery.position, delivery)

    def _position_of(self, message_id: str) -> int:
        """The queue gives no position that outlives a delivery: the order in which messages first came here."""
        position = self._positions.get(message_id)
        if position is None:
            position = self._positions[message_id] = next(self._next_position)
            while len(self._positions) > _KNOWN_POSITIONS + len(self._here):
                self._positions.popitem(last=False)
        return position
