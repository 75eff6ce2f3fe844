"""Small parts: times, amounts, links, codes."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from connectors.paypal.amounts import WITHOUT_DECIMALS, Amount, decimal_text, magnitude, money, total
from connectors.paypal.failures import PROCESSOR_CODES, REASONS, failure
from connectors.paypal.payment_source import calendar, expiry, last4
from connectors.paypal.references import Link, link_name, own_kind
from connectors.paypal.single_flight import Expiring, SingleFlight
from connectors.paypal.times import first_moment, moment
from orchestratorx_prism.v1.error_pb2 import FailureCategory
from orchestratorx_prism.v1.money_pb2 import Money


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-14T09:26:53Z", 1773480413),
        ("2026-03-14T09:26:53.589Z", 1773480413),
        ("2026-03-14T02:26:53-07:00", 1773480413),
        ("2026-03-14T09:26:53.000", 1773480413),
        ("2026-03-14T02:26:53.449PDT", 1773480413),
        ("2026-03-14 01:26:53 PST", 1773480413),
        ("2026-03-14", 1773446400),
        ("2026-03-14 PDT", 1773471600),
    ],
)
def test_times_are_read_in_every_form_that_paypal_writes(text: str, seconds: int) -> None:
    found = moment(text)
    assert found is not None
    assert found.seconds == seconds


@pytest.mark.parametrize("text", [None, "", "2018-19-12T22:20:32.000Z", "soon", "2026-13-45 PDT", "2026-03-14 XYZ"])
def test_a_time_that_cannot_be_read_is_none(text: str | None) -> None:
    assert moment(text) is None
    found = first_moment(text, "2026-03-14T09:26:53Z")
    assert found is not None
    assert found.seconds == 1773480413


def test_the_sign_is_left_out_of_what_is_known_to_go_back() -> None:
    back = Amount(total=msgspec.Raw(b'"-0.15"'), currency="usd")
    assert magnitude(back) == Money(minor_units=15, currency="USD")
    assert money(back) == Money(minor_units=-15, currency="USD")
    assert magnitude(None) is None


@pytest.mark.parametrize("currency", sorted(WITHOUT_DECIMALS))
def test_currencies_without_decimals_are_written_without(currency: str) -> None:
    units = 500 if currency == "JPY" else 50_000
    assert decimal_text(units, currency) == "500"
    assert money(Amount(value=msgspec.Raw(b'"500"'), currency_code=currency)) == Money(
        minor_units=units, currency=currency
    )


def test_a_sum_needs_one_currency_and_no_gap() -> None:
    usd, eur = Money(minor_units=1, currency="USD"), Money(minor_units=1, currency="EUR")
    assert total([usd, usd]) == Money(minor_units=2, currency="USD")
    assert total([usd, eur]) is None
    assert total([usd, None]) is None
    assert total([]) is None


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("https://api.paypal.com/v2/payments/captures/1AB", ("capture", "1AB")),
        ("https://api.paypal.com/v2/payments/captures/1AB/refund", None),
        ("https://api.paypal.com/v1/payments/sale/1AB", ("sale", "1AB")),
        ("https://api.paypal.com/v1/payments/orders/O-1AB", ("order", "O-1AB")),
        ("https://api.paypal.com/v2/checkout/orders/1AB/capture", None),
        ("https://api.paypal.com/v1/payments/payment/PAY-1/execute", None),
        ("https://api.paypal.com/v1/payments/billing-agreements/I-1", None),
        ("https://api.paypal.com/v2/payments/captures/", None),
        ("captures/1AB", None),
        ("", None),
        (None, None),
    ],
)
def test_a_links_path_tells_what_it_names(href: str | None, found: tuple[str, str] | None) -> None:
    assert link_name(Link(href=href, rel="up")) == found


def test_what_an_object_is_stands_in_its_self_link() -> None:
    links = [Link("https://x/v2/payments/captures/C", "up"), Link("https://x/v2/payments/refunds/R", "self")]
    assert own_kind(links) == "refund"
    assert own_kind(links[:1]) == own_kind(None) == ""


@pytest.mark.parametrize(
    ("text", "end"), [("xxxxxxxx0331", "0331"), ("0331 ", "0331"), ("331", ""), ("x33l", ""), (None, "")]
)
def test_no_more_than_four_digits_are_taken(text: str | None, end: str) -> None:
    assert last4(text) == end


def test_only_months_of_years_are_expiries() -> None:
    assert expiry("2031-11") == calendar(" 2031 ", "11 ") == (2031, 11)
    for odd in ("2031-13", "2031-0", "31-11", "2031", "", None, "2031-1a"):
        assert expiry(odd) == (0, 0)


def test_every_code_has_a_word_and_a_category() -> None:
    for ours, category, retryable in {**PROCESSOR_CODES, **REASONS}.values():
        assert ours == ours.lower()
        assert category != FailureCategory.FAILURE_CATEGORY_UNSPECIFIED
        assert isinstance(retryable, bool)


def test_the_processors_code_goes_before_paypals_reason() -> None:
    found = failure("declined", processor_code="5400", reason="PAYMENT_DENIED", message="no")
    assert (found.code, found.provider_code, found.network_code) == ("expired_card", "5400", "5400")
    assert failure("declined", reason="NEVER_HEARD_OF").code == "declined"


async def test_kept_values_expire_and_the_oldest_leaves_first() -> None:
    now = 0.0
    kept: SingleFlight[str] = SingleFlight(2, now_s=lambda: now)
    fetched: list[str] = []

    def fetcher(key: str) -> object:
        async def fetch() -> Expiring[str]:
            fetched.append(key)
            return Expiring(key, 10.0)

        return fetch

    async def get(key: str) -> str:
        return await kept.get(key, fetcher(key))  # type: ignore[arg-type]

    for key in ("a", "b", "a", "b", "c", "b", "a"):
        assert await get(key) == key
    assert fetched == ["a", "b", "c", "a"]
    now = 10.0
    await get("a")
    assert fetched[-1] == "a"
    assert len(fetched) == 5


async def test_a_fetch_that_everybody_left_does_not_complain() -> None:
    kept: SingleFlight[str] = SingleFlight(2)

    async def fetch() -> Expiring[str]:
        await asyncio.sleep(0)
        raise RuntimeError("nobody hears this")

    waiter = asyncio.create_task(kept.get("a", fetch))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await kept.aclose()
