"""The tables, declared once for both databases. Migrations make them; hand-written SQL uses them.

Keys are hashes of fixed length (`references.name_of`), so that no name is too long for an index or has characters that
a database refuses. Numbers (`n`) are given by the writer under its lock: greater is later. Times are microseconds since
1970, UTC. `message` and `record` are serialized.

Every index costs each recording something, most where its keys are random. So there is none that some query does not
need: an event's id, the names of a payment, and the lists in the order in which they are shown.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

HEAD: Final = "0009"
"""The newest migration; a test compares it with the files."""

metadata: Final = MetaData()

ROW_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""In SQLite only an INTEGER primary key is the row's own number."""


def _n() -> Column[int]:
    return Column("n", ROW_NUMBER, primary_key=True, autoincrement=False)


def _number(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger(), nullable=nullable, primary_key=primary_key, autoincrement=False)


def _text(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    return Column(name, Text(), nullable=nullable, primary_key=primary_key)


def _bytes(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(), nullable=nullable, primary_key=primary_key)


events: Final = Table(
    "events",
    metadata,
    _n(),
    _bytes("key"),
    Column("xact", BigInteger(), nullable=False, server_default=text("0")),
    _text("merchant_id"),
    _text("connector"),
    _text("type"),
    _number("payment", nullable=True),
    _number("received_at"),
    _number("raw", nullable=True),
    _bytes("message"),
    Index("events_key", "key", unique=True),
    Index("events_received", "merchant_id", "received_at", "n"),
    Index("events_payment", "payment", "n"),
    Index("events_commit", "xact", "n").ddl_if(dialect="postgresql"),
)
"""Facts. `xact` is PostgreSQL's id of the transaction that wrote it; SQLite's writers take turns, and need none."""

payments: Final = Table(
    "payments",
    metadata,
    _n(),
    _text("merchant_id"),
    _text("connector"),
    Column("status", Integer(), nullable=False),
    _text("currency"),
    _text("merchant_transaction_id", nullable=True),
    _number("created_at"),
    _bytes("record"),
    _number("amount", nullable=True),
    Index("payments_amount", "merchant_id", "currency", "amount", "n"),
    Index("payments_created", "merchant_id", "created_at", "n"),
    Index("payments_merchant_transaction", "merchant_id", "merchant_transaction_id", "n"),
)
"""Projections: `record` is a `PaymentRecord`; the other columns are what lists select by."""

names: Final = Table(
    "names",
    metadata,
    _bytes("key", primary_key=True),
    _number("payment"),
    sqlite_with_rowid=False,
)
"""Every name of a payment: the provider's references, its refunds' and disputes' ids."""


def _children(name: str) -> Table:
    return Table(
        name,
        metadata,
        _bytes("key", primary_key=True),
        _number("n"),
        _number("payment"),
        _text("merchant_id"),
        _text("connector"),
        Column("status", Integer(), nullable=False),
        _number("created_at"),
        _bytes("message"),
        Index(f"{name}_created", "merchant_id", "created_at", "n"),
        Index(f"{name}_payment", "payment", "created_at", "n"),
    )


refunds: Final = _children("refunds")
disputes: Final = _children("disputes")

payouts: Final = Table(
    "payouts",
    metadata,
    _bytes("key", primary_key=True),
    _text("merchant_id"),
    _text("connector"),
    Column("status", Integer(), nullable=False),
    _number("created_at"),
    _bytes("record"),
    _number("n"),
    Index("payouts_created", "merchant_id", "created_at", "n"),
    sqlite_with_rowid=False,
)
"""Projections of payouts, and what was told of them: `record` is a `PayoutRecord`. The key is in our id of it."""

outbox: Final = Table(
    "outbox",
    metadata,
    _text("channel", primary_key=True),
    _number("n", primary_key=True),
    _number("event"),
    _text("partition_key"),
    _number("recorded_at"),
    _number("available_at"),
    _bytes("claim", nullable=True),
    Column("attempts", Integer(), nullable=False),
    sqlite_with_rowid=False,
)
"""What is to be published. A row may be claimed from `available_at` on; being claimed moves that to the lease's end."""

sent: Final = Table(
    "sent",
    metadata,
    _number("event", primary_key=True),
    _text("channel", primary_key=True),
    _number("sent_at"),
    sqlite_with_rowid=False,
)
"""What was published: when first, on which channel."""

intents: Final = Table(
    "intents",
    metadata,
    _bytes("key", primary_key=True),
    _text("merchant_id"),
    _text("connector"),
    _text("capability"),
    _text("request_id"),
    _bytes("request_hash"),
    _bytes("request"),
    _number("created_at"),
    Column("state", Integer(), nullable=False),
    _bytes("answer", nullable=True),
    _bytes("claim", nullable=True),
    Column("tries", Integer(), nullable=False),
    _number("due_at", nullable=True),
    _bytes("known_key", nullable=True),
    _bytes("known", nullable=True),
    Index("intents_created", "created_at"),
    Index(
        "intents_due", "due_at", postgresql_where=text("due_at IS NOT NULL"), sqlite_where=text("due_at IS NOT NULL")
    ),
    Index(
        "intents_known",
        "known_key",
        postgresql_where=text("known_key IS NOT NULL"),
        sqlite_where=text("known_key IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)
"""See `intents.Intents`. `due_at`: the end of its holder's lease, or when it is to be asked about; NULL once ended."""

watermarks: Final = Table(
    "watermarks",
    metadata,
    _text("merchant_id", primary_key=True),
    _text("connector", primary_key=True),
    Column("environment", Integer(), primary_key=True, autoincrement=False),
    _number("until_at"),
    _number("tried_at"),
    sqlite_with_rowid=False,
)
"""See `watermarks.Watermarks`. `until_at`: 0 while nothing was fetched; `tried_at`: when it was last begun."""

raw_bodies: Final = Table(
    "raw_bodies",
    metadata,
    _n(),
    _bytes("key"),
    _number("stored_at"),
    _bytes("body"),
    Index("raw_bodies_key", "key", unique=True),
)
"""Bodies as received, encrypted; one for each body and merchant."""
