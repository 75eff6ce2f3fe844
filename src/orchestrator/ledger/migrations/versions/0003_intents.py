"""Intents: what was asked of providers, and what came of it.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intents",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("capability", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("claim", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("known_key", sa.LargeBinary(), nullable=True),
        sa.Column("known", sa.LargeBinary(), nullable=True),
        sqlite_with_rowid=False,
    )
    due, known = sa.text("due_at IS NOT NULL"), sa.text("known_key IS NOT NULL")
    op.create_index("intents_created", "intents", ["created_at"])
    op.create_index("intents_due", "intents", ["due_at"], postgresql_where=due, sqlite_where=due)
    op.create_index("intents_known", "intents", ["known_key"], postgresql_where=known, sqlite_where=known)


def downgrade() -> None:
    op.drop_table("intents")
