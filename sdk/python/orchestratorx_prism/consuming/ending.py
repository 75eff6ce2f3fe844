"""Ending tasks that a client library may have deafened, and cancellations that come from nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

_AGAIN_S: Final = 0.5


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels the tasks, and returns when they have ended.

    Cancels again what goes on: a client that is being told to close at that moment may take the cancellation for a
    failure of its connection, and pass nothing on. A task that sleeps between its calls would then sleep for ever.
    """
    every = set(tasks)
    left = {task for task in every if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)
    for task in every:
        if not task.cancelled():
            task.exception()  # how it ended is of no interest any more


def cancelled_by_others() -> bool:
    """Whether a CancelledError that comes up in this task is not its own end: nobody has cancelled it.

    It waited for something that was cancelled. To be asked where the error is caught.
    """
    task = asyncio.current_task()
    return task is not None and not task.cancelling()
