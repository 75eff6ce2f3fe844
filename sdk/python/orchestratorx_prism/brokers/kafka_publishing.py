"""Publishing to Kafka: the messages of a call in batches, one at a time for each partition.

A batch is acknowledged by all replicas in sync. A partition's next one goes out when the one before is acknowledged: it
fails as a whole, and what comes behind it must not be stored ahead of it. Batches of different partitions go together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError, UnknownTopicOrPartitionError

from orchestratorx_prism.brokers.base import BrokerUnavailable, Message
from orchestratorx_prism.brokers.kafka_connection import CLIENT_ERRORS, translated, unavailable
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_messages import Headers, key_of, partition_of
from orchestratorx_prism.brokers.kafka_topic_making import ensure_topics
from orchestratorx_prism.brokers.settings import BrokerSettings

Outcome = BrokerUnavailable | None
_TOO_LARGE: tuple[type[BaseException], ...] = (MessageSizeTooLargeError, RecordListTooLargeError)


@dataclass(slots=True)
class Parcel:
    """What goes over the wire, and where to; None: the address cannot be a topic."""

    topic: str | None
    message: Message
    headers: Headers
    partition: int | None = None
    """None: the one of the message's key."""
    record_key: bytes | None = None
    """In place of the message's key."""
    deletes: bool = False
    """Without a value: where a topic is compacted, earlier records of the key go."""


@dataclass(slots=True)
class _Lane:
    """What is to go to one partition."""

    topic: str
    partition: int
    waiting: deque[tuple[int, Parcel]] = field(default_factory=deque)
    singly: bool = False
    """A batch was too large for the server, though no message in it need be."""


class Publisher:
    """Keeps what is known of topics between calls."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._known: set[str] = set()

    async def publish(
        self, parcels: Sequence[Parcel], *, partitions: int, max_age_s: float, compacted: bool = False
    ) -> list[Outcome]:
        """One outcome a parcel. A topic that is missing is made like this.

        Raises:
            BrokerUnavailable: Nothing was tried.
            SettingsRejected: A topic cannot be made like this.
        """
        call = _Call(len(parcels))
        for i, parcel in enumerate(parcels):
            if parcel.topic is None:
                call.failed(i, parcel, unavailable("the address cannot be a topic", reason="MESSAGE_REFUSED"))
        await self._ensure({one.topic for one in parcels if one.topic is not None}, partitions, max_age_s, compacted)
        lanes = await self._lanes(parcels)
        while lanes and not call.given_up:
            producer = await self._link.producer()
            errors = await asyncio.gather(*(call.send(producer, lane, self._link.settings) for lane in lanes))
            self._after(producer, lanes, errors)
            lanes = [lane for lane in lanes if lane.waiting]
        for lane in lanes:
            call.give_up(lane, unavailable("not tried: the broker does not answer"))
        return call.outcomes

    def _after(self, producer: Any, lanes: list[_Lane], errors: list[BaseException | None]) -> None:
        """Somebody may have deleted the topics that failed; and the producer has a gap in its sequence."""
        self._known -= {lane.topic for lane, error in zip(lanes, errors, strict=True) if error is not None}
        if any(errors):
            self._link.retire(producer, at_once=any(error and not isinstance(error, _TOO_LARGE) for error in errors))

    async def _ensure(self, topics: set[str], partitions: int, max_age_s: float, compacted: bool) -> None:
        missing = topics - self._known
        if missing:
            await ensure_topics(self._link, missing, partitions=partitions, max_age_s=max_age_s, compacted=compacted)
            self._known |= missing

    async def _lanes(self, parcels: Sequence[Parcel]) -> list[_Lane]:
        lanes: dict[tuple[str, int], _Lane] = {}
        counts: dict[str, int] = {}
        for i, parcel in enumerate(parcels):
            topic = parcel.topic
            if topic is None:
                continue
            if topic not in counts:
                counts[topic] = await self._partitions(topic)
            partition = partition_of(parcel.message, counts[topic]) if parcel.partition is None else parcel.partition
            lanes.setdefault((topic, partition), _Lane(topic, partition)).waiting.append((i, parcel))
        return list(lanes.values())

    async def _partitions(self, topic: str) -> int:
        producer = await self._link.producer()
        try:
            async with asyncio.timeout(self._link.settings.publish_timeout_s):
                return len(await producer.partitions_for(topic))
        except CLIENT_ERRORS as error:
            self._known.discard(topic)
            self._link.retire(producer, at_once=True)
            raise translated(error) from error


class _Call:
    """The outcomes of one call, as they become known."""

    def __init__(self, count: int) -> None:
        self.outcomes: list[Outcome] = [None] * count
        self.given_up = False
        """The broker does not answer: what is left is not tried, so that the call ends in time."""
        self._first_failures: dict[str, int] = {}

    async def send(self, producer: Any, lane: _Lane, settings: BrokerSettings) -> BaseException | None:
        """The lane's next batch, to the end. Returns why it failed."""
        batch = producer.create_batch()
        sent = self._fill(batch, lane)
        if not sent:
            return None
        error = await _send(producer, batch, lane, settings.publish_timeout_s)
        if error is None:
            return None
        if isinstance(error, _TOO_LARGE) and len(sent) > 1:
            lane.singly = True
            lane.waiting.extendleft(reversed(sent))
            return error
        failure = translated(error)
        for i, parcel in sent:
            self.failed(i, parcel, failure)
        if failure.reason != "MESSAGE_REFUSED":
            self.given_up = True
            self.give_up(lane, failure)
        return error

    def failed(self, i: int, parcel: Parcel, failure: BrokerUnavailable) -> None:
        self.outcomes[i] = failure
        if parcel.message.key:
            first = self._first_failures.setdefault(parcel.message.key, i)
            self._first_failures[parcel.message.key] = min(i, first)

    def give_up(self, lane: _Lane, failure: BrokerUnavailable) -> None:
        for i, parcel in lane.waiting:
            self.failed(i, parcel, failure)
        lane.waiting.clear()

    def _fill(self, batch: Any, lane: _Lane) -> list[tuple[int, Parcel]]:
        sent: list[tuple[int, Parcel]] = []
        while lane.waiting and not (lane.singly and sent):
            i, parcel = lane.waiting[0]
            message = parcel.message
            if i > self._first_failures.get(message.key, i):
                self.outcomes[i] = unavailable("an earlier message of the key failed", reason="ORDER_HELD")
            elif batch.append(
                timestamp=None,
                key=parcel.record_key or key_of(message),
                value=None if parcel.deletes else message.body,
                headers=parcel.headers,
            ):
                sent.append((i, parcel))
            else:
                break
            lane.waiting.popleft()
        return sent


async def _send(producer: Any, batch: Any, lane: _Lane, timeout_s: float) -> BaseException | None:
    """Returns when all replicas in sync have the batch, or why they do not."""
    batch.close()
    try:
        async with asyncio.timeout(timeout_s):
            await (await producer.send_batch(batch, lane.topic, partition=lane.partition))
    except CLIENT_ERRORS as error:
        return error
    except AssertionError:
        # aiokafka asserts that the topic has this partition: somebody made it anew, with less.
        gone: BaseException = UnknownTopicOrPartitionError()
        return gone
    return None
