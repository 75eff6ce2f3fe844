"""PayPal's transmission headers, read strictly, and the text that its signature covers."""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.spi import SignatureRejected
from connectors.spi.building import datetime_time
from orchestratorx_prism.errors import PayloadRejected

ALGORITHM = "SHA256withRSA"
"""The only one accepted: the header chooses nothing."""
FUTURE_S = 300
"""How far a transmission may be ahead of our clock. Seconds."""
MAX_AGE_S = 4 * 86_400
"""How old a transmission may be by default: PayPal tries for three days, and a day is left for clocks and queues."""

_VERSIONS = {"", "v1", "v2"}  # messages before 2018 carry none
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_MAX_SIGNATURE = 2_048  # base64 of an 8192-bit RSA signature is 1,368 characters
_REQUIRED = (
    "paypal-transmission-id",
    "paypal-transmission-time",
    "paypal-transmission-sig",
    "paypal-cert-url",
    "paypal-auth-algo",
)


@dataclass(frozen=True, slots=True)
class Transmission:
    """What the headers say of one delivery. Retries of an event carry the same id."""

    id: str
    time: str
    """As sent: "2024-08-02T19:34:57Z"."""
    sent_s: int
    """The same as Unix seconds."""
    signature: bytes = field(repr=False)
    signature_text: str = field(repr=False)
    """The same in base64, as sent."""
    certificate_url: str

    def signed_text(self, webhook_id: str, body: bytes) -> bytes:
        """What the signature covers: id, time, webhook's id, and the body's CRC32 as an unsigned decimal number.

        The CRC32 is a checksum, not a MAC: whoever holds one genuine set of headers can make another body with the
        same CRC32. See docs/verification.md.
        """
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(body)}".encode("utf-8", "surrogatepass")


def read_transmission(headers: Mapping[str, str]) -> Transmission:
    """Reads the headers.

    Args:
        headers: By name in lower case: `paypal-transmission-id`, `-time`, `-sig` (base64), `paypal-cert-url`,
            `paypal-auth-algo`, and in newer messages `paypal-auth-version`.

    Raises:
        SignatureRejected: SIGNATURE_MISSING, SIGNATURE_MALFORMED.
    """
    values = [headers.get(name, "") for name in _REQUIRED]
    if "" in values:
        missing = _REQUIRED[values.index("")]
        raise SignatureRejected(
            f"the header {missing} is missing",
            reason="SIGNATURE_MISSING",
            fix="pass all request headers; PayPal signs every webhook",
        )
    transmission_id, time, signature, url, algorithm = values
    if algorithm != ALGORITHM:
        raise _malformed(f"paypal-auth-algo is not {ALGORITHM}")
    if headers.get("paypal-auth-version", "") not in _VERSIONS:
        raise _malformed("paypal-auth-version is not one we know")
    if _ID.fullmatch(transmission_id) is None:
        raise _malformed("paypal-transmission-id is not an id")
    return Transmission(transmission_id, time, _unix(time), _signature(signature), signature, url)


def check_freshness(transmission: Transmission, now_s: int, tolerance_s: int | None) -> None:
    """Raises SignatureRejected (TIMESTAMP_OUT_OF_TOLERANCE) if it was sent too long ago, or in the future.

    Args:
        now_s: Unix seconds.
        tolerance_s: Greatest age in seconds; None: four days. The future is never taken further than 300 s.
    """
    max_age_s = MAX_AGE_S if tolerance_s is None else tolerance_s
    age_s = now_s - transmission.sent_s
    if -min(FUTURE_S, max_age_s) <= age_s <= max_age_s:
        return
    raise SignatureRejected(
        "the transmission time is too far from now",
        reason="TIMESTAMP_OUT_OF_TOLERANCE",
        fix="check this machine's clock; raise the tolerance only to take in old webhooks on purpose",
        metadata={"age_s": str(age_s), "max_age_s": str(max_age_s)},
    )


def _unix(time: str) -> int:
    if not time.isascii() or len(time) > 40:
        raise _malformed("paypal-transmission-time is not a time")
    try:
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None:
            raise _malformed("paypal-transmission-time has no time zone")
        return datetime_time(moment.astimezone(UTC)).seconds
    except (ValueError, OverflowError, PayloadRejected):
        raise _malformed("paypal-transmission-time is not a time") from None


def _signature(text: str) -> bytes:
    try:
        if len(text) > _MAX_SIGNATURE:
            raise ValueError
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:  # of which binascii.Error and UnicodeEncodeError are kinds
        raise _malformed("paypal-transmission-sig is not base64") from None


def _malformed(message: str) -> SignatureRejected:
    return SignatureRejected(message, reason="SIGNATURE_MALFORMED", fix="pass the headers as received")
