"""Reconciles by itself, again and again, while a server runs."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import structlog

from orchestrator.ledger.base import Ledger
from orchestrator.ledger.watermarks import Source
from orchestrator.reconciliation.reconciler import Reconciler
from orchestratorx_prism.errors import PrismError

LOOK_S: Final = 30.0
"""How often it is looked whether it is time; others may have begun, or ended, meanwhile."""

_log = structlog.get_logger(__name__)


class Schedule:
    """One run for each list every `every_s`, by whichever of several processes comes first."""

    def __init__(self, reconciler: Reconciler, ledger: Ledger, *, every_s: float) -> None:
        """`every_s`: 0 switches it off."""
        self._reconciler = reconciler
        self._ledger = ledger
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, with a first look at once: what was missed while nothing ran is fetched soon."""
        if self._every_s > 0 and self._task is None:
            self._task = asyncio.create_task(self._run(), name="reconciliation")

    async def stop(self) -> None:
        """Ends, in the middle of a window if need be: it is fetched again another time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def round(self) -> int:
        """Reconciles every list whose time has come. Returns how many."""
        done = 0
        for source in self._reconciler.sources():
            if await self._ledger.watermarks.begin(source, every_s=self._every_s):
                done += 1
                await self._catch_up(source)
        return done

    async def _catch_up(self, source: Source) -> None:
        about = {"connector": source.connector, "merchant_id": source.merchant_id}
        try:
            report = await self._reconciler.catch_up(source.connector, source.merchant_id)
        except PrismError as error:
            _log.warning("reconciliation.postponed", reason=error.reason, fix=error.fix, **about)
            return
        except Exception:
            _log.error("reconciliation.failed", exc_info=True, **about)
            return
        if report.stopped_by is not None:
            stopped = report.stopped_by
            said = {"reason": stopped.reason, "message": stopped.message, "fix": stopped.fix}
            _log.warning("reconciliation.stopped", **said, **about)
        if report.recorded or report.open or report.refused:
            counts = {
                "recorded": report.recorded,
                "unmatched": len(report.unmatched),
                "refused": report.refused.total(),
                "open": len(report.open),
            }
            _log.info("reconciliation.found", **counts, **about)

    async def _run(self) -> None:
        look_s = min(LOOK_S, self._every_s)
        while True:
            try:
                await self.round()
            except PrismError as error:
                _log.warning("reconciliation.postponed", reason=error.reason)
            await asyncio.sleep(look_s * random.uniform(0.9, 1.1))  # noqa: S311 - spreads replicas
