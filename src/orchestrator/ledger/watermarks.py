"""Watermarks: how far a provider's own list was fetched, so that the next look begins there; and in memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Source:
    """Whose list of which provider."""

    merchant_id: str
    connector: str
    environment: int
    """Environment's number: test and live lists are two."""


class Watermarks(Protocol):
    """The store. Every method raises `Unavailable` when the database cannot answer; nothing is half done then."""

    async def get(self, source: Source) -> int | None:
        """Until when everything was fetched and recorded. Unix seconds; None: nothing was."""
        ...

    async def advance(self, source: Source, until_s: int) -> None:
        """Moves it forward; never back, whoever else moves it."""
        ...

    async def begin(self, source: Source, *, every_s: float) -> bool:
        """Whether it is time for a look, by the database's clock: nobody has begun one within `every_s`. If so, the
        look counts as begun, so that of several processes one takes it."""
        ...


class MemoryWatermarks:
    """Implements `Watermarks` without a disk."""

    def __init__(self) -> None:
        self._until: dict[Source, int] = {}
        self._tried: dict[Source, float] = {}

    async def get(self, source: Source) -> int | None:
        """See `Watermarks`."""
        return self._until.get(source)

    async def advance(self, source: Source, until_s: int) -> None:
        """See `Watermarks`."""
        self._until[source] = max(until_s, self._until.get(source, until_s))

    async def begin(self, source: Source, *, every_s: float) -> bool:
        """See `Watermarks`."""
        now = time.monotonic()
        if source in self._tried and now < self._tried[source] + every_s:
            return False
        self._tried[source] = now
        return True
