"""AES-256-GCM, the key's id in the ciphertext, bound to the place where the secret belongs.

Layout: version (1 byte), length of the key id (1), key id; version 2 also length (2) and bytes of the wrapped data key;
nonce (12), ciphertext with its tag. All before the nonce, and the place, is authenticated: a row that was moved to
another merchant, connector or name does not open there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orchestrator.vault.key_service import DataKeys, KeyService
from orchestratorx_prism.errors import Internal, SettingsRejected

HOW_TO_MAKE_A_KEY: Final = (
    '`openssl rand -base64 32` makes a key: set ORCHESTRATOR_VAULT_KEYS=\'{"k1": "<what it printed>"}\' for every '
    "server and command"
)
_KMS: Final = "kms:"
_LOCAL: Final = 1
_ENVELOPE: Final = 2
_NONCE: Final = 12
_LONGEST_ID: Final = 255


class _Header(NamedTuple):
    """What stands before the nonce."""

    version: int
    key_id: str
    wrapped: bytes
    text: bytes
    """All of it."""


class Vault:
    """Seals and opens. The last of the keys seals, or the key service where there is one; all of them open."""

    def __init__(self, keys: Mapping[str, bytes], service: KeyService | None = None) -> None:
        """Raises SettingsRejected if a key is not of 32 bytes or its id not of 1 to 255."""
        self._ciphers: dict[str, AESGCM] = {}
        for key_id, key in keys.items():
            if len(key) != 32 or not 0 < len(key_id.encode()) <= _LONGEST_ID:
                raise SettingsRejected(
                    f"vault_keys.{key_id[:40]}: an id of 1 to 255 bytes and a key of 32 bytes are wanted",
                    fix="`openssl rand -base64 32` makes a key",
                )
            self._ciphers[key_id] = AESGCM(key)
        self._local = next(reversed(self._ciphers), "")
        self._data_keys = None if service is None else DataKeys(service)

    @property
    def can_seal(self) -> bool:
        """Whether there is a key to seal with."""
        return bool(self._ciphers) or self._data_keys is not None

    @property
    def key_ids(self) -> list[str]:
        """As `key_id_of` says them: those that this process knows, the one that seals last. Of a key service's, its
        newest alone."""
        known = list(self._ciphers)
        return known if self._data_keys is None else [*known, _KMS + self._data_keys.key_id]

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals now. Raises Internal if it was not sealed at all."""
        header = _header_of(sealed)
        if self._data_keys is not None:
            return header.version == _ENVELOPE and header.key_id == self._data_keys.key_id
        return header.version == _LOCAL and header.key_id == self._local

    def check(self) -> None:
        """Raises SettingsRejected if there is no key to seal with; the fix says how to make one."""
        if not self.can_seal:
            raise SettingsRejected(
                "secrets are kept encrypted or not at all, and there is no key to encrypt them with",
                reason="VAULT_KEY_NEEDED",
                fix=HOW_TO_MAKE_A_KEY,
            )

    async def seal(self, kind: str, owner: str, name: str, plaintext: bytes) -> bytes:
        """What may be stored.

        Args:
            kind: Of what: "credentials", "endpoint".
            owner: Whose: the merchant's id.
            name: Which: "stripe/SANDBOX", "we_…/secret".

        Raises:
            SettingsRejected: VAULT_KEY_NEEDED: there is no key.
            Unavailable: The key service does not answer.
        """
        self.check()
        if self._data_keys is None:
            header, cipher = _header(_LOCAL, self._local), self._ciphers[self._local]
        else:
            key = await self._data_keys.for_sealing()
            header, cipher = _header(_ENVELOPE, key.key_id, key.wrapped), key.cipher
        nonce = os.urandom(_NONCE)
        return header + nonce + cipher.encrypt(nonce, plaintext, header + _place(kind, owner, name))

    async def open(self, kind: str, owner: str, name: str, sealed: bytes) -> bytes:
        """What was sealed, at the same place.

        Raises:
            SettingsRejected: VAULT_KEY_MISSING: its key is not among those of this process.
            Unavailable: The key service does not answer.
            Internal: It was changed, or belongs to another place.
        """
        header = _header_of(sealed)
        begins = len(header.text)
        nonce, ciphertext = sealed[begins : begins + _NONCE], sealed[begins + _NONCE :]
        cipher = await self._cipher_of(header)
        try:
            return cipher.decrypt(nonce, ciphertext, header.text + _place(kind, owner, name))
        except (InvalidTag, ValueError):  # a ValueError where it was cut off within the nonce
            raise _unreadable("a sealed secret was changed, or moved from another place") from None

    async def _cipher_of(self, header: _Header) -> AESGCM:
        if header.version == _ENVELOPE:
            if self._data_keys is None:
                raise _missing(header.key_id, "set vault_kms to the key service that wrapped its key")
            return await self._data_keys.for_opening(header.key_id, header.wrapped)
        cipher = self._ciphers.get(header.key_id)
        if cipher is None:
            raise _missing(header.key_id, "keep old keys in vault_keys until `orchestrator vault rotate` has ended")
        return cipher


def key_id_of(sealed: bytes) -> str:
    """Which key sealed it; one of a key service has "kms:" before its id. Raises Internal if it was not sealed."""
    header = _header_of(sealed)
    return _KMS + header.key_id if header.version == _ENVELOPE else header.key_id


def _header(version: int, key_id: str, wrapped: bytes = b"") -> bytes:
    name = key_id.encode()
    if not 0 < len(name) <= _LONGEST_ID:
        raise SettingsRejected("vault_kms: the id of its key must have 1 to 255 bytes", fix="give it a shorter one")
    begin = bytes((version, len(name))) + name
    return begin if version == _LOCAL else begin + len(wrapped).to_bytes(2, "big") + wrapped


def _header_of(sealed: bytes) -> _Header:
    if len(sealed) < 2 or sealed[0] not in (_LOCAL, _ENVELOPE):
        raise _unreadable("a sealed secret is not of a known layout")
    ends = 2 + sealed[1]
    wrapped = b""
    key_id = sealed[2:ends]
    if sealed[0] == _ENVELOPE:
        length = int.from_bytes(sealed[ends : ends + 2], "big")
        wrapped = sealed[ends + 2 : ends + 2 + length]
        ends += 2 + length
    if len(sealed) < ends:
        raise _unreadable("a sealed secret was cut off")
    try:
        return _Header(sealed[0], key_id.decode(), wrapped, sealed[:ends])
    except UnicodeDecodeError:
        raise _unreadable("a sealed secret is not of a known layout") from None


def _place(kind: str, owner: str, name: str) -> bytes:
    """Each part behind its length, so that no two places have the same bytes."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (kind, owner, name)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _missing(key_id: str, fix: str) -> SettingsRejected:
    return SettingsRejected(
        "a secret was sealed with a key that this process does not have",
        reason="VAULT_KEY_MISSING",
        fix=fix,
        metadata={"key_id": key_id},
    )


def _unreadable(message: str) -> Internal:
    return Internal(message, reason="VAULT_UNREADABLE", fix="put the secret again")
