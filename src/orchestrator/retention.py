"""Lets go of raw bodies when their time is over, in small batches, so that nobody waits for it."""

from __future__ import annotations

import asyncio

import structlog

from orchestrator.ledger.base import Ledger
from orchestratorx_prism.errors import Unavailable

EVERY_S = 600.0
BATCH = 500

_log = structlog.get_logger(__name__)


class Retention:
    """Purges while it runs. Several processes may do so at once: each takes what it finds."""

    def __init__(self, ledger: Ledger, *, keep_s: float, every_s: float = EVERY_S) -> None:
        self._ledger = ledger
        self._keep_s = keep_s
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, with a first look at once. A second call changes nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="raw retention")

    async def stop(self) -> None:
        """Ends between two batches."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            full = False
            try:
                full = await self._ledger.purge_raw(older_than_s=self._keep_s, limit=BATCH) == BATCH
            except Unavailable as error:
                _log.warning("retention.postponed", reason=error.reason)
            await asyncio.sleep(0 if full else self._every_s)
