"""Fetches deliveries and hands them out, as many at a time as are wanted; stops in good order.

Order per key is the subscription's work: it never has two unfinished deliveries of one key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from orchestratorx_prism.brokers.base import BrokerUnavailable, Delivery, Subscription
from orchestratorx_prism.consuming.ending import cancelled_by_others, end

_log = logging.getLogger(__name__)

_FETCH_S = 1.0
"""How long one fetch waits; so long stopping may take, beside the handlers."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
"""Between fetches while the broker does not answer."""


class Pump:
    """`run` until `stop`."""

    def __init__(
        self, subscription: Subscription, handle: Callable[[Delivery], Awaitable[None]], *, concurrency: int
    ) -> None:
        """
        Args:
            handle: Ends the delivery. What it raises is logged, and the delivery left to come again.
        """
        self._subscription = subscription
        self._handle = handle
        self._concurrency = concurrency
        self._working: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @property
    def working(self) -> int:
        """Deliveries in the hands of handlers."""
        return len(self._working)

    def is_working_on(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether the task is one in which a handler runs."""
        return task in self._working

    def stop(self) -> None:
        """No more fetching. `run` returns once that is so; `drain` ends what is in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Fetches and hands out, through outages of the broker.

        Raises:
            PrismError: The broker refuses for good: its settings do not hold together any more.
        """
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            free = await self._room()
            if self._stopping.is_set():
                return
            try:
                deliveries = await self._fetch(free)
            except BrokerUnavailable as away:
                _log.warning("the broker does not answer, next try in %.1f s: %s", pause_s, away.message)
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _FIRST_PAUSE_S
            if self._stopping.is_set():
                await _give_back(deliveries)
            else:
                self._hand_out(deliveries)

    async def drain(self, grace_s: float) -> int:
        """Waits for the handlers, then stops those that are left; returns how many these were."""
        if not self._working:
            return 0
        _, left = await asyncio.wait(set(self._working), timeout=grace_s)
        await end(left)
        return len(left)

    async def _fetch(self, limit: int) -> Sequence[Delivery]:
        try:
            return await self._subscription.fetch(limit=limit, timeout_s=_FETCH_S)
        except asyncio.CancelledError as error:
            if not cancelled_by_others():
                raise
            # Else a client library that gives up what it waits for would end us, and nobody would hear of it.
            raise BrokerUnavailable("the client gave up the call") from error

    def _hand_out(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            task = asyncio.create_task(self._guarded(delivery))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _guarded(self, delivery: Delivery) -> None:
        try:
            await self._handle(delivery)
        except BrokerUnavailable as away:
            _log.warning("message %s will come again: the broker was not told: %s", delivery.message.id, away.message)
        except Exception:
            _log.exception("message %s will come again: it could not be ended", delivery.message.id)

    async def _room(self) -> int:
        """How many more may be in hand; waits until that is at least one, or until `stop`."""
        while len(self._working) >= self._concurrency and not self._stopping.is_set():
            stopping = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait({*self._working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
        return self._concurrency - len(self._working)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def _give_back(deliveries: Sequence[Delivery]) -> None:
    """At once, for other consumers. If the broker cannot be told, they time out."""
    for delivery in deliveries:
        with contextlib.suppress(BrokerUnavailable):
            await delivery.nack()
