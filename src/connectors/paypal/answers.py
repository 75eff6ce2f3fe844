"""PayPal's answers to payment calls as our events, by the tables and readers that the webhooks use. Pure.

A webhook that tells the same fact later carries the same ids and amounts, and so changes no total.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.paypal import states
from connectors.paypal.amounts import magnitude
from connectors.paypal.delivery import Delivery, Envelope
from connectors.paypal.issues import Problem, unknown
from connectors.paypal.mapping import ORDER_AUTHORIZATIONS, ORDER_CAPTURES, PAYMENT_STATUSES, TRANSACTIONS, meaning
from connectors.paypal.orders import ORDER, Order, PurchaseUnit, operation_event, order_event, order_names
from connectors.paypal.references import Names, own_invoice
from connectors.paypal.refunds import REFUND, Refund, refund_event
from connectors.paypal.transactions import TRANSACTION, Transaction, transaction_event, transaction_names
from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from connectors.spi.operations import NEVER_RECEIVED, REQUEST, Answer, Call
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import NextAction, PaymentData

_ACTION_LINKS = ("payer-action", "approve")
_MADE = frozenset({"payment.authorized", "payment.captured", "payment.partially_captured"})
_KEPT_NAMES = frozenset({"order", "authorization"})


class _Returned(msgspec.Struct):
    refunds: list[Refund] | None = None


class _ReturnedUnit(msgspec.Struct):
    payments: _Returned | None = None


class _ReturnedOrder(msgspec.Struct):
    purchase_units: list[_ReturnedUnit] | None = None


_RETURNED = msgspec.json.Decoder(_ReturnedOrder)


def order_answer(call: Call, body: bytes) -> Answer:
    """What an order that we made or confirmed says: its captures and authorizations, else what it waits for.

    Raises:
        PayloadRejected: It cannot be read. OutcomeUnknown: It has a status that no table knows.
    """
    delivery = answered(call, body)
    order = delivery.decode(ORDER)
    events = []
    for unit, kind, operation in order.operations():
        table = ORDER_CAPTURES if kind == "capture" else ORDER_AUTHORIZATIONS
        events.append(_operation(delivery, table, order, unit, kind, operation))
    action = None
    if not events:
        event, action = _whole(delivery, order)
        events.append(event)
    return _answer(events, body, action)


def polled_answer(call: Call, body: bytes) -> Answer:
    """An order as it is now, with all that was done with its money. The same state makes the same events again.

    A status that no table knows is `connector.unmapped`, as in webhooks.
    """
    delivery = answered(call, body)
    order = delivery.decode(ORDER)
    events = []
    for unit, kind, operation in order.operations():
        table = ORDER_CAPTURES if kind == "capture" else states.AUTHORIZATIONS
        polled = _polled(call, body, operation.id, operation.status, operation.amount)
        events.append(_operation(polled, table, order, unit, kind, operation))
    for refund in refunds_of(body):
        polled = _polled(call, body, refund.id, refund.status, refund.amount)
        polled.names = {value: kind for value, kind in order_names(order).items() if kind == "order"}
        events.append(refund_event(polled, refund, states.REFUNDS_MADE))
    action = None
    if not events:
        event, action = _whole(_polled(call, body, order.id, order.status, None, order.total), order)
        events.append(event)
    return Answer(events, body, action)


def capture_answer(call: Call, body: bytes) -> Answer:
    """A capture of an authorization: taken, or accepted and pending, or (for a look-up) what became of it."""
    delivery = answered(call, body)
    taken = delivery.decode(TRANSACTION)
    our_type = meaning(TRANSACTIONS["PAYMENT.CAPTURE.COMPLETED"], taken.status)
    names = transaction_names(taken, "capture") | _known_names(call)
    reference = taken.merchant_reference or _reference(call)
    return _answer([transaction_event(delivery, our_type, _dated(taken, our_type), "capture", names, reference)], body)


def capture_found(call: Call, order_body: bytes) -> Answer | None:
    """The capture that this call made, found in its order by our key; None if the order has none."""
    delivery = answered(call, order_body)
    order = delivery.decode(ORDER)
    invoice = own_invoice(call.key)
    for unit, kind, operation in order.operations():
        if kind == "capture" and operation.invoice_id == invoice:
            return _answer([_operation(delivery, ORDER_CAPTURES, order, unit, kind, operation)], order_body)
    return None


def void_answer(call: Call, body: bytes) -> Answer:
    """The release of an authorization; PayPal may answer without a body."""
    delivery = answered(call, body)
    voided = delivery.decode(TRANSACTION) if body else Transaction(status="VOIDED")
    names = transaction_names(voided, "authorization") | _known_names(call)
    event = transaction_event(
        delivery, "payment.voided", voided, "authorization", names, voided.merchant_reference or _reference(call)
    )
    return _answer([event], body)


def refund_answer(call: Call, body: bytes) -> Answer:
    """A refund: succeeded, or accepted and pending, or failed afterwards."""
    delivery = answered(call, body)
    return _answer([_refund_event(call, delivery, delivery.decode(REFUND))], body)


def refund_found(call: Call, order_body: bytes) -> Answer | None:
    """The refund that this call made, found in the payment's order by our key; None if the order has none."""
    invoice = own_invoice(call.key)
    for refund in refunds_of(order_body):
        if refund.invoice_id == invoice:
            return _answer([_refund_event(call, answered(call, order_body), refund)], order_body)
    return None


def declined_answer(call: Call, problem: Problem, body: bytes, order_id: str = "") -> Answer:
    """A payment that was declined, with the page where the payer can choose another way to pay, if PayPal names one."""
    event = _payment_event(call, body, "payment.failed", order_id)
    event.payment.failure.CopyFrom(problem.failure())
    elsewhere = problem.link("redirect", "payer-action")
    return Answer([event], body, NextAction(type="redirect", redirect_url=elsewhere) if elsewhere else None)


def action_answer(call: Call, problem: Problem, body: bytes, order_id: str) -> Answer | None:
    """A payment for which the payer has to do something more. None if PayPal does not say where."""
    where = problem.link("payer-action", "redirect")
    if not where:
        return None
    action = NextAction(type="redirect", redirect_url=where)
    event = _payment_event(call, body, "payment.action_required", order_id)
    event.payment.next_action.CopyFrom(action)
    return Answer([event], body, action)


def payment_never_received(call: Call) -> Answer:
    """For an Authorize of which PayPal has no trace."""
    event = _payment_event(call, b"", "payment.failed", "")
    event.payment.failure.CopyFrom(NEVER_RECEIVED)
    return Answer([event])


def operation_never_received(call: Call, our_type: str) -> Answer:
    """For a capture or void of which PayPal has no trace: it changes no total."""
    event = _payment_event(call, b"", our_type, "")
    event.payment.ClearField("amount")
    event.payment.operation_id = f"{REQUEST}:{call.key}"
    event.payment.failure.CopyFrom(NEVER_RECEIVED)
    return Answer([event])


def polled_authorization(call: Call, body: bytes) -> Answer:
    """An authorization as it is now, of a payment whose order is not known."""
    found = answered(call, body).decode(TRANSACTION)
    delivery = _polled(call, body, found.id, found.status, found.amount)
    our_type = meaning(states.AUTHORIZATIONS, found.status)
    names = transaction_names(found, "authorization")
    event = transaction_event(
        delivery, our_type, _dated(found, our_type), "authorization", names, found.merchant_reference
    )
    return Answer([event], body)


def refunds_of(order_body: bytes) -> list[Refund]:
    """The refunds inside an order."""
    units = decode(_RETURNED, order_body).purchase_units or ()
    return [refund for unit in units if unit.payments for refund in unit.payments.refunds or ()]


def answered(call: Call, body: bytes, dedup_key: str = "") -> Delivery:
    """An answer on its way to events."""
    polled = bool(dedup_key)
    return Delivery(
        event_id="",
        type="",
        envelope=Envelope(resource=msgspec.Raw(body)),
        environment=None,
        context=call.context,
        raw=raw_of(body, call.context),
        dedup_key=dedup_key or f"api:{call.key}",
        names={} if polled else {call.key: REQUEST},
    )


def _refund_event(call: Call, delivery: Delivery, refund: Refund) -> Event:
    delivery.names |= _known_names(call)
    event = refund_event(delivery, refund, states.REFUNDS_MADE)
    if event.WhichOneof("data") == "refund":
        event.refund.merchant_refund_id = call.request.merchant_refund_id
        if not event.refund.merchant_transaction_id:
            event.refund.merchant_transaction_id = event.merchant_transaction_id = _reference(call)
    return event


def _polled(
    call: Call, body: bytes, provider_id: str | None, status: str | None, amount: object, total: Money | None = None
) -> Delivery:
    money = total if total is not None else magnitude(amount)  # type: ignore[arg-type]  # an Amount or None
    written = f"{money.minor_units}{money.currency}" if money is not None else ""
    return answered(call, body, f"poll:{provider_id or ''}:{status or ''}:{written}")


def _operation(
    delivery: Delivery, table: dict[str, str], order: Order, unit: PurchaseUnit, kind: str, operation: Transaction
) -> Event:
    our_type = meaning(table, operation.status)
    return operation_event(delivery, our_type, order, unit, kind, _dated(operation, our_type))


def _dated(operation: Transaction, our_type: str | None) -> Transaction:
    """With the time of what the event tells: a capture was taken when it was made, whenever it was refunded."""
    if our_type not in _MADE or not operation.create_time:
        return operation
    return msgspec.structs.replace(operation, update_time=None)


def _whole(delivery: Delivery, order: Order) -> tuple[Event, NextAction | None]:
    """The event for an order with which nothing was done yet, and what the payer has to do."""
    our_type = meaning(states.ORDERS, order.status)
    if our_type is None:
        return delivery.unmapped("unknown_status", object_id=order.id or "", status=order.status or ""), None
    event = order_event(delivery, our_type, order, order_names(order))
    if our_type != "payment.action_required":
        return event, None
    where = next((link.href or "" for link in order.links or () if link.rel in _ACTION_LINKS), "")
    challenged = "card" in (order.payment_source or {})
    action = NextAction(type="three_d_secure" if challenged else "redirect", redirect_url=where)
    event.payment.next_action.CopyFrom(action)
    return event, action


def _payment_event(call: Call, body: bytes, our_type: str, order_id: str) -> Event:
    """An event that PayPal's answer has no object for."""
    delivery = answered(call, body)
    names = _known_names(call) | ({order_id: "order"} if order_id else {})
    event = delivery.event(our_type, names=names, merchant_transaction_id=_reference(call))
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=_reference(call),
            connector_transaction_id=event.connector_transaction_id,
            status=PAYMENT_STATUSES[our_type],
        )
    )
    asked = call.request if call.payment is None else call.payment
    if asked.HasField("amount"):
        event.payment.amount.CopyFrom(asked.amount)
    return event


def _known_names(call: Call) -> Names:
    """The names that the payment had before the call."""
    known = call.payment.references if call.payment is not None else ()
    return {one.value: one.kind for one in known if one.kind in _KEPT_NAMES}


def _reference(call: Call) -> str:
    """The merchant's own reference."""
    if call.payment is not None:
        return call.payment.merchant_transaction_id
    return str(call.request.merchant_transaction_id)


def _answer(events: Iterable[Event], body: bytes, action: NextAction | None = None) -> Answer:
    told = list(events)
    for event in told:
        if event.type == UNMAPPED:
            raise unknown(f"PayPal answered with a status that no table knows: {event.unmapped.provider_status}")
    return Answer(told, body, action)
