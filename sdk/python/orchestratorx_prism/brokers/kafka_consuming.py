"""Consuming from Kafka: one subscription is one member of the group.

Order per key holds over all consumers of the group: a key is in one partition, a partition with one member, and a
member hands out a message when the one before it of the same key is ended. A message that is given back waits here, in
memory, and holds back its own key alone; the partition is read on up to 4,096 messages past it, then stops until it is
ended. When the process dies the delay is forgotten, and the message comes again at once.

Attempts are counted in the group's offsets (see `kafka_offsets`) with every commit, so they survive restarts; a count
may be one short when the process is killed. Who reads nothing for `ack_wait_s` leaves the group until it reads again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, Message
from orchestratorx_prism.brokers.kafka_assignment import Assignment, Handed
from orchestratorx_prism.brokers.kafka_commits import Offsets
from orchestratorx_prism.brokers.kafka_connection import unavailable
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_membership import Membership
from orchestratorx_prism.brokers.kafka_topics import topics_of

_log = logging.getLogger(__name__)

PROBE_EVERY_S = 1.0
"""aiokafka's consumer waits out whatever goes wrong in silence: while nothing comes we ask the cluster ourselves."""
_READ_AHEAD = 64

Park = Callable[[DeadLetter, str], Awaitable[None]]
"""Keeps a dead letter; the text is its message's origin."""


class KafkaDelivery:
    """See `base.Delivery`. Once its partition was given to another member, each of the three raises."""

    def __init__(self, subscription: KafkaSubscription, assignment: Assignment, handed: Handed) -> None:
        self._subscription = subscription
        self.assignment = assignment
        self.handed = handed

    @property
    def message(self) -> Message:
        return self.handed.slot.message

    @property
    def attempt(self) -> int:
        return self.handed.attempt

    async def ack(self) -> None:
        await self._subscription.end(self)

    async def nack(self, *, delay_s: float = 0.0) -> None:
        self._subscription.give_back(self, delay_s)

    async def dead_letter(self, reason: str) -> None:
        await self._subscription.park(self, reason)


class KafkaSubscription:
    """See `base.Subscription`."""

    def __init__(self, link: Link, addresses: Sequence[str], group: str, park: Park) -> None:
        self._link = link
        self._topics = topics_of(link.settings, addresses)
        self._member = Membership(link, addresses, group)
        self._park = park
        self.group = group
        self._closed = False
        self._probe_at = time.monotonic() + PROBE_EVERY_S

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def topics(self) -> Sequence[str]:
        """Those that are named in full."""
        return self._topics

    def places(self) -> Offsets:
        """Of the partitions that it has: where the group is, in this moment."""
        return self._member.places()

    async def open(self) -> None:
        """Begins to join. Raises BrokerUnavailable, SettingsRejected."""
        await self._member.open()

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[KafkaDelivery]:
        deadline, last = time.monotonic() + timeout_s, False
        with self._member.reading():
            while True:
                if self._closed:
                    raise unavailable("the subscription is closed")
                await self._member.open()
                self._member.changed.clear()
                deliveries = await self._take(limit)
                if deliveries:
                    self._probe_at = time.monotonic() + PROBE_EVERY_S
                if deliveries or last:
                    return deliveries
                now = time.monotonic()
                last = now >= deadline
                if now >= self._probe_at:
                    await self._probe()
                await self._member.read(max(limit, _READ_AHEAD), self._wait_s(now, deadline))

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._member.leave()

    async def end(self, delivery: KafkaDelivery) -> None:
        self._check(delivery)
        try:
            await self._member.commits.end(delivery.assignment, delivery.handed)
        except BrokerUnavailable:
            delivery.assignment.put_back(delivery.handed, time.monotonic())
            raise
        finally:
            self._member.wake()

    def give_back(self, delivery: KafkaDelivery, delay_s: float) -> None:
        self._check(delivery)
        delivery.assignment.put_back(delivery.handed, time.monotonic() + delay_s)
        self._member.wake()

    async def park(self, delivery: KafkaDelivery, reason: str) -> None:
        self._check(delivery)
        # In this order: a crash in between brings the message again, and of two copies one is listed.
        dead = DeadLetter(delivery.message, self.group, reason, delivery.attempt)
        await self._park(dead, delivery.handed.place.origin)
        await self.end(delivery)

    async def _take(self, limit: int) -> list[KafkaDelivery]:
        assignment = self._member.assignment
        if assignment is None or assignment.lost:
            return []
        taken = assignment.take(limit, time.monotonic())
        suspects = [handed.place.partition for handed in taken if handed.suspect]
        if suspects:
            try:
                await self._member.commits.record(assignment, suspects)
            except BaseException:
                for handed in taken:
                    assignment.untake(handed, time.monotonic())
                raise
        # They are lost if the partitions were taken away meanwhile.
        return [KafkaDelivery(self, assignment, handed) for handed in taken if assignment.holds(handed)]

    async def _probe(self) -> None:
        """Raises BrokerUnavailable if the cluster does not answer. Topics that were deleted are made again."""
        self._probe_at = time.monotonic() + PROBE_EVERY_S
        there = await self._link.topics(self._topics)
        gone = [topic for topic in self._topics if topic not in there]
        if gone:
            _log.error("kafka: somebody deleted %s; what was in it is gone. Making it again", ", ".join(gone))
            # What we know of offsets is of the old topic: joining anew asks for the group's.
            self._member.disown()
            await self._member.leave()

    def _wait_s(self, now: float, deadline: float) -> float:
        assignment = self._member.assignment
        next_change = assignment.next_change() if assignment is not None and not assignment.draining else None
        until = min(deadline, self._probe_at, deadline if next_change is None else next_change)
        return max(0.0, until - now)

    def _check(self, delivery: KafkaDelivery) -> None:
        if not delivery.assignment.holds(delivery.handed):
            # Where the topic was made anew: nobody works on the old message any more, so the key's next may go.
            delivery.assignment.put_back(delivery.handed, time.monotonic())
            self._member.wake()
            raise unavailable("the message was given to another member, or ended: its partition was dealt out anew")
