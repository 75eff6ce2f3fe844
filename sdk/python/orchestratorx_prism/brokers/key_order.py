"""Order per key for brokers that know no keys: of what one consumer has pulled, one unfinished delivery a key. Pure.

What it cannot do: know of messages that the broker gave to another consumer of the group. When a message was given
back, its key waits for it to come again; if another consumer gets it instead, the key goes on after a time. So it does
when a message is neither ended nor given back, as when its acknowledgement was taken and the confirmation lost.
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
    in_hand: tuple[int, T] | None = None
    """What was handed out and is not ended."""
    expected: int | None = None
    """Position of what was given back and will come again."""
    blocked_until_s: float = 0.0
    """How long either of the two holds the others back."""

    def is_free(self, now_s: float) -> bool:
        return (self.in_hand is None and self.expected is None) or now_s >= self.blocked_until_s


class KeyOrder(Generic[T]):
    """Items by key and position; positions grow in the order of publishing. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane[T]] = {}

    def add(self, key: str, position: int, item: T) -> None:
        """An item that came from the broker, for the first time or again. An empty key keeps no order."""
        lane = self._lanes.setdefault(key or f"\0{position}", _Lane())
        if lane.expected == position:
            lane.expected = None
        if lane.in_hand is not None and lane.in_hand[0] == position:
            # The broker gave up waiting for whoever has it: the one before is void.
            lane.in_hand = None
        lane.waiting = [entry for entry in lane.waiting if entry[0] != position]
        insort(lane.waiting, (position, item), key=lambda entry: entry[0])

    def take(self, limit: int, now_s: float, *, until_s: float) -> list[T]:
        """Hands out the oldest item of every key that has none in hand, the keys in the order they came.

        `until_s`: when an item that is not ended stops holding its key back.
        """
        taken: list[T] = []
        for key in list(self._lanes):
            lane = self._lanes[key]
            if not lane.is_free(now_s):
                continue
            if not lane.waiting:
                del self._lanes[key]
            elif len(taken) < limit:
                lane.expected = None
                lane.in_hand = lane.waiting.pop(0)
                lane.blocked_until_s = until_s
                taken.append(lane.in_hand[1])
        return taken

    def ended(self, key: str, position: int) -> None:
        """The item is done with: the key's next may go."""
        lane = self._holding(key, position)
        if lane is not None:
            lane.in_hand = None

    def given_back(self, key: str, position: int, *, until_s: float) -> None:
        """The item will come again; the key waits for it, but not beyond `until_s`."""
        lane = self._holding(key, position)
        if lane is not None:
            lane.in_hand = None
            lane.expected, lane.blocked_until_s = position, until_s

    def has_ready(self, now_s: float) -> bool:
        """Whether `take` would hand something out."""
        return any(lane.waiting and lane.is_free(now_s) for lane in self._lanes.values())

    def has_waiting(self, key: str) -> bool:
        """Whether anything of the key is held back."""
        lane = self._lanes.get(key)
        return lane is not None and bool(lane.waiting)

    def waiting(self) -> list[T]:
        """Every item that is held back."""
        return [item for lane in self._lanes.values() for _, item in lane.waiting]

    def unfinished(self) -> list[T]:
        """Every item that is held back or in hand, oldest first."""
        entries = [entry for lane in self._lanes.values() for entry in _entries(lane)]
        return [item for _, item in sorted(entries, key=lambda entry: entry[0])]

    def next_change_s(self, now_s: float) -> float | None:
        """When time alone lets a waiting item go."""
        lanes = self._lanes.values()
        return min((lane.blocked_until_s for lane in lanes if lane.waiting and not lane.is_free(now_s)), default=None)

    def expected_in_s(self, key: str, now_s: float) -> float:
        """How long the key yet waits for what was given back; 0 if for nothing."""
        lane = self._lanes.get(key)
        return max(0.0, lane.blocked_until_s - now_s) if lane is not None and lane.expected is not None else 0.0

    def _holding(self, key: str, position: int) -> _Lane[T] | None:
        lane = self._lanes.get(key or f"\0{position}")
        return lane if lane is not None and lane.in_hand is not None and lane.in_hand[0] == position else None


def _entries(lane: _Lane[T]) -> Iterable[tuple[int, T]]:
    yield from lane.waiting
    if lane.in_hand is not None:
        yield lane.in_hand
