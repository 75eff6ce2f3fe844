"""CloudEvents: read by the CloudEvents project's own library, and back to the same event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, from_structured_event
from cloudevents.core.formats.base import Format
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from orchestratorx_prism.brokers import Message
from orchestratorx_prism.envelopes import ENVELOPES, Envelope
from orchestratorx_prism.envelopes.cloudevents import decode, header_value
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import to_dict


def captured(**fields: object) -> Event:
    event = Event(
        id="0d9f1d8e-1111-5222-8333-444444444444",
        type="payment.captured",
        schema_version=1,
        connector="stripe",
        environment="ENVIRONMENT_SANDBOX",
        merchant_id="default",
        provider_event_type="payment_intent.succeeded",
        payment_id="pay_1",
        partition_key="pay_1",
        sequence=7,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    event.occurred_at.FromDatetime(datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC))
    event.published_at.FromNanoseconds(1_769_860_801_000_000_000)
    event.raw.sha256 = bytes(range(32))
    event.payment.amount.minor_units = 1099
    event.payment.amount.currency = "USD"
    for name, value in fields.items():
        setattr(event, name, value)
    return event


def unmapped() -> Event:
    event = Event(id="1", type="connector.unmapped", connector="mpesa", merchant_id="café / 1")
    event.unmapped.unmapped_reason = "unknown_type"
    event.unmapped.body = b"\x00\xff{}"
    return event


def published(envelope: Envelope, event: Event) -> Message:
    body, headers = envelope(event)
    return Message(id=event.id, address="a", key="k", body=body, headers=headers)


@pytest.fixture(params=sorted(ENVELOPES))
def envelope(request: pytest.FixtureRequest) -> Envelope:
    return ENVELOPES[request.param]


class _ProtobufFormat(Format):
    """The data of binary mode, left as it is: what is tested is the attributes."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:
        assert datacontenttype == "application/protobuf"
        return body

    def get_content_type(self) -> str:
        raise NotImplementedError

    def read(self, *args: object) -> object:
        raise NotImplementedError

    def write(self, *args: object) -> bytes:
        raise NotImplementedError

    def write_data(self, *args: object) -> bytes:
        raise NotImplementedError


def test_the_official_library_reads_structured_json() -> None:
    event = captured()
    message = published(ENVELOPES["cloudevents+json"], event)

    read = from_structured_event(HTTPMessage(dict(message.headers), message.body), JSONFormat())

    _has_the_attributes_of_captured(read)
    assert read.get_datacontenttype() == "application/json"
    assert read.get_data() == to_dict(event)
    assert read.get_data()["data"]["amount"] == {"minor_units": 1099, "currency": "USD"}
    assert read.get_data()["published_at"] == "2026-01-31T12:00:01Z"


def test_the_official_library_reads_binary_mode() -> None:
    event = captured()
    message = published(ENVELOPES["cloudevents+protobuf"], event)

    read = from_binary_event(HTTPMessage(dict(message.headers), message.body), _ProtobufFormat())

    _has_the_attributes_of_captured(read)
    assert Event.FromString(read.get_data()) == event


def _has_the_attributes_of_captured(read: object) -> None:
    attributes = dict(read.get_attributes())  # type: ignore[attr-defined]
    attributes.pop("datacontenttype")
    assert attributes == {
        "specversion": "1.0",
        "id": "0d9f1d8e-1111-5222-8333-444444444444",
        "source": "/orchestratorx/sandbox/default/stripe",
        "type": "payment.captured",
        "subject": "pay_1",
        "time": datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC),
        "dataschema": "urn:orchestratorx:event:1",
        "partitionkey": "pay_1",
        "sequence": "0000000007",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def test_structured_json_says_type_and_id_in_its_headers_too() -> None:
    _, headers = ENVELOPES["cloudevents+json"](captured())
    assert headers == {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "ce-id": "0d9f1d8e-1111-5222-8333-444444444444",
        "ce-type": "payment.captured",
    }


@pytest.mark.parametrize("event", [captured(), unmapped(), Event(type="usage.recorded")], ids=lambda e: e.type)
def test_an_event_comes_back_as_it_was(envelope: Envelope, event: Event) -> None:
    assert decode(published(envelope, event)) == event


def test_header_names_in_any_case_are_read(envelope: Envelope) -> None:
    message = published(envelope, captured())
    shouted = {name.upper(): value for name, value in message.headers.items()}
    assert decode(Message("1", "a", "k", message.body, shouted)) == captured()


def test_what_an_event_does_not_have_is_left_out(envelope: Envelope) -> None:
    body, headers = envelope(unmapped())
    found = json.loads(body) if body.startswith(b"{") else {name[3:]: value for name, value in headers.items()}
    assert not {"subject", "sequence", "traceparent", "partitionkey", "time"} & set(found)
    assert found["source"] == "/orchestratorx/unspecified/caf%C3%A9%20%2F%201/mpesa" or (
        found["source"] == "/orchestratorx/unspecified/caf%25C3%25A9%2520%252F%25201/mpesa"
    )


def test_sequences_order_as_text_as_they_do_as_numbers() -> None:
    numbers = [1, 9, 10, 99, 100, 2_147_483_648]
    texts = [json.loads(ENVELOPES["cloudevents+json"](captured(sequence=n))[0])["sequence"] for n in numbers]
    assert texts == sorted(texts)
    assert [int(text) for text in texts] == numbers


@given(st.text())
def test_header_values_are_printable_ascii_and_lose_nothing(text: str) -> None:
    value = header_value(text)
    assert all("\x21" <= char <= "\x7e" and char != '"' for char in value)
    assert unquote(value) == text


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({}, b"{}", "ENVELOPE_UNKNOWN"),
        ({"content-type": "application/json"}, b"{}", "ENVELOPE_UNKNOWN"),
        ({"content-type": "application/protobuf"}, b"", "ENVELOPE_UNKNOWN"),
        ({"content-type": "application/protobuf", "ce-specversion": "0.3"}, b"", "ENVELOPE_UNKNOWN"),
        ({"content-type": "application/protobuf", "ce-specversion": "1.0"}, b"\xff\xff", "PAYLOAD_FIELD_INVALID"),
        ({"content-type": "application/cloudevents+json"}, b"", "PAYLOAD_NOT_JSON"),
        ({"content-type": "application/cloudevents+json"}, b"\xff", "PAYLOAD_NOT_JSON"),
        ({"content-type": "application/cloudevents+json"}, b"[" * 100_000, "PAYLOAD_NOT_JSON"),
        ({"content-type": "application/cloudevents+json"}, b'{"specversion":"1.0"}', "PAYLOAD_NOT_JSON"),
        ({"content-type": "application/cloudevents+json"}, b'{"specversion":"1.0","data":[]}', "PAYLOAD_NOT_JSON"),
        ({"content-type": "application/cloudevents+json"}, b'{"specversion":"2","data":{}}', "ENVELOPE_UNKNOWN"),
        (
            {"content-type": "application/cloudevents+json"},
            b'{"specversion":"1.0","data":{"sequence":"one"}}',
            "PAYLOAD_FIELD_INVALID",
        ),
    ],
)
def test_what_is_no_event_of_ours_is_refused(headers: dict[str, str], body: bytes, reason: str) -> None:
    with pytest.raises(PayloadRejected) as refused:
        decode(Message("1", "a", "k", body, headers))
    assert refused.value.reason == reason


def test_a_time_that_cannot_be_written_is_refused(envelope: Envelope) -> None:
    event = captured()
    event.occurred_at.seconds = 10**15
    with pytest.raises(PayloadRejected):
        envelope(event)


def test_an_environment_that_is_not_known_is_refused(envelope: Envelope) -> None:
    with pytest.raises(PayloadRejected):
        envelope(captured(environment=77))
