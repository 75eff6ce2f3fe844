"""What Stripe's payment, refund and dispute events mean in our words. Tables only.

A value is our type where Stripe's type says it all. Where the object's state is half of the meaning it is a table from
state to our type; a state that is not in it becomes `connector.unmapped`. `mapping_billing.py` has the other families,
`mapping_thin.py` what is meant when the object does not come along.

Source: Stripe API reference, "Types of events"; the page of each object for its statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestratorx_prism.v1.dispute_pb2 import (
    DISPUTE_STATUS_ACCEPTED,
    DISPUTE_STATUS_EVIDENCE_REQUIRED,
    DISPUTE_STATUS_EVIDENCE_SUBMITTED,
    DISPUTE_STATUS_EXPIRED,
    DISPUTE_STATUS_INQUIRY,
    DISPUTE_STATUS_LOST,
    DISPUTE_STATUS_OPENED,
    DISPUTE_STATUS_REVERSED,
    DISPUTE_STATUS_WON,
    DisputeStatus,
)
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_ACTION_REQUIRED,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_CREATED,
    PAYMENT_STATUS_EXPIRED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PARTIALLY_CAPTURED,
    PAYMENT_STATUS_PENDING,
    PAYMENT_STATUS_VOIDED,
    PaymentStatus,
)
from orchestratorx_prism.v1.refund_pb2 import (
    REFUND_STATUS_CREATED,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    RefundStatus,
)

Meaning = str | Mapping[str, str]
Meanings = dict[str, Meaning]


def type_of(meaning: Meaning, state: str) -> str | None:
    """Our type for `state`; None if there is no word for that state."""
    return meaning if isinstance(meaning, str) else meaning.get(state)


# Source: Stripe docs, "Payment status updates"; "Place a hold on a payment method"; "Capture a payment multiple times".
# `payment_failed` is not terminal: the PaymentIntent waits for another payment method.
_CANCELED: Final[dict[str, str]] = {"canceled": "payment.voided", "ran_out": "payment.expired"}
PAYMENT_INTENT: Final[Meanings] = {
    "payment_intent.created": "payment.created",
    "payment_intent.requires_action": "payment.action_required",
    "payment_intent.processing": "payment.pending",
    "payment_intent.partially_funded": "payment.pending",
    "payment_intent.amount_capturable_updated": {
        "authorized": "payment.authorized",
        "adjusted": "payment.authorization_adjusted",
        "partly_captured": "payment.partially_captured",
        "succeeded": "payment.captured",
        "canceled": "payment.voided",
        "processing": "payment.pending",
        "requires_action": "payment.action_required",
        "requires_source_action": "payment.action_required",  # so called before 2019-02-11
        # The authorization fell away: back to waiting for a payment method.
        "requires_payment_method": "payment.failed",
        "requires_source": "payment.failed",  # so called before 2019-02-11
    },
    "payment_intent.succeeded": "payment.captured",
    "payment_intent.payment_failed": "payment.failed",
    "payment_intent.canceled": _CANCELED,
    "payment_intent.cancelled": _CANCELED,  # so spelled in recordings of 2018
    "payment_intent.expired": "payment.expired",  # preview versions
}

RAN_OUT: Final = frozenset({"automatic", "expired"})
"""`cancellation_reason`s that Stripe sets itself when the time to pay or to capture is over. All others are somebody's
decision: abandoned, duplicate, fraudulent, requested_by_customer, failed_invoice, void_invoice, or none given."""

# Source: Stripe API reference, "The Charge object": `captured`, `amount_captured`, `amount_refunded`, `status`.
# A canceled authorization arrives as `charge.refunded` of a charge that was never captured: nothing went back.
_CHARGE_STATE: Final[dict[str, str]] = {
    "captured": "payment.captured",
    "partly_captured": "payment.partially_captured",
    "uncaptured": "payment.authorized",
    "released": "payment.voided",
    "pending": "payment.pending",
    "failed": "payment.failed",
}
CHARGE: Final[Meanings] = {
    "charge.succeeded": _CHARGE_STATE,
    "charge.captured": _CHARGE_STATE,
    "charge.updated": _CHARGE_STATE,
    # What a platform sends a connected account is a payment there: a charge named py_…. Sent, and in no list.
    "payment.created": _CHARGE_STATE,
    "charge.pending": "payment.pending",
    "charge.failed": "payment.failed",
    "charge.expired": "payment.expired",
}

# Source: Stripe docs, "Fulfill orders"; API reference, "The Checkout Session object": `mode`, `payment_status`.
# Key: mode/payment_status. "unpaid" on completion: a delayed payment method, or capture is to follow.
# Before `payment_status` existed a completed session said nothing of capture; the payment's own events do.
# In setup mode the payer consents to later charges, as with a SetupIntent: a mandate.
CHECKOUT_SESSION: Final[Meanings] = {
    "checkout.session.completed": {
        "payment/paid": "payment.captured",
        "payment/no_payment_required": "payment.captured",
        "payment/unpaid": "payment.pending",
        "payment/": "payment.pending",
        "subscription/paid": "subscription.created",
        "subscription/unpaid": "subscription.created",
        "subscription/no_payment_required": "subscription.created",
        "subscription/": "subscription.created",
        "setup/paid": "mandate.active",
        "setup/unpaid": "mandate.active",
        "setup/no_payment_required": "mandate.active",
        "setup/": "mandate.active",
    },
    "checkout.session.async_payment_succeeded": {
        "payment": "payment.captured",
        "subscription": "subscription.updated",
    },
    "checkout.session.async_payment_failed": {"payment": "payment.failed", "subscription": "subscription.updated"},
    "checkout.session.expired": {
        "payment": "payment.expired",
        "subscription": "subscription.canceled",
        "setup": "mandate.failed",
    },
}

# Source: Stripe API reference, "The Refund object"; Stripe docs, "Refund and cancel payments".
# A refund may go from succeeded to failed. `expired_uncaptured_charge` is its reason, not its status: Stripe's own
# bookkeeping of an authorization that ran out; nothing was captured, so nothing went back.
_REFUND_STATUS: Final[dict[str, str]] = {
    "succeeded": "refund.succeeded",
    "pending": "refund.pending",
    "requires_action": "refund.pending",
    "failed": "refund.failed",
    "canceled": "refund.failed",
    "": "refund.created",
    "expired_uncaptured_charge": "payment.expired",
}
REFUND: Final[Meanings] = {
    "refund.created": _REFUND_STATUS,
    "refund.updated": _REFUND_STATUS,
    "refund.failed": "refund.failed",
    "charge.refund.updated": _REFUND_STATUS,
}
CHARGE_REFUNDED: Final[Meanings] = {
    "charge.refunded": {
        **_REFUND_STATUS,
        "": "refund.succeeded",
        "uncaptured": "payment.voided",
        "remainder_released": "payment.captured",
    },
}
"""By the newest refund's status, where the charge names it; else the event itself says that the charge is refunded."""

# Source: Stripe docs, "How disputes work"; API reference, "The Dispute object". `prevented` has the card's case type
# beside it: a "block" leaves the money with the merchant, a "resolution" gave it back without a chargeback.
_DISPUTE_STATUS: Final[dict[str, str]] = {
    "warning_needs_response": "dispute.inquiry",
    "warning_under_review": "dispute.evidence_submitted",
    "warning_closed": "dispute.expired",
    "needs_response": "dispute.evidence_required",
    "under_review": "dispute.evidence_submitted",
    "appeal_needs_response": "dispute.evidence_required",
    "appeal_under_review": "dispute.evidence_submitted",
    "won": "dispute.won",
    "lost": "dispute.lost",
    "prevented": "dispute.accepted",
    "prevented/block": "dispute.won",
    "charge_refunded": "dispute.accepted",
    "response_disabled": "dispute.opened",  # until 2015: the network takes no answer
}
DISPUTE: Final[Meanings] = {
    "charge.dispute.created": {
        **dict.fromkeys(("needs_response", "under_review", "won", "lost"), "dispute.opened"),
        **dict.fromkeys(("appeal_needs_response", "appeal_under_review"), "dispute.opened"),
        **dict.fromkeys(("warning_needs_response", "warning_under_review", "warning_closed"), "dispute.inquiry"),
        **{state: _DISPUTE_STATUS[state] for state in ("prevented", "prevented/block", "charge_refunded")},
        **dict.fromkeys(("response_disabled", ""), "dispute.opened"),
    },
    "charge.dispute.updated": _DISPUTE_STATUS,
    "charge.dispute.closed": _DISPUTE_STATUS,
    "charge.dispute.funds_withdrawn": {**_DISPUTE_STATUS, **dict.fromkeys(("needs_response", ""), "dispute.opened")},
    # Money that comes back before the decision is not a victory yet; only `won` is.
    "charge.dispute.funds_reinstated": {
        **dict.fromkeys((*_DISPUTE_STATUS, ""), "dispute.reversed"),
        "won": "dispute.won",
        "prevented/block": "dispute.won",
    },
}

# Source: Stripe docs, "Early fraud warnings". Not actionable any more: refunded, or a dispute took its place.
FRAUD_WARNING: Final[Meanings] = {
    "radar.early_fraud_warning.created": "dispute.inquiry",
    "radar.early_fraud_warning.updated": {"actionable": "dispute.inquiry", "over": "dispute.expired"},
    "issuer_fraud_record.created": "dispute.inquiry",
}

# Source: Stripe changelog, "Orders (legacy)", 2015 to 2022: an order was paid by a charge, at once.
ORDER: Final[Meanings] = {
    "order.payment_succeeded": "payment.captured",
    "order.payment_failed": "payment.failed",
}

PAYMENT_STATUS: Final[dict[str, PaymentStatus.ValueType]] = {
    "payment.created": PAYMENT_STATUS_CREATED,
    "payment.action_required": PAYMENT_STATUS_ACTION_REQUIRED,
    "payment.pending": PAYMENT_STATUS_PENDING,
    "payment.authorized": PAYMENT_STATUS_AUTHORIZED,
    "payment.authorization_adjusted": PAYMENT_STATUS_AUTHORIZED,
    "payment.partially_captured": PAYMENT_STATUS_PARTIALLY_CAPTURED,
    "payment.captured": PAYMENT_STATUS_CAPTURED,
    "payment.failed": PAYMENT_STATUS_FAILED,
    "payment.voided": PAYMENT_STATUS_VOIDED,
    "payment.expired": PAYMENT_STATUS_EXPIRED,
}
REFUND_STATUS: Final[dict[str, RefundStatus.ValueType]] = {
    "refund.created": REFUND_STATUS_CREATED,
    "refund.pending": REFUND_STATUS_PENDING,
    "refund.succeeded": REFUND_STATUS_SUCCEEDED,
    "refund.failed": REFUND_STATUS_FAILED,
}
DISPUTE_STATUS: Final[dict[str, DisputeStatus.ValueType]] = {
    "dispute.inquiry": DISPUTE_STATUS_INQUIRY,
    "dispute.opened": DISPUTE_STATUS_OPENED,
    "dispute.evidence_required": DISPUTE_STATUS_EVIDENCE_REQUIRED,
    "dispute.evidence_submitted": DISPUTE_STATUS_EVIDENCE_SUBMITTED,
    "dispute.accepted": DISPUTE_STATUS_ACCEPTED,
    "dispute.won": DISPUTE_STATUS_WON,
    "dispute.lost": DISPUTE_STATUS_LOST,
    "dispute.reversed": DISPUTE_STATUS_REVERSED,
    "dispute.expired": DISPUTE_STATUS_EXPIRED,
}
"""What the event alone says; the ledger knows more."""

CAPTURES: Final = frozenset({"payment.captured", "payment.partially_captured"})
RELEASES: Final = frozenset({"payment.voided", "payment.expired"})

# Source: Stripe API reference, "The PaymentIntent object": `next_action.type`.
NEXT_ACTION: Final[dict[str, str]] = {
    "redirect_to_url": "redirect",
    "authorize_with_url": "redirect",
    "alipay_handle_redirect": "redirect",
    "wechat_pay_redirect_to_android_app": "redirect",
    "wechat_pay_redirect_to_ios_app": "redirect",
    "use_stripe_sdk": "three_d_secure",
    **dict.fromkeys(
        (
            "boleto_display_details konbini_display_details multibanco_display_details oxxo_display_details "
            "display_bank_transfer_instructions wechat_pay_display_qr_code paynow_display_qr_code "
            "promptpay_display_qr_code pix_display_qr_code klarna_display_qr_code "
            "cashapp_handle_redirect_or_display_qr_code swish_handle_redirect_or_display_qr_code "
            "upi_handle_redirect_or_display_qr_code"
        ).split(),
        "display_details",
    ),
}
"""Stripe's name → ours. Others (`verify_with_microdeposits`, `blik_authorize`, …) keep theirs."""
