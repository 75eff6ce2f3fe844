"""Tables of merchants and their credentials. `sealed` is what `orchestrator.vault` made of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from orchestrator.ledger.schema import metadata

merchants: Final = Table(
    "merchants",
    metadata,
    Column("merchant_id", Text(), primary_key=True),
    Column("display_name", Text(), nullable=False),
    Column("environment", Integer(), nullable=False),
    Column("disabled", Boolean(), nullable=False),
    Column("created_at", BigInteger(), nullable=False),
    Column("updated_at", BigInteger(), nullable=False),
    Column("revision", BigInteger(), nullable=False),
    Index("merchants_revision", "revision"),
    sqlite_with_rowid=False,
)
"""Merchants that are not in the settings. `environment`: the number of `Environment`."""

provider_credentials: Final = Table(
    "provider_credentials",
    metadata,
    Column("merchant_id", Text(), primary_key=True),
    Column("connector", Text(), primary_key=True),
    Column("environment", Integer(), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary(), nullable=True),
    Column("created_at", BigInteger(), nullable=False),
    Column("updated_at", BigInteger(), nullable=False),
    Column("revision", BigInteger(), nullable=False),
    Index("provider_credentials_revision", "revision"),
    sqlite_with_rowid=False,
)
"""Values by name, webhook secrets and webhook id, together in one ciphertext. `sealed` NULL: they were deleted; the row
stays, so that whoever keeps them in memory finds out."""

tenancy_revision: Final = Table(
    "tenancy_revision",
    metadata,
    Column("one", Integer(), primary_key=True, autoincrement=False),
    Column("revision", BigInteger(), nullable=False),
)
"""One row. Raised by every change of the two tables above, in its transaction, and written into the rows that changed:
whoever keeps them in memory looks here whether to read again, and reads what is newer than it knows. Changes wait for
each other here, so that a revision is never seen before a lower one."""
