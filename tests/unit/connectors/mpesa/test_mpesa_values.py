"""Amounts, times and phones, in every form M-Pesa writes them in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mpesa.amounts import charge, shillings
from connectors.mpesa.values import EAT, identifier, last4, moment, text, without_phones
from connectors.spi import PayloadRejected
from connectors.spi.money import from_decimal
from orchestratorx_prism.v1.money_pb2 import Money


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        (1, 100),
        (Decimal("1.00"), 100),
        ("1.00", 100),
        (" 10.5 ", 1050),
        (Decimal("19.99"), 1999),
        (0, 0),
        ("0.00", 0),
        (Decimal("1E+2"), 10_000),
        ("92233720368547758.07", 2**63 - 1),
        (92_233_720_368_547_758, 9_223_372_036_854_775_800),
    ],
)
def test_shillings_become_exact_cents(value: object, cents: int) -> None:
    money = shillings(value)
    assert money is not None
    assert (money.minor_units, money.currency) == (cents, "KES")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_amount_is_not_an_amount_of_zero(value: object) -> None:
    assert shillings(value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("ten", "PAYLOAD_FIELD_INVALID"),
        ("NaN", "PAYLOAD_FIELD_INVALID"),
        ("-Infinity", "PAYLOAD_FIELD_INVALID"),
        ("1_000", "PAYLOAD_FIELD_INVALID"),
        ("1,000.00", "PAYLOAD_FIELD_INVALID"),
        (True, "PAYLOAD_FIELD_INVALID"),
        ([1], "PAYLOAD_FIELD_INVALID"),
        (-1, "PAYLOAD_FIELD_INVALID"),
        ("-0.01", "PAYLOAD_FIELD_INVALID"),
        ("0.001", "AMOUNT_NOT_REPRESENTABLE"),
        (Decimal("1.0000000000000000000000000000000000001"), "AMOUNT_NOT_REPRESENTABLE"),
        (Decimal("1." + "1" * 5000), "AMOUNT_NOT_REPRESENTABLE"),
        ("\uff11\uff10", "PAYLOAD_FIELD_INVALID"),
        ("92233720368547758.08", "AMOUNT_OUT_OF_RANGE"),
        (10**30, "AMOUNT_OUT_OF_RANGE"),
        (Decimal("1E+400"), "AMOUNT_OUT_OF_RANGE"),
    ],
)
def test_what_is_no_amount_is_refused_with_its_reason(value: object, reason: str) -> None:
    with pytest.raises(PayloadRejected) as refused:
        shillings(value)
    assert refused.value.reason == reason


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=10**20, allow_nan=False, allow_infinity=False))
def test_the_short_way_to_cents_agrees_with_the_long_one(value: Decimal) -> None:
    assert (
        outcome(shillings, value)
        == outcome(shillings, str(value))
        == outcome(lambda it: from_decimal(it, "KES"), value)
    )


def outcome(convert: Callable[[Any], Money | None], value: object) -> object:
    """The money, or the reason of the refusal."""
    try:
        return convert(value)
    except PayloadRejected as refused:
        return refused.reason


def test_a_charge_is_read_from_its_text_and_several_are_left_alone() -> None:
    fee = charge("Fee For B2C Payment|KES|33.00")
    assert fee is not None
    assert fee.minor_units == 3300
    assert charge("") is None
    assert charge(None) is None
    assert charge("A|KES|1.00&B|KES|2.00") is None


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (20170727101415, datetime(2017, 7, 27, 7, 14, 15, tzinfo=UTC)),
        ("20170727101415", datetime(2017, 7, 27, 7, 14, 15, tzinfo=UTC)),
        (Decimal("20170727101415"), datetime(2017, 7, 27, 7, 14, 15, tzinfo=UTC)),
        ("17.07.2017 10:54:57", datetime(2017, 7, 17, 7, 54, 57, tzinfo=UTC)),
        ("20240101020000", datetime(2023, 12, 31, 23, 0, 0, tzinfo=UTC)),
        ("2026-03-14 10:13:00", datetime(2026, 3, 14, 7, 13, 0, tzinfo=UTC)),
        ("2026-03-14T10:13:00Z", datetime(2026, 3, 14, 10, 13, 0, tzinfo=UTC)),
        ("2026-03-14T10:13:00+01:00", datetime(2026, 3, 14, 9, 13, 0, tzinfo=UTC)),
        ("2026-03-14", datetime(2026, 3, 13, 21, 0, 0, tzinfo=UTC)),
    ],
)
def test_times_become_utc(value: object, utc: datetime) -> None:
    found = moment(value, "Time")
    assert found is not None
    assert found.ToDatetime(tzinfo=UTC) == utc


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 31)))
def test_stamps_are_read_as_the_calendar_reads_them(when: datetime) -> None:
    found = moment(int(when.strftime("%Y%m%d%H%M%S").rjust(14, "0")), "Time")
    assert found is not None
    assert found.seconds == int(when.replace(tzinfo=EAT, microsecond=0).timestamp())


@pytest.mark.parametrize(
    "value",
    ["20171327101415", "20170727251415", "20170727106015", "20170727101460", "00000727101415", "32.07.2017 10:54:57",
     "yesterday", "١٢٣٤٠٧٢٧١٠١٤١٥", True, {}],
)  # fmt: skip
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(PayloadRejected) as refused:
        moment(value, "Time")
    assert refused.value.reason == "PAYLOAD_FIELD_INVALID"


def test_no_time_is_no_time() -> None:
    assert moment(None, "Time") is None
    assert moment("", "Time") is None


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        (254700000321, "0321"),
        ("254110000321", "0321"),
        ("+254700000321", "0321"),
        ("0700000321", "0321"),
        ("2547 ***** 321", ""),
        ("2547****4321", "4321"),
        ("*********867", ""),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", ""),
        ("", ""),
        (None, ""),
        (True, ""),
        ([], ""),
        ("600000", ""),
    ],
)
def test_at_most_four_digits_of_a_phone_are_told(phone: object, digits: str) -> None:
    assert last4(phone) == digits


def test_phones_in_sentences_are_cut() -> None:
    said = without_phones("Subscriber 254700000321 (0711000322) has no account 1234567890123")
    assert said == "Subscriber ***0321 (***0322) has no account 1234567890123"


@pytest.mark.parametrize("value", ["x" * 256, "a\x00b", "a\nb", "a\u202eb"])
def test_a_name_that_could_do_harm_is_refused(value: str) -> None:
    with pytest.raises(PayloadRejected) as refused:
        identifier(value, "TransID")
    assert refused.value.reason == "PAYLOAD_FIELD_INVALID"


@pytest.mark.parametrize("value", [True, [], {}, Decimal("1E+500"), Decimal("1E-400")])
def test_what_is_neither_text_nor_a_number_is_refused(value: object) -> None:
    with pytest.raises(PayloadRejected):
        text(value, "ResultCode")
