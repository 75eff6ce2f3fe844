"""One timer for many calls: each is cut off in time, and only by its own time."""

from __future__ import annotations

import asyncio
import time

import pytest

from orchestrator.deadlines import Deadlines
from orchestratorx_prism.errors import DeadlineExpired


async def answer(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def test_a_call_in_time_is_let_be() -> None:
    assert await Deadlines(30).within(answer(0.01)) == "done"


async def test_a_call_beyond_its_time_is_cut_off_and_the_task_lives_on() -> None:
    deadlines = Deadlines(0.1)
    began = time.monotonic()
    with pytest.raises(DeadlineExpired):
        await deadlines.within(answer(30))
    assert 0.09 < time.monotonic() - began < 20
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await deadlines.within(answer(0)) == "done"


async def test_each_call_has_its_own_time() -> None:
    now = 0.0
    deadlines = Deadlines(0.2, clock=lambda: now)
    enough = asyncio.Event()

    async def outcome() -> str:
        try:
            await deadlines.within(enough.wait())
        except DeadlineExpired:
            return "cut off"
        return "done"

    early = asyncio.create_task(outcome())
    await asyncio.sleep(0)
    now = 0.15
    late = asyncio.create_task(outcome())
    await asyncio.sleep(0)
    now = 0.25
    assert await early == "cut off"
    await asyncio.sleep(0.05)  # several looks later
    assert not late.done()
    enough.set()
    assert await late == "done"


async def test_a_cancellation_by_others_stays_one() -> None:
    deadlines = Deadlines(5)
    task = asyncio.create_task(deadlines.within(answer(30)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines._due


async def test_what_a_call_raises_comes_through() -> None:
    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Deadlines(5).within(fail())


async def test_nothing_is_looked_for_when_nothing_runs() -> None:
    deadlines = Deadlines(0.5)
    await deadlines.within(answer(0))
    await asyncio.sleep(0.5)
    assert not deadlines._looking
