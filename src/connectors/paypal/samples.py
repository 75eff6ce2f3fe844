"""Sample resources: one template per object family, filled from a draft. Written from PayPal's documentation.

Source: PayPal docs, "Webhook event names" and the API reference of each object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.paypal import mapping
from connectors.paypal.sample_ids import Draft, link
from connectors.paypal.samples_other import (
    account,
    batch,
    billing_agreement,
    credit_card,
    customer_payout,
    invoice,
    network_token,
    payment_resource,
    payment_token,
    payout_item,
    plan,
    product,
    referenced_payout,
    subscription,
)

Resource = dict[str, Any]

_REFUSED = {"DENIED", "DECLINED"}
"""A refused attempt is a capture of its own: another one may succeed."""
_ORDER_STATUSES = {
    "SAVED": "SAVED",
    "APPROVED": "APPROVED",
    "DECLINED": "APPROVED",
    "PROCESSED": "COMPLETED",
    "COMPLETED": "COMPLETED",
    "VOIDED": "VOIDED",
}
Template = Callable[[Draft, str], Resource]
"""(draft, last word of the event type) → the event's `resource`."""


def _authorization(d: Draft, word: str) -> Resource:
    path = f"/v2/payments/authorizations/{d.authorization}"
    return {
        "id": d.authorization,
        "status": word,
        "amount": d.v2(),
        "custom_id": d.reference,
        "seller_protection": {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"]},
        "expiration_time": d.time(29 * 86_400),
        "supplementary_data": {"related_ids": {"order_id": d.order}},
        **d.times,
        "links": [
            link("self", path),
            link("capture", f"{path}/capture", "POST"),
            link("void", f"{path}/void", "POST"),
            link("up", f"/v2/checkout/orders/{d.order}"),
        ],
    }


def _capture(d: Draft, word: str) -> Resource:
    capture = d.id("refused capture", by_step=True) if word in _REFUSED else d.capture
    path = f"/v2/payments/captures/{capture}"
    # A declined one has no authorization: the card was to be charged at once.
    direct = word == "DECLINED"
    up = f"/v2/checkout/orders/{d.order}" if direct else f"/v2/payments/authorizations/{d.authorization}"
    resource: Resource = {
        "id": capture,
        "status": word,
        "amount": d.v2(),
        "final_capture": d.is_whole,
        "custom_id": d.reference,
        "supplementary_data": {
            "related_ids": {"order_id": d.order} | ({} if direct else {"authorization_id": d.authorization})
        },
        **d.times,
        "links": [link("self", path), link("refund", f"{path}/refund", "POST"), link("up", up)],
    }
    if word == "PENDING":
        resource["status_details"] = {"reason": "PENDING_REVIEW"}
    elif word == "DECLINED":
        resource["processor_response"] = {"response_code": "5120", "avs_code": "Y", "cvv_code": "M"}
    elif word == "DENIED":
        resource["status_details"] = {"reason": "DECLINED_BY_RISK_FRAUD_FILTERS"}
    else:
        resource["seller_receivable_breakdown"] = {"gross_amount": d.v2(), "net_amount": d.v2()}
    return resource


def _refund(d: Draft, word: str) -> Resource:
    resource: Resource = {
        "id": d.refund,
        "status": "COMPLETED" if word in {"REFUNDED", "REVERSED"} else word,
        "amount": d.v2(),
        "custom_id": d.reference,
        "note_to_payer": "Payment reversed" if word == "REVERSED" else "Returned goods",
        "seller_payable_breakdown": {"gross_amount": d.v2(), "total_refunded_amount": d.v2()},
        **d.times,
        "links": [
            link("self", f"/v2/payments/refunds/{d.refund}"),
            link("up", f"/v2/payments/captures/{d.id('capture')}"),
        ],
    }
    if word in {"PENDING", "FAILED"}:
        resource["status_details"] = {"reason": "ECHECK"}
    return resource


def _sale(d: Draft, word: str) -> Resource:
    sale = d.id("refused sale", by_step=True) if word in _REFUSED else d.sale
    path = f"/v1/payments/sale/{sale}"
    return {
        "id": sale,
        "state": word.lower(),
        "amount": d.v1(),
        "payment_mode": "INSTANT_TRANSFER",
        "protection_eligibility": "ELIGIBLE",
        "parent_payment": d.payment,
        "billing_agreement_id": d.subscription,
        "custom": d.reference,
        **d.times,
        "links": [
            link("self", path),
            link("refund", f"{path}/refund", "POST"),
            link("parent_payment", f"/v1/payments/payment/{d.payment}"),
        ],
    }


def _sale_refund(d: Draft, word: str) -> Resource:
    refund = d.id("sale refund", by_step=True)
    return {
        "id": refund,
        "state": "completed",
        "amount": d.v1(negative=True),
        "sale_id": d.sale,
        "parent_payment": d.payment,
        "custom": d.reference,
        **({"reason_code": "CHARGEBACK"} if word == "REVERSED" else {}),
        **d.times,
        "links": [
            link("self", f"/v1/payments/refund/{refund}"),
            link("parent_payment", f"/v1/payments/payment/{d.payment}"),
            link("sale", f"/v1/payments/sale/{d.sale}"),
        ],
    }


def _v1_order(d: Draft, word: str) -> Resource:
    order = f"O-{d.id('v1 order')}"
    return {
        "id": order,
        "state": "voided" if word == "CANCELLED" else "pending",
        "amount": d.v1(),
        "parent_payment": d.payment,
        "custom": d.reference,
        **d.times,
        "links": [
            link("self", f"/v1/payments/orders/{order}"),
            link("parent_payment", f"/v1/payments/payment/{d.payment}"),
        ],
    }


def _v1_payment(d: Draft, _: str) -> Resource:
    return {
        "id": d.payment,
        "intent": "sale",
        "state": "created",
        "payer": {"payment_method": "paypal", "status": "VERIFIED", "payer_info": {"payer_id": d.payer}},
        "transactions": [{"amount": d.v1(), "custom": d.reference, "related_resources": []}],
        **d.times,
        "links": [
            link("self", f"/v1/payments/payment/{d.payment}"),
            link("execute", f"/v1/payments/payment/{d.payment}/execute", "POST"),
        ],
    }


def _alternative_payment(d: Draft, _: str) -> Resource:
    return {
        "id": d.payment,
        "status": "COMPLETED",
        "amount": d.v2(),
        "supplementary_data": {"related_ids": {"order_id": d.order}},
        "custom_id": d.reference,
        **d.times,
    }


def _order(d: Draft, word: str) -> Resource:
    unit: Resource = {"reference_id": "default", "amount": d.v2(d.total_minor), "custom_id": d.reference}
    if word == "COMPLETED":
        captured = {"id": d.capture, "status": "COMPLETED", "amount": d.v2(), "final_capture": True}
        unit["payments"] = {"captures": [captured | {"links": [link("up", f"/v2/checkout/orders/{d.order}")]}]}
    return {
        "id": d.order,
        "intent": "CAPTURE",
        "status": _ORDER_STATUSES[word],
        "purchase_units": [unit],
        "payer": {"payer_id": d.payer, "address": {"country_code": "US"}},
        "payment_source": {"paypal": {"account_id": d.payer, "account_status": "VERIFIED"}},
        **d.times,
        "links": [link("self", f"/v2/checkout/orders/{d.order}")],
    }


def _approval_reversed(d: Draft, _: str) -> Resource:
    return {
        "order_id": d.order,
        "purchase_units": [{"reference_id": "default", "amount": d.v2(d.total_minor), "custom_id": d.reference}],
        "payment_source": {"ideal": {"name": "A Payer", "country_code": "NL"}},
    }


def _dispute(d: Draft, word: str) -> Resource:
    dispute = f"PP-D-{d.request.seed % 100_000}"
    resolved = word == "RESOLVED"
    return {
        "dispute_id": dispute,
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": {"CREATED": "OPEN", "UPDATED": "WAITING_FOR_SELLER_RESPONSE", "RESOLVED": "RESOLVED"}[word],
        "dispute_amount": d.v2(),
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
        "disputed_transactions": [
            {
                "seller_transaction_id": d.id("capture"),
                "custom": d.reference,
                "seller_protection_eligible": True,
                "gross_amount": d.v2(),
            }
        ],
        **({"dispute_outcome": {"outcome_code": "RESOLVED_SELLER_FAVOUR"}} if resolved else {}),
        **({} if resolved else {"seller_response_due_date": d.time(10 * 86_400)}),
        **d.times,
        "links": [link("self", f"/v1/customer/disputes/{dispute}")],
    }


def _risk_dispute(d: Draft, _: str) -> Resource:
    return {
        "dispute_id": f"PP-{d.request.seed % 1_000:03d}-{d.request.seed % 1_000_000:06d}",
        "dispute_creation_date": d.request.now_s * 1_000,
        "dispute_amount": d.simple(),
        "seller_payment_id": d.id("capture"),
        "dispute_category": 1,
        "dispute_reason": 2,
        "dispute_channel": 1,
        "dispute_status": 1000,
    }


_FAMILIES: tuple[tuple[str, str, str, Template], ...] = (
    # Longest prefix first: the first that fits is taken. (prefix, resource_type, resource_version, template)
    ("PAYMENT.AUTHORIZATION.", "authorization", "2.0", _authorization),
    ("PAYMENT.CAPTURE.REFUNDED", "refund", "2.0", _refund),
    ("PAYMENT.CAPTURE.REVERSED", "refund", "2.0", _refund),
    ("PAYMENT.CAPTURE.", "capture", "2.0", _capture),
    ("PAYMENT.REFUND.", "refund", "2.0", _refund),
    ("PAYMENT.SALE.REFUNDED", "refund", "", _sale_refund),
    ("PAYMENT.SALE.REVERSED", "sale", "", _sale_refund),
    ("PAYMENT.SALE.", "sale", "", _sale),
    ("PAYMENT.ORDER.", "order", "", _v1_order),
    ("PAYMENTS.PAYMENT.", "payment", "", _v1_payment),
    ("PAYMENT-NETWORKS.", "alternative-payment", "", _alternative_payment),
    ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", "2.0", _approval_reversed),
    ("CHECKOUT.PAYMENT-RESOURCE.", "payment-resource", "", payment_resource),
    ("CHECKOUT.CHECKOUT.", "payment", "", _v1_payment),
    ("CHECKOUT.", "checkout-order", "2.0", _order),
    ("RISK.DISPUTE.", "dispute", "", _risk_dispute),
    ("CUSTOMER.DISPUTE.", "dispute", "", _dispute),
    ("BILLING.SUBSCRIPTION.", "subscription", "2.0", subscription),
    ("BILLING.PLAN.", "plan", "2.0", plan),
    ("BILLING_AGREEMENTS.", "billing_agreement", "", billing_agreement),
    ("INVOICING.", "invoices", "2.0", invoice),
    ("PAYMENT.PAYOUTS-ITEM.", "payouts_item", "", payout_item),
    ("PAYMENT.PAYOUTSBATCH.", "payouts", "", batch),
    ("PAYMENT.REFERENCED-PAYOUT-ITEM.", "referenced-payout-item", "", referenced_payout),
    ("CUSTOMER.PAYOUT.", "payout", "", customer_payout),
    ("VAULT.CREDIT-CARD.", "credit_card", "", credit_card),
    ("VAULT.PAYMENT-TOKEN.", "payment_token", "3.0", payment_token),
    ("PAYMENT-TOKENIZATION.", "network_token", "", network_token),
    ("CATALOG.PRODUCT.", "product", "", product),
    ("", "merchant", "", account),
)


def make_event(draft: Draft) -> Resource:
    """A whole webhook body as an object.

    Raises:
        ValueError: A type that is not in `EVENT_TYPES`, or an amount that PayPal does not take.
    """
    event_type = draft.request.event_type
    if event_type not in mapping.EVENT_TYPES:
        raise ValueError(f"PayPal has no event type {event_type}")
    resource_type, version, template = next(
        (kind, version, template) for prefix, kind, version, template in _FAMILIES if event_type.startswith(prefix)
    )
    resource = template(draft, event_type.rsplit(".", 1)[-1])
    return envelope(draft.event, event_type, resource_type, version, draft.time(), resource)


def envelope(
    event_id: str, event_type: str, resource_type: str, version: str, time: str, resource: Resource
) -> Resource:
    """What PayPal puts around every resource.

    Args:
        version: Of the resource; empty where PayPal states none.
    """
    self_path = f"/v1/notifications/webhooks-events/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": time,
        "resource_type": resource_type,
        **({"resource_version": version} if version else {}),
        "event_type": event_type,
        "summary": f"A sample of {event_type}",
        "resource": resource,
        "links": [link("self", self_path), link("resend", f"{self_path}/resend", "POST")],
    }
