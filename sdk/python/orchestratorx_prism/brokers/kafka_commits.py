"""Commits: everything that is to be recorded while one commit is on its way goes into the next, all together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiokafka import TopicPartition

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.kafka_assignment import Assignment, Handed
from orchestratorx_prism.brokers.kafka_connection import unavailable

_log = logging.getLogger(__name__)

Offsets = dict[TopicPartition, tuple[int, str]]


@dataclass(slots=True)
class _Entry:
    assignment: Assignment
    partition: TopicPartition
    ending: Handed | None
    done: asyncio.Future[None]

    def still_ours(self) -> bool:
        return not self.assignment.lost and (self.ending is None or self.assignment.holds(self.ending))


class Commits:
    """One commit at a time. `commit` sends offsets and notes; it raises BrokerUnavailable if they may not be kept."""

    def __init__(self, commit: Callable[[Offsets], Awaitable[None]]) -> None:
        self._commit = commit
        self._waiting: list[_Entry] = []
        self._running: asyncio.Task[None] | None = None

    async def end(self, assignment: Assignment, handed: Handed) -> None:
        """Records that the message is handled, and ends it. Raises BrokerUnavailable: it is not ended then."""
        await self._enter(assignment, handed.place.partition, handed)

    async def record(self, assignment: Assignment, partitions: Iterable[TopicPartition]) -> None:
        """Records how often messages were handed out. Raises BrokerUnavailable."""
        entries = [self._enter(assignment, one, None) for one in set(partitions)]
        outcomes = await asyncio.gather(*entries, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def idle(self) -> None:
        """Returns when no commit is on its way."""
        while self._running is not None:
            await asyncio.wait([self._running])

    def _enter(self, assignment: Assignment, partition: TopicPartition, ending: Handed | None) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(assignment, partition, ending, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return done

    async def _run(self) -> None:
        try:
            while self._waiting:
                entries, self._waiting = self._waiting, []
                await self._round(entries)
        finally:
            self._running = None

    async def _round(self, entries: list[_Entry]) -> None:
        failure: BrokerUnavailable | None = None
        ours = [entry for entry in entries if entry.still_ours()]
        try:
            for assignment in {id(entry.assignment): entry.assignment for entry in ours}.values():
                ending: dict[TopicPartition, set[int]] = {}
                for entry in ours:
                    if entry.assignment is assignment:
                        offsets = ending.setdefault(entry.partition, set())
                        if entry.ending is not None:
                            offsets.add(entry.ending.place.offset)
                await self._commit(assignment.offsets(ending))
        except BrokerUnavailable as error:
            failure = error
        except Exception as error:
            _log.exception("kafka: a commit failed in a way that nobody foresaw")
            failure = unavailable(f"the commit failed: {type(error).__name__}")
        for entry in entries:
            self._settle(entry, failure if entry in ours else unavailable("the partition was given to another member"))

    def _settle(self, entry: _Entry, failure: BrokerUnavailable | None) -> None:
        if failure is None and entry.ending is not None:
            entry.assignment.end(entry.ending)
        if entry.done.done():
            return
        if failure is None:
            entry.done.set_result(None)
        else:
            entry.done.set_exception(failure)
