"""Which transmissions were believed lately: one with the same id and another body is a forgery.

The offline check covers only a CRC32 of the body, so that one genuine set of headers fits many bodies. PayPal repeats a
transmission with the very same body; another body under the same id was not made by PayPal. Remembered in this process
only, so it narrows the gap and does not close it: the online check does.
"""

from __future__ import annotations

import hashlib

from connectors.spi import SignatureRejected

REMEMBERED = 50_000


class TransmissionsSeen:
    """The newest transmissions, by id."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._digests: dict[str, bytes] = {}
        self._remembered = remembered

    def check(self, transmission_id: str, body: bytes) -> None:
        """Remembers a transmission that verified, or finds that its id came with another body.

        Raises:
            SignatureRejected: TRANSMISSION_REUSED.
        """
        digest = hashlib.sha256(body).digest()
        if self._digests.setdefault(transmission_id, digest) != digest:
            raise SignatureRejected(
                "this transmission came before with another body",
                reason="TRANSMISSION_REUSED",
                fix="if PayPal sent this, configure PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET, so that it can be asked",
            )
        if len(self._digests) > self._remembered:
            del self._digests[next(iter(self._digests))]
