"""Amounts: M-Pesa counts Kenyan shillings in decimal numbers or text, never in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from connectors.spi import PayloadRejected
from connectors.spi.money import from_decimal, from_minor
from orchestratorx_prism.v1.money_pb2 import Money

CURRENCY: Final = "KES"
"""No M-Pesa body of Kenya is in another currency; most do not state it."""

_WHOLE_SHILLINGS: Final[Mapping[str, int]] = {CURRENCY: 0}
"""A whole number is shillings, not cents: ISO 4217 gives KES two decimals."""

_LONGEST: Final = 15
"""Digits before the point that surely fit in 64 bits as cents."""


def shillings(value: object) -> Money | None:
    """Money from an amount as decoded: 1, 1.00 and "1.00" are KES 1.00, which is 100 minor units. Never a float.

    Returns:
        None where the body gives no amount: absent, null or empty.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_INVALID (not a number, or negative), AMOUNT_OUT_OF_RANGE,
            AMOUNT_NOT_REPRESENTABLE (less than a cent).
    """
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    if isinstance(value, Decimal) or (isinstance(value, str) and "_" not in value and value.isascii()):
        money = _from_decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        money = from_minor(value, CURRENCY, _WHOLE_SHILLINGS)
    else:
        raise PayloadRejected("an amount is not a decimal number", reason="PAYLOAD_FIELD_INVALID")
    if money.minor_units < 0:
        raise PayloadRejected("an amount is negative", reason="PAYLOAD_FIELD_INVALID")
    return money


def _from_decimal(value: str | Decimal) -> Money:
    """Like `money.from_decimal`, which decides wherever the short way does not lead to exactly the same number."""
    try:
        number = Decimal(value)
        if -3 < number.adjusted() < _LONGEST:
            cents = int(number.scaleb(2))
            if Decimal(cents).scaleb(-2) == number:
                return Money(minor_units=cents, currency=CURRENCY)
    except (ArithmeticError, ValueError):
        pass  # no number, NaN or infinity: refused below, with its reason
    return from_decimal(value, CURRENCY)


def charge(value: object) -> Money | None:
    """Money from the text of one charge, "Fee For B2C Payment|KES|33.00"; None where there is none, or several."""
    if not isinstance(value, str):
        return None
    parts = value.split("|")
    if len(parts) != 3 or parts[1].strip() != CURRENCY:
        return None
    return shillings(parts[2])
