"""A circuit breaker: after failures in a row a provider is left alone for a while. Pure; the caller brings the time."""

from __future__ import annotations

from typing import Final

FAILURES: Final = 5
"""In a row, until it opens."""
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0


class Breaker:
    """Of one connector and merchant. Closed: all calls pass. Open: none. After its pause one passes, and decides."""

    __slots__ = ("_failures", "_open_until", "_pause_s", "_trying")

    def __init__(self) -> None:
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._open_until = 0.0
        self._trying = False

    def wait_s(self, now: float) -> float:
        """0: the call may pass, and must end in `succeeded` or `failed`. Else how long to leave the provider alone."""
        if self._failures < FAILURES:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if self._trying:
            return self._pause_s
        self._trying = True
        return 0.0

    def succeeded(self) -> None:
        """The provider answered, whatever it said."""
        self._failures, self._pause_s, self._trying = 0, FIRST_PAUSE_S, False

    def failed(self, now: float) -> None:
        """It did not answer."""
        self._failures += 1
        if self._failures < FAILURES:
            return
        if self._trying:
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)
        self._trying = False
        self._open_until = now + self._pause_s

    def is_open(self, now: float) -> bool:
        """Whether calls are turned away now."""
        return self._failures >= FAILURES and now < self._open_until
