"""Order per key for brokers that know no keys: of what one consumer has pulled, one unfinished delivery a key. Pure.

What it cannot do: know of messages that the broker gave to another consumer of the group. When a message was given
back, its key waits for it to come again; if another consumer gets it instead, the key goes on after a time.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Lane(Generic[T]):
    waiting: list[tuple[int, T]] = field(default_factory=list)
    """Position and item, oldest first."""
    in_hand: int | None = None
    """Position of the delivery that was handed out and is not ended."""
    expected: int | None = None
    """Position of the delivery that was given back and will come again."""
    expected_until_s: float = 0.0

    def is_free(self, now_s: float) -> bool:
        if self.in_hand is not None:
            return False
        return self.expected is None or now_s >= self.expected_until_s

    def is_idle(self, now_s: float) -> bool:
        return not self.waiting and self.is_free(now_s)


class KeyOrder(Generic[T]):
    """Items by key and position; positions grow in the order of publishing. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane[T]] = {}

    def add(self, key: str, position: int, item: T) -> None:
        """An item that came from the broker, for the first time or again. An empty key keeps no order."""
        lane = self._lanes.setdefault(key or f"\0{position}", _Lane())
        if lane.expected == position:
            lane.expected = None
        if lane.in_hand == position:
            # The broker gave up waiting for whoever has it: the one before is void.
            lane.in_hand = None
        lane.waiting = [entry for entry in lane.waiting if entry[0] != position]
        insort(lane.waiting, (position, item), key=lambda entry: entry[0])

    def take(self, limit: int, now_s: float) -> list[T]:
        """Hands out the oldest item of every key that has none in hand, the keys in the order they came."""
        taken: list[T] = []
        for key in list(self._lanes):
            lane = self._lanes[key]
            if lane.is_idle(now_s):
                del self._lanes[key]
            elif lane.waiting and lane.is_free(now_s) and len(taken) < limit:
                lane.expected = None
                lane.in_hand, item = lane.waiting.pop(0)
                taken.append(item)
        return taken

    def ended(self, key: str, position: int) -> None:
        """The item is done with: the key's next may go."""
        lane = self._lanes.get(key or f"\0{position}")
        if lane is not None and lane.in_hand == position:
            lane.in_hand = None

    def given_back(self, key: str, position: int, until_s: float) -> None:
        """The item will come again; the key waits for it, but not beyond `until_s`."""
        lane = self._lanes.get(key or f"\0{position}")
        if lane is not None and lane.in_hand == position:
            lane.in_hand = None
            lane.expected, lane.expected_until_s = position, until_s

    def waiting(self) -> Iterable[T]:
        """Every item that is held back."""
        return [item for lane in self._lanes.values() for _, item in lane.waiting]

    def next_change_s(self, now_s: float) -> float | None:
        """When time alone lets a waiting item go."""
        times = (
            lane.expected_until_s
            for lane in self._lanes.values()
            if lane.waiting and lane.in_hand is None and lane.expected is not None and lane.expected_until_s > now_s
        )
        return min(times, default=None)
