"""The simulator's online check of webhooks. Like PayPal, it looks at the event's bytes as they stand in the request."""

from __future__ import annotations

import binascii
import zlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from connectors.paypal.simulator import CERTIFICATE_URL, authority, transmission_id
from connectors.paypal.simulator_world import Refusal
from connectors.paypal.transmission import ALGORITHM
from connectors.paypal.webhooks import SIMULATOR_WEBHOOK_ID


class _Question(msgspec.Struct):
    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    webhook_event: msgspec.Raw


_QUESTION = msgspec.json.Decoder(_Question)


def verify(body: bytes) -> dict[str, str]:
    """PayPal's answer to POST /v1/notifications/verify-webhook-signature."""
    try:
        question = _QUESTION.decode(body)
    except msgspec.MsgspecError:
        raise Refusal(400, "VALIDATION_ERROR") from None
    genuine = _is_genuine(question, bytes(question.webhook_event))
    return {"verification_status": "SUCCESS" if genuine else "FAILURE"}


def _is_genuine(question: _Question, event: bytes) -> bool:
    if question.auth_algo != ALGORITHM or question.cert_url != CERTIFICATE_URL:
        return False
    if question.webhook_id == SIMULATOR_WEBHOOK_ID or question.transmission_id != transmission_id(event):
        return False
    text = f"{question.transmission_id}|{question.transmission_time}|{question.webhook_id}|{zlib.crc32(event)}"
    try:
        signature = binascii.a2b_base64(question.transmission_sig.encode(), strict_mode=True)
        authority().key.public_key().verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True
