"""Events of refunds: `refund.*`, `charge.refund.updated`, and `charge.refunded`, whose object is the charge.

All three tell of the same refund. Each names it by its id where it can, and `charge.refunded` states the total, so that
nothing is counted twice.
"""

from __future__ import annotations

from connectors.stripe.amounts import money
from connectors.stripe.charges import charge_event, uncaptured_rest
from connectors.stripe.envelope import Arrival, metadata_value, missing, whole
from connectors.stripe.failures import failure_of
from connectors.stripe.mapping import CHARGE_REFUNDED, PAYMENT_STATUS, REFUND, REFUND_STATUS, Meaning, type_of
from connectors.stripe.mapping_billing import MERCHANT_REFUND_KEY
from connectors.stripe.parts import UNKNOWN_STATUS, name_payment, unmapped
from connectors.stripe.shapes import CHARGE as CHARGE_DECODER
from connectors.stripe.shapes import REFUND as REFUND_DECODER
from connectors.stripe.shapes import Charge, Named, Refund, RefundInList, ident
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData
from orchestratorx_prism.v1.refund_pb2 import RefundData

EXPIRED_UNCAPTURED = "expired_uncaptured_charge"
RELEASE_IS_NO_REFUND = "2025-03-31"
"""From this API version. Source: Stripe changelog, "Partially capturing or canceling payments no longer creates a
Refund"."""


def refund(arrival: Arrival) -> Event:
    """`refund.*` and `charge.refund.updated`: the object is the refund."""
    return _refund_event(arrival, arrival.read(REFUND_DECODER), REFUND[arrival.envelope.type])


def charge_refunded(arrival: Arrival) -> Event:
    """`charge.refunded`: the object is the charge, as it stands after the refund."""
    found = arrival.read(CHARGE_DECODER)
    meaning = CHARGE_REFUNDED[arrival.envelope.type]
    if found.object == "refund":
        return _refund_event(arrival, arrival.read(REFUND_DECODER), meaning)
    if not found.id:
        raise missing("data.object.id")
    total = _refunded_total(found, arrival.envelope.api_version or "")
    before = whole(arrival.previous().get("amount_refunded"))
    delta = _delta(found, before)
    newest = _newest(found, delta)
    our_type = type_of(meaning, _state(found, total, newest, whole(arrival.envelope.created)))
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    if our_type in PAYMENT_STATUS:
        return charge_event(arrival, found, our_type, delta if _is_uncaptured(found) else None)
    return _charge_refunded_event(arrival, found, our_type, total, delta, newest)


def _state(found: Charge, total: int | None, newest: RefundInList | None, at_s: int | None) -> str:
    """What counts as refunded at this Unix time: a key of CHARGE_REFUNDED's inner table."""
    if newest is not None and newest.reason == EXPIRED_UNCAPTURED:
        return EXPIRED_UNCAPTURED
    if _is_uncaptured(found):
        return EXPIRED_UNCAPTURED if _ran_out(found, at_s) else "uncaptured"
    if total == 0 and found.amount_refunded:
        return "remainder_released"
    return newest.status or "" if newest is not None else ""


def _is_uncaptured(found: Charge) -> bool:
    """Whether nothing was captured. `captured` is false until the last of several captures."""
    return found.captured is False and not found.amount_captured


def _ran_out(found: Charge, at_s: int | None) -> bool:
    """Whether the time to capture was over. Since 2022-11-15 the refund, whose reason says so, is not in the charge."""
    details = found.payment_method_details
    card = details.instrument() if details is not None else None
    until_s = card.capture_before if card is not None else None
    return until_s is not None and at_s is not None and at_s >= until_s


def _charge_refunded_event(
    arrival: Arrival, found: Charge, our_type: str, total: int | None, delta: int | None, newest: RefundInList | None
) -> Event:
    intent_id = ident(found.payment_intent)
    transaction = intent_id or found.id
    reference = arrival.merchant_reference(newest.metadata if newest else None, found.metadata)
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    name_payment(event, intent_id, found.id)
    event.refund.CopyFrom(
        RefundData(
            connector_refund_id=newest.id if newest else "",
            merchant_transaction_id=reference,
            connector_transaction_id=transaction,
            status=REFUND_STATUS[our_type],
            amount=money(delta if delta is not None else (newest.amount if newest else None), found.currency),
            refunded=money(total, found.currency),
            refund_reason=newest.reason or "" if newest else "",
            provider_status=(newest.status if newest else found.status) or "",
            operation_id=found.id,
            merchant_refund_id=metadata_value(MERCHANT_REFUND_KEY, newest.metadata) if newest else "",
        )
    )
    return event


def _refunded_total(found: Charge, version: str) -> int | None:
    """What went back in all. Stripe's minor units.

    Before 2025-03-31 a partial capture's released rest is in `amount_refunded` too, and never was the merchant's.
    """
    if found.amount_refunded is None:
        return None
    rest = uncaptured_rest(found) if version < RELEASE_IS_NO_REFUND else 0
    return found.amount_refunded - rest if found.amount_refunded >= rest else found.amount_refunded


def _delta(found: Charge, before: int | None) -> int | None:
    """What this event gave back, if the event says what was given back before. Stripe's minor units."""
    if found.amount_refunded is None or before is None:
        return None
    return found.amount_refunded - before


def _newest(found: Charge, delta: int | None) -> RefundInList | None:
    """The refund that the event is about, if the charge lists it: the newest, of the right amount.

    Until 2014 refunds had no id: such a one still says how much and when.
    """
    refunds = found.refunds
    if refunds is None:
        return None
    listed = refunds if isinstance(refunds, list) else refunds.data
    fitting = [one for one in listed if delta is None or one.amount == delta]
    return max(fitting, key=lambda one: one.created or 0, default=None)


def _refund_event(arrival: Arrival, found: Refund, meaning: Meaning) -> Event:
    if not found.id:
        raise missing("data.object.id")
    state = EXPIRED_UNCAPTURED if found.reason == EXPIRED_UNCAPTURED else found.status or ""
    our_type = type_of(meaning, state)
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    intent_id, charge_id = ident(found.payment_intent), ident(found.charge)
    transaction = intent_id or charge_id
    reference = arrival.merchant_reference(
        found.metadata, *(one.metadata for one in (found.charge, found.payment_intent) if isinstance(one, Named))
    )
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    name_payment(event, intent_id, charge_id)
    if our_type in PAYMENT_STATUS:
        event.payment.CopyFrom(
            PaymentData(
                merchant_transaction_id=reference,
                connector_transaction_id=transaction,
                status=PAYMENT_STATUS[our_type],
                amount=money(found.amount, found.currency),
                operation_id=charge_id,
                provider_status=found.status or "",
            )
        )
        return event
    event.refund.CopyFrom(
        RefundData(
            connector_refund_id=found.id,
            merchant_transaction_id=reference,
            connector_transaction_id=transaction,
            status=REFUND_STATUS[our_type],
            amount=money(found.amount, found.currency),
            refund_reason=found.reason or "",
            provider_status=found.status or "",
            failure=failure_of(found.failure_reason) if our_type == "refund.failed" else None,
            operation_id=charge_id,
            merchant_refund_id=metadata_value(MERCHANT_REFUND_KEY, found.metadata),
        )
    )
    return event
