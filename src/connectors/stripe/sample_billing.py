"""The simulator's Stripe objects around customers: methods, setups, subscriptions, invoices, payouts.

Written from the Stripe API reference, in the shape of API version 2026-10-28.endive.
"""

from __future__ import annotations

from typing import Any

from connectors.stripe.sample_objects import Json, Maker, card

_MONTH_S = 30 * 86_400


def payment_method(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "card": card(),
        "customer": make.id("cus"),
        "livemode": False,
        "metadata": make.metadata,
        "type": "card",
        **more,
    }


def saved_card(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("card"),
        "object": "card",
        "brand": "Visa",
        "country": "US",
        "customer": make.id("cus"),
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": "Xt5EWLLDS7FJjR1c",
        "funding": "credit",
        "last4": "4242",
        "metadata": {},
        **more,
    }


def saved_bank_account(make: Maker) -> Json:
    return {
        "id": make.id("ba"),
        "object": "bank_account",
        "country": "US",
        "currency": "usd",
        "customer": make.id("cus"),
        "last4": "6789",
        "metadata": {},
        "status": "verified",
    }


def source(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("src"),
        "object": "source",
        "amount": make.amount,
        "created": make.now,
        "currency": "eur",
        "flow": "redirect",
        "ideal": {"bank": "ing"},
        "livemode": False,
        "metadata": make.metadata,
        "status": "chargeable",
        "type": "ideal",
        "usage": "single_use",
        **more,
    }


def setup_intent(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("seti"),
        "object": "setup_intent",
        "cancellation_reason": None,
        "created": make.now,
        "customer": make.id("cus"),
        "last_setup_error": None,
        "livemode": False,
        "mandate": None,
        "metadata": make.metadata,
        "payment_method": make.id("pm"),
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "succeeded",
        "usage": "off_session",
        **more,
    }


def mandate(make: Maker) -> Json:
    return {
        "id": make.id("mandate"),
        "object": "mandate",
        "customer_acceptance": {"accepted_at": make.now, "type": "offline"},
        "livemode": False,
        "payment_method": make.id("pm"),
        "payment_method_details": {"bacs_debit": {"network_status": "accepted"}, "type": "bacs_debit"},
        "status": "active",
        "type": "multi_use",
    }


def customer(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("cus"),
        "object": "customer",
        "balance": 0,
        "created": make.now,
        "currency": make.currency,
        "delinquent": False,
        "livemode": False,
        "metadata": {"merchant_customer_id": "customer-1"},
        **more,
    }


def part_of_customer(make: Maker, kind: str, prefix: str) -> Json:
    return {"id": make.id(prefix), "object": kind, "customer": make.id("cus"), "livemode": False, "created": make.now}


def subscription(make: Maker, **more: Any) -> Json:
    price = {
        "id": make.id("price"),
        "object": "price",
        "currency": make.currency,
        "recurring": {"interval": "month", "interval_count": 1},
        "unit_amount": make.amount,
    }
    item = {
        "id": make.id("si"),
        "object": "subscription_item",
        "current_period_end": make.now + _MONTH_S,
        "current_period_start": make.now,
        "price": price,
        "quantity": 1,
    }
    return {
        "id": make.id("sub"),
        "object": "subscription",
        "cancel_at_period_end": False,
        "collection_method": "charge_automatically",
        "created": make.now,
        "currency": make.currency,
        "customer": make.id("cus"),
        "items": {"object": "list", "data": [item], "has_more": False},
        "latest_invoice": make.id("in"),
        "livemode": False,
        "metadata": make.metadata,
        "status": "active",
        **more,
    }


def schedule(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("sub_sched"),
        "object": "subscription_schedule",
        "created": make.now,
        "customer": make.id("cus"),
        "end_behavior": "release",
        "metadata": make.metadata,
        "released_subscription": None,
        "status": "active",
        "subscription": make.id("sub"),
        **more,
    }


def invoice(make: Maker, **more: Any) -> Json:
    """Like current ones it does not say which payment pays it."""
    return {
        "id": make.id("in"),
        "object": "invoice",
        "amount_due": make.amount,
        "amount_paid": 0,
        "amount_remaining": make.amount,
        "attempt_count": 0,
        "currency": make.currency,
        "customer": make.id("cus"),
        "due_date": None,
        "metadata": make.metadata,
        "number": "7C1B2D3E-0001",
        "parent": {
            "subscription_details": {"metadata": make.metadata, "subscription": make.id("sub")},
            "type": "subscription_details",
        },
        "status": "open",
        "total": make.amount,
        **more,
    }


def paid_invoice(make: Maker) -> Json:
    return invoice(make, status="paid", amount_paid=make.amount, amount_remaining=0, attempt_count=1)


def invoice_payment(make: Maker) -> Json:
    return {
        "id": make.id("inpay"),
        "object": "invoice_payment",
        "amount_paid": make.amount,
        "amount_requested": make.amount,
        "created": make.now,
        "currency": make.currency,
        "invoice": make.id("in"),
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": make.id("pi"), "type": "payment_intent"},
        "status": "paid",
    }


def part_of_invoice(make: Maker, kind: str, prefix: str, **more: Any) -> Json:
    return {
        "id": make.id(prefix),
        "object": kind,
        "amount": make.amount,
        "currency": make.currency,
        "customer": make.id("cus"),
        "invoice": make.id("in"),
        "livemode": False,
        "metadata": make.metadata,
        **more,
    }


def payout(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("po"),
        "object": "payout",
        "amount": make.amount,
        "arrival_date": make.now + 2 * 86_400,
        "automatic": False,
        "created": make.now,
        "currency": make.currency,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {**make.metadata, "merchant_payout_id": "payout-1"},
        "method": "standard",
        "reversed_by": None,
        "status": "pending",
        "type": "bank_account",
        **more,
    }


def transfer(make: Maker, **more: Any) -> Json:
    return {
        "id": make.id("tr"),
        "object": "transfer",
        "amount": make.amount,
        "amount_reversed": 0,
        "created": make.now,
        "currency": make.currency,
        "destination": "acct_1SampleConnected",
        "livemode": False,
        "metadata": make.metadata,
        "reversed": False,
        **more,
    }


def outbound(make: Maker, kind: str, **more: Any) -> Json:
    return {
        "id": make.id("obp" if kind == "outbound_payment" else "obt"),
        "object": f"treasury.{kind}",
        "amount": make.amount,
        "created": make.now,
        "currency": make.currency,
        "expected_arrival_date": make.now + 86_400,
        "livemode": False,
        "metadata": make.metadata,
        "returned_details": None,
        "status": "processing",
        **more,
    }


def alert_triggered(make: Maker) -> Json:
    return {
        "object": "billing.alert_triggered",
        "alert": {
            "id": make.id("alrt"),
            "object": "billing.alert",
            "alert_type": "usage_threshold",
            "usage_threshold": {"gte": 100, "meter": make.id("mtr"), "recurrence": "one_time"},
        },
        "created": make.now,
        "customer": make.id("cus"),
        "livemode": False,
        "value": 100,
    }
