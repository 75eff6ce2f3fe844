"""Amounts: the two ways into `Money`: provider's minor units, and decimal text; the latter is the SDK's own.

Where a provider's exponents differ from ISO 4217, its own `amounts.py` says so and passes them in.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestratorx_prism.currencies import checked_money, exponent, from_decimal
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.money_pb2 import Money

__all__ = ["exponent", "from_decimal", "from_minor"]


def from_minor(value: int, currency: str, provider_exponents: Mapping[str, int]) -> Money:
    """Money from the provider's minor units.

    Args:
        value: In the provider's minor units: 1000 for ISK 10.00 at a provider that counts ISK with two decimals.
        currency: In any case.
        provider_exponents: The provider's exceptions to ISO 4217, upper case: {"ISK": 2}.

    Raises:
        PayloadRejected: CURRENCY_UNKNOWN, AMOUNT_OUT_OF_RANGE, AMOUNT_NOT_REPRESENTABLE (a fraction of a minor unit).
    """
    code = currency.upper()
    ours = exponent(code)
    theirs = provider_exponents.get(code, ours)
    if theirs < ours:
        value *= 10 ** (ours - theirs)
    elif theirs > ours:
        value, rest = divmod(value, 10 ** (theirs - ours))
        if rest:
            raise PayloadRejected(
                f"the amount has a fraction of a minor unit of {code}",
                reason="AMOUNT_NOT_REPRESENTABLE",
                fix="check the amount at the provider",
            )
    return checked_money(value, code)
