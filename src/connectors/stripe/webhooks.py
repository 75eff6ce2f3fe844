"""Stripe's webhook codec: bytes to verified, normalized events. Pure: no clock, network, environment or logger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.spi import Context, Material, Opened, Webhook
from connectors.spi.building import raw_of
from connectors.stripe import (
    billing,
    charges,
    disputes,
    invoices,
    orders,
    payments,
    payouts,
    refunds,
    saved_methods,
    sessions,
)
from connectors.stripe.envelope import THIN, Arrival, Envelope, read_envelope
from connectors.stripe.families import FAMILY_OF, NO_COUNTERPART
from connectors.stripe.parts import NO_WORD, UNKNOWN_TYPE, unmapped
from connectors.stripe.signatures import HEADER, verify
from connectors.stripe.thin_events import thin_event
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_HMAC, Event, Verification

Builder = Callable[[Arrival], Event]

_BUILDERS: Final[dict[str, Builder]] = {
    "payment_intent": payments.payment_intent,
    "charge": charges.charge,
    "order": orders.order,
    "charge_refunded": refunds.charge_refunded,
    "refund": refunds.refund,
    "dispute": disputes.dispute,
    "fraud_warning": disputes.fraud_warning,
    "checkout_session": sessions.checkout_session,
    "setup_intent": saved_methods.setup_intent,
    "mandate": saved_methods.mandate,
    "payment_method": saved_methods.payment_method,
    "source": saved_methods.source,
    "customer": billing.customer,
    "customer_part": billing.customer_part,
    "subscription": billing.subscription,
    "schedule": billing.schedule,
    "invoice": invoices.invoice,
    "invoice_payment": invoices.invoice_payment,
    "invoice_part": invoices.invoice_part,
    "payout": payouts.payout,
    "transfer": payouts.transfer,
    "outbound": payouts.outbound,
    "usage": billing.alert_triggered,
}
_VERIFIED: Final = Verification(method=VERIFICATION_METHOD_HMAC, detail="HMAC-SHA256 over time and whole body")
_BUILDER_OF: Final[dict[str, Builder]] = {name: _BUILDERS[family] for name, family in FAMILY_OF.items()}


def open_webhook(webhook: Webhook, material: Material, now_s: int) -> Opened:
    """Verifies the signature, then decodes the frame.

    Raises:
        SignatureRejected: As `signatures.verify` says.
        PayloadRejected: Signed, but not a Stripe event.
    """
    verify(
        webhook.body,
        webhook.headers.get(HEADER),
        secrets=material.secrets,
        now_s=now_s,
        tolerance_s=material.tolerance_s,
    )
    return Opened(read_envelope(webhook.body), _VERIFIED)


def parse(body: bytes) -> Envelope:
    """Decodes the frame, without any trust.

    Raises:
        PayloadRejected: Not JSON, not an object, not a Stripe event.
    """
    return read_envelope(body)


def normalize(envelope: Envelope, context: Context, body: bytes) -> list[Event]:
    """One event per webhook.

    Raises:
        PayloadRejected: A field of the object that is read is missing or has the wrong type.
    """
    arrival = Arrival(envelope, context, raw_of(body, context))
    if envelope.object == THIN:
        return [thin_event(arrival)]
    builder = _BUILDER_OF.get(envelope.type)
    if builder is not None:
        return [builder(arrival)]
    return [unmapped(arrival, NO_WORD if envelope.type in NO_COUNTERPART else UNKNOWN_TYPE)]
