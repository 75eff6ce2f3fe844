"""Standard webhooks as a form and as SOAP: the same events as from JSON, believed by the same signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest

from connectors.adyen import connector
from connectors.adyen.webhooks import ACCEPTED, SOAP_ACCEPTED
from connectors.spi import Context, Environment, Opened
from orchestratorx_prism.errors import SignatureRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_HMAC, Event

Normalized = Callable[[Any], list[Event]]
Open = Callable[..., Opened]

ITEM: dict[str, Any] = {
    "pspReference": "JDD6LKT8MBLZNN84",
    "originalReference": "PPKFQ89R6QRXGN82",
    "merchantAccountCode": "NorthwindECOM",
    "merchantReference": "tea & cake <1>+é",
    "eventCode": "CAPTURE",
    "eventDate": "2026-03-14T10:30:12.25+01:00",
    "paymentMethod": "visa",
    "reason": "",
    "success": "true",
}


def signed(key: str, value: int = 4999, currency: str = "EUR", **changes: str) -> dict[str, str]:
    """additionalData with a signature, computed here from the documentation."""
    item = ITEM | changes
    names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    text = ":".join([*(item[name] for name in names), str(value), currency, item["eventCode"], item["success"]])
    digest = hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).digest()
    return {"hmacSignature": base64.b64encode(digest).decode(), "shopperReference": "shopper-7"}


def as_json(additional: dict[str, str], **changes: str) -> dict[str, Any]:
    item = {**ITEM, **changes, "amount": {"value": 4999, "currency": "EUR"}, "additionalData": additional}
    return {"live": "true", "notificationItems": [{"NotificationRequestItem": item}]}


def as_form(additional: dict[str, str], **changes: str) -> bytes:
    named = {f"additionalData.{name}": value for name, value in additional.items()}
    return urlencode({"live": "true", **ITEM, **changes, "value": "4999", "currency": "EUR", **named}).encode()


def soap_item(additional: dict[str, str], **changes: str) -> str:
    entries = "".join(f"<entry><key>{k}</key><value>{escape(v)}</value></entry>" for k, v in additional.items())
    fields = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in (ITEM | changes).items() if v)
    empty = "".join(f'<{k} i:nil="true"/>' for k, v in (ITEM | changes).items() if not v)
    amount = '<amount><currency xmlns="urn:c">EUR</currency><value xmlns="urn:c">4999</value></amount>'
    extra = f"<additionalData>{entries}</additionalData>" if entries else '<additionalData i:nil="true"/>'
    operations = "<operations><string>REFUND</string></operations>"
    return f"<NotificationRequestItem>{extra}{amount}{fields}{empty}{operations}</NotificationRequestItem>"


def as_soap(*items: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><s:Body><n:sendNotification xmlns:n="urn:n">'
        '<n:notification><live xmlns="urn:n">true</live><notificationItems xmlns="urn:n">'
        f"{''.join(items)}</notificationItems></n:notification></n:sendNotification></s:Body></s:Envelope>\n"
    ).encode()


def told(event: Event) -> Event:
    """The event without what tells of the bytes that it came in."""
    kept = Event()
    kept.CopyFrom(event)
    kept.ClearField("raw")
    return kept


@pytest.mark.parametrize("code", ["AUTHORISATION", "CAPTURE", "REFUND", "CHARGEBACK", "PAYOUT_THIRDPARTY"])
def test_the_encoding_changes_nothing(code: str, normalized: Normalized, key: str) -> None:
    additional = signed(key, eventCode=code)
    (expected,) = normalized(as_json(additional, eventCode=code))
    assert expected.environment == Environment.ENVIRONMENT_PRODUCTION
    for body in (as_form(additional, eventCode=code), as_soap(soap_item(additional, eventCode=code))):
        (event,) = normalized(body)
        assert event.id == expected.id
        assert told(event) == told(expected)


def test_each_encoding_is_believed_by_the_items_own_signature(opened: Open, key: str) -> None:
    for body in (as_form(signed(key)), as_soap(soap_item(signed(key)))):
        assert opened(body).verification.method == VERIFICATION_METHOD_HMAC


@pytest.mark.parametrize("make", [as_form, lambda data, **more: as_soap(soap_item(data, **more))])
@pytest.mark.parametrize("name", ["pspReference", "originalReference", "merchantAccountCode", "eventCode", "success"])
def test_a_changed_value_is_refused_in_each_encoding(make: Any, name: str, opened: Open, key: str) -> None:
    with pytest.raises(SignatureRejected) as caught:
        opened(make(signed(key), **{name: "false" if name == "success" else "OTHER"}))
    assert caught.value.reason == "SIGNATURE_MISMATCH"


def test_a_header_makes_no_form_believed(opened: Open, header: Callable[..., dict[str, str]]) -> None:
    for body in (as_form({}), as_soap(soap_item({}))):
        with pytest.raises(SignatureRejected) as caught:
            opened(body, header(body))
        assert caught.value.reason == "SIGNATURE_MISSING"


def test_soap_carries_several_items_and_every_one_is_verified(normalized: Normalized, opened: Open, key: str) -> None:
    second = {"pspReference": "X2", "eventCode": "REFUND"}
    good = as_soap(soap_item(signed(key)), soap_item(signed(key, **second), **second))
    opened(good)
    assert [event.type for event in normalized(good)] == ["payment.captured", "refund.succeeded"]
    with pytest.raises(SignatureRejected) as caught:
        opened(as_soap(soap_item(signed(key)), soap_item(signed(key), **second)))
    assert caught.value.metadata["item"] == "1"


def test_soap_is_answered_in_soap(normalized: Normalized) -> None:
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, 1)
    assert connector.acknowledge(connector.parse(as_soap(soap_item({}))), context) == SOAP_ACCEPTED
    assert b"[accepted]" in SOAP_ACCEPTED.body
    assert connector.acknowledge(connector.parse(as_form({})), context) == ACCEPTED


def test_a_byte_order_mark_and_blanks_around_do_not_matter(normalized: Normalized, key: str) -> None:
    json_body = b'{"live":"false","eventCode":"CAPTURE","pspReference":"P","success":"true","originalReference":"O"}'
    for body in (json_body, as_form(signed(key)), as_soap(soap_item(signed(key)))):
        for dressed in (b"\xef\xbb\xbf" + body, b"\r\n " + body + b"\r\n"):
            assert normalized(dressed)[0].type == "payment.captured"


def test_empty_values_are_nothing(normalized: Normalized) -> None:
    form = b"live=false&eventCode=REPORT_AVAILABLE&pspReference=r.csv&originalReference=&value=&currency=&success=true"
    assert normalized(form)[0].type == "connector.unmapped"
    (event,) = normalized(b"eventCode=CHARGEBACK&pspReference=D&originalReference=&success=true&value=0&currency=")
    assert event.connector_transaction_id == "D"
    assert not event.dispute.HasField("amount")
