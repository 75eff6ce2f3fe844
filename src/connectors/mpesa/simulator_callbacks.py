"""The simulator's callbacks: when each is due, which are lost, which come twice.

Time is the simulator's clock, `SimulatorOptions.now_s`. With the real clock callbacks are sent by themselves. With any
other, whoever owns the clock moves it, and then calls `send_due`: nothing happens in between, so that a simulated day
takes as long as its callbacks do, and is the same every time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from typing import Final

from connectors.spi import SampleWebhook
from connectors.spi.simulating import SimulatorOptions

_SECOND_COPY_S: Final = 1.0
"""How long after the first a duplicate comes."""


class Callbacks:
    """What is to be sent, by due time."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._due: list[tuple[float, int, SampleWebhook]] = []
        self._count = itertools.count()
        self._timers: set[asyncio.Task[None]] = set()
        self._asleep: set[asyncio.Task[None]] = set()
        self.sent = 0
        """How many were delivered, copies included."""
        self.lost = 0
        """How many were never sent, by chance."""
        self.refused: list[Exception] = []
        """What `deliver` raised. M-Pesa does not send again, and nor does this."""

    def chance(self, name: str) -> random.Random:
        """Chance for one thing, by its name: the same for the same seed, in whatever order things happen."""
        return random.Random(f"{self._options.seed}|{name}")  # noqa: S311 - tests want to repeat it

    def schedule(self, due_s: float, webhook: SampleWebhook, name: str) -> None:
        """Sends the webhook at a time of the simulator's clock, unless chance loses it.

        Args:
            name: Of the callback, for chance.
        """
        if self._options.deliver is None:
            return
        chance = self.chance(f"callback {name}")
        if chance.random() < self._options.lost_callbacks:
            self.lost += 1
            return
        self._push(due_s, webhook)
        if chance.random() < self._options.duplicate_callbacks:
            self._push(due_s + _SECOND_COPY_S, webhook)

    def next_due_s(self) -> float | None:
        """When the next one is due, by the simulator's clock; None if there is none."""
        return self._due[0][0] if self._due else None

    async def send_due(self) -> int:
        """Sends everything that is due by the clock, in the order of its time. Returns how many."""
        deliver, before = self._options.deliver, self.sent
        while deliver is not None and self._due and self._due[0][0] <= self._options.now_s():
            webhook = heapq.heappop(self._due)[2]
            try:
                await deliver(webhook)
            except Exception as error:  # whatever the receiver does to us, the others get theirs
                self.refused.append(error)
            self.sent += 1
        return self.sent - before

    async def aclose(self) -> None:
        """Sends what is due, then stops."""
        for timer in self._asleep:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        await self.send_due()

    def _push(self, due_s: float, webhook: SampleWebhook) -> None:
        heapq.heappush(self._due, (due_s, next(self._count), webhook))
        if self._options.now_s is time.time:
            timer = asyncio.create_task(self._wait(due_s))
            for kept in (self._timers, self._asleep):
                kept.add(timer)
                timer.add_done_callback(kept.discard)

    async def _wait(self, due_s: float) -> None:
        # A clock may be a little behind the loop's: what is not due yet is waited for once more.
        while (rest_s := due_s - self._options.now_s()) > 0:  # noqa: ASYNC110 - there is nothing but the time to wait for
            await asyncio.sleep(rest_s)
        timer = asyncio.current_task()
        if timer is not None:
            self._asleep.discard(timer)
        await self.send_due()
