"""API keys: how their text is made, what is kept of it, and when one is good. Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from typing import Final

_ALPHABET: Final = string.digits + string.ascii_letters
_BEGINNING: Final = "ox_"
_PUBLIC: Final = 8
"""Of the text, what may be shown: enough to find a key by. Characters."""
_SECRET: Final = 32
"""190 bits, which nobody guesses: so one pass of SHA-256 is enough to keep it by. Characters."""
_ID: Final = 22
_ID_TEXT: Final = re.compile(rf"key_[0-9A-Za-z]{{{_ID}}}", re.ASCII)
_TEXT: Final = re.compile(rf"(ox_[0-9A-Za-z]{{{_PUBLIC}}})_[0-9A-Za-z]{{{_SECRET},100}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. Times are microseconds since 1970 by the database's clock."""

    key_id: str
    number: int
    """Greater is later."""
    merchant_id: str
    prefix: str
    hash: bytes
    name: str
    scopes: frozenset[str]
    calls_per_minute: int
    """0: the installation's limit."""
    created_at_us: int
    expires_at_us: int | None
    revoked_at_us: int | None
    last_used_at_us: int | None

    def has_ended(self, now_us: int) -> bool:
        """Whether it is revoked or expired."""
        return self.revoked_at_us is not None or self.has_expired(now_us)

    def has_expired(self, now_us: int) -> bool:
        """Whether its time is over. At its end it is."""
        return self.expires_at_us is not None and self.expires_at_us <= now_us


def new_text() -> str:
    """A key's text: `ox_`, what may be shown of it, `_`, and what may not."""
    return f"{_BEGINNING}{_random(_PUBLIC)}_{_random(_SECRET)}"


def new_id() -> str:
    """A key's id."""
    return f"key_{_random(_ID)}"


def is_id(text: str) -> bool:
    """Whether a key can have this id."""
    return _ID_TEXT.fullmatch(text) is not None


def prefix_of(text: str) -> str | None:
    """How the text begins, as it is kept; None: that is not how keys are made."""
    found = _TEXT.fullmatch(text)
    return found[1] if found else None


def hash_of(text: str) -> bytes:
    """What is kept instead of the text, and compared. Any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
