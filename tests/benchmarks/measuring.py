"""How things are measured here: CPU time, not the clock on the wall, and always beside a floor of the same run."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HASH_US = 2.8
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    name: str
    us: float
    """CPU microseconds an event."""
    floor: str = ""
    floor_us: float = 0.0
    limit_us: float | None = None
    """The budget on the machine it was set on, where `hmac.digest` of the body takes `HASH_US`."""
    limit_ratio: float | None = None
    """The budget as a multiple of the floor; decides, where given, for machines differ."""
    most_us: float | None = None
    """The budget of a time on the clock, on any machine."""

    @property
    def ratio(self) -> float:
        return self.us / self.floor_us if self.floor_us else 0.0

    def within(self, speed: float) -> bool:
        """Whether the budget holds, by either of its forms. `speed`: how much longer hashing takes here."""
        if self.most_us is not None:
            return self.us <= self.most_us
        by_time = self.limit_us is not None and self.us <= self.limit_us * speed
        by_ratio = self.limit_ratio is not None and self.ratio <= self.limit_ratio
        return by_time or by_ratio or (self.limit_us is None and self.limit_ratio is None)


def cpu_us(work: Callable[[], object], *, times: int, rounds: int = 7) -> float:
    """Median CPU microseconds of one call of `work`, over `rounds` of `times` calls."""
    work()
    taken = []
    gc.collect()
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(times):
            work()
        taken.append((time.process_time() - began) / times * 1e6)
    return statistics.median(taken)


def process_cpu_s(pid: int) -> float:
    """CPU seconds that a process and all its threads have used. Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
