"""Our calls as Daraja's requests: what goes out, and what is refused before it does."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from connectors.mpesa import requests
from connectors.mpesa.account import Account, read_account
from connectors.spi import Capability, Context, Environment
from connectors.spi.operations import Call
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.instrument_pb2 import Card, Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    CAPTURE_MODE_MANUAL,
    PaymentServiceAuthorizeRequest,
)
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.reference_pb2 import Reference
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

KEY = "0197c5a1-52c3-7d30-9c41-3f6a2b1c0d9e"
NOW_S = 1_773_472_600
CONFIG = {
    "MPESA_CONSUMER_KEY": "key",
    "MPESA_CONSUMER_SECRET": "hush",
    "MPESA_SHORTCODE": "600000",
    "MPESA_PASSKEY": "pass",
    "MPESA_URL_TOKEN": "newest-token-of-two, older-token-of-two",
    "MPESA_CALLBACK_BASE": "https://pay.shop.example/",
    "MPESA_INITIATOR_NAME": "operator",
    "MPESA_SECURITY_CREDENTIAL": "c2VjcmV0",
}
CALLBACKS = "https://pay.shop.example/webhooks/daraja/default/newest-token-of-two"


def account(**changes: str) -> Account:
    return read_account({**CONFIG, **changes})


def kes(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency="KES")


def call_of(capability: Capability, request: Any, payment: Payment | None = None, merchant: str = "default") -> Call:
    context = Context(merchant, Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)
    return Call(capability, request, KEY, context, 10.0, payment=payment)


def authorize(merchant: str = "default", **changes: Any) -> Call:
    fields: dict[str, Any] = {
        "amount": kes(150_000),
        "instrument": Instrument(phone="0708374149"),
        "merchant_transaction_id": "order-7",
        "description": "Two pairs of shoes",
    }
    return call_of(Capability.AUTHORIZE, PaymentServiceAuthorizeRequest(**{**fields, **changes}), merchant=merchant)


def captured(minor_units: int = 150_000, receipts: tuple[str, ...] = ("UAB1C2D3E4",)) -> Payment:
    payment = Payment(captured=kes(minor_units), amount=kes(minor_units))
    payment.references.append(Reference(kind="checkout_request", value="ws_CO_1"))
    payment.references.extend(Reference(kind="receipt", value=receipt) for receipt in receipts)
    return payment


def refund(payment: Payment | None, **changes: Any) -> Call:
    return call_of(Capability.REFUND, RefundServiceCreateRequest(**changes), payment)


def payout(**changes: Any) -> Call:
    fields: dict[str, Any] = {"amount": kes(70_000), "destination": PayoutDestination(phone="+254 112 345 678")}
    return call_of(Capability.CREATE_PAYOUT, PayoutServiceCreateRequest(**{**fields, **changes}))


def test_a_push_has_the_documented_fields() -> None:
    draft = requests.push(authorize(), account(), NOW_S)
    password = base64.b64encode(b"600000pass20260314101640").decode()
    assert draft.path == "/mpesa/stkpush/v1/processrequest"
    assert draft.body == {
        "BusinessShortCode": "600000",
        "Password": password,
        "Timestamp": "20260314101640",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 1500,
        "PartyA": "254708374149",
        "PartyB": "600000",
        "PhoneNumber": "254708374149",
        "CallBackURL": CALLBACKS,
        "AccountReference": "order-7",
        "TransactionDesc": "Two pairs of",
    }
    assert "254708374149" not in repr(draft)


def test_a_till_is_paid_by_buy_goods() -> None:
    body = requests.push(authorize(), account(MPESA_TILL="5001234"), NOW_S).body
    assert (body["TransactionType"], body["BusinessShortCode"], body["PartyB"]) == (
        "CustomerBuyGoodsOnline",
        "600000",
        "5001234",
    )


@pytest.mark.parametrize(
    "text",
    ["254708374149", "+254708374149", "0708374149", "0708 374 149", "+254-708-374-149", " 254708374149 "],
)
def test_a_phone_is_taken_as_kenyans_write_it(text: str) -> None:
    assert requests.normalized_phone(text, "phone") == "254708374149"


def test_numbers_that_begin_with_one_are_mobile_too() -> None:
    assert requests.normalized_phone("0112345678", "phone") == "254112345678"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "708374149",
        "25470837414",
        "2547083741490",
        "254208374149",
        "255708374149",
        "+1 555 0100",
        "07083741é9",
        "0\u066708374149",
    ],
)
def test_other_numbers_are_refused_and_not_shown(text: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        requests.push(authorize(instrument=Instrument(phone=text)), account(), NOW_S)
    assert refused.value.metadata == {"field": "instrument.phone"}
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize(
    ("amount", "field"),
    [
        (kes(150_050), "amount.minor_units"),
        (kes(99), "amount.minor_units"),
        (kes(0), "amount.minor_units"),
        (kes(-100), "amount.minor_units"),
        (Money(minor_units=1000, currency="USD"), "amount.currency"),
        (Money(), "amount.currency"),
    ],
)
def test_only_whole_shillings_are_taken(amount: Money, field: str) -> None:
    for draft in (
        lambda: requests.push(authorize(amount=amount), account(), NOW_S),
        lambda: requests.payout(payout(amount=amount), account()),
    ):
        with pytest.raises(RequestRejected) as refused:
            draft()
        assert refused.value.metadata == {"field": field}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"capture_mode": CAPTURE_MODE_MANUAL}, "capture_mode"),
        ({"off_session": True}, "off_session"),
        ({"save_instrument": True}, "save_instrument"),
        ({"merchant_transaction_id": "order-1234567"}, "merchant_transaction_id"),
        ({"merchant_transaction_id": "ordér"}, "merchant_transaction_id"),
        ({"merchant_transaction_id": "a\nb"}, "merchant_transaction_id"),
        ({"instrument": Instrument(token="tok_1")}, "instrument"),
        ({"instrument": Instrument(redirect_method="paypal")}, "instrument"),
        ({"instrument": Instrument()}, "instrument"),
    ],
)
def test_what_a_push_cannot_do_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        requests.push(authorize(**changes), account(), NOW_S)
    assert refused.value.metadata == {"field": field}
    assert refused.value.fix


def test_raw_cards_are_refused_and_not_shown() -> None:
    card = Card(number="4000056655665556", cvc="737")
    with pytest.raises(RequestRejected) as refused:
        requests.push(authorize(instrument=Instrument(card=card)), account(), NOW_S)
    assert refused.value.reason == "RAW_CARD_REFUSED"
    assert "4000056655665556" not in str(refused.value)


def test_automatic_capture_may_be_said() -> None:
    assert requests.push(authorize(capture_mode=CAPTURE_MODE_AUTOMATIC), account(), NOW_S).body["Amount"] == 1500


def test_without_a_reference_our_key_stands_there() -> None:
    body = requests.push(authorize(merchant_transaction_id="", description=""), account(), NOW_S).body
    assert (body["AccountReference"], body["TransactionDesc"]) == ("0197C5A152C3", "Payment")


@pytest.mark.parametrize("merchant", ["mpesa-shop", "MySQL", "execs", "query"])
def test_a_merchant_whose_urls_safaricom_refuses_is_told(merchant: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        requests.push(authorize(merchant), account(), NOW_S)
    assert refused.value.metadata == {"field": "merchant_id"}
    assert "newest-token-of-two" not in str(refused.value)


def test_a_payout_has_the_documented_fields_and_our_key() -> None:
    draft = requests.payout(
        payout(merchant_payout_id="salary-3", description="März"), account(MPESA_B2C_SHORTCODE="3012")
    )
    assert draft.path == "/mpesa/b2c/v3/paymentrequest"
    assert draft.body == {
        "OriginatorConversationID": KEY,
        "InitiatorName": "operator",
        "SecurityCredential": "c2VjcmV0",
        "CommandID": "BusinessPayment",
        "Amount": 700,
        "PartyA": "3012",
        "PartyB": "254112345678",
        "Remarks": "Mrz",
        "QueueTimeOutURL": f"{CALLBACKS}/b2c.timeout",
        "ResultURL": f"{CALLBACKS}/b2c",
        "Occassion": "salary-3",
    }


def test_money_is_sent_to_phones_only() -> None:
    for destination in (PayoutDestination(email="a@b.example"), PayoutDestination(own_account=True), None):
        with pytest.raises(RequestRejected) as refused:
            requests.payout(payout(destination=destination), account())
        assert refused.value.metadata == {"field": "destination"}


def test_a_reversal_has_the_documented_fields() -> None:
    draft = requests.reversal(refund(captured(), refund_reason="wrong size"), account())
    assert draft.path == "/mpesa/reversal/v1/request"
    assert draft.body == {
        "Initiator": "operator",
        "SecurityCredential": "c2VjcmV0",
        "CommandID": "TransactionReversal",
        "TransactionID": "UAB1C2D3E4",
        "Amount": 1500,
        "ReceiverParty": "600000",
        "RecieverIdentifierType": "11",
        "ResultURL": f"{CALLBACKS}/reversal",
        "QueueTimeOutURL": f"{CALLBACKS}/reversal.timeout",
        "Remarks": "wrong size",
        "Occasion": "",
    }


def test_the_whole_amount_may_be_said() -> None:
    assert requests.reversal(refund(captured(), amount=kes(150_000)), account()).body["Amount"] == 1500


def _partly_back() -> Payment:
    payment = captured()
    payment.refunded.CopyFrom(kes(150_000))
    return payment


@pytest.mark.parametrize(
    ("payment", "changes", "field"),
    [
        (captured(), {"amount": kes(100_000)}, "amount"),
        (captured(), {"amount": kes(200_000)}, "amount"),
        (captured(0), {}, "payment_id"),
        (captured(receipts=()), {}, "payment_id"),
        (captured(receipts=("UA1", "UA2")), {}, "payment_id"),
        (_partly_back(), {}, "payment_id"),
        (None, {}, "payment_id"),
    ],
)
def test_a_refund_that_m_pesa_cannot_make_is_refused(
    payment: Payment | None, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestRejected) as refused:
        requests.reversal(refund(payment, **changes), account())
    assert refused.value.metadata == {"field": field}


def test_without_an_operator_neither_payouts_nor_refunds_are_sent() -> None:
    plain = account(MPESA_INITIATOR_NAME="")
    for draft in (lambda: requests.payout(payout(), plain), lambda: requests.reversal(refund(captured()), plain)):
        with pytest.raises(RequestRejected) as refused:
            draft()
        assert refused.value.reason == "CREDENTIALS_MISSING"
        assert "MPESA_INITIATOR_NAME" in refused.value.fix


def test_a_payout_is_asked_about_by_our_key() -> None:
    draft = requests.status_of_payout(payout(), account())
    assert draft.path == "/mpesa/transactionstatus/v1/query"
    assert draft.body["OriginatorConversationID"] == draft.body["OriginalConversationID"] == KEY
    assert draft.body["ResultURL"] == f"{CALLBACKS}/status"
