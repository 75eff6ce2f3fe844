"""The stories: which webhooks each provider sends for one payment, in the order things really happened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One webhook of a story."""

    event_type: str
    """The provider's type."""
    amount_minor: int | None = None
    """This webhook's own amount; None: the story's."""
    step: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """One payment's life."""

    connector: str
    title: str
    amount_minor: int
    currency: str
    steps: tuple[Step, ...]
    ends_as: str
    """The status the payment must have in the end, whatever order its webhooks came in."""


STORIES: tuple[Story, ...] = (
    Story(
        "stripe",
        "paid, then half of it refunded",
        10_00,
        "USD",
        (
            Step("payment_intent.created"),
            Step("charge.succeeded"),
            Step("payment_intent.succeeded"),
            Step("charge.refunded", 5_00),
        ),
        "CAPTURED",
    ),
    Story(
        "stripe",
        "declined, then paid with another card",
        42_50,
        "EUR",
        (Step("payment_intent.created"), Step("payment_intent.payment_failed"), Step("payment_intent.succeeded")),
        "CAPTURED",
    ),
    Story(
        "stripe",
        "reserved, captured, disputed",
        1099,
        "JPY",
        (
            Step("payment_intent.amount_capturable_updated"),
            Step("payment_intent.succeeded"),
            Step("charge.dispute.created"),
        ),
        "CAPTURED",
    ),
    Story(
        "adyen",
        "reserved, captured, refunded",
        75_00,
        "EUR",
        (Step("AUTHORISATION"), Step("CAPTURE"), Step("REFUND")),
        "CAPTURED",
    ),
    Story(
        "adyen",
        "reserved, captured, and the capture failed",
        20_00,
        "GBP",
        (Step("AUTHORISATION"), Step("CAPTURE"), Step("CAPTURE_FAILED")),
        "AUTHORIZED",
    ),
    Story("adyen", "reserved, then released", 12_500, "KWD", (Step("AUTHORISATION"), Step("CANCELLATION")), "VOIDED"),
    Story(
        "paypal",
        "approved, captured, refunded",
        30_00,
        "USD",
        (
            Step("CHECKOUT.ORDER.APPROVED"),
            Step("PAYMENT.CAPTURE.COMPLETED"),
            Step("PAYMENT.CAPTURE.REFUNDED"),
        ),
        "CAPTURED",
    ),
    Story(
        "paypal",
        "reserved, then released",
        18_00,
        "USD",
        (Step("PAYMENT.AUTHORIZATION.CREATED"), Step("PAYMENT.AUTHORIZATION.VOIDED")),
        "VOIDED",
    ),
    Story(
        "mpesa",
        "paid by PIN, then reversed",
        250_00,
        "KES",
        (Step("stk.success"), Step("reversal.success")),
        "CAPTURED",
    ),
    Story("mpesa", "the payer pressed cancel", 99_00, "KES", (Step("stk.canceled"),), "FAILED"),
    Story("mpesa", "paid at the till, unannounced", 40_00, "KES", (Step("c2b.confirmation"),), "PENDING"),
)
