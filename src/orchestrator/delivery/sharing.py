"""Who gets how much: slots for endpoints, and how far each endpoint may be trusted with them. Pure.

An endpoint begins with few requests at once and earns more by answering quickly; one that fails or is slow goes back
to one at a time (as TCP finds its window). And whoever failed or was slow, and every repeat, share one half of the
slots: the other half is always there for first attempts at endpoints that are well. So no number of endpoints that
hang can delay the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FIRST_WINDOW: Final = 2
SLOW_S: Final = 1.0
"""An answer that takes longer is slow."""


@dataclass(slots=True)
class Pace:
    """What one process knows of how an endpoint answers."""

    window: int = FIRST_WINDOW
    """How many requests it may have at once."""
    in_flight: int = 0
    suspect: bool = False
    """Whether its last answer was a failure, or slow."""

    def answered(self, *, well: bool, seconds: float, most: int) -> None:
        """Takes an attempt's end into account. `most`: the endpoint's own limit."""
        self.suspect = not well or seconds > SLOW_S
        if not well:
            self.window = max(1, self.window // 2)
        elif not self.suspect:
            self.window = min(most, self.window + 1)
        else:
            self.window = max(1, min(self.window, 4))


@dataclass(frozen=True, slots=True)
class Slots:
    """How many requests a process may begin now."""

    any: int
    slow: int
    """Of these, for repeats and for endpoints that are suspect."""


def share(wants: Sequence[int], most: int) -> list[int]:
    """Splits `most` so that nobody gets more than they want, and nobody less than another who wanted as much."""
    given = [0] * len(wants)
    open_ = [place for place, want in enumerate(wants) if want > 0]
    left = most
    while open_ and left > 0:
        each = max(1, left // len(open_))
        for place in open_:
            part = min(each, wants[place] - given[place], left)
            given[place] += part
            left -= part
        open_ = [place for place in open_ if given[place] < wants[place]]
    return given


def allowed_by_rate(per_second: int, paced_until_us: int, now_us: int) -> tuple[int, int]:
    """How many requests an endpoint's rate lets go now, and how far apart they count. Microseconds.

    They may be early by a tenth of a second, for claims are made some time apart; 0 a second is no limit.
    """
    if per_second <= 0:
        return 1 << 30, 0
    interval = 1_000_000 // per_second
    early = now_us + 100_000
    if paced_until_us > early:
        return 0, interval
    return (early - max(paced_until_us, now_us - interval)) // interval, interval
