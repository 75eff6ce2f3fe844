"""What the writers share: a queue whose entries are carried out together, and how failures are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from orchestrator.ledger.base import Recorded
from orchestrator.ledger.rows import Prepared
from orchestratorx_prism.errors import Internal, PrismError, Unavailable

MAX_BATCH = 256
"""Most recordings of one commit: longer ones keep other writers waiting, and gain nothing more."""

CROWD = 4
"""So many callers that met make it worth while for the next ones to wait for each other."""
LINGER_S = 0.004
"""How long they do. A lone caller, and a few, never wait."""


class Entry(msgspec.Struct):
    """One thing to be written. Whoever waits for it may go away; it is carried out regardless."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    prepared: Prepared | None = None
    job: Callable[[Any], Any] | None = None
    """Given the connection, inside the transaction. One of the two is set."""


class Gathering:
    """Lets callers of one event loop meet before they go to the writer, so that they share a commit.

    A writer that wakes for the first of sixty callers commits once for it, and again for those that came meanwhile. Who
    comes alone waits two turns of the loop, some microseconds. Once several met, more are likely on their way: the next
    ones wait `LINGER_S` for each other, as PostgreSQL's `commit_delay` and `commit_siblings` would have them.
    """

    def __init__(self, hand_over: Callable[[Sequence[Entry]], None]) -> None:
        """`hand_over` must not raise."""
        self._hand_over = hand_over
        self._met: dict[asyncio.AbstractEventLoop, _Meeting] = {}
        self._crowded = False

    def add(self, loop: asyncio.AbstractEventLoop, entries: Sequence[Entry]) -> None:
        """Called from the loop itself, once a caller."""
        meeting = self._met.get(loop)
        if meeting is None:
            self._met[loop] = meeting = _Meeting()
            if self._crowded:
                loop.call_later(LINGER_S, self._end, loop, meeting)
            else:
                loop.call_soon(self._turn, loop, meeting, 0)
        meeting.callers += 1
        meeting.entries.extend(entries)
        if len(meeting.entries) >= MAX_BATCH:
            self._end(loop, meeting)

    def _turn(self, loop: asyncio.AbstractEventLoop, meeting: _Meeting, seen: int) -> None:
        """While each turn of the loop brings more, they wait."""
        if seen < meeting.callers:
            loop.call_soon(self._turn, loop, meeting, meeting.callers)
        else:
            self._end(loop, meeting)

    def _end(self, loop: asyncio.AbstractEventLoop, meeting: _Meeting) -> None:
        if self._met.get(loop) is meeting:
            del self._met[loop]
            self._crowded = meeting.callers >= CROWD
            self._hand_over(meeting.entries)


class _Meeting:
    """Those that wait for each other."""

    __slots__ = ("callers", "entries")

    def __init__(self) -> None:
        self.callers = 0
        self.entries: list[Entry] = []


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
    """How each of the recordings ended that were handed in together: they are settled in their order."""
    if futures:
        await asyncio.wait(futures[-1:])
    return [_end_of(future) for future in futures]


def _end_of(future: asyncio.Future[Recorded]) -> Recorded | PrismError:
    failure = future.exception()
    if failure is None:
        return future.result()
    if isinstance(failure, PrismError):
        return failure
    raise failure


def unavailable(error: Exception) -> Unavailable:
    """The database cannot answer. `error`'s text may hold data, its class does not."""
    return Unavailable(
        f"the database cannot be written to: {type(error).__name__}",
        reason="DATABASE_UNAVAILABLE",
        fix="send the same message again; nothing of it was recorded",
        retry_after_s=1.0,
    )


def unreachable(error: Exception) -> Unavailable:
    """The database has not answered yet, so nothing can have been lost. `error`'s text may hold the password."""
    return Unavailable(
        f"the database cannot be reached: {type(error).__name__}",
        reason="DATABASE_UNAVAILABLE",
        fix="see that it runs where database_url says, and that the user, the password and the name there are right",
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
