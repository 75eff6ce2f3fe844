"""Amounts: ISO 4217 exponents, and the two ways into `Money`: provider's minor units, and decimal text.

Where a provider's exponents differ from ISO 4217, its own `amounts.py` says so and passes them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.money_pb2 import Money

_MAX_INT64 = 2**63 - 1

# Source: ISO 4217, list one (current currencies and funds), by exponent. All others in use have two.
_EXPONENTS: dict[str, int] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
    **dict.fromkeys(
        (
            "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
            "CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
            "GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD "
            "MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
            "RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS "
            "UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"
        ).split(),
        2,
    ),
}


def exponent(currency: str) -> int:
    """Number of decimals of an upper-case ISO 4217 code: USD 2, JPY 0, KWD 3.

    Raises:
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise PayloadRejected(
            "the body names a currency that is not in ISO 4217",
            reason="CURRENCY_UNKNOWN",
            fix="check the currency at the provider; amounts of unknown currencies are never guessed",
        ) from None


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
    return _checked(value, code)


def from_decimal(text: str | int | Decimal, currency: str) -> Money:
    """Money from major units in decimal text: "10.99" with USD is 1099 minor units. Never through a float.

    Raises:
        PayloadRejected: CURRENCY_UNKNOWN, AMOUNT_OUT_OF_RANGE, AMOUNT_NOT_REPRESENTABLE, PAYLOAD_FIELD_INVALID.
    """
    code = currency.upper()
    places = exponent(code)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(text, str) and (not text.isascii() or "_" in text):
        number = Decimal("NaN")  # "1_0" and digits of other scripts: Python's numbers, and no provider's
    if not number.is_finite():
        raise PayloadRejected("an amount is not a decimal number", reason="PAYLOAD_FIELD_INVALID")
    if number.adjusted() > 18:
        raise _out_of_range()
    sign, digits, exp = number.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    shift = int(exp) + len(digits) - len(significant) + places
    if not significant:
        minor = 0
    elif shift < 0:
        raise PayloadRejected(
            f"the amount has more decimals than {code} has",
            reason="AMOUNT_NOT_REPRESENTABLE",
            fix="check the amount at the provider",
        )
    else:
        minor = int(significant) * 10**shift  # both small, for the number has at most 19 digits before its point
    return _checked(-minor if sign else minor, code)


def _checked(value: int, code: str) -> Money:
    if not -_MAX_INT64 <= value <= _MAX_INT64:
        raise _out_of_range()
    return Money(minor_units=value, currency=code)


def _out_of_range() -> PayloadRejected:
    return PayloadRejected(
        "an amount does not fit in 64 bits", reason="AMOUNT_OUT_OF_RANGE", fix="check the amount at the provider"
    )
