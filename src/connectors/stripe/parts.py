"""Parts that several families of events share: references, payment methods, failures, the unmapped event."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from connectors.spi.operations import METADATA_KEY, REQUEST
from connectors.stripe.envelope import Arrival, metadata_value
from connectors.stripe.failures import failure_of
from connectors.stripe.shapes import Card, MethodDetails, PaymentError, Source
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import UnmappedData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentMethodDetails

NO_WORD: Final = "no_counterpart"
UNKNOWN_TYPE: Final = "unknown_type"
UNKNOWN_STATUS: Final = "unknown_status"

# Source: Stripe API reference, "The Card object" against `payment_method_details.card.brand`: older names of networks.
NETWORKS: Final[dict[str, str]] = {
    "american express": "amex",
    "diners club": "diners",
    "union pay": "unionpay",
    "eftpos australia": "eftpos_au",
}


LINKED: Final = frozenset(
    {"payment_intent", "charge", "refund", "dispute", "order", "review", "radar.early_fraud_warning"}
)
"""Objects whose `charge` and `payment_intent` name their payment. Elsewhere it can be a payment of another account."""

# Source: Stripe API reference, "The Event object" of v2, `related_object.type`.
PAYMENT_KINDS: Final = {
    "payment_intent": "payment_intent",
    "charge": "charge",
    "checkout.session": "checkout_session",
    "v2.payments.off_session_payment": "off_session_payment",
}
"""`related_object.type` of a payment's names → our kind of reference."""


class Glimpse(msgspec.Struct, gc=False):
    """What an unmapped event says of its object, if it can be read."""

    id: Any = None
    object: Any = None
    status: Any = None
    charge: Any = None
    payment_intent: Any = None
    metadata: Any = None

    def payment_names(self) -> tuple[str, str]:
        """(PaymentIntent, charge) that the object is, or is about."""
        if not isinstance(self.object, str) or self.object not in LINKED:
            return "", ""
        intent = self.id if self.object == "payment_intent" else self.payment_intent
        charge = self.id if self.object == "charge" else self.charge
        return _id_of(intent), _id_of(charge)


_GLIMPSE: Final = msgspec.json.Decoder(Glimpse)


def name_payment(
    event: Event, payment_intent: str, charge: str, session: str = "", order: str = "", metadata: Any = None
) -> None:
    """Adds the names of one payment. Nothing that several share: no customer, invoice or subscription.

    `metadata`: of the PaymentIntent or the charge, which inherits it: our own key of the request that made it.
    """
    if payment_intent:
        _refer(event, "payment_intent", payment_intent)
    if charge:
        _refer(event, "charge", charge)
    if session:
        _refer(event, "checkout_session", session)
    if order:
        _refer(event, "order", order)
    if metadata and (key := metadata_value(METADATA_KEY, metadata)):
        _refer(event, REQUEST, key)


def _refer(event: Event, kind: str, value: str) -> None:
    reference = event.references.add()
    reference.kind = kind
    reference.value = value


def network_of(name: str | None) -> str:
    """A card network in lower case: "visa" for "Visa", "amex" for "American Express"."""
    if not name:
        return ""
    lower = name.lower()
    return NETWORKS.get(lower, lower)  # a spelling, not a meaning: unknown networks keep their own name


def method_of(details: MethodDetails, method_id: str = "") -> PaymentMethodDetails:
    """How the payer pays, from `payment_method_details` or a PaymentMethod."""
    return _method(details.type, details.instrument(), method_id or details.id)


def source_of(source: Source, method_id: str = "") -> PaymentMethodDetails:
    """How the payer pays, from a card, bank account or Source object of older versions."""
    inner = source.card or source.sepa_debit
    if source.object == "source" or inner is not None:
        return _method(source.type, inner, method_id or source.id)
    outer = Card(
        brand=source.brand or source.type, last4=source.last4, exp_month=source.exp_month, exp_year=source.exp_year
    )
    return _method(source.object or "card", outer, method_id or source.id)


def _method(kind: str | None, instrument: Card | None, method_id: str) -> PaymentMethodDetails:
    if instrument is None:
        return PaymentMethodDetails(type=kind or "", connector_payment_method_id=method_id)
    return PaymentMethodDetails(
        type=kind or "",
        last4=(instrument.last4 or instrument.iban_last4 or "")[-4:],
        expiry_month=instrument.exp_month or 0,
        expiry_year=instrument.exp_year or 0,
        network=network_of(instrument.network or instrument.brand),
        connector_payment_method_id=method_id,
    )


def failure_of_error(error: PaymentError | None) -> Failure | None:
    """What failed, from `last_payment_error` or `last_setup_error`."""
    if error is None:
        return None
    return failure_of(
        error.code or error.type,
        error.message,
        issuer_code=error.decline_code,
        network_code=error.network_decline_code or error.decline_code,
    )


def unmapped(arrival: Arrival, reason: str) -> Event:
    """The event for what we have no word for. Never refuses, whatever the object looks like."""
    glimpse = _glimpse(arrival)
    reference = arrival.merchant_reference(glimpse.metadata)
    related = arrival.envelope.related_object
    related_id = related.id or "" if related is not None else ""
    kind = PAYMENT_KINDS.get(related.type or "") if related is not None and related_id else None
    if kind == "checkout_session":
        kind = None  # it may be for a subscription or a setup
    intent_id, charge_id = glimpse.payment_names()
    transaction = related_id if kind is not None else intent_id or charge_id
    event = arrival.begin(UNMAPPED, merchant_transaction_id=reference, connector_transaction_id=transaction)
    if kind is not None:
        _refer(event, kind, related_id)
    name_payment(event, intent_id, charge_id)
    event.unmapped.CopyFrom(
        UnmappedData(
            unmapped_reason=reason,
            connector_object_id=glimpse.id if isinstance(glimpse.id, str) else related_id,
            provider_status=glimpse.status if isinstance(glimpse.status, str) else "",
            merchant_transaction_id=reference,
        )
    )
    return event


def _id_of(value: Any) -> str:
    """The id of an expandable field of any shape; empty if it has none."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _glimpse(arrival: Arrival) -> Glimpse:
    data = arrival.envelope.data
    if data is None or not bytes(data.object):
        return Glimpse()
    try:
        return _GLIMPSE.decode(data.object)
    except (msgspec.DecodeError, RecursionError):  # a list, a number, too deep: nothing to be seen, nothing to refuse
        return Glimpse()
