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
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or "_" in str(value):
        raise PayloadRejected("an amount is not a decimal number", reason="PAYLOAD_FIELD_INVALID")
    money = from_minor(value, CURRENCY, _WHOLE_SHILLINGS) if isinstance(value, int) else from_decimal(value, CURRENCY)
    if money.minor_units < 0:
        raise PayloadRejected("an amount is negative", reason="PAYLOAD_FIELD_INVALID")
    return money


def charge(value: object) -> Money | None:
    """Money from the text of one charge, "Fee For B2C Payment|KES|33.00"; None where there is none, or several."""
    if not isinstance(value, str):
        return None
    parts = value.split("|")
    if len(parts) != 3 or parts[1].strip() != CURRENCY:
        return None
    return shillings(parts[2])
