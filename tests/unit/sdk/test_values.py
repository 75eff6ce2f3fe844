"""Messages as plain values, and back."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.event_types import DATA_MEMBER, EVENT_TYPES
from orchestratorx_prism.from_values import enum_number, event_from_dict, from_dict
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_data_pb2 import UnmappedData
from orchestratorx_prism.v1.event_pb2 import Event, Raw
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest, HandleEventResponse, ListEventsRequest
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, PaymentData
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest, PaymentServiceListRequest
from orchestratorx_prism.values import time_text, to_dict

TIMES = st.builds(Timestamp, seconds=st.integers(-62_135_596_800, 253_402_300_799), nanos=st.integers(0, 999_999_999))
INTEGERS = {
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=40),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
}


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        one: st.SearchStrategy[Any] = TIMES if field.message_type.name == "Timestamp" else _messages(field.message_type)
    elif field.enum_type is not None:
        one = st.one_of(st.sampled_from([v.number for v in field.enum_type.values]), st.integers(100, 200))
    else:
        one = INTEGERS[field.type]
    return st.lists(one, max_size=3) if field.is_repeated else one


def _messages(descriptor: Descriptor) -> st.SearchStrategy[Any]:
    fields = {f.name: _values(f) for f in descriptor.fields if f.containing_oneof is None}
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: GetMessageClass(descriptor)(**values))


@st.composite
def events(draw: st.DrawFn) -> Event:
    event: Event = draw(_messages(Event.DESCRIPTOR))
    event.type = draw(st.sampled_from(sorted(DATA_MEMBER)))
    if draw(st.booleans()):
        member = DATA_MEMBER[event.type]
        data = draw(_messages(getattr(event, member).DESCRIPTOR))
        getattr(event, member).SetInParent()
        getattr(event, member).CopyFrom(data)
    return event


@given(events())
@settings(max_examples=200, deadline=None)
def test_an_event_survives_json(event: Event) -> None:
    assert event_from_dict(json.loads(json.dumps(to_dict(event)))) == event


@given(events())
@settings(max_examples=50, deadline=None)
def test_everything_but_unset_messages_is_there(event: Event) -> None:
    shown = to_dict(event)
    always = {f.name for f in Event.DESCRIPTOR.fields if not f.has_presence}
    unset = {name for name in ("verification", "raw", "occurred_at") if not event.HasField(name)}
    assert always <= shown.keys()
    assert not unset & shown.keys()
    assert ("data" in shown) == (event.WhichOneof("data") is not None)
    assert not shown.keys() & EVENT_TYPES.keys()


def _event() -> Event:
    return Event(
        id="5b1c",
        type="payment.captured",
        environment=Environment.ENVIRONMENT_SANDBOX,
        received_at=Timestamp(seconds=1_769_860_800, nanos=250_000_000),
        raw=Raw(sha256=b"\x01" * 32, size=10),
        payment=PaymentData(status=PAYMENT_STATUS_CAPTURED, amount=Money(minor_units=1099, currency="USD")),
    )


def test_constants_are_upper_case_without_their_prefix_and_digests_are_hex() -> None:
    shown = to_dict(_event())
    assert shown["environment"] == "SANDBOX"
    assert shown["data"]["status"] == "CAPTURED"
    assert shown["data"]["status_before"] == "UNSPECIFIED"
    assert shown["raw"] == {"sha256": "01" * 32, "size": 10, "stored": False}
    assert shown["received_at"] == "2026-01-31T12:00:00.250Z"
    assert shown["data"]["amount"] == {"minor_units": 1099, "currency": "USD"}
    assert "captured" not in shown["data"]


def test_fields_come_in_the_order_of_the_proto_and_data_last() -> None:
    shown = to_dict(_event())
    order = [f.name for f in Event.DESCRIPTOR.fields if f.containing_oneof is None] + ["data"]
    assert list(shown) == [name for name in order if name in shown]


def test_bytes_are_base64_and_maps_are_objects() -> None:
    body = b"\x00\xff raw"
    assert to_dict(UnmappedData(body=body))["body"] == base64.b64encode(body).decode()
    assert to_dict(HandleEventRequest(headers={"A": "b"}))["headers"] == {"A": "b"}
    assert to_dict(HandleEventResponse(events=[Event(id="1")]))["events"][0]["id"] == "1"


def test_a_constant_of_a_newer_version_stays_a_number() -> None:
    event = event_from_dict(to_dict(Event(environment=77)))  # type: ignore[arg-type]
    assert to_dict(event)["environment"] == 77


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (500_000_000, "1970-01-01T00:00:00.500Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
    ],
)
def test_times_have_as_many_decimals_as_they_need(nanos: int, text: str) -> None:
    moment = Timestamp(nanos=nanos)
    assert time_text(moment) == text
    assert time_text(moment) == moment.ToJsonString()


def test_a_time_outside_the_calendar_is_refused() -> None:
    with pytest.raises(PayloadRejected):
        time_text(Timestamp(seconds=2**60))


def test_requests_take_datetimes_constants_in_any_case_messages_and_none() -> None:
    moment = datetime(2026, 1, 31, 14, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    request = from_dict(
        ListEventsRequest,
        {"filter": {"types": ("payment.*",), "received_from": moment, "payment_id": None}, "page_size": 5},
    )
    assert request.filter.received_from.ToDatetime(UTC) == moment
    assert list(request.filter.types) == ["payment.*"]
    listed = from_dict(PaymentServiceListRequest, {"statuses": ["captured", "PAYMENT_STATUS_FAILED", 8]})
    assert list(listed.statuses) == [6, 7, 8]
    assert from_dict(ListEventsRequest, {"filter": request.filter}).filter == request.filter
    assert enum_number(Environment.DESCRIPTOR, "production") == Environment.ENVIRONMENT_PRODUCTION


WHOLE = "send a whole number that fits, without quotes and without a fraction"
TIME = 'write it as RFC 3339 has it: "2026-01-31T12:00:00Z"'


@pytest.mark.parametrize(
    ("amount", "field", "fault"),
    [
        (10.99, "amount.minor_units", "takes a whole number, not float"),
        ("1099", "amount.minor_units", "takes a whole number, not str"),
        (1e30, "amount.minor_units", "is outside"),  # as a reader of JSON has 10**30
        (float("inf"), "amount.minor_units", "takes a whole number"),
        (float("nan"), "amount.minor_units", "takes a whole number"),
        (None, "amount", "takes an object, not int"),
    ],
)
def test_money_that_does_not_fit_is_told_what_minor_units_are(amount: Any, field: str, fault: str) -> None:
    money = 1099 if amount is None else {"minor_units": amount, "currency": "USD"}
    with pytest.raises(RequestRejected, match=f"{field}: {fault}") as caught:
        from_dict(PaymentServiceAuthorizeRequest, {"amount": money})
    assert "1099" in caught.value.fix
    assert "$10.99" in caught.value.fix


@pytest.mark.parametrize(
    ("values", "field", "fix"),
    [
        ({"page_sise": 1}, "page_sise", "did you mean page_size?"),
        ({"filter": {"tipes": []}}, "filter.tipes", "did you mean types?"),
        ({"zzz": 1}, "zzz", "it takes: filter, page_size, page_token"),
        ({"page_size": "5"}, "page_size", WHOLE),
        ({"page_size": True}, "page_size", WHOLE),
        ({"page_size": 2**31}, "page_size", WHOLE),
        ({"page_token": b"x"}, "page_token", 'put it in quotes: " … "'),
        ({"page_token": "\ud800"}, "page_token", "send whole characters"),
        ({"filter": []}, "filter", 'send {"…": …}'),
        ({"filter": {"types": "payment.*"}}, "filter.types", "put it in brackets: [ … ]"),
        ({"filter": {"types": ["a", 5]}}, "filter.types.1", 'put it in quotes: " … "'),
        ({"filter": {"received_from": datetime(2026, 1, 1)}}, "filter.received_from", "add one: 2026-01-31T12:00:00Z"),
        ({"filter": {"received_from": "2026-13-01T00:00:00Z"}}, "filter.received_from", TIME),
        ({"filter": {"received_from": "2026-01-01 00:00"}}, "filter.received_from", TIME),
        ({"filter": {"received_from": "0001-01-01T00:00:00+01:00"}}, "filter.received_from", TIME),
        ({"filter": {"received_from": 1}}, "filter.received_from", TIME),
    ],
)
def test_what_does_not_fit_is_refused_by_its_path(values: dict[str, Any], field: str, fix: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        from_dict(ListEventsRequest, values)
    assert caught.value.metadata == {"field": field}
    assert caught.value.fix == fix


@pytest.mark.parametrize(
    "values",
    [
        {"payload": {"a": "hidden"}},
        {"payload": "hidden, not base64"},
        {"webhook_secret": b"hidden"},
        {"webhook_secrets": "hidden"},
        {"webhook_secrets": ["fine", b"hidden"]},
        {"url_token": ["hidden"]},
        {"headers": {"Stripe-Signature": ["hidden"]}},
        {"headers": "hidden"},
        {"environment": "hidden"},
    ],
)
def test_a_refused_value_is_never_shown(values: dict[str, Any]) -> None:
    with pytest.raises(RequestRejected) as caught:
        from_dict(HandleEventRequest, values)
    refused = caught.value
    assert "hidden" not in f"{refused!s}{refused!r}{refused.metadata}{refused.__cause__}"


@pytest.mark.parametrize(
    "values",
    [
        [],
        {"data": {}},
        {"type": 5, "data": {}},
        {"type": "voucher.made", "data": {}},
        {"type": "payment.captured", "data": []},
        {"type": "payment.captured", "data": {"status": "HALF"}},
        {"type": "payment.captured", "data": {"amount": {"minor_units": 10.99}}},
        {"raw": {"sha256": "zz"}},
        {"type": "connector.unmapped", "data": {"body": "%%%"}},
        {"occurred_at": "soon"},
    ],
)
def test_a_dict_that_is_no_event_is_refused(values: Any) -> None:
    with pytest.raises(PayloadRejected) as caught:
        event_from_dict(values)
    assert caught.value.reason == "PAYLOAD_FIELD_INVALID"


def test_an_event_of_a_newer_server_is_read_as_far_as_it_is_known() -> None:
    event = event_from_dict({"type": "payment.split", "color": "red", "data": {"provider_status": "s", "shade": 3}})
    assert (event.type, event.payment.provider_status) == ("payment.split", "s")


def test_a_member_of_data_is_not_taken_under_its_own_name() -> None:
    assert event_from_dict({"type": "payment.captured", "payment": {}}).WhichOneof("data") is None


def test_to_dict_of_a_payment_event_is_quick() -> None:
    """Some 25 times what protobuf takes to parse it; the limit is four times that."""
    raw = _event().SerializeToString()
    event = Event.FromString(raw)
    converting = min(_seconds_for_1000(lambda: to_dict(event)) for _ in range(5))
    parsing = min(_seconds_for_1000(lambda: Event.FromString(raw)) for _ in range(5))
    assert converting < 100 * parsing


def _seconds_for_1000(act: Callable[[], object]) -> float:
    """Of this process's own CPU time: what others do meanwhile does not count."""
    start = time.process_time()
    for _ in range(1000):
        act()
    return time.process_time() - start
