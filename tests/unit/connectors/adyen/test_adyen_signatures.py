"""Verification: which signature applies, old and new keys, and every reason to refuse."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.adyen.shapes import Batch, Item
from connectors.adyen.signatures import keys_of, sign, signed_text
from connectors.spi import Opened
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_HMAC, Event

Open = Callable[..., Opened]
OTHER = "C3" * 32


def signed_item(key: str, **changes: Any) -> dict[str, Any]:
    """An item as Adyen signs it: computed here from the documentation, not with the connector's own code."""
    item: dict[str, Any] = {
        "pspReference": "PPKFQ89R6QRXGN82",
        "originalReference": "",
        "merchantAccountCode": "NorthwindECOM",
        "merchantReference": "order:22\\01/é",
        "amount": {"value": 4999, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "success": "true",
        "additionalData": {},
        **changes,
    }
    amount = item.get("amount") or {}
    values = [
        item.get("pspReference"),
        item.get("originalReference"),
        item.get("merchantAccountCode"),
        item.get("merchantReference"),
        amount.get("value"),
        amount.get("currency"),
        item.get("eventCode"),
        item.get("success"),
    ]
    texts = ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values]
    digest = hmac.new(bytes.fromhex(key), ":".join(texts).encode(), hashlib.sha256).digest()
    item["additionalData"] = {**item["additionalData"], "hmacSignature": base64.b64encode(digest).decode()}
    return item


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    return {"live": "false", "notificationItems": [{"NotificationRequestItem": item} for item in items]}


MESSAGE = {"type": "recurring.token.created", "environment": "test", "data": {"storedPaymentMethodId": "T"}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"success": True},
        {"success": False},
        {"originalReference": None},
        {"originalReference": "8313547924770610"},
        {"amount": None},
        {"amount": {"value": 0, "currency": "JPY"}},
        {"amount": {"value": 10**15, "currency": "IDR"}},
        {"merchantReference": None},
        {"merchantReference": ""},
        {"merchantReference": "::::"},
        {"merchantReference": "注文 1"},
    ],
    ids=repr,
)
def test_an_item_verifies_in_a_batch_and_bare(changes: dict[str, Any], opened: Open, key: str) -> None:
    item = signed_item(key, **changes)
    for body in (batch(item), item, {"NotificationRequestItem": item}):
        found = opened(body)
        assert isinstance(found.parsed, Batch)
        assert found.verification.method == VERIFICATION_METHOD_HMAC
        for field in ("live", "eventDate", "reason", "additionalData", "disputeStatus", "modification.action"):
            assert field in found.verification.detail.partition("not covered")[2]


def test_absent_fields_sign_as_nothing(opened: Open, key: str) -> None:
    item = signed_item(key, originalReference=None, amount=None, merchantReference=None, merchantAccountCode=None)
    for name in ("originalReference", "amount", "merchantReference", "merchantAccountCode"):
        del item[name]
    assert isinstance(opened(batch(item)).parsed, Batch)


def test_nothing_is_escaped_in_the_signed_text() -> None:
    item = Item("p", "o", "a", "r:\\/", None, "CAPTURE", False)
    assert signed_text(item) == b"p:o:a:r:\\/:::CAPTURE:false"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pspReference", "PPKFQ89R6QRXGN83"),
        ("originalReference", "X"),
        ("merchantAccountCode", "Other"),
        ("merchantReference", "order"),
        ("amount", {"value": 5000, "currency": "EUR"}),
        ("amount", {"value": 4999, "currency": "USD"}),
        ("amount", None),
        ("eventCode", "CAPTURE"),
        ("success", "false"),
        ("success", False),
        ("success", None),
    ],
)
def test_each_signed_value_is_guarded(field: str, value: Any, opened: Open, key: str) -> None:
    item = {**signed_item(key), field: value}
    with pytest.raises(SignatureRejected) as caught:
        opened(batch(item))
    assert caught.value.reason == "SIGNATURE_MISMATCH"


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_bad_item_refuses_the_whole_batch_and_is_named(bad: int, opened: Open, key: str) -> None:
    items = [signed_item(key, pspReference=f"P{index}") for index in range(3)]
    opened(batch(*items))
    items[bad]["amount"]["value"] += 1
    with pytest.raises(SignatureRejected) as caught:
        opened(batch(*items))
    assert caught.value.metadata == {"item": str(bad)}
    assert f"item {bad}" in caught.value.message


def test_a_signature_does_not_vouch_for_its_neighbour(opened: Open, key: str) -> None:
    first, second = signed_item(key), signed_item(key, pspReference="FORGED")
    second["additionalData"] = copy.deepcopy(first["additionalData"])
    with pytest.raises(SignatureRejected):
        opened(batch(first, second))


def test_of_a_key_that_stands_twice_the_one_that_is_read_is_the_one_that_is_verified(opened: Open, key: str) -> None:
    good, forged = json.dumps(batch(signed_item(key))), json.dumps(batch({**signed_item(key), "success": "false"}))
    body = (good[:-1] + "," + forged[1:]).encode()
    with pytest.raises(SignatureRejected):
        opened(body)


@pytest.mark.parametrize("secrets", [("{key}", OTHER), (OTHER, "{key}"), ("", "{key}"), ("not hex", "{key}")], ids=repr)
def test_any_key_in_use_passes(secrets: tuple[str, ...], opened: Open, key: str, header: Any) -> None:
    keys = tuple(secret.replace("{key}", key) for secret in secrets)
    opened(batch(signed_item(key)), secrets=keys)
    opened(MESSAGE, header(MESSAGE), secrets=keys)


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [
        ((), "SECRET_MISSING"),
        (("",), "SECRET_MISSING"),
        (("  ",), "SECRET_MISSING"),
        (("",) * 3, "SECRET_MISSING"),
        (("whsec_abc",), "SECRET_MALFORMED"),
        (("ABC",), "SECRET_MALFORMED"),
        (("ключ",), "SECRET_MALFORMED"),
        (("\ud800",), "SECRET_MALFORMED"),
        ((OTHER,), "SIGNATURE_MISMATCH"),
        ((OTHER, "not hex"), "SECRET_MALFORMED"),
    ],
    ids=repr,
)
def test_without_the_key_nothing_is_believed(
    secrets: tuple[str, ...], reason: str, opened: Open, key: str, header: Any
) -> None:
    for body, headers in ((batch(signed_item(key)), {}), (MESSAGE, header(MESSAGE))):
        with pytest.raises(SignatureRejected) as caught:
            opened(body, headers, secrets)
        assert caught.value.reason == reason
        assert caught.value.fix


def test_an_empty_key_signs_nothing(opened: Open, header: Any) -> None:
    """The HMAC under an empty key is known to everybody."""
    assert keys_of(("", " ")) == ((), 0)
    with pytest.raises(SignatureRejected):
        opened(MESSAGE, header(MESSAGE, ""), ("",))


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (None, "SIGNATURE_MISSING"),
        ("", "SIGNATURE_MISSING"),
        ("INVALID_SIGNATURE_BASE64==", "SIGNATURE_MALFORMED"),
        ("AAAA", "SIGNATURE_MALFORMED"),
        ("é" * 44, "SIGNATURE_MALFORMED"),
        (7, "SIGNATURE_MALFORMED"),
        (["x"], "SIGNATURE_MALFORMED"),
        ("A" * 43 + "=", "SIGNATURE_MISMATCH"),
    ],
    ids=repr,
)
def test_an_item_without_a_good_signature_is_refused(signature: Any, reason: str, opened: Open, key: str) -> None:
    item = signed_item(key)
    item["additionalData"]["hmacSignature"] = signature
    with pytest.raises(SignatureRejected) as caught:
        opened(batch(item))
    assert caught.value.reason == reason


def test_an_item_without_additional_data_is_refused(opened: Open, key: str) -> None:
    item = signed_item(key)
    del item["additionalData"]
    with pytest.raises(SignatureRejected) as caught:
        opened(batch(item))
    assert caught.value.reason == "SIGNATURE_MISSING"


def test_a_message_verifies_by_its_header_over_the_raw_body(opened: Open, header: Any, key: str) -> None:
    body = b'\n  { "type" : "merchant.created",  "data" : {"x": "\xc3\xa9"} }\n\t'
    opened(body, header(body))
    with pytest.raises(SignatureRejected):
        opened(body.strip(), header(body))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "SIGNATURE_MISSING"),
        ("", "SIGNATURE_MISSING"),
        ("nonsense", "SIGNATURE_MALFORMED"),
        ("\udcff\udcfe", "SIGNATURE_MALFORMED"),
        ("é", "SIGNATURE_MALFORMED"),
        ("A" * 43 + "=", "SIGNATURE_MISMATCH"),
    ],
    ids=repr,
)
def test_a_message_without_a_good_header_is_refused(value: str | None, reason: str, opened: Open) -> None:
    with pytest.raises(SignatureRejected) as caught:
        opened(MESSAGE, {} if value is None else {"hmacsignature": value})
    assert caught.value.reason == reason


def test_a_standard_webhook_is_never_believed_by_a_header(opened: Open, header: Any, key: str) -> None:
    unsigned = signed_item(key)
    del unsigned["additionalData"]
    for body in (
        batch(unsigned),
        unsigned,
        {**batch(unsigned), **MESSAGE},
        {**unsigned, **MESSAGE},
        {"NotificationRequestItem": unsigned, **MESSAGE},
        {**unsigned, "eventType": "ACCOUNT_HOLDER_PAYOUT"},
    ):
        with pytest.raises(SignatureRejected) as caught:
            opened(body, header(body))
        assert caught.value.reason == "SIGNATURE_MISSING"


def test_a_message_is_never_believed_by_an_item_signature(opened: Open, key: str) -> None:
    body = {**MESSAGE, "additionalData": signed_item(key)["additionalData"]}
    with pytest.raises(SignatureRejected) as caught:
        opened(body)
    assert caught.value.reason == "SIGNATURE_MISSING"


def test_beside_items_nothing_else_of_a_body_is_read(
    opened: Open, key: str, normalized: Callable[[Any], list[Event]]
) -> None:
    body = {**batch(signed_item(key)), "type": "balancePlatform.transfer.updated", "eventCode": "CAPTURE", "data": {}}
    opened(body)
    assert [event.type for event in normalized(body)] == ["payment.authorized"]


def test_a_batch_without_items_is_not_believed_by_anything(opened: Open, header: Any) -> None:
    for body in ({"notificationItems": []}, {"notificationItems": None}, {"notificationItems": [], **MESSAGE}):
        with pytest.raises(PayloadRejected) as caught:
            opened(body, header(body))
        assert caught.value.reason == "PAYLOAD_FIELD_MISSING"


def test_neither_keys_nor_signatures_show(opened: Open, key: str, header: Any) -> None:
    item = signed_item(key)
    signature = item["additionalData"]["hmacSignature"]
    found = opened(batch(item))
    shown = repr(found) + repr(found.parsed) + repr(found.parsed.items[0]) + repr(found.parsed.items[0].additional_data)
    for body, headers in ((batch({**item, "success": "false"}), {}), ({**MESSAGE, "x": 1}, header(MESSAGE))):
        with pytest.raises(SignatureRejected) as caught:
            opened(body, headers)
        shown += str(caught.value) + repr(caught.value) + repr(caught.value.metadata)
    assert key not in shown
    assert key.lower() not in shown.lower()
    assert signature not in shown
    assert header(MESSAGE)["hmacsignature"] not in shown


def test_signing_is_base64_of_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    digest = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert sign(b"what do ya want for nothing?", b"Jefe") == base64.b64encode(digest).decode()
