"""A card's own data is refused before anything is written down, wherever it is put in an instrument.

Intents keep requests, so what is refused later, by the connector or the provider, would have been on disk by then. A
merchant that has switched raw cards on gives them as `instrument.card`, of which intents keep nothing; in a token they
are refused all the same.
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


def refuse_card_in_token(instrument: Instrument) -> None:
    """
    Raises:
        RequestRejected: RAW_CARD_REFUSED: a token that is a card's number or holds a card's own fields.
    """
    if _holds_card(instrument.token):
        raise _refused("instrument.token")


def refuse_raw_card(instrument: Instrument, *, switched_on: bool = False) -> None:
    """
    Args:
        switched_on: Whether the merchant takes card numbers.

    Raises:
        RequestRejected: RAW_CARD_REFUSED: as above, or a card that the merchant does not take. CARD_INVALID: one that
            it takes, and that no card can be; the number is not repeated.
    """
    refuse_card_in_token(instrument)
    if not instrument.HasField("card"):
        return
    if not switched_on:
        raise _refused("instrument.card")
    card = instrument.card
    if not (card.number.isascii() and card.number.isdigit() and 12 <= len(card.number) <= 19):
        raise _invalid("number", "12 to 19 digits, without spaces")
    if not _passes_check(card.number):
        raise _invalid("number", "the check digit does not fit: a digit is wrong")
    if not 1 <= card.expiry_month <= 12:
        raise _invalid("expiry_month", "1 to 12")
    if not 2000 <= card.expiry_year <= 2099:
        raise _invalid("expiry_year", "four digits: 2030")
    if card.cvc and not (card.cvc.isascii() and card.cvc.isdigit() and 3 <= len(card.cvc) <= 4):
        raise _invalid("cvc", "three or four digits, or none")


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


def _invalid(field: str, takes: str) -> RequestRejected:
    named = f"instrument.card.{field}"
    return RequestRejected(
        f"{named}: {takes}", reason="CARD_INVALID", fix="ask the payer for the card again", metadata={"field": named}
    )


def _refused(field: str) -> RequestRejected:
    return RequestRejected(
        f"{field}: card numbers are not taken here",
        reason="RAW_CARD_REFUSED",
        fix="collect the card in the provider's own fields, and pass the token that they give; or, where your systems "
        "are assessed for card numbers, set raw_cards for the merchant's connector",
        metadata={"field": field},
    )
