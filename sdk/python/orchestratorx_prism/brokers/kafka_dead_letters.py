"""Dead letters in Kafka: a compacted topic a group, of which one partition is used; reason and attempt in the headers.

Kafka deletes no single record. A record's key there is the dead letter's own: group, place and id of its message; one
that was redriven gets a second record of its key without a value, which says that it is gone, and lets the server
forget both in its own time. Of two records with a value and the same key the last counts: the message was parked twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_messages import (
    ONLY_FOR_HEADER,
    dead_letter_headers,
    dead_letter_key,
    dead_letter_of,
    headers_of,
)
from orchestratorx_prism.brokers.kafka_publishing import Parcel, Publisher
from orchestratorx_prism.brokers.kafka_reading import Reader, reading
from orchestratorx_prism.brokers.kafka_topics import dead_letter_topic, topic_of

_PARTITION = 0


@dataclass(slots=True)
class _Index:
    """Which dead letters a group has. It is read on from where it ends, so that counting again costs little."""

    position: int = 0
    """Offset of the first record that it does not know."""
    live: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    """Key of the dead letter → offset of its record and id of its message, oldest first."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget(self) -> None:
        self.position, self.live = 0, {}

    def begin(self, first: int, end: int) -> None:
        """The topic has records from `first` to before `end`."""
        if end < self.position:  # somebody deleted the topic, and it was made anew
            self.forget()
        self.live = {key: entry for key, entry in self.live.items() if entry[0] >= first}
        self.position = max(self.position, first)

    def end(self, key: bytes) -> None:
        """The dead letter of this key is gone."""
        self.live.pop(key, None)

    def add(self, key: bytes, offset: int, message_id: str) -> None:
        self.end(key)
        self.live[key] = (offset, message_id)


class DeadLetters:
    """All methods raise BrokerUnavailable."""

    def __init__(self, link: Link, publisher: Publisher) -> None:
        self._link = link
        self._settings = link.settings
        self._publisher = publisher
        self._indexes: dict[str, _Index] = {}

    async def park(self, dead: DeadLetter, origin: str) -> None:
        """Keeps the message; returns when that is acknowledged. `origin`: "topic:partition:offset" of the message."""
        headers = dead_letter_headers(self._settings, dead, origin=origin)
        key = dead_letter_key(dead.group, origin, dead.message.id)
        topic = dead_letter_topic(self._settings, dead.group)
        await self._record([Parcel(topic, dead.message, headers, partition=_PARTITION, record_key=key)])

    async def listed(self, group: str, limit: int) -> list[DeadLetter]:
        """Oldest first."""
        async with reading(self._link) as reader, self._index(reader, group) as index:
            offsets = [offset for offset, _ in itertools.islice(index.live.values(), limit)]
            found: list[DeadLetter] = []
            async for records in self._picked(reader, group, offsets):
                found += [dead_letter_of(self._settings, one)[0] for one in records]
            return found

    async def count(self, reader: Reader, group: str) -> int:
        async with self._index(reader, group) as index:
            return len(index.live)

    async def redrive(self, group: str, message_ids: Collection[str], limit: int) -> int:
        """See `base.GroupQueries`. Published first, then taken off the list: a crash in between may bring one twice.

        Raises:
            BrokerUnavailable: Those that were acknowledged are redriven, the rest is where it was.
        """
        ids, done = frozenset(message_ids), 0
        async with reading(self._link) as reader, self._index(reader, group) as index:
            wanted = (offset for offset, message_id in index.live.values() if not ids or message_id in ids)
            async for records in self._picked(reader, group, list(itertools.islice(wanted, limit))):
                await self._hand_back(records)
                done += len(records)
        return done

    async def _hand_back(self, records: Sequence[Any]) -> None:
        settings = self._settings
        parcels, ends = [], []
        for record in records:
            dead, origin = dead_letter_of(settings, record)
            headers = [*headers_of(settings, dead.message), (ONLY_FOR_HEADER, dead.group.encode())]
            parcels.append(Parcel(topic_of(settings, dead.message.address), dead.message, headers))
            key = dead_letter_key(dead.group, origin, dead.message.id)
            ends.append(Parcel(record.topic, dead.message, [], partition=_PARTITION, record_key=key, deletes=True))
        outcomes = await self._publisher.publish(parcels, partitions=settings.partitions, max_age_s=settings.max_age_s)
        await self._record([end for end, outcome in zip(ends, outcomes, strict=True) if outcome is None])
        _raise_first(outcomes)

    async def _record(self, parcels: Sequence[Parcel]) -> None:
        _raise_first(await self._publisher.publish(parcels, partitions=1, max_age_s=0, compacted=True))

    @contextlib.asynccontextmanager
    async def _index(self, reader: Reader, group: str) -> AsyncIterator[_Index]:
        """Knows all of the group's topic. One at a time uses it."""
        partition = self._partition(group)
        index = self._indexes.setdefault(group, _Index())
        async with index.turn:
            if partition.topic not in await self._link.topics([partition.topic]):
                index.forget()
            else:
                first, end = (await reader.bounds([partition]))[partition]
                index.begin(first, end)
                async for records in reader.records(partition, index.position, end):
                    for record in records:
                        self._learn(index, group, record)
                index.position = end
            yield index

    def _learn(self, index: _Index, group: str, record: Any) -> None:
        if record.value is None:
            index.end(record.key or b"")
            return
        dead, origin = dead_letter_of(self._settings, record)
        if dead.group == group:
            index.add(dead_letter_key(group, origin, dead.message.id), record.offset, dead.message.id)

    async def _picked(self, reader: Reader, group: str, offsets: Sequence[int]) -> AsyncIterator[list[Any]]:
        """The records at these offsets, which are in order."""
        if not offsets:
            return
        wanted = frozenset(offsets)
        async for records in reader.records(self._partition(group), offsets[0], offsets[-1] + 1):
            if found := [one for one in records if one.offset in wanted]:
                yield found

    def _partition(self, group: str) -> TopicPartition:
        return TopicPartition(dead_letter_topic(self._settings, group), _PARTITION)


def _raise_first(outcomes: Sequence[BrokerUnavailable | None]) -> None:
    failure = next(filter(None, outcomes), None)
    if failure is not None:
        raise failure
