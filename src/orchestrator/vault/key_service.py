"""Envelope encryption: a key management service wraps data keys, and never sees what they encrypt."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orchestratorx_prism.errors import PrismError, Unavailable

MOST_USES: Final = 1 << 20
"""How much one data key seals. Nonces are random: far below the 2^32 at which GCM's become likely to repeat."""
_KEPT: Final = 1_024
"""How many unwrapped data keys are remembered, so that not every opening asks the service."""
_LONGEST_WRAPPED: Final = 0xFFFF


@runtime_checkable
class KeyService(Protocol):
    """What `vault_kms` names a factory of. May raise whatever it likes: that becomes `Unavailable`."""

    @property
    def key_id(self) -> str:
        """The master key that wraps now, 1 to 255 bytes. Another one, once the service has rotated."""
        ...

    async def wrap(self, data_key: bytes) -> bytes:
        """The data key of 32 bytes, encrypted with the master key `key_id`. At most 65,535 bytes."""
        ...

    async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key that `wrap` wrapped when `key_id` was the master key."""
        ...


@dataclass(slots=True)
class DataKey:
    """A key in use, and its wrapped form, which stands in every ciphertext of it."""

    key_id: str
    wrapped: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)
    uses: int = 0


class DataKeys:
    """Makes data keys, and remembers those that were unwrapped. For one event loop."""

    def __init__(self, service: KeyService) -> None:
        self._service = service
        self._current: DataKey | None = None
        self._unwrapped: dict[tuple[str, bytes], AESGCM] = {}
        self._making = asyncio.Lock()

    @property
    def key_id(self) -> str:
        """The master key of now."""
        return self._service.key_id

    async def for_sealing(self) -> DataKey:
        """One of the current master key. Raises Unavailable if the service does not answer."""
        async with self._making:
            current = self._current
            if current is None or current.uses >= MOST_USES or current.key_id != self._service.key_id:
                current = self._current = await self._new()
            current.uses += 1
            return current

    async def for_opening(self, key_id: str, wrapped: bytes) -> AESGCM:
        """The one that `wrapped` is of. Raises Unavailable if the service does not give it."""
        cipher = self._unwrapped.get((key_id, wrapped))
        if cipher is None:
            try:
                cipher = AESGCM(await self._service.unwrap(key_id, wrapped))
            except Exception as error:
                raise _away(error) from error
            self._remember(key_id, wrapped, cipher)
        return cipher

    async def _new(self) -> DataKey:
        key_id, key = self._service.key_id, os.urandom(32)
        try:
            wrapped = await self._service.wrap(key)
        except Exception as error:
            raise _away(error) from error
        if not 0 < len(wrapped) <= _LONGEST_WRAPPED or wrapped == key:
            raise Unavailable("vault_kms: wrap() did not wrap the key", reason="KEY_SERVICE_UNAVAILABLE")
        cipher = AESGCM(key)
        self._remember(key_id, wrapped, cipher)
        return DataKey(key_id, wrapped, cipher)

    def _remember(self, key_id: str, wrapped: bytes, cipher: AESGCM) -> None:
        if len(self._unwrapped) >= _KEPT:
            del self._unwrapped[next(iter(self._unwrapped))]
        self._unwrapped[key_id, wrapped] = cipher


def _away(error: Exception) -> PrismError:
    if isinstance(error, PrismError):
        return error
    return Unavailable(
        f"the key service that vault_kms names failed ({type(error).__name__})",
        reason="KEY_SERVICE_UNAVAILABLE",
        fix="see that it can be reached and lets this process use its key, then repeat the call",
    )
