"""The channel of one RabbitMQ subscription: opened with the group's queues there, and read only on demand.

While nobody fetches, nothing is pushed here, so that a slow member keeps no messages from the others: reading begins
with basic.consume, whose prefetch is what may still be handed out, and ends with basic.cancel.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

from aiormq import Channel
from aiormq.abc import AbstractChannel, ConsumerCallback, DeliveredMessage

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.rabbitmq_census import InHand, Member
from orchestratorx_prism.brokers.rabbitmq_groups import ensure_group
from orchestratorx_prism.brokers.rabbitmq_link import Link, close_channel, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_messages import key_of, published_ns
from orchestratorx_prism.brokers.rabbitmq_topology import (
    backlog_queue,
    bind_group,
    consumer_count,
    delete_queue,
    group_queue,
    queue_is_there,
    ready_count,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

SHORTEST_WAIT_S = 0.05
"""A queue needs this long to answer, even to a fetch that does not want to wait."""
LONGEST_DELAY_S = 15 * 60.0
"""Longest that a message stays here. The server closes the channel of a consumer that keeps one for longer than 30
minutes (consumer_timeout)."""
_LINGER_S = 0.005
"""How long a fetch that has something waits for more of it."""
_LOOK_INTO_BACKLOG_S = 2.0
_BACKLOG_IS_OVER_S = 35 * 60.0
"""Whatever a consumer had of the backlog is ended or back in it after this time."""
_BIND_EVERY_S = 10.0


def in_order(arrived: Iterable[DeliveredMessage]) -> list[DeliveredMessage]:
    """What came back from somebody first, in the order of publishing, together with what else there is of its keys.

    Together, for it need not be the oldest: what was on its way to a consumer when that was cancelled goes back as
    well, and comes behind what the same consumer got. Everything else stays in the order of the queue.
    """
    arrived = list(arrived)
    keys = {key_of(one) for one in arrived if one.redelivered}
    mixed = [one for one in arrived if key_of(one) in keys]
    mixed.sort(key=lambda one: (published_ns(one), not one.redelivered))
    return mixed + [one for one in arrived if key_of(one) not in keys]


class _ForAllTags(dict[str, ConsumerCallback]):
    """Consumers of a channel. What the server sent before it read basic.cancel belongs to us as well."""

    def __init__(self, callback: ConsumerCallback) -> None:
        super().__init__()
        self._callback = callback

    def get(self, tag: str, default: Any = None) -> ConsumerCallback:
        return self._callback


class Inlet:
    """`arrived` is what came and was not looked at; `changed` is set whenever something comes or breaks."""

    def __init__(
        self,
        link_now: Callable[[], Awaitable[Link]],
        settings: BrokerSettings,
        addresses: Sequence[str],
        group: str,
        *,
        on_replaced: Callable[[], None],
        in_hand: Callable[[], InHand],
    ) -> None:
        self.link_now = link_now
        self._settings = settings
        self._addresses = tuple(addresses)
        self._group = group
        self._on_replaced = on_replaced
        self._member = Member(settings, group, in_hand)
        self.arrived: deque[DeliveredMessage] = deque()
        self.changed = asyncio.Event()
        self._link: Link | None = None
        self._channel: Channel | None = None
        self._bound_at = 0.0
        self._look_at: float | None = None
        """When to look into the backlog; None: there is none."""
        self._empty_since: float | None = None
        self._tags = itertools.count(1)
        self._cancelled = False
        self._spoiled = False
        self._asking: asyncio.Task[None] | None = None
        self._one_question = asyncio.Lock()

    async def channel_now(self) -> Channel:
        """The channel, with the group's queues there. One that is gone is replaced, and what it had comes again.

        Raises:
            BrokerUnavailable: The server does not answer.
            SettingsRejected: A queue or exchange of the name is there and is another kind.
        """
        link = await self.link_now()
        channel = self._channel
        if channel is None or channel.is_closed or link is not self._link or self._spoiled:
            channel = await self._open(link)
        elif time.monotonic() - self._bound_at >= _BIND_EVERY_S:
            # Exchanges that somebody deleted come back without what was bound to them.
            await bind_group(link, self._settings, self._addresses, self._group)
            await self._member.stay(link)
            self._bound_at = time.monotonic()
        return channel

    async def close(self) -> None:
        """The server gives what is unacknowledged to others, in order."""
        await self._member.leave()
        if self._channel is not None:
            await close_channel(self._channel)

    async def pull(self, channel: Channel, count: int, until: float, enough: Callable[[], bool]) -> None:
        """What the backlog has, else what the group's queue has or gets in time; at most `count`.

        Args:
            enough: Whether waiting has become needless.

        Raises:
            BrokerUnavailable: The connection broke, or the queue was deleted.
        """
        if await self._backlog_waits():
            queue = backlog_queue(self._settings, self._group)
            async with self._consuming(channel, queue, count):
                await self._until_something(channel, count, time.monotonic() + SHORTEST_WAIT_S, enough)
                # A busy server takes longer, and what is newer must not go before.
                empty = not (self.arrived or enough()) and await self._until_all(channel, queue, 1, until)
            if self.arrived or not empty:
                return
        if self._look_at is not None:
            until = min(until, max(self._look_at, time.monotonic() + SHORTEST_WAIT_S))
        async with self._consuming(channel, group_queue(self._settings, self._group), count):
            await self._until_something(channel, count, until, enough)

    async def pull_left_behind(self, channel: Channel, count: int, most: int, until: float) -> bool:
        """What consumers that are gone left unacknowledged, in the order of publishing, and what came with it.

        The server has it ahead of the queue, but in no order to rely on. A consumer that is cancelled while it has
        messages stays one of its own, and when the connection breaks theirs go back one after the other, by the
        sizes of their tags; and a part of them goes behind the rest if it came to somebody who died as well. What a
        consumer of this channel was about to get when it was cancelled comes back among them.

        Args:
            count: How many at once.
            most: How many altogether, with those that have arrived.

        Returns:
            Whether all is here. Not so while messages wait and the server gives them to nobody, until `until`.

        Raises:
            BrokerUnavailable: The connection broke, or the queue was deleted.
        """
        while (room := min(count, most - len(self.arrived))) > 0:
            before = len(self.arrived)
            if not await self._pull_all(channel, room, until):
                return False
            if len(self.arrived) == before or not self.arrived[-1].redelivered:
                break
        self.arrived = deque(in_order(self.arrived))
        return True

    async def alone(self) -> bool:
        """Whether nobody takes from the group's queues, or has anything of them. While nothing is pulled here.

        Until a broken consumer's messages are back, a quorum queue counts it.
        """
        link = await self.link_now()
        async with link.passing_channel() as channel:
            if await consumer_count(channel, group_queue(self._settings, self._group)):
                return False
            backlog = backlog_queue(self._settings, self._group)
            return not await queue_is_there(link, backlog) or await consumer_count(channel, backlog) == 0

    async def acknowledge(self, channel: AbstractChannel, tag: int) -> None:
        """Returns when the server has read it. Raises BrokerUnavailable."""
        async with self._in_time():
            await channel.basic_ack(tag, wait=False)
            await self._read_back(channel)

    async def wait(self, until: float) -> None:
        """Until something changes here."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until - time.monotonic()):
                await self.changed.wait()
        self.changed.clear()

    async def _open(self, link: Link) -> Channel:
        if self._channel is not None:
            await close_channel(self._channel)
        self.arrived.clear()
        self._on_replaced()
        self._cancelled = self._spoiled = False
        self._asking = None
        if await ensure_group(link, self._settings, self._addresses, self._group):
            _log.error(
                "rabbitmq: the queue of group %s was deleted; made again, it begins with the oldest message kept",
                self._group,
            )
        self._look_at, self._empty_since = 0.0, None
        await self._member.join(link)
        channel = await link.channel()
        channel.consumers = _ForAllTags(self._receive)
        channel.on_consumer_cancel_callbacks.add(self._queue_gone)
        channel.closing.add_done_callback(lambda _: self.changed.set())
        self._link, self._channel, self._bound_at = link, channel, time.monotonic()
        return channel

    async def _receive(self, message: DeliveredMessage) -> None:
        self.arrived.append(message)
        self.changed.set()

    def _queue_gone(self, _: object) -> None:
        self._cancelled = self._spoiled = True
        self.changed.set()

    async def _backlog_waits(self) -> bool:
        """Whether there is something older than the group's queue. One that is empty is looked into now and then, as

        another consumer may give something back, until none can have anything of it.
        """
        now = time.monotonic()
        if self._look_at is None or now < self._look_at:
            return False
        link, queue = await self.link_now(), backlog_queue(self._settings, self._group)
        if not await queue_is_there(link, queue):
            self._look_at = None
            return False
        async with link.passing_channel() as channel:
            waits = await ready_count(channel, queue) > 0
        # A queue without leader, after a restart, tells 0 too. Consuming from it waits for the leader.
        first_look = self._look_at == 0.0
        self._empty_since = None if waits else (self._empty_since or now)
        if self._empty_since is not None and now - self._empty_since >= _BACKLOG_IS_OVER_S:
            await delete_queue(link, queue)
        self._look_at = now if waits or first_look else now + _LOOK_INTO_BACKLOG_S
        return waits or first_look

    @contextlib.asynccontextmanager
    async def _consuming(self, channel: Channel, queue: str, count: int) -> AsyncIterator[None]:
        """The server sends up to `count` messages while inside."""
        tag = f"{self._group[:100]}-{next(self._tags)}"
        self.changed.clear()
        async with self._in_time():
            await channel.basic_qos(prefetch_count=count)
            await channel.basic_consume(queue, self._receive, consumer_tag=tag)
        yield
        async with self._in_time():
            await channel.basic_cancel(tag)

    async def _until_something(self, channel: Channel, count: int, until: float, enough: Callable[[], bool]) -> None:
        """And what comes with it."""
        while not self.arrived and not enough() and time.monotonic() < until:
            await self.wait(until)
            self._check(channel)
        while self.arrived and len(self.arrived) < count:
            before = len(self.arrived)
            await self.wait(time.monotonic() + _LINGER_S)
            self._check(channel)
            if len(self.arrived) == before:
                break

    async def _pull_all(self, channel: Channel, count: int, until: float) -> bool:
        """Like `pull`, but a moment in which nothing comes does not end it: a busy server takes its time."""
        wanted = len(self.arrived) + count
        queues = [backlog_queue(self._settings, self._group)] if await self._backlog_waits() else []
        for queue in (*queues, group_queue(self._settings, self._group)):
            async with self._consuming(channel, queue, count):
                complete = await self._until_all(channel, queue, wanted, until)
            if len(self.arrived) > wanted - count or not complete:
                return complete
        return True

    async def _until_all(self, channel: Channel, queue: str, wanted: int, until: float) -> bool:
        """Whether so many have arrived, or the queue has no more for this channel."""
        while len(self.arrived) < wanted:
            async with self._in_time():
                if await ready_count(channel, queue) == 0:
                    # What is on its way to this channel comes before the answer to another question on it.
                    await ready_count(channel, queue)
                    return True
            if time.monotonic() >= until:
                return False
            await self.wait(time.monotonic() + _LINGER_S)
            self._check(channel)
        return True

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
