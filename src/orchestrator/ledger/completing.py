"""Fills in, in place, what only the ledger knows of an event: payment, sequence, status before and after, totals."""

from __future__ import annotations

from connectors.spi.building import SCHEMA_VERSION, event_id
from orchestrator.ledger.projection import Standing
from orchestrator.ledger.records import PaymentRecord
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData


def complete_event(event: Event, record: PaymentRecord) -> None:
    """What every event of a payment gets. `record.sequence` is already the event's."""
    event.payment_id = event.partition_key = record.id
    event.sequence = record.sequence
    reference = record.state.merchant_transaction_id
    if reference is not None and not event.merchant_transaction_id:
        event.merchant_transaction_id = reference[2]


def complete_payment(event: Event, record: PaymentRecord, before: int, stands: Standing) -> None:
    """For `payment.*`: `before` is the status that the payment had."""
    data = event.payment
    data.payment_id = record.id
    data.status_before = before  # type: ignore[assignment]  # always one of the enum's
    data.status = stands.status  # type: ignore[assignment]
    if not data.merchant_transaction_id:
        data.merchant_transaction_id = event.merchant_transaction_id
    _fill_totals(data, stands)


def _fill_totals(data: PaymentData, stands: Standing) -> None:
    currency = stands.currency
    if not currency:
        return
    if stands.authorized is not None:
        total = data.authorized
        total.minor_units, total.currency = stands.authorized, currency
    if stands.captured is not None:
        total = data.captured
        total.minor_units, total.currency = stands.captured, currency
    if stands.refunded is not None:
        total = data.refunded
        total.minor_units, total.currency = stands.refunded, currency


def complete_refund(event: Event, record: PaymentRecord, before: int, stands: Standing) -> None:
    """For `refund.*`: `before` is the status that the refund had."""
    data = event.refund
    data.payment_id = record.id
    if data.connector_refund_id:
        data.refund_id = record.refund_id(data.connector_refund_id)
        data.status_before = before  # type: ignore[assignment]
        data.status = record.state.refunds[data.connector_refund_id].status  # type: ignore[assignment]
    if not data.merchant_transaction_id:
        data.merchant_transaction_id = event.merchant_transaction_id
    if stands.refunded is not None and stands.currency:
        data.refunded.minor_units, data.refunded.currency = stands.refunded, stands.currency


def complete_dispute(event: Event, record: PaymentRecord, key: str, before: int) -> None:
    """For `dispute.*`: `before` is the status that the dispute had."""
    data = event.dispute
    data.payment_id = record.id
    data.dispute_id = record.dispute_id(key)
    data.status_before = before  # type: ignore[assignment]
    after = record.state.disputes[key].status
    if after is not None:
        data.status = after[2]  # type: ignore[assignment]
    if not data.merchant_transaction_id:
        data.merchant_transaction_id = event.merchant_transaction_id


def anomaly_event(cause: Event, record: PaymentRecord, anomaly: str, stands: Standing) -> Event:
    """The event that says so. Its id rests on the payment and the anomaly: however often it is found, it is one."""
    key = f"anomaly\x1f{record.id}\x1f{anomaly}"
    event = Event(
        id=event_id(cause.connector, cause.merchant_id, cause.account, cause.environment, key),
        type="payment.anomaly",
        schema_version=SCHEMA_VERSION,
        connector=cause.connector,
        environment=cause.environment,
        merchant_id=cause.merchant_id,
        account=cause.account,
        occurred_at=cause.occurred_at if cause.HasField("occurred_at") else cause.received_at,
        received_at=cause.received_at,
        references=cause.references,
        cause=cause.cause,
        correlation_id=cause.correlation_id,
        traceparent=cause.traceparent,
    )
    if cause.HasField("raw"):
        event.raw.CopyFrom(cause.raw)
    if cause.HasField("verification"):
        event.verification.CopyFrom(cause.verification)
    state = record.state
    if state.connector_transaction_id is not None:
        event.connector_transaction_id = state.connector_transaction_id[2]
    complete_event(event, record)
    event.payment.anomaly = anomaly
    event.payment.connector_transaction_id = event.connector_transaction_id
    complete_payment(event, record, stands.status, stands)
    return event
