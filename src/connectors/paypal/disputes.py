"""Disputes: from PayPal's resource to `dispute.*`. They point at their payment by the seller's transaction id."""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, balance, magnitude
from connectors.paypal.delivery import Delivery, missing
from connectors.paypal.mapping import DISPUTE_CREATED, DISPUTE_OUTCOMES, DISPUTE_UPDATED, meaning
from connectors.paypal.references import Names
from connectors.paypal.times import moment
from orchestratorx_prism.v1.dispute_pb2 import DisputeData, DisputeStatus
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money

_STATUSES = {
    "dispute.inquiry": DisputeStatus.DISPUTE_STATUS_INQUIRY,
    "dispute.opened": DisputeStatus.DISPUTE_STATUS_OPENED,
    "dispute.evidence_required": DisputeStatus.DISPUTE_STATUS_EVIDENCE_REQUIRED,
    "dispute.evidence_submitted": DisputeStatus.DISPUTE_STATUS_EVIDENCE_SUBMITTED,
    "dispute.accepted": DisputeStatus.DISPUTE_STATUS_ACCEPTED,
    "dispute.won": DisputeStatus.DISPUTE_STATUS_WON,
    "dispute.lost": DisputeStatus.DISPUTE_STATUS_LOST,
    "dispute.expired": DisputeStatus.DISPUTE_STATUS_EXPIRED,
}
_SIGNS = {"DEBIT": 1, "CREDIT": -1}
"""Type of a movement on the merchant's account → how it counts in what was taken."""


class DisputedTransaction(msgspec.Struct):
    """One of `disputed_transactions`."""

    seller_transaction_id: str | None = None
    custom: str | None = None
    invoice_number: str | None = None


class Outcome(msgspec.Struct):
    """`dispute_outcome`."""

    outcome_code: str | None = None
    amount_refunded: Amount | None = None


class MoneyMovement(msgspec.Struct):
    """One of `money_movements`."""

    affected_party: str | None = None
    type: str | None = None
    amount: Amount | None = None


class Dispute(msgspec.Struct):
    """A dispute; with the fields of RISK.DISPUTE.CREATED, whose codes are numbers."""

    dispute_id: str | None = None
    id: str | None = None
    status: str | None = None
    dispute_status: str | int | None = None
    dispute_life_cycle_stage: str | None = None
    reason: str | None = None
    dispute_reason: str | int | None = None
    external_reason_code: str | None = None
    dispute_amount: Amount | None = None
    disputed_transactions: list[DisputedTransaction] | None = None
    seller_payment_id: str | None = None
    dispute_outcome: Outcome | None = None
    money_movements: list[MoneyMovement] | None = None
    seller_response_due_date: str | None = None
    create_time: str | None = None
    update_time: str | None = None


DISPUTE = msgspec.json.Decoder(Dispute)


def dispute_events(delivery: Delivery) -> list[Event]:
    """One event for a dispute.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING for one without an id: it could not be told from another.
    """
    resource = delivery.decode(DISPUTE)
    return [dispute_event(delivery, _our_type(delivery.type, resource), resource)]


def dispute_event(delivery: Delivery, our_type: str | None, resource: Dispute) -> Event:
    """The event for a dispute.

    Args:
        our_type: By the tables; None: they do not know its status.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING for one without an id.
    """
    dispute_id = resource.dispute_id or resource.id
    if not dispute_id:
        raise missing("resource.dispute_id")
    # A dispute of several transactions is rare, and an event has one payment: the first.
    disputed = next(iter(resource.disputed_transactions or ()), DisputedTransaction())
    reference = disputed.custom or disputed.invoice_number or ""
    transaction_id = disputed.seller_transaction_id or resource.seller_payment_id
    names: Names = {transaction_id: "transaction"} if transaction_id else {}
    status = resource.status or str(resource.dispute_status or "")
    if our_type is None:
        return delivery.unmapped(
            "unknown_status", object_id=dispute_id, status=status, names=names, merchant_id=reference
        )
    event = delivery.event(
        our_type,
        names=names,
        merchant_transaction_id=reference,
        resource_times=(resource.update_time, resource.create_time),
    )
    event.dispute.CopyFrom(
        DisputeData(
            connector_dispute_id=dispute_id,
            merchant_transaction_id=reference,
            connector_transaction_id=transaction_id or "",
            status=_STATUSES[our_type],
            amount=magnitude(resource.dispute_amount),
            dispute_reason=resource.reason or str(resource.dispute_reason or ""),
            network_reason_code=resource.external_reason_code or "",
            evidence_due_at=moment(resource.seller_response_due_date),
            provider_status=status,
            funds_withdrawn=_withdrawn(our_type, resource),
        )
    )
    return event


def _our_type(event_type: str, resource: Dispute) -> str | None:
    status = (resource.status or "").upper()
    if event_type == "CUSTOMER.DISPUTE.RESOLVED" or (event_type == "CUSTOMER.DISPUTE.UPDATED" and status == "RESOLVED"):
        outcome = resource.dispute_outcome
        return meaning(DISPUTE_OUTCOMES, outcome.outcome_code if outcome else None)
    stage = resource.dispute_life_cycle_stage
    if event_type != "CUSTOMER.DISPUTE.UPDATED" or (stage or "").upper() == "INQUIRY":
        return meaning(DISPUTE_CREATED, stage)
    return meaning(DISPUTE_UPDATED, status)


def _withdrawn(our_type: str, resource: Dispute) -> Money | None:
    """What the dispute has taken from the merchant: the movements on their account, else what a lost one gave back."""
    moved = balance(
        (magnitude(movement.amount), _SIGNS[(movement.type or "").upper()])
        for movement in resource.money_movements or ()
        if (movement.affected_party or "").upper() == "SELLER" and (movement.type or "").upper() in _SIGNS
    )
    if moved is not None or our_type != "dispute.lost":
        return moved
    return magnitude(resource.dispute_outcome.amount_refunded if resource.dispute_outcome else None)
