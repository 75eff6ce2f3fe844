"""Wakes those who wait for something to be recorded. A hint, never a promise; safe across threads and event loops."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from weakref import WeakKeyDictionary


class Bell:
    """Rung after every commit. A task that reads, waits, reads, waits misses no ring in between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rings = 0
        self._heard: WeakKeyDictionary[asyncio.Task[object], int] = WeakKeyDictionary()
        """Task → rings when its last wait ended: what it has read since saw all of them."""
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def ring(self) -> None:
        """Wakes all. Costs next to nothing while nobody waits."""
        with self._lock:
            self._rings += 1
            if not self._waiting:
                return
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_wake, future)

    async def wait(self, timeout_s: float) -> None:
        """Returns at the next ring, at once if it rang since this task's last wait, or after `timeout_s`."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            missed = task is not None and self._heard.get(task, -1) != self._rings
            if not missed:
                self._waiting.append((loop, future))
        if not missed:
            await asyncio.wait({future}, timeout=timeout_s)
        with self._lock:
            self._waiting = [entry for entry in self._waiting if entry[1] is not future]
            if task is not None:
                self._heard[task] = self._rings


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
