"""The consumer: handlers by event type over any of the brokers.

    consumer = PaymentEventConsumer(config.messaging)
    await consumer.register_handler("payment.captured", on_captured)
    await consumer.start()

At least once: a handler may be called twice with one event, after a crash or a lost acknowledgement; `event.id` tells.
For effects that happen exactly once there is `stream_consumer`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import Self, TypeVar

from orchestratorx_prism.brokers import Broker, BrokerSettings, GroupQueries, Subscription, open_broker
from orchestratorx_prism.consuming.dispatching import Dispatcher
from orchestratorx_prism.consuming.ending import cancelled_by_others, end
from orchestratorx_prism.consuming.groups import default_group, watch_lag
from orchestratorx_prism.consuming.handling import EventHandler, Handler, handler_name
from orchestratorx_prism.consuming.history import error_text
from orchestratorx_prism.consuming.metrics import ConsumerCounters, ConsumerMetrics, SharedMetrics
from orchestratorx_prism.consuming.names import selector
from orchestratorx_prism.consuming.pump import Pump
from orchestratorx_prism.consuming.retrying import RetryPolicy
from orchestratorx_prism.errors import RequestRejected

_log = logging.getLogger(__name__)

F = TypeVar("F", bound=EventHandler)

EVENTS_ADDRESS = "payments.events"
"""Where the `events` channel and `PaymentEventPublisher` publish."""
_TYPES_KNOWN = 1_024


class PaymentEventConsumer:
    """A member of a consumer group. Several with the same group share the events; each other group gets them all."""

    def __init__(
        self,
        messaging: BrokerSettings,
        *,
        group: str = "",
        addresses: Sequence[str] = (EVENTS_ADDRESS,),
        concurrency: int = 16,
        retry: RetryPolicy | None = None,
        metrics: ConsumerMetrics | None = None,
        handler_timeout_s: float | None = None,
        max_deliveries: int = 100,
        broker: Broker | None = None,
    ) -> None:
        """
        Args:
            messaging: Which broker: `load_config(…).messaging`.
            group: The consumer group. Empty: the one in the settings.
            addresses: Topics or streams; one may end in `*`.
            concurrency: Most events that are handled at once; those of one payment always one after the other.
            retry: For handlers that bring no policy of their own.
            metrics: Who counts. None: counters in memory, `consumer.counters`.
            handler_timeout_s: Longest time of one handler. None: nine tenths of the settings' `ack_wait_s`.
            max_deliveries: A message that was delivered so often, beside its retries, and never ended, is parked: it
                kills its consumers.
            broker: An open one to share, which is not closed here. None: one of its own.

        Raises:
            SettingsRejected, DriverMissing: The settings do not hold together, or the broker's driver is missing.
        """
        if concurrency < 1:
            raise RequestRejected("concurrency: 1 or more")
        self.group = group or default_group(messaging)
        self.counters = ConsumerCounters()
        self.metrics = SharedMetrics(self.counters, *([metrics] if metrics is not None else []))
        self._addresses = tuple(addresses)
        self._concurrency = concurrency
        self._retry = retry or RetryPolicy()
        self._broker = broker or open_broker(messaging)
        self._owns_broker = broker is None
        self._handlers: list[Handler] = []
        self._handlers_of = lru_cache(_TYPES_KNOWN)(self._find_handlers)
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix="payment-events")
        self._dispatcher = Dispatcher(
            self.group,
            handlers=self._handlers_of,
            metrics=self.metrics,
            executor=self._executor,
            timeout_s=handler_timeout_s or 0.9 * messaging.ack_wait_s,
            max_deliveries=max_deliveries,
            remember_s=max(messaging.duplicate_window_s, 2 * messaging.ack_wait_s),
        )
        self._subscription: Subscription | None = None
        self._pump: Pump | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def register_handler(
        self, event_type: str, handler: EventHandler, *, retry: RetryPolicy | None = None, name: str = ""
    ) -> None:
        """Has `handler` called with every event of the type; before `start`, or while it runs.

        Args:
            event_type: "payment.captured", an older name of it, a pattern that ends in `*`, or a type of your own.
            handler: A function of one event, async or not. One that is not runs in a thread.
            retry: How often it is tried, and how long it waits in between. None: the consumer's policy.
            name: For logs, metrics and dead letters. Empty: the function's name. Must differ between handlers.

        Raises:
            RequestRejected: No such pattern, or no function.
        """
        self._register(event_type, handler, retry, name)

    def on(self, *event_types: str, retry: RetryPolicy | None = None) -> Callable[[F], F]:
        """`register_handler` as a decorator, for one type or several."""

        def register(handler: F) -> F:
            for event_type in event_types:
                self._register(event_type, handler, retry, "")
            return handler

        return register

    async def start(self) -> None:
        """Joins the group and begins to handle; returns when that is so. The work goes on in this event loop.

        Raises:
            BrokerUnavailable: The broker cannot be reached now. Later outages are waited through.
            SettingsRejected: What is there at the broker cannot be used.
            RequestRejected: It was stopped, before or meanwhile.
        """
        if self._stopping is not None:
            raise _was_stopped()
        if self._pump is not None:
            return
        # A task of its own: `stop` may end it, and whoever else calls meanwhile waits for the same one.
        starting = self._starting = self._starting or asyncio.create_task(self._begin())
        try:
            await starting
        except asyncio.CancelledError:
            if cancelled_by_others():
                raise _was_stopped() from None
            raise
        finally:
            if starting.done():
                self._starting = None

    async def _begin(self) -> None:
        await self._broker.connect()
        self._subscription = await self._broker.subscribe(self._addresses, group=self.group)
        self._pump = Pump(self._subscription, self._dispatcher.handle, concurrency=self._concurrency)
        self._tasks = [asyncio.create_task(self._pump.run())]
        self._tasks[0].add_done_callback(_tell)
        if isinstance(self._broker, GroupQueries):
            self._tasks.append(asyncio.create_task(watch_lag(self._broker, self.group, self.metrics.lag)))
        _log.info("consuming %s as %s from %s", ", ".join(self._addresses), self.group, self._broker.name)

    async def wait(self) -> None:
        """Returns when the consumer was stopped; raises what made it stop by itself."""
        if self._tasks:
            await asyncio.wait([self._tasks[0]])
            if not self._tasks[0].cancelled():
                await self._tasks[0]

    async def run(self) -> None:
        """Starts, if it was not, and handles events until SIGTERM, SIGINT or `stop`; then stops in good order."""
        loop = asyncio.get_running_loop()
        await self.start()
        assert self._pump is not None  # noqa: S101 - for the type checker: `start` made it
        with contextlib.ExitStack() as handlers:
            for number in (signal.SIGTERM, signal.SIGINT):
                # Not in threads other than the main one, nor on Windows: there `stop` is the only way.
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(number, self._pump.stop)
                    handlers.callback(loop.remove_signal_handler, number)
            try:
                await self.wait()
            finally:
                await self.stop()

    async def stop(self, grace_s: float = 20.0) -> None:
        """No more events; waits up to `grace_s` for handlers, stops the others, and gives back what is not ended.

        It goes on if the caller is cancelled. A handler that calls it does not wait for itself: it returns at once.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._end(grace_s))
        if self._pump is None or not self._pump.is_working_on(asyncio.current_task()):
            await asyncio.shield(self._stopping)

    async def _end(self, grace_s: float) -> None:
        try:
            if self._starting is not None:
                await end([self._starting])
            if self._pump is not None and self._subscription is not None:
                await self._end_work(self._pump, self._subscription, grace_s)
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)
            if self._owns_broker:
                await self._broker.close()

    async def _end_work(self, pump: Pump, subscription: Subscription, grace_s: float) -> None:
        until = time.monotonic() + grace_s
        pump.stop()
        # Longer than a fetch takes only while the broker does not answer.
        await asyncio.wait([self._tasks[0]], timeout=grace_s)
        left = await pump.drain(max(0.0, until - time.monotonic()))
        if left:
            _log.warning("%d handlers were stopped after %.0f s; their events will come again", left, grace_s)
        await end(self._tasks)
        await subscription.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _register(self, event_type: str, handler: EventHandler, retry: RetryPolicy | None, name: str) -> None:
        own = handler_name(handler)
        taken = {one.name for one in self._handlers}
        if name in taken:
            raise RequestRejected("two handlers have one name", reason="HANDLER_INVALID", fix="choose another name")
        # One function may stand for several types, and functions of several modules may be called the same.
        numbered = (f"{own}-{number}" for number in itertools.count(2))
        unique = name or next(one for one in itertools.chain([own], numbered) if one not in taken)
        self._handlers.append(Handler(unique, selector(event_type), handler, retry or self._retry))
        self._handlers_of.cache_clear()

    def _find_handlers(self, event_type: str) -> tuple[Handler, ...]:
        return tuple(handler for handler in self._handlers if handler.selector.takes(event_type))


def _was_stopped() -> RequestRejected:
    return RequestRejected("this consumer was stopped", fix="make another one")


def _tell(running: asyncio.Task[None]) -> None:
    """Nobody need be waiting for the consumer: that it has stopped by itself is said aloud."""
    if not running.cancelled() and (error := running.exception()) is not None:
        _log.error("the consumer has stopped: %s", error_text(error))
