"""Names: addresses to topics and back, groups to their dead letters. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import RequestRejected

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""Source: Kafka docs, "Topic naming"; `org.apache.kafka.common.internals.Topic`."""
_SEPARATORS = re.compile(r"[:/]")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_DEAD_LETTERS = "dead_letters"


def topic_of(settings: BrokerSettings, address: str) -> str | None:
    """`<topic_prefix>.<address>`; a colon or a slash, which topics cannot have, becomes a dot. None if it is no topic.

    "stream:payment_gateway:events" is the topic "stream.payment_gateway.events".
    """
    return _topic(settings.topic_prefix, address)


@lru_cache(maxsize=1024)
def _topic(prefix: str, address: str) -> str | None:
    name = _SEPARATORS.sub(".", address)
    topic = f"{prefix}.{name}" if prefix and name else name
    return topic if _TOPIC.fullmatch(topic) and name not in (".", "..") else None


def address_of(settings: BrokerSettings, topic: str) -> str:
    """The topic without the prefix."""
    return topic.removeprefix(f"{settings.topic_prefix}.") if settings.topic_prefix else topic


def topics_of(settings: BrokerSettings, addresses: Sequence[str]) -> list[str]:
    """The topics of addresses without `*`.

    Raises:
        RequestRejected: An address that cannot be a topic.
    """
    found = []
    for address in addresses:
        stem = address.removesuffix("*")
        topic = topic_of(settings, address)
        if (topic is None and address != "*" and topic_of(settings, stem) is None) or "*" in stem:
            raise RequestRejected(
                "address: not a Kafka topic", fix='write "payments.events" or "payments.*": letters, digits, . _ and -'
            )
        if topic is not None:
            found.append(topic)
    return list(dict.fromkeys(found))


def pattern_of(settings: BrokerSettings, addresses: Sequence[str]) -> re.Pattern[str] | None:
    """What the topics look like if an address ends in `*`; None if all are named. Dead letters never match."""
    if not any(address.endswith("*") for address in addresses):
        return None
    alternatives = []
    prefix = f"{settings.topic_prefix}." if settings.topic_prefix else ""
    for address in addresses:
        stem = re.escape(prefix + _SEPARATORS.sub(".", address.removesuffix("*")))
        alternatives.append(stem + (".*" if address.endswith("*") else ""))
    return re.compile(rf"(?!{re.escape(dead_letter_topic(settings, ''))})(?!__)(?:{'|'.join(alternatives)})$")


def is_address(settings: BrokerSettings, topic: str) -> bool:
    """Whether messages are published there: it has the prefix, and is neither dead letters nor the server's own."""
    prefix = f"{settings.topic_prefix}." if settings.topic_prefix else ""
    return topic.startswith(prefix) and not topic.startswith((dead_letter_topic(settings, ""), "__"))


def dead_letter_topic(settings: BrokerSettings, group: str) -> str:
    """The group's own; characters that a topic cannot have become `_`, and the reader compares the whole name."""
    prefix = f"{settings.topic_prefix}." if settings.topic_prefix else ""
    return f"{prefix}{_DEAD_LETTERS}.{_UNSAFE.sub('_', group)}"
