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
            until_us = now_us + int(lease_s * 1_000_000)
            connection.executemany(
                "UPDATE outbox SET available_at = ?, claim = ?, attempts = attempts + 1 WHERE channel = ? AND n = ?",
                [(until_us, claim_id.bytes, channel, number) for number in choice.chosen],
            )
            query = (
                "SELECT o.n, e.message, o.partition_key, o.attempts FROM outbox o JOIN events e ON e.n = o.event "
                "WHERE o.channel = ? AND o.n = ?"
            )
            rows = [connection.execute(query, (channel, number)).fetchone() for number in choice.chosen]
            return [OutboxRow(row[0], channel, row[1], row[2], row[3]) for row in rows]

        return Claim(claim_id.hex, await self._run(job))

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        """See `Outbox`."""

        def job(connection: sqlite3.Connection) -> int:
            now_us = time.time_ns() // 1000
            held = _held(connection, claim, row_ids)
            connection.executemany(
                "INSERT OR IGNORE INTO sent (event, channel, sent_at) VALUES (?,?,?)",
                [(event, channel, now_us) for channel, _, event in held],
            )
            connection.executemany(
                "DELETE FROM outbox WHERE channel = ? AND n = ?", [(channel, number) for channel, number, _ in held]
            )
            return len(held)

        done: int = await self._run(job) if row_ids else 0
        return done

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        """See `Outbox`."""

        def job(connection: sqlite3.Connection) -> None:
            available_us = time.time_ns() // 1000 + int(delay_s * 1_000_000)
            connection.executemany(
                "UPDATE outbox SET available_at = ?, claim = NULL WHERE channel = ? AND n = ?",
                [(available_us, channel, number) for channel, number, _ in _held(connection, claim, row_ids)],
            )

        if row_ids:
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


UNSENT = "SELECT n, partition_key, available_at FROM outbox WHERE channel = ? AND n > ? ORDER BY n LIMIT ?"

OLD_SENT = (
    "SELECT event, channel FROM (SELECT event, channel, sent_at FROM sent ORDER BY event, channel LIMIT ?) AS oldest "
    "WHERE sent_at < ?"
)
"""Looks at the oldest rows only. One that was sent late keeps those behind it for a while, never for long."""


def _held(connection: sqlite3.Connection, claim: Claim, row_ids: Sequence[int]) -> list[tuple[str, int, int]]:
    """(channel, n, event) of the rows that the claim still holds."""
    if not claim.rows:
        return []
    channel, claim_id = claim.rows[0].channel, uuid.UUID(hex=claim.claim_id).bytes
    query = "SELECT event, claim FROM outbox WHERE channel = ? AND n = ?"
    found = [(number, connection.execute(query, (channel, number)).fetchone()) for number in row_ids]
    return [(channel, number, row[0]) for number, row in found if row is not None and row[1] == claim_id]
