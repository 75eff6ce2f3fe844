"""Bad input: typed refusals with a reason, and nothing else, whatever the bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.spi import Context, Environment, Material, Webhook
from connectors.stripe import connector
from connectors.stripe.signatures import sign
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

CASES = sorted((Path(__file__).parents[3] / "connectors" / "stripe" / "cases" / "webhooks").glob("*.json"))
BODIES = [json.loads(path.read_text(encoding="utf-8"))["body"] for path in CASES]
SECRET, NOW_S = "whsec_Zr4mUYHq0dM9eXo2", 1_773_480_500
CONTEXT = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)
FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def event(type: str = "payment_intent.succeeded", **fields: Any) -> dict[str, Any]:
    found = {"id": "pi_1", "amount": 5, "amount_received": 5, "currency": "usd", **fields}
    return {"id": "evt_1", "object": "event", "type": type, "created": 1, "data": {"object": found}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "PAYLOAD_EMPTY"),
        (b" \n", "PAYLOAD_EMPTY"),
        (b"\xff\xfe{}", "PAYLOAD_NOT_UTF8"),
        (b'{"id":"evt_1","object":"event","type":"x","note":"\xff"}', "PAYLOAD_NOT_UTF8"),
        (b"{", "PAYLOAD_NOT_JSON"),
        (b'{"id":"evt_1"', "PAYLOAD_NOT_JSON"),
        (b'{"id":"evt_1","object":"event","type":"x","data":{"object":{"a":NaN}}}', "PAYLOAD_NOT_JSON"),
        (b'{"id":"evt_1","object":"event","type":"x","data":{"object":{"a":"\\ud800"}}}', "PAYLOAD_NOT_JSON"),
        (b"[]", "PAYLOAD_NOT_OBJECT"),
        (b'"evt_1"', "PAYLOAD_NOT_OBJECT"),
        (b"null", "PAYLOAD_NOT_OBJECT"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "PAYLOAD_TOO_DEEP"),
        (b"{}", "PAYLOAD_FIELD_MISSING"),
        (b'{"object":"event","type":"x"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"object":"event","id":"evt_1"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"object":"event","id":"","type":"x"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"object":"payment_intent","id":"pi_1"}', "PAYLOAD_FIELD_INVALID"),
        (b'{"object":"event","id":7,"type":"x"}', "PAYLOAD_FIELD_INVALID"),
        (b'{"object":"event","id":"evt_1","type":"x","livemode":"no"}', "PAYLOAD_FIELD_INVALID"),
        (b'{"object":"event","id":"evt_1","type":"x","created":1.5}', "PAYLOAD_FIELD_INVALID"),
        (b'{"object":"event","id":"evt_1","type":"x","data":[]}', "PAYLOAD_FIELD_INVALID"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_body_that_is_no_event_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(PayloadRejected) as caught:
        connector.parse(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({**event(), "data": None}, "PAYLOAD_FIELD_MISSING"),
        ({**event(), "data": {}}, "PAYLOAD_FIELD_MISSING"),
        ({**event(), "data": {"object": None}}, "PAYLOAD_NOT_OBJECT"),
        ({**event(), "data": {"object": [1]}}, "PAYLOAD_NOT_OBJECT"),
        ({**event(), "created": 10**18}, "PAYLOAD_FIELD_INVALID"),
        ({**event(), "created": -(10**30)}, "PAYLOAD_FIELD_INVALID"),
        ({**event(), "created": "yesterday"}, "PAYLOAD_FIELD_INVALID"),
        (event(id=""), "PAYLOAD_FIELD_MISSING"),
        (event(id=5), "PAYLOAD_FIELD_INVALID"),
        (event(amount_received="5"), "PAYLOAD_FIELD_INVALID"),
        (event(amount_received=5.5), "PAYLOAD_FIELD_INVALID"),
        (event(amount_received=True), "PAYLOAD_FIELD_INVALID"),
        (event(amount_received=10**40), "AMOUNT_OUT_OF_RANGE"),
        (event(amount_received=-(10**40)), "AMOUNT_OUT_OF_RANGE"),
        (event(currency="zzz"), "CURRENCY_UNKNOWN"),
        (event(currency=""), "CURRENCY_UNKNOWN"),
        (event(currency=None), "PAYLOAD_FIELD_MISSING"),
        (event(currency="isk", amount_received=150), "AMOUNT_NOT_REPRESENTABLE"),
        (event("charge.succeeded", id=""), "PAYLOAD_FIELD_MISSING"),
        (event("charge.refunded", id=""), "PAYLOAD_FIELD_MISSING"),
        (event("charge.succeeded", captured="yes"), "PAYLOAD_FIELD_INVALID"),
        (
            event("charge.succeeded", payment_method_details={"type": "card", "card": {"exp_month": -1}}),
            "PAYLOAD_FIELD_INVALID",
        ),
        (event("charge.succeeded", source={"exp_year": 2**40}), "PAYLOAD_FIELD_INVALID"),
        (event("refund.created", id=None), "PAYLOAD_FIELD_INVALID"),
        (event("charge.dispute.created", status="lost", evidence_details={"due_by": 10**15}), "PAYLOAD_FIELD_INVALID"),
        (event("invoice.created", attempt_count=-1), "PAYLOAD_FIELD_INVALID"),
        (event("invoice.created", id=None), "PAYLOAD_FIELD_MISSING"),
        (event("customer.subscription.created", current_period_end=10**14), "PAYLOAD_FIELD_INVALID"),
        (event("payout.paid", id=""), "PAYLOAD_FIELD_MISSING"),
        (event("order.payment_succeeded", id=""), "PAYLOAD_FIELD_MISSING"),
        (event("billing.alert.triggered", value="NaN"), "PAYLOAD_FIELD_INVALID"),
        (event("billing.alert.triggered", value="-Infinity"), "PAYLOAD_FIELD_INVALID"),
    ],
    ids=lambda value: json.dumps(value)[:90],
)
def test_an_object_with_a_fault_in_what_is_read_is_refused_with_its_reason(
    body: dict[str, Any], reason: str, normalized: Callable[[Any], list[Event]]
) -> None:
    with pytest.raises(PayloadRejected) as caught:
        normalized(body)
    assert caught.value.reason == reason
    assert "pi_1" not in str(caught.value)


@pytest.mark.parametrize("type", ["account.updated", "reporting.report_run.failed", "never.heard.of"])
@pytest.mark.parametrize(
    "found",
    [
        *(
            [1],
            "text",
            7,
            {"id": 9, "status": []},
            {"metadata": 1e308},
            {"amount": "?"},
            {"object": []},
            {"object": {}},
        ),
        {"object": "review", "charge": ["ch_1"], "payment_intent": {"id": 7}},
    ],
)
def test_an_object_that_nobody_reads_is_never_refused(
    type: str, found: Any, normalized: Callable[[Any], list[Event]]
) -> None:
    body = {"id": "evt_1", "object": "event", "type": type, "data": {"object": found}}
    assert [made.type for made in normalized(body)] == ["connector.unmapped"]


@pytest.mark.parametrize("previous", [None, [], "text", {"amount_refunded": "7"}, {"amount_refunded": None}])
def test_previous_attributes_of_any_shape_are_never_refused(
    previous: Any, normalized: Callable[[Any], list[Event]]
) -> None:
    body = event("charge.refunded", captured=True, amount_refunded=3)
    body["data"]["previous_attributes"] = previous
    [made] = normalized(body)
    assert made.type == "refund.succeeded"
    assert not made.refund.HasField("amount")


@pytest.mark.parametrize(
    "metadata", [None, [], "", {}, {"merchant_transaction_id": None}, {"merchant_transaction_id": []}]
)
def test_metadata_without_the_reference_is_no_fault(metadata: Any, normalized: Callable[[Any], list[Event]]) -> None:
    [made] = normalized(event(metadata=metadata))
    assert made.merchant_transaction_id == ""


def test_the_reference_key_is_configurable(normalized: Callable[[Any], list[Event]]) -> None:
    body = json.dumps(event(metadata={"order_id": "A-7", "merchant_transaction_id": "other"})).encode()
    context = Context("m", Environment.ENVIRONMENT_SANDBOX, 1, merchant_reference_key="order_id")
    [made] = connector.normalize(connector.parse(body), context, body)
    assert made.merchant_transaction_id == made.payment.merchant_transaction_id == "A-7"
    [made] = normalized(event(metadata={"merchant_transaction_id": 77}))
    assert made.merchant_transaction_id == "77"


def test_a_card_number_in_a_body_never_reaches_an_event(normalized: Callable[[Any], list[Event]]) -> None:
    number = "4000056655665556"
    card = {"brand": "visa", "last4": number, "number": number, "cvc": "cvc-987", "exp_month": 1, "exp_year": 2030}
    [made] = normalized(event("charge.succeeded", payment_method_details={"type": "card", "card": card}))
    assert made.payment.payment_method.last4 == "5556"
    assert number.encode() not in made.SerializeToString()
    assert b"cvc-987" not in made.SerializeToString()


def outcome(body: bytes) -> list[Event]:
    """The events, or none if it was refused as it may be; anything else fails the test."""
    try:
        made = connector.normalize(connector.parse(body), CONTEXT, body)
    except PayloadRejected:
        return []
    for one in made:
        assert one.WhichOneof("data") == DATA_MEMBER[one.type]
        one.SerializeToString()
    return made


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes_become_events_or_a_refusal(body: bytes) -> None:
    outcome(body)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["usd", "succeeded", "requires_capture", "pi_1", "payment", "paid"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, by its keys from the top."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in inner for place in places(below, (*path, key)))]


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(copy[place[0]], place[1:], new)
    return copy


@pytest.mark.parametrize("new", [None, 7, "x", [], {}], ids=json.dumps)
def test_every_value_of_every_case_in_another_kind_becomes_events_or_a_refusal(new: Any) -> None:
    for body in BODIES:
        for place in places(body):
            outcome(json.dumps(changed(body, place, new)).encode())


@FUZZ
@given(st.sampled_from(BODIES), st.data(), JSON)
def test_any_value_at_any_place_becomes_events_or_a_refusal(body: Any, data: st.DataObject, new: Any) -> None:
    place = data.draw(st.sampled_from(places(body)))
    outcome(json.dumps(changed(body, place, new)).encode())


@FUZZ
@given(st.sampled_from(BODIES), st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_any_byte_changed_or_cut_off_becomes_events_or_a_refusal(body: Any, at: int, byte: int, cut: bool) -> None:
    text = bytearray(json.dumps(body).encode())
    at %= len(text)
    text[at] = byte
    outcome(bytes(text[:at] if cut else text))


@FUZZ
@given(st.text(max_size=120) | st.from_regex(r"t=[0-9]{0,12}(,v[01]=[0-9a-f]{0,70}){0,3}"), st.binary(max_size=50))
def test_any_header_over_any_body_is_a_refusal(header: str, body: bytes) -> None:
    with pytest.raises((SignatureRejected, PayloadRejected)):
        connector.open(Webhook(body, {"stripe-signature": header}), Material(secrets=(SECRET,)), NOW_S)


@FUZZ
@given(st.binary(max_size=60))
def test_any_signed_body_opens_or_is_a_payload_refusal(body: bytes) -> None:
    webhook = Webhook(body, {"stripe-signature": sign(body, SECRET, NOW_S)})
    with pytest.raises(PayloadRejected):
        connector.open(webhook, Material(secrets=(SECRET,)), NOW_S)
