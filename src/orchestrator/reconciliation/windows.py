"""When what is fetched and asked: a span of time in windows, and questions that become ever rarer. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.spi.reconciling import Reconciling, Window


def windows_of(since_s: int, until_s: int, longest_s: int) -> Iterator[Window]:
    """The span in windows of at most `longest_s`, oldest first, without a gap."""
    while since_s < until_s:
        end_s = min(since_s + longest_s, until_s)
        yield Window(since_s, end_s)
        since_s = end_s


def earliest_s(now_s: float, reconciling: Reconciling) -> int:
    """How far back the provider's list goes. Unix seconds."""
    return int(now_s) - reconciling.reach_s + 1


def may_advance(window: Window, watermark_s: int | None, now_s: float, reconciling: Reconciling) -> bool:
    """Whether a recorded window moves the watermark: not where it would leave out what can still be fetched."""
    return watermark_s is None or window.since_s <= max(watermark_s, earliest_s(now_s, reconciling))


def is_time_to_ask(age_s: float, last_run_s: float, first_s: float) -> bool:
    """Whether something undecided is to be asked about: at the age of `first_s`, and of twice as much each time.

    Args:
        age_s: Its age now.
        last_run_s: How long ago the run before was, in which it may have been asked about; infinite: there was none.
    """
    due_s = first_s
    while due_s * 2 <= age_s:
        due_s *= 2
    return age_s >= due_s > age_s - last_run_s
