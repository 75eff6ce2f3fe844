"""Endpoints that were given up, until an event tells of it.

Revision ID: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "endpoint_failures",
        sa.Column("endpoint", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("failed_at", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("endpoint_failures")
