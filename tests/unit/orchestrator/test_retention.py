"""Raw bodies go when their time is over, and a database that is away only postpones it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from orchestrator.ledger.base import Ledger
from orchestrator.retention import BATCH, Retention
from orchestratorx_prism.errors import Unavailable


class Purging:
    """A ledger's purge, with answers prepared."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[float, int]] = []
        self.done = asyncio.Event()

    async def purge_raw(self, *, older_than_s: float, limit: int) -> int:
        self.calls.append((older_than_s, limit))
        answer = self.answers.pop(0)
        if not self.answers:
            self.done.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run_until_done(purging: Purging, every_s: float) -> None:
    retention = Retention(cast(Ledger, cast(Any, purging)), keep_s=90.0, every_s=every_s)
    retention.start()
    async with asyncio.timeout(5):
        await purging.done.wait()
    await retention.stop()


async def test_full_batches_follow_each_other_at_once() -> None:
    purging = Purging(BATCH, BATCH, 3)
    await run_until_done(purging, every_s=3_600)
    assert purging.calls == [(90.0, BATCH)] * 3


async def test_a_database_that_is_away_is_asked_again_later() -> None:
    purging = Purging(Unavailable("away"), 0)
    await run_until_done(purging, every_s=0.01)
    assert len(purging.calls) == 2


async def test_stopping_what_never_started_does_nothing() -> None:
    await Retention(cast(Ledger, cast(Any, Purging(0))), keep_s=1.0).stop()
