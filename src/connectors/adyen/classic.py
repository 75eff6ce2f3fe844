"""Notifications of classic platforms → events. Pure.

Source: Adyen API Explorer, "Classic Platforms - Notifications" v3–v6; Adyen docs, classic platforms, "Payout
notifications".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.adyen.amounts import money
from connectors.adyen.failures import classic_refusal
from connectors.adyen.mapping_messages import (
    CLASSIC_NO_COUNTERPART,
    CLASSIC_PAYOUTS,
    PAYMENT_FAILURE,
    SCHEDULED_REFUNDS,
    SPLIT_BOOKING_FAILED,
)
from connectors.adyen.origin import Origin
from connectors.adyen.parts import PAYMENT_STATUS, PAYOUT_STATUS, REFUND_STATUS, reference
from connectors.adyen.shapes import Amount, text
from connectors.adyen.shapes_classic import (
    PAYMENT_FAILURE as PAYMENT_FAILURE_CONTENT,
)
from connectors.adyen.shapes_classic import (
    PAYOUT,
    OperationStatus,
    PaymentFailure,
    Payout,
    RefundedTransaction,
    RefundResult,
    ScheduledRefunds,
    StatusMessage,
)
from connectors.adyen.shapes_classic import (
    SCHEDULED_REFUNDS as SCHEDULED_REFUNDS_CONTENT,
)
from connectors.spi.building import datetime_time
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event


def events_of(origin: Origin) -> list[Event]:
    """The events of one notification: a payout in several currencies and several scheduled refunds are several events.

    Raises:
        PayloadRejected: `content` does not have the shape that its type promises. Never for types that have no word
            of ours.
    """
    name = origin.message.type
    if name in CLASSIC_PAYOUTS:
        return _payouts(origin)
    if name == SCHEDULED_REFUNDS:
        return _scheduled_refunds(origin)
    if name == PAYMENT_FAILURE:
        return [_payment_failure(origin)]
    why = "no_counterpart" if name in CLASSIC_NO_COUNTERPART else "unknown_type"
    return [origin.unmapped(why, object_id=origin.message.envelope.psp_reference)]


def _payouts(origin: Origin) -> list[Event]:
    content: Payout = origin.read(PAYOUT)
    status = content.status or OperationStatus()
    word = text(status.status_code)
    ours = CLASSIC_PAYOUTS[origin.message.type].get(word)
    psp = text(origin.message.envelope.psp_reference)
    if ours is None:
        return [origin.unmapped("unknown_status", object_id=psp, status=word)]
    amounts: list[Amount | None] = [each.inner or Amount(each.value, each.currency) for each in content.amounts or ()]
    return [
        _money_event(origin, ours, content, psp, amount, index)
        for index, amount in enumerate(amounts or [content.amount])
    ]


def _money_event(origin: Origin, ours: str, content: Payout, psp: str, amount: Amount | None, index: int) -> Event:
    """One event in one currency: of a payout, of a refunded transfer, or of a direct debit."""
    member = DATA_MEMBER[ours]
    status = content.status or OperationStatus()
    merchant = text(content.merchant_reference)
    event = origin.event(
        ours,
        dedup_key=origin.key(),
        item_index=index,
        account=content.merchant_account_code,
        occurred_at=origin.time(),
        references=[reference("psp_reference", psp)] if member == "payment" and psp else (),
        merchant_transaction_id=merchant,
        connector_transaction_id=psp if member == "payment" else "",
    )
    found: Any
    if member == "payout":
        found = event.payout
        found.connector_payout_id = text(content.original_psp_reference) or psp
        found.merchant_payout_id = merchant
        found.status = PAYOUT_STATUS[ours]
        arrival = _date(content.estimated_arrival_date)
        if arrival is not None:
            found.arrival_at.CopyFrom(arrival)
    elif member == "refund":
        found = event.refund
        found.connector_refund_id = psp
        found.merchant_refund_id = merchant
        found.status = REFUND_STATUS[ours]
    else:
        found = event.payment
        found.connector_transaction_id = psp
        found.status = PAYMENT_STATUS[ours]
    found.merchant_transaction_id = merchant
    found.provider_status = text(status.status_code)
    stated = money(amount)
    if stated is not None:
        found.amount.CopyFrom(stated)
    if ours.endswith(".failed"):
        message = status.message or StatusMessage()
        found.failure.CopyFrom(classic_refusal(text(message.code), text(message.text)))
    return event


def _date(value: Any) -> Timestamp | None:
    """{"year", "month", "day"} as midnight UTC; None if it is not that."""
    if not isinstance(value, dict):
        return None
    parts = [value.get(name) for name in ("year", "month", "day")]
    if not all(type(part) is int for part in parts):
        return None
    try:
        return datetime_time(datetime(parts[0], parts[1], parts[2], tzinfo=UTC))  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None


def _scheduled_refunds(origin: Origin) -> list[Event]:
    content: ScheduledRefunds = origin.read(SCHEDULED_REFUNDS_CONTENT)
    results = [each.inner or each for each in content.refund_results or ()]
    if not results:
        return [origin.unmapped("no_counterpart", object_id=origin.message.envelope.psp_reference)]
    return [_refund_event(origin, result, index) for index, result in enumerate(results)]


def _refund_event(origin: Origin, result: RefundResult, index: int) -> Event:
    refunded = result.original_transaction or RefundedTransaction()
    payment, capture = text(refunded.payment_psp_reference), text(refunded.capture_psp_reference)
    merchant = text(refunded.merchant_reference)
    references = [reference(kind, value) for kind, value in (("psp_reference", payment), ("capture", capture)) if value]
    event = origin.event(
        "refund.pending",
        dedup_key=origin.key(),
        item_index=index,
        account="",
        occurred_at=origin.time(),
        references=references,
        merchant_transaction_id=merchant,
        connector_transaction_id=payment,
    )
    found = event.refund
    found.connector_refund_id = text(result.psp_reference)
    found.merchant_transaction_id = merchant
    found.connector_transaction_id = payment
    found.operation_id = capture
    found.status = REFUND_STATUS["refund.pending"]
    found.provider_status = text(result.response)
    amount = money(refunded.amount)
    if amount is not None:
        found.amount.CopyFrom(amount)
    return event


def _payment_failure(origin: Origin) -> Event:
    content: PaymentFailure = origin.read(PAYMENT_FAILURE_CONTENT)
    payment, merchant = text(content.payment_psp_reference), text(content.payment_merchant_reference)
    event = origin.event(
        "payment.anomaly",
        dedup_key=origin.key(),
        account="",
        occurred_at=origin.time(),
        references=[reference("psp_reference", payment)] if payment else (),
        merchant_transaction_id=merchant,
        connector_transaction_id=payment,
    )
    found = event.payment
    found.merchant_transaction_id = merchant
    found.connector_transaction_id = payment
    found.operation_id = text(content.modification_psp_reference)
    found.anomaly = SPLIT_BOOKING_FAILED
    message = content.error_message or StatusMessage()
    found.failure.CopyFrom(classic_refusal(text(message.code), text(message.text)))
    return event
