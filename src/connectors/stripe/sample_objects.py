"""The simulator's Stripe objects around payments: intents, charges, refunds, disputes, sessions.

Written from the Stripe API reference, in the shape of API version 2026-10-28.endive. The others: `sample_billing.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from connectors.spi import SampleRequest
from connectors.stripe.amounts import stripe_amount

Json = dict[str, Any]
MERCHANT_KEY = "merchant_transaction_id"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Maker:
    """One sample being made: what was asked for, in Stripe's terms."""

    request: SampleRequest

    def id(self, prefix: str, *parts: object) -> str:
        """A Stripe-like id that depends on the seed and `parts` only."""
        digest = hashlib.sha256("/".join(map(str, (prefix, self.request.seed, *parts))).encode()).digest()
        return f"{prefix}_1" + "".join(_ALPHABET[byte % 62] for byte in digest[:23])

    @property
    def now(self) -> int:
        return self.request.now_s

    @property
    def currency(self) -> str:
        return self.request.currency.lower()

    @property
    def amount(self) -> int:
        """This event's amount in Stripe's minor units."""
        return stripe_amount(self.request.amount_minor, self.request.currency)

    @property
    def total(self) -> int:
        """The payment's whole amount in Stripe's minor units."""
        total = self.request.total_minor
        return self.amount if total is None else stripe_amount(total, self.request.currency)

    @property
    def done(self) -> int:
        """What this step and those before it took (or gave back) of the total. Stripe's minor units."""
        return min(self.total, self.amount * (self.request.step + 1))

    @property
    def metadata(self) -> Json:
        return {MERCHANT_KEY: self.request.merchant_transaction_id}


def card(**more: Any) -> Json:
    """A card as in `payment_method_details`: never its number."""
    return {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": "Xt5EWLLDS7FJjR1c",
        "funding": "credit",
        "last4": "4242",
        "network": "visa",
        "wallet": None,
        **more,
    }


def decline() -> Json:
    """`last_payment_error` of a declined card."""
    return {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "doc_url": "https://docs.stripe.com/error-codes/card-declined",
        "message": "Your card has insufficient funds.",
        "network_decline_code": "51",
        "type": "card_error",
    }


def payment_intent(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("pi"),
        "object": "payment_intent",
        "amount": make.total,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": make.now - 60,
        "currency": make.currency,
        "customer": make.id("cus"),
        "description": None,
        "last_payment_error": None,
        "latest_charge": make.id("ch"),
        "livemode": False,
        "metadata": make.metadata,
        "next_action": None,
        "payment_method": make.id("pm"),
        "payment_method_types": ["card"],
        "setup_future_usage": None,
        "status": "succeeded",
        **more,
    }


def order(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("or"),
        "object": "order",
        "amount": make.total,
        "charge": make.id("ch"),
        "created": make.now - 60,
        "currency": make.currency,
        "customer": make.id("cus"),
        "items": [],
        "livemode": False,
        "metadata": make.metadata,
        "status": "paid",
        **more,
    }


def charge(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("ch"),
        "object": "charge",
        "amount": make.total,
        "amount_captured": make.total,
        "amount_refunded": 0,
        "application": None,
        "balance_transaction": make.id("txn"),
        "captured": True,
        "created": make.now - 30,
        "currency": make.currency,
        "customer": make.id("cus"),
        "description": None,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": make.metadata,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": make.id("pi"),
        "payment_method": make.id("pm"),
        "payment_method_details": {"card": card(), "type": "card"},
        "refunded": False,
        "status": "succeeded",
        **more,
    }


def partly_captured_charge(make: Maker) -> Json:
    """A captured charge; if less than the total, the rest is released, which Stripe counts as refunded."""
    first = make.request.step == 0
    return charge(
        make,
        amount_captured=make.done,
        amount_refunded=make.total - make.done if first else 0,
        payment_method_details={"card": card(amount_authorized=make.total), "type": "card"},
    )


def refund(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("re", make.request.step),
        "object": "refund",
        "amount": make.amount,
        "balance_transaction": make.id("txn", "refund", make.request.step),
        "charge": make.id("ch"),
        "created": make.now - 10,
        "currency": make.currency,
        "destination_details": {"card": {"type": "refund", "reference_status": "pending"}, "type": "card"},
        "metadata": make.metadata,
        "payment_intent": make.id("pi"),
        "reason": "requested_by_customer",
        "receipt_number": None,
        "status": "succeeded",
        **more,
    }


def dispute(make: Maker, moves: int = 1, **more: Any) -> Json:
    """`moves`: 0 nothing moved, 1 the money was taken, 2 and given back."""
    taken = {
        "id": make.id("txn", "dispute"),
        "object": "balance_transaction",
        "amount": -make.amount,
        "created": make.now - 20,
        "currency": make.currency,
        "fee": 1500,
        "net": -make.amount - 1500,
        "type": "adjustment",
    }
    given = {**taken, "id": make.id("txn", "back"), "amount": make.amount, "created": make.now, "fee": 0}
    return {
        "id": make.id("du"),
        "object": "dispute",
        "amount": make.amount,
        "balance_transactions": [taken, {**given, "net": make.amount}][:moves],
        "charge": make.id("ch"),
        "created": make.now - 20,
        "currency": make.currency,
        "evidence_details": {
            "due_by": make.now + 7 * 86_400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": make.metadata,
        "network_reason_code": "10.4",
        "payment_intent": make.id("pi"),
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
        **more,
    }


def fraud_warning(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": make.id("ch"),
        "created": make.now,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": make.id("pi"),
        **more,
    }


def checkout_session(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("cs_test"),
        "object": "checkout.session",
        "amount_subtotal": make.total,
        "amount_total": make.total,
        "client_reference_id": make.request.merchant_transaction_id,
        "created": make.now - 120,
        "currency": make.currency,
        "customer": make.id("cus"),
        "invoice": None,
        "livemode": False,
        "metadata": make.metadata,
        "mode": "payment",
        "payment_intent": make.id("pi"),
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "setup_intent": None,
        "status": "complete",
        "subscription": None,
        "success_url": "https://example.com/thanks",
        **more,
    }
