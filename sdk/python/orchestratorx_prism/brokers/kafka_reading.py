"""Reading topics without a group: their bounds, and their records. Leaves no trace at the cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from orchestratorx_prism.brokers.kafka_connection import CLIENT_ERRORS, stopped, translated
from orchestratorx_prism.brokers.kafka_link import Link

_POLL_MS = 500
_AT_ONCE = 500
_FETCH_BYTES = 64 * 1024
"""Of a partition, at a time; a larger batch of records comes alone. Who looks for one record fetches not much more."""
_WAIT_MS = 10
"""How long a server holds a fetch back that finds nothing: what is read here is there already."""


class Reader:
    """Made by `reading`. Every wait for the cluster is bounded by `publish_timeout_s`."""

    def __init__(self, consumer: Any, timeout_s: float) -> None:
        self._consumer = consumer
        self._timeout_s = timeout_s

    async def bounds(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """Offset of the oldest record kept, and of the next to come."""
        if not partitions:
            return {}
        async with asyncio.timeout(self._timeout_s):
            begins = await self._consumer.beginning_offsets(list(partitions))
            ends = await self._consumer.end_offsets(list(partitions))
        return {one: (begins[one], ends[one]) for one in partitions}

    async def records(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[list[Any]]:
        """All records from `start` to before `end`, in order, some at a time."""
        if start >= end:
            return
        self._consumer.assign([partition])
        self._consumer.seek(partition, start)
        while True:
            async with asyncio.timeout(self._timeout_s):
                if await self._consumer.position(partition) >= end:
                    return
                found = await self._consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=_AT_ONCE)
            if records := [one for one in found.get(partition, ()) if one.offset < end]:
                yield records

    async def first(
        self, spans: Mapping[TopicPartition, tuple[int, int]], wanted: Callable[[Any], bool]
    ) -> dict[TopicPartition, Any]:
        """The first record that is wanted of each span of offsets, where there is one."""
        found: dict[TopicPartition, Any] = {}
        waiting = {one for one, (start, end) in spans.items() if start < end}
        if not waiting:
            return found
        self._consumer.assign(list(waiting))
        for one in waiting:
            self._consumer.seek(one, spans[one][0])
        while waiting:
            async with asyncio.timeout(self._timeout_s):
                batches = await self._consumer.getmany(*waiting, timeout_ms=_POLL_MS)
                for partition, records in batches.items():
                    inside = (one for one in records if one.offset < spans[partition][1] and wanted(one))
                    first = next(inside, None)
                    if first is not None:
                        found[partition] = first
                waiting -= found.keys()
                waiting = {one for one in waiting if await self._consumer.position(one) < spans[one][1]}
        return found


@contextlib.asynccontextmanager
async def reading(link: Link) -> AsyncIterator[Reader]:
    """A connection of its own.

    Raises:
        BrokerUnavailable: The cluster does not answer, then or later.
    """
    timeout_s = link.settings.publish_timeout_s
    consumer = AIOKafkaConsumer(
        **link.options,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_WAIT_MS,
        isolation_level="read_committed",
    )
    try:
        async with asyncio.timeout(timeout_s):
            await consumer.start()
        yield Reader(consumer, timeout_s)
    except CLIENT_ERRORS as error:
        raise translated(error) from error
    finally:
        await stopped(consumer, timeout_s)
