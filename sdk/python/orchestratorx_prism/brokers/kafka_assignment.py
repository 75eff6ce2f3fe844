"""The partitions one member has between two rebalances, and what it has read of them. Pure.

Times are seconds of a monotonic clock. Order per key, delays and leases are those of the memory broker; positions are
numbered over all partitions.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.brokers.kafka_offsets import PartitionLog
from orchestratorx_prism.brokers.memory_server import Group, Slot


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is, and whose state it belongs to."""

    partition: TopicPartition
    log: PartitionLog
    offset: int

    @property
    def origin(self) -> str:
        return f"{self.partition.topic}:{self.partition.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Handed:
    """A message handed out."""

    place: Place
    slot: Slot
    lease: int
    attempt: int
    suspect: bool
    """Its hand-out is to be recorded before it is made."""


class Assignment:
    """`load` comes first. It ends with `lost`: what was handed out then belongs to others."""

    def __init__(self, partitions: Collection[TopicPartition], *, max_unacked: int, ack_wait_s: float) -> None:
        self.partitions = frozenset(partitions)
        self.loaded = False
        self.draining = False
        """Nothing is handed out any more; what is out may still be ended."""
        self.lost = False
        self.void = False
        """A topic of it was deleted: nothing of it may be committed, lest it is taken for another topic of the name."""
        self._max_unacked = max_unacked
        self._logs: dict[TopicPartition, PartitionLog] = {}
        self._group = Group((), max_unacked=max_unacked, ack_wait_s=ack_wait_s)
        self._places: dict[int, Place] = {}
        self._positions = itertools.count(1)

    def load(self, committed: Mapping[TopicPartition, tuple[int, str]]) -> None:
        """What the group has committed, of those partitions where it has."""
        for one in self.partitions:
            offset, note = committed.get(one, (None, ""))
            self._logs[one] = PartitionLog(offset, note, suspects=self._max_unacked)
        self.loaded = True

    def wanted(self) -> list[TopicPartition]:
        """Partitions to read more of."""
        if not self.loaded or self.draining or self._group.in_hand >= self._max_unacked:
            return []
        return [one for one, log in self._logs.items() if log.has_room]

    def add(self, partition: TopicPartition, offset: int, message: Message) -> None:
        log = self._log_at(partition, offset)
        attempts = log.add(offset)
        if attempts is not None:
            position = next(self._positions)
            self._places[position] = Place(partition, log, offset)
            self._group.add(position, message, attempt=attempts)

    def skip(self, partition: TopicPartition, offset: int) -> None:
        """The message is not for this group."""
        log = self._log_at(partition, offset)
        log.add(offset)
        log.finish(offset)

    def _log_at(self, partition: TopicPartition, offset: int) -> PartitionLog:
        log = self._logs[partition]
        if log.position is not None and offset < log.position:
            # The topic was deleted and made again: its offsets begin anew, and what we have of it is no more.
            log = self._logs[partition] = PartitionLog(None, suspects=self._max_unacked)
        return log

    def take(self, limit: int, now: float) -> list[Handed]:
        """Hands out the oldest message of every key that has none out, within the limit of unfinished ones."""
        if not self.loaded or self.draining:
            return []
        taken: list[Handed] = []
        while slots := self._group.take(limit - len(taken), now):
            for slot in slots:
                place = self._places[slot.position]
                if not self._is_current(place):
                    self._forget(slot.position)
                    continue
                place.log.count(place.offset, slot.attempt)
                suspect = place.log.suspects > 0
                place.log.suspects -= suspect
                taken.append(Handed(place, slot, slot.lease, slot.attempt, suspect))
        return taken

    def untake(self, handed: Handed, now: float) -> None:
        """It was not delivered after all."""
        if self._group.holds(handed.slot.position, handed.lease):
            handed.slot.attempt -= 1
            handed.place.log.count(handed.place.offset, handed.slot.attempt)
            handed.place.log.suspects += handed.suspect
            self._group.put_back(handed.slot.position, handed.lease, now)

    def holds(self, handed: Handed) -> bool:
        """Whether the message is still this assignment's, in hand or not, and not ended."""
        return not self.lost and handed.slot.position in self._places and self._is_current(handed.place)

    def put_back(self, handed: Handed, not_before: float) -> None:
        self._group.put_back(handed.slot.position, handed.lease, not_before)

    def end(self, handed: Handed) -> None:
        """The message is handled, and that is committed."""
        if handed.slot.position in self._places:
            handed.place.log.finish(handed.place.offset)
            self._forget(handed.slot.position)

    def in_hand(self, now: float) -> int:
        """How many are handed out, not ended, and in their time."""
        self._group.take(0, now)
        return self._group.in_hand

    def next_change(self) -> float | None:
        """When time alone makes a message ready again."""
        return self._group.next_change()

    def offsets(self, ending: Mapping[TopicPartition, Collection[int]]) -> dict[TopicPartition, tuple[int, str]]:
        """Offset and note to commit of each of these partitions, with these offsets handled."""
        states = {one: self._logs[one].state(offsets) for one, offsets in ending.items()}
        return {one: state for one, state in states.items() if state is not None}

    def _is_current(self, place: Place) -> bool:
        return self._logs.get(place.partition) is place.log

    def _forget(self, position: int) -> None:
        del self._places[position]
        self._group.end(position)
