"""Consuming from RabbitMQ: a quorum queue a group.

Order per key: within one `Subscription`, a message is handed out when the one before it of the same key is ended; one
given back stays here until its delay is over, and then returns to the head of the queue. What consumers that died left
in the queue is put into the order of publishing, by the publishers' clocks, before any of it is handed out. Between
several subscriptions of a group RabbitMQ deals messages out regardless of key. Where that matters, set `max_unacked=1`:
the queue then has a single active consumer.

AMQP does not confirm an acknowledgement. A call after it on the same channel is answered when the server has read it;
a server that dies in the moment after may deliver once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiormq import Channel
from aiormq.abc import DeliveredMessage

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, Message
from orchestratorx_prism.brokers.key_order import KeyOrder
from orchestratorx_prism.brokers.rabbitmq_census import InHand
from orchestratorx_prism.brokers.rabbitmq_dead_letters import park
from orchestratorx_prism.brokers.rabbitmq_inlet import LONGEST_DELAY_S, SHORTEST_WAIT_S, Inlet
from orchestratorx_prism.brokers.rabbitmq_link import Link, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_messages import attempt_of, message_of, published_at, redriven_as
from orchestratorx_prism.brokers.rabbitmq_publishing import RecentIds
from orchestratorx_prism.brokers.rabbitmq_topology import check_names
from orchestratorx_prism.brokers.settings import BrokerSettings

_HELD_FOR = 1.5
"""A delivery that is not ended and has not come again after so many times `ack_wait_s` was ended after all."""
_KNOWN_POSITIONS = 10_000
_GATHERED_WITHIN_S = 1.0
"""How long the server has for giving out what waits in the queue, before the caller of `fetch` hears from us."""


class RabbitDelivery:
    """See `base.Delivery`."""

    def __init__(self, subscription: RabbitSubscription, received: DeliveredMessage, message: Message) -> None:
        self._subscription = subscription
        self.channel = received.channel
        self.tag: int = received.delivery_tag or 0
        """On that channel, and on no other."""
        self.position = 0
        self._attempt = attempt_of(received)
        self.redriven_as = redriven_as(received)
        self.published_at = published_at(received)
        self._message = message
        self.timer: asyncio.TimerHandle | None = None
        """When it goes back to the queue."""

    @property
    def message(self) -> Message:
        return self._message

    @property
    def attempt(self) -> int:
        return self._attempt

    def again(self) -> RabbitDelivery:
        """To be handed out once more, by the same consumer."""
        other = copy.copy(self)
        other._attempt += 1
        other.timer = None
        return other

    async def ack(self) -> None:
        await self._subscription.end(self)

    async def nack(self, *, delay_s: float = 0.0) -> None:
        await self._subscription.give_back(self, delay_s)

    async def dead_letter(self, reason: str) -> None:
        await self._subscription.park(self, reason)


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
        self._settings = settings
        self.group = group
        self._inlet = Inlet(link_now, settings, addresses, group, on_replaced=self._let_go, in_hand=self.in_hand)
        self._order: KeyOrder[RabbitDelivery] = KeyOrder()
        self._here: dict[int, RabbitDelivery] = {}
        """By position: what the channel has not acknowledged."""
        self._positions: OrderedDict[str, int] = OrderedDict()
        self._next_position = itertools.count(1)
        self._done = RecentIds(settings.duplicate_window_s)
        self._returning: set[asyncio.Task[None]] = set()
        self._gathered = False
        """Whether what others gave back, or left when they died, is here. See `_gather`."""
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    async def open(self) -> None:
        """Makes the group and a channel. Raises BrokerUnavailable, SettingsRejected."""
        try:
            await self._inlet.channel_now()
        except BaseException:
            # The connection may be others' as well, and stays: what was opened on it would be a member for ever.
            await self._inlet.close()
            raise

    async def alone(self) -> bool:
        """See `base.Succession`."""
        return await self._inlet.alone()

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[RabbitDelivery]:
        deadline = time.monotonic() + timeout_s
        pulled = False
        while True:
            if self._closed:
                raise unavailable("the subscription is closed")
            channel = await self._inlet.channel_now()
            if self._inlet.arrived and self._gathered:
                self._gathered = not any(one.redelivered and self._is_of_others(one) for one in self._inlet.arrived)
            if not self._gathered and not await self._gather(channel, limit):
                if time.monotonic() >= deadline:
                    return []
                continue
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
            until = max(deadline if next_change is None else min(deadline, next_change), now + SHORTEST_WAIT_S)
            room = min(limit, self._settings.max_unacked - len(self._here))
            if room > 0:
                await self._inlet.pull(channel, room, until, self._waiting_may_go)
            else:
                await self._inlet.wait(until)
            pulled = True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._inlet.changed.set()
        for delivery in self._here.values():
            if delivery.timer is not None:
                delivery.timer.cancel()
        for task in self._returning:
            task.cancel()
        await asyncio.gather(*self._returning, return_exceptions=True)
        # One by one: the server by itself would put what went back once, and came again, behind later ones of its key.
        with contextlib.suppress(BrokerUnavailable), translating():
            for _, delivery in sorted(self._here.items()):
                await delivery.channel.basic_nack(delivery.tag, requeue=True, wait=False)
        await self._inlet.close()

    async def end(self, delivery: RabbitDelivery) -> None:
        current = self._current(delivery)
        async with self._keeping(current):
            await self._acknowledge(current)
        self._done.add(current.message, current.redriven_as)

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
            self._after(min(delay_s, LONGEST_DELAY_S), delivery, self._try_again)
        else:
            await self._try_again(delivery)

    async def park(self, delivery: RabbitDelivery, reason: str) -> None:
        current = self._current(delivery)
        async with self._keeping(current):
            # In this order: a crash in between brings the message again, and it is parked twice rather than never.
            dead = DeadLetter(current.message, self.group, reason, current.attempt)
            await park(await self._inlet.link_now(), self._settings, dead)
            await self._acknowledge(current)
        self._done.add(current.message, current.redriven_as)

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
        await self._inlet.acknowledge(delivery.channel, delivery.tag)
        self._forget(delivery)
        self._order.ended(delivery.message.key, delivery.position)
        self._inlet.changed.set()

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

    def in_hand(self) -> InHand:
        """What the queue has given to this subscription, of which it tells nobody."""
        behind = {id(delivery) for delivery in self._order.waiting()}
        untouched = sum(one.attempt == 1 and id(one) in behind for one in self._here.values())
        arrived = sum(attempt_of(one) == 1 for one in self._inlet.arrived)
        times = [one.published_at for one in self._here.values()] + [published_at(one) for one in self._inlet.arrived]
        return InHand(
            waiting=untouched + arrived,
            unfinished=len(self._here) - untouched + len(self._inlet.arrived) - arrived,
            oldest_s=min((one for one in times if one is not None), default=None),
        )

    def _waiting_may_go(self) -> bool:
        """Whether something that waited here for another of its key need not any more."""
        return self._order.has_ready(time.monotonic())

    async def _try_again(self, delivery: RabbitDelivery) -> None:
        """Back to the queue, or stays here if later ones of its key are here: the server would make it the last of them
        when this consumer dies.
        """
        if not self._order.has_waiting(delivery.message.key):
            await self._return(delivery)
        elif self._here.get(delivery.position) is delivery:
            self._here[delivery.position] = again = delivery.again()
            self._order.add(again.message.key, again.position, again)
            self._inlet.changed.set()

    def _return_after(self, delivery: RabbitDelivery, delay_s: float) -> None:
        self._after(delay_s, delivery, self._return)

    def _after(
        self, delay_s: float, delivery: RabbitDelivery, act: Callable[[RabbitDelivery], Awaitable[None]]
    ) -> None:
        if delivery.timer is not None:
            delivery.timer.cancel()

        def due() -> None:
            task = asyncio.ensure_future(_quietly(act(delivery)))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

        delivery.timer = asyncio.get_running_loop().call_later(delay_s, due)

    async def _return(self, delivery: RabbitDelivery) -> None:
        """Back to the head of the queue, for whoever comes first."""
        if self._here.get(delivery.position) is not delivery:
            return
        self._forget(delivery)
        until_s = time.monotonic() + self._settings.ack_wait_s
        self._order.given_back(delivery.message.key, delivery.position, until_s=until_s)
        with translating():
            await delivery.channel.basic_nack(delivery.tag, requeue=True, wait=False)
        self._inlet.changed.set()

    def _let_go(self) -> None:
        """The channel is gone: what it had unacknowledged is the queue's again."""
        for delivery in self._here.values():
            if delivery.timer is not None:
                delivery.timer.cancel()
        self._here.clear()
        self._order = KeyOrder()
        self._gathered = False

    async def _gather(self, channel: Channel, limit: int) -> bool:
        """Whether all is here that consumers left unacknowledged: until then nothing goes.

        Not so while the server gives it to nobody.
        """
        most = self._settings.max_unacked
        until = time.monotonic() + _GATHERED_WITHIN_S
        self._gathered = await self._inlet.pull_left_behind(channel, min(limit, most), most - len(self._here), until)
        return self._gathered

    def _is_of_others(self, received: DeliveredMessage) -> bool:
        """Whether it never came here."""
        return _which(message_of(received).id, redriven_as(received)) not in self._positions

    async def _sort_arrived(self) -> None:
        while self._inlet.arrived:
            received = self._inlet.arrived.popleft()
            message = message_of(received)
            delivery = RabbitDelivery(self, received, message)
            delivery.position = self._position_of(_which(message.id, delivery.redriven_as))
            if self._done.has(message, delivery.redriven_as) or delivery.position in self._here:
                # Published twice, or acknowledged and not heard: it was handled, or is at hand.
                with translating():
                    await delivery.channel.basic_ack(delivery.tag, wait=False)
                continue
            self._here[delivery.position] = delivery
            self._order.add(message.key, delivery.position, delivery)

    def _position_of(self, which: str) -> int:
        """The queue gives no position that outlives a delivery: the order in which messages first came here."""
        position = self._positions.get(which)
        if position is None:
            position = self._positions[which] = next(self._next_position)
            while len(self._positions) > _KNOWN_POSITIONS + len(self._here):
                self._positions.popitem(last=False)
        return position


def _which(message_id: str, redriven: str) -> str:
    return f"{message_id}\0{redriven}"


async def _quietly(act: Awaitable[None]) -> None:
    """If the server cannot be told, it has lost the channel, and gives the message to others by itself."""
    with contextlib.suppress(BrokerUnavailable):
        await act
