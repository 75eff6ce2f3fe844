"""What SQLite's writer does besides recording: migration, replay, purging. Each inside a write transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from orchestrator.ledger import migrating
from orchestrator.ledger.sqlite_batch import next_number


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the tables up to date. The write lock is held: of two processes that start together one does it."""
    for statement in migrating.statements("sqlite", _version(connection)):
        connection.execute(statement)


def check(connection: sqlite3.Connection) -> None:
    """Raises SettingsRejected if the tables are not of this release."""
    migrating.check(_version(connection))


def put_into_outbox(connection: sqlite3.Connection, chosen: Sequence[tuple[str, int, str]]) -> None:
    """(channel, event's number, partition key) again, after everything that waits already."""
    now_us = time.time_ns() // 1000
    first = next_number(connection, sorted({channel for channel, _, _ in chosen}))
    connection.executemany(
        "INSERT INTO outbox (channel, n, event, partition_key, recorded_at, available_at, attempts) "
        "VALUES (?,?,?,?,?,0,0)",
        [(channel, first + place, event, key, now_us) for place, (channel, event, key) in enumerate(chosen)],
    )


def purge_raw(connection: sqlite3.Connection, older_than_s: float, limit: int) -> int:
    """Deletes the oldest raw bodies, if they are old enough. Returns how many."""
    before_us = time.time_ns() // 1000 - int(older_than_s * 1_000_000)
    return connection.execute(PURGE_RAW, (limit, before_us)).rowcount


PURGE_RAW = (
    "DELETE FROM raw_bodies WHERE n IN (SELECT n FROM "
    "(SELECT n, stored_at FROM raw_bodies ORDER BY n LIMIT ?) AS oldest WHERE stored_at < ?)"
)


def _version(connection: sqlite3.Connection) -> str | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute(migrating.VERSION_QUERY).fetchone()
    return row[0] if row is not None else None
