"""For those who receive webhooks from OrchestratorX: is this one genuine, recent, and what does it say.

    from orchestratorx_prism import webhooks

    message = webhooks.verify(await request.body(), request.headers, ["whsec_…"])
    if message.type == "payment.captured": ...

Messages are signed as Standard Webhooks says, so any of its libraries can verify them, too. Failure policy: closed.
Whatever cannot be read is refused as `SignatureRejected`, and nothing else is raised for what came over the network.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from orchestratorx_prism.clients.webhooks import body_bytes, header_dict
from orchestratorx_prism.errors import (
    DriverMissing,
    PayloadRejected,
    Rejected,
    RequestRejected,
    SettingsRejected,
    SignatureRejected,
)
from orchestratorx_prism.from_values import event_from_dict
from orchestratorx_prism.v1.event_pb2 import Event

__all__ = ["TOLERANCE_S", "Webhook", "verify"]

TOLERANCE_S: Final = 300
"""How far a message's time may be from now."""
_LONGEST: Final = 20
"""Digits of a time, and signatures of a header that are looked at."""


class _Body(msgspec.Struct):
    type: str
    timestamp: str
    data: dict[str, Any]


_decode = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class Webhook:
    """A message that was verified."""

    id: str
    """The webhook-id: the same for every repeat. Remember the ids that were handled, and skip those that come again."""
    type: str
    """ "payment.captured"; "webhook.ping" for a test."""
    timestamp: str
    """When the event happened. RFC 3339."""
    data: dict[str, Any] = field(repr=False)
    """The event as plain values."""

    @property
    def event(self) -> Event:
        """The event as a message. Raises PayloadRejected for a test, which has none."""
        return event_from_dict(self.data)


def verify(
    payload: bytes | str,
    headers: Any,
    secrets: str | Iterable[str],
    *,
    tolerance_s: int = TOLERANCE_S,
    now_s: float | None = None,
) -> Webhook:
    """Checks that a message is ours, and recent.

    Args:
        payload: The body as received; JSON that was parsed and written anew has another signature.
        headers: A mapping, a framework's headers, or (name, value) pairs.
        secrets: "whsec_…", or "whpk_…" for ed25519; several while they change: one that fits is enough.
        now_s: Unix time; None: this machine's.

    Raises:
        SignatureRejected: Not genuine, or too old or too new; `reason` says which.
        PayloadRejected: Genuine, and yet not of a form that can be read.
        SettingsRejected: One of the secrets is not of a known form: the receiver's own fault.
    """
    keys = [_key(text) for text in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise SettingsRejected("no secret to verify with", reason="SECRET_MISSING", fix='pass the "whsec_…"')
    message_id, timestamp, signatures = _parts(headers)
    try:
        body = body_bytes(payload)
    except Rejected as error:
        raise SignatureRejected(error.message, reason="SIGNATURE_MISMATCH", fix=error.fix) from None
    signed = b".".join((message_id, timestamp, body))
    if not any(_fits(key, signed, signatures) for key in keys):
        raise SignatureRejected(
            "no signature fits", reason="SIGNATURE_MISMATCH", fix="check the secret, and pass the raw body"
        )
    _check_time(timestamp, tolerance_s, time.time() if now_s is None else now_s)
    try:
        read = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PayloadRejected("the message is not of the form that is sent", reason="PAYLOAD_NOT_JSON") from None
    return Webhook(message_id.decode(), read.type, read.timestamp, read.data)


@dataclass(frozen=True, slots=True)
class _Key:
    version: bytes
    """ "v1" or "v1a"."""
    key: bytes = field(repr=False)


def _key(text: str) -> _Key:
    for prefix, version, sizes in (("whsec_", b"v1", range(16, 65)), ("whpk_", b"v1a", range(32, 33))):
        if isinstance(text, str) and text.startswith(prefix):
            try:
                key = base64.b64decode(text[len(prefix) :], validate=True)
            except (binascii.Error, ValueError):
                break
            if len(key) in sizes:
                return _Key(version, key)
    raise SettingsRejected(
        "a secret is not of a known form",
        reason="SECRET_MALFORMED",
        fix='pass it as it was shown: "whsec_…" or "whpk_…"',
    )


def _parts(headers: Any) -> tuple[bytes, bytes, Sequence[tuple[bytes, bytes]]]:
    """(id, timestamp, (version, signature) pairs)"""
    try:
        named = {name.lower(): value for name, value in header_dict(headers).items()}
        found = [named[name].encode("ascii") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")]
    except RequestRejected as error:
        raise SignatureRejected(error.message, reason="SIGNATURE_MALFORMED", fix=error.fix) from None
    except KeyError:
        raise SignatureRejected(
            "webhook-id, webhook-timestamp or webhook-signature is missing", reason="SIGNATURE_MISSING"
        ) from None
    except UnicodeEncodeError:
        raise SignatureRejected("a header is not ASCII", reason="SIGNATURE_MALFORMED") from None
    message_id, timestamp, signatures = found
    if not message_id or not timestamp.isdigit() or len(timestamp) > _LONGEST:
        raise SignatureRejected("the id or the time cannot be read", reason="SIGNATURE_MALFORMED")
    pairs = []
    for one in signatures.split()[:_LONGEST]:
        version, _, encoded = one.partition(b",")
        try:
            pairs.append((version, base64.b64decode(encoded, validate=True)))
        except (binascii.Error, ValueError):
            continue  # another version's, perhaps; one that fits is wanted, not none that does not
    return message_id, timestamp, pairs


def _fits(key: _Key, signed: bytes, signatures: Sequence[tuple[bytes, bytes]]) -> bool:
    offered = [signature for version, signature in signatures if version == key.version]
    if key.version == b"v1":
        expected = hmac.digest(key.key, signed, hashlib.sha256)
        return any(hmac.compare_digest(expected, signature) for signature in offered)
    return any(_fits_ed25519(key.key, signed, signature) for signature in offered)


def _fits_ed25519(key: bytes, signed: bytes, signature: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise DriverMissing("ed25519 signatures need cryptography", fix="pip install cryptography") from None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_time(timestamp: bytes, tolerance_s: int, now_s: float) -> None:
    if abs(now_s - int(timestamp)) > tolerance_s:
        raise SignatureRejected(
            f"the message is more than {tolerance_s} s from now",
            reason="TIMESTAMP_OUT_OF_TOLERANCE",
            fix="check this machine's clock",
        )
