"""What the items of Adyen's standard webhooks mean in our words. Tables only; `mapping_messages.py` has the others.

The key is (eventCode, success): `success` says whether *that event* succeeded, so it is half of the meaning.
CAPTURE_FAILED, REFUND_FAILED and REFUNDED_REVERSED with `true` are bad news. A pair that is not here is not guessed.
Only signed fields decide a type. `disputeStatus` and all else in additionalData are recorded, and decide nothing; the
one exception is CANCEL_OR_REFUND, explained there.

Source: Adyen docs, "Webhook structure and types"; "Dispute webhooks"; API Explorer, "Webhooks" v1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Names(Enum):
    """What an item's two references name."""

    OWN = auto()
    """pspReference: the payment, payout or donation itself. originalReference: nothing of it."""
    OPERATION = auto()
    """pspReference: the operation (capture, refund, dispute, …). originalReference: what it is done to; where it is
    missing, pspReference names that."""
    CAPTURE = auto()
    """As OPERATION, and the operation is a capture: a part of the payment that takes money."""
    VOIDED_REFUND = auto()
    """originalReference: the refund that is called off, which has no payment (only unreferenced ones can be)."""


class Counts(Enum):
    """What the item's amount is."""

    AMOUNT = auto()
    """This event's own: authorized, captured, released, refunded, disputed by it."""
    TOTAL = auto()
    """What is authorized in total from now on."""
    NOTHING = auto()
    """Stated by other events of the same money: counting it here would count it twice."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an (eventCode, success) means."""

    type: str
    names: Names = Names.OPERATION
    counts: Counts = Counts.AMOUNT
    funds: int = 0
    """Disputes: 1, the amount was taken from the merchant; -1, it was given back."""
    failure: str = ""
    """A key of `failures.FIXED` where the event itself is the reason; else the item's `reason` is looked up."""


def _own(name: str, counts: Counts = Counts.AMOUNT, failure: str = "") -> Meaning:
    return Meaning(name, Names.OWN, counts, failure=failure)


def _untold(name: str, failure: str = "") -> Meaning:
    return Meaning(name, counts=Counts.NOTHING, failure=failure)


EVENTS: Final[dict[tuple[str, bool], Meaning]] = {
    # Payments.
    ("AUTHORISATION", True): _own("payment.authorized"),
    ("AUTHORISATION", False): _own("payment.failed"),
    # The acquirer has not decided yet; AUTHORISATION follows.
    ("AUTHORISATION_PENDING", True): _own("payment.pending"),
    # The issuer decided after a call from the merchant.
    ("AUTHORISE_REFERRAL", True): Meaning("payment.authorized"),
    ("AUTHORISE_REFERRAL", False): Meaning("payment.failed"),
    # 3-D Secure alone: nothing is authorized yet.
    ("AUTHENTICATION", True): _own("payment.pending", Counts.NOTHING),
    ("AUTHENTICATION", False): _own("payment.failed", Counts.NOTHING, "authentication_failed"),
    # The webhook's amount is the new total. A refused adjustment leaves the payment as it was: "pending" moves nothing.
    ("AUTHORISATION_ADJUSTMENT", True): Meaning("payment.authorization_adjusted", counts=Counts.TOTAL),
    ("AUTHORISATION_ADJUSTMENT", False): _untold("payment.pending"),
    ("PENDING", True): _own("payment.pending"),
    ("PROCESS_RETRY", True): _untold("payment.pending"),
    ("CAPTURE", True): Meaning("payment.captured", Names.CAPTURE),
    ("CAPTURE", False): Meaning("payment.capture_failed", Names.CAPTURE),
    ("CAPTURE_FAILED", True): Meaning("payment.capture_failed", Names.CAPTURE),
    # The authorization was obtained elsewhere; the capture is Adyen's.
    ("CAPTURE_WITH_EXTERNAL_AUTH", True): Meaning("payment.captured", Names.CAPTURE),
    ("CAPTURE_WITH_EXTERNAL_AUTH", False): Meaning("payment.capture_failed", Names.CAPTURE),
    ("CANCELLATION", True): Meaning("payment.voided"),
    ("CANCELLATION", False): Meaning("payment.void_failed"),
    ("TECHNICAL_CANCEL", True): Meaning("payment.voided"),
    ("TECHNICAL_CANCEL", False): Meaning("payment.void_failed"),
    # "The remaining uncaptured amount expired."
    ("EXPIRE", True): Meaning("payment.expired"),
    # The payer left. Not final: a late payer still gets an AUTHORISATION, and nothing was reserved that could run out.
    ("OFFER_CLOSED", True): Meaning("payment.failed", failure="offer_expired"),
    # An order is a bracket around partial payments, each with an AUTHORISATION of its own that carries the money.
    ("ORDER_OPENED", True): _own("payment.created", Counts.NOTHING),
    ("ORDER_CLOSED", True): _own("payment.authorized", Counts.NOTHING),
    ("ORDER_CLOSED", False): _own("payment.failed", Counts.NOTHING, "order_not_paid"),
    # The retry that worked, or did not, has an AUTHORISATION of its own.
    ("AUTORESCUE", True): _untold("payment.authorized"),
    ("AUTORESCUE", False): _untold("payment.failed", "rescue_failed"),
    # A retry is scheduled, or one was missed; the next one decides. Neither ends the payment.
    ("AUTORESCUE_NEXT_ATTEMPT", True): _untold("payment.pending"),
    ("AUTORESCUE_NEXT_ATTEMPT", False): _untold("payment.pending"),
    ("CANCEL_AUTORESCUE", True): _untold("payment.failed", "rescue_canceled"),
    ("CANCEL_AUTORESCUE", False): _untold("payment.void_failed"),
    # After a rejection Adyen cancels or refunds, and says so in a webhook of its own.
    ("MANUAL_REVIEW_ACCEPT", True): _untold("payment.authorized"),
    ("MANUAL_REVIEW_REJECT", True): _untold("payment.failed", "review_rejected"),
    # A payment of its own; originalReference is the purchase that the donor made along with it.
    ("DONATION", True): _own("payment.authorized"),
    ("DONATION", False): _own("payment.failed"),
    # Refunds.
    ("REFUND", True): Meaning("refund.succeeded"),
    ("REFUND", False): Meaning("refund.failed"),
    ("REFUND_WITH_DATA", True): Meaning("refund.succeeded"),
    ("REFUND_WITH_DATA", False): Meaning("refund.failed"),
    ("REFUND_FAILED", True): Meaning("refund.failed"),
    # Adyen's manual of old said that its `success` is always false; today's samples have true. It means one thing.
    ("REFUNDED_REVERSED", True): Meaning("refund.reversed"),
    ("REFUNDED_REVERSED", False): Meaning("refund.reversed"),
    # "The customer has received the funds", but the acquirer has not settled it after 30 days.
    ("REFUND_NOT_CLEARED", True): Meaning("refund.succeeded"),
    ("POSTPONED_REFUND", True): Meaning("refund.pending"),
    ("POSTPONED_REFUND", False): Meaning("refund.failed"),
    ("VOID_PENDING_REFUND", True): Meaning("refund.failed", Names.VOIDED_REFUND, failure="refund_canceled"),
    ("VOID_PENDING_REFUND", False): Meaning("refund.pending", Names.VOIDED_REFUND),
    # Disputes.
    ("NOTIFICATION_OF_FRAUD", True): Meaning("dispute.inquiry"),
    ("REQUEST_FOR_INFORMATION", True): Meaning("dispute.inquiry"),
    ("ISSUER_COMMENTS", True): Meaning("dispute.inquiry"),
    ("NOTIFICATION_OF_CHARGEBACK", True): Meaning("dispute.opened"),
    # The chargeback that takes the money has a CHARGEBACK of its own.
    ("DISPUTE_OPENED_WITH_CHARGEBACK", True): Meaning("dispute.opened"),
    ("ADVICE_OF_DEBIT", True): Meaning("dispute.opened"),
    ("CHARGEBACK", True): Meaning("dispute.opened", funds=1),
    ("INFORMATION_SUPPLIED", True): Meaning("dispute.evidence_submitted"),
    # "This stage is not final."
    ("CHARGEBACK_REVERSED", True): Meaning("dispute.reversed", funds=-1),
    ("SECOND_CHARGEBACK", True): Meaning("dispute.lost", funds=1),
    ("PREARBITRATION_OPEN", True): Meaning("dispute.evidence_required"),
    ("PREARBITRATION_ACCEPTED", True): Meaning("dispute.accepted"),
    ("PREARBITRATION_DECLINED", True): Meaning("dispute.evidence_submitted"),
    ("PREARBITRATION_ISSUER_WITHDRAWN", True): Meaning("dispute.won"),
    ("PREARBITRATION_WON", True): Meaning("dispute.won"),
    ("PREARBITRATION_LOST", True): Meaning("dispute.lost"),
    ("SCHEME_ARBITRATION", True): Meaning("dispute.opened"),
    ("SCHEME_ARBITRATION_WON", True): Meaning("dispute.won"),
    ("SCHEME_ARBITRATION_LOST", True): Meaning("dispute.lost"),
    # Not defended in time, or accepted.
    ("DISPUTE_DEFENSE_PERIOD_ENDED", True): Meaning("dispute.expired"),
    # "The issuer accepted your defense or did not respond in time."
    ("ISSUER_RESPONSE_TIMEFRAME_EXPIRED", True): Meaning("dispute.won"),
    # Payouts.
    ("PAYOUT_THIRDPARTY", True): _own("payout.succeeded"),
    ("PAYOUT_THIRDPARTY", False): _own("payout.failed"),
    ("PAYOUT_DECLINE", True): Meaning("payout.failed", failure="payout_declined"),
    ("PAYOUT_DECLINE", False): Meaning("payout.pending"),
    ("PAYOUT_EXPIRE", True): Meaning("payout.expired"),
    ("PAIDOUT_REVERSED", True): Meaning("payout.reversed"),
    ("PAYOUT_REVERSED", True): Meaning("payout.reversed"),
    # Saved payment methods: pspReference is the token.
    ("RECURRING_CONTRACT", True): Meaning("payment_method.attached"),
    ("RECURRING_CONTRACT", False): Meaning("mandate.failed"),
    ("DISABLE_RECURRING", True): Meaning("payment_method.detached"),
    ("DEACTIVATE_RECURRING", True): Meaning("payment_method.detached"),
    ("ACH_NOTIFICATION_OF_CHANGE", True): Meaning("payment_method.updated"),
    ("DIRECT_DEBIT_NOTICE_OF_CHANGE_NOTIFICATION", True): Meaning("payment_method.updated"),
}

CANCEL_OR_REFUND: Final = "CANCEL_OR_REFUND"

# Which of the two Adyen did stands only in additionalData["modification.action"], which no signature covers. What is
# signed (it was done, for this payment and amount) means the same to the payer either way: the money is given back or
# never taken. So the field may choose between the two words, and nothing else; a forged one ends in an anomaly
# (captured and voided, or refunded beyond captured), not in money. Without it: pending, which moves no total.
CANCEL_OR_REFUND_EVENTS: Final[dict[tuple[str, bool], Meaning]] = {
    ("cancel", True): Meaning("payment.voided"),
    ("refund", True): Meaning("refund.succeeded"),
    ("", True): Meaning("refund.pending"),
    ("cancel", False): Meaning("payment.void_failed"),
    ("refund", False): Meaning("refund.failed"),
    ("", False): Meaning("refund.failed"),
}

NO_COUNTERPART: Final[frozenset[str]] = frozenset(
    {"FRAUD_ONLY", "HANDLED_EXTERNALLY", "NOTIFICATIONTEST", "REPORT_AVAILABLE"}
)
"""Event codes for which we have no word, whatever `success` says. NOTIFICATIONTEST tries a webhook's settings out."""

KNOWN_CODES: Final[frozenset[str]] = frozenset({code for code, _ in EVENTS} | {CANCEL_OR_REFUND} | NO_COUNTERPART)
"""A code that is here with an unknown `success` is an unknown status; one that is not, an unknown type."""
