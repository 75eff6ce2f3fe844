"""Bodies that are no webhook of Adyen's, and values that cannot be read: each a refusal with its own reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import Event

Normalized = Callable[[Any], list[Event]]


def item(**changes: Any) -> dict[str, Any]:
    return {
        "pspReference": "PPKFQ89R6QRXGN82",
        "merchantAccountCode": "NorthwindECOM",
        "amount": {"value": 4999, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "eventDate": "2026-03-14T10:30:12+01:00",
        "success": "true",
        **changes,
    }


def batch(**changes: Any) -> dict[str, Any]:
    return {"live": "false", "notificationItems": [{"NotificationRequestItem": item(**changes)}]}


def message(**changes: Any) -> dict[str, Any]:
    data = {
        "id": "T1",
        "type": "bankTransfer",
        "category": "bank",
        "direction": "outgoing",
        "status": "booked",
        "amount": {"value": 1, "currency": "EUR"},
    }
    return {"type": "balancePlatform.transfer.updated", "environment": "test", "data": {**data, **changes}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "PAYLOAD_EMPTY"),
        (b" \n", "PAYLOAD_EMPTY"),
        (b"\xff\xfe{}", "PAYLOAD_NOT_UTF8"),
        (b'{"type":"\xff"}', "PAYLOAD_NOT_UTF8"),
        (b"live=false&eventCode=AUTHORISATION", "PAYLOAD_FIELD_MISSING"),
        (b"live=false&event=AUTHORISATION", "PAYLOAD_NOT_JSON"),
        (b"eventCode=CAPTURE&pspReference=P&success=true&value=10.5&currency=EUR", "PAYLOAD_FIELD_INVALID"),
        (b"eventCode=CAPTURE&pspReference=P&success=true&value=1", "PAYLOAD_FIELD_MISSING"),
        (b"eventCode=CAPTURE&pspReference=%FF&success=true", "PAYLOAD_NOT_UTF8"),
        (b"eventCode=CAPTURE&merchantReference=\xff", "PAYLOAD_NOT_UTF8"),
        (b"eventCode=CAPTURE" + b"&a=b" * 2000, "PAYLOAD_FIELD_INVALID"),
        (b"<soap/>", "PAYLOAD_NOT_JSON"),
        (b"<a><NotificationRequestItem></a>", "PAYLOAD_NOT_JSON"),
        (b"<NotificationRequestItem/>", "PAYLOAD_FIELD_MISSING"),
        (
            b"<!DOCTYPE a [<!ENTITY b 'c'>]><NotificationRequestItem>&b;</NotificationRequestItem>",
            "PAYLOAD_FIELD_INVALID",
        ),
        (b'{"type":NaN}', "PAYLOAD_NOT_JSON"),
        (b'{"type":"\\ud800"}', "PAYLOAD_NOT_JSON"),
        (b"[]", "PAYLOAD_NOT_OBJECT"),
        (b'"AUTHORISATION"', "PAYLOAD_NOT_OBJECT"),
        (b"null", "PAYLOAD_NOT_OBJECT"),
        (b'{"data":' + b"[" * 100_000, "PAYLOAD_TOO_DEEP"),
        (b'{"timestamp":' + b"[" * 100_000, "PAYLOAD_TOO_DEEP"),
        ({}, "PAYLOAD_FIELD_MISSING"),
        ({"type": ""}, "PAYLOAD_FIELD_MISSING"),
        ({"type": None, "eventType": None}, "PAYLOAD_FIELD_MISSING"),
        ({"type": 7}, "PAYLOAD_FIELD_INVALID"),
        ({"notificationItems": []}, "PAYLOAD_FIELD_MISSING"),
        ({"notificationItems": None}, "PAYLOAD_FIELD_MISSING"),
        ({"notificationItems": {}}, "PAYLOAD_FIELD_INVALID"),
        ({"notificationItems": ["x"]}, "PAYLOAD_FIELD_INVALID"),
        ({"notificationItems": [{}]}, "PAYLOAD_FIELD_MISSING"),
        ({"notificationItems": [{"NotificationRequestItem": None}]}, "PAYLOAD_FIELD_MISSING"),
        ({**batch(), "live": "perhaps"}, "PAYLOAD_FIELD_INVALID"),
        ({**batch(), "live": 1}, "PAYLOAD_FIELD_INVALID"),
        (batch(pspReference=""), "PAYLOAD_FIELD_MISSING"),
        (batch(pspReference=None), "PAYLOAD_FIELD_MISSING"),
        (batch(pspReference=88), "PAYLOAD_FIELD_INVALID"),
        (batch(eventCode=None), "PAYLOAD_FIELD_MISSING"),
        (batch(success=None), "PAYLOAD_FIELD_MISSING"),
        (batch(success=""), "PAYLOAD_FIELD_MISSING"),
        (batch(success="yes"), "PAYLOAD_FIELD_INVALID"),
        (batch(success=1), "PAYLOAD_FIELD_INVALID"),
        (batch(eventDate="yesterday"), "PAYLOAD_FIELD_INVALID"),
        (batch(eventDate=1_773_480_612), "PAYLOAD_FIELD_INVALID"),
        (batch(eventDate="0001-01-01T00:00:00+14:00"), "PAYLOAD_FIELD_INVALID"),
        (batch(amount=[]), "PAYLOAD_FIELD_INVALID"),
        (batch(amount={"value": "4999", "currency": "EUR"}), "PAYLOAD_FIELD_INVALID"),
        (batch(amount={"value": 49.99, "currency": "EUR"}), "PAYLOAD_FIELD_INVALID"),
        (batch(amount={"value": True, "currency": "EUR"}), "PAYLOAD_FIELD_INVALID"),
        (batch(amount={"value": 2**63, "currency": "EUR"}), "AMOUNT_OUT_OF_RANGE"),
        (batch(amount={"value": 10**400, "currency": "EUR"}), "AMOUNT_OUT_OF_RANGE"),
        (batch(amount={"value": 2**62, "currency": "IDR"}), "AMOUNT_OUT_OF_RANGE"),
        (batch(amount={"value": 1, "currency": "ZZZ"}), "CURRENCY_UNKNOWN"),
        (batch(amount={"value": 1, "currency": "€"}), "CURRENCY_UNKNOWN"),
        (batch(amount={"value": 1}), "PAYLOAD_FIELD_MISSING"),
        (batch(amount={"value": 1050, "currency": "ISK"}), "AMOUNT_NOT_REPRESENTABLE"),
        ({"SaleToPOIRequest": []}, "PAYLOAD_NOT_OBJECT"),
        ({"type": "balancePlatform.transfer.updated"}, "PAYLOAD_FIELD_MISSING"),
        ({"type": "balancePlatform.transfer.updated", "data": None}, "PAYLOAD_FIELD_MISSING"),
        ({"type": "balancePlatform.transfer.updated", "data": []}, "PAYLOAD_NOT_OBJECT"),
        (message(id=None), "PAYLOAD_FIELD_MISSING"),
        (message(amount={"value": 1, "currency": "ZZZ"}), "CURRENCY_UNKNOWN"),
        (message(updatedAt="soon"), "PAYLOAD_FIELD_INVALID"),
        (message(status=7), "PAYLOAD_FIELD_INVALID"),
        ({"eventType": "ACCOUNT_HOLDER_PAYOUT", "pspReference": "P"}, "PAYLOAD_FIELD_MISSING"),
        ({"eventType": "SCHEDULED_REFUNDS", "content": {"refundResults": 7}}, "PAYLOAD_FIELD_INVALID"),
    ],
    ids=lambda value: (value if isinstance(value, str) else repr(value))[:60],
)
def test_what_cannot_be_read_is_refused_with_its_reason(body: Any, reason: str, normalized: Normalized) -> None:
    with pytest.raises(PayloadRejected) as caught:
        normalized(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": 7},
        {"reason": {"a": ["b"]}},
        {"paymentMethod": None},
        {"paymentMethod": ["visa"]},
        {"merchantReference": None},
        {"additionalData": {"cardSummary": 4321, "expiryDate": None, "authCode": [], "disputeStatus": {}}},
        {"additionalData": {"expiryDate": "13/2030"}},
        {"additionalData": {"expiryDate": "99/99/9999"}},
        {"amount": {"value": None, "currency": None}},
        {"amount": {"value": 0}},
        {"eventDate": None},
        {"eventDate": ""},
        {"eventDate": "2026-03-14T09:30:12.5Z"},
        {"operations": "none"},
        {"somethingNew": {"deep": [1, 2, 3]}},
    ],
    ids=repr,
)
def test_what_is_optional_or_new_is_never_a_reason_to_refuse(changes: dict[str, Any], normalized: Normalized) -> None:
    (event,) = normalized(batch(**changes))
    assert event.type == "payment.authorized"
    assert event.payment.payment_method.expiry_month in range(13)


@pytest.mark.parametrize("inside", [None, 7, "x", [], {"id": {}}, {"amount": "much"}, {"status": ["odd"]}], ids=repr)
@pytest.mark.parametrize("name", ["balancePlatform.report.created", "merchant.updated", "a.new.type"])
def test_the_inside_of_a_message_without_a_word_is_not_looked_at(
    name: str, inside: Any, normalized: Normalized
) -> None:
    (event,) = normalized({"type": name, "timestamp": 7, "data": inside})
    assert event.type == "connector.unmapped"


def test_a_long_number_never_becomes_a_last4(normalized: Normalized) -> None:
    number = "4111111111111111"
    (event,) = normalized(batch(additionalData={"cardSummary": number}, reason=f"064398:{number}:10/2028"))
    assert event.payment.payment_method.last4 == "1111"
    assert number.encode() not in event.SerializeToString()


def test_a_refusal_names_no_value_of_the_body(normalized: Normalized) -> None:
    body = json.dumps(batch(pspReference=["4111111111111111"])).encode()
    with pytest.raises(PayloadRejected) as caught:
        normalized(body)
    assert "4111" not in str(caught.value)
