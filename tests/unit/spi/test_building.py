"""Ids and times are the same everywhere."""

from __future__ import annotations

import uuid

import pytest

from connectors.spi.building import event_id, iso_time, local_time, unix_time
from orchestratorx_prism.errors import PayloadRejected


def test_an_event_id_is_a_uuid_and_never_changes() -> None:
    made = event_id("stripe", "default", "", 1, "evt_1")
    assert made == "8b1d1953-c167-8709-9e5b-078a588e2f0e"
    assert uuid.UUID(made).version == 8


def test_every_part_of_the_key_makes_another_id() -> None:
    base = ("stripe", "default", "acct", 1, "evt_1", 0)
    ids = {event_id(*base)}
    for changed in (
        ("adyen", "default", "acct", 1, "evt_1", 0),
        ("stripe", "other", "acct", 1, "evt_1", 0),
        ("stripe", "default", "", 1, "evt_1", 0),
        ("stripe", "default", "acct", 2, "evt_1", 0),
        ("stripe", "default", "acct", 1, "evt_2", 0),
        ("stripe", "default", "acct", 1, "evt_1", 1),
    ):
        ids.add(event_id(*changed))
    assert len(ids) == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01T00:00:00+03:00", 1767214800),
        ("2025-12-31T17:00:00-07:00", 1767225600),
        ("2026-01-01T00:00:00", 1767225600),
    ],
)
def test_iso_times_become_utc(text: str, seconds: int) -> None:
    assert iso_time(text).seconds == seconds


def test_fractions_of_a_second_are_kept() -> None:
    assert iso_time("2026-01-01T00:00:00.123456Z").nanos == 123_456_000
    assert iso_time("1969-12-31T23:59:59.5Z").seconds == -1


def test_a_local_time_without_offset_is_read_with_the_given_one() -> None:
    assert local_time("20260101030000", "%Y%m%d%H%M%S", 3).seconds == 1767225600


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(PayloadRejected):
        iso_time(text)


@pytest.mark.parametrize("seconds", [-(10**12), 10**12, float(10**15)])
def test_times_beyond_the_calendar_are_refused(seconds: float) -> None:
    with pytest.raises(PayloadRejected):
        unix_time(seconds)
