"""What the writers share: a queue whose entries are carried out together, and how failures are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.ledger.base import Recorded
from orchestrator.ledger.rows import Prepared
from orchestratorx_prism.errors import Internal, PrismError, Unavailable

MAX_BATCH = 256
"""Most recordings of one commit: longer ones keep other writers waiting, and gain nothing more."""


@dataclass(slots=True)
class Entry:
    """One thing to be written. Whoever waits for it may go away; it is carried out regardless."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    prepared: Prepared | None = None
    job: Callable[[Any], Any] | None = field(default=None, repr=False)
    """Given the connection, inside the transaction. One of the two is set."""


class Gathering:
    """Lets callers of one event loop meet before they go to the writer: while each turn of the loop brings more.

    A writer that wakes for the first of sixty callers commits once for it, and again for those that came meanwhile. Who
    is alone waits two turns of the loop, some microseconds.
    """

    def __init__(self, hand_over: Callable[[Sequence[Entry]], None]) -> None:
        """`hand_over` must not raise."""
        self._hand_over = hand_over
        self._met: dict[asyncio.AbstractEventLoop, list[Entry]] = {}

    def add(self, loop: asyncio.AbstractEventLoop, entries: Sequence[Entry]) -> None:
        """Called from the loop itself."""
        met = self._met.get(loop)
        if met is None:
            self._met[loop] = met = []
            loop.call_soon(self._turn, loop, 0)
        met.extend(entries)

    def _turn(self, loop: asyncio.AbstractEventLoop, seen: int) -> None:
        count = len(self._met[loop])
        if seen < count < MAX_BATCH:
            loop.call_soon(self._turn, loop, count)
        else:
            self._hand_over(self._met.pop(loop))


def settle(entries: Sequence[Entry], outcomes: Sequence[object]) -> None:
    """Tells everybody who still waits, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], object]]] = {}
    for entry, outcome in zip(entries, outcomes, strict=True):
        by_loop.setdefault(entry.loop, []).append((entry.future, outcome))
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell, told)


def _tell(told: Sequence[tuple[asyncio.Future[Any], object]]) -> None:
    for future, outcome in told:
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


async def all_told(futures: Sequence[asyncio.Future[Recorded]]) -> list[Recorded | PrismError]:
    """How each of the recordings ended."""
    ends: list[Recorded | PrismError] = []
    for end in await asyncio.gather(*futures, return_exceptions=True):
        if isinstance(end, BaseException) and not isinstance(end, PrismError):
            raise end
        ends.append(end)
    return ends


def unavailable(error: Exception) -> Unavailable:
    """The database cannot answer. `error`'s text may hold data, its class does not."""
    return Unavailable(
        f"the database cannot be written to: {type(error).__name__}",
        reason="DATABASE_UNAVAILABLE",
        fix="send the same message again; nothing of it was recorded",
        retry_after_s=1.0,
    )


def told(error: Exception) -> PrismError:
    """The error of one entry that fails by itself, as callers get it."""
    if isinstance(error, PrismError):
        return error
    failure = Internal(f"it could not be recorded: {type(error).__name__}", reason="NOT_RECORDABLE")
    failure.__cause__ = error
    return failure


def closed() -> Unavailable:
    """The refusal of a ledger that is not open."""
    return Unavailable("the ledger is closed", reason="LEDGER_CLOSED", fix="open it first, or send the message again")
