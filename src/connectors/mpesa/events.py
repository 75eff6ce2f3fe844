"""From a notice to an event. Pure; the type comes from `mapping.TYPES`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.mpesa import mapping as m
from connectors.mpesa.notices import Notice
from connectors.mpesa.values import without_phones
from connectors.spi import Context, KnownRequest
from connectors.spi.building import new_event
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import (
    PAYOUT_STATUS_EXPIRED,
    PAYOUT_STATUS_FAILED,
    PAYOUT_STATUS_PENDING,
    PAYOUT_STATUS_SUCCEEDED,
    MandateData,
    PayoutData,
    PayoutStatus,
    UnmappedData,
)
from orchestratorx_prism.v1.event_pb2 import Event, Raw
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_EXPIRED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PENDING,
    PaymentData,
    PaymentMethodDetails,
    PaymentStatus,
)
from orchestratorx_prism.v1.reference_pb2 import Reference
from orchestratorx_prism.v1.refund_pb2 import (
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    RefundData,
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
    the event but never to the id.
    """
    ours = "connector.unmapped" if notice.provider_type == m.UNRECOGNISED else m.TYPES[notice.provider_type]
    known = _known(notice, context)
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
        references=[Reference(kind=kind, value=value) for kind, value in notice.references],
        merchant_transaction_id=reference,
        connector_transaction_id=notice.payment_name or notice.receipt,
    )
    if known and not event.account:
        event.account = known.account
    _FILLERS[ours.partition(".")[0]](event, notice, reference)
    return event


def _known(notice: Notice, context: Context) -> KnownRequest | None:
    """The known request, unless it has an id and this is not an answer to it."""
    known = context.known_request
    if known is None or (known.connector_request_id and known.connector_request_id not in notice.ids):
        return None
    return known


def _fill_payment(event: Event, notice: Notice, reference: str) -> None:
    captured = event.type == "payment.captured"
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=reference,
            connector_transaction_id=event.connector_transaction_id,
            status=_PAYMENT_STATUS[event.type],
            amount=notice.amount,
            operation_id=notice.receipt,
            provider_status=notice.status_word,
            failure=_failure(notice),
            payment_method=PaymentMethodDetails(type=CONNECTOR, last4=notice.payer_last4),
            final_capture=captured,
        )
    )


def _fill_refund(event: Event, notice: Notice, reference: str) -> None:
    event.refund.CopyFrom(
        RefundData(
            connector_refund_id=notice.own_id,
            merchant_transaction_id=reference,
            connector_transaction_id=event.connector_transaction_id,
            status=_REFUND_STATUS[event.type],
            amount=notice.amount,
            provider_status=notice.status_word,
            failure=_failure(notice),
            operation_id=notice.payment_name,
        )
    )


def _fill_payout(event: Event, notice: Notice, reference: str) -> None:
    event.payout.CopyFrom(
        PayoutData(
            connector_payout_id=notice.own_id,
            merchant_payout_id=notice.originator_id,
            status=_PAYOUT_STATUS[event.type],
            provider_status=notice.status_word,
            amount=notice.amount,
            fee=notice.fee,
            failure=_failure(notice),
            arrival_at=notice.occurred_at if event.type == "payout.succeeded" else None,
            merchant_transaction_id=reference,
        )
    )


def _fill_mandate(event: Event, notice: Notice, reference: str) -> None:
    event.mandate.CopyFrom(
        MandateData(
            connector_mandate_id=notice.own_id,
            provider_status=notice.status_word,
            failure=_failure(notice),
            merchant_transaction_id=reference,
        )
    )


def _fill_unmapped(event: Event, notice: Notice, reference: str) -> None:
    event.unmapped.CopyFrom(
        UnmappedData(
            unmapped_reason=m.UNMAPPED_REASONS[notice.provider_type],
            connector_object_id=notice.own_id,
            provider_status=notice.status_word,
            merchant_transaction_id=reference,
        )
    )


_FILLERS: Final[dict[str, Callable[[Event, Notice, str], None]]] = {
    "payment": _fill_payment,
    "refund": _fill_refund,
    "payout": _fill_payout,
    "mandate": _fill_mandate,
    "connector": _fill_unmapped,
}


def _failure(notice: Notice) -> Failure | None:
    if notice.decline is None:
        return None
    return Failure(
        code=notice.decline.code,
        category=notice.decline.category,
        retryable=notice.decline.retryable,
        provider_code=notice.status_word,
        provider_message=without_phones(notice.sentence),
    )
