"""The dispatcher: claims what is due, posts it, writes down what came of it. Any number of processes at once.

The database is all it needs: a claim is committed before the first byte goes out, so a process that dies leaves its
deliveries to the others once the lease has ended. A hint wakes it when something was recorded; a poll is the backstop.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable

import structlog

from orchestrator.delivery.attempting import Attempter
from orchestrator.delivery.claims import ANY_ENABLED, FIND, Claimed, Owed, claim
from orchestrator.delivery.completer import Completer
from orchestrator.delivery.completing import GivenUp, Note
from orchestrator.delivery.endpoint_ids import endpoint_id
from orchestrator.delivery.housekeeping import Housekeeping, release
from orchestrator.delivery.options import Alert, DeliveryMetrics, DispatchOptions, NoDeliveryMetrics, no_alert
from orchestrator.delivery.posting import Poster
from orchestrator.delivery.registry import Registry
from orchestrator.delivery.sharing import Pace, Slots
from orchestrator.delivery.telling import Telling
from orchestrator.delivery.verdicts import Verdict
from orchestrator.ledger.tables import Tables
from orchestratorx_prism.errors import PrismError

_log = structlog.get_logger(__name__)
_HINT_S = 30.0
_AFTER_FAILURE_S = 1.0
_CLAIM_SHARE = 4.0
"""Claims leave the database alone at least so many times as long as they take."""


class Dispatcher:
    """Sends deliveries from `start` to `stop`."""

    def __init__(
        self,
        tables: Tables,
        registry: Registry,
        poster: Poster,
        wait_for_work: Callable[[float], Awaitable[None]],
        note: Note,
        *,
        options: DispatchOptions | None = None,
        metrics: DeliveryMetrics | None = None,
        alert: Alert = no_alert,
        telling: Telling | None = None,
    ) -> None:
        """
        Args:
            telling: Makes an event of an endpoint that was given up.
            wait_for_work: Returns when something may have been recorded, or after so many seconds.
            note: Writes a row into the audit log.
        """
        self._tables = tables
        self._wait_for_work = wait_for_work
        self._options = options or DispatchOptions()
        self._metrics = metrics or NoDeliveryMetrics()
        self._alert = alert
        self._attempter = Attempter(registry, poster)
        self._completer = Completer(
            tables,
            note,
            self._gave_up,
            disable_after_s=self._options.disable_after_s,
            patience_s=self._options.lease_margin_s,
        )
        self._housekeeping = Housekeeping(tables, poster, self._options, self._metrics, telling)
        self._paces: dict[int, Pace] = {}
        self._under_way: dict[asyncio.Task[None], Owed] = {}
        self._slow_under_way = 0
        self._idle = False
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._alerts: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins to send. A second call changes nothing."""
        if self._tasks:
            return
        self._stopping.clear()
        self._tasks = [
            asyncio.create_task(self._run(), name="deliveries"),
            asyncio.create_task(self._listen(), name="deliveries listening"),
        ]
        self._housekeeping.start()

    async def stop(self) -> None:
        """Claims nothing more; lets attempts under way end, for a while; gives back what did not."""
        self._stopping.set()
        self._wake.set()
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        claiming, *others = tasks
        for task in others:
            task.cancel()
        await asyncio.gather(claiming, *others, return_exceptions=True)
        await self._housekeeping.stop()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._options.drain_s)
        left = dict(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            with contextlib.suppress(PrismError):  # its lease ends by itself
                await self._tables.transact(lambda: release(list(left.values())))
        await asyncio.gather(*self._alerts, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            await self._wait_for_work(_HINT_S)
            self._wake.set()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                claimed = await self._claim()
            except PrismError as error:
                _log.warning("delivery.claim_failed", reason=error.reason)
                claimed = Claimed([], _AFTER_FAILURE_S)
            except Exception:
                # A defect must not end the sending: it is tried again, and seen.
                _log.error("delivery.claim_failed", exc_info=True)
                claimed = Claimed([], _AFTER_FAILURE_S)
            took_s = time.monotonic() - began
            for owed in claimed.owed:
                self._begin(owed)
            await asyncio.sleep(max(self._options.pause_s, _CLAIM_SHARE * took_s if not claimed.owed else 0.0))
            if not claimed.owed and not self._stopping.is_set():
                await self._rest(claimed.next_look_s)

    async def _rest(self, next_look_s: float | None) -> None:
        """Until a hint, the end of an attempt, or the time. Without an endpoint: the time, or the stop."""
        hint = self._stopping if self._idle else self._wake
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(self._options.poll_s, next_look_s or self._options.poll_s)):
                await hint.wait()

    async def _claim(self) -> Claimed:
        options = self._options
        self._wake.clear()
        free = min(options.batch, options.slots - len(self._under_way))
        slow = min(free, max(1, options.slots // 2) - self._slow_under_way)
        if free <= 0:
            return Claimed([], None)
        found = await self._tables.read(FIND)
        if not found:
            await self._look_whether_idle()
            return Claimed([], None)
        slots = Slots(free, max(0, slow))
        lease_us = int(options.lease_s * 1_000_000)
        claim_id = uuid.uuid4().bytes
        dice = random.Random()  # noqa: S311 - fairness, not secrecy
        return await self._tables.transact(lambda: claim(found, claim_id, lease_us, slots, self._paces, dice.shuffle))

    async def _look_whether_idle(self) -> None:
        """Without an endpoint no recording is a reason to look: what is recorded often would be paid for often."""
        self._idle = not await self._tables.read(ANY_ENABLED)

    def _begin(self, owed: Owed) -> None:
        pace = self._paces.setdefault(owed.endpoint, Pace())
        slow = owed.again or pace.suspect
        pace.in_flight += 1
        self._slow_under_way += slow
        task = asyncio.create_task(self._attempt(owed, pace))
        self._under_way[task] = owed

        def ended(done: asyncio.Task[None]) -> None:
            pace.in_flight -= 1
            self._slow_under_way -= slow
            del self._under_way[done]
            self._wake.set()

        task.add_done_callback(ended)

    async def _attempt(self, owed: Owed, pace: Pace) -> None:
        try:
            ended = await self._attempter.attempt(owed)
        except Exception:
            # A defect of ours is one delivery's failure, not everybody's; its lease ends, and it is tried again.
            _log.error("delivery.attempt_broken", exc_info=True, endpoint=endpoint_id(owed.endpoint))
            return
        if ended is None:
            return
        outcome, most = ended
        seconds = outcome.duration_ms / 1_000
        verdict = outcome.judged.verdict
        pace.answered(well=outcome.well, seconds=seconds, most=most)
        await self._completer.add(outcome)
        self._metrics.attempted(verdict.value, seconds)
        if verdict is Verdict.DELIVERED and not owed.again:
            self._metrics.delivered(max(0.0, time.time() - owed.created_us / 1_000_000))

    async def _gave_up(self, given_up: GivenUp) -> None:
        self._metrics.endpoint_failed()
        _log.error(
            "endpoint.failed",
            endpoint_id=endpoint_id(given_up.endpoint),
            merchant_id=given_up.merchant_id,
            reason=given_up.reason,
        )
        task = asyncio.create_task(_quietly(self._alert, given_up))
        self._alerts.add(task)
        task.add_done_callback(self._alerts.discard)


async def _quietly(alert: Alert, given_up: GivenUp) -> None:
    try:
        await alert(given_up)
    except Exception:
        # What tells people is outside of ours; that it failed must be seen, and stop nothing.
        _log.error("endpoint.alert_failed", exc_info=True)
