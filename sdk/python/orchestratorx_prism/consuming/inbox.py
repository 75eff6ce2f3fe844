"""The inbox: what a stream consumer has handled, and how often it failed on the others. Plain SQL on a session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.orm import Session

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.consuming.history import Attempt
from orchestratorx_prism.consuming.leases import insert_if_absent
from orchestratorx_prism.consuming.tables import attempts, inbox, now_s

MOST_PRUNED: Final = 10_000
"""Rows at a time: a transaction that takes long keeps others waiting, and is ended."""


class AlreadyHandled(Exception):
    """Another transaction has committed the message's effect meanwhile: this one must not."""


def was_handled(session: Session, consumer: str, message_id: str) -> bool:
    """Whether the message's effect is committed."""
    where = (inbox.c.consumer == consumer, inbox.c.message_id == message_id)
    return session.execute(select(inbox.c.done_at).where(*where)).first() is not None


def note(session: Session, consumer: str, message_id: str) -> None:
    """Writes the inbox row, which becomes true with the commit. Raises AlreadyHandled."""
    dialect = session.get_bind().dialect.name
    row = insert_if_absent(inbox, dialect).values(consumer=consumer, message_id=message_id, done_at=now_s(dialect))
    # By what comes back, not by a count of rows: drivers differ in that after an INSERT.
    if session.execute(row.returning(inbox.c.message_id)).first() is None:
        raise AlreadyHandled


def failures(session: Session, consumer: str, message_id: str) -> list[Attempt]:
    """Earlier attempts, oldest first, whichever worker made them."""
    columns = (attempts.c.number, attempts.c.at, attempts.c.error)
    found = session.execute(select(*columns).where(*_of(consumer, message_id)).order_by(attempts.c.number))
    return [Attempt(number, datetime.fromtimestamp(at, UTC), error) for number, at, error in found]


def held_back(session: Session, consumer: str, message: Message, grace_s: float) -> bool:
    """Whether another message of the key has failed and is to be tried again first.

    Usually the broker holds the key back; after a change of workers it may not know. What does not come again within
    `grace_s` of its time holds nobody back any more.
    """
    if not message.key:
        return False
    now = now_s(session.get_bind().dialect.name)
    others = (attempts.c.consumer == consumer, attempts.c.key == message.key, attempts.c.message_id != message.id)
    return (
        session.execute(select(attempts.c.number).where(*others, attempts.c.due_at > now - grace_s)).first() is not None
    )


def record_failure(session: Session, consumer: str, message: Message, error: str) -> list[Attempt]:
    """Adds an attempt; returns all of them. The key is held back from now on: see `delay`."""
    dialect = session.get_bind().dialect.name
    last = select(func.max(attempts.c.number)).where(*_of(consumer, message.id))
    number = (session.execute(last).scalar_one_or_none() or 0) + 1
    values = {"consumer": consumer, "message_id": message.id, "key": message.key, "number": number, "error": error}
    session.execute(insert(attempts).values(**values, at=now_s(dialect), due_at=now_s(dialect)))
    return failures(session, consumer, message.id)


def delay(session: Session, consumer: str, message_id: str, delay_s: float) -> None:
    """Notes when the message is to be tried again."""
    due_at = now_s(session.get_bind().dialect.name) + delay_s
    session.execute(update(attempts).where(*_of(consumer, message_id)).values(due_at=due_at))


def forget_failures(session: Session, consumer: str, message_id: str) -> None:
    """When the message is handled, or parked: should it be redriven, it begins anew."""
    session.execute(delete(attempts).where(*_of(consumer, message_id)))


def prune(session: Session, consumer: str, keep_s: float) -> int:
    """Forgets what is older; returns how many inbox rows that were: `MOST_PRUNED` if there may be more."""
    now = now_s(session.get_bind().dialect.name)
    session.execute(delete(attempts).where(attempts.c.consumer == consumer, attempts.c.at < now - keep_s))
    old = select(inbox.c.message_id).where(inbox.c.consumer == consumer, inbox.c.done_at < now - keep_s)
    gone = delete(inbox).where(inbox.c.consumer == consumer, inbox.c.message_id.in_(old.limit(MOST_PRUNED)))
    return cast(CursorResult[Any], session.execute(gone)).rowcount


def _of(consumer: str, message_id: str) -> tuple[Any, Any]:
    return attempts.c.consumer == consumer, attempts.c.message_id == message_id
