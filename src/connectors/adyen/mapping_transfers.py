"""What the movements on a platform's balance accounts mean in our words. Tables only.

The view is the balance account's. Money that leaves it is a payout: to a bank, to a card, to another balance account,
or spent with an Adyen-issued card (nobody paid the merchant, so it is never a payment). Money that arrives is a
payment. `direction` is the transfer's; a direct debit pulls, so its money runs against its direction.
Two kinds are different: what books an *acquired* payment (category platformPayment, topUp) is about that payment, its
refund or its dispute; and what comes back to an issued card is a payout that came back.
These events carry the balance platform as their account, standard webhooks the merchant account: they are two views, so
an acquired payment and its bookings never add up in one payment.

Source: Adyen API Explorer, "Transfer webhooks" v3–v4; "Transaction webhooks" v4; "Payment webhooks (deprecated)" v1.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class Flow(Enum):
    """Whose money goes where."""

    OUT = auto()
    """Leaves the balance account."""
    IN = auto()
    """Arrives on it."""
    CARD_RETURN = auto()
    """Comes back to an issued card."""
    ACQUIRED = auto()
    """Books an acquired payment's capture."""
    CAPTURE_REVERSAL = auto()
    REFUND = auto()
    REFUND_REVERSAL = auto()
    CHARGEBACK = auto()
    CHARGEBACK_REVERSAL = auto()
    SECOND_CHARGEBACK = auto()


class Stage(Enum):
    """How far it is."""

    NEW = auto()
    PENDING = auto()
    DONE = auto()
    FAILED = auto()
    EXPIRED = auto()
    BACK = auto()
    """It was done, and undone."""


TRANSFERS: Final = frozenset({"balancePlatform.transfer.created", "balancePlatform.transfer.updated"})
TRANSACTION: Final = "balancePlatform.transaction.created"
MOVEMENTS: Final = frozenset(
    {
        "balancePlatform.payment.created",
        "balancePlatform.payment.updated",
        "balancePlatform.incomingTransfer.created",
        "balancePlatform.incomingTransfer.updated",
        "balancePlatform.outgoingTransfer.created",
        "balancePlatform.outgoingTransfer.updated",
    }
)

BOOKS_ACQUIRED: Final = frozenset({"platformPayment", "topUp"})
"""Categories that book acquired payments."""

# Their transfer type. Fees, costs and corrections are not here: they leave or arrive as any other money.
ACQUIRED_FLOWS: Final[dict[str, Flow]] = {
    "payment": Flow.ACQUIRED,
    "capture": Flow.ACQUIRED,
    "captureReversal": Flow.CAPTURE_REVERSAL,
    "refund": Flow.REFUND,
    "refundReversal": Flow.REFUND_REVERSAL,
    "chargeback": Flow.CHARGEBACK,
    "chargebackCorrection": Flow.CHARGEBACK,
    "chargebackReversal": Flow.CHARGEBACK_REVERSAL,
    "chargebackReversalCorrection": Flow.CHARGEBACK_REVERSAL,
    "secondChargeback": Flow.SECOND_CHARGEBACK,
    "secondChargebackCorrection": Flow.SECOND_CHARGEBACK,
}

DIRECT_DEBITS: Final = frozenset({"bankDirectDebit", "internalDirectDebit"})
ISSUED_CARD: Final = "issuedCard"

PUSHED_FLOWS: Final[dict[str, Flow]] = {"outgoing": Flow.OUT, "incoming": Flow.IN}
DEBIT_FLOWS: Final[dict[str, Flow]] = {"incoming": Flow.OUT, "outgoing": Flow.IN}
CARD_FLOWS: Final[dict[str, Flow]] = {"outgoing": Flow.OUT, "incoming": Flow.CARD_RETURN}
"""`direction` → whose money goes where: of transfers that push, of direct debits, of issued cards."""

STAGES: Final[dict[str, Stage]] = {
    "received": Stage.NEW,
    **dict.fromkeys(
        (
            "approvalPending atmWithdrawalReversalPending authAdjustmentAuthorised authAdjustmentError "
            "authAdjustmentRefused authorised bankTransferPending bookingPending capturePending captureReversalPending "
            "chargebackPending chargebackReversalPending depositCorrectionPending feePending internalTransferPending "
            "invoiceDeductionPending manualCorrectionPending matchedStatementPending merchantPayinPending "
            "merchantPayinReversedPending miscCostPending paymentCostPending pending pendingApproval pendingExecution "
            "refundPending refundReversalPending reserveAdjustmentPending reversalReceived secondChargebackPending"
        ).split(),
        Stage.PENDING,
    ),
    **dict.fromkeys(
        (
            "atmWithdrawal bankTransfer booked captured capturedExternally chargeback chargebackExternally credited "
            "depositCorrection dispute disputeClosed disputeExpired disputeNeedsReview fee interchangeAdjusted "
            "internalTransfer invoiceDeduction manuallyCorrected matchedStatement merchantPayin miscCost paymentCost "
            "refunded refundedExternally reserveAdjustment secondChargeback"
        ).split(),
        Stage.DONE,
    ),
    **dict.fromkeys("cancelled error failed refused rejected".split(), Stage.FAILED),
    "expired": Stage.EXPIRED,
    **dict.fromkeys(
        (
            "atmWithdrawalReversed captureReversed chargebackReversed merchantPayinReversed refundReversed returned "
            "reversed"
        ).split(),
        Stage.BACK,
    ),
}
"""A transfer's `status`. "undefined" is not here: it says nothing."""

TRANSACTION_STAGES: Final[dict[str, Stage]] = {"pending": Stage.PENDING, "booked": Stage.DONE}

# `status` of the older payment webhooks.
MOVEMENT_STAGES: Final[dict[str, Stage]] = {
    "Authorised": Stage.PENDING,
    "Refused": Stage.FAILED,
    "Error": Stage.FAILED,
    "Cancelled": Stage.FAILED,
    "Expired": Stage.EXPIRED,
    "AuthAdjustmentAuthorised": Stage.PENDING,
    "AuthAdjustmentRefused": Stage.PENDING,
    "AuthAdjustmentError": Stage.PENDING,
    "PendingIncomingTransfer": Stage.PENDING,
    "IncomingTransfer": Stage.DONE,
    "PendingRefund": Stage.PENDING,
    "Refunded": Stage.DONE,
    "Captured": Stage.DONE,
    "OutgoingTransfer": Stage.PENDING,
    "TransferSentOut": Stage.PENDING,
    "TransferConfirmed": Stage.DONE,
    "TransferFailed": Stage.FAILED,
}

REFUNDED: Final = frozenset({"PendingRefund", "Refunded"})
"""A `status` or `modification.type` by which money that leaves for an acquired payment is its refund. Others do not
tell a chargeback from a fee: that money leaves as any other."""

# (money arrives, a payment instrument is named): a refund names the card it goes to, a transfer of funds names none.
MOVEMENT_FLOWS: Final[dict[tuple[bool, bool], Flow]] = {
    (False, False): Flow.OUT,
    (False, True): Flow.OUT,
    (True, False): Flow.IN,
    (True, True): Flow.CARD_RETURN,
}

TYPES: Final[dict[tuple[Flow, Stage], str]] = {
    (Flow.OUT, Stage.NEW): "payout.created",
    (Flow.OUT, Stage.PENDING): "payout.pending",
    (Flow.OUT, Stage.DONE): "payout.succeeded",
    (Flow.OUT, Stage.FAILED): "payout.failed",
    (Flow.OUT, Stage.EXPIRED): "payout.expired",
    (Flow.OUT, Stage.BACK): "payout.reversed",
    (Flow.CARD_RETURN, Stage.NEW): "payout.pending",
    (Flow.CARD_RETURN, Stage.PENDING): "payout.pending",
    (Flow.CARD_RETURN, Stage.DONE): "payout.reversed",
    (Flow.CARD_RETURN, Stage.FAILED): "payout.failed",
    (Flow.CARD_RETURN, Stage.EXPIRED): "payout.failed",
    (Flow.CARD_RETURN, Stage.BACK): "payout.succeeded",
    (Flow.IN, Stage.NEW): "payment.created",
    (Flow.IN, Stage.PENDING): "payment.pending",
    (Flow.IN, Stage.DONE): "payment.captured",
    (Flow.IN, Stage.FAILED): "payment.failed",
    (Flow.IN, Stage.EXPIRED): "payment.expired",
    (Flow.IN, Stage.BACK): "payment.capture_failed",
    (Flow.ACQUIRED, Stage.NEW): "payment.pending",
    (Flow.ACQUIRED, Stage.PENDING): "payment.pending",
    (Flow.ACQUIRED, Stage.DONE): "payment.captured",
    (Flow.ACQUIRED, Stage.FAILED): "payment.capture_failed",
    (Flow.ACQUIRED, Stage.EXPIRED): "payment.capture_failed",
    (Flow.ACQUIRED, Stage.BACK): "payment.capture_failed",
    (Flow.CAPTURE_REVERSAL, Stage.NEW): "payment.pending",
    (Flow.CAPTURE_REVERSAL, Stage.PENDING): "payment.pending",
    (Flow.CAPTURE_REVERSAL, Stage.DONE): "payment.capture_failed",
    (Flow.CAPTURE_REVERSAL, Stage.BACK): "payment.capture_failed",
    (Flow.REFUND, Stage.NEW): "refund.created",
    (Flow.REFUND, Stage.PENDING): "refund.pending",
    (Flow.REFUND, Stage.DONE): "refund.succeeded",
    (Flow.REFUND, Stage.FAILED): "refund.failed",
    (Flow.REFUND, Stage.EXPIRED): "refund.failed",
    (Flow.REFUND, Stage.BACK): "refund.reversed",
    (Flow.REFUND_REVERSAL, Stage.NEW): "refund.pending",
    (Flow.REFUND_REVERSAL, Stage.PENDING): "refund.pending",
    (Flow.REFUND_REVERSAL, Stage.DONE): "refund.reversed",
    (Flow.REFUND_REVERSAL, Stage.BACK): "refund.reversed",
    (Flow.CHARGEBACK, Stage.NEW): "dispute.opened",
    (Flow.CHARGEBACK, Stage.PENDING): "dispute.opened",
    (Flow.CHARGEBACK, Stage.DONE): "dispute.opened",
    (Flow.CHARGEBACK, Stage.BACK): "dispute.reversed",
    (Flow.CHARGEBACK_REVERSAL, Stage.NEW): "dispute.opened",
    (Flow.CHARGEBACK_REVERSAL, Stage.PENDING): "dispute.opened",
    (Flow.CHARGEBACK_REVERSAL, Stage.DONE): "dispute.reversed",
    (Flow.CHARGEBACK_REVERSAL, Stage.BACK): "dispute.reversed",
    (Flow.SECOND_CHARGEBACK, Stage.NEW): "dispute.opened",
    (Flow.SECOND_CHARGEBACK, Stage.PENDING): "dispute.opened",
    (Flow.SECOND_CHARGEBACK, Stage.DONE): "dispute.lost",
}
"""Our type. A pair that is not here becomes `connector.unmapped`."""
