"""What statuses mean in PayPal's answers to us: of things as they are now. Tables only; webhooks' are in `mapping`."""

from __future__ import annotations

from connectors.paypal.mapping import ORDER_AUTHORIZATIONS, REFUNDS

# Source: PayPal docs, "Orders v2", `status`.
ORDERS: dict[str, str] = {
    "CREATED": "payment.action_required",
    "PAYER_ACTION_REQUIRED": "payment.action_required",
    "SAVED": "payment.created",
    "APPROVED": "payment.pending",
    "COMPLETED": "payment.pending",
    "VOIDED": "payment.voided",
}
"""Status of an order that holds no capture and no authorization → our type."""

AUTHORIZATIONS: dict[str, str] = {
    **ORDER_AUTHORIZATIONS,
    "VOIDED": "payment.voided",
    "EXPIRED": "payment.expired",
}
"""Status of an authorization → our type."""

REFUNDS_MADE: dict[str, str] = REFUNDS["PAYMENT.REFUND.COMPLETED"]
"""Status of a refund → our type."""

# Source: PayPal docs, "Payouts", `batch_status` and `transaction_status`.
PAYOUT_BATCHES: dict[str, str] = {
    "NEW": "payout.pending",
    "PENDING": "payout.pending",
    "PROCESSING": "payout.pending",
    "SUCCESS": "payout.pending",  # all items are dealt with; each has a fate of its own
    "ACKNOWLEDGED": "payout.pending",
    "DENIED": "payout.failed",
    "CANCELED": "payout.failed",
}
PAYOUT_ITEMS: dict[str, str] = {
    "NEW": "payout.pending",
    "PENDING": "payout.pending",
    "ONHOLD": "payout.pending",
    "UNCLAIMED": "payout.pending",
    "SUCCESS": "payout.succeeded",
    "FAILED": "payout.failed",
    "BLOCKED": "payout.failed",
    "DENIED": "payout.failed",
    "CANCELED": "payout.failed",
    "REFUNDED": "payout.reversed",
    "REVERSED": "payout.reversed",
    "RETURNED": "payout.expired",
}
