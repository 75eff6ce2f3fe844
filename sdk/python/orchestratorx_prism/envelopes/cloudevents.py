"""CloudEvents 1.0: an event as any CloudEvents library reads it, and back.

Two modes. Structured JSON: the body is one JSON object, its `data` what `values.to_dict` gives. Protobuf: the body is
the serialized `Event`, the attributes are headers with `ce-` before them (Kafka wants `ce_`, AMQP `cloudEvents_`: their
brokers see to it).

| attribute | from the event |
|---|---|
| id, type | id; the plain type ("payment.captured"), because that is what consumers select by |
| source | /orchestratorx/{environment}/{merchant}/{connector} |
| subject | payment_id; absent where there is no payment |
| time | occurred_at |
| dataschema | urn:orchestratorx:event:{schema_version} |
| partitionkey | partition_key: messages that share it keep their order |
| sequence | sequence in ten digits, so that text order is number order; absent where there is no payment |
| traceparent | traceparent, where the event has one |

Source: CloudEvents 1.0.2, "Core", "JSON format", "HTTP protocol binding" 3.1.3.2 (header values), and the documented
extensions partitioning, sequence, distributed tracing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import msgspec
from google.protobuf.message import DecodeError

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.from_values import event_from_dict
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import time_text, to_struct

CONTENT_TYPE: Final = "content-type"
JSON_CONTENT: Final = "application/cloudevents+json; charset=utf-8"
PROTOBUF_CONTENT: Final = "application/protobuf"
SPEC_VERSION: Final = "1.0"

_ENVIRONMENTS: Final[dict[int, str]] = {
    number: name.removeprefix("ENVIRONMENT_").lower() for name, number in Environment.items()
}
_UNFIT_FOR_HEADER: Final = re.compile(r'[^\x21-\x7e]|["%]')
_FIT_FOR_HEADER: Final = "!#$&'()*+,/:;=?@[]\\^`{|}<>"
"""Beside letters, digits and _.-~, which are always fit."""

_encode_json = msgspec.json.Encoder().encode


class _Structured(msgspec.Struct):
    """Of which only the data is needed: it repeats every attribute."""

    specversion: str
    data: dict[str, Any]


_decode_structured = msgspec.json.Decoder(_Structured).decode


def attributes_of(event: Event) -> dict[str, str]:
    """The context attributes, by the names of the specification."""
    attributes = {
        "specversion": SPEC_VERSION,
        "id": event.id,
        "source": _source(event.environment, event.merchant_id, event.connector),
        "type": event.type,
        "dataschema": f"urn:orchestratorx:event:{event.schema_version}",
        "partitionkey": event.partition_key,
    }
    if event.HasField("occurred_at"):
        attributes["time"] = time_text(event.occurred_at)
    if event.payment_id:
        attributes["subject"] = event.payment_id
    if event.sequence:
        attributes["sequence"] = f"{event.sequence:010}"
    if event.traceparent:
        attributes["traceparent"] = event.traceparent
    if not event.partition_key:
        del attributes["partitionkey"]
    return attributes


def encode_json(event: Event) -> tuple[bytes, dict[str, str]]:
    """Structured mode. Body and headers; `ce-type` and `ce-id` are repeated there, to select by without parsing.

    Raises:
        PayloadRejected: A time in the event is outside the years 1 to 9999.
    """
    document: dict[str, object] = {**attributes_of(event), "datacontenttype": "application/json"}
    document["data"] = to_struct(event)
    headers = {CONTENT_TYPE: JSON_CONTENT, "ce-id": header_value(event.id), "ce-type": header_value(event.type)}
    return _encode_json(document), headers


def encode_protobuf(event: Event) -> tuple[bytes, dict[str, str]]:
    """Binary mode with protobuf data. Body and headers.

    Raises:
        PayloadRejected: The event's time is outside the years 1 to 9999.
    """
    headers = {f"ce-{name}": header_value(value) for name, value in attributes_of(event).items()}
    headers[CONTENT_TYPE] = PROTOBUF_CONTENT
    return event.SerializeToString(), headers


def decode(message: Message) -> Event:
    """The event in a message of either mode.

    Raises:
        PayloadRejected: The message is not one of ours, or is broken.
    """
    headers = {name.lower(): value for name, value in message.headers.items()}
    content_type = headers.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if content_type == "application/cloudevents+json":
        return _from_json(message.body)
    if content_type == PROTOBUF_CONTENT and "ce-specversion" in headers:
        return _from_protobuf(message.body, headers)
    raise PayloadRejected(
        "the message is no CloudEvent of an event",
        reason="ENVELOPE_UNKNOWN",
        fix="the channel's envelope is to be cloudevents+json or cloudevents+protobuf",
    )


def header_value(text: str) -> str:
    """As the HTTP binding has it: what is not printable ASCII, spaces, quotes and percent signs as %XX of UTF-8."""
    return quote(text, safe=_FIT_FOR_HEADER) if _UNFIT_FOR_HEADER.search(text) else text


def _from_json(body: bytes) -> Event:
    try:
        document = _decode_structured(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PayloadRejected("the CloudEvent is not readable JSON", reason="PAYLOAD_NOT_JSON") from error
    _check_version(document.specversion)
    return event_from_dict(document.data)


def _from_protobuf(body: bytes, headers: Mapping[str, str]) -> Event:
    _check_version(headers["ce-specversion"])
    try:
        return Event.FromString(body)
    except DecodeError as error:
        raise PayloadRejected("the data is no serialized Event", reason="PAYLOAD_FIELD_INVALID") from error


def _check_version(version: str) -> None:
    if version != SPEC_VERSION:
        raise PayloadRejected("the CloudEvents version is not 1.0", reason="ENVELOPE_UNKNOWN")


@lru_cache(maxsize=4_096)
def _source(environment_number: int, merchant_id: str, connector: str) -> str:
    environment = _ENVIRONMENTS.get(environment_number)
    if environment is None:
        raise PayloadRejected("the event's environment is not known", reason="PAYLOAD_FIELD_INVALID")
    return f"/orchestratorx/{environment}/{quote(merchant_id, safe='')}/{quote(connector, safe='')}"
