"""`setup_default_consumers`: what most applications want first. Logs, metrics, and each payment's newest event.

| part | what it does |
|---|---|
| logs | one line an event at INFO, logger `orchestratorx_prism.events`: type, id, payment, sequence; no amounts |
| metrics | events by type, in `consumer.counters`, and for Prometheus where prometheus-client is installed |
| payments | the newest event of each of the last 10,000 payments: `defaults.payments.get(payment_id)` |
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from orchestratorx_prism.consuming.consumer import PaymentEventConsumer
from orchestratorx_prism.consuming.metrics import ConsumerCounters, PrometheusMetrics
from orchestratorx_prism.consuming.retrying import RetryPolicy
from orchestratorx_prism.errors import DriverMissing
from orchestratorx_prism.wrappers import PrismEvent

_log = logging.getLogger("orchestratorx_prism.events")

_ONCE = RetryPolicy(attempts=1)


class PaymentCache:
    """The newest event of each payment, by its `sequence`: one that comes late or twice changes nothing.

    It fills from what this consumer is handed: other members of the group see the other payments.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._events: OrderedDict[str, PrismEvent] = OrderedDict()

    def get(self, payment_id: str) -> PrismEvent | None:
        """The payment's newest event that was seen here; None: none was, or it was long ago."""
        with self._lock:
            return self._events.get(payment_id)

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: PrismEvent) -> None:
        """Keeps the event if it is its payment's newest."""
        message = event.message
        if not message.payment_id:
            return
        with self._lock:
            known = self._events.get(message.payment_id)
            if known is not None and known.message.sequence >= message.sequence:
                return
            self._events[message.payment_id] = event
            self._events.move_to_end(message.payment_id)
            if len(self._events) > self._capacity:
                self._events.popitem(last=False)


@dataclass(frozen=True, slots=True)
class DefaultConsumers:
    """What was set up."""

    counters: ConsumerCounters
    payments: PaymentCache
    prometheus: PrometheusMetrics | None
    """None: prometheus-client is not installed."""


async def setup_default_consumers(
    consumer: PaymentEventConsumer, *, prometheus: bool = True, payments: int = 10_000
) -> DefaultConsumers:
    """Registers the handlers above for every event; once a consumer.

    Args:
        prometheus: Whether to count for Prometheus too, in its default registry, which several consumers share.
        payments: How many payments the cache holds.
    """
    cache = PaymentCache(payments)

    async def log_event(event: PrismEvent) -> None:
        message = event.message
        _log.info("%s %s payment=%s #%d", message.type, message.id, message.payment_id or "-", message.sequence)

    async def keep_newest(event: PrismEvent) -> None:
        cache.put(event)

    # Neither can fail for long: an event must not become a dead letter because it could not be logged.
    await consumer.register_handler("*", log_event, retry=_ONCE, name="default-log")
    await consumer.register_handler("*", keep_newest, retry=_ONCE, name="default-payments")
    exporter = _prometheus() if prometheus else None
    if exporter is not None:
        consumer.metrics.parts.append(exporter)
    return DefaultConsumers(consumer.counters, cache, exporter)


_exporters: list[PrometheusMetrics] = []


def _prometheus() -> PrometheusMetrics | None:
    """The process's one: a registry takes each name once."""
    if not _exporters:
        try:
            _exporters.append(PrometheusMetrics())
        except DriverMissing:
            _log.info("prometheus-client is not installed: counting in memory only")
            return None
    return _exporters[0]
