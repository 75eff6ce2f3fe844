"""Which rows of the outbox may be claimed: the oldest, and none before which another of its key is kept back. Pure.

Rows are looked at from the oldest unsent one on, so every row that could hold a later one back has been seen before it.
"""

from __future__ import annotations

from collections.abc import Sequence

_SLICE = 512


class Choice:
    """One claim under way. Feed it slices of (n, partition key, available at), in order of n."""

    def __init__(self, limit: int, now_us: int) -> None:
        self._limit = limit
        self._now_us = now_us
        self._kept_back: set[str] = set()
        self._ended = limit <= 0
        self.chosen: list[int] = []
        self.after = 0
        """Begin the next slice after this number."""

    @property
    def wants_more(self) -> bool:
        """Whether another slice is to be looked at."""
        return not self._ended and len(self.chosen) < self._limit

    @property
    def next_slice(self) -> int:
        """How many rows to read."""
        return min(_SLICE, max(16, 2 * (self._limit - len(self.chosen))))

    def look_at(self, rows: Sequence[Sequence[object]]) -> None:
        """Takes what may be taken of a slice."""
        wanted = self.next_slice
        for number, key, available_us in rows:
            if available_us > self._now_us:  # type: ignore[operator]  # held by a claim, or waiting for its next attempt
                self._kept_back.add(key)  # type: ignore[arg-type]
            elif key not in self._kept_back:
                if len(self.chosen) == self._limit:
                    return
                self.chosen.append(number)  # type: ignore[arg-type]
        if rows:
            self.after = rows[-1][0]  # type: ignore[assignment]
        self._ended = len(rows) < wanted
