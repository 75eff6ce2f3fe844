"""Publishing to Redis Streams: many messages in one script, in order, each answered for itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec

from orchestratorx_prism.brokers.base import BrokerUnavailable, Message
from orchestratorx_prism.brokers.redis_link import Argument, Link, unavailable
from orchestratorx_prism.brokers.redis_scripts import GROUPS, PUBLISH, STREAMS, ids_key
from orchestratorx_prism.brokers.settings import BrokerSettings

MAX_MESSAGES = 200
"""In one script. Bounds how long the server does nothing else: about 2 ms."""
MAX_BYTES = 1_000_000
MAX_IDS = 100_000
"""Event ids that a stream remembers, however long the duplicate window is."""
_LOOK_FOR_ROOM_EVERY_S = 0.05
_OWN_KEYS = "orchestratorx:"

Outcome = BrokerUnavailable | None


async def publish(link: Link, settings: BrokerSettings, messages: Sequence[Message]) -> list[Outcome]:
    """One outcome a message. What finds no room is tried again until the time to publish is up."""
    outcomes: list[Outcome] = [unavailable("not tried: the broker does not answer")] * len(messages)
    failed: set[str] = set()
    room_until = time.monotonic() + settings.publish_timeout_s
    for chunk in _chunks(messages):
        waiting = [i for i in chunk if messages[i].key not in failed]
        for i in set(chunk).difference(waiting):
            outcomes[i] = _held()
        while waiting:
            try:
                replies = await _send(link, settings, [messages[i] for i in waiting])
            except BrokerUnavailable as away:
                for i in waiting:
                    outcomes[i] = away
                if away.reason == "BROKER_UNAVAILABLE":
                    return outcomes
                replies = [away] * len(waiting)
            for i, outcome in zip(waiting, replies, strict=True):
                outcomes[i] = outcome
            waiting = _still_waiting(messages, waiting, outcomes)
            if not any(_is_full(outcomes[i]) for i in waiting) or time.monotonic() >= room_until:
                break
            await asyncio.sleep(_LOOK_FOR_ROOM_EVERY_S)
        failed.update(messages[i].key for i in chunk if outcomes[i] is not None and messages[i].key)
    return outcomes


def headers_text(message: Message) -> bytes:
    return msgspec.json.encode(dict(message.headers)) if message.headers else b""


async def _send(link: Link, settings: BrokerSettings, messages: Sequence[Message]) -> list[Outcome]:
    stream = messages[0].address
    if not stream or stream.startswith(_OWN_KEYS) or stream.endswith("*"):
        refused = unavailable("the address cannot be a stream", reason="MESSAGE_REFUSED")
        return [refused] * len(messages)
    arguments: list[Argument] = [settings.stream_maxlen, int(settings.duplicate_window_s * 1000), MAX_IDS]
    for message in messages:
        arguments += (message.id, message.key, message.routing_key, headers_text(message), message.body)
    try:
        replies = await link.run_durably(PUBLISH, [STREAMS, GROUPS, stream, ids_key(stream)], arguments)
    except BrokerUnavailable as away:
        if "WRONGTYPE" not in away.message:
            raise
        foreign = unavailable("a key of the address is there and is no stream", reason="NO_STREAM", fix="rename either")
        return [foreign] * len(messages)
    return [_outcome(reply.decode(errors="replace"), settings) for reply in replies]


def _outcome(reply: str, settings: BrokerSettings) -> Outcome:
    verdict, _, rest = reply.partition(" ")
    if verdict == "ok":
        return None
    if verdict == "held":
        return _held()
    if verdict == "full":
        return unavailable(
            f"the stream holds {settings.stream_maxlen} messages (stream_maxlen), and group {rest} wants the oldest",
            reason="BROKER_FULL",
            fix="consume faster, raise stream_maxlen, or remove a group that nobody needs with XGROUP DESTROY",
        )
    return unavailable(reply)


def _held() -> BrokerUnavailable:
    return unavailable("an earlier message of the key failed", reason="ORDER_HELD")


def _is_full(outcome: Outcome) -> bool:
    return outcome is not None and outcome.reason == "BROKER_FULL"


def _still_waiting(messages: Sequence[Message], tried: Sequence[int], outcomes: Sequence[Outcome]) -> list[int]:
    """Those that a moment later may find room: not those behind one that failed for another reason."""
    left: list[int] = []
    lost: set[str] = set()
    for index in tried:
        outcome, key = outcomes[index], messages[index].key
        if outcome is None or key in lost:
            continue
        if outcome.reason in {"BROKER_FULL", "ORDER_HELD"}:
            left.append(index)
        elif key:
            lost.add(key)
    return left


def _chunks(messages: Sequence[Message]) -> Iterator[list[int]]:
    """Indexes of neighbours that go to one stream, few and small enough for one script."""
    chunk: list[int] = []
    size = 0
    for index, message in enumerate(messages):
        same = bool(chunk) and messages[chunk[0]].address == message.address
        if chunk and (not same or len(chunk) >= MAX_MESSAGES or size + len(message.body) > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(index)
        size += len(message.body)
    if chunk:
        yield chunk
