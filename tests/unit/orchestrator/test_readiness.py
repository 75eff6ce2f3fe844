"""Readiness: asked often, looked at seldom."""

from __future__ import annotations

import asyncio

from orchestrator.readiness import Readiness
from orchestratorx_prism.errors import Unavailable


class Asked:
    """Counts questions; fails if told to."""

    def __init__(self) -> None:
        self.times = 0
        self.error: Exception | None = None

    async def __call__(self) -> None:
        self.times += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error


async def test_many_questions_at_once_are_one_look() -> None:
    now = 0.0
    database, broker = Asked(), Asked()
    readiness = Readiness(database, broker, max_age_s=1.0, clock=lambda: now)
    states = await asyncio.gather(*(readiness.look() for _ in range(50)))
    assert database.times == broker.times == 1
    assert all(state.ready for state in states)
    now = 1.5
    await readiness.look()
    assert database.times == 2


async def test_a_database_that_comes_back_is_noticed() -> None:
    now = 0.0
    database = Asked()
    readiness = Readiness(database, Asked(), max_age_s=1.0, clock=lambda: now)
    database.error = Unavailable("away")
    assert not (await readiness.look()).ready
    database.error, now = None, 2.0
    assert (await readiness.look()).word == "ready"


async def test_a_stop_wakes_who_waits() -> None:
    readiness = Readiness(Asked(), Asked())
    waiting = asyncio.create_task(readiness.wait(30))
    await asyncio.sleep(0)
    readiness.drain()
    await asyncio.wait_for(waiting, 1)
    assert (await readiness.look()).word == "draining"
    assert not (await readiness.look()).ready
