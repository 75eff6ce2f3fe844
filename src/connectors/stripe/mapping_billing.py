"""What Stripe's events on customers, saved methods, subscriptions, invoices and payouts mean in our words.

Tables only, of the same form as `mapping.py`. Source: Stripe API reference, "Types of events"; each object's page.
"""

from __future__ import annotations

from typing import Final

from connectors.stripe.mapping import Meanings
from orchestratorx_prism.v1.event_data_pb2 import (
    PAYOUT_STATUS_CREATED,
    PAYOUT_STATUS_FAILED,
    PAYOUT_STATUS_PENDING,
    PAYOUT_STATUS_REVERSED,
    PAYOUT_STATUS_SUCCEEDED,
    SUBSCRIPTION_STATUS_ACTIVE,
    SUBSCRIPTION_STATUS_CANCELED,
    SUBSCRIPTION_STATUS_INCOMPLETE,
    SUBSCRIPTION_STATUS_PAST_DUE,
    SUBSCRIPTION_STATUS_PAUSED,
    SUBSCRIPTION_STATUS_TRIALING,
    SUBSCRIPTION_STATUS_UNSPECIFIED,
    PayoutStatus,
    SubscriptionStatus,
)

MERCHANT_CUSTOMER_KEY: Final = "merchant_customer_id"
MERCHANT_SUBSCRIPTION_KEY: Final = "merchant_subscription_id"
MERCHANT_PAYOUT_KEY: Final = "merchant_payout_id"
MERCHANT_REFUND_KEY: Final = "merchant_refund_id"
"""Metadata keys for the merchant's own references of what is not a payment, named like our fields."""

# A tax id, or a movement of the customer's cash balance, is something the customer has: the customer changed.
CUSTOMER: Final[Meanings] = {
    "customer.created": "customer.created",
    "customer.updated": "customer.updated",
    "customer.deleted": "customer.deleted",
}
CUSTOMER_PART: Final[Meanings] = {
    "customer.tax_id.created": "customer.updated",
    "customer.tax_id.updated": "customer.updated",
    "customer.tax_id.deleted": "customer.updated",
    "customer_cash_balance_transaction.created": "customer.updated",
    "cash_balance.funds_available": "customer.updated",
    # A discount is the customer's, or one subscription's.
    "customer.discount.created": {"customer": "customer.updated", "subscription": "subscription.updated"},
    "customer.discount.updated": {"customer": "customer.updated", "subscription": "subscription.updated"},
    "customer.discount.deleted": {"customer": "customer.updated", "subscription": "subscription.updated"},
}

PAYMENT_METHOD: Final[Meanings] = {
    "payment_method.attached": "payment_method.attached",
    "payment_method.updated": "payment_method.updated",
    "payment_method.automatically_updated": "payment_method.updated",
    "payment_method.card_automatically_updated": "payment_method.updated",
    "payment_method.detached": "payment_method.detached",
}
# Source: Stripe docs, "Transitioning to the Payment Methods API": sources and cards are the older saved methods.
SOURCE: Final[Meanings] = {
    "customer.source.created": "payment_method.attached",
    "customer.source.updated": "payment_method.updated",
    "customer.source.deleted": "payment_method.detached",
    "customer.source.expiring": "payment_method.expiring",
    "customer.card.created": "payment_method.attached",
    "customer.card.updated": "payment_method.updated",
    "customer.card.deleted": "payment_method.detached",
    "customer.bank_account.created": "payment_method.attached",
    "customer.bank_account.updated": "payment_method.updated",
    "customer.bank_account.deleted": "payment_method.detached",
    "source.chargeable": "payment_method.updated",
    "source.failed": "payment_method.updated",
    "source.canceled": "payment_method.detached",
}

# Source: Stripe docs, "The Setup Intents API": it obtains the payer's permission for later charges. What it ends in is
# therefore a mandate, given or not; on its way it is a payment method being set up.
SETUP_INTENT: Final[Meanings] = {
    "setup_intent.created": "payment_method.updated",
    "setup_intent.requires_action": "payment_method.updated",
    "setup_intent.succeeded": "mandate.active",
    "setup_intent.setup_failed": "mandate.failed",
    "setup_intent.canceled": "mandate.failed",
}
# A pending mandate is neither active nor revoked: its payment method cannot be charged yet.
MANDATE: Final[Meanings] = {
    "mandate.updated": {
        "active": "mandate.active",
        "inactive": "mandate.revoked",
        "pending": "payment_method.updated",
    },
}

# Source: Stripe docs, "How subscriptions work"; "Using webhooks with subscriptions". A renewal is an update in which a
# new period starts where the old one ended. `incomplete_expired` is terminal and arrives as an update.
SUBSCRIPTION: Final[Meanings] = {
    "customer.subscription.created": "subscription.created",
    "customer.subscription.updated": {
        "updated": "subscription.updated",
        "renewed": "subscription.renewed",
        "canceled": "subscription.canceled",
        "incomplete_expired": "subscription.canceled",
    },
    "customer.subscription.deleted": "subscription.canceled",
    "customer.subscription.paused": "subscription.paused",
    "customer.subscription.resumed": "subscription.resumed",
    "customer.subscription.trial_will_end": "subscription.updated",
    "customer.subscription.pending_update_applied": "subscription.updated",
    "customer.subscription.pending_update_expired": "subscription.updated",
    # Preview versions. Collection that is paused holds bills back; the subscription runs on.
    "customer.subscription.collection_paused": "subscription.updated",
    "customer.subscription.collection_resumed": "subscription.updated",
    "customer.subscription.custom_event": "subscription.updated",
    "customer.subscription.price_migration_failed": "subscription.updated",
}
SUBSCRIPTION_STATUS: Final[dict[str, SubscriptionStatus.ValueType]] = {
    "incomplete": SUBSCRIPTION_STATUS_INCOMPLETE,
    "incomplete_expired": SUBSCRIPTION_STATUS_CANCELED,
    "trialing": SUBSCRIPTION_STATUS_TRIALING,
    "active": SUBSCRIPTION_STATUS_ACTIVE,
    "past_due": SUBSCRIPTION_STATUS_PAST_DUE,
    "unpaid": SUBSCRIPTION_STATUS_PAST_DUE,
    "paused": SUBSCRIPTION_STATUS_PAUSED,
    "canceled": SUBSCRIPTION_STATUS_CANCELED,
}


def subscription_status(word: str | None) -> SubscriptionStatus.ValueType:
    """Our status for Stripe's; unspecified for a word that is not in the table, which is passed on as sent."""
    status = SUBSCRIPTION_STATUS.get(word) if word is not None else None
    return SUBSCRIPTION_STATUS_UNSPECIFIED if status is None else status


# Source: Stripe docs, "Subscription schedules": canceling or aborting one cancels its subscription, releasing does not.
SCHEDULE: Final[Meanings] = {
    "subscription_schedule.created": "subscription.updated",
    "subscription_schedule.updated": "subscription.updated",
    "subscription_schedule.expiring": "subscription.updated",
    "subscription_schedule.completed": "subscription.updated",
    "subscription_schedule.released": "subscription.updated",
    "subscription_schedule.price_migration_failed": "subscription.updated",  # preview versions
    "subscription_schedule.canceled": "subscription.canceled",
    "subscription_schedule.aborted": "subscription.canceled",
}

# Source: Stripe docs, "How invoices work"; "Partial payments": a payment can succeed and leave the invoice open.
INVOICE: Final[Meanings] = {
    "invoice.created": "invoice.created",
    "invoice.paid": "invoice.paid",
    "invoice.payment_succeeded": {
        "paid": "invoice.paid",
        "": "invoice.paid",
        "open": "invoice.updated",
        "uncollectible": "invoice.updated",
        "void": "invoice.updated",
        "draft": "invoice.updated",
    },
    "invoice.payment_failed": "invoice.payment_failed",
    "invoice.voided": "invoice.voided",
    "invoice.deleted": "invoice.voided",
    **dict.fromkeys(
        (
            "invoice.updated invoice.finalized invoice.finalization_failed invoice.sent invoice.upcoming "
            "invoice.overdue invoice.overpaid invoice.will_be_due invoice.marked_uncollectible "
            "invoice.payment_action_required invoice.payment_attempt_required"
        ).split(),
        "invoice.updated",
    ),
}
# The default InvoicePayment covers all that remains of the invoice; another one only a part.
INVOICE_PAYMENT: Final[Meanings] = {
    "invoice_payment.paid": {"default": "invoice.paid", "partial": "invoice.updated"},
    # Preview versions.
    "invoice_payment.detached": "invoice.updated",
    "invoice.payment.overpaid": "invoice.updated",
}
INVOICE_PART: Final[Meanings] = {
    "invoiceitem.created": "invoice.updated",
    "invoiceitem.updated": "invoice.updated",
    "invoiceitem.deleted": "invoice.updated",
    "credit_note.created": "invoice.updated",
    "credit_note.updated": "invoice.updated",
    "credit_note.voided": "invoice.updated",
    # Preview versions: an invoice paid in installments.
    **{
        f"payment_plan.{name}": "invoice.updated"
        for name in ("created", "updated", "installment_due", "installment_paid", "installment_will_be_due")
    },
}

# Source: Stripe docs, "Payouts". A payout can be paid and fail days later; a canceled one never leaves.
_PAYOUT_STATUS: Final[dict[str, str]] = {
    "pending": "payout.pending",
    "in_transit": "payout.pending",
    "paid": "payout.succeeded",
    "failed": "payout.failed",
    "canceled": "payout.failed",
    "reversed": "payout.reversed",
}
PAYOUT: Final[Meanings] = {
    "payout.created": "payout.created",
    "payout.paid": "payout.succeeded",
    "payout.failed": "payout.failed",
    "payout.canceled": "payout.failed",
    "payout.updated": _PAYOUT_STATUS,
    "payout.reconciliation_completed": _PAYOUT_STATUS,
}
# Source: Stripe docs, "Create separate charges and transfers": a transfer moves money to a connected account, that is
# out to a third party, and is done at once: it has no status. Until 2017-04-06 payouts were transfers with a status.
TRANSFER: Final[Meanings] = {
    "transfer.created": {**_PAYOUT_STATUS, "pending": "payout.created", "": "payout.succeeded"},
    "transfer.updated": {**_PAYOUT_STATUS, "": "payout.succeeded"},
    "transfer.reversed": "payout.reversed",
    "transfer.paid": "payout.succeeded",
    "transfer.failed": "payout.failed",
    "transfer.canceled": "payout.failed",
    "transfer.deleted": "payout.failed",
}
# Source: Stripe docs, "Treasury: moving money out of a financial account".
_OUTBOUND_STATUS: Final[dict[str, str]] = {
    "processing": "payout.pending",
    "posted": "payout.succeeded",
    "failed": "payout.failed",
    "canceled": "payout.failed",
    "returned": "payout.reversed",
}
_OUTBOUND: Final[Meanings] = {
    "created": "payout.created",
    "posted": "payout.succeeded",
    "failed": "payout.failed",
    "canceled": "payout.failed",
    "returned": "payout.reversed",
    "expected_arrival_date_updated": _OUTBOUND_STATUS,
    "tracking_details_updated": _OUTBOUND_STATUS,
}
OUTBOUND: Final[Meanings] = {
    f"treasury.{kind}.{name}": meaning
    for kind in ("outbound_payment", "outbound_transfer")
    for name, meaning in _OUTBOUND.items()
}
PAYOUT_STATUS: Final[dict[str, PayoutStatus.ValueType]] = {
    "payout.created": PAYOUT_STATUS_CREATED,
    "payout.pending": PAYOUT_STATUS_PENDING,
    "payout.succeeded": PAYOUT_STATUS_SUCCEEDED,
    "payout.failed": PAYOUT_STATUS_FAILED,
    "payout.reversed": PAYOUT_STATUS_REVERSED,
}

# Source: Stripe docs, "Set up usage alerts": the customer's use of a meter has reached the stated value.
USAGE: Final[Meanings] = {"billing.alert.triggered": "usage.recorded"}
