"""Adyen's minor units, where they differ from ISO 4217: its `amount` objects as `Money`, and `Money` as they.

Source: Adyen docs, "Currency codes and minor units": for CLP, CVE, IDR and ISK its own table leads, not the standard.
"""

from __future__ import annotations

from typing import Any, Final

from connectors.adyen.shapes import Amount
from connectors.spi.money import exponent, from_minor
from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.v1.money_pb2 import Money

EXPONENTS: Final[dict[str, int]] = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}
"""Currency → decimals of Adyen's minor units: ISK 10.00 is sent as 1000, IDR 10,000 as 10000."""


def money(amount: Amount | None) -> Money | None:
    """An `amount` object as sent, its sign kept. None if the body has no amount; zero without a currency is none, too.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING (a value without a currency), CURRENCY_UNKNOWN, AMOUNT_OUT_OF_RANGE,
            AMOUNT_NOT_REPRESENTABLE.
    """
    if amount is None or amount.value is None:
        return None
    if not amount.currency:
        if amount.value == 0:
            return None
        raise PayloadRejected("an amount has no currency", reason="PAYLOAD_FIELD_MISSING")
    return from_minor(amount.value, amount.currency, EXPONENTS)


def magnitude(amount: Amount | None) -> Money | None:
    """Like `money`, without the sign: platform webhooks write money going out as negative.

    Raises:
        PayloadRejected: As `money`.
    """
    found = money(amount)
    if found is not None and found.minor_units < 0:
        found.minor_units = -found.minor_units
    return found


def amount_object(minor: int, currency: str, *, field: str) -> dict[str, Any]:
    """ISO 4217 minor units as Adyen's `amount`: {"currency": "ISK", "value": 1000} of ISK 10, which is 10 in ISO's.

    Args:
        field: What a refusal names.

    Raises:
        RequestRejected: Adyen's unit is larger than the amount's: 1099 of IDR has a fraction of a rupiah.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    code = currency.upper()
    ours = exponent(code)
    theirs = EXPONENTS.get(code, ours)
    if theirs >= ours:
        return {"currency": code, "value": minor * 10 ** (theirs - ours)}
    whole, rest = divmod(minor, 10 ** (ours - theirs))
    if rest:
        raise RequestRejected(
            f"adyen sends {code} without decimals",
            metadata={"field": field},
            fix=f"take a multiple of {10 ** (ours - theirs)}",
        )
    return {"currency": code, "value": whole}
