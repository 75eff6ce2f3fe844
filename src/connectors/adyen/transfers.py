"""Movements on a platform's balance accounts → events. Pure.

Source: Adyen API Explorer, "Transfer webhooks"; "Transaction webhooks"; "Payment webhooks (deprecated)".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.adyen.amounts import magnitude
from connectors.adyen.failures import transfer_refusal
from connectors.adyen.mapping_transfers import (
    ACQUIRED_FLOWS,
    BOOKS_ACQUIRED,
    CARD_FLOWS,
    DEBIT_FLOWS,
    DIRECT_DEBITS,
    ISSUED_CARD,
    MOVEMENT_FLOWS,
    MOVEMENT_STAGES,
    PUSHED_FLOWS,
    STAGES,
    TRANSACTION_STAGES,
    TYPES,
    Flow,
    Stage,
)
from connectors.adyen.origin import Origin
from connectors.adyen.parts import (
    DISPUTE_STATUS,
    PAYMENT_STATUS,
    PAYOUT_STATUS,
    REFUND_STATUS,
    optional_time,
    reference,
)
from connectors.adyen.shapes import (
    MOVEMENT,
    TRANSACTION,
    TRANSFER,
    Amount,
    CategoryData,
    Movement,
    Transaction,
    Transfer,
    text,
)
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import DATA_MEMBER
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


def transfer_event(origin: Origin) -> Event:
    """`balancePlatform.transfer.*` → one event.

    Raises:
        PayloadRejected: Not a transfer, or a fault of its amount or time.
    """
    data: Transfer = origin.read(TRANSFER)
    identity = _required(data.id)
    flow = _flow(data)
    stage = STAGES.get(data.status or "")
    if flow is None or stage is None or (flow, stage) not in TYPES:
        return origin.unmapped("unknown_status", object_id=identity, status=data.status, account=data.balance_platform)
    # Adyen numbers the webhooks of a transfer; both sides of an internal one may share its id.
    number = data.sequence_number
    key = origin.key() if number is None else origin.key(identity, data.direction or "", number)
    moved = Moved(
        flow=flow,
        stage=stage,
        id=identity,
        status=data.status or "",
        dedup_key=key,
        account=text(data.balance_platform),
        occurred_at=origin.time(data.updated_at, otherwise=(data.created_at, data.creation_date)),
        amount=magnitude(data.amount),
        reason=text(data.reason),
        reference=text(data.reference),
        booking=data.category_data or CategoryData(),
        arrival_at=optional_time(data.tracking.estimated_arrival_time) if data.tracking else None,
        event_id=text(data.event_id),
    )
    return _event(origin, moved)


def _flow(data: Transfer) -> Flow | None:
    if data.category in BOOKS_ACQUIRED and data.type in ACQUIRED_FLOWS:
        return ACQUIRED_FLOWS[data.type]
    if data.category == ISSUED_CARD:
        return CARD_FLOWS.get(data.direction or "")
    return (DEBIT_FLOWS if data.type in DIRECT_DEBITS else PUSHED_FLOWS).get(data.direction or "")


def transaction_event(origin: Origin) -> Event:
    """`balancePlatform.transaction.created` → one event of the transfer that it books.

    What leaves a balance account for an acquired payment may be a refund, a chargeback or a fee: the transaction does
    not say which, its transfer's own webhooks do. That alone has no word.

    Raises:
        PayloadRejected: Not a transaction, or a fault of its amount or time.
    """
    data: Transaction = origin.read(TRANSACTION)
    identity = _required(data.id)
    transfer = data.transfer
    booking = (transfer.category_data if transfer else None) or CategoryData()
    arrives = _arrives(data.amount)
    acquired = text(booking.type) in BOOKS_ACQUIRED
    stage = TRANSACTION_STAGES.get(data.status or "")
    if stage is None or (acquired and not arrives):
        why = "unknown_status" if stage is None else "no_counterpart"
        return origin.unmapped(why, object_id=identity, status=data.status, account=data.balance_platform)
    incoming = Flow.ACQUIRED if acquired else Flow.IN
    moved = Moved(
        flow=incoming if arrives else Flow.OUT,
        stage=stage,
        id=(text(transfer.id) if transfer else "") or identity,
        status=data.status or "",
        dedup_key=origin.key(identity, data.status),
        account=text(data.balance_platform),
        occurred_at=origin.time(otherwise=(data.creation_date,)),
        amount=magnitude(data.amount),
        reference=text(transfer.reference) if transfer else "",
        booking=booking,
        event_id=identity,
    )
    return _event(origin, moved)


def movement_event(origin: Origin) -> Event:
    """`balancePlatform.{payment,incomingTransfer,outgoingTransfer}.*` → one event.

    Raises:
        PayloadRejected: Not such a body, or a fault of its amount or time.
    """
    data: Movement = origin.read(MOVEMENT)
    identity = _required(data.id)
    stage = MOVEMENT_STAGES.get(data.status or "")
    if stage in {Stage.FAILED, Stage.EXPIRED} and _is_partial(data):
        stage = Stage.PENDING
    instrument = data.payment_instrument is not None and bool(text(data.payment_instrument.id))
    flow = MOVEMENT_FLOWS[_arrives(data.amount), instrument]
    if stage is None or (flow, stage) not in TYPES:
        return origin.unmapped("unknown_status", object_id=identity, status=data.status, account=data.balance_platform)
    moved = Moved(
        flow=flow,
        stage=stage,
        id=text(data.payment_id) or identity,
        status=data.status or "",
        dedup_key=origin.key(),
        account=text(data.balance_platform),
        occurred_at=origin.time(otherwise=(data.creation_date,)),
        amount=magnitude(data.amount),
        reference=text(data.reference),
        arrival_at=optional_time(data.value_date),
    )
    return _event(origin, moved)


def _is_partial(data: Movement) -> bool:
    """Whether only a part of the reservation went, so that the rest still stands."""
    part = data.modification.amount if data.modification else None
    whole = data.original_amount or data.amount
    if part is None or whole is None or part.value is None or whole.value is None or part.currency != whole.currency:
        return False
    return abs(part.value) < abs(whole.value)


def _required(identity: str | None) -> str:
    if not identity:
        raise PayloadRejected("`data` has no id", reason="PAYLOAD_FIELD_MISSING")
    return identity


def _arrives(amount: Amount | None) -> bool:
    return amount is not None and (amount.value or 0) > 0


def _event(origin: Origin, moved: Moved) -> Event:
    name = TYPES[moved.flow, moved.stage]
    member = DATA_MEMBER[name]
    booked = text(moved.booking.psp_payment_reference)
    references = []
    if member != "payout":
        references = [reference("psp_reference", booked)] if booked else []
        if member == "payment":
            references.append(reference("transfer", moved.id))
    merchant = text(moved.booking.payment_merchant_reference) or moved.reference
    event = origin.event(
        name,
        dedup_key=moved.dedup_key,
        account=moved.account,
        occurred_at=moved.occurred_at,
        references=references,
        merchant_transaction_id=merchant,
        connector_transaction_id="" if member == "payout" else booked or (moved.id if member == "payment" else ""),
        provider_event_id=moved.event_id,
    )
    _FILL[member](event, moved, merchant)
    return event


def _failure(moved: Moved) -> Failure | None:
    if moved.stage not in {Stage.FAILED, Stage.BACK, Stage.EXPIRED}:
        return None
    return transfer_refusal(moved.reason or moved.status)


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


_FILL: Final[dict[str, Callable[[Event, Moved, str], None]]] = {
    "payout": _fill_payout,
    "payment": _fill_payment,
    "refund": _fill_refund,
    "dispute": _fill_dispute,
}
"""Member of `Event.data` → what fills it."""
