"""Payouts: items, batches and referenced payouts, to `payout.*`. Their own ids name no payment.

A referenced payout tells in `connector_transaction_id` whose money it is; it is no fact about that payment.
"""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, magnitude
from connectors.paypal.delivery import Delivery
from connectors.paypal.failures import PayoutError, failure
from connectors.paypal.mapping import PAYOUT_BATCHES, PAYOUT_ITEMS, PAYOUT_STATUSES
from connectors.paypal.times import moment
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import Event


class Item(msgspec.Struct):
    """`payout_item`: what was asked for."""

    amount: Amount | None = None
    sender_item_id: str | None = None


class ProcessingState(msgspec.Struct):
    """A referenced payout's `processing_state`."""

    status: str | None = None
    reason: str | None = None


class Payout(msgspec.Struct):
    """A payout item, or a referenced payout item."""

    payout_item_id: str | None = None
    item_id: str | None = None
    id: str | None = None
    payout_batch_id: str | None = None
    payouts_transaction_id: str | None = None
    reference_id: str | None = None
    """Of a referenced payout: the capture whose money it releases."""
    transaction_status: str | None = None
    status: str | None = None
    processing_state: ProcessingState | None = None
    payout_item: Item | None = None
    payout_amount: Amount | None = None
    amount: Amount | None = None
    payout_item_fee: Amount | None = None
    errors: PayoutError | list[PayoutError] | None = None
    invoice_id: str | None = None
    custom: str | None = None
    time_processed: str | None = None
    time_completed: str | None = None

    @property
    def provider_status(self) -> str:
        """The status as sent."""
        return self.transaction_status or self.status or (self.processing_state or ProcessingState()).status or ""

    @property
    def error(self) -> PayoutError:
        """The first error, if any."""
        if isinstance(self.errors, list):
            return self.errors[0] if self.errors else PayoutError()
        return self.errors or PayoutError()


class SenderBatchHeader(msgspec.Struct):
    """`sender_batch_header`."""

    sender_batch_id: str | None = None


class BatchHeader(msgspec.Struct):
    """`batch_header`."""

    payout_batch_id: str | None = None
    batch_status: str | None = None
    amount: Amount | None = None
    fees: Amount | None = None
    sender_batch_header: SenderBatchHeader | None = None
    time_completed: str | None = None
    time_created: str | None = None


class Batch(msgspec.Struct):
    """A batch of payouts."""

    batch_header: BatchHeader | None = None
    errors: PayoutError | list[PayoutError] | None = None


_PAYOUT = msgspec.json.Decoder(Payout)
_BATCH = msgspec.json.Decoder(Batch)


def payout_events(delivery: Delivery) -> list[Event]:
    """One event for one payout."""
    return [payout_event(delivery, PAYOUT_ITEMS[delivery.type], delivery.decode(_PAYOUT))]


def payout_event(delivery: Delivery, our_type: str, resource: Payout) -> Event:
    """The event for one payout."""
    item = resource.payout_item or Item()
    reference = resource.custom or resource.invoice_id or ""
    processed = resource.time_processed or resource.time_completed
    event = delivery.event(
        our_type,
        merchant_transaction_id=reference,
        connector_transaction_id=resource.reference_id or "",
        resource_times=(processed,),
    )
    data = PayoutData(
        connector_payout_id=resource.payout_item_id or resource.item_id or resource.id or "",
        connector_batch_id=resource.payout_batch_id or "",
        merchant_payout_id=item.sender_item_id or "",
        status=PAYOUT_STATUSES[our_type],
        provider_status=resource.provider_status,
        amount=magnitude(item.amount) or magnitude(resource.payout_amount) or magnitude(resource.amount),
        fee=magnitude(resource.payout_item_fee),
        arrival_at=moment(processed) if our_type == "payout.succeeded" else None,
        merchant_transaction_id=reference,
    )
    if our_type == "payout.failed":
        state = resource.processing_state or ProcessingState()
        reason = resource.error.name or resource.error.reason_code or state.reason
        data.failure.CopyFrom(failure("payout_failed", reason=reason, message=resource.error.message or ""))
    event.payout.CopyFrom(data)
    return event


def batch_events(delivery: Delivery) -> list[Event]:
    """One event for a batch as a whole: its payout id and its batch id are the same."""
    header = delivery.decode(_BATCH).batch_header or BatchHeader()
    our_type = PAYOUT_BATCHES[delivery.type]
    event = delivery.event(our_type, resource_times=(header.time_completed, header.time_created))
    data = PayoutData(
        connector_payout_id=header.payout_batch_id or "",
        connector_batch_id=header.payout_batch_id or "",
        merchant_payout_id=(header.sender_batch_header or SenderBatchHeader()).sender_batch_id or "",
        status=PAYOUT_STATUSES[our_type],
        provider_status=header.batch_status or "",
        amount=magnitude(header.amount),
        fee=magnitude(header.fees),
        arrival_at=moment(header.time_completed) if our_type == "payout.succeeded" else None,
    )
    if our_type == "payout.failed":
        data.failure.CopyFrom(failure("payout_failed"))
    event.payout.CopyFrom(data)
    return [event]
