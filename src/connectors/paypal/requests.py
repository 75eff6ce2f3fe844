"""Our payment calls as PayPal's requests: Orders v2 and Payments v2. Pure; refuses what PayPal cannot take.

Source: PayPal docs, "Orders v2" and "Payments v2".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.paypal.amounts import decimal_text
from connectors.paypal.references import own_invoice
from connectors.spi.operations import Call
from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import CaptureMode

ORDERS = "/v2/checkout/orders"
PAYMENT_TOKENS = "/v3/vault/payment-tokens"
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S
ORDER_KEY_LIFE_S = 6 * HOUR_S
"""How long PayPal stores a PayPal-Request-Id. Source: "Orders v2", "Create order"."""
PAYMENT_KEY_LIFE_S = 45 * DAY_S
"""Source: "Payments v2", "Capture authorized payment", "Void", "Refund captured payment"."""

# Source: PayPal docs, "Currency codes".
CURRENCIES = frozenset(
    ("AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD USD").split()
)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LONGEST_DESCRIPTION = 127
_LONGEST_NOTE = 255
_WALLETS = frozenset({"paypal", "venmo"})
"""Kinds of saved methods besides cards that can be charged by their id."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    method: str
    path: str
    content: bytes = field(default=b"", repr=False)
    key: str = ""
    """PayPal-Request-Id; empty: PayPal takes none here, and a repeat would be another request."""
    content_type: str = "application/json"
    key_life_s: float = 0.0
    """How long PayPal stores the key, as documented. Seconds."""

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.method == "GET" or bool(self.key)

    @property
    def headers(self) -> dict[str, str]:
        """All but the authorization."""
        headers = {"accept": "application/json"}
        if self.method != "GET":
            headers |= {"content-type": self.content_type, "prefer": "return=representation"}
        if self.key:
            headers["paypal-request-id"] = self.key
        return headers


def get(path: str) -> Request:
    """A question: it changes nothing."""
    return Request("GET", path)


def post(path: str, body: Mapping[str, Any] | None, key: str, key_life_s: float) -> Request:
    """A request that changes something."""
    return Request("POST", path, msgspec.json.encode(body or {}), key, key_life_s=key_life_s)


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
        "payment_source": _payment_source(asked, saved_kind),
    }
    return post(ORDERS, body, call.key, ORDER_KEY_LIFE_S)


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
    return post(f"{ORDERS}/{order_id}/{action}", None, call.key, ORDER_KEY_LIFE_S)


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
        "final_capture": asked.final_capture or not asked.HasField("amount") or wanted.minor_units >= left,
    }
    return post(f"{path}/capture", body, call.key, PAYMENT_KEY_LIFE_S)


def void(call: Call) -> Request:
    """Releases an authorization.

    Raises:
        RequestRejected: The payment has none. An order that nobody approved needs no release: it runs out by itself.
    """
    path = authorization_path(_payment(call))
    if not path:
        raise rejected("payment_id", "the payment has no PayPal authorization to release; an unpaid order runs out")
    return Request("POST", f"{path}/void", b"{}", call.key, key_life_s=PAYMENT_KEY_LIFE_S)


def refund(call: Call, capture_id: str, wanted: Money) -> Request:
    """Returns part or all of a capture."""
    payment, asked = _payment(call), call.request
    body: dict[str, Any] = {"amount": amount(wanted, "amount"), "invoice_id": own_invoice(call.key)}
    if payment.merchant_transaction_id:
        body["custom_id"] = payment.merchant_transaction_id
    if asked.refund_reason:
        body["note_to_payer"] = asked.refund_reason[:_LONGEST_NOTE]
    path = f"/v2/payments/captures/{identifier(capture_id, 'payment_id')}/refund"
    return post(path, body, call.key, PAYMENT_KEY_LIFE_S)


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


def amount(money: Money, named: str) -> dict[str, str]:
    """v2's form of an amount: 1099 USD → 10.99; 500 JPY → 500.

    Raises:
        RequestRejected: Zero or less, a currency that PayPal does not take, or a fraction of one without decimals.
    """
    if money.currency not in CURRENCIES:
        raise rejected(f"{named}.currency", "PayPal does not take this currency")
    if money.minor_units <= 0:
        raise rejected(f"{named}.minor_units", "the amount must be more than zero")
    try:
        text = decimal_text(money.minor_units, money.currency)
    except (ValueError, PayloadRejected):
        raise rejected(f"{named}.minor_units", f"PayPal takes no decimals in {money.currency}") from None
    return {"currency_code": money.currency, "value": text}


def identifier(text: str, named: str) -> str:
    """The id, if it is one: ids go into paths.

    Raises:
        RequestRejected: It is something else.
    """
    if not _ID.fullmatch(text):
        raise rejected(named, "this is not an id of PayPal's")
    return text


def rejected(named: str, message: str, reason: str = "REQUEST_INVALID") -> RequestRejected:
    """The refusal of a request that PayPal would not take. Nothing was sent."""
    return RequestRejected(message, reason=reason, metadata={"field": named})


def _payment(call: Call) -> Payment:
    if call.payment is None:
        raise rejected("payment_id", "the operation needs a payment")
    return call.payment


def _payment_source(asked: Any, saved_kind: str) -> dict[str, Any]:
    instrument: Instrument = asked.instrument
    match instrument.WhichOneof("instrument"):
        case "redirect_method":
            if instrument.redirect_method != "paypal":
                raise rejected("instrument.redirect_method", 'PayPal\'s own page is the one that works: "paypal"')
            return {"paypal": _wallet(asked)}
        case "connector_payment_method_id":
            if saved_kind != "card" and saved_kind not in _WALLETS:
                raise rejected("instrument.connector_payment_method_id", "this kind of saved method cannot be charged")
            return {saved_kind: _saved(asked, saved_kind)}
        case "token":
            return {"card": _card_token(asked)}
        case "card":
            raise rejected("instrument.card", "raw card numbers are refused; give a token", "RAW_CARD_REFUSED")
        case "phone":
            raise rejected("instrument.phone", "PayPal does not charge phone numbers")
    raise rejected("instrument", "say how the payer pays: PayPal's page, a saved method, or a token")


def _wallet(asked: Any) -> dict[str, Any]:
    """The payer approves at PayPal's own page, and comes back whether they did or not."""
    source: dict[str, Any] = {"experience_context": {**_return_urls(asked), "user_action": "PAY_NOW"}}
    if asked.payer_email:
        source["email_address"] = asked.payer_email
    if asked.save_instrument:
        vault = {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}
        source["attributes"] = {"vault": vault} | _customer(asked)
    return source


def _saved(asked: Any, kind: str) -> dict[str, Any]:
    initiator = "MERCHANT" if asked.off_session else "CUSTOMER"
    credential = {"payment_initiator": initiator, "usage": "SUBSEQUENT"}
    if kind == "card":
        credential["payment_type"] = "UNSCHEDULED" if asked.off_session else "ONE_TIME"
    source: dict[str, Any] = {
        "vault_id": asked.instrument.connector_payment_method_id,
        "stored_credential": credential,
    }
    if asked.return_url:
        source["experience_context"] = _return_urls(asked)
    return source


def _card_token(asked: Any) -> dict[str, Any]:
    source: dict[str, Any] = {"single_use_token": identifier(asked.instrument.token, "instrument.token")}
    attributes = _customer(asked) if asked.save_instrument else {}
    if asked.save_instrument:
        attributes["vault"] = {"store_in_vault": "ON_SUCCESS"}
    if attributes:
        source["attributes"] = attributes
    if asked.return_url:
        source["experience_context"] = _return_urls(asked)
    return source


def _customer(asked: Any) -> dict[str, Any]:
    if not asked.connector_customer_id:
        return {}
    return {"customer": {"id": identifier(asked.connector_customer_id, "connector_customer_id")}}


def _return_urls(asked: Any) -> dict[str, str]:
    if not asked.return_url:
        raise rejected("return_url", "PayPal sends the payer back to it after they have approved")
    return {"return_url": asked.return_url, "cancel_url": asked.return_url}
