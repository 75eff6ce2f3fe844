"""Our calls as PayPal's requests: what is sent for what is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.paypal import requests, requests_other
from connectors.paypal.references import foreign_invoice, own_invoice
from connectors.spi import Capability, Context
from connectors.spi.operations import Call
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    CaptureMode,
    PaymentServiceAuthorizeRequest,
    PaymentServiceCaptureRequest,
    PaymentServiceConfirmRedirectRequest,
    PaymentServiceVoidRequest,
)
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.reference_pb2 import Reference
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

KEY = "6b1fb6d0-5a0f-4c1d-9f5d-0d9f1f6f3c11"
INVOICE = f"orchestratorx_request:{KEY}"


def usd(minor: int) -> Money:
    return Money(minor_units=minor, currency="USD")


def made(context: Context, request: Any, **more: Any) -> Call:
    return Call(Capability.AUTHORIZE, request, key=KEY, context=context, timeout_s=5.0, **more)


def payment(*references: tuple[str, str], authorized: int = 10_000, captured: int = 0, **fields: Any) -> Payment:
    return Payment(
        authorized=usd(authorized),
        captured=usd(captured),
        references=[Reference(kind=kind, value=value) for kind, value in references],
        merchant_transaction_id="order-1",
        **fields,
    )


def order(context: Context, saved_kind: str = "", **fields: Any) -> dict[str, Any]:
    asked = PaymentServiceAuthorizeRequest(amount=usd(1099), merchant_transaction_id="order-1", **fields)
    request = requests.create_order(made(context, asked), saved_kind)
    assert (request.method, request.path, request.key) == ("POST", "/v2/checkout/orders", KEY)
    return json.loads(request.content)


def test_the_payers_page_is_told_where_to_send_the_payer_back(context: Context) -> None:
    body = order(
        context,
        instrument=Instrument(redirect_method="paypal"),
        return_url="https://shop.example/back",
        description="shoes",
        payer_email="payer@example.com",
    )
    assert body == {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "reference_id": "default",
                "invoice_id": INVOICE,
                "amount": {"currency_code": "USD", "value": "10.99"},
                "custom_id": "order-1",
                "description": "shoes",
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": "https://shop.example/back",
                    "cancel_url": "https://shop.example/back",
                    "user_action": "PAY_NOW",
                },
                "email_address": "payer@example.com",
            }
        },
    }


@pytest.mark.parametrize(
    ("kind", "off_session", "credential"),
    [
        ("card", True, {"payment_initiator": "MERCHANT", "usage": "SUBSEQUENT", "payment_type": "UNSCHEDULED"}),
        ("card", False, {"payment_initiator": "CUSTOMER", "usage": "SUBSEQUENT", "payment_type": "ONE_TIME"}),
        ("paypal", True, {"payment_initiator": "MERCHANT", "usage": "SUBSEQUENT"}),
    ],
)
def test_a_saved_method_is_charged_by_its_id(
    context: Context, kind: str, off_session: bool, credential: dict[str, str]
) -> None:
    body = order(
        context,
        kind,
        instrument=Instrument(connector_payment_method_id="8kk8451t"),
        off_session=off_session,
        capture_mode=CaptureMode.CAPTURE_MODE_MANUAL,
    )
    assert body["intent"] == "AUTHORIZE"
    assert body["payment_source"] == {kind: {"vault_id": "8kk8451t", "stored_credential": credential}}


def test_a_token_is_used_once_and_its_card_kept_where_that_is_asked_for(context: Context) -> None:
    fields: dict[str, Any] = {"instrument": Instrument(token="0AB12345CD678901E")}
    assert order(context, **fields)["payment_source"] == {"card": {"single_use_token": "0AB12345CD678901E"}}
    kept = order(context, save_instrument=True, connector_customer_id="customer_1", **fields)
    assert kept["payment_source"]["card"]["attributes"] == {
        "customer": {"id": "customer_1"},
        "vault": {"store_in_vault": "ON_SUCCESS"},
    }


@pytest.mark.parametrize("kind", ["", "apple_pay", "bank"])
def test_a_saved_method_of_a_kind_that_cannot_be_charged_is_refused(context: Context, kind: str) -> None:
    with pytest.raises(RequestRejected):
        order(context, kind, instrument=Instrument(connector_payment_method_id="x"))


@pytest.mark.parametrize(
    ("captured", "asked", "final", "sent", "sent_final"),
    [
        (0, 3_000, False, "30.00", False),
        (0, 3_000, True, "30.00", True),
        (0, None, False, "100.00", True),
        (7_000, None, False, "30.00", True),
        (7_000, 3_000, False, "30.00", True),
        (0, 11_500, False, "115.00", False),
    ],
)
def test_a_capture_is_the_last_when_it_is_said_or_nothing_is_left(
    context: Context, captured: int, asked: int | None, final: bool, sent: str, sent_final: bool
) -> None:
    amount = None if asked is None else usd(asked)
    request = requests.capture(
        made(
            context,
            PaymentServiceCaptureRequest(amount=amount, final_capture=final),
            payment=payment(("authorization", "A1"), ("authorization", "A2"), captured=captured),
        )
    )
    assert request.path == "/v2/payments/authorizations/A2/capture"
    assert json.loads(request.content) == {
        "amount": {"currency_code": "USD", "value": sent},
        "invoice_id": INVOICE,
        "final_capture": sent_final,
    }


def test_nothing_is_left_to_capture_or_refund(context: Context) -> None:
    known = payment(("authorization", "A1"), ("capture", "C1"), captured=10_000, refunded=usd(10_000))
    with pytest.raises(RequestRejected) as caught:
        requests.capture(made(context, PaymentServiceCaptureRequest(), payment=known))
    assert caught.value.metadata == {"field": "amount"}
    with pytest.raises(RequestRejected) as caught:
        requests.refund_amount(made(context, RefundServiceCreateRequest(), payment=known))
    assert caught.value.metadata == {"field": "amount"}


def test_what_has_no_authorization_cannot_be_captured_or_released(context: Context) -> None:
    for build, request in (
        (requests.capture, PaymentServiceCaptureRequest()),
        (requests.void, PaymentServiceVoidRequest()),
    ):
        with pytest.raises(RequestRejected) as caught:
            build(made(context, request, payment=payment(("order", "O1"))))
        assert caught.value.metadata == {"field": "payment_id"}


def test_a_refund_tells_the_payer_why_and_bears_our_key(context: Context) -> None:
    asked = RefundServiceCreateRequest(amount=usd(500), refund_reason="too small", merchant_refund_id="refund-1")
    call = made(context, asked, payment=payment(("capture", "C1"), captured=10_000))
    request = requests.refund(call, "C1", requests.refund_amount(call))
    assert request.path == "/v2/payments/captures/C1/refund"
    assert json.loads(request.content) == {
        "amount": {"currency_code": "USD", "value": "5.00"},
        "invoice_id": INVOICE,
        "custom_id": "order-1",
        "note_to_payer": "too small",
    }


def test_ids_that_could_leave_their_path_are_refused(context: Context) -> None:
    for value in ("../orders", "a/b", "a?b", "", "x" * 65, "ä"):
        with pytest.raises(RequestRejected):
            requests.identifier(value, "id")
    with pytest.raises(RequestRejected):
        requests.confirmed_order(
            made(context, PaymentServiceConfirmRedirectRequest(), payment=payment(("order", "../x")))
        )


def test_the_invoice_id_carries_our_key_and_is_not_the_merchants(context: Context) -> None:
    assert own_invoice(KEY) == INVOICE
    assert foreign_invoice(INVOICE) == ""
    assert foreign_invoice("INV-7") == "INV-7"
    assert foreign_invoice(None) == ""


def test_a_payout_is_a_batch_of_one_by_our_key(context: Context) -> None:
    asked = PayoutServiceCreateRequest(
        amount=Money(minor_units=500, currency="JPY"),
        destination=PayoutDestination(phone="14155550100"),
        description="thanks",
    )
    request = requests_other.payout(made(context, asked))
    assert json.loads(request.content) == {
        "sender_batch_header": {"sender_batch_id": KEY},
        "items": [
            {
                "recipient_type": "PHONE",
                "amount": {"currency": "JPY", "value": "500"},
                "receiver": "14155550100",
                "sender_item_id": KEY,
                "note": "thanks",
            }
        ],
    }
    asked.merchant_payout_id = "x" * 64
    with pytest.raises(RequestRejected) as caught:
        requests_other.payout(made(context, asked))
    assert caught.value.metadata == {"field": "merchant_payout_id"}


def test_no_repr_shows_what_is_sent(context: Context) -> None:
    asked = PaymentServiceAuthorizeRequest(amount=usd(1), instrument=Instrument(token="SECRETTOKEN"))
    assert "SECRETTOKEN" not in repr(requests.create_order(made(context, asked), ""))
