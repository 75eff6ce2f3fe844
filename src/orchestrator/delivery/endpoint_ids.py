"""Ids as the API shows them, and the numbers and keys that they are in the tables."""

from __future__ import annotations

import secrets
from typing import Final

_ENDPOINT: Final = "we_"
_DELIVERY: Final = "msg_"
_BITS: Final = 62


def new_number() -> int:
    """For an endpoint, or a secret: random, so that ids cannot be guessed and need nobody who counts."""
    return secrets.randbits(_BITS)


def endpoint_id(n: int) -> str:
    """ "we_" and 16 hexadecimal digits."""
    return f"{_ENDPOINT}{n:016x}"


def endpoint_number(text: str) -> int | None:
    """Of an endpoint's id; None: it is none of ours."""
    digits = text.removeprefix(_ENDPOINT)
    if len(text) != len(_ENDPOINT) + 16 or not text.startswith(_ENDPOINT) or set(digits) - set("0123456789abcdef"):
        return None
    number = int(digits, 16)
    return number if number < 1 << _BITS else None


def delivery_id(key: bytes) -> str:
    """ "msg_" and 32 hexadecimal digits: the webhook id."""
    return _DELIVERY + key.hex()


def delivery_key(text: str) -> bytes | None:
    """Of a delivery's id; None: it is none of ours."""
    digits = text.removeprefix(_DELIVERY)
    if len(text) != len(_DELIVERY) + 32 or not text.startswith(_DELIVERY) or set(digits) - set("0123456789abcdef"):
        return None
    return bytes.fromhex(digits)
