"""From a notice to an event. Pure; the type comes from `mapping.TYPES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from connectors.mpesa import mapping as m
from connectors.mpesa.codes import Decline
from connectors.mpesa.notices import Notice
from connectors.mpesa.values import without_phones
from connectors.spi import Context, KnownRequest
from connectors.spi.building import new_event
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import (
    PAYOUT_STATUS_EXPIRED,
    PAYOUT_STATUS_FAILED,
    PAYOUT_STATUS_PENDING,
    PAYOUT_STATUS_SUCCEEDED,
    PayoutStatus,
)
from orchestratorx_prism.v1.event_pb2 import Event, Raw
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_EXPIRED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PENDING,
    PaymentStatus,
)
from orchestratorx_prism.v1.refund_pb2 import (
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    RefundStatus,
)

CONNECTOR: Final = "mpesa"

_PAYMENT_STATUS: Final[dict[str, PaymentStatus.ValueType]] = {
    "payment.captured": PAYMENT_STATUS_CAPTURED,
    "payment.pending": PAYMENT_STATUS_PENDING,
    "payment.failed": PAYMENT_STATUS_FAILED,
    "payment.expired": PAYMENT_STATUS_EXPIRED,
}
_PAYOUT_STATUS: Final[dict[str, PayoutStatus.ValueType]] = {
    "payout.succeeded": PAYOUT_STATUS_SUCCEEDED,
    "payout.pending": PAYOUT_STATUS_PENDING,
    "payout.failed": PAYOUT_STATUS_FAILED,
    "payout.expired": PAYOUT_STATUS_EXPIRED,
}
_REFUND_STATUS: Final[dict[str, RefundStatus.ValueType]] = {
    "refund.succeeded": REFUND_STATUS_SUCCEEDED,
    "refund.pending": REFUND_STATUS_PENDING,
    "refund.failed": REFUND_STATUS_FAILED,
}


def build(notice: Notice, context: Context, raw: Raw) -> Event:
    """The event of one notice, without verification.

    Its id rests on the body alone, so the known request, which one replica may have found and another not, adds to
    the event but not to the id; unless the body names nothing, and the request is the only name there is.
    """
    ours = UNMAPPED if notice.provider_type == m.UNRECOGNISED else m.TYPES[notice.provider_type]
    known = _known(notice, context)
    if known and known.connector_request_id and notice.provider_type in m.NAMELESS:
        notice = _named(notice, known.connector_request_id)
    reference = (known.merchant_transaction_id if known else "") or notice.merchant_reference
    event = new_event(
        context,
        raw,
        connector=CONNECTOR,
        type=ours,
        dedup_key=notice.dedup_key,
        account=notice.account,
        provider_event_type=notice.provider_type,
        occurred_at=notice.occurred_at,
        merchant_transaction_id=reference,
        connector_transaction_id=notice.payment_name or notice.receipt,
    )
    for kind, value in notice.references:
        event.references.add(kind=kind, value=value)
    if known and not event.account:
        event.account = known.account
    _FILLERS[ours.partition(".")[0]](event, notice)
    return event


def _known(notice: Notice, context: Context) -> KnownRequest | None:
    """The known request, unless the body names a request and it is another."""
    known = context.known_request
    if known is None or (known.connector_request_id and notice.ids and known.connector_request_id not in notice.ids):
        return None
    return known


def _named(notice: Notice, name: str) -> Notice:
    return msgspec.structs.replace(
        notice,
        dedup_key=f"{notice.dedup_key}:{name}",
        payment_name=name,
        references=((m.NAMELESS[notice.provider_type], name),),
    )


def _fill_payment(event: Event, notice: Notice) -> None:
    data = event.payment
    data.merchant_transaction_id = event.merchant_transaction_id
    data.connector_transaction_id = event.connector_transaction_id
    data.status = _PAYMENT_STATUS[event.type]
    data.operation_id = notice.receipt
    data.provider_status = notice.status_word
    data.payment_method.type = CONNECTOR
    data.payment_method.last4 = notice.payer_last4
    data.final_capture = event.type == "payment.captured"
    if notice.amount is not None:
        data.amount.CopyFrom(notice.amount)
    if notice.decline is not None:
        _fill_failure(data.failure, notice, notice.decline)


def _fill_refund(event: Event, notice: Notice) -> None:
    data = event.refund
    data.connector_refund_id = notice.own_id
    data.merchant_transaction_id = event.merchant_transaction_id
    data.connector_transaction_id = event.connector_transaction_id
    data.status = _REFUND_STATUS[event.type]
    data.provider_status = notice.status_word
    data.operation_id = notice.receipt
    if notice.amount is not None:
        data.amount.CopyFrom(notice.amount)
    if notice.decline is not None:
        _fill_failure(data.failure, notice, notice.decline)


def _fill_payout(event: Event, notice: Notice) -> None:
    data = event.payout
    data.connector_payout_id = notice.own_id
    data.merchant_payout_id = notice.originator_id
    data.merchant_transaction_id = event.merchant_transaction_id
    data.status = _PAYOUT_STATUS[event.type]
    data.provider_status = notice.status_word
    if notice.amount is not None:
        data.amount.CopyFrom(notice.amount)
    if notice.fee is not None:
        data.fee.CopyFrom(notice.fee)
    if notice.decline is not None:
        _fill_failure(data.failure, notice, notice.decline)
    if notice.occurred_at is not None and event.type == "payout.succeeded":
        data.arrival_at.CopyFrom(notice.occurred_at)


def _fill_mandate(event: Event, notice: Notice) -> None:
    data = event.mandate
    data.connector_mandate_id = notice.own_id
    data.merchant_transaction_id = event.merchant_transaction_id
    data.provider_status = notice.status_word
    if notice.decline is not None:
        _fill_failure(data.failure, notice, notice.decline)


def _fill_unmapped(event: Event, notice: Notice) -> None:
    data = event.unmapped
    data.unmapped_reason = m.UNMAPPED_REASONS[notice.provider_type]
    data.connector_object_id = notice.own_id
    data.merchant_transaction_id = event.merchant_transaction_id
    data.provider_status = notice.status_word


def _fill_failure(failure: Failure, notice: Notice, decline: Decline) -> None:
    failure.code = decline.code
    failure.category = decline.category
    failure.retryable = decline.retryable
    failure.provider_code = notice.status_word
    failure.provider_message = without_phones(notice.sentence)


_FILLERS: Final[dict[str, Callable[[Event, Notice], None]]] = {
    "payment": _fill_payment,
    "refund": _fill_refund,
    "payout": _fill_payout,
    "mandate": _fill_mandate,
    "connector": _fill_unmapped,
}
