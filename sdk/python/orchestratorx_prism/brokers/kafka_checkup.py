"""What makes a Kafka lose messages. Source: Apache Kafka docs, "Broker configs", "Topic configs", "Replication"."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from orchestratorx_prism.brokers.checkup import Finding, Level
from orchestratorx_prism.brokers.kafka_connection import CLIENT_ERRORS, options_of, translated
from orchestratorx_prism.brokers.kafka_topics import dead_letter_topic
from orchestratorx_prism.brokers.settings import BrokerSettings

_SAFE_REPLICAS: Final = 3
_LEAST_MS: Final = 86_400_000
_OURS: Final = ("payments", "dead_letters", "stream")
"""How the topics begin that the built-in channels and the groups' dead letters are in, after the prefix."""


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """See `checkup.checkup`."""
    admin = AIOKafkaAdminClient(**options_of(settings), request_timeout_ms=int(settings.publish_timeout_s * 1000))
    try:
        async with asyncio.timeout(4 * settings.publish_timeout_s):
            await admin.start()
            try:
                return await _asked(admin, settings)
            finally:
                await admin.close()
    except CLIENT_ERRORS as error:
        raise translated(error) from error


async def _asked(admin: Any, settings: BrokerSettings) -> list[Finding]:
    prefix = f"{settings.topic_prefix}." if settings.topic_prefix else ""
    names = [name for name in await admin.list_topics() if name.startswith(tuple(prefix + word for word in _OURS))]
    found = _of_access(settings)
    if not names:
        found.append(
            Finding(
                "advice", "kafka: topics", "none is there yet", "nothing: they are made when something is published"
            )
        )
        return found
    copies = {
        topic["topic"]: min(len(partition["replicas"]) for partition in topic["partitions"])
        for topic in await admin.describe_topics(names)
    }
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    for answer in answers:
        for resource in answer.resources:
            name, entries = resource[3], resource[4]
            configs = {entry[0]: entry[1] for entry in entries}
            parked = name.startswith(dead_letter_topic(settings, ""))
            found += findings_of_topic(name, copies[name], configs, parked=parked)
    return found


def _of_access(settings: BrokerSettings) -> list[Finding]:
    where, found = f"kafka: {settings.address}", []
    options = options_of(settings)
    protocol = str(options.get("security_protocol", "PLAINTEXT"))
    if "SASL" not in protocol and not settings.tls_certificate_file:
        level: Level = "advice" if settings.is_local else "unsafe"
        found.append(Finding(level, where, "anybody who reaches it may publish", "ask for users: SASL in the listener"))
    if "SSL" not in protocol and not settings.is_local:
        found.append(Finding("advice", where, "connections are not encrypted", "kafka+ssl:// in the URL, SSL there"))
    return found


def findings_of_topic(name: str, replicas: int, configs: dict[str, str], *, parked: bool = False) -> list[Finding]:
    """What is wrong with a topic.

    Args:
        configs: As the cluster tells them, defaults included.
        parked: It has dead letters, whose keys are their own: what is redriven goes by compaction.
    """
    where = f"kafka: topic {name}"
    found = []

    def add(level: Level, what: str, fix: str) -> None:
        found.append(Finding(level, where, what, fix))

    policy = configs.get("cleanup.policy", "")
    if parked and "compact" not in policy:
        add("advice", "dead letters that were redriven stay on its disk", "cleanup.policy=compact")
    if not parked and "compact" in policy:
        add("unsafe", "it is compacted: earlier events of a payment are dropped", "cleanup.policy=delete")
    retention = int(configs.get("retention.ms", "-1"))
    if 0 <= retention < _LEAST_MS:
        add("unsafe", f"messages end after {retention / 1000:g} s, read or not", "retention.ms=604800000")
    if int(configs.get("retention.bytes", "-1")) >= 0:
        add("unsafe", "at retention.bytes the oldest are dropped, read or not", "retention.bytes=-1")
    if configs.get("unclean.leader.election.enable") == "true":
        add("unsafe", "a replica that lacks messages may lead", "unclean.leader.election.enable=false")
    in_sync = int(configs.get("min.insync.replicas", "1"))
    if replicas >= _SAFE_REPLICAS and in_sync < _SAFE_REPLICAS - 1:
        add("unsafe", f"acks=all is satisfied by {in_sync} replica in sync", "min.insync.replicas=2")
    if replicas < _SAFE_REPLICAS:
        add(
            "advice",
            f"it has {replicas} replica: the disk of one server is all there is",
            "run three servers, kafka-reassign-partitions to three replicas, min.insync.replicas=2",
        )
    return found
