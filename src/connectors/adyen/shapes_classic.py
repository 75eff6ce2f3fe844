"""The shapes of classic platforms' notifications, as far as they are read.

Versions 3 and 4 wrap list elements in an object named after their type ({"Amount": {…}}); later ones do not.
Source: Adyen API Explorer, "Classic Platforms - Notifications" v3–v6.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import field

from connectors.adyen.shapes import Amount, Shape


class StatusMessage(Shape):
    """Adyen's code and sentence."""

    code: Any = None
    text: Any = None


class OperationStatus(Shape, rename="camel"):
    """How an operation ended."""

    status_code: Any = None
    message: StatusMessage | None = None


class WrappedAmount(Shape):
    """An amount as itself, or inside {"Amount": …}."""

    value: int | None = None
    currency: str | None = None
    inner: Amount | None = field(default=None, name="Amount")


class Payout(Shape, rename="camel"):
    """`content` of ACCOUNT_HOLDER_PAYOUT, TRANSFER_FUNDS, REFUND_FUNDS_TRANSFER, DIRECT_DEBIT_INITIATED."""

    amounts: list[WrappedAmount] | None = None
    amount: Amount | None = None
    merchant_reference: Any = None
    merchant_account_code: Any = None
    original_psp_reference: Any = None
    original_reference: Any = None
    payout_reference: Any = None
    estimated_arrival_date: Any = None
    """{"year", "month", "day"}, or nothing."""
    status: OperationStatus | None = None


class RefundedTransaction(Shape, rename="camel"):
    """What a scheduled refund gives back."""

    amount: Amount | None = None
    payment_psp_reference: Any = None
    capture_psp_reference: Any = None
    psp_reference: Any = None
    merchant_reference: Any = None


class RefundResult(Shape, rename="camel"):
    """One scheduled refund."""

    psp_reference: Any = None
    response: Any = None
    original_transaction: RefundedTransaction | None = None
    inner: RefundResult | None = field(default=None, name="RefundResult")


class ScheduledRefunds(Shape, rename="camel"):
    """`content` of SCHEDULED_REFUNDS."""

    refund_results: list[RefundResult] | None = None


class PaymentFailure(Shape, rename="camel"):
    """`content` of PAYMENT_FAILURE: the booking of a split failed, not the capture or refund itself."""

    payment_psp_reference: Any = None
    payment_merchant_reference: Any = None
    modification_psp_reference: Any = None
    error_message: StatusMessage | None = None


PAYOUT: Final[msgspec.json.Decoder[Payout]] = msgspec.json.Decoder(Payout)
SCHEDULED_REFUNDS: Final[msgspec.json.Decoder[ScheduledRefunds]] = msgspec.json.Decoder(ScheduledRefunds)
PAYMENT_FAILURE: Final[msgspec.json.Decoder[PaymentFailure]] = msgspec.json.Decoder(PaymentFailure)
