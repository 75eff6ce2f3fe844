"""Takes secrets, signatures and card numbers out of what is about to be logged.

The second line of defence. The first: nothing of the kind is ever passed to a logger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"
_MAX_DEPTH = 8
_MAX_TEXT = 8_192
"""Longer texts are cut before they are searched. Characters."""

_SECRET_NAMES = (
    "secret",
    "token",
    "signature",
    "authorization",
    "api_key",
    "apikey",
    "password",
    "passwd",
    "passphrase",
    "passkey",
    "credential",
    "cookie",
    "private_key",
    "transmission_sig",
    "hmac",
    "card_number",
    "cvc",
    "cvv",
)
"""Parts of names whose values are never shown. `-` and case do not matter."""
_HARMLESS_NAMES = frozenset({"page_token", "next_page_token"})

_ASSIGNED = "|".join(name.replace("_", "[_-]?") for name in _SECRET_NAMES)
_SECRET_SHAPES = re.compile(
    r"""
      whsec_[A-Za-z0-9+/=_-]+                              # Stripe and Standard Webhooks: endpoint secrets
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]+            # Stripe: API keys
    | \bv[01]=[0-9a-fA-F]{32,}                             # Stripe: a signature in its header
    | \bAQE[a-zA-Z0-9+/]{20,}[A-Za-z0-9+/=_.<>{}()\[\]-]*  # Adyen: API keys
    | \b(?:Bearer|Basic)\s+[A-Za-z0-9+/=_.~-]{6,}
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                      # user:password of a URL
    """,
    re.VERBOSE | re.DOTALL,
)
_ASSIGNMENT = re.compile(
    rf"(?P<name>[\w-]*(?:{_ASSIGNED})[\w-]*)(?P<equals>[\"']?\s*[=:]\s*[\"']?)(?P<value>[^\s\"',;&}}]+)", re.IGNORECASE
)
_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w])")
_CARD_DIGITS = range(12, 20)


def redacted(value: Any, depth: int = 0) -> Any:
    """A copy without secrets, of plain types only: text, numbers, booleans, None, lists, dictionaries.

    Bytes become their length; an object of any other kind becomes its redacted `repr`.
    """
    match value:
        case None | bool() | float():
            return value
        case int():
            return HIDDEN if _is_card_number(str(value)) else value
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case Mapping() if depth < _MAX_DEPTH:
            return {str(key): redacted_entry(str(key), item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _MAX_DEPTH:
            return [redacted(item, depth + 1) for item in value]
        case _:
            return redacted_text(value if isinstance(value, str) else repr(value))


def redacted_entry(name: str, value: Any, depth: int = 0) -> Any:
    """The value that stands under `name`: hidden if the name says it is secret."""
    return HIDDEN if is_secret_name(name) and value not in (None, "", True, False) else redacted(value, depth)


def is_secret_name(name: str) -> bool:
    """Whether values under this name are never shown: `Stripe-Signature`, `api_key`, `webhook_secrets`, …"""
    plain = name.lower().replace("-", "_")
    return plain not in _HARMLESS_NAMES and any(part in plain for part in _SECRET_NAMES)


def redacted_text(text: str) -> str:
    """The text without what looks like a secret, a signature or a card number."""
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}…"
    text = _SECRET_SHAPES.sub(HIDDEN, text)
    text = _ASSIGNMENT.sub(_hide_assigned, text)
    return _CARD.sub(lambda found: HIDDEN if _is_card_number(found[0]) else found[0], text)


def _hide_assigned(found: re.Match[str]) -> str:
    if found["name"].lower() in _HARMLESS_NAMES:
        return found[0]
    return f"{found['name']}{found['equals']}{HIDDEN}"


def _is_card_number(text: str) -> bool:
    """Whether the digits pass Luhn's check (ISO/IEC 7812-1), and are not one digit over and over."""
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) not in _CARD_DIGITS or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
