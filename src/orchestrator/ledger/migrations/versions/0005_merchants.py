"""Merchants, and their credentials of providers.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merchants",
        sa.Column("merchant_id", sa.Text(), primary_key=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("environment", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("merchants_revision", "merchants", ["revision"])
    op.create_table(
        "provider_credentials",
        sa.Column("merchant_id", sa.Text(), primary_key=True),
        sa.Column("connector", sa.Text(), primary_key=True),
        sa.Column("environment", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("provider_credentials_revision", "provider_credentials", ["revision"])
    op.create_table(
        "tenancy_revision",
        sa.Column("one", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
    )
    op.execute("INSERT INTO tenancy_revision (one, revision) VALUES (1, 0)")


def downgrade() -> None:
    for table in ("tenancy_revision", "provider_credentials", "merchants"):
        op.drop_table(table)
