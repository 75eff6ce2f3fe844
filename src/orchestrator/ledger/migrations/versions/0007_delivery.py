"""Endpoints, deliveries and attempts.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _endpoints()
    _deliveries()
    op.create_table(
        "attempts",
        _number("delivery", primary_key=True),
        _small("number", primary_key=True),
        _number("started_at"),
        _small("duration_ms"),
        _text("url"),
        _text("request_headers"),
        _small("status"),
        _text("response_headers"),
        sa.Column("response_body", sa.LargeBinary(), nullable=False),
        _text("error"),
        sqlite_with_rowid=False,
    )
    if _postgresql():
        op.execute("CREATE SEQUENCE deliveries_n AS bigint")
        # Its rows come and go at once: room in each page lets updates stay there, and the space is cleaned up often.
        op.execute("ALTER TABLE deliveries SET (fillfactor = 80)")
        op.execute("ALTER TABLE delivery_queue SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)")
        op.execute("ALTER TABLE endpoint_states SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)")


def _endpoints() -> None:
    on, off = sa.text("state = 1"), sa.text("state > 1")
    op.create_table(
        "endpoints",
        sa.Column("n", _ROW, primary_key=True, autoincrement=False),
        _text("merchant_id"),
        _text("url"),
        _text("description"),
        _text("event_types"),
        _small("state"),
        _text("state_reason"),
        sa.Column("headers", sa.LargeBinary(), nullable=True),
        _small("max_in_flight"),
        _small("per_second"),
        _small("ordered"),
        _small("payments_headers"),
        _number("version"),
        _number("created_at"),
        _number("updated_at"),
    )
    op.create_index("endpoints_created", "endpoints", ["merchant_id", "created_at", "n"])
    op.create_index("endpoints_enabled", "endpoints", ["merchant_id", "n"], postgresql_where=on, sqlite_where=on)
    op.create_index("endpoints_off", "endpoints", ["state", "n"], postgresql_where=off, sqlite_where=off)
    op.create_table(
        "endpoint_secrets",
        _number("endpoint", primary_key=True),
        _number("n", primary_key=True),
        _text("merchant_id"),
        _small("kind"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _number("created_at"),
        _number("expires_at", nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "endpoint_states",
        _number("endpoint", primary_key=True),
        _number("paced_until"),
        _number("slowed_until"),
        _small("strikes"),
        _number("failing_since", nullable=True),
        sqlite_with_rowid=False,
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("n", _ROW, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        _text("merchant_id"),
        _number("endpoint"),
        _number("event"),
        _text("type"),
        _number("line"),
        _number("created_at"),
        _small("state"),
        _small("tries"),
        _small("failures"),
        _small("last_status"),
        _number("delivered_at", nullable=True),
    )
    op.create_index("deliveries_key", "deliveries", ["key"], unique=True)
    op.create_index("deliveries_merchant", "deliveries", ["merchant_id", "n"])
    op.create_index("deliveries_endpoint", "deliveries", ["endpoint", "n"])
    op.create_index("deliveries_event", "deliveries", ["event"])
    op.create_table(
        "delivery_queue",
        sa.Column("n", _ROW, primary_key=True, autoincrement=False),
        _number("endpoint"),
        _small("again"),
        _number("due_at"),
        sa.Column("claim", sa.LargeBinary(), nullable=True),
        _number("line", nullable=True),
    )
    claimed, lined = sa.text("claim IS NOT NULL"), sa.text("line IS NOT NULL")
    op.create_index("delivery_queue_due", "delivery_queue", ["endpoint", "again", "due_at", "n"])
    op.create_index(
        "delivery_queue_claimed",
        "delivery_queue",
        ["endpoint", "due_at"],
        postgresql_where=claimed,
        sqlite_where=claimed,
    )
    op.create_index(
        "delivery_queue_line",
        "delivery_queue",
        ["endpoint", "line", "n"],
        postgresql_where=lined,
        sqlite_where=lined,
    )


def downgrade() -> None:
    for table in ("attempts", "delivery_queue", "deliveries", "endpoint_states", "endpoint_secrets", "endpoints"):
        op.drop_table(table)
    if _postgresql():
        op.execute("DROP SEQUENCE deliveries_n")


def _number(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, primary_key=primary_key, autoincrement=False)


def _small(name: str, *, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, primary_key=primary_key, autoincrement=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
