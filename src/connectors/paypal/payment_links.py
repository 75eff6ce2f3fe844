"""Payments through payment links and buttons: from PayPal's payment resource to `payment.*`.

A link is paid by any number of payers; each payment has a transaction of its own, and PayPal's other events name that.
"""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, money
from connectors.paypal.delivery import Delivery
from connectors.paypal.failures import failure
from connectors.paypal.mapping import PAYMENT_LINKS, PAYMENT_STATUSES, meaning
from connectors.paypal.payment_source import Payer, payer_id
from connectors.paypal.references import Names
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData


class LinkPayment(msgspec.Struct):
    """A payment that came through a link; the link's own id stands beside it and names no payment."""

    transaction_id: str | None = None
    transaction_status: str | None = None
    transaction_time: str | None = None
    gross_amount: Amount | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    payer: Payer | None = None


_LINK_PAYMENT = msgspec.json.Decoder(LinkPayment)


def link_payment_events(delivery: Delivery) -> list[Event]:
    """One event for a payment through a link."""
    resource = delivery.decode(_LINK_PAYMENT)
    transaction_id = resource.transaction_id or ""
    names: Names = {transaction_id: "transaction"} if transaction_id else {}
    status = resource.transaction_status or ""
    reference = resource.custom_id or resource.invoice_id or ""
    our_type = meaning(PAYMENT_LINKS[delivery.type], status)
    if our_type is None:
        return [
            delivery.unmapped(
                "unknown_status", object_id=transaction_id, status=status, names=names, merchant_id=reference
            )
        ]
    event = delivery.event(
        our_type, names=names, merchant_transaction_id=reference, resource_times=(resource.transaction_time,)
    )
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=reference,
            connector_transaction_id=transaction_id,
            status=PAYMENT_STATUSES[our_type],
            amount=money(resource.gross_amount),
            operation_id=transaction_id,
            provider_status=status,
            connector_customer_id=payer_id(resource.payer),
            final_capture=our_type == "payment.captured",
        )
    )
    if our_type == "payment.failed":
        event.payment.failure.CopyFrom(failure("declined"))
    return [event]
