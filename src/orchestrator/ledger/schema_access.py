"""The tables of API keys and of the audit log. Times are microseconds since 1970, UTC."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from orchestrator.ledger.schema import metadata

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("key_id", Text(), primary_key=True),
    Column("n", BigInteger(), nullable=False),
    Column("merchant_id", Text(), nullable=False),
    Column("prefix", Text(), nullable=False),
    Column("hash", LargeBinary(), nullable=False),
    Column("name", Text(), nullable=False),
    Column("scopes", Text(), nullable=False),
    Column("calls_per_minute", Integer(), nullable=False),
    Column("created_at", BigInteger(), nullable=False),
    Column("expires_at", BigInteger(), nullable=True),
    Column("revoked_at", BigInteger(), nullable=True),
    Column("last_used_at", BigInteger(), nullable=True),
    Index("api_keys_prefix", "prefix"),
    Index("api_keys_merchant", "merchant_id", "n", unique=True),
)
"""Keys without their text: `hash` is SHA-256 of it, `prefix` how it begins. `n` is the revision with which it was made:
greater is later. `scopes` are separated by spaces. `calls_per_minute`: 0 for the installation's limit."""

revisions: Final = Table(
    "revisions",
    metadata,
    Column("name", Text(), primary_key=True),
    Column("n", BigInteger(), nullable=False),
)
"""Grows by one with every change of what it names, in the transaction of the change: what a replica keeps in memory is
good while this stands still."""

audit_log: Final = Table(
    "audit_log",
    metadata,
    Column("n", BigInteger(), primary_key=True, autoincrement=False),
    Column("at", BigInteger(), nullable=False),
    Column("merchant_id", Text(), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("action", Text(), nullable=False),
    Column("target", Text(), nullable=False),
    Column("remote_address", Text(), nullable=False),
    Column("details", Text(), nullable=False),
    Column("hash", LargeBinary(), nullable=False),
    Index("audit_log_merchant", "merchant_id", "n"),
)
"""Who did what: numbered from 1 without gaps. `details` is JSON; `hash` is over the row and the hash before it. A
trigger refuses to change or delete rows."""

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("n", BigInteger(), nullable=False),
    Column("hash", LargeBinary(), nullable=True),
)
"""One row, whose id is 1: the newest entry's number, which is how many there are, and its hash; NULL before the first.
Whoever appends holds its lock until commit."""
