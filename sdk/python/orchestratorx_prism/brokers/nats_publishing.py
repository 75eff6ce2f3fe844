"""Publishing to JetStream: many messages in flight, one of each key, and every one acknowledged by the stream."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from nats.aio.msg import Msg

from orchestratorx_prism.brokers.base import BrokerUnavailable, Message
from orchestratorx_prism.brokers.nats_link import Link, unavailable
from orchestratorx_prism.brokers.nats_streams import subject_of
from orchestratorx_prism.brokers.settings import BrokerSettings

MAX_IN_FLIGHT = 512
"""Messages on the way at once. Bounds memory, and how long the loop is kept from other work: about 10 ms."""

ID_HEADER = "Nats-Msg-Id"
KEY_HEADER = "Orchestratorx-Key"
ROUTING_KEY_HEADER = "Orchestratorx-Routing-Key"
STREAM_HEADER = "Nats-Expected-Stream"
"""An acknowledgement of some other stream that takes the subject would not count."""
MESSAGE_ID_HEADER = "Orchestratorx-Message-Id"
"""The message's id, where the stream must not take it for a duplicate."""
ONLY_FOR_HEADER = "Orchestratorx-Only-For"
"""The one group that a redriven message is for; consumers of other groups drop it."""
OWN_HEADERS = {ID_HEADER, KEY_HEADER, ROUTING_KEY_HEADER, STREAM_HEADER, MESSAGE_ID_HEADER, ONLY_FOR_HEADER}

Outcome = BrokerUnavailable | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes over the wire."""

    subject: str
    body: bytes
    headers: Mapping[str, str]


class _Error(msgspec.Struct):
    description: str = ""
    code: int = 0


class _PubAck(msgspec.Struct):
    """Of which only the refusal matters. Source: NATS docs, "JetStream wire API": pub_ack_response."""

    stream: str = ""
    error: _Error | None = None


_pub_ack = msgspec.json.Decoder(_PubAck)


async def publish(link: Link, settings: BrokerSettings, messages: Sequence[Message]) -> list[Outcome]:
    """One outcome a message. The second message of a key goes out when the first is acknowledged, and not before:

    a stream's new leader may refuse the first and take the second. Messages of different keys travel together.
    """
    outcomes: list[Outcome] = [unavailable("not tried: the broker does not answer")] * len(messages)
    failed: set[str] = set()
    for wave in _waves(messages):
        ready = [i for i in wave if messages[i].key not in failed]
        for i in set(wave).difference(ready):
            outcomes[i] = unavailable("an earlier message of the key failed", reason="ORDER_HELD")
        for start in range(0, len(ready), MAX_IN_FLIGHT):
            part = ready[start : start + MAX_IN_FLIGHT]
            parcels = [_parcel(settings, messages[i]) for i in part]
            results = await send_all(link, parcels, settings.publish_timeout_s)
            for i, outcome in zip(part, results, strict=True):
                outcomes[i] = outcome
                if outcome is not None and messages[i].key:
                    failed.add(messages[i].key)
            if all(outcome is not None and outcome.reason == "BROKER_UNAVAILABLE" for outcome in results):
                return outcomes
    return outcomes


def headers_of(message: Message) -> dict[str, str]:
    """The message's own, and what NATS and our consumers need."""
    headers = {**message.headers, ID_HEADER: message.id}
    if message.key:
        headers[KEY_HEADER] = message.key
    if message.routing_key:
        headers[ROUTING_KEY_HEADER] = message.routing_key
    return headers


def _waves(messages: Sequence[Message]) -> list[list[int]]:
    """Indexes of the first message of every key, then of the second ones, and so on; without a key, of the first."""
    waves: list[list[int]] = []
    seen: Counter[str] = Counter()
    for index, message in enumerate(messages):
        number = seen[message.key] if message.key else 0
        seen[message.key] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(index)
    return waves


async def send_all(link: Link, parcels: Sequence[Parcel | BrokerUnavailable], timeout_s: float) -> list[Outcome]:
    """Sends all, then waits for all acknowledgements together. What is no parcel has failed already."""
    sent: list[asyncio.Future[Msg | None] | BrokerUnavailable] = []
    for parcel in parcels:
        try:
            if isinstance(parcel, BrokerUnavailable):
                raise parcel
            sent.append(await link.request(parcel.subject, parcel.body, parcel.headers))
        except BrokerUnavailable as refused:
            sent.append(refused)
    replies = [one for one in sent if not isinstance(one, BrokerUnavailable)]
    try:
        if replies:
            await asyncio.wait(replies, timeout=timeout_s)
    finally:
        for reply in replies:
            reply.cancel()
    return [one if isinstance(one, BrokerUnavailable) else _outcome(one) for one in sent]


def _parcel(settings: BrokerSettings, message: Message) -> Parcel | BrokerUnavailable:
    try:
        subject = subject_of(settings, message)
    except BrokerUnavailable as refused:
        return refused
    return Parcel(subject, message.body, headers_of(message) | {STREAM_HEADER: settings.stream})


def _outcome(reply: asyncio.Future[Msg | None]) -> Outcome:
    if reply.cancelled():
        return unavailable("the stream did not acknowledge in time")
    answer = reply.result()
    if answer is None:
        return unavailable("the connection broke before the acknowledgement")
    if not answer.data:
        return unavailable(
            "no stream takes this subject, or JetStream is off", reason="NO_STREAM", fix="see stream and subject_prefix"
        )
    try:
        ack = _pub_ack.decode(answer.data)
    except msgspec.DecodeError as error:
        return unavailable(f"the acknowledgement cannot be read: {type(error).__name__}")
    if ack.error is not None:
        return unavailable(f"refused by the stream: {ack.error.description} ({ack.error.code})")
    return None if ack.stream else unavailable("the answer is not an acknowledgement")
