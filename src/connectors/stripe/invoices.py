"""Events of invoices and their parts: `invoice.*`, `invoice_payment.*`, `invoiceitem.*`, `credit_note.*`, and so on.

An invoice is not a payment. It names the payment that pays it, and has no references by which one could be linked.
"""

from __future__ import annotations

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, missing
from connectors.stripe.failures import failure_of
from connectors.stripe.mapping import type_of
from connectors.stripe.mapping_billing import INVOICE, INVOICE_PART, INVOICE_PAYMENT
from connectors.stripe.parts import UNKNOWN_STATUS, unmapped
from connectors.stripe.shapes import customer_of, ident
from connectors.stripe.shapes_billing import INVOICE as INVOICE_DECODER
from connectors.stripe.shapes_billing import INVOICE_PART as INVOICE_PART_DECODER
from connectors.stripe.shapes_billing import INVOICE_PAYMENT as INVOICE_PAYMENT_DECODER
from connectors.stripe.shapes_billing import Invoice, PaidBy, SubscriptionDetails
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import InvoiceData
from orchestratorx_prism.v1.event_pb2 import Event


def invoice(arrival: Arrival) -> Event:
    """`invoice.*`"""
    found = arrival.read(INVOICE_DECODER)
    if not found.id and arrival.envelope.type != "invoice.upcoming":
        raise missing("data.object.id")
    our_type = type_of(INVOICE[arrival.envelope.type], found.status or ("paid" if found.paid else ""))
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    details = found.parent.subscription_details if found.parent is not None else None
    details = details or found.subscription_details or SubscriptionDetails()
    reference = arrival.merchant_reference(found.metadata, details.metadata)
    transaction = _paid_by(found)
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    event.invoice.CopyFrom(
        InvoiceData(
            connector_invoice_id=found.id or "",
            connector_customer_id=customer_of(found.customer, found.customer_account),
            connector_subscription_id=ident(found.subscription) or ident(details.subscription),
            connector_transaction_id=transaction,
            merchant_transaction_id=reference,
            number=found.number or "",
            amount_due=money(found.amount_due, found.currency),
            amount_paid=money(found.amount_paid, found.currency),
            provider_status=found.status or "",
            due_at=unix_time(found.due_date) if found.due_date is not None else None,
            failure=_failure(found),
            attempt_count=found.attempt_count or 0,
        )
    )
    return event


def _paid_by(found: Invoice) -> str:
    """The payment's main id: of the invoice until 2025-03-31, of its default InvoicePayment since."""
    direct = ident(found.payment_intent) or ident(found.charge)
    if direct or found.payments is None:
        return direct
    payments = found.payments.data
    chosen = next((one for one in payments if one.is_default), payments[0] if payments else None)
    return _transaction(chosen.payment) if chosen is not None else ""


def _transaction(payment: PaidBy | None) -> str:
    return (ident(payment.payment_intent) or ident(payment.charge)) if payment is not None else ""


def _failure(found: Invoice) -> Failure | None:
    error = found.last_finalization_error
    return failure_of(error.code, error.message) if error is not None else None


def invoice_payment(arrival: Arrival) -> Event:
    """`invoice_payment.*`: money was put on an invoice."""
    found = arrival.read(INVOICE_PAYMENT_DECODER)
    if not found.id:
        raise missing("data.object.id")
    our_type = type_of(INVOICE_PAYMENT[arrival.envelope.type], "partial" if found.is_default is False else "default")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    transaction = _transaction(found.payment)
    event = arrival.begin(our_type, connector_transaction_id=transaction)
    event.invoice.CopyFrom(
        InvoiceData(
            connector_invoice_id=ident(found.invoice),
            connector_transaction_id=transaction,
            amount_due=money(found.amount_requested, found.currency),
            amount_paid=money(found.amount_paid, found.currency),
            provider_status=found.status or "",
        )
    )
    return event


def invoice_part(arrival: Arrival) -> Event:
    """`invoiceitem.*`, `credit_note.*` and `payment_plan.*`: what is owed on an invoice, and when, changed."""
    found = arrival.read(INVOICE_PART_DECODER)
    our_type = type_of(INVOICE_PART[arrival.envelope.type], "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    details = found.parent.subscription_details if found.parent is not None else None
    planned = found.collects_on.invoice_details if found.collects_on is not None else None
    reference = arrival.merchant_reference(found.metadata)
    event = arrival.begin(our_type, merchant_transaction_id=reference)
    event.invoice.CopyFrom(
        InvoiceData(
            connector_invoice_id=ident(found.invoice) or (ident(planned.invoice) if planned is not None else ""),
            connector_customer_id=customer_of(found.customer, found.customer_account),
            connector_subscription_id=ident(found.subscription)
            or (ident(details.subscription) if details is not None else ""),
            merchant_transaction_id=reference,
            provider_status=found.status or "",
        )
    )
    return event
