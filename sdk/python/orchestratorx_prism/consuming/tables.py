"""The worker's tables in the application's database. `metadata` is for Alembic; without it, the worker makes them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text, func, literal_column
from sqlalchemy.sql.elements import ColumnElement

from orchestratorx_prism.errors import SettingsRejected

metadata = MetaData()

inbox = Table(
    "orchestratorx_inbox",
    metadata,
    Column("consumer", String(100), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("done_at", Double, nullable=False),
    Index("orchestratorx_inbox_done_at", "done_at"),
    comment="Messages whose effect is committed. done_at: Unix time in seconds, of the database's clock.",
)
attempts = Table(
    "orchestratorx_attempts",
    metadata,
    Column("consumer", String(100), primary_key=True),
    Column("message_id", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("error", Text, nullable=False),
    Index("orchestratorx_attempts_key", "consumer", "key"),
    comment="Failed attempts of messages that are neither handled nor parked yet; due_at: when the next one is.",
)
leases = Table(
    "orchestratorx_leases",
    metadata,
    Column("consumer", String(100), primary_key=True),
    Column("token", BigInteger, nullable=False),
    comment="The fencing token: it grows with each new owner. Every commit of a worker checks it.",
)
owners = Table(
    "orchestratorx_lease_owners",
    metadata,
    Column("consumer", String(100), primary_key=True),
    Column("owner", String(36), nullable=False),
    Column("expires_at", Double, nullable=False),
    # Apart from the token: renewals must not wait for commits, which hold the token's row.
    comment="Who may work, and until when: Unix time in seconds, of the database's clock.",
)


def now_s(dialect: str) -> ColumnElement[Any]:
    """The database's clock, which is one for all workers. Unix time in seconds.

    Raises:
        SettingsRejected: No database that this works with.
    """
    if dialect == "postgresql":
        return func.extract("epoch", func.clock_timestamp()).cast(Double)
    if dialect == "sqlite":
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Double)
    raise SettingsRejected(
        "stream consumers need SQLite or PostgreSQL", reason="DATABASE_UNKNOWN", fix="use one of the two"
    )
