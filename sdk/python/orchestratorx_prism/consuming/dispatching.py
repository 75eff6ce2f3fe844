"""What one delivery goes through: read it, run the handlers that want it, and end it by what became of them."""

from __future__ import annotations

import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from orchestratorx_prism.brokers.base import Delivery
from orchestratorx_prism.consuming.handling import Handler
from orchestratorx_prism.consuming.history import Attempt, DeathNote, attempt_now, error_text
from orchestratorx_prism.consuming.metrics import ConsumerMetrics
from orchestratorx_prism.consuming.reading import read_event, type_of
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.wrappers import PrismEvent

_log = logging.getLogger(__name__)

_REMEMBERED = 10_000
"""Messages of which the progress is known, and ids of those done with. The oldest are forgotten first."""


@dataclass(slots=True)
class _Progress:
    """How far one message has come in this process."""

    done: set[str] = field(default_factory=set)
    """Handlers that came through: they are not called again when another one failed."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Handlers that will not be tried again → their last error."""
    failures: dict[str, int] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)


class Dispatcher:
    """Deliveries of one group, to its handlers."""

    def __init__(
        self,
        group: str,
        *,
        handlers: Callable[[str], Sequence[Handler]],
        metrics: ConsumerMetrics,
        executor: Executor,
        timeout_s: float,
        max_deliveries: int,
        remember_s: float,
    ) -> None:
        """
        Args:
            handlers: Event type → who wants it.
            timeout_s: Longest time of one handler.
            max_deliveries: A message that comes so often, beside the retries, has killed its consumers: it is parked.
            remember_s: How long a message that was handled is known, should it come again.
        """
        self._group = group
        self._handlers = handlers
        self._metrics = metrics
        self._executor = executor
        self._timeout_s = timeout_s
        self._max_deliveries = max_deliveries
        self._remember_s = remember_s
        self._progress: OrderedDict[str, _Progress] = OrderedDict()
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._dice = random.Random()  # noqa: S311 - spreads retries

    async def handle(self, delivery: Delivery) -> None:
        """Ends the delivery. Raises BrokerUnavailable if the broker could not be told: then it comes again."""
        message = delivery.message
        if self._was_handled(message.id):
            await self._acknowledge(delivery, "duplicate", None)
            return
        named = type_of(message)
        if named and not self._handlers(named):
            await self._acknowledge(delivery, "unhandled", None)
            return
        try:
            event = read_event(message)
        except PayloadRejected as unreadable:
            await self._park(delivery, DeathNote(error_text(unreadable)), None)
            return
        await self._run_handlers(delivery, event)

    async def _run_handlers(self, delivery: Delivery, event: PrismEvent) -> None:
        message = delivery.message
        handlers = self._handlers(event.message.type)
        if not handlers:
            await self._acknowledge(delivery, "unhandled", _age_s(event))
            return
        if self._too_often(delivery.attempt, handlers):
            note = DeathNote(f"DELIVERED_TOO_OFTEN: {delivery.attempt} times, and never ended")
            await self._park(delivery, note, _age_s(event))
            return
        progress = self._progress.setdefault(message.id, _Progress())
        if len(self._progress) > _REMEMBERED:
            self._progress.popitem(last=False)
        delays = [await self._run(handler, event, progress) for handler in handlers]
        delay_s = max((delay for delay in delays if delay is not None), default=None)
        if delay_s is not None:
            await delivery.nack(delay_s=delay_s)
        elif progress.given_up:
            note = DeathNote(
                "HANDLER_FAILED " + "; ".join(f"{name}: {text}" for name, text in progress.given_up.items()),
                tuple(progress.attempts),
            )
            await self._park(delivery, note, _age_s(event))
            self._progress.pop(message.id, None)
        else:
            self._remember(message.id)
            self._progress.pop(message.id, None)
            await self._acknowledge(delivery, "acknowledged", _age_s(event))

    def _too_often(self, deliveries: int, handlers: Sequence[Handler]) -> bool:
        """Beyond what the handlers' own retries explain."""
        wanted = [handler.retry.attempts for handler in handlers]
        return None not in wanted and deliveries > self._max_deliveries + sum(one or 0 for one in wanted)

    async def _run(self, handler: Handler, event: PrismEvent, progress: _Progress) -> float | None:
        """How long to wait before the handler is tried again; None: it will not be."""
        if handler.name in progress.done or handler.name in progress.given_up:
            return None
        kind = event.message.type
        began = time.perf_counter()
        try:
            await handler.run(event, self._executor, self._timeout_s)
        except Exception as error:
            self._metrics.failed(handler.name, kind, type(error).__name__)
            return self._failed(handler, event, progress, error)
        progress.done.add(handler.name)
        self._metrics.handled(handler.name, kind, time.perf_counter() - began)
        return None

    def _failed(self, handler: Handler, event: PrismEvent, progress: _Progress, error: Exception) -> float | None:
        failures = progress.failures[handler.name] = progress.failures.get(handler.name, 0) + 1
        progress.attempts.append(attempt_now(failures, error))
        text = error_text(error)
        if not handler.retry.retries(error, failures):
            progress.given_up[handler.name] = text
            return None
        delay_s = handler.retry.delay_s(failures, self._dice.random, error)
        _log.warning(
            "handler %s failed on %s %s (attempt %d), next in %.1f s: %s",
            *(handler.name, event.message.type, event.message.id, failures, delay_s, text),
        )
        return delay_s

    async def _acknowledge(self, delivery: Delivery, outcome: str, age_s: float | None) -> None:
        await delivery.ack()
        self._metrics.ended(self._group, outcome, age_s)

    async def _park(self, delivery: Delivery, note: DeathNote, age_s: float | None) -> None:
        await delivery.dead_letter(note.text())
        _log.error("message %s is a dead letter of %s: %s", delivery.message.id, self._group, note.reason)
        self._metrics.ended(self._group, "dead_letter", age_s)

    def _remember(self, message_id: str) -> None:
        self._ended[message_id] = time.monotonic()
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    def _was_handled(self, message_id: str) -> bool:
        """Whether this process has run the handlers on it, not long ago: its acknowledgement was lost."""
        at = self._ended.get(message_id)
        return at is not None and time.monotonic() - at < self._remember_s


def _age_s(event: PrismEvent) -> float | None:
    message = event.message
    for name in ("received_at", "occurred_at"):
        if message.HasField(name):
            stamp = message.received_at if name == "received_at" else message.occurred_at
            return max(time.time() - stamp.ToNanoseconds() / 1e9, 0.0)
    return None
