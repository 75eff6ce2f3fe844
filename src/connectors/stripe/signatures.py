"""Stripe's webhook signature: HMAC-SHA256 over `"{t}.{body}"`, hex, in `Stripe-Signature: t=…,v1=…[,v1=…][,v0=…]`."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from orchestratorx_prism.errors import SignatureRejected

HEADER: Final = "stripe-signature"
TOLERANCE_S: Final = 300
"""How far `t` may be from now, in both directions. Stripe's own default; its library looks at the past only."""
_SCHEME: Final = "v1"


def verify(body: bytes, header: str | None, *, secrets: Iterable[str], now_s: int, tolerance_s: int | None) -> None:
    """Check that Stripe sent `body`, and recently.

    Args:
        body: The bytes as received, never re-serialized JSON.
        header: The value of `Stripe-Signature`, e.g. `t=1700000000,v1=5257a8…`. Any matching v1 will do; v0 is ignored.
        secrets: Every secret in use, each the whole `whsec_…`; two during rotation.
        now_s: Unix time in seconds, from the caller's clock.
        tolerance_s: How far the signed time may be from now; None for 300.

    Raises:
        SignatureRejected: Malformed header, no secret, no match, or too old or too new; `reason` says which.

    Source: Stripe docs, "Verify webhook signatures manually".
    """
    keys = [secret for secret in secrets if secret.strip(" \t\r\n\f\v")]
    if not keys:
        # Failure policy: closed. Without a secret nothing can be believed.
        raise SignatureRejected(
            "no webhook secret is configured for Stripe",
            reason="SECRET_MISSING",
            fix="set STRIPE_WEBHOOK_SECRET to the endpoint's signing secret, whsec_…",
        )
    if not header:
        raise SignatureRejected(
            "the Stripe-Signature header is missing",
            reason="SIGNATURE_MISSING",
            fix="pass all headers of the request; only Stripe's own requests carry it",
        )
    time_s, signatures = _read_header(header)
    message = b"%d.%b" % (time_s, body)
    for key in keys:
        if _matches(message, key, signatures):
            break
    else:
        raise SignatureRejected(
            "no signature matches the body under any configured secret",
            reason="SIGNATURE_MISMATCH",
            fix="check that the secret is this endpoint's own and that the body is passed as received, byte for byte",
        )
    tolerance = TOLERANCE_S if tolerance_s is None else tolerance_s
    if abs(now_s - time_s) > tolerance:
        raise SignatureRejected(
            f"the signed time is more than {tolerance} s from now",
            reason="TIMESTAMP_OUT_OF_TOLERANCE",
            fix="check this machine's clock; old webhooks are replayed from the ledger or resent by Stripe",
        )


def sign(body: bytes, secret: str, time_s: int) -> str:
    """The header that Stripe would send with `body` at `time_s` (Unix seconds). For the simulator."""
    signature = hmac.digest(secret.encode(), b"%d.%b" % (time_s, body), "sha256").hex()
    return f"t={time_s},{_SCHEME}={signature}"


def _read_header(header: str) -> tuple[int, list[str]]:
    """The signed time, Unix seconds, and the v1 signatures as hex text."""
    times: list[str] = []
    signatures: list[str] = []
    try:
        for item in header.split(","):
            parts = item.split("=", 2)
            if parts[0] == _SCHEME:
                signatures.append(parts[1])
            elif parts[0] == "t":
                times.append(parts[1])
        time_s = int(times[0])
    except (IndexError, ValueError):  # an item without "=", no time, a time that is no number
        raise _malformed() from None
    if not signatures:
        raise _malformed()
    return time_s, signatures


def _malformed() -> SignatureRejected:
    return SignatureRejected(
        "the Stripe-Signature header is not of the form t=…,v1=…",
        reason="SIGNATURE_MALFORMED",
        fix="pass the header as received",
    )


def _matches(message: bytes, secret: str, signatures: list[str]) -> bool:
    try:
        key = secret.encode("utf-8")
    except UnicodeEncodeError:
        raise SignatureRejected(
            "a configured webhook secret is not text that Stripe could have issued",
            reason="SECRET_MALFORMED",
            fix="copy the signing secret again, whsec_…",
        ) from None
    expected = hmac.digest(key, message, "sha256").hex().encode()
    for signature in signatures:
        if not signature.isascii():
            return False  # no hex, so not Stripe's; what follows it is not looked at
        if hmac.compare_digest(expected, signature.encode()):  # bytes: comparing other text than ASCII raises
            return True
    return False
