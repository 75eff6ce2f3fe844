"""Watermarks: how far each provider's own list was fetched.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watermarks",
        sa.Column("merchant_id", sa.Text(), primary_key=True),
        sa.Column("connector", sa.Text(), primary_key=True),
        sa.Column("environment", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("watermarks")
