"""The format of the channel `payments`: its exact shape, its names, its numbers, and back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_events import make, money

from orchestratorx_prism.currencies import EXPONENTS
from orchestratorx_prism.envelopes import payments
from orchestratorx_prism.envelopes.payments import (
    EVENT_TYPES,
    Amount,
    Metadata,
    Payload,
    PaymentMessage,
    PaymentMethod,
    TransactionDetails,
)
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.connector_pb2 import ENVIRONMENT_PRODUCTION
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentMethodDetails, PaymentStatus


def captured(**changes: Any) -> Event:
    event = make(
        "payment.captured",
        "evt_1",
        at=0.25,
        reference="order-1",
        transaction="pi_1",
        status=PaymentStatus.PAYMENT_STATUS_CAPTURED,
        amount=money(1090),
        captured=money(1090),
        operation_id="ch_1",
        authorization_code="123456",
        payment_method=PaymentMethodDetails(
            type="card", last4="4242", expiry_month=8, expiry_year=2030, network="visa"
        ),
    )
    event.payment_id = event.partition_key = "pay_1"
    for name, value in changes.items():
        setattr(event, name, value)
    return event


def body_of(event: Event, env: str = "dev") -> str:
    return payments.encode(event, env)[0].decode()


def test_a_captured_payment_is_exactly_this() -> None:
    event = captured(correlation_id="corr-1", merchant_id="shop", environment=ENVIRONMENT_PRODUCTION)
    assert body_of(event) == (
        '{"eventType":"PAYMENT_PROCESSED","timestamp":"2026-01-01T12:00:00.250Z","version":"1.0",'
        '"payload":{"paymentId":"pay_1","orderId":"order-1","amount":{"value":10.90,"currency":"USD"},'
        '"status":"CAPTURED",'
        '"paymentMethod":{"type":"card","last4":"4242","expiryMonth":8,"expiryYear":2030,"network":"visa"},'
        '"transactionDetails":{"processorId":"pi_1","authorizationCode":"123456","captureId":"ch_1"}},'
        '"metadata":{"correlationId":"corr-1","merchantId":"shop","source":"stripe","environment":"prod",'
        f'"idempotencyKey":"{event.id}"}}}}'
    )


def test_what_is_not_known_is_null_and_every_key_is_there() -> None:
    event = make("payment.failed", "evt_2", transaction="")
    event.payment_id = "pay_1"
    assert json.loads(body_of(event, "sit")) == {
        "eventType": "PAYMENT_FAILED",
        "timestamp": "2026-01-01T12:00:00Z",
        "version": "1.0",
        "payload": {
            "paymentId": "pay_1",
            "orderId": None,
            "amount": {"value": None, "currency": None},
            "status": "UNSPECIFIED",
            "paymentMethod": {"type": None, "last4": None, "expiryMonth": None, "expiryYear": None, "network": None},
            "transactionDetails": {"processorId": None, "authorizationCode": None, "captureId": None},
        },
        "metadata": {
            "correlationId": None,
            "merchantId": "default",
            "source": "stripe",
            "environment": "sit",
            "idempotencyKey": event.id,
        },
    }


def test_headers_tell_what_it_is_without_parsing() -> None:
    assert payments.encode(captured())[1] == {"content-type": "application/json", "event-type": "PAYMENT_PROCESSED"}


def test_a_refund_says_its_own_status_and_amount_and_the_capture_it_returns() -> None:
    event = make("refund.succeeded", "r", amount=money(500), status=3, operation_id="cap_1", connector_refund_id="re_1")
    event.payment_id = "pay_1"
    message = PaymentMessage.from_json(body_of(event))
    assert (message.event_type, message.payload.status) == ("REFUND_PROCESSED", "SUCCEEDED")
    assert message.payload.amount == Amount(Decimal("5.00"), "USD")
    assert message.payload.transaction_details.capture_id == "cap_1"


def test_a_dispute_says_its_own_status_and_amount() -> None:
    event = make("dispute.opened", "d", amount=money(700), status=2, connector_dispute_id="dp_1")
    event.payment_id = "pay_1"
    message = PaymentMessage.from_json(body_of(event))
    assert (message.event_type, message.payload.status) == ("DISPUTE_OPENED", "OPENED")
    assert message.payload.amount.money() == money(700)


@pytest.mark.parametrize(
    ("type", "total", "expected"),
    [("payment.captured", "captured", 900), ("payment.authorized", "authorized", 800), ("payment.voided", "", None)],
)
def test_without_an_amount_of_its_own_the_total_that_it_is_about_counts(
    type: str, total: str, expected: int | None
) -> None:
    event = make(type, "e", **({total: money(expected)} if expected else {"captured": money(1)}))
    event.payment_id = "pay_1"
    found = PaymentMessage.from_json(body_of(event)).payload.amount.money()
    assert (found.minor_units if found else None) == expected


def test_every_type_of_a_payment_has_one_name_and_no_other_type_has_any() -> None:
    assert set(EVENT_TYPES) == {t for t, member in DATA_MEMBER.items() if member in {"payment", "refund", "dispute"}}
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)
    lifecycle = {"PAYMENT_INITIATED", "PAYMENT_AUTHORIZED", "PAYMENT_CAPTURED", "PAYMENT_PROCESSED", "PAYMENT_FAILED"}
    assert lifecycle <= set(EVENT_TYPES.values())


@pytest.mark.parametrize("type", sorted(DATA_MEMBER))
def test_the_format_holds_what_it_has_a_name_for(type: str) -> None:
    event = make(type, "e")
    event.payment_id = "pay_1"
    assert payments.holds(event) is (type in EVENT_TYPES)
    if type in EVENT_TYPES:
        assert PaymentMessage.from_json(body_of(event)).event_type == EVENT_TYPES[type]
    else:
        with pytest.raises(PayloadRejected):
            payments.encode(event)


def test_real_money_is_prod_whatever_test_money_is_called() -> None:
    real = captured(environment=ENVIRONMENT_PRODUCTION)
    assert [payments.env_of(real, env) for env in ("dev", "sit")] == ["prod", "prod"]
    assert [payments.env_of(captured(), env) for env in ("dev", "sit")] == ["dev", "sit"]


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_is_a_json_number_with_every_digit_and_comes_back(minor: int, currency: str) -> None:
    event = captured()
    event.payment.amount.minor_units, event.payment.amount.currency = minor, currency
    body = body_of(event)
    text = body.partition('"value":')[2].partition(",")[0]
    places = EXPONENTS[currency]
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    assert text == sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
    assert PaymentMessage.from_json(body).payload.amount.money() == money(minor, currency)


WORDS = st.text(max_size=20).filter(lambda text: text.isprintable())
MAYBE = st.none() | WORDS
AMOUNTS = st.builds(
    Amount, st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15)), MAYBE
)
MESSAGES = st.builds(
    PaymentMessage,
    WORDS,
    WORDS,
    WORDS,
    st.builds(
        Payload,
        WORDS,
        MAYBE,
        AMOUNTS,
        WORDS,
        st.builds(PaymentMethod, MAYBE, MAYBE, st.none() | st.integers(1, 12), st.none() | st.integers(1, 9999), MAYBE),
        st.builds(TransactionDetails, MAYBE, MAYBE, MAYBE),
    ),
    st.builds(Metadata, MAYBE, WORDS, WORDS, WORDS, WORDS),
)


@given(MESSAGES)
def test_every_message_comes_back_as_it_was(message: PaymentMessage) -> None:
    body = message.to_json()
    assert PaymentMessage.from_json(body) == message
    assert PaymentMessage.from_json(body).to_json() == body


def test_a_newer_message_with_more_names_is_read() -> None:
    values = json.loads(body_of(captured()), parse_float=Decimal)
    values["payload"]["more"] = {"x": 1}
    message = PaymentMessage.from_json(json.dumps(values, default=float))
    assert message.payload.payment_id == "pay_1"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("eventType", None, "PAYLOAD_FIELD_MISSING"),
        ("payload", None, "PAYLOAD_FIELD_INVALID"),
        ("payload.paymentId", 5, "PAYLOAD_FIELD_INVALID"),
        ("payload.amount", 10.9, "PAYLOAD_FIELD_INVALID"),
        ("payload.amount.value", "10.90", "PAYLOAD_FIELD_INVALID"),
        ("payload.amount.value", True, "PAYLOAD_FIELD_INVALID"),
        ("payload.paymentMethod.expiryMonth", 8.5, "PAYLOAD_FIELD_INVALID"),
        ("payload.transactionDetails.captureId", ["x"], "PAYLOAD_FIELD_INVALID"),
        ("metadata.merchantId", None, "PAYLOAD_FIELD_MISSING"),
    ],
)
def test_a_damaged_message_is_refused_by_the_path_of_the_damage(path: str, value: Any, reason: str) -> None:
    values = json.loads(body_of(captured()))
    *above, last = path.split(".")
    inner = values
    for name in above:
        inner = inner[name]
    inner[last] = value
    with pytest.raises(PayloadRejected) as refused:
        PaymentMessage.from_json(json.dumps(values))
    assert (refused.value.reason, refused.value.metadata["field"]) == (reason, path)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a":NaN}', b"[" * 5_000, b'"x"', b"null"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadRejected):
        PaymentMessage.from_json(body)


@pytest.mark.parametrize("value", [10.9, Decimal("NaN"), Decimal("Infinity"), 10, True])
def test_an_amount_takes_nothing_but_a_finite_decimal(value: Any) -> None:
    with pytest.raises(PayloadRejected, match="never a float"):
        Amount(value, "USD")


@pytest.mark.parametrize(("value", "currency"), [("0.001", "USD"), ("1", "ABC"), ("1", None), ("1e30", "USD")])
def test_an_amount_that_is_no_money_is_refused(value: str, currency: str | None) -> None:
    with pytest.raises(PayloadRejected):
        Amount(Decimal(value), currency).money()
