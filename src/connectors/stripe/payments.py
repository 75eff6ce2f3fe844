"""Events of PaymentIntents: `payment_intent.*`."""

from __future__ import annotations

from typing import Any

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, missing, whole
from connectors.stripe.mapping import CAPTURES, NEXT_ACTION, PAYMENT_INTENT, PAYMENT_STATUS, RAN_OUT, RELEASES, type_of
from connectors.stripe.parts import UNKNOWN_STATUS, failure_of_error, method_of, name_payment, source_of, unmapped
from connectors.stripe.shapes import PAYMENT_INTENT as PAYMENT_INTENT_DECODER
from connectors.stripe.shapes import Attempt, Attempts, MethodDetails, PaymentIntent, Source, customer_of, ident
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import NextAction, PaymentData

_URL_FIELDS = ("url", "hosted_instructions_url", "hosted_voucher_url", "hosted_verification_url", "native_url")


def payment_intent(arrival: Arrival) -> Event:
    """`payment_intent.*`"""
    intent = arrival.read(PAYMENT_INTENT_DECODER)
    if not intent.id:
        raise missing("data.object.id")
    provider_type = arrival.envelope.type
    meaning = PAYMENT_INTENT[provider_type]
    our_type = meaning if isinstance(meaning, str) else type_of(meaning, _intent_state(arrival, intent))
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    charge_id, details = _attempt(intent)
    reference = arrival.merchant_reference(intent.metadata)
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=intent.id)
    name_payment(event, intent.id, charge_id, metadata=intent.metadata)
    # Field by field: this is the busiest path, and a message built apart and copied in costs twice as much.
    data = event.payment
    data.connector_transaction_id = intent.id
    data.status = PAYMENT_STATUS[our_type]
    if reference:
        data.merchant_transaction_id = reference
    amount = money(_intent_amount(arrival, intent, our_type), intent.currency)
    if amount is not None:
        data.amount.CopyFrom(amount)
    if charge_id:
        data.operation_id = charge_id
    if intent.status is not None:
        data.provider_status = intent.status
    if customer := customer_of(intent.customer, intent.customer_account):
        data.connector_customer_id = customer
    if invoice := ident(intent.invoice):
        data.connector_invoice_id = invoice
    _intent_method(data, intent, details)
    if our_type in CAPTURES:
        final = our_type == "payment.captured"
        captured = amount if final else money(intent.amount_received, intent.currency)
        if captured is not None:
            data.captured.CopyFrom(captured)
        # A PaymentIntent that succeeded takes no further capture, however little was captured.
        data.final_capture = final
    else:
        _complete_intent(data, intent, our_type)
    return event


def _complete_intent(data: PaymentData, intent: PaymentIntent, our_type: str) -> None:
    if our_type in {"payment.authorized", "payment.authorization_adjusted"}:
        authorized = money(intent.amount_capturable, intent.currency)
        if authorized is not None:
            data.authorized.CopyFrom(authorized)
    elif our_type == "payment.failed":
        failure = failure_of_error(intent.last_payment_error)
        if failure is not None:
            data.failure.CopyFrom(failure)
    elif our_type == "payment.action_required":
        action = next_action_of(intent.next_action or intent.next_source_action)
        if action is not None:
            data.next_action.CopyFrom(action)


def _intent_state(arrival: Arrival, intent: PaymentIntent) -> str:
    """The half of the meaning that the type leaves open: a key of PAYMENT_INTENT's inner tables."""
    if arrival.envelope.type != "payment_intent.amount_capturable_updated":
        return "ran_out" if intent.cancellation_reason in RAN_OUT else "canceled"
    if intent.status not in {None, "requires_capture"}:
        return intent.status or ""
    if intent.amount_received:
        return "partly_captured"
    before = whole(arrival.previous().get("amount_capturable"))
    return "adjusted" if before else "authorized"


def _intent_amount(arrival: Arrival, intent: PaymentIntent, our_type: str) -> int | None:
    """What this event authorized, captured or released; else what was asked for. Stripe's minor units."""
    if our_type == "payment.captured":
        return intent.amount_received or intent.amount  # nothing succeeds with nothing: 0 is a sample's, not Stripe's
    if our_type == "payment.authorized":
        return intent.amount if intent.amount_capturable is None else intent.amount_capturable
    if our_type == "payment.authorization_adjusted":
        return (intent.amount_capturable or 0) - (whole(arrival.previous().get("amount_capturable")) or 0)
    if our_type == "payment.partially_captured":
        # Without the total before, only the new total is known: it is in `captured`.
        before = whole(arrival.previous().get("amount_received"))
        return None if before is None else (intent.amount_received or 0) - before
    if our_type in RELEASES and intent.amount is not None:
        return intent.amount - (intent.amount_received or 0)
    return intent.amount


def _attempt(intent: PaymentIntent) -> tuple[str, MethodDetails | None]:
    """The id of the charge that the event is about, the newest, and how it was paid, if this version says so."""
    latest, charges = intent.latest_charge, intent.charges
    if isinstance(latest, Attempt):
        return latest.id, latest.payment_method_details
    tried = charges.data if isinstance(charges, Attempts) else charges
    if tried:
        named = next((charge for charge in tried if charge.id == latest), tried[0])
        return latest or named.id, named.payment_method_details
    if latest:
        return latest, None
    error = intent.last_payment_error
    return (ident(error.charge) if error is not None else ""), None


def _intent_method(data: PaymentData, intent: PaymentIntent, details: MethodDetails | None) -> None:
    method, kinds = intent.payment_method, intent.payment_method_types
    method_id = method if isinstance(method, str) else (method.id if method is not None else "")
    if details is None and isinstance(method, MethodDetails):
        details = method
    error = intent.last_payment_error
    if details is None and error is not None:
        tried = error.payment_method
        details = tried if isinstance(tried, MethodDetails) else None
    if details is not None:
        data.payment_method.CopyFrom(method_of(details, method_id))
        return
    if error is not None and isinstance(error.source, Source):
        data.payment_method.CopyFrom(source_of(error.source, method_id))
        return
    if method_id:
        data.payment_method.connector_payment_method_id = method_id
    if kinds is not None and len(kinds) == 1:
        data.payment_method.type = kinds[0]


def next_action_of(action: Any) -> NextAction | None:
    """What the payer has to do, from `next_action`, whose details lie under its own type's name."""
    kind = action.get("type") if isinstance(action, dict) else None
    if not isinstance(kind, str):
        return None
    ours = NEXT_ACTION[kind] if kind in NEXT_ACTION else kind  # noqa: SIM401 (the provider's name, as the proto says)
    result = NextAction(type=ours)
    details = action.get(kind)
    if isinstance(details, dict):
        result.redirect_url = next((details[name] for name in _URL_FIELDS if isinstance(details.get(name), str)), "")
        expires = whole(details.get("expires_at")) or whole(details.get("expires_after"))
        if expires is not None:
            result.expires_at.CopyFrom(unix_time(expires))
    return result
