"""Every event type there is, the older names accepted for some, and which member of `Event.data` each type fills."""

from __future__ import annotations

from typing import Final

EVENT_TYPES: Final[dict[str, dict[str, str]]] = {
    "payment": {
        "payment.created": "The provider knows the payment; nothing has happened yet.",
        "payment.action_required": "The payer has to do something: redirect, 3-D Secure, a PIN.",
        "payment.pending": "The provider is working on it, or an unconfirmed success is held back.",
        "payment.authorized": "Money is reserved.",
        "payment.authorization_adjusted": "The reserved amount was changed.",
        "payment.partially_captured": "Part of the reserved money was taken; more may follow.",
        "payment.captured": "Money was taken: the one to ship goods on.",
        "payment.capture_failed": "A capture did not go through, even if it was announced as successful before.",
        "payment.failed": "An attempt failed; another may follow and succeed.",
        "payment.voided": "The reservation was released before capture.",
        "payment.void_failed": "The release did not go through; the reservation stands.",
        "payment.expired": "The reservation, or the time to pay, ran out.",
        "payment.unknown": "The provider's answer was lost; money may have moved. It will be asked again.",
        "payment.reconciled": "A lost or missing answer was found by asking the provider.",
        "payment.anomaly": "Facts contradict each other; `data.anomaly` names the contradiction. Look at it.",
    },
    "refund": {
        "refund.created": "The provider knows the refund.",
        "refund.pending": "The provider is working on it.",
        "refund.succeeded": "The money goes back to the payer.",
        "refund.failed": "The money did not go back, even if it was announced as successful before.",
        "refund.reversed": "The refunded money came back to the merchant.",
    },
    "dispute": {
        "dispute.inquiry": "A question or warning about a payment; no money has moved.",
        "dispute.opened": "The payer's claim was opened.",
        "dispute.evidence_required": "The merchant has to answer by `data.evidence_due_at`.",
        "dispute.evidence_submitted": "The merchant has answered.",
        "dispute.accepted": "The merchant has accepted the claim.",
        "dispute.won": "The merchant won.",
        "dispute.lost": "The merchant lost.",
        "dispute.reversed": "The money came back for now; not final.",
        "dispute.expired": "The time to answer, or the inquiry, ran out.",
    },
    "payment_method": {
        "payment_method.attached": "A payment method was saved.",
        "payment_method.updated": "A saved payment method changed.",
        "payment_method.detached": "A saved payment method was removed.",
        "payment_method.expiring": "A saved payment method runs out soon.",
    },
    "customer": {
        "customer.created": "The provider knows the customer.",
        "customer.updated": "The customer's data changed.",
        "customer.deleted": "The customer was removed.",
    },
    "subscription": {
        "subscription.created": "A subscription was made.",
        "subscription.updated": "A subscription changed.",
        "subscription.paused": "A subscription was paused or suspended.",
        "subscription.resumed": "A paused subscription runs again.",
        "subscription.renewed": "A new period began.",
        "subscription.canceled": "A subscription is over.",
    },
    "invoice": {
        "invoice.created": "An invoice was made.",
        "invoice.updated": "An invoice changed, was sent, or is due.",
        "invoice.paid": "An invoice was paid.",
        "invoice.payment_failed": "An attempt to pay an invoice failed.",
        "invoice.voided": "An invoice was withdrawn or written off.",
    },
    "payout": {
        "payout.created": "The provider knows the payout.",
        "payout.pending": "The money is on its way.",
        "payout.succeeded": "The money arrived.",
        "payout.failed": "The money did not go out.",
        "payout.reversed": "The money came back.",
        "payout.expired": "Nobody took the money in time.",
    },
    "mandate": {
        "mandate.active": "The payer's consent to be charged stands.",
        "mandate.failed": "The payer's consent could not be set up.",
        "mandate.revoked": "The payer's consent was withdrawn.",
    },
    "usage": {"usage.recorded": "Metered use was recorded."},
    "webhook_endpoint": {
        "webhook_endpoint.failed": "An endpoint failed for days, or is gone: it gets nothing any more.",
    },
    "unmapped": {"connector.unmapped": "A provider event for which there is no word: kept, acknowledged, published."},
}
"""Member of `Event.data` → the types that fill it, each with what it means."""

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
