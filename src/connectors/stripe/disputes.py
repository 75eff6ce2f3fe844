"""Events of disputes: `charge.dispute.*`, and early fraud warnings, which come before one."""

from __future__ import annotations

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, missing
from connectors.stripe.mapping import DISPUTE, DISPUTE_STATUS, FRAUD_WARNING, type_of
from connectors.stripe.parts import UNKNOWN_STATUS, name_payment, unmapped
from connectors.stripe.shapes import DISPUTE as DISPUTE_DECODER
from connectors.stripe.shapes import FRAUD_WARNING as FRAUD_WARNING_DECODER
from connectors.stripe.shapes import BalanceMove, Dispute, Named, ident
from orchestratorx_prism.v1.dispute_pb2 import DisputeData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money

_SIGN_OF_MOVE = {"charge.dispute.funds_withdrawn": -1, "charge.dispute.funds_reinstated": 1}
"""Which of a dispute's balance transactions an event tells of: money taken is negative there."""


def dispute(arrival: Arrival) -> Event:
    """`charge.dispute.*`"""
    found = arrival.read(DISPUTE_DECODER)
    intent_id, charge_id = ident(found.payment_intent), ident(found.charge)
    # Until 2014 a dispute had no id of its own: it was its charge's only one.
    dispute_id = found.id or charge_id
    if not dispute_id:
        raise missing("data.object.id")
    our_type = type_of(DISPUTE[arrival.envelope.type], _state(found))
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    transaction = intent_id or charge_id
    reference = arrival.merchant_reference(
        found.metadata, *(one.metadata for one in (found.charge, found.payment_intent) if isinstance(one, Named))
    )
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    name_payment(event, intent_id, charge_id)
    due = found.evidence_details.due_by if found.evidence_details is not None else found.evidence_due_by
    event.dispute.CopyFrom(
        DisputeData(
            connector_dispute_id=dispute_id,
            merchant_transaction_id=reference,
            connector_transaction_id=transaction,
            status=DISPUTE_STATUS[our_type],
            amount=money(found.amount, found.currency),
            dispute_reason=found.reason or "",
            network_reason_code=_network_reason(found),
            evidence_due_at=unix_time(due) if due else None,
            provider_status=found.status or "",
            funds_withdrawn=_funds_withdrawn(found, arrival.envelope.type),
        )
    )
    return event


def _state(found: Dispute) -> str:
    if found.status == "prevented" and found.payment_method_details is not None:
        card = found.payment_method_details.card
        if card is not None and card.case_type == "block":
            return "prevented/block"
    return found.status or ""


def _network_reason(found: Dispute) -> str:
    details = found.payment_method_details
    card = details.card if details is not None else None
    return found.network_reason_code or (card.network_reason_code if card is not None else "") or ""


def _funds_withdrawn(found: Dispute, provider_type: str) -> Money | None:
    """What the event's own movement took from the merchant; negative: gave back. In the account's currency."""
    if provider_type not in _SIGN_OF_MOVE:
        return None
    sign = _SIGN_OF_MOVE[provider_type]
    moves = [one for one in found.balance_transactions or () if isinstance(one, BalanceMove)]
    fitting = [one for one in moves if one.amount is not None and one.amount * sign > 0]
    newest = max(fitting, key=lambda one: one.created or 0, default=None)
    if newest is None or newest.amount is None or newest.amount != int(newest.amount):
        return None
    return money(-int(newest.amount), newest.currency)


def fraud_warning(arrival: Arrival) -> Event:
    """`radar.early_fraud_warning.*`"""
    found = arrival.read(FRAUD_WARNING_DECODER)
    if not found.id:
        raise missing("data.object.id")
    state = "over" if found.actionable is False else "actionable"
    our_type = type_of(FRAUD_WARNING[arrival.envelope.type], state)
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    intent_id, charge_id = ident(found.payment_intent), ident(found.charge)
    transaction = intent_id or charge_id
    event = arrival.begin(our_type, connector_transaction_id=transaction)
    name_payment(event, intent_id, charge_id)
    event.dispute.CopyFrom(
        DisputeData(
            connector_dispute_id=found.id,
            connector_transaction_id=transaction,
            status=DISPUTE_STATUS[our_type],
            dispute_reason=found.fraud_type or "",
        )
    )
    return event
