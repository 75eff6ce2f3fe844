"""Tasks end, also those whose client swallowed the first cancellation."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from orchestratorx_prism.consuming import ending
from orchestratorx_prism.consuming.ending import end


async def forever() -> None:
    await asyncio.Event().wait()


async def deaf(times: int) -> None:
    """As a client that is cancelled while it closes a channel."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await forever()
    await forever()


async def test_tasks_that_listen_end_at_once() -> None:
    tasks = [asyncio.create_task(forever()) for _ in range(3)]
    await asyncio.sleep(0)
    await end(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_swallowed_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_AGAIN_S", 0.01)
    task = asyncio.create_task(deaf(3))
    await asyncio.sleep(0)
    await end([task])
    assert task.cancelled()


async def test_what_has_ended_and_nothing_are_fine() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await end([done])
    await end([])
