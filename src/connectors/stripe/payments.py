"""Events of PaymentIntents and charges: `payment_intent.*`, and `charge.*` but for refunds and disputes."""

from __future__ import annotations

from typing import Any

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, missing, whole
from connectors.stripe.failures import failure_of
from connectors.stripe.mapping import CHARGE, NEXT_ACTION, PAYMENT_INTENT, PAYMENT_STATUS, RAN_OUT, type_of
from connectors.stripe.parts import UNKNOWN_STATUS, method_of, name_payment, source_of, unmapped
from connectors.stripe.shapes import CHARGE as CHARGE_DECODER
from connectors.stripe.shapes import PAYMENT_INTENT as PAYMENT_INTENT_DECODER
from connectors.stripe.shapes import Attempt, Charge, MethodDetails, PaymentIntent, customer_of, ident
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import NextAction, PaymentData, PaymentMethodDetails

CAPTURES = frozenset({"payment.captured", "payment.partially_captured"})
RELEASES = frozenset({"payment.voided", "payment.expired"})
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
    name_payment(event, intent.id, charge_id)
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
    data.connector_customer_id = customer_of(intent.customer, intent.customer_account)
    data.connector_invoice_id = ident(intent.invoice)
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
        failure = _intent_failure(intent)
        if failure is not None:
            data.failure.CopyFrom(failure)
    elif our_type == "payment.action_required":
        action = next_action_of(intent.next_action)
        if action is not None:
            data.next_action.CopyFrom(action)


def _intent_state(arrival: Arrival, intent: PaymentIntent) -> str:
    """The half of the meaning that the type leaves open: a key of PAYMENT_INTENT's inner tables."""
    if arrival.envelope.type == "payment_intent.canceled":
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
        return intent.amount if intent.amount_received is None else intent.amount_received
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
    if charges is not None and charges.data:
        named = next((charge for charge in charges.data if charge.id == latest), charges.data[0])
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
    if details is None and intent.last_payment_error is not None:
        tried = intent.last_payment_error.payment_method
        details = tried if isinstance(tried, MethodDetails) else None
    if details is not None:
        data.payment_method.CopyFrom(method_of(details, method_id))
        return
    if method_id:
        data.payment_method.connector_payment_method_id = method_id
    if kinds is not None and len(kinds) == 1:
        data.payment_method.type = kinds[0]


def _intent_failure(intent: PaymentIntent) -> Failure | None:
    error = intent.last_payment_error
    if error is None:
        return None
    return failure_of(
        error.code or error.type,
        error.message,
        issuer_code=error.decline_code,
        network_code=error.network_decline_code or error.decline_code,
    )


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
    name_payment(event, intent_id, found.id)
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
    if found.authorization_code:
        data.authorization_code = found.authorization_code
    method = _charge_method(found)
    if method is not None:
        data.payment_method.CopyFrom(method)
    if our_type in CAPTURES:
        captured = money(captured_total(found, arrival.envelope.type), found.currency)
        if captured is not None:
            data.captured.CopyFrom(captured)
        data.final_capture = our_type == "payment.captured"
    else:
        _complete_charge(data, found, our_type)
    return event


def _complete_charge(data: PaymentData, found: Charge, our_type: str) -> None:
    if our_type == "payment.authorized":
        card = found.payment_method_details.instrument() if found.payment_method_details is not None else None
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
    # `captured` is missing only from charges older than separate capture.
    if found.captured is False and provider_type != "charge.captured":
        if found.amount_captured:
            return "partly_captured"
        return "released" if found.refunded or (found.amount_refunded or 0) > 0 else "uncaptured"
    rest = uncaptured_rest(found)
    # A final partial capture releases the rest, which then counts as refunded; while it does not, more can be captured.
    return "partly_captured" if rest and (found.amount_refunded or 0) < rest else "captured"


def uncaptured_rest(found: Charge) -> int:
    """What of the authorized amount was not captured; 0 where the version does not say. Stripe's minor units."""
    if found.amount is None or not found.amount_captured:
        return 0
    return max(0, found.amount - found.amount_captured)


def captured_total(found: Charge, provider_type: str) -> int | None:
    """All that was captured of the charge, as far as its version states it. Stripe's minor units."""
    if found.amount_captured is not None:
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
