"""What the memory broker keeps: the messages, and each group's place among them. No I/O; safe between threads.

Every message that matches a group waits in its key's lane. Only the head of a lane is handed out, to one consumer,
until it is ended; so order per key holds through redelivery and across all consumers of the group.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, GroupLag, Message


@dataclass(slots=True)
class Slot:
    """One message that one group has not ended."""

    position: int
    message: Message
    lane: str
    since_s: float
    """When it was published. Seconds of a monotonic clock."""
    attempt: int = 0
    lease: int = 0
    """Number of the lease it is handed out under; 0: not in hand."""


class Group:
    """One group's unfinished messages, by key. Times are seconds of a monotonic clock."""

    def __init__(self, addresses: Sequence[str], *, max_unacked: int, ack_wait_s: float) -> None:
        self.addresses = tuple(addresses)
        self._max_unacked = max_unacked
        self._ack_wait_s = ack_wait_s
        self._slots: dict[int, Slot] = {}
        self._lanes: dict[str, deque[int]] = {}
        self._ready: list[int] = []
        self._delayed: list[tuple[float, int]] = []
        self._leases: list[tuple[float, int, int]] = []
        self._in_hand = 0
        self._lease_numbers = itertools.count(1)

    def wants(self, address: str) -> bool:
        return any(address == a or (a.endswith("*") and address.startswith(a[:-1])) for a in self.addresses)

    @property
    def in_hand(self) -> int:
        """How many are handed out and neither ended nor given back."""
        return self._in_hand

    def add(self, position: int, message: Message, since_s: float = 0.0, *, attempt: int = 0) -> None:
        """`since_s`: when it was published, where `lag` is asked. `attempt`: how often it was handed out before."""
        # Without a key every message is alone in its lane. A NUL cannot begin a key that anybody means.
        lane = message.key or f"\0{position}"
        self._slots[position] = Slot(position, message, lane, since_s, attempt)
        waiting = self._lanes.setdefault(lane, deque())
        waiting.append(position)
        if len(waiting) == 1:
            heapq.heappush(self._ready, position)

    def take(self, limit: int, now: float) -> list[Slot]:
        """Hands out heads of lanes, oldest first, within the group's limit of unfinished deliveries."""
        self._expire(now)
        taken: list[Slot] = []
        while self._ready and len(taken) < limit and self._in_hand < self._max_unacked:
            slot = self._slots.get(heapq.heappop(self._ready))
            if slot is None or slot.lease:
                continue
            slot.attempt += 1
            slot.lease = next(self._lease_numbers)
            self._in_hand += 1
            heapq.heappush(self._leases, (now + self._ack_wait_s, slot.lease, slot.position))
            taken.append(slot)
        return taken

    def end(self, position: int) -> Slot | None:
        """Takes the message off its lane, whoever holds it now. None if it was ended before."""
        slot = self._slots.pop(position, None)
        if slot is None:
            return None
        self._in_hand -= slot.lease != 0
        lane = self._lanes[slot.lane]
        lane.popleft()
        if lane:
            heapq.heappush(self._ready, lane[0])
        else:
            del self._lanes[slot.lane]
        return slot

    def put_back(self, position: int, lease: int, not_before: float) -> None:
        """Makes the message the head of its lane again, if it is still held under this lease."""
        slot = self._slots.get(position)
        if slot is None or slot.lease != lease:
            return
        slot.lease = 0
        self._in_hand -= 1
        heapq.heappush(self._delayed, (not_before, position))

    def holds(self, position: int, lease: int) -> bool:
        """Whether the message is still out under this lease."""
        slot = self._slots.get(position)
        return slot is not None and slot.lease == lease

    def next_change(self) -> float | None:
        """When time alone makes a message ready again: a delay or a lease ends."""
        times = [heap[0][0] for heap in (self._delayed, self._leases) if heap]
        return min(times, default=None)

    def oldest(self) -> int | None:
        """Position of the oldest message that is not ended."""
        return next(iter(self._slots), None)

    def lag(self, name: str, now: float, dead_letters: int) -> GroupLag:
        """What is not ended; what was handed out once counts as unfinished until it is."""
        unfinished = sum(slot.attempt > 0 for slot in self._slots.values())
        oldest = min((slot.since_s for slot in self._slots.values()), default=None)
        age_s = None if oldest is None else now - oldest
        return GroupLag(name, len(self._slots) - unfinished, unfinished, age_s, dead_letters)

    def _expire(self, now: float) -> None:
        while self._leases and self._leases[0][0] <= now:
            _, lease, position = heapq.heappop(self._leases)
            self.put_back(position, lease, now)
        while self._delayed and self._delayed[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._delayed)[1])


class MemoryServer:
    """The messages of one memory broker. Several `MemoryBroker`s may share it, as clients share a server."""

    def __init__(self, *, capacity: int, max_unacked: int, ack_wait_s: float) -> None:
        self.lock = threading.RLock()
        self._capacity = capacity
        self._max_unacked = max_unacked
        self._ack_wait_s = ack_wait_s
        self._log: deque[tuple[int, Message, float]] = deque()
        self._positions = itertools.count(1)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._groups: dict[str, Group] = {}
        self._dead: list[DeadLetter] = []
        self._running = True
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def stop(self) -> None:
        """As when a server goes down, for tests: until `start` everything raises BrokerUnavailable. Nothing is lost."""
        with self.lock:
            self._running = False
            self._wake()

    def start(self) -> None:
        """Ends what `stop` began."""
        with self.lock:
            self._running = True
            self._wake()

    def check(self) -> None:
        """Raises BrokerUnavailable between `stop` and `start`."""
        if not self._running:
            raise BrokerUnavailable("the memory broker is stopped")

    def append(self, message: Message) -> bool:
        """Keeps the message, or drops it as a duplicate. False if there is no room: the oldest is still wanted."""
        with self.lock:
            self.check()
            known = (message.address, message.id)
            if known in self._known:
                return True
            if len(self._log) >= self._capacity and not self._make_room():
                return False
            self._known[known] = None
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
            position, now = next(self._positions), time.monotonic()
            self._log.append((position, message, now))
            for group in self._groups.values():
                if group.wants(message.address):
                    group.add(position, message, now)
            self._wake()
            return True

    def join(self, name: str, addresses: Sequence[str]) -> Group:
        """The group of this name; a new one begins with the oldest message kept."""
        with self.lock:
            self.check()
            group = self._groups.get(name)
            if group is None:
                group = Group(addresses, max_unacked=self._max_unacked, ack_wait_s=self._ack_wait_s)
                self._groups[name] = group
                for position, message, since_s in self._log:
                    if group.wants(message.address):
                        group.add(position, message, since_s)
            group.addresses = tuple(addresses)
            return group

    def end(self, group: Group, position: int) -> None:
        with self.lock:
            self.check()
            group.end(position)
            self._wake()

    def put_back(self, group: Group, position: int, lease: int, not_before: float) -> None:
        with self.lock:
            self.check()
            group.put_back(position, lease, not_before)
            self._wake()

    def park(self, name: str, group: Group, position: int, reason: str) -> None:
        """Moves a message to the dead letters, if it was not ended before."""
        with self.lock:
            self.check()
            if len(self._dead) >= self._capacity:
                raise BrokerUnavailable("the memory broker has no room for dead letters", reason="BROKER_FULL")
            slot = group.end(position)
            if slot is not None:
                self._dead.append(DeadLetter(slot.message, name, reason, slot.attempt))
            self._wake()

    def dead_letters(self, name: str, limit: int) -> list[DeadLetter]:
        with self.lock:
            self.check()
            return list(itertools.islice((dead for dead in self._dead if dead.group == name), limit))

    def groups(self) -> list[str]:
        with self.lock:
            self.check()
            return list(self._groups)

    def lag(self, name: str) -> GroupLag:
        with self.lock:
            self.check()
            dead = sum(one.group == name for one in self._dead)
            group = self._groups.get(name)
            return GroupLag(name, 0, 0, None, dead) if group is None else group.lag(name, time.monotonic(), dead)

    def redrive(self, name: str, message_ids: Collection[str], limit: int) -> int:
        """Moves dead letters back to the end of their keys' lanes; see `base.GroupQueries`."""
        with self.lock:
            self.check()
            wanted = [one for one in self._dead if one.group == name]
            wanted = [one for one in wanted if not message_ids or one.message.id in message_ids][:limit]
            for dead in wanted:
                # A group with a dead letter has joined.
                self._groups[name].add(next(self._positions), dead.message, time.monotonic())
            taken = {id(one) for one in wanted}
            self._dead = [one for one in self._dead if id(one) not in taken]
            self._wake()
            return len(wanted)

    @contextlib.contextmanager
    def changes(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something has changed; clear it before looking."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self.lock:
            self._waiting.add(waiter)
        try:
            yield waiter[1]
        finally:
            with self.lock:
                self._waiting.discard(waiter)

    def _make_room(self) -> bool:
        oldest = self._log[0][0]
        wanted = (group.oldest() for group in self._groups.values())
        if any(position is not None and position <= oldest for position in wanted):
            return False
        self._log.popleft()
        return True

    def _wake(self) -> None:
        for loop, event in self._waiting:
            # A loop that was closed under a waiter has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)
