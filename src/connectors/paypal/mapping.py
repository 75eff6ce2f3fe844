"""What PayPal's event types and statuses mean. Tables only.

Source: PayPal docs, "Webhook event names", for every table unless it says otherwise. v1 states come as "completed" or
"Active"; they are looked up in upper case.
"""

from __future__ import annotations

from orchestratorx_prism.v1.event_data_pb2 import PayoutStatus, SubscriptionStatus
from orchestratorx_prism.v1.payment_pb2 import PaymentStatus

ANY = "*"
"""In a table by status: whatever the status says. The type alone is the whole meaning there."""

# A capture or sale is taken only if type and status both say so. Bad news and pending are believed from the type alone:
# a wrong "pending" corrects itself, a wrong "captured" ships goods.
_TAKEN = {
    "": "payment.captured",  # older and hand-made messages leave it out
    "COMPLETED": "payment.captured",
    "PARTIALLY_REFUNDED": "payment.captured",
    "REFUNDED": "payment.captured",
    "PENDING": "payment.pending",
    "DECLINED": "payment.failed",
    "DENIED": "payment.failed",
    "FAILED": "payment.failed",
}

TRANSACTIONS: dict[str, dict[str, str]] = {
    "PAYMENT.AUTHORIZATION.CREATED": {
        "": "payment.authorized",
        "CREATED": "payment.authorized",
        "AUTHORIZED": "payment.authorized",  # v1
        # What became of it later; created it was all the same.
        "CAPTURED": "payment.authorized",
        "PARTIALLY_CAPTURED": "payment.authorized",
        "PARTIALLY_CREATED": "payment.authorized",
        "VOIDED": "payment.authorized",
        "EXPIRED": "payment.authorized",
        "PENDING": "payment.pending",
        "DENIED": "payment.failed",
    },
    # Voided by the merchant, or by time: 30 days in v1, 29 in v2. Only a status tells which.
    "PAYMENT.AUTHORIZATION.VOIDED": {"EXPIRED": "payment.expired", ANY: "payment.voided"},
    "PAYMENT.CAPTURE.COMPLETED": _TAKEN,
    "PAYMENT.CAPTURE.PENDING": {ANY: "payment.pending"},
    "PAYMENT.CAPTURE.DENIED": {ANY: "payment.failed"},
    "PAYMENT.CAPTURE.DECLINED": {ANY: "payment.failed"},
    "PAYMENT.SALE.COMPLETED": _TAKEN,
    "PAYMENT.SALE.PENDING": {ANY: "payment.pending"},
    "PAYMENT.SALE.DENIED": {ANY: "payment.failed"},
    # v1 orders. PayPal's own sample of a cancelled one has the state "completed".
    "PAYMENT.ORDER.CREATED": {ANY: "payment.created"},
    "PAYMENT.ORDER.CANCELLED": {ANY: "payment.voided"},
    # The payer has finished at the bank; nothing says that the merchant has the money.
    "PAYMENT-NETWORKS.ALTERNATIVE-PAYMENT.COMPLETED": {ANY: "payment.pending"},
}
"""Event type → status → our type, where the resource is one transaction.

`payment.captured` becomes `payment.partially_captured`, and `payment.failed` `payment.capture_failed`, where the
transaction is a capture of an authorization that stays open.
"""

V1_PAYMENTS: dict[str, dict[str, str]] = {
    "PAYMENTS.PAYMENT.CREATED": {
        "FAILED": "payment.failed",
        "APPROVED": "payment.pending",
        ANY: "payment.created",
    },
}
"""Event type → state → our type, where the resource is a v1 payment with its `transactions`."""

BUYER_APPROVED = "CHECKOUT.CHECKOUT.BUYER-APPROVED"
"""Express Checkout: of a v1 payment that waits to be executed, or of an order."""

# Source: PayPal docs, "Payment Links and Buttons v1"; the event types that PayPal's API itself lists.
PAYMENT_LINKS: dict[str, dict[str, str]] = {
    "CHECKOUT.PAYMENT-RESOURCE.PAYMENT-COMPLETED": _TAKEN,
    "CHECKOUT.PAYMENT-RESOURCE.PAYMENT-ON-HOLD": {ANY: "payment.pending"},
}
"""Event type → status → our type, where the resource is a payment through a payment link or button."""

ORDERS: dict[str, str] = {
    "CHECKOUT.ORDER.SAVED": "payment.created",
    # The payer has agreed; the merchant has to capture or authorize.
    "CHECKOUT.ORDER.APPROVED": "payment.pending",
    BUYER_APPROVED: "payment.pending",
    "CHECKOUT.ORDER.PROCESSED": "payment.pending",
    "CHECKOUT.ORDER.DECLINED": "payment.failed",
    "CHECKOUT.ORDER.VOIDED": "payment.voided",
    # Not captured in time (three hours by default): PayPal cancels the order and gives the payer the money back.
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": "payment.voided",
}
"""Event type → our type, where the resource is an order, as a whole."""

ORDER_COMPLETED = "CHECKOUT.ORDER.COMPLETED"
"""The one order event that tells of money: one event of ours for each capture and authorization in it."""

ORDER_CAPTURES: dict[str, str] = _TAKEN
"""Status of a capture inside an order → our type."""

ORDER_AUTHORIZATIONS: dict[str, str] = TRANSACTIONS["PAYMENT.AUTHORIZATION.CREATED"]
"""Status of an authorization inside an order → our type."""

ORDER_INTENTS: dict[str, str] = {
    "CAPTURE": "payment.captured",
    "SALE": "payment.captured",  # v1
    "AUTHORIZE": "payment.authorized",
    "": "payment.pending",
}
"""Intent of a completed order that names no capture and no authorization → our type. It states totals, no deltas."""

_GIVEN_BACK = {
    "": "refund.succeeded",
    "COMPLETED": "refund.succeeded",
    "PENDING": "refund.pending",
    "FAILED": "refund.failed",
    "CANCELLED": "refund.failed",
    # The resource is the capture or sale itself, in some messages.
    "REFUNDED": "refund.succeeded",
    "PARTIALLY_REFUNDED": "refund.succeeded",
    "REVERSED": "refund.succeeded",
}

REFUNDS: dict[str, dict[str, str]] = {
    "PAYMENT.CAPTURE.REFUNDED": _GIVEN_BACK,
    "PAYMENT.SALE.REFUNDED": _GIVEN_BACK,
    # PayPal takes the money back for the payer: a lost dispute, a chargeback, a returned bank transfer. The resource is
    # a refund object and the money has moved like one, so it is a refund, with the reason "reversed". It is not
    # `refund.reversed` (money coming back to the merchant), and the dispute, if any, has its own events.
    "PAYMENT.CAPTURE.REVERSED": _GIVEN_BACK,
    "PAYMENT.SALE.REVERSED": _GIVEN_BACK,
    "PAYMENT.REFUND.PENDING": {ANY: "refund.pending"},
    "PAYMENT.REFUND.COMPLETED": _GIVEN_BACK,
    "PAYMENT.REFUND.FAILED": {ANY: "refund.failed"},
    "PAYMENT.REFUND.CANCELLED": {ANY: "refund.failed"},
}
"""Event type → status → our type, where the resource is (mostly) a refund."""

DISPUTE_TYPES = (
    "CUSTOMER.DISPUTE.CREATED",
    "CUSTOMER.DISPUTE.UPDATED",
    "CUSTOMER.DISPUTE.RESOLVED",
    "RISK.DISPUTE.CREATED",
)

# Source: PayPal docs, "Disputes", `status` and `dispute_life_cycle_stage`.
DISPUTE_CREATED: dict[str, str] = {"INQUIRY": "dispute.inquiry", ANY: "dispute.opened"}
"""Stage of a new dispute → our type. An inquiry is a talk between payer and merchant; no money is claimed yet."""

DISPUTE_UPDATED: dict[str, str] = {
    "": "dispute.opened",
    "OPEN": "dispute.opened",
    "OTHER": "dispute.opened",
    "WAITING_FOR_SELLER_RESPONSE": "dispute.evidence_required",
    "WAITING_FOR_BUYER_RESPONSE": "dispute.evidence_submitted",
    "UNDER_REVIEW": "dispute.evidence_submitted",
}
"""Status of an updated dispute past its inquiry → our type. "RESOLVED" is looked up by its outcome."""

DISPUTE_OUTCOMES: dict[str, str] = {
    "RESOLVED_BUYER_FAVOUR": "dispute.lost",
    "RESOLVED_BUYER_FAVOR": "dispute.lost",
    "RESOLVED_SELLER_FAVOUR": "dispute.won",
    "RESOLVED_SELLER_FAVOR": "dispute.won",
    # PayPal pays the payer out of its own pocket (seller protection): the merchant keeps the money.
    "RESOLVED_WITH_PAYOUT": "dispute.won",
    "CANCELED_BY_BUYER": "dispute.won",
    "ACCEPTED": "dispute.lost",  # PayPal accepted the payer's dispute
    "DENIED": "dispute.won",
    # Closed without any decision: another dispute of the same transaction took its place, or none was needed.
    "NONE": "dispute.expired",
    "": "dispute.expired",
}
"""`dispute_outcome.outcome_code` → our type."""

SUBSCRIPTIONS: dict[str, str] = {
    "BILLING.SUBSCRIPTION.CREATED": "subscription.created",
    "BILLING.SUBSCRIPTION.ACTIVATED": "subscription.updated",
    "BILLING.SUBSCRIPTION.UPDATED": "subscription.updated",
    "BILLING.SUBSCRIPTION.SUSPENDED": "subscription.paused",
    "BILLING.SUBSCRIPTION.RE-ACTIVATED": "subscription.resumed",
    "BILLING.SUBSCRIPTION.CANCELLED": "subscription.canceled",
    "BILLING.SUBSCRIPTION.EXPIRED": "subscription.canceled",
    # A bill of the subscription was not paid. PayPal has no invoice object for it.
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": "invoice.payment_failed",
}
"""Event type → our type, where the resource is a subscription (v2) or a billing agreement with a plan (v1)."""

# Source: PayPal docs, "Subscriptions", `status`; "Billing agreements", `state`.
SUBSCRIPTION_STATUSES: dict[str, SubscriptionStatus.ValueType] = {
    "APPROVAL_PENDING": SubscriptionStatus.SUBSCRIPTION_STATUS_INCOMPLETE,
    "APPROVED": SubscriptionStatus.SUBSCRIPTION_STATUS_INCOMPLETE,
    "PENDING": SubscriptionStatus.SUBSCRIPTION_STATUS_INCOMPLETE,
    "ACTIVE": SubscriptionStatus.SUBSCRIPTION_STATUS_ACTIVE,
    "REACTIVATED": SubscriptionStatus.SUBSCRIPTION_STATUS_ACTIVE,
    "SUSPENDED": SubscriptionStatus.SUBSCRIPTION_STATUS_PAUSED,
    "CANCELLED": SubscriptionStatus.SUBSCRIPTION_STATUS_CANCELED,
    "EXPIRED": SubscriptionStatus.SUBSCRIPTION_STATUS_CANCELED,
}
"""Status → ours. The type never depends on it; an unknown one is passed on as sent."""

MANDATES: dict[str, str] = {
    "BILLING_AGREEMENTS.AGREEMENT.CREATED": "mandate.active",
    "BILLING_AGREEMENTS.AGREEMENT.CANCELLED": "mandate.revoked",
}
"""Event type → our type: reference transactions, a payer's standing consent."""

INVOICES: dict[str, dict[str, str]] = {
    "INVOICING.INVOICE.CREATED": {ANY: "invoice.created"},
    "INVOICING.INVOICE.SCHEDULED": {ANY: "invoice.updated"},
    "INVOICING.INVOICE.UPDATED": {ANY: "invoice.updated"},
    "INVOICING.INVOICE.CANCELLED": {ANY: "invoice.voided"},
    # The refund itself comes as PAYMENT.*.REFUNDED.
    "INVOICING.INVOICE.REFUNDED": {ANY: "invoice.updated"},
    # "An invoice is paid, partially paid, or payment is made and is pending."
    "INVOICING.INVOICE.PAID": {
        "": "invoice.paid",
        "PAID": "invoice.paid",
        "MARKED_AS_PAID": "invoice.paid",
        "REFUNDED": "invoice.paid",
        "PARTIALLY_REFUNDED": "invoice.paid",
        "MARKED_AS_REFUNDED": "invoice.paid",
        ANY: "invoice.updated",
    },
}
"""Event type → status → our type."""

# Source: PayPal docs, "Payouts", `transaction_status` and `batch_status`.
PAYOUT_ITEMS: dict[str, str] = {
    "PAYMENT.PAYOUTS-ITEM.SUCCEEDED": "payout.succeeded",
    "PAYMENT.PAYOUTS-ITEM.HELD": "payout.pending",
    "PAYMENT.PAYOUTS-ITEM.UNCLAIMED": "payout.pending",
    "PAYMENT.PAYOUTS-ITEM.BLOCKED": "payout.failed",
    "PAYMENT.PAYOUTS-ITEM.CANCELED": "payout.failed",
    "PAYMENT.PAYOUTS-ITEM.DENIED": "payout.failed",
    "PAYMENT.PAYOUTS-ITEM.FAILED": "payout.failed",
    "PAYMENT.PAYOUTS-ITEM.REFUNDED": "payout.reversed",
    # Nobody claimed it within 30 days.
    "PAYMENT.PAYOUTS-ITEM.RETURNED": "payout.expired",
    "CUSTOMER.PAYOUT.COMPLETED": "payout.succeeded",
    "CUSTOMER.PAYOUT.FAILED": "payout.failed",
    # Funds of a marketplace's order, released to its seller.
    "PAYMENT.REFERENCED-PAYOUT-ITEM.COMPLETED": "payout.succeeded",
    "PAYMENT.REFERENCED-PAYOUT-ITEM.FAILED": "payout.failed",
}
"""Event type → our type, where the resource is one payout."""

PAYOUT_BATCHES: dict[str, str] = {
    "PAYMENT.PAYOUTSBATCH.PROCESSING": "payout.pending",
    "PAYMENT.PAYOUTSBATCH.SUCCESS": "payout.succeeded",
    "PAYMENT.PAYOUTSBATCH.DENIED": "payout.failed",
}
"""Event type → our type, where the resource is a batch.

`connector_payout_id` and `connector_batch_id` are equal then; the batch's items tell their own fate in events of their
own, so sum the ones or the others.
"""

PAYMENT_METHODS: dict[str, str] = {
    "VAULT.CREDIT-CARD.CREATED": "payment_method.attached",
    "VAULT.CREDIT-CARD.UPDATED": "payment_method.updated",
    "VAULT.CREDIT-CARD.DELETED": "payment_method.detached",
    "VAULT.PAYMENT-TOKEN.CREATED": "payment_method.attached",
    "VAULT.PAYMENT-TOKEN.DELETION-INITIATED": "payment_method.updated",
    "VAULT.PAYMENT-TOKEN.DELETED": "payment_method.detached",
    "PAYMENT-TOKENIZATION.ENROLLMENT.CREATED": "payment_method.attached",
    "PAYMENT-TOKENIZATION.PAYMENT-CREDENTIAL.CREATED": "payment_method.attached",
    "PAYMENT-TOKENIZATION.PAYMENT-CREDENTIAL.UPDATED": "payment_method.updated",
    "PAYMENT-TOKENIZATION.METADATA.CHANGED": "payment_method.updated",
    "PAYMENT-TOKENIZATION.TOKEN-STATUS.CHANGED": "payment_method.updated",
}
"""Event type → our type, where the resource is a saved card or token."""

NO_COUNTERPART = frozenset(
    (
        "BILLING.PLAN.ACTIVATED BILLING.PLAN.CREATED BILLING.PLAN.DEACTIVATED BILLING.PLAN.PRICING-CHANGE.ACTIVATED "
        "BILLING.PLAN.UPDATED CATALOG.PRODUCT.CREATED CATALOG.PRODUCT.UPDATED "
        "CUSTOMER.ACCOUNT-LIMITATION.ADDED CUSTOMER.ACCOUNT-LIMITATION.ESCALATED CUSTOMER.ACCOUNT-LIMITATION.LIFTED "
        "CUSTOMER.ACCOUNT-LIMITATION.UPDATED "
        "CHECKOUT.PAYMENT-RESOURCE.CREATED CHECKOUT.PAYMENT-RESOURCE.DELETED CHECKOUT.PAYMENT-RESOURCE.UPDATED "
        "CUSTOMER.ACCOUNT-ENTITIES.CAPABILITY-UPDATED CUSTOMER.ACCOUNT-ENTITIES.REQUIREMENTS-UPDATED "
        "CUSTOMER.PAYPAL-ACCOUNT.CHANGED CUSTOMER.PROFILE.ACCOUNT-CLOSED "
        "CUSTOMER.MANAGED-ACCOUNT.ACCOUNT-CREATED CUSTOMER.MANAGED-ACCOUNT.ACCOUNT-STATUS-CHANGED "
        "CUSTOMER.MANAGED-ACCOUNT.ACCOUNT-UPDATED CUSTOMER.MANAGED-ACCOUNT.CREATED "
        "CUSTOMER.MANAGED-ACCOUNT.CREATION-FAILED CUSTOMER.MANAGED-ACCOUNT.NEGATIVE-BALANCE-DEBIT-INITIATED "
        "CUSTOMER.MANAGED-ACCOUNT.NEGATIVE-BALANCE-NOTIFIED CUSTOMER.MANAGED-ACCOUNT.RISK-ASSESSED "
        "CUSTOMER.MANAGED-ACCOUNT.UPDATED "
        "CUSTOMER.MERCHANT-INTEGRATION.CAPABILITY-UPDATED "
        "CUSTOMER.MERCHANT-INTEGRATION.PRODUCT-SUBSCRIPTION-UPDATED "
        "CUSTOMER.MERCHANT-INTEGRATION.SELLER-ALREADY-INTEGRATED "
        "CUSTOMER.MERCHANT-INTEGRATION.SELLER-CONSENT-GRANTED CUSTOMER.MERCHANT-INTEGRATION.SELLER-EMAIL-CONFIRMED "
        "CUSTOMER.MERCHANT-INTEGRATION.SELLER-ONBOARDING-INITIATED "
        "IDENTITY.AUTHORIZATION-CONSENT.REVOKED MERCHANT.ONBOARDING.COMPLETED MERCHANT.PARTNER-CONSENT.REVOKED "
        "PAYMENT-TOKENIZATION.TRANSACTION.CREATED"
    ).split()
)
"""Plans, products, payment links, accounts, consents: known, and without a word of ours."""

EVENT_TYPES: tuple[str, ...] = tuple(
    sorted(
        {
            *TRANSACTIONS,
            *V1_PAYMENTS,
            *PAYMENT_LINKS,
            *ORDERS,
            ORDER_COMPLETED,
            *REFUNDS,
            *DISPUTE_TYPES,
            *SUBSCRIPTIONS,
            *MANDATES,
            *INVOICES,
            *PAYOUT_ITEMS,
            *PAYOUT_BATCHES,
            *PAYMENT_METHODS,
            *NO_COUNTERPART,
        }
    )
)
"""Every event type known."""

PAYMENT_STATUSES: dict[str, PaymentStatus.ValueType] = {
    "payment.created": PaymentStatus.PAYMENT_STATUS_CREATED,
    "payment.action_required": PaymentStatus.PAYMENT_STATUS_ACTION_REQUIRED,
    "payment.pending": PaymentStatus.PAYMENT_STATUS_PENDING,
    "payment.authorized": PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    "payment.partially_captured": PaymentStatus.PAYMENT_STATUS_PARTIALLY_CAPTURED,
    "payment.captured": PaymentStatus.PAYMENT_STATUS_CAPTURED,
    "payment.capture_failed": PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    "payment.failed": PaymentStatus.PAYMENT_STATUS_FAILED,
    "payment.voided": PaymentStatus.PAYMENT_STATUS_VOIDED,
    "payment.void_failed": PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    "payment.expired": PaymentStatus.PAYMENT_STATUS_EXPIRED,
}
"""Our type → what it alone says of the payment."""

PAYOUT_STATUSES: dict[str, PayoutStatus.ValueType] = {
    "payout.pending": PayoutStatus.PAYOUT_STATUS_PENDING,
    "payout.succeeded": PayoutStatus.PAYOUT_STATUS_SUCCEEDED,
    "payout.failed": PayoutStatus.PAYOUT_STATUS_FAILED,
    "payout.reversed": PayoutStatus.PAYOUT_STATUS_REVERSED,
    "payout.expired": PayoutStatus.PAYOUT_STATUS_EXPIRED,
}
"""Our type → what it says of the payout."""


def meaning(table: dict[str, str], status: str | None) -> str | None:
    """Our type for a status in any case; None if the table does not know it."""
    return table.get((status or "").upper()) or table.get(ANY)
