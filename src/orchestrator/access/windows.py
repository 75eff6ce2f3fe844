"""Sliding windows: how often something happened in the last so many seconds, never counted too low.

A window is cut into slices. A slice counts whole until all of it has left the window: so in no window, wherever it
begins, is there more than allowed; and what is counted leaves up to one slice late.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

SLICES: Final = 60
_SUBJECTS: Final = 10_000
"""Whose windows are kept at most; whoever was not heard of for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """So many within so long."""

    name: str
    most: int
    window_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands within a rule."""

    allowed: bool
    remaining: int
    """How many more there may be now."""
    resets_in_s: float
    """When the oldest of those that count leaves the window. Seconds; 0: none counts."""


class Windows(Protocol):
    """Counts by rule and subject."""

    async def hit(self, rule: Rule, subject: str) -> Standing:
        """Counts one more, if it is allowed."""
        ...

    async def look(self, rule: Rule, subject: str) -> Standing:
        """Whether one more would be allowed; counts nothing."""
        ...


class OwnWindows:
    """Implements `Windows` in this process's memory, which is bounded. Both methods end at once."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, subjects: int = _SUBJECTS) -> None:
        self._clock = clock
        self._most = subjects
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    async def hit(self, rule: Rule, subject: str) -> Standing:
        """See `Windows`."""
        return self.hit_now(rule, subject)

    async def look(self, rule: Rule, subject: str) -> Standing:
        """See `Windows`."""
        return self.look_now(rule, subject)

    def hit_now(self, rule: Rule, subject: str) -> Standing:
        """As `hit`."""
        window = self._windows.get((rule.name, subject))
        if window is None:
            if len(self._windows) >= self._most:
                self._windows.popitem(last=False)
            window = self._windows[rule.name, subject] = _Window()
        else:
            self._windows.move_to_end((rule.name, subject))
        return window.standing(rule, self._clock(), counts=True)

    def look_now(self, rule: Rule, subject: str) -> Standing:
        """As `look`."""
        window = self._windows.get((rule.name, subject))
        return Standing(rule.most > 0, rule.most, 0.0) if window is None else window.standing(rule, self._clock())


class _Window:
    __slots__ = ("_slices", "_total")

    def __init__(self) -> None:
        self._slices: deque[list[int]] = deque()
        """[which slice, how many], oldest first."""
        self._total = 0

    def standing(self, rule: Rule, now: float, *, counts: bool = False) -> Standing:
        width = rule.window_s / SLICES
        current = int(now / width)
        slices = self._slices
        while slices and slices[0][0] < current - SLICES:
            self._total -= slices.popleft()[1]
        allowed = self._total < rule.most
        if allowed and counts:
            if slices and slices[-1][0] == current:
                slices[-1][1] += 1
            else:
                slices.append([current, 1])
            self._total += 1
        resets_in_s = (slices[0][0] + SLICES + 1) * width - now if slices else 0.0
        return Standing(allowed, max(0, rule.most - self._total), resets_in_s)
