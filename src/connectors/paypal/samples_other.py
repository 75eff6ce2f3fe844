"""Sample resources of what is not a payment, refund or dispute. See `samples`."""

from __future__ import annotations

from typing import Any

from connectors.paypal.sample_ids import Draft, link

Resource = dict[str, Any]

_SUBSCRIPTION_STATUSES = {
    "CREATED": "APPROVAL_PENDING",
    "ACTIVATED": "ACTIVE",
    "UPDATED": "ACTIVE",
    "RE-ACTIVATED": "ACTIVE",
    "SUSPENDED": "SUSPENDED",
    "CANCELLED": "CANCELLED",
    "EXPIRED": "EXPIRED",
    "FAILED": "ACTIVE",
}
_INVOICE_STATUSES = {
    "CREATED": "DRAFT",
    "SCHEDULED": "SCHEDULED",
    "UPDATED": "SENT",
    "CANCELLED": "CANCELLED",
    "REFUNDED": "REFUNDED",
    "PAID": "PAID",
}
_PAYOUT_STATUSES = {
    "SUCCEEDED": "SUCCESS",
    "HELD": "ONHOLD",
    "UNCLAIMED": "UNCLAIMED",
    "BLOCKED": "BLOCKED",
    "CANCELED": "CANCELED",
    "DENIED": "DENIED",
    "FAILED": "FAILED",
    "REFUNDED": "REFUNDED",
    "RETURNED": "RETURNED",
}


def payment_resource(d: Draft, word: str) -> Resource:
    """A payment link, or a payment that came through it."""
    link_id = f"PLB-{d.id('payment link', length=12)}"
    if not word.startswith("PAYMENT-"):
        return {"id": link_id, "type": "BUY_NOW", "integration_mode": "LINK", "status": "ACTIVE", **d.times}
    return {
        "payment_resource_id": link_id,
        "transaction_id": d.capture,
        "transaction_status": "COMPLETED" if word == "PAYMENT-COMPLETED" else "PENDING",
        "transaction_time": d.time(-1),
        "gross_amount": d.v2(),
        "custom_id": d.reference,
        "payer": {"payer_id": d.payer},
    }


def subscription(d: Draft, word: str) -> Resource:
    """A v2 subscription."""
    billing: Resource = {
        "outstanding_balance": d.v2(0),
        "next_billing_time": d.time(30 * 86_400),
        "last_payment": {"amount": d.v2(), "time": d.time(-30 * 86_400)},
        "failed_payments_count": 0,
    }
    if word == "FAILED":
        billing["failed_payments_count"] = 1
        billing["last_failed_payment"] = {"amount": d.v2(), "time": d.time(), "reason_code": "PAYER_CANNOT_PAY"}
    return {
        "id": d.subscription,
        "status": _SUBSCRIPTION_STATUSES[word],
        "status_update_time": d.time(),
        "plan_id": d.plan,
        "start_time": d.time(),
        "quantity": "1",
        "custom_id": d.reference,
        "subscriber": {"payer_id": d.payer, "name": {"given_name": "A", "surname": "Payer"}},
        "billing_info": billing,
        **d.times,
        "links": [link("self", f"/v1/billing/subscriptions/{d.subscription}")],
    }


def plan(d: Draft, _: str) -> Resource:
    """A v2 billing plan."""
    cycle = {"tenure_type": "REGULAR", "sequence": 1, "pricing_scheme": {"fixed_price": d.v2()}}
    return {
        "id": d.plan,
        "product_id": f"PROD-{d.id('product')}",
        "status": "ACTIVE",
        "billing_cycles": [cycle],
        **d.times,
    }


def product(d: Draft, _: str) -> Resource:
    """A catalog product."""
    return {"id": f"PROD-{d.id('product')}", "name": "A product", "type": "DIGITAL", **d.times}


def billing_agreement(d: Draft, word: str) -> Resource:
    """A billing agreement without a plan: reference transactions."""
    agreement = f"B-{d.id('agreement')}"
    return {
        "id": agreement,
        "state": "CANCELED" if word == "CANCELLED" else "ACTIVE",
        "payer": {"payer_info": {"payer_id": d.payer}},
        "plan": {"type": "MERCHANT_INITIATED_BILLING"},
        **d.times,
        "links": [link("self", f"/v1/billing-agreements/agreements/{agreement}")],
    }


def invoice(d: Draft, word: str) -> Resource:
    """A v2 invoice."""
    number = f"INV2-{d.id('invoice', length=16)}"
    detail = {
        "invoice_number": f"#{d.request.seed % 10_000:04d}",
        "reference": d.reference,
        "currency_code": d.request.currency,
        "payment_term": {"due_date": d.time(30 * 86_400)[:10]},
    }
    paid = {"paid_amount": d.v2(), "transactions": [{"payment_id": d.sale, "type": "PAYPAL", "amount": d.v2()}]}
    return {
        "invoice": {
            "id": number,
            "status": _INVOICE_STATUSES[word],
            "detail": detail,
            "amount": d.v2(d.total_minor),
            "due_amount": d.v2(0 if word == "PAID" else d.total_minor),
            **({"payments": paid} if word in {"PAID", "REFUNDED"} else {}),
            "links": [link("self", f"/v2/invoicing/invoices/{number}")],
        }
    }


def payout_item(d: Draft, word: str) -> Resource:
    """A payout item."""
    item, own_batch = d.id("payout item", length=13), d.id("payout batch", length=13)
    failed = word in {"BLOCKED", "DENIED", "FAILED"}
    return {
        "payout_item_id": item,
        "payout_batch_id": own_batch,
        "transaction_id": d.id("payout transaction"),
        "transaction_status": _PAYOUT_STATUSES[word],
        "payout_item_fee": d.simple(0),
        "payout_item": {
            "recipient_type": "EMAIL",
            "amount": d.simple(),
            "receiver": "receiver@example.com",
            "sender_item_id": d.reference,
        },
        **({"errors": {"name": "RISK_DECLINE", "message": "This transaction was declined."}} if failed else {}),
        "time_processed": d.time(),
        "links": [
            link("self", f"/v1/payments/payouts-item/{item}"),
            link("batch", f"/v1/payments/payouts/{own_batch}"),
        ],
    }


def batch(d: Draft, word: str) -> Resource:
    """A batch of payouts."""
    own = d.id("payout batch", length=13)
    return {
        "batch_header": {
            "payout_batch_id": own,
            "batch_status": word,
            "time_created": d.time(-60),
            **({"time_completed": d.time()} if word == "SUCCESS" else {}),
            "sender_batch_header": {"sender_batch_id": f"batch-{d.request.seed}"},
            "amount": d.simple(),
            "fees": d.simple(0),
        },
        "links": [link("self", f"/v1/payments/payouts/{own}")],
    }


def referenced_payout(d: Draft, word: str) -> Resource:
    """A marketplace's release of funds to a seller."""
    failed = {"status": "FAILED", "reason": "PAYEE_ACCOUNT_RESTRICTED"}
    return {
        "item_id": d.id("referenced payout"),
        "processing_state": failed if word == "FAILED" else {"status": "SUCCESS"},
        "reference_id": d.id("capture"),
        "reference_type": "TRANSACTION_ID",
        "payout_amount": d.v2(),
        "payout_transaction_id": d.id("payout transaction"),
        "invoice_id": d.reference,
    }


def customer_payout(d: Draft, word: str) -> Resource:
    """A payout to a managed account."""
    return {"id": d.id("customer payout"), "status": word, "amount": d.v2(), **d.times}


def credit_card(d: Draft, _: str) -> Resource:
    """A v1 stored card."""
    card = f"CARD-{d.id('card', length=24)}"
    return {
        "id": card,
        "state": "ok",
        "type": "visa",
        "number": "xxxxxxxxxxxx1881",
        "expire_month": "11",
        "expire_year": "2031",
        "external_customer_id": "customer-1",
        **d.times,
        "links": [link("self", f"/v1/vault/credit-cards/{card}")],
    }


def payment_token(d: Draft, word: str) -> Resource:
    """A v3 payment token; a deleted one tells no more than its id."""
    token = d.id("token", length=8).lower()
    resource: Resource = {"id": token, "customer": {"id": d.payer, "merchant_customer_id": "customer-1"}}
    if word == "CREATED":
        resource["payment_source"] = {"card": {"brand": "VISA", "last_digits": "1881", "expiry": "2031-11"}}
        resource["metadata"] = {"order_id": d.order}
    return resource | {"links": [link("self", f"/v3/vault/payment-tokens/{token}")]}


def network_token(d: Draft, _: str) -> Resource:
    """A network token."""
    return {"id": d.id("network token"), "status": "ACTIVE", **d.times}


def account(d: Draft, _: str) -> Resource:
    """What tells of an account or a consent."""
    return {"merchant_id": d.id("merchant", length=13), "tracking_id": d.reference}
