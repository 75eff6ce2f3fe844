"""Raw bodies at rest: AES-256-GCM, the key's id in the ciphertext, bound to the merchant and the body's hash.

Layout: version (1 byte), length of the key id (1), key id, nonce (12), ciphertext with its tag. The last of the keys
encrypts, all of them decrypt: a rotation adds a key and leaves the old ones until what they wrote has been purged.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orchestratorx_prism.errors import Internal, SettingsRejected

_VERSION: Final = 1
_NONCE: Final = 12
_LONGEST_ID: Final = 255


class RawVault:
    """Seals and opens bodies. Without keys none are kept."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Raises SettingsRejected if a key is not of 32 bytes or its id not of 1 to 255."""
        self._ciphers: dict[bytes, AESGCM] = {}
        for name, key in keys.items():
            if len(key) != 32 or not 0 < len(name.encode()) <= _LONGEST_ID:
                raise SettingsRejected(
                    f"raw_keys.{name[:40]}: an id of 1 to 255 bytes and a key of 32 bytes are wanted",
                    fix="`openssl rand -base64 32` makes a key",
                )
            self._ciphers[name.encode()] = AESGCM(key)
        self._current = next(reversed(self._ciphers), b"")

    @property
    def keeps(self) -> bool:
        """Whether there is a key to encrypt with."""
        return bool(self._ciphers)

    def seal(self, merchant_id: str, sha256: bytes, body: bytes) -> bytes:
        """The body, encrypted."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, body, _bound_to(merchant_id, sha256))
        return bytes((_VERSION, len(self._current))) + self._current + nonce + sealed

    def open(self, merchant_id: str, sha256: bytes, stored: bytes) -> bytes:
        """The body as received.

        Raises:
            SettingsRejected: The key that it was encrypted with is not among the keys.
            Internal: What is stored was changed, or is not this merchant's.
        """
        if len(stored) < 2 or stored[0] != _VERSION:
            raise Internal("a stored body is not of a known layout", reason="RAW_UNREADABLE")
        begins = 2 + stored[1]
        cipher = self._ciphers.get(stored[2:begins])
        if cipher is None:
            raise SettingsRejected(
                "the body was encrypted with a key that is not in raw_keys",
                reason="RAW_KEY_MISSING",
                fix="keep old keys in raw_keys until what they encrypted has been purged",
            )
        nonce, sealed = stored[begins : begins + _NONCE], stored[begins + _NONCE :]
        try:
            return cipher.decrypt(nonce, sealed, _bound_to(merchant_id, sha256))
        except (InvalidTag, ValueError):  # a ValueError where it was cut off within the nonce
            raise Internal("a stored body was changed", reason="RAW_UNREADABLE") from None


def raw_key(merchant_id: str, sha256: bytes) -> bytes:
    """16 bytes for an index: one body of one merchant."""
    return hashlib.blake2b(_bound_to(merchant_id, sha256), digest_size=16).digest()


def _bound_to(merchant_id: str, sha256: bytes) -> bytes:
    return sha256 + merchant_id.encode("utf-8", "surrogatepass")
