"""Amounts of payments, and lists by them; payouts in the order in which they are listed.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of payments recorded before, the amount is filled in with their next fact: it is inside their record.
    op.add_column("payments", sa.Column("amount", sa.BigInteger(), nullable=True))
    op.create_index("payments_amount", "payments", ["merchant_id", "currency", "amount", "n"])
    op.add_column("payouts", sa.Column("n", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_index("payouts_created", "payouts", ["merchant_id", "created_at", "n"])


def downgrade() -> None:
    op.drop_index("payouts_created", "payouts")
    op.drop_column("payouts", "n")
    op.drop_index("payments_amount", "payments")
    op.drop_column("payments", "amount")
