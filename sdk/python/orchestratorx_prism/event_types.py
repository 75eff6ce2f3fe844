"""Every event type there is, the older names accepted for some, and which member of `Event.data` each type fills."""

from __future__ import annotations

from typing import Final

EVENT_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "payment": (
        "payment.created",
        "payment.action_required",
        "payment.pending",
        "payment.authorized",
        "payment.authorization_adjusted",
        "payment.partially_captured",
        "payment.captured",
        "payment.capture_failed",
        "payment.failed",
        "payment.voided",
        "payment.void_failed",
        "payment.expired",
        "payment.unknown",
        "payment.reconciled",
        "payment.anomaly",
    ),
    "refund": ("refund.created", "refund.pending", "refund.succeeded", "refund.failed", "refund.reversed"),
    "dispute": (
        "dispute.inquiry",
        "dispute.opened",
        "dispute.evidence_required",
        "dispute.evidence_submitted",
        "dispute.accepted",
        "dispute.won",
        "dispute.lost",
        "dispute.reversed",
        "dispute.expired",
    ),
    "payment_method": (
        "payment_method.attached",
        "payment_method.updated",
        "payment_method.detached",
        "payment_method.expiring",
    ),
    "customer": ("customer.created", "customer.updated", "customer.deleted"),
    "subscription": (
        "subscription.created",
        "subscription.updated",
        "subscription.paused",
        "subscription.resumed",
        "subscription.renewed",
        "subscription.canceled",
    ),
    "invoice": ("invoice.created", "invoice.updated", "invoice.paid", "invoice.payment_failed", "invoice.voided"),
    "payout": (
        "payout.created",
        "payout.pending",
        "payout.succeeded",
        "payout.failed",
        "payout.reversed",
        "payout.expired",
    ),
    "mandate": ("mandate.active", "mandate.failed", "mandate.revoked"),
    "usage": ("usage.recorded",),
    "unmapped": ("connector.unmapped",),
}
"""Member of `Event.data` → the types that fill it."""

UNMAPPED: Final = "connector.unmapped"

DATA_MEMBER: Final[dict[str, str]] = {name: member for member, names in EVENT_TYPES.items() for name in names}
"""Type → member of `Event.data`."""

OLDER_NAMES: Final[dict[str, str]] = {
    "payment.transaction.created": "payment.created",
    "payment.transaction.succeeded": "payment.captured",
    "payment.transaction.failed": "payment.failed",
    "payment.transaction.refunded": "refund.succeeded",
    "payment.customer.created": "customer.created",
    "payment.customer.updated": "customer.updated",
    "payment.customer.deleted": "customer.deleted",
    "payment.method.attached": "payment_method.attached",
    "payment.method.updated": "payment_method.updated",
    "payment.method.detached": "payment_method.detached",
    "payment.subscription.created": "subscription.created",
    "payment.subscription.updated": "subscription.updated",
    "payment.subscription.canceled": "subscription.canceled",
    "payment.invoice.created": "invoice.created",
    "payment.invoice.paid": "invoice.paid",
    "payment.invoice.payment_failed": "invoice.payment_failed",
    "payment.usage.recorded": "usage.recorded",
}
"""Older dotted name → today's."""
