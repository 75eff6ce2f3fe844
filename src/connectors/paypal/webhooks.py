"""PayPal's webhooks: verify, parse, normalize. Pure: certificates, ids and the time are arguments.

The offline check proves that PayPal sent *a* message with these headers to this webhook. It does not prove the body:
the signature covers the body's CRC32 only, and a body with another amount and the same CRC32 is made in microseconds.
So freshness and the event id's uniqueness matter, and before money moves PayPal is to be asked: `client.py` does,
where credentials are configured. The trust of this connector is TRUST_SIGNED_WEAKLY for that reason.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature

from connectors.paypal import mapping
from connectors.paypal.billing import mandate_events, subscription_events
from connectors.paypal.cert_url import CertificateUrl, parse_certificate_url
from connectors.paypal.certificates import CertificateRefused, Signer, find_signers, has_name
from connectors.paypal.delivery import Delivery, Parsed, parse, unmapped
from connectors.paypal.disputes import dispute_events
from connectors.paypal.invoices import invoice_events
from connectors.paypal.orders import buyer_approved_events, completed_order_events, order_events
from connectors.paypal.payment_links import link_payment_events
from connectors.paypal.payment_methods import payment_method_events
from connectors.paypal.payouts import batch_events, payout_events
from connectors.paypal.refunds import refund_events
from connectors.paypal.transactions import transaction_events, v1_payment_events
from connectors.paypal.transmission import Transmission, check_freshness, read_transmission
from connectors.spi import Context, Environment, Material, Opened, SignatureRejected, Webhook
from connectors.spi.building import raw_of
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_CERTIFICATE, Event, Verification

__all__ = [
    "SIMULATOR_WEBHOOK_ID",
    "check_environment",
    "given_leaf",
    "normalize",
    "open_webhook",
    "parse",
    "webhook_ids",
]

SIMULATOR_WEBHOOK_ID = "WEBHOOK_ID"
"""The id under which PayPal's simulator signs, with the live certificate. Anyone can have it sign: sandbox only."""

_VERIFIED = Verification(
    method=VERIFICATION_METHOD_CERTIFICATE,
    detail="RSA-SHA256 by PayPal's certificate over transmission id, time, webhook id and the body's CRC32 (no MAC)",
)
_CERTIFICATE_FIX = (
    "give PayPal's current leaf and intermediate certificates in PEM form, or let them be fetched; "
    "and name trust anchors: a PEM bundle that holds their root, as Debian's does"
)


def open_webhook(webhook: Webhook, material: Material, now_s: int) -> Opened:
    """Checks that PayPal sent this, recently, to one of our webhooks, as far as its signature can tell.

    Args:
        webhook: The raw body, and the headers as in `read_transmission`.
        material: `webhook_id` (and `secrets`, for ids in use beside it), certificates, anchors, environment.
        now_s: Unix time in seconds, from the caller's clock.

    Raises:
        SignatureRejected: SIGNATURE_MISSING, SIGNATURE_MALFORMED, SIGNATURE_MISMATCH, TIMESTAMP_OUT_OF_TOLERANCE,
            WEBHOOK_ID_MISSING, WEBHOOK_ID_REFUSED, CERTIFICATE_REJECTED, CERTIFICATE_UNAVAILABLE.
        PayloadRejected: It is signed, and cannot be read.

    Source: PayPal docs, "Integrate webhooks", "Self verification method"; checked against real messages.
    """
    transmission = read_transmission(webhook.headers)
    ids = webhook_ids(material)
    url = parse_certificate_url(transmission.certificate_url)
    check_environment(url, material)
    check_freshness(transmission, now_s, material.tolerance_s)
    signers = _signers(url, material)
    used = _check_signature(transmission, ids, signers, webhook.body, now_s)
    parsed = parse(webhook.body)
    parsed.environment = Environment.ENVIRONMENT_SANDBOX if used == SIMULATOR_WEBHOOK_ID else url.environment
    return Opened(parsed, _VERIFIED)


def webhook_ids(material: Material) -> tuple[str, ...]:
    """The webhook ids in use.

    Raises:
        SignatureRejected: WEBHOOK_ID_MISSING; WEBHOOK_ID_REFUSED for the simulator's outside the sandbox.
    """
    ids = tuple(text for text in (material.webhook_id, *material.secrets) if text)
    if not ids:
        raise SignatureRejected(
            "no webhook id is configured",
            reason="WEBHOOK_ID_MISSING",
            fix="set PAYPAL_WEBHOOK_ID; PayPal's developer dashboard shows it beside the webhook's URL",
        )
    # Failure policy: closed. PayPal's simulator signs for everybody with this id.
    if SIMULATOR_WEBHOOK_ID in ids and material.environment != Environment.ENVIRONMENT_SANDBOX:
        raise SignatureRejected(
            "the simulator's webhook id is taken in the sandbox only",
            reason="WEBHOOK_ID_REFUSED",
            fix="set PAYPAL_WEBHOOK_ID to the id of your live webhook",
        )
    return ids


def normalize(parsed: Parsed, context: Context, body: bytes) -> list[Event]:
    """Events from a parsed body: one, or for a completed order one for each capture and authorization.

    Raises:
        PayloadRejected: The resource lacks a field that its kind must have, or has one of a wrong type.
    """
    envelope = parsed.envelope
    event_type = envelope.event_type or ""
    delivery = Delivery(
        event_id=envelope.id or "",
        type=event_type,
        envelope=envelope,
        environment=parsed.environment,
        context=context,
        raw=raw_of(body, context),
        # PayPal's simulator gives all its payouts, and much else, one fixed event id: another type, another event.
        dedup_key=f"{envelope.id}:{event_type}",
    )
    known = _NORMALIZERS.get(event_type)
    if known is not None:
        return known(delivery)
    return unmapped(delivery, "no_counterpart" if event_type in mapping.NO_COUNTERPART else "unknown_type")


def check_environment(url: CertificateUrl, material: Material) -> None:
    """Refuses the sandbox's messages where production was set up.

    Raises:
        SignatureRejected: CERTIFICATE_REJECTED.
    """
    # Failure policy: closed. Test money must never look real.
    if (
        material.environment == Environment.ENVIRONMENT_PRODUCTION
        and url.environment != Environment.ENVIRONMENT_PRODUCTION
    ):
        raise SignatureRejected(
            "the message was signed in PayPal's sandbox, and this webhook was set up for production",
            reason="CERTIFICATE_REJECTED",
            fix="send sandbox webhooks to a merchant or client whose environment is SANDBOX",
        )


def given_leaf(url: CertificateUrl, material: Material) -> bool:
    """Whether the caller has given a certificate with the name that the address stands for: then none is fetched.

    Raises:
        SignatureRejected: CERTIFICATE_REJECTED for what is no certificate.
    """
    try:
        return has_name(material.certificates, url.certificate_name)
    except CertificateRefused as error:
        raise _refused(error) from None


def _signers(url: CertificateUrl, material: Material) -> tuple[Signer, ...]:
    try:
        fetched = material.fetched_certificates if url.fetchable else ()
        signers = find_signers(url.certificate_name, material.certificates, fetched, material.trust_anchors)
    except CertificateRefused as error:
        raise _refused(error) from None
    if signers:
        return signers
    if material.certificates or material.fetched_certificates:
        raise _refused(CertificateRefused(f"no certificate is made out to {url.certificate_name}"))
    raise SignatureRejected(
        "PayPal's certificate is not at hand",
        reason="CERTIFICATE_UNAVAILABLE",
        fix="let it be fetched (a server does), or give the leaf and the intermediate certificates in PEM form",
    )


def _check_signature(
    transmission: Transmission, ids: tuple[str, ...], signers: tuple[Signer, ...], body: bytes, now_s: int
) -> str:
    """The webhook id that the signature fits. Only certificates that are trusted at this time are asked."""
    refusal: CertificateRefused | None = None
    asked = 0
    for signer in signers:
        try:
            signer.require_trust(now_s, transmission.sent_s)
        except CertificateRefused as error:
            refusal = refusal or error
            continue
        asked += 1
        for webhook_id in ids:
            try:
                signer.verify(transmission.signature, transmission.signed_text(webhook_id, body))
            except InvalidSignature:
                continue
            return webhook_id
    if refusal is not None and not asked:
        raise _refused(refusal)
    raise SignatureRejected(
        "the signature does not fit these headers, this webhook id and this body",
        reason="SIGNATURE_MISMATCH",
        fix="pass the raw body as received, and check that the webhook id is that of this URL",
    )


def _refused(error: CertificateRefused) -> SignatureRejected:
    return SignatureRejected(f"{error}", reason="CERTIFICATE_REJECTED", fix=_CERTIFICATE_FIX)


_NORMALIZERS: dict[str, Callable[[Delivery], list[Event]]] = {
    **dict.fromkeys(mapping.TRANSACTIONS, transaction_events),
    **dict.fromkeys(mapping.V1_PAYMENTS, v1_payment_events),
    **dict.fromkeys(mapping.PAYMENT_LINKS, link_payment_events),
    **dict.fromkeys(mapping.ORDERS, order_events),
    mapping.BUYER_APPROVED: buyer_approved_events,
    mapping.ORDER_COMPLETED: completed_order_events,
    **dict.fromkeys(mapping.REFUNDS, refund_events),
    **dict.fromkeys(mapping.DISPUTE_TYPES, dispute_events),
    **dict.fromkeys(mapping.SUBSCRIPTIONS, subscription_events),
    **dict.fromkeys(mapping.MANDATES, mandate_events),
    **dict.fromkeys(mapping.INVOICES, invoice_events),
    **dict.fromkeys(mapping.PAYOUT_ITEMS, payout_events),
    **dict.fromkeys(mapping.PAYOUT_BATCHES, batch_events),
    **dict.fromkeys(mapping.PAYMENT_METHODS, payment_method_events),
}
