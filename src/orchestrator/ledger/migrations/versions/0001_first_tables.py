"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _events()
    _payments()
    for name in ("refunds", "disputes"):
        _children(name)
    _outbox()
    op.create_table(
        "raw_bodies",
        sa.Column("n", _ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("raw_bodies_key", "raw_bodies", ["key"], unique=True)
    if _postgresql():
        # Numbers are taken one by one under the writers' locks: a cache would break the order.
        for sequence in ("events_n", "payments_n"):
            op.execute(f"CREATE SEQUENCE {sequence} AS bigint CACHE 1")
        # Encrypted bodies do not compress, and events are small: lz4, or nothing, beats the default.
        op.execute("ALTER TABLE raw_bodies ALTER COLUMN body SET STORAGE EXTERNAL")


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("n", _ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payment", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.LargeBinary(), nullable=False),
    )
    op.create_index("events_key", "events", ["key"], unique=True)
    op.create_index("events_received", "events", ["merchant_id", "received_at", "n"])
    op.create_index("events_payment", "events", ["payment", "n"])
    if _postgresql():
        op.create_index("events_commit", "events", ["xact", "n"])


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("n", _ROW_NUMBER, primary_key=True, autoincrement=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("merchant_transaction_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
    )
    op.create_index("payments_created", "payments", ["merchant_id", "created_at", "n"])
    op.create_index("payments_merchant_transaction", "payments", ["merchant_id", "merchant_transaction_id", "n"])
    op.create_table(
        "names",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("payment", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )


def _children(name: str) -> None:
    op.create_table(
        name,
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("payment", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
    )
    op.create_index(f"{name}_created", name, ["merchant_id", "created_at", "n"])
    op.create_index(f"{name}_payment", name, ["payment", "created_at", "n"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("n", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("partition_key", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sent",
        sa.Column("event", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("raw_bodies", "sent", "outbox", "disputes", "refunds", "names", "payments", "events"):
        op.drop_table(table)
    if _postgresql():
        for sequence in ("payments_n", "events_n"):
            op.execute(f"DROP SEQUENCE {sequence}")


def _postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
