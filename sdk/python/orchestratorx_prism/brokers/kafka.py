"""The Kafka broker, by aiokafka. Every publish waits for all replicas in sync; the producer is idempotent.

A message's topic is `<topic_prefix>.<address>`, its key decides the partition, as the Java client does; the routing key
travels as a header. Topics that are missing are made. Dead letters are in `<topic_prefix>.dead_letters.<group>`.

Kafka does not know ids: a publish that is repeated after its acknowledgement was lost is stored twice, with the same
id. Consumers drop the second by the id (the inbox does). What aiokafka itself repeats is stored once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from orchestratorx_prism.brokers import kafka_groups
from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, GroupLag, Message
from orchestratorx_prism.brokers.kafka_connection import unavailable
from orchestratorx_prism.brokers.kafka_consuming import KafkaSubscription
from orchestratorx_prism.brokers.kafka_dead_letters import DeadLetters
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.brokers.kafka_messages import headers_of
from orchestratorx_prism.brokers.kafka_publishing import Parcel, Publisher
from orchestratorx_prism.brokers.kafka_reading import reading
from orchestratorx_prism.brokers.kafka_topics import topic_of
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)


class KafkaBroker:
    """See `base.Broker`. A broken connection comes back by itself; a client of no more use is replaced."""

    name = "kafka"

    def __init__(self, settings: BrokerSettings) -> None:
        """Raises SettingsRejected if a certificate cannot be read."""
        self._settings = settings
        self._link = Link(settings)
        self._publisher = Publisher(self._link)
        self._parked = DeadLetters(self._link, self._publisher)
        self._subscriptions: list[KafkaSubscription] = []
        self._publishing = 0
        self._idle = asyncio.Event()
        self._closed = False

    async def connect(self) -> None:
        self._check_open()
        await self._link.topics(())
        await self._link.producer()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._wait_for_publishing()
        await asyncio.gather(*(subscription.close() for subscription in self._subscriptions))
        await self._link.close()

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        """See `base.Broker`. Raises SettingsRejected if the cluster cannot make a topic as the settings want it."""
        self._publishing += 1
        settings = self._settings
        try:
            self._check_open()
            parcels = [Parcel(topic_of(settings, one.address), one, headers_of(settings, one)) for one in messages]
            return await self._publisher.publish(parcels, partitions=settings.partitions, max_age_s=settings.max_age_s)
        except BrokerUnavailable as away:
            return [away] * len(messages)
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._idle.set()

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> KafkaSubscription:
        """See `base.Broker`. Raises RequestRejected for an address that cannot be a topic."""
        self._check_open()
        subscription = KafkaSubscription(self._link, addresses, group, self._park)
        await subscription.open()
        self._subscriptions = [one for one in self._subscriptions if not one.closed] + [subscription]
        return subscription

    async def dead_letters(self, *, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        self._check_open()
        return await self._parked.listed(group, limit)

    async def groups(self) -> Sequence[str]:
        """See `base.GroupQueries`. Every group of the cluster that reads topics of the prefix, those of others too."""
        self._check_open()
        joining = {one.group for one in self._subscriptions if not one.closed}
        return sorted({*await kafka_groups.groups(self._link), *joining})

    async def lag(self, group: str) -> GroupLag:
        self._check_open()
        mine = [one for one in self._subscriptions if one.group == group and not one.closed]
        topics = {topic for one in mine for topic in one.topics}
        async with reading(self._link) as reader:
            local = {partition: place for one in mine for partition, place in one.places().items()}
            found = await kafka_groups.backlogs(self._link, reader, group, topics=topics, local=local)
            age_s = await kafka_groups.oldest_age_s(reader, group, found)
            dead = await self._parked.count(reader, group)
        waiting = sum(left.waiting for left in found.values())
        return GroupLag(group, waiting, sum(left.unfinished for left in found.values()), age_s, dead)

    async def redrive(self, *, group: str, message_ids: Collection[str] = (), limit: int = 100) -> int:
        """See `base.GroupQueries`. Raises SettingsRejected as `publish` does."""
        self._check_open()
        return await self._parked.redrive(group, message_ids, limit)

    async def health(self) -> None:
        self._check_open()
        await self._link.topics(())

    def _check_open(self) -> None:
        if self._closed:
            raise unavailable("the broker was closed here")

    async def _park(self, dead: DeadLetter, origin: str) -> None:
        await self._parked.park(dead, origin)

    async def _wait_for_publishing(self) -> None:
        """What is being published gets its acknowledgements, or is told that there are none."""
        try:
            async with asyncio.timeout(2 * self._settings.publish_timeout_s):
                while self._publishing:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            _log.warning("kafka: closing with %d calls still publishing", self._publishing)
