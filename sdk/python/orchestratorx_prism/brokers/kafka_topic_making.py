"""Makes the topics that are missing, with settings that do not lose messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateTopicsRequest

from orchestratorx_prism.brokers.kafka_connection import translated, unavailable
from orchestratorx_prism.brokers.kafka_link import Link
from orchestratorx_prism.errors import SettingsRejected

_ALREADY_THERE = "TopicAlreadyExistsError"
_NOT_ALLOWED = ("ClusterAuthorizationFailedError", "TopicAuthorizationFailedError")
_SETTINGS_AT_FAULT = (
    "InvalidPartitionsError",
    "InvalidReplicationFactorError",
    "InvalidConfigurationError",
    "PolicyViolationError",
)


async def ensure_topics(
    link: Link, topics: Collection[str], *, partitions: int, max_age_s: float, compacted: bool = False
) -> dict[str, int]:
    """Returns how many partitions each topic has. One that is there stays as it is.

    Args:
        max_age_s: 0: kept for ever.
        compacted: Only the last record of a key is kept.

    Raises:
        BrokerUnavailable: The cluster does not answer, or the topic is missing and may not be made.
        SettingsRejected: The cluster cannot make a topic like this.
    """
    deadline = time.monotonic() + link.settings.publish_timeout_s
    there = await link.topics(topics) if topics else {}
    missing = [one for one in topics if one not in there]
    refusals = await _make(link, missing, partitions, max_age_s, compacted) if missing else {}
    # A topic that was made takes a moment until every server knows it.
    while len(there) < len(topics):
        there = await link.topics(topics)
        left = [one for one in topics if one not in there]
        if not left:
            break
        if left[0] in refusals or time.monotonic() >= deadline:
            why = refusals.get(left[0], "it was made, and is not there yet")
            raise unavailable(
                f"there is no topic {left[0]}: {why}", reason="NO_STREAM", fix="make it, or let this user make topics"
            )
        await asyncio.sleep(0.05)
    return there


async def _make(
    link: Link, topics: Collection[str], partitions: int, max_age_s: float, compacted: bool
) -> dict[str, str]:
    """Returns why those were not made that we are not allowed to make; they may be there all the same."""
    replicas = link.settings.replicas
    configs = [
        ("cleanup.policy", "compact" if compacted else "delete"),
        ("retention.ms", str(int(max_age_s * 1000)) if max_age_s > 0 else "-1"),
        # With three copies an acknowledgement means two of them; acks=all alone would be content with one.
        ("min.insync.replicas", "2" if replicas > 2 else "1"),
    ]
    wanted: list[Any] = [(topic, partitions, replicas, [], configs) for topic in topics]
    timeout_ms = int(link.settings.publish_timeout_s * 1000)
    answer = await link.ask(CreateTopicsRequest(wanted, timeout_ms, False))
    refusals: dict[str, str] = {}
    for topic, code, *_ in answer.topic_errors:
        error = for_code(code)
        if not code or error.__name__ == _ALREADY_THERE:
            continue
        if error.__name__ in _SETTINGS_AT_FAULT:
            raise SettingsRejected(
                f"kafka: the cluster cannot make the topic {topic}: {error.__name__}",
                fix=f"make it yourself, or change replicas ({replicas}) or partitions ({partitions})",
            )
        if error.__name__ not in _NOT_ALLOWED:
            raise translated(error())
        refusals[topic] = error.__name__
    return refusals
