"""Adyen's webhooks: open (verify and decode), parse, normalize, acknowledge. Pure.

Shapes, told apart by the body alone, and each believed by one kind of signature only:

    notificationItems            a standard webhook: every item by its own additionalData.hmacSignature
    a form, or SOAP              the same in Adyen's older encodings (`encodings`): likewise
    eventCode                    a bare item, as routers and queues pass on: likewise
    NotificationRequestItem      the same, still in its wrapper: likewise
    SaleToPOIRequest             a terminal's display and event notifications: by the header HmacSignature
    type, or eventType           management, tokenization, platforms, classic platforms: by the header HmacSignature

A body with `notificationItems`, `eventCode` or `NotificationRequestItem` is never believed by a header, whatever else
it holds; nothing but its items is read then.

Source: Adyen docs, "Handle webhook events"; "Verify HMAC signatures".
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from connectors.adyen import classic, messages
from connectors.adyen.encodings import BOM, other_batch
from connectors.adyen.items import event_of
from connectors.adyen.origin import origin_of
from connectors.adyen.parts import live_environment
from connectors.adyen.shapes import ENVELOPE, ITEM, TERMINAL, Batch, Envelope, Item, Message, text
from connectors.adyen.shapes_other import RELAYED, TERMINAL_MESSAGE
from connectors.adyen.signatures import verify_body, verify_items
from connectors.spi import Context, Material, Opened, Reply, Webhook
from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_HMAC, Event, Verification

ITEM_DETAIL: Final = (
    "HMAC-SHA256 over pspReference, originalReference, merchantAccountCode, merchantReference, amount, eventCode and "
    "success of every item; not covered: live, eventDate, reason, paymentMethod, additionalData (cardSummary, "
    "disputeStatus, defensePeriodEndsAt, modification.action, …)"
)
BODY_DETAIL: Final = "HMAC-SHA256 over the whole body (header HmacSignature)"
ACCEPTED: Final = Reply(200, b"[accepted]", {"Content-Type": "text/plain"})
"""Satisfies Adyen's older rule (this body) and its newer one (any 2xx)."""

SOAP_ACCEPTED: Final = Reply(
    200,
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    b'<sendNotificationResponse xmlns="http://notification.services.adyen.com">'
    b"<notificationResponse>[accepted]</notificationResponse>"
    b"</sendNotificationResponse></soap:Body></soap:Envelope>",
    {"Content-Type": "text/xml; charset=utf-8"},
)
"""The same, to whom speaks SOAP."""

Parsed = Batch | Message


def open_webhook(webhook: Webhook, material: Material, _now_s: int) -> Opened:
    """Decodes a webhook and checks that Adyen signed it. Adyen signs no time, so the time is not looked at.

    Args:
        webhook: The body as received; of the headers `hmacsignature`, for everything but standard webhooks.
        material: `secrets`: HMAC keys in hexadecimal; old and new during a rotation.

    Raises:
        SignatureRejected: SECRET_MISSING, SECRET_MALFORMED, SIGNATURE_MISSING, SIGNATURE_MALFORMED, SIGNATURE_MISMATCH.
            `metadata["item"]` names the item of a batch.
        PayloadRejected: As `parse`.
    """
    parsed = parse(webhook.body)
    if isinstance(parsed, Batch):
        verify_items(parsed.items, material.secrets)
        return Opened(parsed, Verification(method=VERIFICATION_METHOD_HMAC, detail=ITEM_DETAIL))
    verify_body(webhook.body, webhook.headers, material.secrets)
    return Opened(parsed, Verification(method=VERIFICATION_METHOD_HMAC, detail=BODY_DETAIL))


def parse(body: bytes) -> Parsed:
    """The decoded form, without any trust.

    Raises:
        PayloadRejected: Not JSON, a form nor SOAP, not an object, none of Adyen's shapes, a batch without items, or a
            field of a wrong type.
    """
    if body[:1] != b"{":
        body = body.removeprefix(BOM)
        other = other_batch(body)
        if other is not None:
            return other
    envelope = decode(ENVELOPE, body)
    wrappers = envelope.notification_items
    if wrappers is not UNSET:
        items: list[Item] = []
        for index, wrapper in enumerate(wrappers or ()):
            if wrapper.item is None:
                raise _missing(f"element {index} of notificationItems holds no NotificationRequestItem")
            items.append(wrapper.item)
        if not items:
            raise _missing("notificationItems is empty")
        return Batch(items, envelope.live)
    if envelope.event_code is not None:
        return Batch([decode(ITEM, body)], envelope.live)
    if envelope.item is not None:
        return Batch([envelope.item], envelope.live)
    return _message(envelope, body)


def _message(envelope: Envelope, body: bytes) -> Message:
    """Everything but items: the family, by what names its type."""
    if bytes(envelope.terminal) not in {b"", b"null"}:
        terminal = decode(TERMINAL_MESSAGE, bytes(envelope.terminal))
        category = terminal.header.category if terminal.header else ""
        envelope.timestamp = terminal.notice.time if terminal.notice else None
        return Message(f"{TERMINAL}.{text(category)}", envelope)
    if envelope.type:
        return Message(envelope.type, envelope)
    if envelope.event_type:
        return Message(envelope.event_type, envelope, classic=True)
    relayed = decode(RELAYED, body)
    if text(relayed.payment_instrument_id) and isinstance(relayed.purchase, dict):
        return Message("balancePlatform.authentication.relayed", envelope)
    if text(relayed.balance_platform) and isinstance(relayed.payment_instrument, dict) and relayed.original_amount:
        return Message("balancePlatform.authorisation.relayed", envelope)
    raise _missing("the body has none of notificationItems, eventCode, NotificationRequestItem, type and eventType")


def normalize(parsed: Parsed, context: Context, body: bytes) -> list[Event]:
    """The events of a decoded webhook, in its order. `verification` is left unset.

    Raises:
        PayloadRejected: A required field is missing or wrong, or an amount cannot be read.
    """
    raw = raw_of(body, context)
    if isinstance(parsed, Batch):
        environment = live_environment(parsed.live)
        return [event_of(item, context, raw, environment) for item in parsed.items]
    origin = origin_of(parsed, context, raw)
    return classic.events_of(origin) if parsed.classic else messages.events_of(origin)


def acknowledge(parsed: Parsed, _context: Context) -> Reply:
    """What Adyen wants to hear for every webhook, of a type that we know or not: anything else blocks its queue."""
    return SOAP_ACCEPTED if isinstance(parsed, Batch) and parsed.soap else ACCEPTED


def _missing(message: str) -> PayloadRejected:
    return PayloadRejected(
        message, reason="PAYLOAD_FIELD_MISSING", fix="send Adyen's body unchanged; if Adyen sent this, report the shape"
    )
