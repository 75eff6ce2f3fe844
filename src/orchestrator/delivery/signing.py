"""Signatures of outgoing webhooks, as Standard Webhooks says. Pure; `orchestratorx_prism.webhooks` checks them.

What is signed is "{webhook-id}.{webhook-timestamp}.{body}". The header `webhook-signature` has one signature for each
secret in use, so that whoever knows only the old or only the new one can verify during a rotation: "v1,…" is
HMAC-SHA256, "v1a,…" ed25519, both in base64.

Source: Standard Webhooks 1.0, "Signature scheme", "Symmetric signatures", "Asymmetric signatures".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestratorx_prism.errors import Internal

HMAC: Final = 1
ED25519: Final = 2
"""Kinds of secrets, as they are kept."""

_BYTES: Final = 32
_SECRET: Final = "whsec_"  # noqa: S105 - a prefix
_PRIVATE: Final = "whsk_"
_PUBLIC: Final = "whpk_"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret in use."""

    kind: int
    key: bytes = field(repr=False)
    """HMAC: the key. ED25519: the private key's seed of 32 bytes."""


def new_secret(kind: int) -> Secret:
    """A random one."""
    return Secret(kind, os.urandom(_BYTES))


def secret_text(secret: Secret) -> str:
    """As it is shown, once: "whsec_…" or "whsk_…"; the latter is seed and public key, as the specification has it."""
    if secret.kind == HMAC:
        return _SECRET + base64.b64encode(secret.key).decode()
    return _PRIVATE + base64.b64encode(secret.key + _public(secret)).decode()


def public_key(secret: Secret) -> str:
    """ "whpk_…" of an ed25519 key."""
    return _PUBLIC + base64.b64encode(_public(secret)).decode()


def secret_of(text: str) -> Secret:
    """Of its text.

    Raises:
        Internal: It is none; the text is not repeated.
    """
    for prefix, kind, sizes in ((_SECRET, HMAC, range(16, 65)), (_PRIVATE, ED25519, range(64, 65))):
        if text.startswith(prefix):
            try:
                key = base64.b64decode(text[len(prefix) :], validate=True)
            except (binascii.Error, ValueError):
                break
            if len(key) in sizes:
                return Secret(kind, key if kind == HMAC else key[:_BYTES])
    raise Internal("a kept signing secret is not of a known form", reason="SECRET_UNREADABLE")


def masked(secret: Secret) -> str:
    """ "whsec_····abcd"."""
    text = secret_text(secret)
    return f"{text[: text.index('_') + 1]}····{text[-4:]}"


def signature(secret: Secret, message_id: str, timestamp_s: int, body: bytes) -> str:
    """ "v1,…" or "v1a,…"."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    if secret.kind == HMAC:
        return "v1," + base64.b64encode(hmac.digest(secret.key, signed, hashlib.sha256)).decode()
    return "v1a," + base64.b64encode(Ed25519PrivateKey.from_private_bytes(secret.key).sign(signed)).decode()


def signed_headers(
    secrets: Iterable[Secret],
    message_id: str,
    timestamp_s: int,
    body: bytes,
    *,
    payments_headers: str | None = None,
) -> Mapping[str, str]:
    """The headers that a receiver verifies by.

    Args:
        secrets: Every one in use, the newest first.
        payments_headers: The event's type: X-Payments-Signature ("sha256=" and the hexadecimal HMAC-SHA256 of
            "{timestamp}.{body}", with the newest HMAC secret), X-Payments-Timestamp and X-Event-Type go along. The
            key is the bytes behind "whsec_". None: they do not.
    """
    using = list(secrets)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp_s, body) for secret in using),
    }
    if payments_headers is not None:
        newest = next(secret for secret in using if secret.kind == HMAC)
        digest = hmac.new(newest.key, f"{timestamp_s}.".encode() + body, hashlib.sha256).hexdigest()
        headers["x-payments-signature"] = f"sha256={digest}"
        headers["x-payments-timestamp"] = str(timestamp_s)
        headers["x-event-type"] = payments_headers
    return headers


def _public(secret: Secret) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(secret.key).public_key().public_bytes_raw()
