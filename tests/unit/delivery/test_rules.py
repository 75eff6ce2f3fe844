"""When to try again, what answers mean, who gets how many slots: the pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.delivery.claims import mixed
from orchestrator.delivery.schedule import MOST_S, SCHEDULE_S, next_attempt_s, pause_s, retry_after_of
from orchestrator.delivery.sharing import Pace, allowed_by_rate, share
from orchestrator.delivery.verdicts import Answer, Verdict, judge
from orchestrator.ledger.fanout import Patterns, delivery_key, line_of
from orchestratorx_prism.event_types import DATA_MEMBER

HOUR = 3_600
NOW_S = 1_767_268_800.0


def test_the_schedule_is_the_published_one() -> None:
    assert SCHEDULE_S == (5, 300, 1_800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
    assert next_attempt_s(10, 0.5) is None


@given(st.integers(1, 9), st.floats(0, 1))
def test_jitter_only_makes_a_wait_longer_and_by_a_fifth_at_most(failures: int, dice: float) -> None:
    wait = next_attempt_s(failures, dice)
    assert wait is not None
    assert SCHEDULE_S[failures - 1] <= wait <= SCHEDULE_S[failures - 1] * 1.2


def test_an_endpoint_is_not_tried_before_it_asked_to_be() -> None:
    assert next_attempt_s(1, 0.0, 120.0) == 120.0
    assert next_attempt_s(2, 0.0, 120.0) == 300.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999999", MOST_S),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60.0),
        ("Thursday, 01-Jan-26 12:01:00 GMT", 60.0),
        ("Thu Jan  1 12:01:00 2026", 60.0),
        ("Thu, 01 Jan 2020 12:01:00 GMT", 0.0),
        ("Thu, 01 Jan 2099 12:01:00 GMT", MOST_S),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("\u00b2", None),
        ("9" * 400, None),
        ("Thu, 99 Jan 2026 12:01:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_believed_up_to_a_day(text: str | None, seconds: float | None) -> None:
    assert retry_after_of(text, NOW_S) == seconds


@given(st.text(max_size=80))
def test_no_retry_after_breaks_its_reader(text: str) -> None:
    found = retry_after_of(text, NOW_S)
    assert found is None or 0.0 <= found <= MOST_S


def test_pauses_begin_after_a_hiccup_grow_and_end_at_a_minute() -> None:
    assert [pause_s(strikes, 0.0) for strikes in range(1, 6)] == [0.0, 0.0, 1.0, 2.0, 4.0]
    assert pause_s(1_000_000, 1.0) == pytest.approx(72.0)
    assert pause_s(1, 0.0, overloaded=True) == 1.0
    assert pause_s(1, 0.0, overloaded=True, retry_after_s=90.0) == 90.0


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (301, Verdict.FAILED),
        (308, Verdict.FAILED),
        (400, Verdict.FAILED),
        (404, Verdict.FAILED),
        (410, Verdict.GONE),
        (429, Verdict.OVERLOADED),
        (500, Verdict.FAILED),
        (502, Verdict.OVERLOADED),
        (503, Verdict.FAILED),
        (504, Verdict.OVERLOADED),
        (0, Verdict.FAILED),
    ],
)
def test_every_status_has_a_meaning(status: int, verdict: Verdict) -> None:
    judged = judge(Answer(status, reason="" if status else "TIMEOUT"), NOW_S)
    assert judged.verdict is verdict
    assert bool(judged.error) is (verdict is not Verdict.DELIVERED)


def test_what_our_own_guard_kept_back_is_refused() -> None:
    judged = judge(Answer(reason="ADDRESS_REFUSED", detail="x", refused=True), NOW_S)
    assert (judged.verdict, judged.error) == (Verdict.REFUSED, "ADDRESS_REFUSED: x")


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 200))
def test_shares_are_fair_and_use_what_there_is(wants: list[int], most: int) -> None:
    given_ = share(wants, most)
    assert all(0 <= part <= want for part, want in zip(given_, wants, strict=True))
    assert sum(given_) == min(most, sum(wants))
    for part, want in zip(given_, wants, strict=True):
        if part < want:
            assert part >= max(given_, default=0) - 1


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_repeats_never_take_more_than_half_while_first_attempts_wait(first: int, again: int, quota: int) -> None:
    taken = mixed(list(range(first)), list(range(100, 100 + again)), quota)
    assert len(taken) == len(set(taken)) == min(quota, first + again)
    repeats = sum(one >= 100 for one in taken)
    assert repeats <= max(quota // 2, quota - first)
    assert repeats > 0 or not again or quota < 2


def test_an_endpoint_earns_requests_by_quick_answers_and_loses_them_by_failures() -> None:
    pace = Pace()
    for _ in range(50):
        pace.answered(well=True, seconds=0.01, most=16)
    assert (pace.window, pace.suspect) == (16, False)
    pace.answered(well=True, seconds=5.0, most=16)
    assert (pace.window, pace.suspect) == (4, True)
    for _ in range(5):
        pace.answered(well=False, seconds=0.01, most=16)
    assert (pace.window, pace.suspect) == (1, True)


def test_no_rate_is_no_limit_and_a_used_up_one_lets_nothing_go() -> None:
    assert allowed_by_rate(0, 0, 10**15)[0] > 10**6
    assert allowed_by_rate(10, 10**15 + 200_000, 10**15)[0] == 0
    assert 1 <= allowed_by_rate(10, 0, 10**15)[0] <= 2


@pytest.mark.parametrize(
    ("patterns", "event_type", "taken"),
    [
        ([], "payment.captured", True),
        (["payment.*"], "payment.captured", True),
        (["payment.*"], "payment_method.attached", False),
        (["payment.captured"], "payment.captured", True),
        (["payment.captured"], "payment.created", False),
        (["payment.transaction.succeeded"], "payment.captured", True),
        (["*"], "refund.failed", True),
    ],
)
def test_patterns_mean_what_they_mean_for_channels(patterns: list[str], event_type: str, taken: bool) -> None:
    from orchestrator.publishing.channels import Selection

    assert Patterns(patterns).take(event_type) is taken
    for name in DATA_MEMBER:
        from orchestratorx_prism.v1.event_pb2 import Event

        assert Patterns(patterns).take(name) is Selection(tuple(patterns)).takes(Event(type=name))


def test_keys_are_one_for_each_endpoint_and_event() -> None:
    keys = {delivery_key(endpoint, event) for endpoint in range(1, 50) for event in ("a", "b", "\ud800")}
    assert len(keys) == 147
    assert {len(key) for key in keys} == {16}
    assert line_of("pay_1") == line_of("pay_1") != line_of("pay_2")
