"""Entries of a Redis stream as messages, and dead letters. Pure, but for reading the list of dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from orchestratorx_prism.brokers.base import DeadLetter, Message
from orchestratorx_prism.brokers.redis_link import Argument, Link
from orchestratorx_prism.brokers.redis_publishing import headers_text
from orchestratorx_prism.brokers.redis_scripts import dead_letters_key

_REASON_LENGTH = 1_000
_headers = msgspec.json.Decoder(dict[str, str])


def fields_of(flat: Sequence[bytes]) -> dict[str, bytes]:
    """Names and values one after the other, as Redis lists them."""
    return {flat[i].decode(errors="replace"): flat[i + 1] for i in range(0, len(flat), 2)}


def message_of(fields: Mapping[str, bytes], *, stream: str, entry: str) -> Message:
    """Also of what others add to the stream: it has no key, the entry as its id, and its fields as JSON for a body."""
    if not {"id", "body"} <= fields.keys():
        plain = {name: value.decode(errors="replace") for name, value in fields.items()}
        return Message(id=f"{stream}:{entry}", address=stream, key="", body=msgspec.json.encode(plain))
    return Message(
        id=fields["id"].decode(errors="replace"),
        address=stream,
        key=fields.get("key", b"").decode(errors="replace"),
        body=fields["body"],
        headers=_headers_of(fields.get("headers", b"")),
        routing_key=fields.get("routing_key", b"").decode(errors="replace"),
    )


def dead_letter_fields(dead: DeadLetter) -> list[Argument]:
    """What the stream of dead letters keeps of one."""
    message = dead.message
    return [
        *("id", message.id, "key", message.key, "routing_key", message.routing_key),
        *("headers", headers_text(message), "body", message.body, "address", message.address),
        *("reason", dead.reason[:_REASON_LENGTH], "attempt", dead.attempt),
    ]


async def dead_letters(link: Link, group: str, limit: int) -> list[DeadLetter]:
    """Oldest first. Raises BrokerUnavailable."""
    rows = await link.command("XRANGE", dead_letters_key(group), "-", "+", "COUNT", limit)
    found: list[DeadLetter] = []
    for entry, fields in rows:
        texts = {_text(name): value for name, value in fields.items()}
        message = message_of(texts, stream=_text(texts.get("address", b"")), entry=_text(entry))
        attempt = _text(texts.get("attempt", b""))
        reason = _text(texts.get("reason", b""))
        found.append(DeadLetter(message, group, reason, int(attempt) if attempt.isdigit() else 0))
    return found


def _headers_of(text: bytes) -> dict[str, str]:
    if not text:
        return {}
    try:
        return _headers.decode(text)
    except msgspec.DecodeError:
        # Of another publisher. The body is what counts.
        return {}


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
