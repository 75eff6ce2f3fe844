"""The worker: runs stream consumers, each of their effects exactly once.

For each consumer one worker at a time has the lease, and works; the others wait to follow it. Each message is one
transaction of the application's database: the handler's changes, the inbox row, and the proof that the lease is still
ours. Only when that is committed is the message acknowledged. What comes again is found in the inbox, and dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from orchestratorx_prism.brokers import (
    Broker,
    BrokerSettings,
    BrokerUnavailable,
    GroupQueries,
    Subscription,
    Succession,
    open_broker,
)
from orchestratorx_prism.consuming import inbox, leases
from orchestratorx_prism.consuming.ending import end
from orchestratorx_prism.consuming.groups import watch_lag
from orchestratorx_prism.consuming.history import error_text
from orchestratorx_prism.consuming.leases import Lease
from orchestratorx_prism.consuming.metrics import ConsumerCounters, ConsumerMetrics, SharedMetrics
from orchestratorx_prism.consuming.postgres_bounds import end_hanging
from orchestratorx_prism.consuming.pump import Pump
from orchestratorx_prism.consuming.sessions import Database, create_tables, is_sqlite, open_database
from orchestratorx_prism.consuming.stream_handling import DATABASE_AWAY, StreamHandling
from orchestratorx_prism.consuming.streams import StreamConsumer, consumer_of, registered_consumers
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSE_S = 1.0
_RETURNS_BY_TIME = frozenset({"nats", "redis"})
"""Brokers that do not notice a consumer's death: what it had in hand goes to others after `ack_wait_s`."""
_RETURN_GRACE_S = 0.5
_NOTICED_WITHIN_S = 60.0
"""Other brokers notice it sooner, also when no connection breaks: by heartbeats."""
_ASK_AGAIN_S = 0.1
_ANSWERS_WITHIN_S = 15.0
"""A database that does not answer for so long, as when its machine vanished, is away."""
_ENDING_S = 10.0
"""How much longer than its handlers a worker may take to stop: for the broker and the database to be told."""
_PRUNE_EVERY_S = 3_600.0
_S_PER_DAY = 86_400.0


class StreamWorker:
    """Runs stream consumers in this process, over one broker and one database."""

    def __init__(
        self,
        messaging: BrokerSettings,
        database: str | Engine | AsyncEngine,
        *,
        consumers: Sequence[StreamConsumer | Callable[..., Any]] | None = None,
        concurrency: int = 8,
        lease_s: float = 15.0,
        handler_timeout_s: float | None = None,
        inbox_days: float = 30.0,
        migrate: bool = True,
        metrics: ConsumerMetrics | None = None,
        broker: Broker | None = None,
    ) -> None:
        """
        Args:
            messaging: Which broker: `load_config(…).messaging`.
            database: The application's: a URL, or an engine, of the kind that the functions need.
            consumers: Which: decorated functions. None: all that were decorated.
            concurrency: Most messages of a consumer at once; those of one key one after the other. SQLite: 1.
            lease_s: How long after a worker's death another one follows it. Seconds.
            handler_timeout_s: Longest time of one coroutine. None: nine tenths of the settings' `ack_wait_s`.
            inbox_days: How long handled messages are remembered. Longer than the broker keeps them.
            migrate: Whether to make the worker's tables at the start. If not: `tables.metadata` for Alembic.
            metrics: Who counts. None: counters in memory, `worker.counters`.
            broker: An open one to share, which is not closed here. None: one of its own.

        Raises:
            SettingsRejected, DriverMissing: The settings do not hold together, or a driver is missing.
        """
        keep_s = inbox_days * _S_PER_DAY
        if keep_s < messaging.max_age_s:
            raise SettingsRejected(
                "inbox_days is shorter than the broker's max_age_s: what comes again could be taken for new",
                fix="raise inbox_days, or lower max_age_s",
            )
        if concurrency < 1 or lease_s <= 0:
            raise SettingsRejected("concurrency: 1 or more; lease_s: more than 0")
        self.counters = ConsumerCounters()
        self.metrics = SharedMetrics(self.counters, *([metrics] if metrics is not None else []))
        self._consumers = registered_consumers() if consumers is None else [consumer_of(chosen) for chosen in consumers]
        self._concurrency = 1 if is_sqlite(database) else concurrency
        self._databases = {c.name: open_database(database, c, concurrency=self._concurrency) for c in self._consumers}
        self._lease_s = lease_s
        self._timeout_s = handler_timeout_s or 0.9 * messaging.ack_wait_s
        self._keep_s = keep_s
        self._ack_wait_s = messaging.ack_wait_s
        self._migrate = migrate
        self._broker = broker or open_broker(messaging)
        self._owns_broker = broker is None
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins to work, or to wait for the lease; returns at once. Outages of broker and database are waited through.

        Raises:
            RequestRejected: No function was decorated.
        """
        if not self._consumers:
            raise RequestRejected("there is no stream consumer", fix="import the modules with @stream_consumer first")
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._serve(one), name=one.name) for one in self._consumers]
            for task in self._tasks:
                task.add_done_callback(_tell)

    async def wait(self) -> None:
        """Returns when the worker was stopped; raises what made one of its consumers stop by itself."""
        if self._tasks:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()

    async def run(self) -> None:
        """Works until SIGTERM, SIGINT or `stop`; then stops in good order."""
        loop = asyncio.get_running_loop()
        await self.start()
        with contextlib.ExitStack() as handlers:
            for number in (signal.SIGTERM, signal.SIGINT):
                # Not in threads other than the main one, nor on Windows: there `stop` is the only way.
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(number, self._stopping.set)
                    handlers.callback(loop.remove_signal_handler, number)
            try:
                await self.wait()
            finally:
                await self.stop()

    async def stop(self) -> None:
        """Finishes what is in hand, gives the leases back, and disconnects; what hangs is cut off."""
        self._stopping.set()
        if self._tasks:
            _, hanging = await asyncio.wait(self._tasks, timeout=self._timeout_s + _ENDING_S)
            await end(hanging)
        if self._owns_broker:
            await self._broker.close()
        for database in self._databases.values():
            await database.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, consumer: StreamConsumer) -> None:
        """Waits for the lease, works under it, and begins again when it is lost."""
        database = self._databases[consumer.name]
        owner = str(uuid.uuid4())
        migrated = not self._migrate
        uncertain = False
        """Whether somebody, or we before, may have messages in hand that the broker was not told of."""
        while not self._stopping.is_set():
            try:
                if not migrated:
                    async with asyncio.timeout(_ANSWERS_WITHIN_S):
                        await create_tables(database)
                    migrated = True
                await _ask(database, end_hanging)
                lease = await _ask(database, lambda s: leases.acquire(s, consumer.name, owner, self._lease_s))
                if lease is not None:
                    uncertain = uncertain or lease.inherited
                    subscription = await self._broker.subscribe([consumer.stream], group=consumer.name)
                    lease, uncertain = replace(lease, inherited=uncertain), True
                    await self._work(consumer, database, lease, subscription)
                    uncertain = False
                    continue
            except DATABASE_AWAY as away:
                _log.warning("stream consumer %s: the database does not answer: %s", consumer.name, _name(away))
            except BrokerUnavailable as away:
                _log.warning("stream consumer %s: the broker does not answer: %s", consumer.name, away.message)
            await self._pause(min(_PAUSE_S, self._lease_s / 3))

    async def _work(
        self, consumer: StreamConsumer, database: Database, lease: Lease, subscription: Subscription
    ) -> None:
        """Until the worker is stopped or the lease is lost."""
        _log.info("stream consumer %s: working, token %d", consumer.name, lease.token)
        beside: list[asyncio.Task[None]] = []
        try:
            handling = StreamHandling(
                *(consumer, database, lease, self.metrics), timeout_s=self._timeout_s, grace_s=2 * self._ack_wait_s
            )
            pump = Pump(subscription, handling.handle, concurrency=self._concurrency)
            beside.append(asyncio.create_task(self._watch(database, lease, handling.lost, pump)))
            beside.append(asyncio.create_task(self._stop_with_us(pump)))
            beside.append(asyncio.create_task(self._prune(consumer.name, database)))
            if isinstance(self._broker, GroupQueries):
                beside.append(asyncio.create_task(watch_lag(self._broker, consumer.name, self.metrics.lag)))
            try:
                # A broker may take long to make a new group, and nobody has renewed the lease meanwhile.
                if not await _ask(database, lambda session: leases.renew(session, lease, self._lease_s)):
                    handling.lost.set()
                await self._until_all_is_back(subscription, lease, handling.lost)
                await pump.run()
                # Of a lost lease nothing can be committed: there is nothing to wait for.
                await pump.drain(0.0 if handling.lost.is_set() else self._timeout_s)
            finally:
                await subscription.close()
            # If the broker could not be told what we had in hand, the lease runs out, and the next one knows.
            await self._broker.health()
            with contextlib.suppress(*DATABASE_AWAY):
                await _ask(database, lambda session: leases.release(session, lease))
        finally:
            await end(beside)

    async def _until_all_is_back(self, subscription: Subscription, lease: Lease, lost: asyncio.Event) -> None:
        """What the one before had in hand comes back, and before what is new: then order holds."""
        if lease.inherited and self._broker.name in _RETURNS_BY_TIME:
            await self._pause(self._ack_wait_s + _RETURN_GRACE_S, lost)
        if not isinstance(subscription, Succession):
            return
        deadline = asyncio.get_running_loop().time() + _NOTICED_WITHIN_S
        while not await subscription.alone() and not self._stopping.is_set() and not lost.is_set():
            if asyncio.get_running_loop().time() >= deadline:
                _log.warning(
                    "stream consumer %s: somebody else in its group still has messages in hand; beginning without them",
                    lease.consumer,
                )
                return
            await self._pause(_ASK_AGAIN_S, lost)

    async def _watch(self, database: Database, lease: Lease, lost: asyncio.Event, pump: Pump) -> None:
        """Renews the lease, and stops the pump when there is a reason to."""
        loop = asyncio.get_running_loop()
        good_until = loop.time() + self._lease_s
        while not self._stopping.is_set() and not lost.is_set():
            await self._pause(self._lease_s / 3, lost)
            asked_at = loop.time()
            try:
                if not await _ask(database, lambda session: leases.renew(session, lease, self._lease_s)):
                    lost.set()
                good_until = asked_at + self._lease_s
                # Whoever was here before may hang with rows that handlers wait for.
                await _ask(database, end_hanging)
            except DATABASE_AWAY as away:
                _log.warning("stream consumer %s: the lease was not renewed: %s", lease.consumer, _name(away))
                if loop.time() >= good_until:
                    lost.set()
        if lost.is_set():
            _log.warning("stream consumer %s: the lease is lost", lease.consumer)
        pump.stop()

    async def _prune(self, consumer: str, database: Database) -> None:
        """Has the inbox forget what is old, now and then. Beside renewals, which must not wait for it."""
        while not self._stopping.is_set():
            try:
                gone = await database.run(lambda session: inbox.prune(session, consumer, self._keep_s))
                if gone >= inbox.MOST_PRUNED:
                    continue
            except DATABASE_AWAY as away:
                _log.warning("stream consumer %s: the inbox was not pruned: %s", consumer, _name(away))
            await self._pause(_PRUNE_EVERY_S)

    async def _stop_with_us(self, pump: Pump) -> None:
        """At once, also while the database lets `_watch` wait."""
        await self._stopping.wait()
        pump.stop()

    async def _pause(self, seconds: float, lost: asyncio.Event | None = None) -> None:
        """Ends early when the worker is stopped or the lease is lost."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stopping, lost) if event is not None]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


async def run_stream_consumers(messaging: BrokerSettings, database: str | Engine | AsyncEngine) -> None:
    """Runs every stream consumer that was decorated in this process, until SIGTERM or SIGINT."""
    await StreamWorker(messaging, database).run()


async def _ask(database: Database, work: Callable[[Session], T]) -> T:
    """As `database.run`. Raises TimeoutError if there is no answer; what was asked may still be done then."""
    async with asyncio.timeout(_ANSWERS_WITHIN_S):
        return await database.run(work)


def _tell(serving: asyncio.Task[None]) -> None:
    """Nobody need be waiting for the worker: that one of its consumers has stopped by itself is said aloud."""
    if not serving.cancelled() and (error := serving.exception()) is not None:
        _log.error("stream consumer %s has stopped: %s", serving.get_name(), error_text(error))


def _name(error: BaseException) -> str:
    """The text of a database error may hold values of rows."""
    cause = error.orig if isinstance(error, SQLAlchemyError) and hasattr(error, "orig") else None
    return type(cause or error).__name__
