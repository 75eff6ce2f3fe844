"""Spans in windows, when the watermark moves, and when something undecided is asked about."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.spi.reconciling import Reconciling, Window
from orchestrator.plugins import connector_named
from orchestrator.reconciliation.windows import is_time_to_ask, may_advance, windows_of

NOW_S = 1_800_000_000
DAY_S = 86_400


def reconciling() -> Reconciling:
    declared = connector_named("mpesa").reconciling
    assert declared is not None
    return declared


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 5_000))
def test_windows_leave_no_gap_and_overlap_nowhere(since: int, length: int, longest: int) -> None:
    windows = list(windows_of(since, since + length, longest))
    assert sum(window.until_s - window.since_s for window in windows) == length
    assert all(0 < window.until_s - window.since_s <= longest for window in windows)
    assert all(a.until_s == b.since_s for a, b in itertools.pairwise(windows))
    assert not windows or windows[0].since_s == since


def test_a_span_that_ends_before_it_begins_has_no_windows() -> None:
    assert list(windows_of(10, 5, 60)) == []


@pytest.mark.parametrize(
    ("since_ago_s", "watermark_ago_s", "moves"),
    [
        (3_600, None, True),
        (3_600, 3_600, True),
        (3_600, 1_800, True),
        (1_800, 3_600, False),
        (1_800, 3 * DAY_S, False),
        (2 * DAY_S, 3 * DAY_S, True),
    ],
    ids=[
        "the first",
        "where it ended",
        "before its end",
        "after a gap",
        "after a longer gap",
        "all there is",
    ],
)
def test_the_watermark_moves_only_where_nothing_is_left_out(
    since_ago_s: int, watermark_ago_s: int | None, moves: bool
) -> None:
    window = Window(NOW_S - since_ago_s, NOW_S)
    watermark_s = None if watermark_ago_s is None else NOW_S - watermark_ago_s
    assert may_advance(window, watermark_s, NOW_S, reconciling()) is moves


def test_what_stays_undecided_is_asked_about_ever_more_rarely() -> None:
    asked = [age for age in range(0, 40_000, 100) if is_time_to_ask(age, last_run_s=100, first_s=300)]
    assert asked == [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400]


def test_without_a_run_before_everything_old_enough_is_asked_about() -> None:
    assert not is_time_to_ask(299, math.inf, 300)
    assert all(is_time_to_ask(age, math.inf, 300) for age in range(300, 100_000, 777))


def test_a_long_pause_between_runs_skips_no_question() -> None:
    assert is_time_to_ask(age_s=5_000, last_run_s=4_900, first_s=300)
