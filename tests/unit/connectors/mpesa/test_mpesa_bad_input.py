"""Bad input: a typed refusal with its own reason, never another error and never an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mpesa import connector
from connectors.spi import Context, Environment, Material, PayloadRejected, SampleWebhook, SignatureRejected, Webhook
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

STK = {"CheckoutRequestID": "ws_CO_1", "ResultCode": 0}


def paid(**items: Any) -> dict[str, Any]:
    listed = [{"Name": name, "Value": value} for name, value in items.items()]
    return {"Body": {"stkCallback": STK | {"CallbackMetadata": {"Item": listed}}}}


def c2b(**more: Any) -> dict[str, Any]:
    return {"TransID": "UCE1", "TransAmount": "1.00"} | more


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "PAYLOAD_EMPTY"),
        (b"  \n", "PAYLOAD_EMPTY"),
        (b"\xff\xfe", "PAYLOAD_NOT_UTF8"),
        (b'{"TransID":"\xff"}', "PAYLOAD_NOT_UTF8"),
        (b"<xml/>", "PAYLOAD_NOT_JSON"),
        (b'{"TransID":', "PAYLOAD_NOT_JSON"),
        (b'{"TransID":"a","TransAmount":NaN}', "PAYLOAD_NOT_JSON"),
        (b'{"TransID":"\\ud800","TransAmount":"1"}', "PAYLOAD_NOT_JSON"),
        (b"[]", "PAYLOAD_NOT_OBJECT"),
        (b'"text"', "PAYLOAD_NOT_OBJECT"),
        (b"null", "PAYLOAD_NOT_OBJECT"),
        (b'{"Response":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "PAYLOAD_TOO_DEEP"),
        (b"{}", "PAYLOAD_FIELD_MISSING"),
        (b'{"Body":{}}', "PAYLOAD_FIELD_MISSING"),
        (b'{"Body":{"stkCallback":{}}}', "PAYLOAD_FIELD_MISSING"),
        (b'{"Body":"stkCallback"}', "PAYLOAD_FIELD_INVALID"),
        (b'{"Body":{"stkCallback":[]}}', "PAYLOAD_FIELD_INVALID"),
        (b'{"Result":{}}', "PAYLOAD_FIELD_MISSING"),
        (b'{"Result":[]}', "PAYLOAD_FIELD_INVALID"),
        (b'{"TransID":"UCE1"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"TransID":"","TransAmount":"1"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"resultCode":"0"}', "PAYLOAD_FIELD_MISSING"),
        (b'{"CheckoutRequestID":""}', "PAYLOAD_FIELD_MISSING"),
        (b'{"ConversationID":""}', "PAYLOAD_FIELD_MISSING"),
        (b'{"responseHeader":{}}', "PAYLOAD_FIELD_MISSING"),
        (b'{"ResponseHeader":{},"ResponseBody":{"ResponseData":[]}}', "PAYLOAD_FIELD_MISSING"),
        (b'{"stkCallback":{}}', "PAYLOAD_FIELD_MISSING"),
        (b'{"CheckoutRequestID":"a","CallbackMetadata":7}', "PAYLOAD_FIELD_INVALID"),
        (b'{"ConversationID":"a","ResultType":0,"ResultParameters":7}', "PAYLOAD_FIELD_INVALID"),
        (b"\xef\xbb\xbf", "PAYLOAD_EMPTY"),
        (b'{"Response":[[1]]}', "PAYLOAD_FIELD_INVALID"),
        (b'{"Response":[[{}]]}', "PAYLOAD_FIELD_MISSING"),
        (b'{"TransID":"a","TransAmount":1e99999999999999999999}', "PAYLOAD_FIELD_INVALID"),
        (b'{"TransID":"a","TransAmount":' + b"9" * 5_000 + b"}", "PAYLOAD_FIELD_INVALID"),
        (b'{"TransID":"a","TransAmount":1e400}', "AMOUNT_OUT_OF_RANGE"),
    ],
)  # fmt: skip
def test_malformed_bodies_are_refused_with_their_reason(body: bytes, reason: str, normalized: Any) -> None:
    with pytest.raises(PayloadRejected) as refused:
        normalized(body)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (paid(Amount="much"), "PAYLOAD_FIELD_INVALID"),
        (paid(Amount=-1), "PAYLOAD_FIELD_INVALID"),
        (paid(Amount=0.001), "AMOUNT_NOT_REPRESENTABLE"),
        (paid(Amount=10**30), "AMOUNT_OUT_OF_RANGE"),
        (paid(Amount={"Value": 1}), "PAYLOAD_FIELD_INVALID"),
        (paid(TransactionDate="soon"), "PAYLOAD_FIELD_INVALID"),
        (paid(MpesaReceiptNumber=["UCE1"]), "PAYLOAD_FIELD_INVALID"),
        (paid(MpesaReceiptNumber="U" * 300), "PAYLOAD_FIELD_INVALID"),
        (c2b(TransID={"a": 1}), "PAYLOAD_FIELD_INVALID"),
        (c2b(TransTime="20269999999999"), "PAYLOAD_FIELD_INVALID"),
        (c2b(BillRefNumber=["x"]), "PAYLOAD_FIELD_INVALID"),
        (c2b(BusinessShortCode=True), "PAYLOAD_FIELD_INVALID"),
        ({"Result": {"ConversationID": "AG_1", "ResultCode": {}}}, "PAYLOAD_FIELD_INVALID"),
        ({"Result": {"ConversationID": "AG_1\x00", "ResultCode": 0}}, "PAYLOAD_FIELD_INVALID"),
    ],
)
def test_wrong_values_are_refused_with_their_reason(body: object, reason: str, normalized: Any) -> None:
    with pytest.raises(PayloadRejected) as refused:
        normalized(body)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        paid(Amount=None, TransactionDate=None, MpesaReceiptNumber=None, PhoneNumber=None),
        paid(Balance={"odd": [1]}, Unheard="x"),
        {"Body": {"stkCallback": STK | {"CallbackMetadata": ""}}},
        {"Body": {"stkCallback": STK | {"CallbackMetadata": {"Item": {"Name": "Amount", "Value": 1}}}}},
        {"Body": {"stkCallback": STK | {"CallbackMetadata": {"Item": [None, {}]}}}},
        c2b(BillRefNumber=None, MSISDN={}, FirstName=7, InvoiceNumber=[]),
        {"Result": {"ConversationID": "AG_1", "ResultCode": 0, "ResultParameters": "", "ReferenceData": ""}},
        {"Result": {"ConversationID": "AG_1", "ResultParameters": {"ResultParameter": ""}, "ReferenceData": None}},
        {"Result": {"ConversationID": "AG_1", "ResultParameters": {"ResultParameter": [None, {"Value": 1}]}}},
        {"Result": {"OriginatorConversationID": "1-2-3", "ReferenceData": {"ReferenceItem": [{"Key": "Occasion"}]}}},
    ],
)
def test_what_is_not_needed_may_be_anything(body: object, normalized: Callable[..., list[Event]]) -> None:
    assert len(normalized(body)) == 1


@pytest.mark.parametrize("body", [{"Body": {"b2cCallback": {"a": 1}}}, {"Body": {"stkCallback": None, "new": 1}}])
def test_a_callback_of_a_kind_that_came_later_is_kept(body: object, normalized: Callable[..., list[Event]]) -> None:
    (event,) = normalized(body)
    assert (event.type, event.unmapped.unmapped_reason) == ("connector.unmapped", "unknown_type")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("inv\u00a017", "inv 17"),
        ("inv\t17 ", "inv 17"),
        ("\u202einv\u200d17", "inv17"),
        ("\x00", ""),
        ("7" * 300, "7" * 255),
        (1700, "1700"),
    ],
)
def test_what_a_payer_types_never_refuses_money_that_has_moved(
    typed: object, kept: str, normalized: Callable[..., list[Event]]
) -> None:
    """The account number is free text from a phone, and M-Pesa may not send the confirmation again."""
    pulled = {"Response": [[{"transactionId": "UCE1", "trxDate": "2026-03-14T12:00:00Z", "billreference": typed}]]}
    bill = {"transactionId": "UCE1", "paidAmount": 1, "accountReference": typed}
    for body in (c2b(BillRefNumber=typed), bill, pulled):
        (event,) = normalized(body)
        assert event.merchant_transaction_id == kept


def test_a_body_is_never_quoted_in_a_refusal(normalized: Any) -> None:
    with pytest.raises(PayloadRejected) as refused:
        normalized(c2b(TransAmount="254700000321x"))
    assert "254700000321" not in str(refused.value)


def attempt(body: bytes, token: str, purpose: str = "") -> list[Event]:
    """Opens and normalizes; the only errors let through are the typed refusals."""
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, 10**18, purpose=purpose)
    try:
        opened = connector.open(Webhook(body, {}, token, purpose=purpose), Material(secrets=(token,)), 10**9)
        events = connector.normalize(opened.parsed, context, body)
    except (PayloadRejected, SignatureRejected):
        return []
    for event in events:
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        assert Event.FromString(event.SerializeToString()) == event
    return events


@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(body: bytes, token: str) -> None:
    attempt(body, token)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    "Body stkCallback CheckoutRequestID ResultCode CallbackMetadata Item Name Value Amount Result ConversationID "
    "ResultParameters ResultParameter Key ReferenceData ReferenceItem TransID TransAmount TransTime Response "
    "transactionId trxDate paidAmount errorCode resultCode requestId responseHeader requestRefID status code "
    "ResponseHeader ResponseBody ResponseData responseBody responseData name value ResultType paymentReference".split()
)
NAMED_VALUES = st.recursive(
    JSON_VALUES, lambda inner: st.dictionaries(NAMES, inner, max_size=5) | st.lists(inner, max_size=3), max_leaves=12
)


@settings(deadline=None)
@given(body=st.dictionaries(NAMES, NAMED_VALUES, max_size=6), purpose=st.sampled_from(["", "timeout", "validation"]))
def test_any_object_with_daraja_names_is_refused_or_read(body: Any, purpose: str, token: str) -> None:
    attempt(json.dumps(body).encode(), token, purpose)


@settings(deadline=None)
@given(data=st.data())
def test_any_mutation_of_a_real_body_is_refused_or_read(
    data: st.DataObject, sampled: Callable[..., SampleWebhook], token: str
) -> None:
    sample = sampled(data.draw(st.sampled_from(list(connector.event_types))))
    body = bytearray(sample.body)
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        at = data.draw(st.integers(min_value=0, max_value=len(body) - 1))
        body[at] = data.draw(st.integers(min_value=0, max_value=255))
    attempt(bytes(body), token, sample.purpose)


@settings(deadline=None)
@given(data=st.data())
def test_any_value_put_in_place_of_another_is_refused_or_read(
    data: st.DataObject, sampled: Callable[..., SampleWebhook], token: str
) -> None:
    sample = sampled(data.draw(st.sampled_from(list(connector.event_types))))
    fields = json.loads(sample.body)
    spots = list(spots_of(fields))
    holder, key = data.draw(st.sampled_from(spots))
    holder[key] = data.draw(JSON_VALUES)
    attempt(json.dumps(fields).encode(), token, sample.purpose)


def spots_of(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from spots_of(inner)
