"""Our payment calls as PayPal's requests: Orders v2 and Payments v2. Pure; refuses what PayPal cannot take.

Source: PayPal docs, "Orders v2" and "Payments v2".
"""

from __future__ import annotations

from typing import Any

from connectors.paypal.references import own_invoice
from connectors.paypal.request import DAY_S, HOUR_S, Request, amount, identifier, post, rejected
from connectors.paypal.requests_source import payment_source
from connectors.spi.operations import Call
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import CaptureMode, PaymentServiceAuthorizeRequest

ORDERS = "/v2/checkout/orders"
PAYMENT_TOKENS = "/v3/vault/payment-tokens"
ORDER_KEY_LIFE_S = 6 * HOUR_S
"""How long PayPal stores a PayPal-Request-Id. Source: "Orders v2", "Create order"."""
PAYMENT_KEY_LIFE_S = 45 * DAY_S
"""Source: "Payments v2", "Capture authorized payment", "Void", "Refund captured payment"."""

_LONGEST_DESCRIPTION = 127
_LONGEST_NOTE = 255


def create_order(call: Call, saved_kind: str) -> Request:
    """The order for an Authorize.

    Args:
        saved_kind: What the saved method is, as PayPal names payment sources: "card", "paypal"; empty if none is used.

    Raises:
        RequestRejected: `metadata["field"]` names what PayPal cannot take.
    """
    asked = call.request
    unit: dict[str, Any] = {
        "reference_id": "default",
        "invoice_id": own_invoice(call.key),
        "amount": amount(asked.amount, "amount"),
    }
    if asked.merchant_transaction_id:
        unit["custom_id"] = asked.merchant_transaction_id
    if asked.description:
        unit["description"] = asked.description[:_LONGEST_DESCRIPTION]
    body = {
        "intent": "AUTHORIZE" if asked.capture_mode == CaptureMode.CAPTURE_MODE_MANUAL else "CAPTURE",
        "purchase_units": [unit],
        "payment_source": payment_source(asked, saved_kind),
    }
    return post(ORDERS, body, call.key)


def charge(call: Call) -> PaymentServiceAuthorizeRequest:
    """A charge by a mandate, as the Authorize that it is: a saved method is charged without the payer."""
    asked = call.request
    return PaymentServiceAuthorizeRequest(
        amount=asked.amount,
        merchant_transaction_id=asked.merchant_transaction_id,
        description=asked.description,
        instrument=Instrument(
            connector_payment_method_id=identifier(asked.connector_mandate_id, "connector_mandate_id")
        ),
        capture_mode=CaptureMode.CAPTURE_MODE_AUTOMATIC,
        off_session=True,
    )


def saved_method(call: Call) -> str:
    """The id of the saved method that an Authorize uses; empty if it uses none.

    Raises:
        RequestRejected: It is not one that can stand in an address.
    """
    found: str = call.request.instrument.connector_payment_method_id
    return identifier(found, "instrument.connector_payment_method_id") if found else ""


def confirm_order(call: Call, order_id: str, intent: str) -> Request:
    """Takes or reserves the money of an order that the payer approved."""
    action = "authorize" if intent == "AUTHORIZE" else "capture"
    return post(f"{ORDERS}/{order_id}/{action}", None, call.key)


def confirmed_order(call: Call) -> str:
    """The order that the payer came back from.

    Raises:
        RequestRejected: The payment has none, or the parameters name another: the payer sends them.
    """
    payment = _payment(call)
    known = reference(payment, "order")
    if not known:
        raise rejected("payment_id", "the payment has no PayPal order to go on with")
    token = call.request.parameters.get("token", "")
    if token and token != known:
        raise rejected("parameters.token", "the payer came back with another payment's token")
    return identifier(known, "payment_id")


def order_path(payment: Payment | None) -> str:
    """Where the payment's order is asked for; empty if it has none."""
    order_id = reference(payment, "order") if payment is not None else ""
    return f"{ORDERS}/{identifier(order_id, 'payment_id')}" if order_id else ""


def authorization_path(payment: Payment | None) -> str:
    """Where the payment's authorization is asked for; empty if it has none."""
    found = reference(payment, "authorization") if payment is not None else ""
    return f"/v2/payments/authorizations/{identifier(found, 'payment_id')}" if found else ""


def capture(call: Call) -> Request:
    """Takes part or all of an authorization.

    Raises:
        RequestRejected: The payment has no authorization, or nothing is left, or PayPal does not take the amount.
    """
    payment, asked = _payment(call), call.request
    path = authorization_path(payment)
    if not path:
        raise rejected("payment_id", "the payment has no PayPal authorization to capture")
    left = payment.authorized.minor_units - payment.captured.minor_units
    wanted = asked.amount if asked.HasField("amount") else Money(minor_units=left, currency=payment.authorized.currency)
    if wanted.minor_units <= 0:
        raise rejected("amount", "nothing is left to capture")
    body = {
        "amount": amount(wanted, "amount"),
        "invoice_id": own_invoice(call.key),
        "final_capture": asked.final_capture or wanted.minor_units == left,
    }
    return post(f"{path}/capture", body, call.key)


def void(call: Call) -> Request:
    """Releases an authorization.

    Raises:
        RequestRejected: The payment has none. An order that nobody approved needs no release: it runs out by itself.
    """
    path = authorization_path(_payment(call))
    if not path:
        raise rejected("payment_id", "the payment has no PayPal authorization to release; an unpaid order runs out")
    return Request("POST", f"{path}/void", b"{}", call.key)


def refund(call: Call, capture_id: str, wanted: Money) -> Request:
    """Returns part or all of a capture."""
    payment, asked = _payment(call), call.request
    body: dict[str, Any] = {"amount": amount(wanted, "amount"), "invoice_id": own_invoice(call.key)}
    if payment.merchant_transaction_id:
        body["custom_id"] = payment.merchant_transaction_id
    if asked.refund_reason:
        body["note_to_payer"] = asked.refund_reason[:_LONGEST_NOTE]
    path = f"/v2/payments/captures/{identifier(capture_id, 'payment_id')}/refund"
    return post(path, body, call.key)


def refund_amount(call: Call) -> Money:
    """What is to be refunded; all that is left where the request does not say.

    Raises:
        RequestRejected: Nothing is left.
    """
    payment, asked = _payment(call), call.request
    if asked.HasField("amount"):
        return Money(minor_units=asked.amount.minor_units, currency=asked.amount.currency)
    left = payment.captured.minor_units - payment.refunded.minor_units
    if left <= 0:
        raise rejected("amount", "nothing is left to refund")
    return Money(minor_units=left, currency=payment.captured.currency)


def reference(payment: Payment, kind: str) -> str:
    """The payment's newest name of this kind; empty if it has none."""
    return next((one.value for one in reversed(payment.references) if one.kind == kind), "")


def references(payment: Payment, kind: str) -> list[str]:
    """All names of this kind, oldest first."""
    return [one.value for one in payment.references if one.kind == kind]


def _payment(call: Call) -> Payment:
    if call.payment is None:
        raise rejected("payment_id", "the operation needs a payment")
    return call.payment
