"""Stripe's own exponents, where they differ from ISO 4217, and amounts in both directions."""

from __future__ import annotations

from typing import Final

from connectors.spi.money import exponent, from_minor
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.money_pb2 import Money

# Source: Stripe docs, "Supported currencies": zero-decimal, three-decimal and special cases.
# - MGA is zero-decimal at Stripe; ISO 4217 gives it two decimals (in practice fifths).
# - ISK and UGX have no decimals, but Stripe keeps sending two for compatibility: 500 is ISK 5. The last two are 0.
# - The others of Stripe's zero-decimal list (BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF) and its
#   three-decimal ones (BHD JOD KWD OMR TND, last digit 0) are as ISO 4217 has them.
# - HUF and TWD are sent with two decimals; that payouts in them must be divisible by 100 does not change the scale.
EXPONENTS: Final[dict[str, int]] = {"ISK": 2, "MGA": 0, "UGX": 2}
"""Decimals in Stripe's amounts, upper-case code → number, for those that are not as in ISO 4217."""


def money(amount: int | None, currency: str | None) -> Money | None:
    """Money from Stripe's `amount` and `currency`; None if there is no amount. 500 with "isk" is 5 minor units.

    Raises:
        PayloadRejected: An amount without a currency, or of an unknown one, or out of range.
    """
    if amount is None:
        return None
    if currency is None:
        raise PayloadRejected(
            "an amount has no currency",
            reason="PAYLOAD_FIELD_MISSING",
            fix="pass the body as Stripe sent it; amounts without a currency are never guessed",
        )
    return from_minor(amount, currency, EXPONENTS)


def stripe_amount(minor_units: int, currency: str) -> int:
    """The other way, for the simulator: 5 with "ISK" is 500. ISO minor units to what Stripe would send.

    Raises:
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    code = currency.upper()
    ours = exponent(code)
    theirs = EXPONENTS.get(code, ours)
    if theirs >= ours:
        return minor_units * int(10 ** (theirs - ours))
    return minor_units // int(10 ** (ours - theirs))
