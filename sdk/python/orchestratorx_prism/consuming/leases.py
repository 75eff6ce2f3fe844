"""Who may work for a stream consumer: one worker at a time, by a lease with a fencing token. Plain SQL on a session.

A worker that was away too long (stopped, swapped out, cut off) has lost its lease, and does not know. So each of its
commits asks, in the same transaction, whether its token is still the newest, and holds the token's row until it is
done: a new owner cannot come in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.schema import Table

from orchestratorx_prism.consuming.tables import leases, now_s, owners

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
"""PostgreSQL: a worker that hangs in the middle of a commit must not hang those who want to follow it."""


class LeaseLost(Exception):
    """Another worker has taken over: nothing of this transaction may be committed."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work for a consumer."""

    consumer: str
    owner: str
    """A name of this one worker; a UUID."""
    token: int
    inherited: bool = False
    """Whether the one before has not given it back: it may have died with messages in hand."""


def acquire(session: Session, consumer: str, owner: str, ttl_s: float) -> Lease | None:
    """Takes the lease if nobody has it, or its time is up. None: somebody has it."""
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        session.execute(text(_LOCK_TIMEOUT))
    session.execute(insert_if_absent(owners, dialect).values(consumer=consumer, owner="", expires_at=0.0))
    now = now_s(dialect)
    before = session.execute(select(owners.c.owner).where(owners.c.consumer == consumer)).scalar_one()
    taken = _changed(
        session,
        update(owners)
        .where(owners.c.consumer == consumer, (owners.c.expires_at <= now) | (owners.c.owner == owner))
        .values(owner=owner, expires_at=now + ttl_s),
    )
    if not taken:
        return None
    session.execute(insert_if_absent(leases, dialect).values(consumer=consumer, token=0))
    grown = update(leases).where(leases.c.consumer == consumer).values(token=leases.c.token + 1)
    token = session.execute(grown.returning(leases.c.token)).scalar_one()
    return Lease(consumer, owner, token, inherited=before not in ("", owner))


def renew(session: Session, lease: Lease, ttl_s: float) -> bool:
    """Whether the lease is still ours; it is, then, for another `ttl_s`."""
    now: ColumnElement[Any] = now_s(session.get_bind().dialect.name)
    mine = (owners.c.consumer == lease.consumer, owners.c.owner == lease.owner)
    return _changed(session, update(owners).where(*mine).values(expires_at=now + ttl_s))


def release(session: Session, lease: Lease) -> None:
    """Lets the next one in at once."""
    mine = (owners.c.consumer == lease.consumer, owners.c.owner == lease.owner)
    session.execute(update(owners).where(*mine).values(owner="", expires_at=0.0))


def fence(session: Session, lease: Lease) -> None:
    """To be called last before the commit. Raises LeaseLost."""
    mine = select(leases.c.token).where(leases.c.consumer == lease.consumer)
    # SQLite knows no row locks; there the transaction has written already, which locks out everybody else.
    if session.execute(mine.with_for_update(read=True)).scalar_one_or_none() != lease.token:
        raise LeaseLost


def holds(session: Session, lease: Lease) -> bool:
    """Whether the token is still the newest, at this moment and without a lock."""
    found = session.execute(select(func.max(leases.c.token)).where(leases.c.consumer == lease.consumer))
    return found.scalar_one_or_none() == lease.token


def insert_if_absent(table: Table, dialect: str) -> Any:
    """INSERT … ON CONFLICT DO NOTHING, which is spelled alike in both databases."""
    insert: Any = postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)
    return insert.on_conflict_do_nothing()


def _changed(session: Session, statement: Any) -> bool:
    return session.execute(statement.returning(owners.c.owner)).first() is not None
