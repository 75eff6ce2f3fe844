"""The memory broker: in this process, bounded, gone when the process ends. For development, and for your own tests.

It keeps what the other brokers keep (groups, order per key, redelivery, dead letters) and passes the same conformance
suite. `broker.server.stop()` and `.start()` play a broker that goes down and comes back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, GroupLag, Message
from orchestratorx_prism.brokers.memory_server import Group, MemoryServer, Slot
from orchestratorx_prism.brokers.settings import BrokerSettings

_DEFAULT_NAME = "default"
_shared: WeakValueDictionary[str, MemoryServer] = WeakValueDictionary()
_sharing = threading.Lock()


class MemoryDelivery:
    """See `base.Delivery`."""

    def __init__(self, server: MemoryServer, group_name: str, group: Group, slot: Slot) -> None:
        self._server = server
        self._group_name = group_name
        self._group = group
        self._position = slot.position
        self._lease = slot.lease
        self._message = slot.message
        self._attempt = slot.attempt

    @property
    def message(self) -> Message:
        return self._message

    @property
    def attempt(self) -> int:
        return self._attempt

    async def ack(self) -> None:
        self._server.end(self._group, self._position)

    async def nack(self, *, delay_s: float = 0.0) -> None:
        self._server.put_back(self._group, self._position, self._lease, time.monotonic() + delay_s)

    async def dead_letter(self, reason: str) -> None:
        self._server.park(self._group_name, self._group, self._position, reason)


class MemorySubscription:
    """See `base.Subscription`."""

    def __init__(self, server: MemoryServer, group_name: str, group: Group) -> None:
        self._server = server
        self._group_name = group_name
        self._group = group
        self._in_hand: dict[int, int] = {}
        self._closed = False

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[MemoryDelivery]:
        deadline = time.monotonic() + timeout_s
        with self._server.changes() as changed:
            while True:
                changed.clear()
                slots, next_change = self._take(limit)
                now = time.monotonic()
                if slots or now >= deadline:
                    return [MemoryDelivery(self._server, self._group_name, self._group, slot) for slot in slots]
                until = deadline if next_change is None else min(deadline, next_change)
                try:
                    await asyncio.wait_for(changed.wait(), until - now)
                except TimeoutError:
                    continue

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        now = time.monotonic()
        for position, lease in self._in_hand.items():
            self._server.put_back(self._group, position, lease, now)

    def _take(self, limit: int) -> tuple[list[Slot], float | None]:
        with self._server.lock:
            self._server.check()
            if self._closed:
                raise BrokerUnavailable("the subscription is closed")
            slots = self._group.take(limit, time.monotonic())
            # Only what may still be unfinished is remembered: as much as the group may hold.
            self._in_hand = {p: lease for p, lease in self._in_hand.items() if self._group.holds(p, lease)}
            self._in_hand.update((slot.position, slot.lease) for slot in slots)
            return slots, self._group.next_change()


class MemoryBroker:
    """See `base.Broker`. One made without a server has messages of its own."""

    name = "memory"

    def __init__(self, settings: BrokerSettings | None = None, *, server: MemoryServer | None = None) -> None:
        self._settings = settings or BrokerSettings()
        self.server = server or _server(self._settings)
        self._closed = False

    @classmethod
    def shared(cls, settings: BrokerSettings) -> MemoryBroker:
        """A client of the process's server of the name in the URL; it lives as long as one of its clients."""
        name = urlsplit(settings.url).netloc or _DEFAULT_NAME
        with _sharing:
            server = _shared.get(name)
            if server is None:
                server = _shared[name] = _server(settings)
        return cls(settings, server=server)

    async def connect(self) -> None:
        self._check()

    async def close(self) -> None:
        self._closed = True

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        results: list[BrokerUnavailable | None] = []
        failed: set[str] = set()
        for message in messages:
            if message.key and message.key in failed:
                results.append(BrokerUnavailable("an earlier message of the key failed", reason="ORDER_HELD"))
                continue
            try:
                await self._append(message)
            except BrokerUnavailable as unavailable:
                failed.add(message.key)
                results.append(unavailable)
            else:
                results.append(None)
        return results

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> MemorySubscription:
        self._check()
        return MemorySubscription(self.server, group, self.server.join(group, addresses))

    async def dead_letters(self, *, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        return self.server.dead_letters(group, limit)

    async def groups(self) -> Sequence[str]:
        self._check()
        return self.server.groups()

    async def lag(self, group: str) -> GroupLag:
        self._check()
        return self.server.lag(group)

    async def redrive(self, *, group: str, message_ids: Collection[str] = (), limit: int = 100) -> int:
        self._check()
        return self.server.redrive(group, frozenset(message_ids), limit)

    async def health(self) -> None:
        self._check()

    async def _append(self, message: Message) -> None:
        """Keeps the message; waits for room as long as the settings say."""
        self._check()
        if self.server.append(message):
            return
        with self.server.changes() as changed:
            try:
                async with asyncio.timeout(self._settings.publish_timeout_s):
                    while not self.server.append(message):
                        await changed.wait()
                        changed.clear()
            except TimeoutError:
                raise BrokerUnavailable(
                    "the memory broker is full: a group has not ended the oldest message",
                    reason="BROKER_FULL",
                    fix="consume faster, or raise capacity",
                ) from None

    def _check(self) -> None:
        if self._closed:
            raise BrokerUnavailable("the broker was closed here")
        self.server.check()


def _server(settings: BrokerSettings) -> MemoryServer:
    return MemoryServer(capacity=settings.capacity, max_unacked=settings.max_unacked, ack_wait_s=settings.ack_wait_s)
