"""The tables of outgoing webhooks: endpoints, what is owed to each, and what was tried.

A delivery is two rows: `deliveries` is what there is to know of it, and stays; `delivery_queue` is that it is still
owed, and goes. So claims work on a small table, and what lists select by is never rewritten. Times are microseconds
since 1970, UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from orchestrator.ledger.schema import ROW_NUMBER, metadata


def _number(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger(), nullable=nullable, primary_key=primary_key, autoincrement=False)


def _small(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, Integer(), nullable=False, primary_key=primary_key, autoincrement=False)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text(), nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(), nullable=nullable)


_ON: Final = text("state = 1")
_OFF: Final = text("state > 1")

endpoints: Final = Table(
    "endpoints",
    metadata,
    Column("n", ROW_NUMBER, primary_key=True, autoincrement=False),
    _text("merchant_id"),
    _text("url"),
    _text("description"),
    _text("event_types"),
    _small("state"),
    _text("state_reason"),
    _bytes("headers", nullable=True),
    _small("max_in_flight"),
    _small("per_second"),
    _small("ordered"),
    _small("payments_headers"),
    _number("version"),
    _number("created_at"),
    _number("updated_at"),
    Index("endpoints_created", "merchant_id", "created_at", "n"),
    Index("endpoints_enabled", "merchant_id", "n", postgresql_where=_ON, sqlite_where=_ON),
    Index("endpoints_off", "state", "n", postgresql_where=_OFF, sqlite_where=_OFF),
)
"""`n`: random, and the endpoint's id in another form. `event_types`: a JSON list. `headers`: sealed. `version` is
another one after every change that whoever sends must know of. `state`: as in the API; 4: deleted, and to be forgotten
once nothing is owed to it any more."""

endpoint_secrets: Final = Table(
    "endpoint_secrets",
    metadata,
    _number("endpoint", primary_key=True),
    _number("n", primary_key=True),
    _text("merchant_id"),
    _small("kind"),
    _bytes("sealed"),
    _number("created_at"),
    _number("expires_at", nullable=True),
    sqlite_with_rowid=False,
)
"""`kind`: 1 HMAC, 2 ed25519. `expires_at`: messages are signed with it until then; NULL: it is the current one."""

endpoint_states: Final = Table(
    "endpoint_states",
    metadata,
    _number("endpoint", primary_key=True),
    _number("paced_until"),
    _number("slowed_until"),
    _small("strikes"),
    _number("failing_since", nullable=True),
    sqlite_with_rowid=False,
)
"""How sending to an endpoint goes. Whoever claims for an endpoint holds its row. `paced_until`: what its rate has used
up; `slowed_until`: nothing is sent before; `strikes`: failures since the last success."""

endpoint_failures: Final = Table(
    "endpoint_failures",
    metadata,
    _number("endpoint", primary_key=True),
    _number("failed_at", primary_key=True),
    _text("merchant_id"),
    _text("url"),
    _text("reason"),
    sqlite_with_rowid=False,
)
"""Endpoints that were given up, of which no event tells yet."""

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("n", ROW_NUMBER, primary_key=True, autoincrement=False),
    _bytes("key"),
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
    Index("deliveries_key", "key", unique=True),
    Index("deliveries_merchant", "merchant_id", "n"),
    Index("deliveries_endpoint", "endpoint", "n"),
    Index("deliveries_event", "event"),
)
"""`key`: of endpoint and event, and the webhook id in another form. `line`: what its order is kept by. `state`: as in
the API. `tries` counts attempts, `failures` those that are known to have failed since it was put in line."""

delivery_queue: Final = Table(
    "delivery_queue",
    metadata,
    Column("n", ROW_NUMBER, primary_key=True, autoincrement=False),
    _number("endpoint"),
    _small("again"),
    _number("due_at"),
    _bytes("claim", nullable=True),
    _number("line", nullable=True),
    Index("delivery_queue_due", "endpoint", "again", "due_at", "n"),
    Index(
        "delivery_queue_claimed",
        "endpoint",
        "due_at",
        postgresql_where=text("claim IS NOT NULL"),
        sqlite_where=text("claim IS NOT NULL"),
    ),
    Index(
        "delivery_queue_line",
        "endpoint",
        "line",
        "n",
        postgresql_where=text("line IS NOT NULL"),
        sqlite_where=text("line IS NOT NULL"),
    ),
)
"""What is owed. `again`: 1 after a failure; first attempts have slots of their own. `due_at`: when it may be claimed;
being claimed moves that to the lease's end. `line`: set where the endpoint wants a payment's events in order."""

attempts: Final = Table(
    "attempts",
    metadata,
    _number("delivery", primary_key=True),
    _small("number", primary_key=True),
    _number("started_at"),
    _small("duration_ms"),
    _text("url"),
    _text("request_headers"),
    _small("status"),
    _text("response_headers"),
    _bytes("response_body"),
    _text("error"),
    sqlite_with_rowid=False,
)
"""What was tried, and what came back, as far as it is kept. Headers are JSON objects; the request's are masked."""
