"""PayPal's amounts: decimal text, v1 (`total`, `currency`) and v2 (`value`, `currency_code`).

A decimal text needs no exponent to be read, so the exceptions to ISO 4217 matter only where amounts are written: PayPal
takes HUF and TWD without decimals, where ISO has two.
Source: PayPal docs, "Currency codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from connectors.spi.money import exponent, from_decimal
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.money_pb2 import Money

WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
"""Source: PayPal docs, "Currency codes": decimals are refused for these."""

_MAX_INT64 = 2**63 - 1
_NUMBER = re.compile(rb'"?(-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,6})?)"?')


class Amount(msgspec.Struct):
    """An amount of any API version. Absent and null fields are the same."""

    value: msgspec.Raw = msgspec.Raw(b"")
    """Decimal text, or (in hand-made messages) a JSON number: kept raw, so that no float comes near it."""
    total: msgspec.Raw = msgspec.Raw(b"")
    currency_code: str | None = None
    currency: str | None = None


def money(amount: Amount | None, currency: str = "") -> Money | None:
    """Money from an amount. None where there is none.

    Args:
        currency: For amounts that leave theirs to the object around them (v1 plans).

    Raises:
        PayloadRejected: PAYLOAD_FIELD_INVALID, PAYLOAD_FIELD_MISSING, CURRENCY_UNKNOWN, AMOUNT_OUT_OF_RANGE,
            AMOUNT_NOT_REPRESENTABLE.
    """
    if amount is None:
        return None
    text = bytes(amount.value) or bytes(amount.total)
    if text in {b"", b"null"}:
        return None
    code = amount.currency_code or amount.currency or currency
    if not code:
        raise PayloadRejected("an amount has no currency", reason="PAYLOAD_FIELD_MISSING")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise PayloadRejected("an amount is not a decimal number", reason="PAYLOAD_FIELD_INVALID")
    return from_decimal(match[1].decode("ascii"), code)


def magnitude(amount: Amount | None) -> Money | None:
    """Like `money`, without the sign, where the event says which way it goes: v1 refunds are negative."""
    found = money(amount)
    if found is not None and found.minor_units < 0:
        found.minor_units = -found.minor_units
    return found


def total(amounts: Iterable[Money | None]) -> Money | None:
    """The sum, if all are there and of one currency; else None: a sum over currencies means nothing."""
    return balance((one, 1) for one in amounts)


def balance(amounts: Iterable[tuple[Money | None, int]]) -> Money | None:
    """Like `total`, of amounts that each count with their sign: 1 or -1.

    Raises:
        PayloadRejected: AMOUNT_OUT_OF_RANGE.
    """
    units, currencies = 0, set()
    for one, sign in amounts:
        if one is None:
            return None
        units += sign * one.minor_units
        currencies.add(one.currency)
    if len(currencies) != 1:
        return None
    if abs(units) > _MAX_INT64:
        raise PayloadRejected("an amount does not fit in 64 bits", reason="AMOUNT_OUT_OF_RANGE")
    return Money(minor_units=units, currency=currencies.pop())


def decimal_text(minor_units: int, currency: str) -> str:
    """The text that PayPal writes: 1099 USD → "10.99", 500 JPY → "500", 50000 HUF → "500".

    Raises:
        ValueError: A fraction of what PayPal takes: 10050 HUF.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    places = exponent(currency)
    number = Decimal(minor_units).scaleb(-places)
    if currency not in WITHOUT_DECIMALS:
        return f"{number:.{places}f}"
    if number != number.to_integral_value():
        raise ValueError(f"PayPal takes no decimals in {currency}")
    return f"{number:.0f}"
