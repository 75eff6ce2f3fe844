"""Movements on a platform's balance accounts → events. Pure.

Source: Adyen API Explorer, "Transfer webhooks"; "Transaction webhooks"; "Payment webhooks (deprecated)".
"""

from __future__ import annotations

from connectors.adyen.amounts import magnitude
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
    REFUNDED,
    STAGES,
    TRANSACTION_STAGES,
    TYPES,
    Flow,
    Stage,
)
from connectors.adyen.origin import Origin
from connectors.adyen.parts import optional_time, reference
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
from connectors.adyen.transfer_data import FILL, Moved
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event


def transfer_event(origin: Origin) -> Event:
    """`balancePlatform.transfer.*` → one event.

    Raises:
        PayloadRejected: Not a transfer, or a fault of its amount or time.
    """
    data: Transfer = origin.read(TRANSFER)
    moved = moved_of(origin, data)
    if moved is None:
        return origin.unmapped("unknown_status", object_id=data.id, status=data.status, account=data.balance_platform)
    return moved_event(origin, moved)


def moved_of(origin: Origin, data: Transfer) -> Moved | None:
    """What a transfer moves; None if its direction or status is not known.

    Raises:
        PayloadRejected: It has no id, or a fault of its amount or time.
    """
    identity = _required(data.id)
    flow = _flow(data)
    stage = STAGES.get(data.status or "")
    if flow is None or stage is None or (flow, stage) not in TYPES:
        return None
    # Adyen numbers the webhooks of a transfer; both sides of an internal one may share its id.
    number = data.sequence_number
    key = origin.key() if number is None else origin.key(identity, data.direction or "", number)
    return Moved(
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


def _flow(data: Transfer) -> Flow | None:
    if data.category in BOOKS_ACQUIRED and data.type in ACQUIRED_FLOWS:
        return ACQUIRED_FLOWS[data.type]
    direction = data.direction or ""
    if data.category == ISSUED_CARD:
        return CARD_FLOWS.get(direction or _changed(data))
    if not direction:
        return PUSHED_FLOWS.get(_changed(data))
    return (DEBIT_FLOWS if data.type in DIRECT_DEBITS else PUSHED_FLOWS).get(direction)


def _changed(data: Transfer) -> str:
    """The direction that the balances tell, for transfers that do not name theirs; nothing if they do not either."""
    changes = (change for each in data.balances or () for change in (each.received, each.reserved, each.balance))
    net = sum(change for change in changes if type(change) is int)
    return "outgoing" if net < 0 else "incoming" if net > 0 else ""


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
    return moved_event(origin, moved)


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
    booking = data.platform_payment or CategoryData()
    flow = _movement_flow(data, booking)
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
        booking=booking,
        arrival_at=optional_time(data.value_date),
    )
    return moved_event(origin, moved)


def _movement_flow(data: Movement, booking: CategoryData) -> Flow:
    if text(booking.psp_payment_reference):
        if _arrives(data.amount):
            return Flow.ACQUIRED
        modified = text(data.modification.type) if data.modification else ""
        if data.status in REFUNDED or modified in REFUNDED:
            return Flow.REFUND
    instrument = data.payment_instrument is not None and bool(text(data.payment_instrument.id))
    return MOVEMENT_FLOWS[_arrives(data.amount), instrument]


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


def moved_event(origin: Origin, moved: Moved) -> Event:
    """The event of one movement."""
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
    FILL[member](event, moved, merchant)
    return event
