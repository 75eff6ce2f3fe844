"""Checkout orders: the order as a whole, and the captures and authorizations inside a completed one."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from connectors.paypal.amounts import Amount, money, total
from connectors.paypal.delivery import Delivery
from connectors.paypal.failures import failure
from connectors.paypal.mapping import (
    ORDER_AUTHORIZATIONS,
    ORDER_CAPTURES,
    ORDER_INTENTS,
    ORDERS,
    PAYMENT_STATUSES,
    meaning,
)
from connectors.paypal.payment_source import Payer, PaymentSource, method_details, payer_id, source_payer_id
from connectors.paypal.references import (
    Link,
    Names,
    foreign_invoice,
    main_name,
    names_from_invoice,
    names_from_links,
)
from connectors.paypal.transactions import (
    Transaction,
    read_v1_payment,
    transaction_event,
    transaction_names,
    v1_payment_event,
)
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PaymentData


class Operations(msgspec.Struct):
    """What was done with a purchase unit's money."""

    captures: list[Transaction] | None = None
    authorizations: list[Transaction] | None = None


class PurchaseUnit(msgspec.Struct):
    """One of an order's `purchase_units`."""

    amount: Amount | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    custom: str | None = None
    invoice_number: str | None = None
    payments: Operations | None = None
    payment_summary: Operations | None = None

    @property
    def merchant_reference(self) -> str:
        """The merchant's own reference."""
        return self.custom_id or self.custom or foreign_invoice(self.invoice_id) or self.invoice_number or ""


class Order(msgspec.Struct):
    """A checkout order of any API version."""

    id: str | None = None
    order_id: str | None = None
    status: str | None = None
    state: str | None = None
    intent: str | None = None
    gross_amount: Amount | None = None
    amount: Amount | None = None
    purchase_units: list[PurchaseUnit] | None = None
    payer: Payer | None = None
    payment_source: dict[str, PaymentSource | None] | None = None
    create_time: str | None = None
    update_time: str | None = None
    links: list[Link] | None = None

    @property
    def total(self) -> Money | None:
        """The order's amount, if it says one or its units add up to one."""
        stated = money(self.gross_amount) or money(self.amount)
        return stated or total(money(unit.amount) for unit in self.purchase_units or ())

    def operations(self) -> Iterator[tuple[PurchaseUnit, str, Transaction]]:
        """(unit, kind, capture or authorization), in the body's order."""
        for unit in self.purchase_units or ():
            for done in (unit.payments, unit.payment_summary):
                if done is None:
                    continue
                for authorization in done.authorizations or ():
                    yield unit, "authorization", authorization
                for capture in done.captures or ():
                    yield unit, "capture", capture


ORDER = msgspec.json.Decoder(Order)


def order_events(delivery: Delivery) -> list[Event]:
    """One event for the order as a whole."""
    order = delivery.decode(ORDER)
    return [order_event(delivery, ORDERS[delivery.type], order, order_names(order))]


def buyer_approved_events(delivery: Delivery) -> list[Event]:
    """One event for what the payer approved: a v1 payment, or an order."""
    payment = read_v1_payment(delivery)
    if payment is None:
        return order_events(delivery)
    return [v1_payment_event(delivery, ORDERS[delivery.type], payment)]


def completed_order_events(delivery: Delivery) -> list[Event]:
    """One event for each capture and authorization in the order.

    A capture has an event of its own, too (PAYMENT.CAPTURE.COMPLETED); both carry its id as `operation_id`. An order
    that names none states totals only, so that nothing is counted twice.
    """
    order = delivery.decode(ORDER)
    names = order_names(order)
    events = []
    for unit, kind, operation in order.operations():
        table = ORDER_CAPTURES if kind == "capture" else ORDER_AUTHORIZATIONS
        our_type = meaning(table, operation.status or operation.state)
        events.append(operation_event(delivery, our_type, order, unit, kind, operation))
    if events:
        return events
    our_type = meaning(ORDER_INTENTS, order.intent)
    if our_type is None:
        return [delivery.unmapped("unknown_status", object_id=order.id or "", status=order.intent or "", names=names)]
    return [_with_totals(order_event(delivery, our_type, order, names))]


def operation_event(
    delivery: Delivery, our_type: str | None, order: Order, unit: PurchaseUnit, kind: str, operation: Transaction
) -> Event:
    """The event for one capture or authorization of an order.

    Args:
        our_type: By the tables; None: they do not know its status.
        kind: "capture" or "authorization".
    """
    names = {**transaction_names(operation, kind), **order_names(order)}
    reference = operation.merchant_reference or unit.merchant_reference
    event = transaction_event(delivery, our_type, operation, kind, names, reference)
    if event.WhichOneof("data") == "payment":
        _add_payer(event.payment, order)
    return event


def order_event(delivery: Delivery, our_type: str, order: Order, names: Names) -> Event:
    """The event for the order as a whole."""
    reference = _merchant_reference(order)
    event = delivery.event(
        our_type,
        names=names,
        merchant_transaction_id=reference,
        resource_times=(order.update_time, order.create_time),
    )
    data = PaymentData(
        merchant_transaction_id=reference,
        connector_transaction_id=main_name(names),
        status=PAYMENT_STATUSES[our_type],
        amount=order.total,
        provider_status=order.status or order.state or "",
    )
    _add_payer(data, order)
    if our_type == "payment.failed":
        data.failure.CopyFrom(failure("declined"))
    event.payment.CopyFrom(data)
    return event


def _with_totals(event: Event) -> Event:
    data = event.payment
    if data.HasField("amount"):
        if event.type == "payment.captured":
            data.captured.CopyFrom(data.amount)
            data.ClearField("amount")
        elif event.type == "payment.authorized":
            data.authorized.CopyFrom(data.amount)
            data.ClearField("amount")
    return event


def _add_payer(data: PaymentData, order: Order) -> None:
    data.connector_customer_id = payer_id(order.payer) or source_payer_id(order.payment_source)
    details = method_details(order.payment_source)
    if details is not None:
        data.payment_method.CopyFrom(details)


def order_names(order: Order) -> Names:
    """Every name in the order, its own first."""
    names: Names = {}
    for own in (order.id, order.order_id):
        if own:
            names.setdefault(own, "order")
    for _, kind, operation in order.operations():
        if operation.id:
            names.setdefault(operation.id, kind)
    names_from_links(names, order.links)
    for unit in order.purchase_units or ():
        names_from_invoice(names, unit.invoice_id)
    return names


def _merchant_reference(order: Order) -> str:
    return next((unit.merchant_reference for unit in order.purchase_units or () if unit.merchant_reference), "")
