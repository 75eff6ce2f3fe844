"""A member of a consumer group: joins, reads, commits, and hands its partitions over when others come or go.

A rebalance takes all partitions from everybody and deals them out anew. Before this member agrees, it hands out
nothing more and waits, within a bound, for what is in hand to be ended; what is not ended by then is lost to it: ending
it later raises BrokerUnavailable, and it comes again to whoever has the partition.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, UnknownTopicOrPartitionError

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.kafka_assignment import Assignment
from orchestratorx_prism.brokers.kafka_commits import Commits, Offsets
from orchestratorx_prism.brokers.kafka_connection import CLIENT_ERRORS, stopped, translated, unavailable
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_messages import is_for, message_of
from orchestratorx_prism.brokers.kafka_topic_making import ensure_topics
from orchestratorx_prism.brokers.kafka_topics import pattern_of, topics_of

_log = logging.getLogger(__name__)

MOST_DRAIN_S = 10.0
"""Longest that a rebalance waits for what is in hand here: the whole group waits with it."""
_LEAST_SESSION_S, _MOST_SESSION_S = 6.0, 45.0
"""The server's least, and the Java client's default. Source: Kafka docs, "Broker configs", "Consumer configs"."""
_HEARTBEATS = 5
_SLACK_S = 10.0


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Joins at `open`, or again when it had left."""

    def __init__(self, link: Link, addresses: Sequence[str], group: str) -> None:
        self._link = link
        self._settings = link.settings
        self._topics = topics_of(link.settings, addresses)
        self._pattern = pattern_of(link.settings, addresses)
        self._group = group
        self._consumer: Any = None
        self.assignment: Assignment | None = None
        self.changed = asyncio.Event()
        """Set whenever something may have become ready, or was taken away."""
        self._eased = asyncio.Event()
        self.commits = Commits(self._commit)
        self._leaving = False
        self._turn = asyncio.Lock()
        self._reading = 0
        self._read_at = time.monotonic()
        self._watching: asyncio.Task[None] | None = None
        self._going: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Joins, if it has not. Raises BrokerUnavailable, SettingsRejected."""
        if self._consumer is None:
            async with self._turn:
                if self._consumer is None:
                    await self.make_topics()
                    self._leaving = False
                    self._read_at = time.monotonic()
                    self._consumer = await self._joined()
                    self._watching = asyncio.create_task(self._leave_when_nobody_reads())

    async def make_topics(self) -> None:
        settings = self._settings
        await ensure_topics(self._link, self._topics, partitions=settings.partitions, max_age_s=settings.max_age_s)

    def places(self) -> Offsets:
        """Where the group is in the partitions that this member has: as it would be committed now."""
        assignment = self.assignment
        if assignment is None or not assignment.loaded or assignment.lost:
            return {}
        return assignment.offsets(dict.fromkeys(assignment.partitions, ()))

    def wake(self) -> None:
        """A delivery was ended or given back."""
        self.changed.set()
        self._eased.set()

    def disown(self) -> None:
        """A topic was deleted: what is in hand is nobody's, and nothing of it is written down."""
        if self.assignment is not None:
            self.assignment.void = self.assignment.lost = True

    async def leave(self) -> None:
        """Others get the partitions at once, and the messages in hand again. It goes on if the caller is cancelled."""
        if self._going is None or self._going.done():
            self._going = asyncio.create_task(self._leave())
        await asyncio.shield(self._going)

    async def _leave(self) -> None:
        async with self._turn:
            self._leaving = True
            self.wake()
            consumer, self._consumer = self._consumer, None
            watching, self._watching = self._watching, None
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            if consumer is not None:
                await self._hand_over(consumer)
                await stopped(consumer, self._settings.publish_timeout_s)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """As long as somebody reads now and then, the member stays."""
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1
            self._read_at = time.monotonic()

    async def read(self, limit: int, wait_s: float) -> bool:
        """Reads more into the assignment; returns after that, or a change, or the time. Whether something came.

        Raises:
            BrokerUnavailable: Something is wrong; the next `open` joins anew.
        """
        assignment, consumer = self.assignment, self._consumer
        if consumer is None:
            return False
        if assignment is not None and not assignment.loaded:
            await self._load(assignment, consumer)
        wanted = assignment.wanted() if assignment is not None and not assignment.lost else []
        try:
            # aiokafka tells of a refused join only to those who have partitions to read.
            consumer._coordinator.check_errors()
            if not wanted:
                await _either(self.changed.wait(), timeout_s=wait_s)
                return False
            if await self._poll(consumer, wanted, limit, 0):
                return True
            return wait_s > 0 and await _either(
                self._poll(consumer, wanted, limit, wait_s), self.changed.wait(), timeout_s=wait_s
            )
        except CLIENT_ERRORS as error:
            if consumer is not self._consumer:
                return False
            await self.leave()
            raise translated(error) from error

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """aiokafka calls it before the partitions go; the member's heartbeats go on meanwhile."""
        await self._hand_over(self._consumer)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        settings = self._settings
        self.assignment = Assignment(assigned, max_unacked=settings.max_unacked, ack_wait_s=settings.ack_wait_s)
        self.changed.set()

    async def _joined(self) -> Any:
        settings = self._settings
        session_s = settings.session_timeout_s or min(max(settings.ack_wait_s, _LEAST_SESSION_S), _MOST_SESSION_S)
        rebalance_s = MOST_DRAIN_S + 2 * settings.publish_timeout_s + _SLACK_S
        options = self._link.options | {"request_timeout_ms": int((rebalance_s + _SLACK_S) * 1000)}
        consumer = AIOKafkaConsumer(
            **options,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset=settings.auto_offset_reset,
            session_timeout_ms=int(session_s * 1000),
            heartbeat_interval_ms=int(min(session_s / _HEARTBEATS, 1.0) * 1000),
            rebalance_timeout_ms=int(rebalance_s * 1000),
            # Who does not read is made to leave here, and sooner.
            max_poll_interval_ms=2**31 - 1,
            isolation_level="read_committed",
        )
        try:
            # Joining waits for others, who may have work in hand: it goes on in the background.
            async with asyncio.timeout(settings.publish_timeout_s):
                await consumer.start()
            _fail_where_the_topic_is_gone(consumer._coordinator)
            consumer.subscribe(
                topics=() if self._pattern else self._topics,
                pattern=self._pattern.pattern if self._pattern else None,
                listener=self,
            )
        except CLIENT_ERRORS as error:
            await stopped(consumer, settings.publish_timeout_s)
            raise unavailable(f"cannot join the group: {type(error).__name__}") from error
        except BaseException:
            await stopped(consumer, settings.publish_timeout_s)
            raise
        return consumer

    async def _load(self, assignment: Assignment, consumer: Any) -> None:
        partitions = assignment.partitions
        found = await self._link.committed(self._group, partitions) if partitions else {}
        await self._take_place(consumer, [one for one in partitions if one not in found])
        if assignment is not self.assignment or assignment.loaded:
            return
        assignment.load(found)
        for partition, (offset, _) in found.items():
            _seek(consumer, partition, offset)

    async def _take_place(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        """Commits where a new group begins: others see how far it is behind, and it begins nowhere else later."""
        if not partitions:
            return
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                begins = {one: (await consumer.position(one), "") for one in partitions}
            await self._send(consumer, begins)
        except (BrokerUnavailable, *CLIENT_ERRORS) as error:
            # The first acknowledgement does it, too.
            _log.info("kafka: the place of %s is not recorded yet: %s", self._group, type(error).__name__)

    async def _poll(self, consumer: Any, wanted: list[TopicPartition], limit: int, wait_s: float) -> bool:
        found = await consumer.getmany(*wanted, timeout_ms=int(wait_s * 1000), max_records=limit)
        # Nothing is awaited between the reading and this: what was read belongs to the assignment of now.
        assignment, passed = self.assignment, set[TopicPartition]()
        for partition, records in found.items():
            if assignment is None or not assignment.loaded or partition not in assignment.partitions:
                _seek(consumer, partition, records[0].offset)
                continue
            for record in records:
                if is_for(record, self._group):
                    assignment.add(partition, record.offset, message_of(self._settings, record))
                else:
                    assignment.skip(partition, record.offset)
                    passed.add(partition)
        if assignment is not None and passed:
            await self._pass(assignment, passed)
        return bool(found)

    async def _pass(self, assignment: Assignment, partitions: Collection[TopicPartition]) -> None:
        """Nobody acknowledges what was redriven to others: without a commit the group would seem to be behind."""
        try:
            await self.commits.record(assignment, partitions)
        except BrokerUnavailable as error:
            # The next acknowledgement does it, too.
            _log.info("kafka: the place of %s is not recorded yet: %s", self._group, error.message)

    async def _commit(self, offsets: Offsets) -> None:
        consumer = self._consumer
        if consumer is None:
            raise unavailable("the member has left the group")
        await self._send(consumer, offsets)

    async def _send(self, consumer: Any, offsets: Offsets) -> None:
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await consumer.commit({one: OffsetAndMetadata(*state) for one, state in offsets.items()})
        except CLIENT_ERRORS as error:
            raise translated(error) from error

    async def _hand_over(self, consumer: Any) -> None:
        assignment = self.assignment
        if assignment is None:
            return
        assignment.draining = True
        await self._drained(assignment)
        # From here on nothing more is ended, so that the last commit is the last word.
        assignment.lost = True
        await self.commits.idle()
        if assignment.loaded and not assignment.void and consumer is not None:
            try:
                await self._last_commit(consumer, assignment)
            except BrokerUnavailable as error:
                _log.info("kafka: attempts of %s are not recorded: %s", self._group, error.message)
        if self.assignment is assignment:
            self.assignment = None
        self.changed.set()

    async def _last_commit(self, consumer: Any, assignment: Assignment) -> None:
        """How often what is unfinished was handed out."""
        offsets = assignment.offsets(dict.fromkeys(assignment.partitions, ()))
        offsets = {one: state for one, state in offsets.items() if state[1]}
        if offsets:
            await self._send(consumer, offsets)

    async def _drained(self, assignment: Assignment) -> None:
        deadline = time.monotonic() + MOST_DRAIN_S
        while not self._leaving and assignment.in_hand(now := time.monotonic()) and now < deadline:
            self._eased.clear()
            lease_ends = assignment.next_change() or deadline
            await _either(self._eased.wait(), timeout_s=max(0.0, min(deadline, lease_ends) - now))

    async def _leave_when_nobody_reads(self) -> None:
        """Whoever reads nothing for `ack_wait_s` is as good as dead: its messages go to others."""
        while True:
            idle_s = 0.0 if self._reading else time.monotonic() - self._read_at
            if idle_s >= self._settings.ack_wait_s:
                break
            await asyncio.sleep(self._settings.ack_wait_s - idle_s)
        _log.info("kafka: nobody reads for the group %s here: leaving it until somebody does", self._group)
        await self.leave()


def _fail_where_the_topic_is_gone(coordinator: Any) -> None:
    """aiokafka would try such a commit again until there is another topic of the name, and skip messages of that one.

    It has no setting for that. A test notices if the name moves.
    """
    commit = coordinator._do_commit_offsets

    async def once(*arguments: Any) -> None:
        try:
            await commit(*arguments)
        except UnknownTopicOrPartitionError as gone:
            raise CommitFailedError("the topic was deleted") from gone

    coordinator._do_commit_offsets = once


def _seek(consumer: Any, partition: TopicPartition, offset: int) -> None:
    """Not where the partition is not ours any more: a rebalance that has begun tells so."""
    if partition in consumer.assignment():
        consumer.seek(partition, offset)


async def _either(*waits: Any, timeout_s: float) -> bool:
    """Waits for the first of them; the result of the first one, if it is the one that ended."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return bool(tasks[0].result()) if tasks[0].done() else False
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
