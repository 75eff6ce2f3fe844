"""Messages as handlers get them: events of ours, events of your own, and the plain form of stream consumers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.envelopes import cloudevents
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.from_values import event_from_dict
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import DATA
from orchestratorx_prism.wrappers import PrismEvent

CLOUDEVENTS_CONTENT: Final = "application/cloudevents+json"
OUR_SCHEMA: Final = "urn:orchestratorx:event:"
_NAMES: Final = (("event_type", "payload"), ("eventType", "payload"), ("type", "data"))
"""Where type and content are, in the formats of the channels: `payment_requests`, `payments`, CloudEvents."""


class CustomEvent(PrismEvent):
    """An event that an application published: id, type and time as in every event, and `data` as it was given."""

    __slots__ = ("_data",)

    def __init__(self, message: Event, data: Mapping[str, Any]) -> None:
        super().__init__(message)
        self._data = MappingProxyType(dict(data))

    def __getitem__(self, name: str) -> Any:
        return self._data if name == DATA else super().__getitem__(name)

    def __iter__(self) -> Any:
        yield from (name for name in super().__iter__() if name != DATA)
        yield DATA

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CustomEvent):
            return self._message == other._message and self._data == other._data
        return super().__eq__(other)

    __hash__ = PrismEvent.__hash__

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**super().to_dict(), DATA: dict(self._data)}


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """What a stream consumer gets."""

    event_type: str
    """As published: "PaymentRequestUpdated", "payment.captured"."""
    payload: Mapping[str, Any] = field(repr=False)
    """The content, plain values."""
    id: str = ""
    """The message's id: the same each time that it is delivered."""
    key: str = ""
    """Its partition key."""
    attempt: int = 1
    """1 at first; one more for each time that the handler failed."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Envelope(msgspec.Struct):
    specversion: str
    id: str
    type: str
    source: str
    data: dict[str, Any] | None = None
    dataschema: str = ""
    time: str | None = None
    partitionkey: str = ""


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def read_event(message: Message) -> PrismEvent:
    """The event in a message of the `events` channel, or of `PaymentEventPublisher`, or any structured CloudEvent.

    Raises:
        PayloadRejected: It is neither, or broken.
    """
    if _content_type(message) != CLOUDEVENTS_CONTENT:
        return PrismEvent(cloudevents.decode(message))
    try:
        envelope = _decode_envelope(message.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PayloadRejected("the CloudEvent is not readable JSON", reason="PAYLOAD_NOT_JSON") from error
    if envelope.dataschema.startswith(OUR_SCHEMA):
        return PrismEvent(cloudevents.decode(message))
    if envelope.specversion != cloudevents.SPEC_VERSION or not envelope.id or not envelope.type:
        raise PayloadRejected("a CloudEvent 1.0 has specversion, id and type", reason="ENVELOPE_UNKNOWN")
    return _custom(envelope)


def _custom(envelope: _Envelope) -> CustomEvent:
    fields: dict[str, Any] = {"id": envelope.id, "type": envelope.type, "partition_key": envelope.partitionkey}
    if envelope.time is not None:
        fields["occurred_at"] = envelope.time
    return CustomEvent(event_from_dict(fields), envelope.data or {})


def type_of(message: Message) -> str:
    """The event's type if the headers tell it, so that what nobody wants need not be read. Empty: they do not."""
    return next((unquote(value) for name, value in message.headers.items() if name.lower() == "ce-type"), "")


def read_stream_event(message: Message, *, attempt: int = 1) -> StreamEvent:
    """The message as a stream consumer gets it, whichever channel it is from.

    Raises:
        PayloadRejected: No JSON object with a type and its content, and no CloudEvent.
    """
    kind, payload = _kind_and_payload(message)
    return StreamEvent(kind, payload, message.id, message.key, attempt, MappingProxyType(dict(message.headers)))


def _kind_and_payload(message: Message) -> tuple[str, dict[str, Any]]:
    if _content_type(message) == cloudevents.PROTOBUF_CONTENT:
        event = PrismEvent(cloudevents.decode(message))
        return event.message.type, event.to_dict()
    try:
        document = _decode_object(message.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PayloadRejected("the message is no JSON object", reason="PAYLOAD_NOT_JSON") from error
    for kind_name, payload_name in _NAMES:
        kind, payload = document.get(kind_name), document.get(payload_name)
        if isinstance(kind, str) and isinstance(payload, dict):
            return kind, payload
    raise PayloadRejected(
        "the message has no type with a content",
        reason="ENVELOPE_UNKNOWN",
        fix='a JSON object: {"event_type": "…", "payload": {…}}, or a CloudEvent',
    )


def _content_type(message: Message) -> str:
    for name, value in message.headers.items():
        if name.lower() == cloudevents.CONTENT_TYPE:
            return value.partition(";")[0].strip().lower()
    return ""
