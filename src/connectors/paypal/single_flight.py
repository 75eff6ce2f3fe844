"""Values that are fetched once for all who wait for them, and kept until they expire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from connectors.spi import SignatureRejected

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Expiring(Generic[T]):
    """A value, or a refusal that holds for a while."""

    value: T | None
    lifetime_s: float
    refusal: Callable[[], SignatureRejected] | None = None


class SingleFlight(Generic[T]):
    """A small cache by key. At most `size` values; the oldest goes first.

    One fetch serves everybody who asks meanwhile. A waiter that gives up takes nothing from the others. A failed fetch
    is told to all who wait for it and is not kept.
    """

    def __init__(self, size: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._now_s = now_s
        self._kept: dict[str, tuple[Expiring[T], float]] = {}
        self._under_way: dict[str, asyncio.Task[Expiring[T]]] = {}

    async def get(self, key: str, fetch: Callable[[], Coroutine[Any, Any, Expiring[T]]]) -> T:
        """The kept value, or what `fetch` brings. Raises what it raises, and a kept refusal."""
        kept = self._kept.get(key)
        if kept is not None and self._now_s() < kept[1]:
            return _value(kept[0])
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(fetch())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return _value(await asyncio.shield(task))

    def forget(self, key: str, value: T) -> None:
        """Drops the kept value if it still is this one, and not a newer one that somebody else has fetched."""
        kept = self._kept.get(key)
        if kept is not None and kept[0].value == value:
            del self._kept[key]

    async def aclose(self) -> None:
        """Stops what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: str, task: asyncio.Task[Expiring[T]]) -> None:
        self._under_way.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        found = task.result()
        self._kept.pop(key, None)
        while len(self._kept) >= self._size:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (found, self._now_s() + found.lifetime_s)


def _value(found: Expiring[T]) -> T:
    if found.refusal is not None:
        raise found.refusal()
    if found.value is None:
        raise ValueError("neither a value nor a refusal was fetched")
    return found.value
