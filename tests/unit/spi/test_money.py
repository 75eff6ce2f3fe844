"""Amounts in and out of minor units, without a float anywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.spi.money import exponent, from_decimal, from_minor
from orchestratorx_prism.errors import PayloadRejected


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10.99", "USD", 1099),
        ("19.99", "usd", 1999),
        ("1099", "JPY", 1099),
        ("1099.00", "JPY", 1099),
        ("1.099", "KWD", 1099),
        ("10", "KES", 1000),
        ("1.00", "KES", 100),
        ("-5", "USD", -500),
        ("0", "USD", 0),
        ("1e2", "USD", 10_000),
        ("1." + "0" * 5000, "USD", 100),
        (7, "ISK", 7),
        (Decimal("0.10"), "EUR", 10),
    ],
)
def test_decimal_text_becomes_minor_units(text: str, currency: str, minor: int) -> None:
    money = from_decimal(text, currency)
    assert (money.minor_units, money.currency) == (minor, currency.upper())


@pytest.mark.parametrize(
    ("text", "currency", "reason"),
    [
        ("10.999", "USD", "AMOUNT_NOT_REPRESENTABLE"),
        ("1.5", "JPY", "AMOUNT_NOT_REPRESENTABLE"),
        ("1e-999999999", "USD", "AMOUNT_NOT_REPRESENTABLE"),
        # More digits than Python turns into an integer: a refusal, never a ValueError.
        ("1." + "1" * 5000, "USD", "AMOUNT_NOT_REPRESENTABLE"),
        ("1e999999999", "USD", "AMOUNT_OUT_OF_RANGE"),
        ("99999999999999999999", "USD", "AMOUNT_OUT_OF_RANGE"),
        ("NaN", "USD", "PAYLOAD_FIELD_INVALID"),
        ("Infinity", "USD", "PAYLOAD_FIELD_INVALID"),
        ("ten", "USD", "PAYLOAD_FIELD_INVALID"),
        ("1_0", "USD", "PAYLOAD_FIELD_INVALID"),
        ("\uff11\uff10", "USD", "PAYLOAD_FIELD_INVALID"),
        ("\u0663", "USD", "PAYLOAD_FIELD_INVALID"),
        ("", "USD", "PAYLOAD_FIELD_INVALID"),
        ("1", "XXQ", "CURRENCY_UNKNOWN"),
        ("1", "", "CURRENCY_UNKNOWN"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_reason(text: str, currency: str, reason: str) -> None:
    with pytest.raises(PayloadRejected) as caught:
        from_decimal(text, currency)
    assert caught.value.reason == reason


def test_a_provider_that_counts_isk_with_two_decimals_is_converted() -> None:
    assert from_minor(1000, "isk", {"ISK": 2}).minor_units == 10
    with pytest.raises(PayloadRejected, match="fraction"):
        from_minor(1050, "ISK", {"ISK": 2})


def test_a_provider_with_fewer_decimals_is_converted() -> None:
    assert from_minor(5, "IDR", {"IDR": 0}).minor_units == 500


def test_beyond_64_bits_is_refused() -> None:
    assert from_minor(2**63 - 1, "USD", {}).minor_units == 2**63 - 1
    with pytest.raises(PayloadRejected) as caught:
        from_minor(2**63, "USD", {})
    assert caught.value.reason == "AMOUNT_OUT_OF_RANGE"


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "ISK", "KES", "CLF"]))
def test_minor_units_survive_the_way_through_decimal_text(minor: int, currency: str) -> None:
    text = str(Decimal(minor).scaleb(-exponent(currency)))
    assert from_decimal(text, currency).minor_units == minor


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_a_refusal(text: str) -> None:
    reason = ""
    try:
        from_decimal(text, "USD")
    except PayloadRejected as error:
        reason = error.reason
    assert reason in {"", "AMOUNT_NOT_REPRESENTABLE", "AMOUNT_OUT_OF_RANGE", "PAYLOAD_FIELD_INVALID"}
