"""Minor units and major units: how many decimals each currency has, and decimal numbers of amounts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.money_pb2 import Money

_MAX_INT64: Final = 2**63 - 1

# Source: ISO 4217, list one (current currencies and funds), by exponent. All others in use have two.
EXPONENTS: Final[Mapping[str, int]] = {
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
"""Upper-case code → number of decimals: USD 2, JPY 0, KWD 3."""


def exponent(currency: str) -> int:
    """Number of decimals of an upper-case ISO 4217 code: USD 2, JPY 0, KWD 3.

    Raises:
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise PayloadRejected(
            "the body names a currency that is not in ISO 4217",
            reason="CURRENCY_UNKNOWN",
            fix="check the currency at the provider; amounts of unknown currencies are never guessed",
        ) from None


def major_units(money: Money) -> Decimal:
    """The amount in major units, with as many decimals as the currency has: 1090 with USD is 10.90, with JPY 1090.

    Raises:
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    places, minor = exponent(money.currency), money.minor_units
    digits = tuple(map(int, str(abs(minor))))
    # By its digits, not by arithmetic: no context's precision can round it, and no amount is written as 1E+2.
    return Decimal((int(minor < 0), digits, -places))


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
    return checked_money(-minor if sign else minor, code)


def checked_money(value: int, code: str) -> Money:
    """Money of minor units.

    Raises:
        PayloadRejected: AMOUNT_OUT_OF_RANGE.
    """
    if not -_MAX_INT64 <= value <= _MAX_INT64:
        raise _out_of_range()
    return Money(minor_units=value, currency=code)


def _out_of_range() -> PayloadRejected:
    return PayloadRejected(
        "an amount does not fit in 64 bits", reason="AMOUNT_OUT_OF_RANGE", fix="check the amount at the provider"
    )
