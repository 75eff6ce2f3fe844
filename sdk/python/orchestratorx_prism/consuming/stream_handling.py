"""What one message of a stream consumer goes through: one transaction, or one recorded failure."""

from __future__ import annotations

import asyncio
import logging
import random
import time

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from orchestratorx_prism.brokers.base import Delivery, Message
from orchestratorx_prism.consuming import inbox, leases
from orchestratorx_prism.consuming.history import Attempt, DeathNote, error_text
from orchestratorx_prism.consuming.inbox import AlreadyHandled
from orchestratorx_prism.consuming.leases import Lease, LeaseLost
from orchestratorx_prism.consuming.metrics import ConsumerMetrics
from orchestratorx_prism.consuming.reading import read_stream_event
from orchestratorx_prism.consuming.sessions import Database
from orchestratorx_prism.consuming.streams import StreamConsumer
from orchestratorx_prism.errors import PayloadRejected

_log = logging.getLogger(__name__)


def _of_drivers() -> tuple[type[Exception], ...]:
    """What SQLAlchemy 2.0 lets pass as it is when a connection cannot be made; 2.1 makes errors of its own of them."""
    try:
        import asyncpg
    except ModuleNotFoundError:
        return ()
    return asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError


DATABASE_AWAY: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, TimeoutError, *_of_drivers())
"""What the worker's own statements raise while the database cannot do them."""
_AWAY_S = 2.0
"""When to try again what failed because of that. Seconds."""
_HELD_BACK_S = 0.5
"""When to look again whether an earlier message of the key is done. Seconds."""


class NotRecorded(Exception):
    """The worker's own statements failed after the handler's had not: somebody who hangs may hold their rows."""


class StreamHandling:
    """The messages of one consumer, under one lease."""

    def __init__(
        self,
        consumer: StreamConsumer,
        database: Database,
        lease: Lease,
        metrics: ConsumerMetrics,
        *,
        timeout_s: float,
        grace_s: float,
    ) -> None:
        """
        Args:
            grace_s: How long after its time a message that failed still holds its key back.
        """
        self._consumer = consumer
        self._database = database
        self._lease = lease
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._grace_s = grace_s
        self._dice = random.Random()  # noqa: S311 - spreads retries
        self.lost = asyncio.Event()
        """Set once it is known that another worker has the lease."""

    async def handle(self, delivery: Delivery) -> None:
        """Ends the delivery. Raises BrokerUnavailable if the broker could not be told: then it comes again."""
        name, message = self._consumer.name, delivery.message
        try:
            known, held_back, earlier = await self._database.run(
                lambda session: self._look_up(session, message), longest_s=None
            )
        except DATABASE_AWAY:
            await delivery.nack(delay_s=_AWAY_S)
            return
        if self.lost.is_set():
            await delivery.nack()
            return
        if held_back and not known:
            await delivery.nack(delay_s=_HELD_BACK_S)
            return
        if known:
            await self._acknowledge(delivery, "duplicate")
            return
        try:
            event = read_stream_event(message, attempt=len(earlier) + 1)
        except PayloadRejected as unreadable:
            await self._park(delivery, DeathNote(error_text(unreadable)))
            return
        began = time.perf_counter()
        try:
            await self._database.handle(self._consumer, event, lambda s: self._finish(s, message), self._timeout_s)
        except AlreadyHandled:
            await self._acknowledge(delivery, "duplicate")
        except LeaseLost:
            self.lost.set()
            await delivery.nack()
        except NotRecorded as blocked:
            _log.warning("stream consumer %s: %s could not be recorded: %s; it comes again", name, message.id, blocked)
            await delivery.nack(delay_s=_AWAY_S)
        except Exception as error:
            self._metrics.failed(name, event.event_type, type(error).__name__)
            await self._failed(delivery, error)
        else:
            self._metrics.handled(name, event.event_type, time.perf_counter() - began)
            await self._acknowledge(delivery, "acknowledged")

    def _look_up(self, session: Session, message: Message) -> tuple[bool, bool, list[Attempt]]:
        if not leases.holds(session, self._lease):
            self.lost.set()
        name = self._consumer.name
        return (
            inbox.was_handled(session, name, message.id),
            inbox.held_back(session, name, message, self._grace_s),
            inbox.failures(session, name, message.id),
        )

    def _finish(self, session: Session, message: Message) -> None:
        """Last in the transaction: the inbox row, then the fence. Nothing may come after it but the commit."""
        session.flush()
        try:
            inbox.note(session, self._consumer.name, message.id)
            inbox.forget_failures(session, self._consumer.name, message.id)
            leases.fence(session, self._lease)
        except SQLAlchemyError as error:
            raise NotRecorded(error_text(error)) from error

    async def _failed(self, delivery: Delivery, error: Exception) -> None:
        """A failure counts once it is written down: an outage of the database makes no dead letters."""
        name, message, text = self._consumer.name, delivery.message, error_text(error)
        try:
            attempts, delay_s = await self._database.run(lambda s: self._record(s, message, error))
        except DATABASE_AWAY:
            _log.warning("stream consumer %s: the database does not answer; %s comes again", name, message.id)
            await delivery.nack(delay_s=_AWAY_S)
            return
        if delay_s is None:
            await self._park(delivery, DeathNote(f"HANDLER_FAILED {name}: {text}", tuple(attempts)))
            return
        _log.warning(
            "stream consumer %s failed on %s (attempt %d), next in %.1f s: %s",
            *(name, message.id, len(attempts), delay_s, text),
        )
        await delivery.nack(delay_s=delay_s)

    def _record(self, session: Session, message: Message, error: Exception) -> tuple[list[Attempt], float | None]:
        """All attempts, and how long to wait for the next one; None: there is none."""
        name, retry = self._consumer.name, self._consumer.retry
        attempts = inbox.record_failure(session, name, message, error_text(error))
        if not retry.retries(error, len(attempts)):
            return attempts, None
        delay_s = retry.delay_s(len(attempts), self._dice.random, error)
        inbox.delay(session, name, message.id, delay_s)
        return attempts, delay_s

    async def _park(self, delivery: Delivery, note: DeathNote) -> None:
        name, message = self._consumer.name, delivery.message
        await delivery.dead_letter(note.text())
        _log.error("message %s is a dead letter of %s: %s", message.id, name, note.reason)
        self._metrics.ended(name, "dead_letter", None)
        try:
            # Only now: after a crash in between, it fails once more and is parked again.
            await self._database.run(lambda session: inbox.forget_failures(session, name, message.id))
        except DATABASE_AWAY:
            _log.warning("stream consumer %s: the attempts of %s are pruned later", name, message.id)

    async def _acknowledge(self, delivery: Delivery, outcome: str) -> None:
        await delivery.ack()
        self._metrics.ended(self._consumer.name, outcome, None)
