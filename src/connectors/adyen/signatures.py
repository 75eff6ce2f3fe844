"""Adyen's two signatures: one in each standard item, one in a header over the whole body. Pure.

Which one applies follows from the body's shape alone (`webhooks.parse`), never from which headers came: items are
believed by their own signatures only, everything else by the header's only. A text that items are signed over begins
with a reference, never with "{", so a signature of one kind cannot serve as one of the other under the same key.

Source: Adyen docs, "Verify HMAC signatures".
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from connectors.adyen.shapes import Item, text
from orchestratorx_prism.errors import SignatureRejected

HEADER: Final = "hmacsignature"
SUCCESS_TEXT: Final[dict[bool, str]] = {True: "true", False: "false"}

_KEY_FIX: Final = "copy the HMAC key from Customer Area > Developers > Webhooks: hexadecimal digits only"


@lru_cache(maxsize=512)
def keys_of(secrets: tuple[str, ...]) -> tuple[tuple[bytes, ...], int]:
    """The usable keys, and how many secrets are no hexadecimal text. Empty secrets are no secrets."""
    keys: list[bytes] = []
    malformed = 0
    for secret in secrets:
        if not secret.strip():
            continue
        try:
            keys.append(unhexlify(secret))
        except ValueError:
            malformed += 1
    return tuple(keys), malformed


def verify_items(items: Sequence[Item], secrets: tuple[str, ...]) -> None:
    """Checks every item of a standard webhook. One bad item refuses all; its index is named, from 0.

    Args:
        items: As decoded; the values that are normalized are the values that are verified.
        secrets: HMAC keys in hexadecimal, old and new. Any that matches passes.

    Raises:
        SignatureRejected: SECRET_MISSING, SECRET_MALFORMED, SIGNATURE_MISSING, SIGNATURE_MALFORMED or
            SIGNATURE_MISMATCH.
    """
    keys, malformed = _usable(secrets)
    for index, item in enumerate(items):
        data = item.additional_data
        signature = None if data is None else data.signature
        if signature is None or signature == "":
            raise _refusal(
                "SIGNATURE_MISSING",
                f"item {index} has no additionalData.hmacSignature",
                "switch on HMAC signatures for this webhook in the Customer Area",
                index,
            )
        if not _matches(signed_text(item), text(signature), keys):
            raise _no_match(f"item {index}", text(signature), malformed, index)


def verify_body(body: bytes, headers: Mapping[str, str], secrets: tuple[str, ...]) -> None:
    """Checks the header `HmacSignature` over the body as received.

    Raises:
        SignatureRejected: As `verify_items`.
    """
    keys, malformed = _usable(secrets)
    signature = headers.get(HEADER, "")
    if not signature:
        raise _refusal(
            "SIGNATURE_MISSING",
            "the header HmacSignature is missing",
            "switch on HMAC signatures for this webhook in the Customer Area, and pass the headers on",
        )
    if not _matches(body, signature, keys):
        raise _no_match("the body", signature, malformed)


def signed_text(item: Item) -> bytes:
    """What an item's signature covers: eight values joined by colons, null as nothing, no escaping."""
    amount = item.amount
    value = "" if amount is None or amount.value is None else amount.value
    currency = "" if amount is None else amount.currency or ""
    success = SUCCESS_TEXT[item.success] if isinstance(item.success, bool) else item.success or ""
    return (
        f"{item.psp_reference or ''}:{item.original_reference or ''}:{item.merchant_account_code or ''}:"
        f"{item.merchant_reference or ''}:{value}:{currency}:{item.event_code or ''}:{success}"
    ).encode()


def sign(data: bytes, key: bytes) -> str:
    """base64 of HMAC-SHA256."""
    return b64encode(hmac.digest(key, data, "sha256")).decode("ascii")


def _matches(data: bytes, signature: str, keys: Sequence[bytes]) -> bool:
    given = signature.encode("utf-8", "backslashreplace")
    matched = False
    for key in keys:
        matched |= hmac.compare_digest(b64encode(hmac.digest(key, data, "sha256")), given)
    return matched


def _usable(secrets: tuple[str, ...]) -> tuple[tuple[bytes, ...], int]:
    # Failure policy: closed. Without a usable key nothing is believed.
    keys, malformed = keys_of(secrets)
    if keys:
        return keys, malformed
    if malformed:
        raise _refusal("SECRET_MALFORMED", "no HMAC key of this webhook is hexadecimal", _KEY_FIX)
    raise _refusal("SECRET_MISSING", "no HMAC key is configured for this webhook", _KEY_FIX)


def _no_match(what: str, signature: str, malformed: int, index: int | None = None) -> SignatureRejected:
    if not _is_signature(signature):
        return _refusal(
            "SIGNATURE_MALFORMED",
            f"the signature of {what} is not base64 of 32 bytes",
            "pass body and headers as received",
            index,
        )
    if malformed:
        return _refusal(
            "SECRET_MALFORMED",
            f"no usable key matches the signature of {what}, and {malformed} of the HMAC keys is not hexadecimal",
            _KEY_FIX,
            index,
        )
    return _refusal(
        "SIGNATURE_MISMATCH",
        f"no HMAC key matches the signature of {what}",
        "use the HMAC key of this very webhook, and pass the body as received; after a rotation keep the old key, too",
        index,
    )


def _is_signature(signature: str) -> bool:
    try:
        return len(b64decode(signature, validate=True)) == 32
    except (Base64Error, ValueError):
        return False


def _refusal(reason: str, message: str, fix: str, index: int | None = None) -> SignatureRejected:
    metadata = {} if index is None else {"item": str(index)}
    return SignatureRejected(message, reason=reason, fix=fix, metadata=metadata)
