"""Events of charges: `charge.*` but for refunds and disputes. A charge is the capture its PaymentIntent tells of."""

from __future__ import annotations

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, missing, whole
from connectors.stripe.failures import failure_of
from connectors.stripe.mapping import CAPTURES, CHARGE, PAYMENT_STATUS, RELEASES, type_of
from connectors.stripe.parts import UNKNOWN_STATUS, method_of, name_payment, source_of, unmapped
from connectors.stripe.shapes import CHARGE as CHARGE_DECODER
from connectors.stripe.shapes import Card, Charge, customer_of, ident
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData, PaymentMethodDetails


def charge(arrival: Arrival) -> Event:
    """`charge.*` but for refunds and disputes."""
    found = arrival.read(CHARGE_DECODER)
    if not found.id:
        raise missing("data.object.id")
    our_type = type_of(CHARGE[arrival.envelope.type], charge_state(found, arrival.envelope.type))
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    return charge_event(arrival, found, our_type)


def charge_event(arrival: Arrival, found: Charge, our_type: str, amount: int | None = None) -> Event:
    """An event of ours about the payment that `found` belongs to. `amount`: if the caller knows it better."""
    intent_id = ident(found.payment_intent)
    transaction = intent_id or found.id
    reference = arrival.merchant_reference(found.metadata)
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    name_payment(event, intent_id, found.id, metadata=found.metadata)
    data = event.payment
    data.connector_transaction_id = transaction
    data.status = PAYMENT_STATUS[our_type]
    data.operation_id = found.id
    data.merchant_transaction_id = reference
    own = money(_charge_amount(arrival, found, our_type) if amount is None else amount, found.currency)
    if own is not None:
        data.amount.CopyFrom(own)
    if found.status is not None:
        data.provider_status = found.status
    data.connector_customer_id = customer_of(found.customer, found.customer_account)
    data.connector_invoice_id = ident(found.invoice)
    card = found.payment_method_details.instrument() if found.payment_method_details is not None else None
    data.authorization_code = found.authorization_code or (card.authorization_code if card is not None else "") or ""
    method = _charge_method(found)
    if method is not None:
        data.payment_method.CopyFrom(method)
    if our_type in CAPTURES:
        captured = money(captured_total(found, arrival.envelope.type), found.currency)
        if captured is not None:
            data.captured.CopyFrom(captured)
        data.final_capture = our_type == "payment.captured"
    else:
        _complete_charge(data, found, card, our_type)
    return event


def _complete_charge(data: PaymentData, found: Charge, card: Card | None, our_type: str) -> None:
    if our_type == "payment.authorized":
        authorized = money(_authorized(found), found.currency)
        if authorized is not None:
            data.authorized.CopyFrom(authorized)
        if card is not None and card.capture_before is not None:
            data.authorization_expires_at.CopyFrom(unix_time(card.capture_before))
    elif our_type == "payment.failed":
        failure = _charge_failure(found)
        if failure is not None:
            data.failure.CopyFrom(failure)


def charge_state(found: Charge, provider_type: str) -> str:
    """Where the charge stands: a key of CHARGE's inner tables. Very old charges have no status, or "paid"."""
    status = found.status or ("failed" if found.paid is False else "succeeded")
    if status not in {"succeeded", "paid"}:
        return status
    # `captured` is missing from charges older than separate capture, which have no `amount_captured` either.
    held = found.captured is False or (found.captured is None and found.amount_captured == 0)
    if held and provider_type != "charge.captured":
        if found.amount_captured:
            return "partly_captured"
        return "released" if found.refunded or (found.amount_refunded or 0) > 0 else "uncaptured"
    rest = uncaptured_rest(found)
    # A final partial capture releases the rest, which counted as refunded until 2025-03-31; while it does not, more may
    # be captured: through a PaymentIntent. A charge without one is captured once, and its rest is released.
    more = rest and ident(found.payment_intent) and (found.amount_refunded or 0) < rest
    return "partly_captured" if more else "captured"


def uncaptured_rest(found: Charge) -> int:
    """What of the authorized amount was not captured; 0 where the version does not say. Stripe's minor units."""
    if found.amount is None or not found.amount_captured:
        return 0
    return max(0, found.amount - found.amount_captured)


def captured_total(found: Charge, provider_type: str) -> int | None:
    """All that was captured of the charge, as far as its version states it. Stripe's minor units."""
    # A captured charge with 0 captured contradicts itself: test webhooks, and charges older than the field.
    if found.amount_captured:
        return found.amount_captured
    if found.amount is None or not found.amount_refunded:
        return found.amount
    # Before `amount_captured`, the rest that a partial capture released was the first thing to count as refunded.
    return found.amount - found.amount_refunded if provider_type == "charge.captured" else None


def _authorized(found: Charge) -> int | None:
    stated = found.payment_method_details.instrument() if found.payment_method_details is not None else None
    return stated.amount_authorized if stated is not None and stated.amount_authorized is not None else found.amount


def _charge_amount(arrival: Arrival, found: Charge, our_type: str) -> int | None:
    """What this event authorized, captured or released. Stripe's minor units."""
    if our_type in CAPTURES:
        total = captured_total(found, arrival.envelope.type)
        before = whole(arrival.previous().get("amount_captured"))
        return total - before if total is not None and before else total
    if our_type == "payment.authorized":
        return _authorized(found)
    if our_type in RELEASES and found.amount is not None:
        return found.amount - (found.amount_captured or 0)
    return found.amount


def _charge_method(found: Charge) -> PaymentMethodDetails | None:
    method = found.payment_method
    method_id = ident(method)
    if found.payment_method_details is not None:
        return method_of(found.payment_method_details, method_id)
    source = found.source or found.card
    if source is None:
        return PaymentMethodDetails(connector_payment_method_id=method_id) if method_id else None
    if isinstance(source, str):
        return PaymentMethodDetails(connector_payment_method_id=method_id or source)
    return source_of(source, method_id)


def _charge_failure(found: Charge) -> Failure | None:
    outcome = found.outcome
    if outcome is None:
        return failure_of(found.failure_code, found.failure_message)
    from_issuer = outcome.reason if outcome.type == "issuer_declined" else None
    return failure_of(
        found.failure_code,
        found.failure_message or outcome.seller_message,
        issuer_code=outcome.reason,
        network_code=outcome.network_decline_code or from_issuer,
    )
