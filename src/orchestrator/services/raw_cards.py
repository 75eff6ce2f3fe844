"""A card's own data is refused before anything is written down, wherever it is put in an instrument.

Intents keep requests, so what is refused later, by the connector or the provider, would have been on disk by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.instrument_pb2 import Instrument

_NAMES: Final = frozenset({"number", "cardnumber", "pan", "cvc", "cvc2", "cvv", "cvv2", "cid", "securitycode"})
"""Under which card data stands in objects, in small letters without `_` and `-`. Encrypted data has other names."""
_NAMED: Final = re.compile(rf"\b(?:{'|'.join(sorted(_NAMES))})[\"']?\s*[:=]", re.IGNORECASE)
"""The same in a text that is no JSON."""
_NUMBER: Final = re.compile(r"\d(?:[ -]?\d){11,18}", re.ASCII)
_SEPARATORS: Final = str.maketrans("", "", "_-")


def refuse_raw_card(instrument: Instrument) -> None:
    """
    Raises:
        RequestRejected: RAW_CARD_REFUSED: a card, or a token that is a card's number or holds a card's own fields.
    """
    if instrument.HasField("card"):
        raise _refused("instrument.card")
    if _holds_card(instrument.token):
        raise _refused("instrument.token")


def _holds_card(token: str) -> bool:
    text = token.strip()
    if _NUMBER.fullmatch(text):
        return _passes_check(text)
    if text[:1] not in {"{", "["}:
        return _NAMED.search(text) is not None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return _NAMED.search(text) is not None
    return any(name.translate(_SEPARATORS).lower() in _NAMES for name in _names(found))


def _names(found: Any) -> Iterator[str]:
    """Every name in an object, however deep."""
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _passes_check(text: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1); one digit over and over is no number."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _refused(field: str) -> RequestRejected:
    return RequestRejected(
        f"{field}: card numbers are not taken here",
        reason="RAW_CARD_REFUSED",
        fix="collect the card in the provider's own fields, and pass the token that they give",
        metadata={"field": field},
    )
