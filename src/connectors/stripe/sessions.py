"""Events of Checkout Sessions: by mode they are about a payment, a subscription or a mandate."""

from __future__ import annotations

from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, metadata_value, missing
from connectors.stripe.mapping import CHECKOUT_SESSION, PAYMENT_STATUS, type_of
from connectors.stripe.mapping_billing import MERCHANT_SUBSCRIPTION_KEY
from connectors.stripe.parts import UNKNOWN_STATUS, name_payment, unmapped
from connectors.stripe.shapes import CHECKOUT_SESSION as CHECKOUT_SESSION_DECODER
from connectors.stripe.shapes import CheckoutSession, customer_of, ident
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_data_pb2 import (
    SUBSCRIPTION_STATUS_CANCELED,
    SUBSCRIPTION_STATUS_UNSPECIFIED,
    MandateData,
    SubscriptionData,
)
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData, PaymentMethodDetails


def checkout_session(arrival: Arrival) -> Event:
    """`checkout.session.*`"""
    session = arrival.read(CHECKOUT_SESSION_DECODER)
    if not session.id:
        raise missing("data.object.id")
    mode = session.mode or _mode_of_older(session)
    completed = arrival.envelope.type == "checkout.session.completed"
    our_type = type_of(
        CHECKOUT_SESSION[arrival.envelope.type], f"{mode}/{session.payment_status or ''}" if completed else mode
    )
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    reference = arrival.merchant_reference(session.metadata) or session.client_reference_id or ""
    member = DATA_MEMBER[our_type]
    if member == "payment":
        return _payment(arrival, session, our_type, reference)
    if member == "subscription":
        return _subscription(arrival, session, our_type, reference)
    return _mandate(arrival, session, our_type, reference)


def _mode_of_older(session: CheckoutSession) -> str:
    """Before sessions had a mode, what they were for is what they made."""
    if session.subscription is not None:
        return "subscription"
    return "setup" if session.payment_intent is None and session.setup_intent is not None else "payment"


def _payment(arrival: Arrival, session: CheckoutSession, our_type: str, reference: str) -> Event:
    intent_id = ident(session.payment_intent)
    transaction = intent_id or session.id
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=transaction)
    name_payment(event, intent_id, "", session.id)
    total = money(session.amount_total, session.currency)
    captured = our_type == "payment.captured"
    kinds = session.payment_method_types
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=reference,
            connector_transaction_id=transaction,
            status=PAYMENT_STATUS[our_type],
            amount=total,
            # The session knows its payment as a whole, not the charge: the total, and no operation of its own.
            captured=total if captured else None,
            provider_status=session.payment_status or session.status or "",
            payment_method=PaymentMethodDetails(type=kinds[0]) if kinds and len(kinds) == 1 else None,
            connector_customer_id=customer_of(session.customer, session.customer_account),
            connector_invoice_id=ident(session.invoice),
            final_capture=captured,
        )
    )
    return event


def _subscription(arrival: Arrival, session: CheckoutSession, our_type: str, reference: str) -> Event:
    event = arrival.begin(our_type, merchant_transaction_id=reference)
    ended = our_type == "subscription.canceled"
    event.subscription.CopyFrom(
        SubscriptionData(
            connector_subscription_id=ident(session.subscription),
            connector_customer_id=customer_of(session.customer, session.customer_account),
            merchant_subscription_id=metadata_value(MERCHANT_SUBSCRIPTION_KEY, session.metadata),
            status=SUBSCRIPTION_STATUS_CANCELED if ended else SUBSCRIPTION_STATUS_UNSPECIFIED,
            provider_status=session.payment_status or session.status or "",
            amount=money(session.amount_total, session.currency),
            connector_invoice_id=ident(session.invoice),
            merchant_transaction_id=reference,
        )
    )
    return event


def _mandate(arrival: Arrival, session: CheckoutSession, our_type: str, reference: str) -> Event:
    event = arrival.begin(our_type, merchant_transaction_id=reference)
    event.mandate.CopyFrom(
        MandateData(
            # The payer's consent is on record at Stripe as the SetupIntent; cards have no Mandate object.
            connector_mandate_id=ident(session.setup_intent),
            connector_customer_id=customer_of(session.customer, session.customer_account),
            provider_status=session.status or session.payment_status or "",
            merchant_transaction_id=reference,
        )
    )
    return event
