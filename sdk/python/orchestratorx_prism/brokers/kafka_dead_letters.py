"""Dead letters in Kafka: a topic a group, of one partition, kept for ever; reason and attempt in the headers."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from orchestratorx_prism.brokers.base import DeadLetter
from orchestratorx_prism.brokers.kafka_connection import CLIENT_ERRORS, stopped, translated
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_messages import dead_letter_headers, dead_letter_of
from orchestratorx_prism.brokers.kafka_publishing import Parcel, Publisher
from orchestratorx_prism.brokers.kafka_topics import dead_letter_topic

_POLL_MS = 500
_AT_ONCE = 500


async def park(link: Link, publisher: Publisher, dead: DeadLetter, origin: str) -> None:
    """Keeps the message; returns when that is acknowledged. Raises BrokerUnavailable if it is not."""
    headers = dead_letter_headers(link.settings, dead, origin=origin)
    parcel = Parcel(dead_letter_topic(link.settings, dead.group), dead.message, headers)
    (failure,) = await publisher.publish([parcel], partitions=1, max_age_s=0)
    if failure is not None:
        raise failure


async def dead_letters(link: Link, group: str, limit: int) -> list[DeadLetter]:
    """Oldest first; of one that was parked twice, the first. Raises BrokerUnavailable."""
    topic = dead_letter_topic(link.settings, group)
    if topic not in await link.topics([topic]):
        return []
    consumer = AIOKafkaConsumer(**link.options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        async with asyncio.timeout(link.settings.publish_timeout_s):
            await consumer.start()
        return await _read(link, consumer, TopicPartition(topic, 0), group, limit)
    except CLIENT_ERRORS as error:
        raise translated(error) from error
    finally:
        await stopped(consumer, link.settings.publish_timeout_s)


async def _read(link: Link, consumer: Any, partition: TopicPartition, group: str, limit: int) -> list[DeadLetter]:
    consumer.assign([partition])
    async with asyncio.timeout(link.settings.publish_timeout_s):
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
    found: dict[str, DeadLetter] = {}
    while len(found) < limit:
        async with asyncio.timeout(link.settings.publish_timeout_s):
            if await consumer.position(partition) >= end:
                break
            records = (await consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=_AT_ONCE)).get(partition, [])
        for record in records:
            dead, origin = dead_letter_of(link.settings, record)
            if dead.group == group:
                found.setdefault(origin, dead)
    return list(found.values())[:limit]
