"""Events of the orders that Stripe had before Checkout: `order.payment_*`. The charge has events of its own."""

from __future__ import annotations

from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, missing
from connectors.stripe.mapping import ORDER, PAYMENT_STATUS, type_of
from connectors.stripe.parts import UNKNOWN_STATUS, name_payment, unmapped
from connectors.stripe.shapes import ident
from connectors.stripe.shapes_billing import ORDER as ORDER_DECODER
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData


def order(arrival: Arrival) -> Event:
    """`order.payment_succeeded` and `order.payment_failed`"""
    found = arrival.read(ORDER_DECODER)
    if not found.id:
        raise missing("data.object.id")
    our_type = type_of(ORDER[arrival.envelope.type], found.status or "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    charge_id = ident(found.charge)
    transaction = charge_id or found.id
    reference = arrival.merchant_reference(found.metadata)
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    name_payment(event, "", charge_id, order=found.id)
    total = money(found.amount, found.currency)
    captured = our_type == "payment.captured"
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=reference,
            connector_transaction_id=transaction,
            status=PAYMENT_STATUS[our_type],
            amount=total,
            captured=total if captured else None,
            operation_id=charge_id,
            provider_status=found.status or "",
            connector_customer_id=ident(found.customer),
            final_capture=captured,
        )
    )
    return event
