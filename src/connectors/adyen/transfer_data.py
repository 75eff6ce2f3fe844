"""One movement on a balance account, and what it says of a payout, payment, refund or dispute. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.adyen.failures import transfer_failure
from connectors.adyen.mapping_transfers import Flow, Stage
from connectors.adyen.parts import DISPUTE_STATUS, PAYMENT_STATUS, PAYOUT_STATUS, REFUND_STATUS
from connectors.adyen.shapes import CategoryData, text
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money


@dataclass(slots=True)
class Moved:
    """What transfers, transactions and older payments have in common."""

    flow: Flow
    stage: Stage
    id: str
    """What ties all webhooks of one movement together: the transfer's id."""
    status: str
    dedup_key: str
    account: str
    occurred_at: Timestamp | None
    amount: Money | None = None
    reason: str = ""
    reference: str = ""
    """The platform's own reference of the movement."""
    booking: CategoryData = field(default_factory=CategoryData)
    """The acquired payment it books, if it does."""
    arrival_at: Timestamp | None = None
    event_id: str = ""


def _failure(moved: Moved) -> Failure | None:
    if moved.stage not in {Stage.FAILED, Stage.BACK, Stage.EXPIRED}:
        return None
    return transfer_failure(moved.reason, moved.status)


def _fill_payout(event: Event, moved: Moved, merchant: str) -> None:
    found = event.payout
    found.connector_payout_id = moved.id
    found.merchant_payout_id = moved.reference
    found.merchant_transaction_id = merchant
    found.status = PAYOUT_STATUS[event.type]
    _fill_common(found, moved)
    if moved.arrival_at is not None:
        found.arrival_at.CopyFrom(moved.arrival_at)


def _fill_payment(event: Event, moved: Moved, merchant: str) -> None:
    found = event.payment
    found.merchant_transaction_id = merchant
    found.connector_transaction_id = event.connector_transaction_id
    found.operation_id = moved.id
    found.status = PAYMENT_STATUS[event.type]
    _fill_common(found, moved)


def _fill_refund(event: Event, moved: Moved, merchant: str) -> None:
    found = event.refund
    # A refund that is split over balance accounts is booked by one transfer each: their ids keep the shares apart.
    found.connector_refund_id = moved.id
    found.merchant_refund_id = text(moved.booking.modification_merchant_reference)
    found.merchant_transaction_id = merchant
    found.connector_transaction_id = event.connector_transaction_id
    found.status = REFUND_STATUS[event.type]
    _fill_common(found, moved)


def _fill_dispute(event: Event, moved: Moved, merchant: str) -> None:
    found = event.dispute
    found.connector_dispute_id = text(moved.booking.modification_psp_reference) or moved.id
    found.merchant_transaction_id = merchant
    found.connector_transaction_id = event.connector_transaction_id
    found.status = DISPUTE_STATUS[event.type]
    found.provider_status = moved.status
    if moved.amount is not None:
        found.amount.CopyFrom(moved.amount)
        if moved.stage is Stage.DONE:
            found.funds_withdrawn.CopyFrom(moved.amount)
            if moved.flow is Flow.CHARGEBACK_REVERSAL:
                found.funds_withdrawn.minor_units *= -1


def _fill_common(found: Any, moved: Moved) -> None:
    found.provider_status = moved.status
    if moved.amount is not None:
        found.amount.CopyFrom(moved.amount)
    failure = _failure(moved)
    if failure is not None:
        found.failure.CopyFrom(failure)


FILL: Final[dict[str, Callable[[Event, Moved, str], None]]] = {
    "payout": _fill_payout,
    "payment": _fill_payment,
    "refund": _fill_refund,
    "dispute": _fill_dispute,
}
"""Member of `Event.data` → what fills it."""
