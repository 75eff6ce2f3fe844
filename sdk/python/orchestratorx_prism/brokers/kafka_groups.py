"""What Kafka says about its groups: who there is, and how far each is behind.

A group's place is what it has committed: an offset a partition, and the note beside it (see `kafka_offsets`). What was
handed out since the last commit is known only where it was handed out. Kafka counts offsets, not messages: markers of
transactions count as waiting until something behind them is handled, and so do messages redriven to other groups until
they are read.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest

from orchestratorx_prism.brokers.kafka_connection import translated, unavailable
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_messages import is_for
from orchestratorx_prism.brokers.kafka_offsets import Backlog, backlog
from orchestratorx_prism.brokers.kafka_reading import Reader
from orchestratorx_prism.brokers.kafka_topics import is_address

Places = Mapping[TopicPartition, tuple[int, str]]
"""Offset and note, as committed or about to be."""
_KINDS = ("consumer", "")
"""Types of groups that consume; without members and with offsets a group may have none."""


async def groups(link: Link) -> list[str]:
    """Groups, whosever, that have a place in a topic of this broker's prefix. Raises BrokerUnavailable."""
    found: set[str] = set()
    for node_id in await link.nodes():
        answer = await link.ask(ListGroupsRequest(), node_id=node_id)
        if answer.error_code:
            raise translated(for_code(answer.error_code)())
        found |= {name for name, kind in answer.groups if kind in _KINDS}
    return [name for name in sorted(found) if await committed(link, name)]


async def committed(link: Link, group: str) -> dict[TopicPartition, tuple[int, str]]:
    """The group's places in topics of this broker's prefix. Raises BrokerUnavailable."""
    places = await link.committed(group, None)
    return {one: place for one, place in places.items() if is_address(link.settings, one.topic)}


async def backlogs(
    link: Link, reader: Reader, group: str, *, topics: Collection[str], local: Places
) -> dict[TopicPartition, Backlog]:
    """What the group has not ended of each partition.

    Args:
        topics: What members in this process read, who may still be joining.
        local: Their places, which are newer than what is committed.

    Raises:
        BrokerUnavailable: The cluster does not answer.
    """
    places = await committed(link, group) | dict(local)
    # A group that reads something else than it used to has old places that nobody waits for.
    names = {*topics, *await _read_by_members(link, group)} or {one.topic for one in places}
    counts = await link.topics(names) if names else {}
    partitions = [TopicPartition(topic, n) for topic, count in counts.items() for n in range(count)]
    bounds = await reader.bounds(partitions)
    from_the_end = link.settings.auto_offset_reset == "latest"
    return {one: backlog(*bounds[one], places.get(one), from_the_end=from_the_end) for one in partitions}


async def oldest_age_s(reader: Reader, group: str, found: Mapping[TopicPartition, Backlog]) -> float | None:
    """By the time of publishing of the first message in each backlog. Seconds; None if there is none."""
    spans = {one: (left.begin, left.end) for one, left in found.items() if left.waiting or left.unfinished}
    first = await reader.first(spans, lambda record: is_for(record, group))
    oldest_ms = min((record.timestamp for record in first.values()), default=None)
    return None if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)


async def _read_by_members(link: Link, group: str) -> set[str]:
    """Topics of this broker's prefix that the group's members name; none while they come and go."""
    request = DescribeGroupsRequest([group])
    answer = await link.ask_coordinator(group, request, lambda answer: [code for code, *_ in answer.groups])
    found: set[str] = set()
    for _, _, _, _, _, members, *_ in answer.groups:
        for member in members:
            found.update(_subscription(member[3]))
    return {topic for topic in found if is_address(link.settings, topic)}


def _subscription(metadata: Any) -> list[str]:
    """Topics that a member has told the server; none while the group is being dealt out anew."""
    if not metadata:
        return []
    try:
        topics: list[str] = ConsumerProtocolMemberMetadata.decode(metadata).subscription
    except (ValueError, struct.error) as error:
        raise unavailable("a member of the group is of a kind that is not known here") from error
    return topics
