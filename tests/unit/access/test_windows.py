"""Sliding windows in a process's memory."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from orchestrator.access.windows import SLICES, OwnWindows, Rule

TEN = Rule("ten", 10, 60.0)


@dataclass
class Clock:
    """Seconds, as told."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_are_allowed_and_then_none_until_the_oldest_leaves() -> None:
    clock = Clock()
    windows = OwnWindows(clock=clock)
    standings = [windows.hit_now(TEN, "a") for _ in range(10)]
    assert [one.remaining for one in standings] == list(range(9, -1, -1))
    refused = windows.hit_now(TEN, "a")
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 60.0 <= refused.resets_in_s <= 61.0
    clock.now += refused.resets_in_s - 0.01
    assert not windows.look_now(TEN, "a").allowed
    clock.now += 0.02
    assert windows.look_now(TEN, "a").remaining == 10


def test_looking_counts_nothing_and_refused_ones_do_not_count() -> None:
    clock = Clock()
    windows = OwnWindows(clock=clock)
    assert windows.look_now(TEN, "a").remaining == 10
    for _ in range(50):
        windows.hit_now(TEN, "a")
        windows.look_now(TEN, "a")
    clock.now += 61.1
    assert windows.hit_now(TEN, "a").remaining == 9


def test_subjects_and_rules_count_apart() -> None:
    windows = OwnWindows(clock=Clock())
    for _ in range(10):
        windows.hit_now(TEN, "a")
    assert windows.hit_now(TEN, "b").allowed
    assert windows.hit_now(Rule("other", 1, 60.0), "a").allowed
    assert not windows.hit_now(TEN, "a").allowed


@pytest.mark.parametrize("seed", range(20))
def test_in_no_window_wherever_it_begins_are_there_more_than_allowed(seed: int) -> None:
    rng = random.Random(seed)
    clock = Clock(rng.uniform(0, 1e6))
    rule = Rule("r", rng.randint(1, 20), rng.choice([1.0, 60.0, 300.0]))
    windows = OwnWindows(clock=clock)
    taken: list[float] = []
    for _ in range(2_000):
        clock.now += rng.expovariate(rule.most / rule.window_s * rng.choice([0.5, 5.0]))
        if windows.hit_now(rule, "a").allowed:
            taken.append(clock.now)
            assert sum(at > clock.now - rule.window_s for at in taken[-100:]) <= rule.most
        else:  # never without cause: there were so many, give or take a slice
            counted_for_s = rule.window_s * (1 + 1 / SLICES)
            assert sum(at >= clock.now - counted_for_s for at in taken[-100:]) >= rule.most


def test_a_limit_that_was_lowered_holds_at_once() -> None:
    windows = OwnWindows(clock=Clock())
    for _ in range(5):
        windows.hit_now(TEN, "a")
    lowered = windows.hit_now(Rule("ten", 3, 60.0), "a")
    assert (lowered.allowed, lowered.remaining) == (False, 0)


def test_memory_is_bounded_and_whoever_was_silent_for_longest_is_forgotten() -> None:
    windows = OwnWindows(clock=Clock(), subjects=3)
    for subject in ("a", "b", "c"):
        windows.hit_now(TEN, subject)
    windows.hit_now(TEN, "a")
    windows.hit_now(TEN, "d")
    assert [windows.look_now(TEN, subject).remaining for subject in "abcd"] == [8, 10, 9, 9]
