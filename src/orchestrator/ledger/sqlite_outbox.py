"""SQLite's outbox: the relay's side. Everything that changes rows goes through the writer, and shares its commits."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from orchestrator.ledger.base import Backlog, Claim, OutboxRow
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.outbox_choice import Choice

Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]


class SqliteOutbox:
    """Implements `Outbox`. The clock is the machine's, which is the database's too."""

    def __init__(self, run: Run, bell: Bell) -> None:
        """`run`: does a job under the write lock, and returns once it is committed."""
        self._run = run
        self._bell = bell

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Claim:
        """See `Outbox`."""
        claim_id = uuid.uuid4()

        def job(connection: sqlite3.Connection) -> list[OutboxRow]:
            now_us = time.time_ns() // 1000
            choice = Choice(limit, now_us)
            while choice.wants_more:
                choice.look_at(connection.execute(UNSENT, (channel, choice.after, choice.next_slice)).fetchall())
            if not choice.chosen:
                return []
            until_us, marks = now_us + int(lease_s * 1_000_000), _marks(choice.chosen)
            connection.execute(CLAIM.format(marks), (until_us, claim_id.bytes, channel, *choice.chosen))
            rows = connection.execute(CLAIMED.format(marks), (channel, *choice.chosen)).fetchall()
            return [OutboxRow(row[0], channel, row[1], row[2], row[3]) for row in rows]

        return Claim(claim_id.hex, await self._run(job))

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        """See `Outbox`."""

        def job(connection: sqlite3.Connection) -> int:
            held, values = _held(claim, row_ids)
            connection.execute(SENT.format(held), (time.time_ns() // 1000, *values))
            return connection.execute(DONE.format(held), values).rowcount

        done: int = await self._run(job) if claim.rows and row_ids else 0
        return done

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        """See `Outbox`."""

        def job(connection: sqlite3.Connection) -> None:
            available_us = time.time_ns() // 1000 + int(delay_s * 1_000_000)
            held, values = _held(claim, row_ids)
            connection.execute(RELEASE.format(held), (available_us, *values))

        if claim.rows and row_ids:
            await self._run(job)
            if delay_s <= 0:
                self._bell.ring()

    async def backlog(self, channel: str) -> Backlog:
        """See `Outbox`."""

        def job(connection: sqlite3.Connection) -> Backlog:
            unsent = connection.execute("SELECT count(*) FROM outbox WHERE channel = ?", (channel,)).fetchone()[0]
            oldest = connection.execute(
                "SELECT recorded_at FROM outbox WHERE channel = ? ORDER BY n LIMIT 1", (channel,)
            ).fetchone()
            age_us = time.time_ns() // 1000 - oldest[0] if oldest is not None else 0
            return Backlog(unsent, max(0.0, age_us / 1_000_000))

        backlog: Backlog = await self._run(job)
        return backlog

    async def wait_for_work(self, timeout_s: float) -> None:
        """See `Outbox`."""
        await self._bell.wait(timeout_s)

    async def purge_sent(self, *, older_than_s: float, limit: int) -> int:
        """See `Outbox`. Here rows leave the outbox when they are sent; this forgets when that was."""

        def job(connection: sqlite3.Connection) -> int:
            before_us = time.time_ns() // 1000 - int(older_than_s * 1_000_000)
            old = connection.execute(OLD_SENT, (limit, before_us)).fetchall()
            connection.executemany("DELETE FROM sent WHERE event = ? AND channel = ?", old)
            return len(old)

        purged: int = await self._run(job)
        return purged


CLAIM = "UPDATE outbox SET available_at = ?, claim = ?, attempts = attempts + 1 WHERE channel = ? AND n IN {}"
CLAIMED = (
    "SELECT o.n, e.message, o.partition_key, o.attempts FROM outbox o JOIN events e ON e.n = o.event "
    "WHERE o.channel = ? AND o.n IN {} ORDER BY o.n"
)
SENT = "INSERT OR IGNORE INTO sent (event, channel, sent_at) SELECT event, channel, ? FROM outbox WHERE {}"
DONE = "DELETE FROM outbox WHERE {}"
RELEASE = "UPDATE outbox SET available_at = ?, claim = NULL WHERE {}"
"""Whole claims at once: each step of a statement lets go of the interpreter's lock, and has to win it back."""

UNSENT = "SELECT n, partition_key, available_at FROM outbox WHERE channel = ? AND n > ? ORDER BY n LIMIT ?"

OLD_SENT = (
    "SELECT event, channel FROM (SELECT event, channel, sent_at FROM sent ORDER BY event, channel LIMIT ?) AS oldest "
    "WHERE sent_at < ?"
)
"""Looks at the oldest rows only. One that was sent late keeps those behind it for a while, never for long."""


def _held(claim: Claim, row_ids: Sequence[int]) -> tuple[str, tuple[object, ...]]:
    """The condition for those of the rows that the claim still holds, and its values."""
    channel, claim_id = claim.rows[0].channel, uuid.UUID(hex=claim.claim_id).bytes
    return f"channel = ? AND n IN {_marks(row_ids)} AND claim = ?", (channel, *row_ids, claim_id)


def _marks(values: Sequence[object]) -> str:
    return f"({','.join('?' * len(values))})"
