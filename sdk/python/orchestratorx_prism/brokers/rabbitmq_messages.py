"""Messages as AMQP has them: properties, headers, and copies in queues of ours."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from orchestratorx_prism.brokers.base import DeadLetter, Message
from orchestratorx_prism.brokers.rabbitmq_link import unavailable

_OWN = "orchestratorx-"
KEY = "orchestratorx-key"
ADDRESS = "orchestratorx-address"
"""On copies, which have lost the exchange that the original came through."""
ROUTING_KEY = "orchestratorx-routing-key"
GROUP = "orchestratorx-group"
REASON = "orchestratorx-reason"
ATTEMPT = "orchestratorx-attempt"
PARKED_AT = "orchestratorx-parked-at"
"""Nanoseconds since 1970."""
REDRIVEN = "orchestratorx-redriven"
"""On a dead letter that went back to its group: which one it was. Under its id alone it would be a repeat."""
PUBLISHED = "orchestratorx-published"
"""See `published_ns`."""
_OF_THE_SERVER = {"x-delivery-count", "x-acquired-count", "x-stream-offset", "x-death"}
_PERSISTENT = 2
_LONGEST_WORD = 255
"""Bytes of a message id, an exchange's name and a routing key, in AMQP."""
_REASON_LENGTH = 1_000


class _Clock:
    """Nanoseconds since 1970, each reading later than the one before."""

    def __init__(self) -> None:
        self._last_ns = 0

    def next_ns(self) -> int:
        self._last_ns = max(self._last_ns + 1, time.time_ns())
        return self._last_ns


_clock = _Clock()


def properties_of(message: Message, extra: Mapping[str, str | int] | None = None) -> Basic.Properties:
    """Persistent, with the event's id; later than everything before.

    Raises:
        BrokerUnavailable: AMQP cannot carry it; reason MESSAGE_REFUSED.
    """
    if any(len(word.encode()) > _LONGEST_WORD for word in (message.id, message.address, message.routing_key)):
        raise unavailable("id, address and routing key have at most 255 bytes", reason="MESSAGE_REFUSED")
    if not message.address or not message.id:
        raise unavailable("a message needs an id and an address", reason="MESSAGE_REFUSED")
    headers: dict[str, Any] = {**message.headers, PUBLISHED: _clock.next_ns(), **(extra or {})}
    if message.key:
        headers[KEY] = message.key
    return Basic.Properties(
        message_id=message.id,
        delivery_mode=_PERSISTENT,
        timestamp=datetime.fromtimestamp(int(time.time()), tz=UTC),
        headers=headers,
    )


def copied(received: DeliveredMessage) -> Basic.Properties:
    """Of a copy that a queue gets directly: it says where and when the original was published."""
    message = message_of(received)
    where = {ADDRESS: message.address, ROUTING_KEY: message.routing_key}
    return properties_of(message, {**where, PUBLISHED: published_ns(received)})


def parked(dead: DeadLetter) -> Basic.Properties:
    """Of a dead letter."""
    return properties_of(
        dead.message,
        {
            ADDRESS: dead.message.address,
            ROUTING_KEY: dead.message.routing_key,
            GROUP: dead.group,
            REASON: dead.reason[:_REASON_LENGTH],
            ATTEMPT: str(dead.attempt),
            PARKED_AT: str(time.time_ns()),
        },
    )


def redriven(received: DeliveredMessage) -> Basic.Properties:
    """Of a dead letter on its way back: the message as it was. A second redrive of the same one is told by its mark."""
    message = message_of(received)
    extra = {ADDRESS: message.address, ROUTING_KEY: message.routing_key, REDRIVEN: str(parked_at(received))}
    return properties_of(message, extra)


def redriven_as(received: DeliveredMessage) -> str:
    """Empty for a message that was never redriven."""
    return headers_of(received).get(REDRIVEN, "")


def published_at(received: DeliveredMessage) -> float | None:
    """Seconds since 1970, whole ones, by the publisher's clock; None if it did not say."""
    timestamp = received.header.properties.timestamp
    return timestamp.timestamp() if isinstance(timestamp, datetime) else None


def published_ns(received: DeliveredMessage) -> int:
    """By the publisher's clock, and of one publisher never the same twice; 0 if it did not say."""
    value = (received.header.properties.headers or {}).get(PUBLISHED)
    return value if isinstance(value, int) else 0


def key_of(received: DeliveredMessage) -> str:
    """Whose order is kept; empty if the publisher named none."""
    value = (received.header.properties.headers or {}).get(KEY, "")
    return value if isinstance(value, str) else _text(value)


def message_of(received: DeliveredMessage) -> Message:
    """Also of what others publish: it has no key. Without an id it gets one that is new at every delivery."""
    headers = headers_of(received)
    return Message(
        id=received.header.properties.message_id or f"rabbitmq:{uuid.uuid4()}",
        address=headers.get(ADDRESS, received.exchange or ""),
        key=headers.get(KEY, ""),
        body=received.body,
        headers={
            name: value for name, value in headers.items() if not name.startswith(_OWN) and name not in _OF_THE_SERVER
        },
        routing_key=headers.get(ROUTING_KEY, received.routing_key or ""),
    )


def dead_letter_of(received: DeliveredMessage) -> DeadLetter:
    headers = headers_of(received)
    attempt = headers.get(ATTEMPT, "")
    return DeadLetter(
        message_of(received), headers.get(GROUP, ""), headers.get(REASON, ""), int(attempt) if attempt.isdigit() else 0
    )


def parked_at(received: DeliveredMessage) -> int:
    text = headers_of(received).get(PARKED_AT, "")
    return int(text) if text.isdigit() else 0


def attempt_of(received: DeliveredMessage) -> int:
    """Quorum queues count deliveries that were not ended. Source: RabbitMQ docs, "Quorum Queues", poison messages."""
    headers: Mapping[str, Any] = received.header.properties.headers or {}
    counts = [headers.get(name) for name in ("x-delivery-count", "x-acquired-count")]
    return 1 + max((count for count in counts if isinstance(count, int)), default=0)


def headers_of(received: DeliveredMessage) -> dict[str, str]:
    """As text: other publishers may use AMQP's other types."""
    headers: Mapping[str, Any] = received.header.properties.headers or {}
    return {name: value if isinstance(value, str) else _text(value) for name, value in headers.items()}


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, (bytes, bytearray)) else str(value)
