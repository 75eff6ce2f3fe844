"""Messages as Kafka's records, and back. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from orchestratorx_prism.brokers.base import DeadLetter, Message
from orchestratorx_prism.brokers.kafka_topics import address_of, topic_of
from orchestratorx_prism.brokers.settings import BrokerSettings

ID_HEADER = "orchestratorx-id"
ADDRESS_HEADER = "orchestratorx-address"
"""Only where the topic does not say it: the address has characters that a topic cannot have."""
ROUTING_KEY_HEADER = "orchestratorx-routing-key"
GROUP_HEADER = "orchestratorx-group"
REASON_HEADER = "orchestratorx-reason"
ATTEMPT_HEADER = "orchestratorx-attempt"
ORIGIN_HEADER = "orchestratorx-origin"
"""Of a dead letter: "topic:partition:offset" of the message."""
KEY_HEADER = "orchestratorx-key"
"""Of a dead letter: the message's key. The record's own is `dead_letter_key`."""
ONLY_FOR_HEADER = "orchestratorx-only-for"
"""Of a redriven message: the one group that takes it."""
_OF_DEAD_LETTERS = {GROUP_HEADER, REASON_HEADER, ATTEMPT_HEADER, ORIGIN_HEADER, KEY_HEADER}
_OWN = {ID_HEADER, ADDRESS_HEADER, ROUTING_KEY_HEADER, ONLY_FOR_HEADER} | _OF_DEAD_LETTERS
_REASON_LENGTH = 1_000
_SEED, _FACTOR, _MASK = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF
_WORDS = struct.Struct("<I")

Headers = list[tuple[str, bytes]]


def partition_of(message: Message, count: int) -> int:
    """By the key, as the Java client does by default; without a key by the id, so that a repeat lands beside it."""
    return 0 if count == 1 else _hash_of(message.key or message.id) % count


@lru_cache(maxsize=4_096)
def _hash_of(key: str) -> int:
    """Messages of one key come together."""
    return murmur2(key.encode()) & 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Unsigned. aiokafka's own takes bytes one by one, and twice as long.

    Source: `org.apache.kafka.common.utils.Utils.murmur2`.
    """
    length = len(data)
    hashed = _SEED ^ length
    for (word,) in _WORDS.iter_unpack(data[: length & ~3]):
        mixed = word * _FACTOR & _MASK
        hashed = (hashed * _FACTOR & _MASK) ^ ((mixed ^ mixed >> 24) * _FACTOR & _MASK)
    if length & 3:
        hashed = (hashed ^ int.from_bytes(data[length & ~3 :], "little")) * _FACTOR & _MASK
    hashed = (hashed ^ hashed >> 13) * _FACTOR & _MASK
    return hashed ^ hashed >> 15


def key_of(message: Message) -> bytes | None:
    return message.key.encode() or None


def headers_of(settings: BrokerSettings, message: Message) -> Headers:
    headers = {**message.headers, ID_HEADER: message.id}
    if message.routing_key:
        headers[ROUTING_KEY_HEADER] = message.routing_key
    topic = topic_of(settings, message.address)
    if topic is None or address_of(settings, topic) != message.address:
        headers[ADDRESS_HEADER] = message.address
    return [(name, value.encode()) for name, value in headers.items()]


def message_of(settings: BrokerSettings, record: Any) -> Message:
    """Also of what others publish: without our headers its id is its place, "topic:partition:offset"."""
    headers = _texts(record.headers)
    return Message(
        id=headers.get(ID_HEADER) or f"{record.topic}:{record.partition}:{record.offset}",
        address=headers.get(ADDRESS_HEADER) or address_of(settings, record.topic),
        key=_text(record.key),
        body=record.value or b"",
        headers={name: value for name, value in headers.items() if name not in _OWN},
        routing_key=headers.get(ROUTING_KEY_HEADER, ""),
    )


def is_for(record: Any, group: str) -> bool:
    """False for a message that was redriven to another group."""
    return all(name != ONLY_FOR_HEADER or _text(value) == group for name, value in record.headers)


def dead_letter_headers(settings: BrokerSettings, dead: DeadLetter, *, origin: str) -> Headers:
    own = {
        ADDRESS_HEADER: dead.message.address,
        GROUP_HEADER: dead.group,
        REASON_HEADER: dead.reason[:_REASON_LENGTH],
        ATTEMPT_HEADER: str(dead.attempt),
        ORIGIN_HEADER: origin,
        KEY_HEADER: dead.message.key,
    }
    kept = [(name, value) for name, value in headers_of(settings, dead.message) if name not in own]
    return kept + [(name, value.encode()) for name, value in own.items()]


def dead_letter_key(group: str, origin: str, message_id: str) -> bytes:
    """One a parked message: with the group, for groups may share a topic; with the id, for a topic that was deleted and
    made again has the same places."""
    return json.dumps([group, origin, message_id]).encode()


def dead_letter_of(settings: BrokerSettings, record: Any) -> tuple[DeadLetter, str]:
    """The dead letter, and the origin of its message."""
    headers = _texts(record.headers)
    attempt = headers.get(ATTEMPT_HEADER, "")
    dead = DeadLetter(
        replace(message_of(settings, record), key=headers.get(KEY_HEADER, "")),
        headers.get(GROUP_HEADER, ""),
        headers.get(REASON_HEADER, ""),
        int(attempt) if attempt.isdecimal() else 0,
    )
    return dead, headers.get(ORIGIN_HEADER) or f"{record.topic}:{record.partition}:{record.offset}"


def _texts(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    return {name: _text(value) for name, value in headers}


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
