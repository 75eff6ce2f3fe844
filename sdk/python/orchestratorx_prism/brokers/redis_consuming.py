"""Consuming from Redis Streams: a consumer group on every stream of the subscription, read only when somebody fetches.

One script takes what was given back and is due, then what others left unfinished for longer than `ack_wait_s`, then
new entries, within what the group may hold. While there is nothing, XREAD waits on the streams.

Order per key holds over all consumers of a group: a message is handed out when the one before it of the same key is
ended, here or anywhere. Of what another consumer has, dead or alive, the server keeps a list for each key (`lane`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, Message
from orchestratorx_prism.brokers.key_order import KeyOrder
from orchestratorx_prism.brokers.redis_group_scripts import (
    END,
    GIVE_BACK,
    GIVEN_BACK,
    KEEP,
    LEAVE,
    PARK,
    RETURN_UNSEEN,
    TAKE,
)
from orchestratorx_prism.brokers.redis_link import Argument, Link, unavailable
from orchestratorx_prism.brokers.redis_messages import dead_letter_fields, fields_of, message_of
from orchestratorx_prism.brokers.redis_scripts import GROUPS, JOIN, STREAMS, dead_letters_key, delayed_key, lane_key
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

_HELD_FOR = 1.5
"""A delivery that is not ended and has not come again after so many times `ack_wait_s` was ended after all."""
_JOIN_EVERY_S = 5.0
"""How often a subscription makes sure of its group."""
_FIND_EVERY_S = 1.0
"""How often one with a `*` looks for new streams."""
_LOOK_EVERY_S = 0.5
"""How often it looks for what others left; new messages wake it at once."""
_POSTPONE_MS = 100
"""How soon it asks again whether another consumer has ended the message before, of the same key."""
_WATCH_FOR_S = 0.5
"""Longest that one XREAD waits, and so closing."""


class RedisDelivery:
    """See `base.Delivery`."""

    def __init__(
        self, subscription: RedisSubscription, stream: str, entry: str, attempt: int, message: Message
    ) -> None:
        self._subscription = subscription
        self.stream = stream
        self.entry = entry
        """Its id in the stream: milliseconds and a number."""
        self._attempt = attempt
        self._message = message
        milliseconds, _, number = entry.partition("-")
        self.position = (int(milliseconds) << 64) + int(number)
        self.lane = f"{stream}\0{message.key or entry}"
        """Without a key it is alone in its lane."""

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


class RedisSubscription:
    """See `base.Subscription`."""

    def __init__(
        self,
        link_now: Callable[[], Awaitable[Link]],
        settings: BrokerSettings,
        addresses: Sequence[str],
        group: str,
    ) -> None:
        self._link_now = link_now
        self._settings = settings
        self._addresses = tuple(addresses)
        self.group = group
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._order: KeyOrder[RedisDelivery] = KeyOrder()
        self._untold: dict[tuple[str, int], RedisDelivery] = {}
        self._streams: list[str] = []
        self._joined_at = 0.0
        self._last_ids: list[str] = []
        self._next_due_s: float | None = None
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._watching: asyncio.Task[object] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._unsure = False
        """The server was asked for messages, and may have given some that did not get here."""
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    async def open(self) -> None:
        """Makes the group. Raises BrokerUnavailable."""
        await self._join("join")
        self._keeping = asyncio.create_task(self._keep_waiting_ones())

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[RedisDelivery]:
        deadline = time.monotonic() + timeout_s
        while True:
            if self._closed:
                raise unavailable("the subscription is closed")
            self._changed.clear()
            now = time.monotonic()
            ready = self._order.take(limit, now, until_s=now + _HELD_FOR * self._settings.ack_wait_s)
            if ready:
                return ready
            if await self._take(limit):
                continue
            if now >= deadline:
                return []
            await self._wait(deadline)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._changed.set()
        self._closing.set()
        if self._keeping is not None:
            await self._keeping
        # Others need not wait for the deliveries to time out. If the server cannot be told, that is what happens.
        with contextlib.suppress(BrokerUnavailable):
            link = await self._link_now()
            await link.run(LEAVE, self._stream_keys(), [self.group, self._consumer, GIVEN_BACK])
        if self._watching is not None:
            # Not cancelled: redis-py may leave the connection open then. It ends by itself.
            await asyncio.gather(self._watching, return_exceptions=True)

    async def end(self, delivery: RedisDelivery) -> None:
        with self._returning_if_untold(delivery):
            keys = [*self._keys_of(delivery), self._lane_of(delivery)]
            await (await self._link_now()).run_durably(END, keys, [self.group, delivery.entry])
        self._ended(delivery)

    async def give_back(self, delivery: RedisDelivery, delay_s: float) -> None:
        with self._returning_if_untold(delivery):
            await self._give_back(delivery, delay_s)

    async def park(self, delivery: RedisDelivery, reason: str) -> None:
        dead = DeadLetter(delivery.message, self.group, reason, delivery.attempt)
        keys = [*self._keys_of(delivery), self._lane_of(delivery), dead_letters_key(self.group)]
        arguments: list[Argument] = [self.group, delivery.entry, *dead_letter_fields(dead)]
        with self._returning_if_untold(delivery):
            await (await self._link_now()).run_durably(PARK, keys, arguments)
        self._ended(delivery)

    @contextlib.contextmanager
    def _returning_if_untold(self, delivery: RedisDelivery) -> Iterator[None]:
        """What the server could not be told to end comes again as soon as it answers, not after `ack_wait_s`."""
        try:
            yield
        except BrokerUnavailable:
            self._untold[delivery.lane, delivery.position] = delivery
            raise

    async def _give_back(self, delivery: RedisDelivery, delay_s: float) -> None:
        arguments: list[Argument] = [self.group, self._consumer, delivery.entry, max(0, round(delay_s * 1000))]
        if await (await self._link_now()).run(GIVE_BACK, self._keys_of(delivery), arguments):
            until_s = time.monotonic() + delay_s + self._settings.ack_wait_s
            self._order.given_back(delivery.lane, delivery.position, until_s=until_s)
            self._changed.set()
        else:
            self._ended(delivery)

    def _ended(self, delivery: RedisDelivery) -> None:
        self._order.ended(delivery.lane, delivery.position)
        self._changed.set()

    def _keys_of(self, delivery: RedisDelivery) -> list[str]:
        return [delivery.stream, delayed_key(self.group, delivery.stream)]

    def _lane_of(self, delivery: RedisDelivery) -> str:
        return lane_key(self.group, delivery.stream, delivery.message.key)

    def _stream_keys(self) -> list[str]:
        return [key for stream in self._streams for key in (stream, delayed_key(self.group, stream))]

    async def _join(self, how: str) -> None:
        arguments = [self.group, json.dumps(self._addresses), how]
        found = await (await self._link_now()).run(JOIN, [STREAMS, GROUPS], arguments)
        self._streams = sorted(stream.decode() for stream in found)
        self._joined_at = time.monotonic()

    async def _take(self, limit: int) -> bool:
        """Takes from the server what may be had now. Whether anything was."""
        finds = any(address.endswith("*") for address in self._addresses)
        if time.monotonic() - self._joined_at >= (_FIND_EVERY_S if finds else _JOIN_EVERY_S):
            await self._join("again")
        if not self._streams:
            return False
        for place, delivery in list(self._untold.items()):
            await self._give_back(delivery, 0)
            del self._untold[place]
        # From another stream first each time, so that a busy one does not starve the others.
        self._streams.append(self._streams.pop(0))
        settings = self._settings
        arguments: list[Argument] = [self.group, self._consumer, limit, settings.max_unacked]
        arguments += [int(settings.ack_wait_s * 1000), _POSTPONE_MS, GIVEN_BACK]
        await self._return_unseen()
        self._unsure = True
        found, last_ids, next_due_ms, remade, deleted = await (await self._link_now()).run(
            TAKE, self._stream_keys(), arguments
        )
        self._unsure = False
        self._last_ids = [one.decode() for one in last_ids]
        self._next_due_s = None if next_due_ms < 0 else time.monotonic() + next_due_ms / 1000
        self._report([self._streams[number - 1] for number in remade], deleted)
        deliveries = [self._delivery(*row) for row in found]
        for delivery in sorted(deliveries, key=lambda one: one.position):
            self._order.add(delivery.lane, delivery.position, delivery)
        return bool(found)

    async def _return_unseen(self) -> None:
        """Later messages of a key would overtake what the server takes to be in hand here."""
        if self._unsure:
            known = [word for one in self._order.unfinished() for word in (one.stream, one.entry)]
            link = await self._link_now()
            await link.run(RETURN_UNSEEN, self._stream_keys(), [self.group, self._consumer, GIVEN_BACK, *known])

    def _delivery(self, number: int, entry: bytes, attempt: int, fields: Sequence[bytes]) -> RedisDelivery:
        stream = self._streams[number - 1]
        message = message_of(fields_of(fields), stream=stream, entry=entry.decode())
        return RedisDelivery(self, stream, entry.decode(), attempt, message)

    def _report(self, remade: Sequence[str], deleted: int) -> None:
        for stream in remade:
            _log.error(
                "redis: stream %s or its group %s was deleted; made again, it begins with the oldest message kept",
                stream,
                self.group,
            )
        if deleted:
            _log.error("redis: %d messages of group %s were deleted before they were handled", deleted, self.group)

    async def _wait(self, deadline: float) -> None:
        """Until something may have changed, here or there. Raises BrokerUnavailable."""
        if self._watching is not None and self._watching.done():
            self._watching.exception()  # of an earlier fetch: what it said has been found out since
            self._watching = None
        now = time.monotonic()
        until = min(deadline, now + min(_LOOK_EVERY_S, self._settings.ack_wait_s / 4))
        for other in (self._order.next_change_s(now), self._next_due_s):
            until = until if other is None else min(until, max(other, now + 0.001))
        if self._watching is None and self._streams:
            link = await self._link_now()
            block_ms = max(1, int(min(_WATCH_FOR_S, self._settings.publish_timeout_s / 2) * 1000))
            words: list[Argument] = ["XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS", *self._streams, *self._last_ids]
            self._watching = asyncio.create_task(link.command(*words))
        changed = asyncio.create_task(self._changed.wait())
        try:
            watched = [] if self._watching is None else [self._watching]
            await asyncio.wait({changed, *watched}, timeout=max(0.0, until - now), return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        watching = self._watching
        if watching is not None and watching.done():
            self._watching = None
            if not watching.cancelled():
                await watching

    async def _keep_waiting_ones(self) -> None:
        """Deliveries that wait behind another of their key must not go to somebody else meanwhile."""
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._settings.ack_wait_s / 3)
            waiting: dict[str, list[str]] = {}
            for delivery in self._order.waiting():
                waiting.setdefault(delivery.stream, []).append(delivery.entry)
            with contextlib.suppress(BrokerUnavailable):
                for stream, entries in waiting.items():
                    await (await self._link_now()).run(KEEP, [stream], [self.group, self._consumer, *entries])
