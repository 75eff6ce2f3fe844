"""PayPal invoices, v1 and v2: to `invoice.*`."""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, money, total
from connectors.paypal.delivery import Delivery
from connectors.paypal.mapping import INVOICES, meaning
from connectors.paypal.times import moment
from orchestratorx_prism.v1.event_data_pb2 import InvoiceData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money


class PaymentTerm(msgspec.Struct):
    """`payment_term`."""

    due_date: str | None = None


class Detail(msgspec.Struct):
    """v2 `detail`."""

    invoice_number: str | None = None
    reference: str | None = None
    payment_term: PaymentTerm | None = None


class Paid(msgspec.Struct):
    """v1 `paid_amount`: through PayPal, and otherwise."""

    paypal: Amount | None = None
    other: Amount | None = None


class PaymentOf(msgspec.Struct):
    """One payment of an invoice: v1 `transaction_id`, v2 `payment_id`."""

    transaction_id: str | None = None
    payment_id: str | None = None


class Payments(msgspec.Struct):
    """v2 `payments`."""

    paid_amount: Amount | None = None
    transactions: list[PaymentOf] | None = None


class Invoice(msgspec.Struct):
    """An invoice of either version."""

    id: str | None = None
    status: str | None = None
    number: str | None = None
    reference: str | None = None
    detail: Detail | None = None
    total_amount: Amount | None = None
    amount: Amount | None = None
    paid_amount: Paid | None = None
    payments: Payments | list[PaymentOf] | None = None
    payment_term: PaymentTerm | None = None

    @property
    def paid(self) -> Money | None:
        """What was paid so far, if it says so."""
        if isinstance(self.payments, Payments):
            return money(self.payments.paid_amount)
        if self.paid_amount is None:
            return None
        parts = (money(self.paid_amount.paypal), money(self.paid_amount.other))
        return total(part for part in parts if part is not None)

    @property
    def payment_id(self) -> str:
        """PayPal's id of the newest payment; empty if there is none."""
        payments = self.payments.transactions if isinstance(self.payments, Payments) else self.payments
        for payment in reversed(payments or ()):
            if found := payment.transaction_id or payment.payment_id:
                return found
        return ""


class InvoiceResource(Invoice):
    """The resource: v1 is the invoice, v2 holds it."""

    invoice: Invoice | None = None


_INVOICE = msgspec.json.Decoder(InvoiceResource)


def invoice_events(delivery: Delivery) -> list[Event]:
    """One event for an invoice."""
    resource = delivery.decode(_INVOICE)
    invoice = resource.invoice or resource
    detail = invoice.detail or Detail()
    status = invoice.status or ""
    reference = detail.reference or invoice.reference or ""
    our_type = meaning(INVOICES[delivery.type], status)
    if our_type is None:
        return [delivery.unmapped("unknown_status", object_id=invoice.id or "", status=status, merchant_id=reference)]
    event = delivery.event(our_type, merchant_transaction_id=reference, connector_transaction_id=invoice.payment_id)
    term = detail.payment_term or invoice.payment_term or PaymentTerm()
    event.invoice.CopyFrom(
        InvoiceData(
            connector_invoice_id=invoice.id or "",
            connector_transaction_id=invoice.payment_id,
            merchant_transaction_id=reference,
            number=detail.invoice_number or invoice.number or "",
            amount_due=money(invoice.amount) or money(invoice.total_amount),
            amount_paid=invoice.paid,
            provider_status=status,
            due_at=moment(term.due_date),
        )
    )
    return [event]
