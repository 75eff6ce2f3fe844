"""Bodies that are wrong in some way: a typed refusal each, or an event; never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.paypal import connector
from connectors.paypal.delivery import parse
from connectors.paypal.simulator import sample
from connectors.paypal.webhooks import normalize, open_webhook
from connectors.spi import Context, Environment, Material, SampleRequest, SignatureRejected, Webhook
from orchestratorx_prism.errors import PayloadRejected

CONTEXT = Context("default", Environment.ENVIRONMENT_SANDBOX, 1_780_000_000_000_000_000)
CASES = sorted((Path(__file__).resolve().parents[3] / "connectors/paypal/cases/webhooks").glob("*.json"))
HEAD = '"id":"WH-1","create_time":"2026-03-14T09:26:53Z",'


def reason(body: bytes) -> str:
    with pytest.raises(PayloadRejected) as caught:
        normalize(parse(body), CONTEXT, body)
    return caught.value.reason


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "PAYLOAD_EMPTY"),
        (b" \n", "PAYLOAD_EMPTY"),
        (b"{", "PAYLOAD_NOT_JSON"),
        (b"nonsense", "PAYLOAD_NOT_JSON"),
        (b'{"id":"WH-1","event_type":"X"} {}', "PAYLOAD_NOT_JSON"),
        (b'{"id":"WH-1","event_type":"X","resource":{"a":NaN}}', "PAYLOAD_NOT_JSON"),
        (b'{"id":"WH-1","event_type":"X","resource":{"a":Infinity}}', "PAYLOAD_NOT_JSON"),
        (b"\xff\xfe{}", "PAYLOAD_NOT_UTF8"),
        (b'{"id":"WH-1","event_type":"X","x":"\xff"}', "PAYLOAD_NOT_UTF8"),
        (b"[]", "PAYLOAD_NOT_OBJECT"),
        (b'"text"', "PAYLOAD_NOT_OBJECT"),
        (b"null", "PAYLOAD_NOT_OBJECT"),
        (b"{}", "PAYLOAD_FIELD_MISSING"),
        (b'{"id":"","event_type":"X"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"id":"WH-1"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"id":"WH-1","event_type":null}', "PAYLOAD_FIELD_MISSING"),
        (b'{"id":7,"event_type":"X"}', "PAYLOAD_FIELD_INVALID"),
        (b'{"id":"WH-1","event_type":"X","create_time":5}', "PAYLOAD_FIELD_INVALID"),
        (b'{"id":"WH-1","event_type":"X","resource":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "PAYLOAD_TOO_DEEP"),
    ],
)
def test_a_body_that_is_no_webhook_is_refused(body: bytes, expected: str) -> None:
    assert reason(body) == expected


@pytest.mark.parametrize(
    ("event_type", "resource", "expected"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", None, "PAYLOAD_FIELD_MISSING"),
        ("PAYMENT.CAPTURE.COMPLETED", [], "PAYLOAD_FIELD_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", "text", "PAYLOAD_FIELD_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", {"id": 5}, "PAYLOAD_FIELD_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", {"links": {}}, "PAYLOAD_FIELD_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", {"amount": "10.99"}, "PAYLOAD_FIELD_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", {"final_capture": "maybe"}, "PAYLOAD_FIELD_INVALID"),
        ("PAYMENT.CAPTURE.REFUNDED", {"status": "COMPLETED"}, "PAYLOAD_FIELD_MISSING"),
        ("CUSTOMER.DISPUTE.CREATED", {"status": "OPEN"}, "PAYLOAD_FIELD_MISSING"),
    ],
)
def test_a_resource_that_lacks_what_its_kind_must_have_is_refused(
    event_type: str, resource: object, expected: str
) -> None:
    body = json.dumps({"id": "WH-1", "event_type": event_type, "resource": resource}).encode()
    assert reason(body) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ('{"value":"10.99"}', "PAYLOAD_FIELD_MISSING"),
        ('{"value":"10.99","currency_code":"XYZ"}', "CURRENCY_UNKNOWN"),
        ('{"value":"10.99","currency_code":"United States Dollar"}', "CURRENCY_UNKNOWN"),
        ('{"value":"NaN","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":"Infinity","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":"","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":"1_000","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":" 1","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":"1,50","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":"\\u0661","currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":{},"currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":true,"currency_code":"USD"}', "PAYLOAD_FIELD_INVALID"),
        ('{"value":"10.999","currency_code":"USD"}', "AMOUNT_NOT_REPRESENTABLE"),
        ('{"value":"10.5","currency_code":"JPY"}', "AMOUNT_NOT_REPRESENTABLE"),
        ('{"value":"99999999999999999999","currency_code":"USD"}', "AMOUNT_OUT_OF_RANGE"),
        ('{"value":1e300,"currency_code":"USD"}', "AMOUNT_OUT_OF_RANGE"),
        ('{"value":"1e999999","currency_code":"USD"}', "AMOUNT_OUT_OF_RANGE"),
        ('{"value":"' + "9" * 399 + '","currency_code":"USD"}', "AMOUNT_OUT_OF_RANGE"),
    ],
)
def test_an_amount_is_never_guessed(amount: str, expected: str) -> None:
    body = f'{{{HEAD}"event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{{"id":"C","amount":{amount}}}}}'
    assert reason(body.encode()) == expected


@pytest.mark.parametrize("amount", ["null", "{}", '{"value":null,"currency_code":null}', '{"currency_code":"USD"}'])
def test_an_absent_amount_is_no_fault(amount: str) -> None:
    body = f'{{{HEAD}"event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{{"id":"C","amount":{amount}}}}}'.encode()
    (event,) = normalize(parse(body), CONTEXT, body)
    assert not event.payment.HasField("amount")


def test_two_halves_of_an_order_cannot_overflow() -> None:
    half = {"amount": {"currency_code": "USD", "value": "92233720368547758.07"}}
    resource = {"id": "O", "purchase_units": [half, half]}
    body = json.dumps({"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": resource}).encode()
    assert reason(body) == "AMOUNT_OUT_OF_RANGE"


def test_movements_of_a_dispute_cannot_overflow() -> None:
    most = {"currency_code": "USD", "value": "92233720368547758.07"}
    moves = [{"affected_party": "SELLER", "type": "DEBIT", "amount": most}] * 3
    resource = {"dispute_id": "PP-D-1", "money_movements": moves}
    body = json.dumps({"id": "WH-1", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": resource}).encode()
    assert reason(body) == "AMOUNT_OUT_OF_RANGE"


def test_what_has_no_word_is_never_refused_for_its_shape() -> None:
    for resource in ("null", "7", '"x"', "[[]]", '{"id":{"a":1},"status":7,"custom_id":[]}'):
        body = f'{{{HEAD}"event_type":"BILLING.PLAN.CREATED","resource":{resource}}}'.encode()
        (event,) = normalize(parse(body), CONTEXT, body)
        assert event.type == "connector.unmapped"


def test_lone_surrogates_are_refused_before_protobuf_sees_them() -> None:
    body = b'{"id":"WH-\\ud800","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"C"}}'
    assert reason(body) == "PAYLOAD_NOT_JSON"


def test_a_card_number_never_leaves_the_body() -> None:
    card = {"id": "CARD-1", "number": "4012888888881881", "type": "visa", "cvv2": "123"}
    body = json.dumps({"id": "WH-1", "event_type": "VAULT.CREDIT-CARD.CREATED", "resource": card}).encode()
    (event,) = normalize(parse(body), CONTEXT, body)
    assert event.payment_method.details.last4 == "1881"
    assert b"401288" not in event.SerializeToString()
    assert b"123" not in event.SerializeToString()


BODIES = [
    sample(SampleRequest(event_type, "WH", 1_780_000_000, seed=1)).body
    for event_type in connector.event_types
    if not event_type.startswith(("CUSTOMER.M", "CUSTOMER.A"))
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def outcome(body: bytes) -> None:
    try:
        events = normalize(parse(body), CONTEXT, body)
    except PayloadRejected as error:
        assert error.reason.startswith(("PAYLOAD_", "AMOUNT_", "CURRENCY_"))  # noqa: PT017
        return
    assert events
    for event in events:
        event.SerializeToString()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_end_in_a_refusal_or_an_event(body: bytes) -> None:
    outcome(body)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_mutated_bytes_end_in_a_refusal_or_an_event(body: bytes, data: st.DataObject) -> None:
    mutated = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(mutated) - 1))
        mutated[position] = data.draw(st.integers(0, 255))
    outcome(bytes(mutated))


def with_one_value_replaced(value: Any, new: Any) -> Iterator[Any]:
    """`value` with one value inside it after another replaced by `new`, and `new` itself."""
    yield new
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        for changed in with_one_value_replaced(inner, new):
            copy: Any = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = changed
            yield copy


@pytest.mark.parametrize("new", [None, 7, "x", [], {}], ids=json.dumps)
def test_every_value_of_every_case_in_another_kind_ends_in_a_refusal_or_an_event(new: Any) -> None:
    for path in CASES:
        for body in with_one_value_replaced(json.loads(path.read_text(encoding="utf-8"))["body"], new):
            outcome(json.dumps(body).encode())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_a_replaced_value_ends_in_a_refusal_or_an_event(body: bytes, data: st.DataObject) -> None:
    decoded = json.loads(body)
    node: Any = decoded
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(JSON_VALUES)
        break
    outcome(json.dumps(decoded).encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        "paypal-transmission-id paypal-transmission-time paypal-transmission-sig paypal-cert-url paypal-auth-algo "
        "paypal-auth-version".split()
    ),
    st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")),
)
def test_any_header_value_ends_in_a_refusal(
    signed: Callable[..., Any], workshop: SimpleNamespace, header: str, value: str
) -> None:
    made = signed()
    headers = {**made.webhook.headers, header: value}
    if value == made.webhook.headers[header] or (header == "paypal-auth-version" and value in {"", "v1", "v2"}):
        return
    with pytest.raises(SignatureRejected):
        open_webhook(Webhook(made.webhook.body, headers), made.material, workshop.NOW_S)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.text(max_size=30))
def test_any_material_ends_in_a_refusal(given_: bytes, fetched: bytes, anchor: bytes, webhook_id: str) -> None:
    made = sample(SampleRequest("PAYMENT.CAPTURE.COMPLETED", "WH", 1_780_000_000))
    webhook = Webhook(made.body, {name.lower(): value for name, value in made.headers.items()})
    material = Material(
        webhook_id=webhook_id, certificates=(given_,), fetched_certificates=(fetched,), trust_anchors=(anchor,)
    )
    with pytest.raises(SignatureRejected):
        open_webhook(webhook, material, 1_780_000_000)
