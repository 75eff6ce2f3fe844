"""What facts about refunds and disputes add to the state of their payment. Pure."""

from __future__ import annotations

from typing import Final

from orchestrator.ledger.projection.joining import earliest, later_stage, latest, raise_to
from orchestrator.ledger.projection.state import DisputeState, PaymentState, RefundState
from orchestratorx_prism.v1 import dispute_pb2, refund_pb2
from orchestratorx_prism.v1.event_pb2 import Event

REFUND_STATUSES: Final[dict[str, int]] = {
    "refund.created": refund_pb2.REFUND_STATUS_CREATED,
    "refund.pending": refund_pb2.REFUND_STATUS_PENDING,
    "refund.succeeded": refund_pb2.REFUND_STATUS_SUCCEEDED,
    "refund.failed": refund_pb2.REFUND_STATUS_FAILED,
    "refund.reversed": refund_pb2.REFUND_STATUS_REVERSED,
}
"""Type → status. A greater one beats a lesser: a failure cancels its refund, whatever was announced before."""

DISPUTE_RANKS: Final[dict[str, tuple[int, int]]] = {
    "dispute.inquiry": (0, dispute_pb2.DISPUTE_STATUS_INQUIRY),
    "dispute.opened": (1, dispute_pb2.DISPUTE_STATUS_OPENED),
    "dispute.evidence_required": (2, dispute_pb2.DISPUTE_STATUS_EVIDENCE_REQUIRED),
    "dispute.evidence_submitted": (3, dispute_pb2.DISPUTE_STATUS_EVIDENCE_SUBMITTED),
    "dispute.reversed": (4, dispute_pb2.DISPUTE_STATUS_REVERSED),
    "dispute.expired": (5, dispute_pb2.DISPUTE_STATUS_EXPIRED),
    "dispute.accepted": (6, dispute_pb2.DISPUTE_STATUS_ACCEPTED),
    "dispute.won": (7, dispute_pb2.DISPUTE_STATUS_WON),
    "dispute.lost": (8, dispute_pb2.DISPUTE_STATUS_LOST),
}
"""Type → (rank among facts of the same time, status). The latest stands; an inquiry only while nothing else is told."""


def dispute_key(event: Event) -> str:
    """What tells a payment's disputes apart; one that the provider does not name stands for itself."""
    return event.dispute.connector_dispute_id or f"event:{event.id}"


def apply_refund(state: PaymentState, event: Event, us: int) -> None:
    """Adds a `refund.*` fact of the time `us`."""
    data = event.refund
    status = REFUND_STATUSES[event.type]
    currency, minor = "", 0
    if data.HasField("amount"):
        currency, minor = data.amount.currency, data.amount.minor_units
        _note_currency(state, currency, us)
    if data.HasField("refunded"):
        _note_currency(state, data.refunded.currency, us)
        raise_to(state.refunded, data.refunded.currency, data.refunded.minor_units)
    if not data.connector_refund_id:
        # Whose refund it is remains unsaid: it counts by the stated total, else by its own amount.
        if currency and status == refund_pb2.REFUND_STATUS_SUCCEEDED:
            unnamed = state.told_refunds if data.HasField("refunded") else state.loose_refunds
            unnamed[event.id] = (currency, minor)
        return
    refund = state.refunds.get(data.connector_refund_id)
    if refund is None:
        refund = state.refunds[data.connector_refund_id] = RefundState()
    refund.status = max(refund.status, status)
    refund.created_us = min(refund.created_us, us)
    refund.updated_us = max(refund.updated_us, us)
    if currency:
        refund.amount = latest(refund.amount, (us, currency, minor))
    if data.refund_reason:
        refund.reason = latest(refund.reason, (us, data.refund_reason))
    if status >= refund_pb2.REFUND_STATUS_FAILED and data.HasField("failure"):
        refund.failure = latest(refund.failure, (us, data.failure.SerializeToString()))


def apply_dispute(state: PaymentState, event: Event, us: int) -> None:
    """Adds a `dispute.*` fact of the time `us`. Its currency may be another than the payment's: it is in no total."""
    data = event.dispute
    key = dispute_key(event)
    dispute = state.disputes.get(key)
    if dispute is None:
        dispute = state.disputes[key] = DisputeState()
    rank, status = DISPUTE_RANKS[event.type]
    dispute.status = later_stage(dispute.status, (us, rank, status))
    dispute.created_us = min(dispute.created_us, us)
    if data.HasField("amount"):
        dispute.amount = latest(dispute.amount, (us, data.amount.currency, data.amount.minor_units))
    if data.dispute_reason:
        dispute.reason = latest(dispute.reason, (us, data.dispute_reason))
    if data.network_reason_code:
        dispute.network_code = latest(dispute.network_code, (us, data.network_reason_code))
    if data.HasField("evidence_due_at"):
        due = data.evidence_due_at
        dispute.due = latest(dispute.due, (us, due.seconds * 1_000_000 + due.nanos // 1000))


def _note_currency(state: PaymentState, currency: str, us: int) -> None:
    state.currency = earliest(state.currency, (1, us, currency))
    state.currencies[currency] = 1
