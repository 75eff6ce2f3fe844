"""What is counted while consuming: one small protocol, counters in memory, and Prometheus where it is installed."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, Protocol

from orchestratorx_prism.brokers.base import GroupLag
from orchestratorx_prism.errors import DriverMissing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_AGES: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0)


class ConsumerMetrics(Protocol):
    """Whoever counts. Called on the event loop; must return at once and raise nothing."""

    def handled(self, handler: str, event_type: str, seconds: float) -> None:
        """A handler came through."""
        ...

    def failed(self, handler: str, event_type: str, error: str) -> None:
        """A handler raised; `error` is the name of the error's type. It may be tried again."""
        ...

    def ended(self, group: str, outcome: str, age_s: float | None) -> None:
        """A message is done with: "acknowledged", "duplicate", "unhandled" (no handler wants it) or "dead_letter".

        `age_s`: how long ago we received the event that is in it. Seconds; None: it does not say.
        """
        ...

    def lag(self, lag: GroupLag) -> None:
        """How far the group is behind; every 15 seconds, if the broker can say."""
        ...


class ConsumerCounters:
    """Counters in memory, for small applications, health pages and tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.handled_by_type: Counter[str] = Counter()
        """Event type → times that a handler came through."""
        self.failed_by_error: Counter[str] = Counter()
        """Name of the error's type → times that a handler raised it."""
        self.ended_by_outcome: Counter[str] = Counter()
        """ "acknowledged", "duplicate", "unhandled", "dead_letter" → messages."""
        self.handler_seconds: defaultdict[str, float] = defaultdict(float)
        """Handler → seconds that it took, all in all."""
        self.latest_age_s: float | None = None
        """How old the last event was when it was done with. Seconds."""
        self.latest_lag: GroupLag | None = None

    def __repr__(self) -> str:
        with self._lock:
            counted = {
                "handled": dict(self.handled_by_type),
                "failed": dict(self.failed_by_error),
                "ended": dict(self.ended_by_outcome),
            }
        return f"<ConsumerCounters {' '.join(f'{name}={value}' for name, value in counted.items())}>"

    def handled(self, handler: str, event_type: str, seconds: float) -> None:
        with self._lock:
            self.handled_by_type[event_type] += 1
            self.handler_seconds[handler] += seconds

    def failed(self, handler: str, event_type: str, error: str) -> None:
        with self._lock:
            self.failed_by_error[error] += 1

    def ended(self, group: str, outcome: str, age_s: float | None) -> None:
        with self._lock:
            self.ended_by_outcome[outcome] += 1
            self.latest_age_s = age_s if age_s is not None else self.latest_age_s

    def lag(self, lag: GroupLag) -> None:
        with self._lock:
            self.latest_lag = lag


class PrometheusMetrics:
    """The same for Prometheus: `orchestratorx_consumer_…`. Make one a process, and share it between consumers."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Raises DriverMissing if prometheus-client is not installed."""
        try:
            from prometheus_client import REGISTRY, Counter, Gauge, Histogram
        except ModuleNotFoundError as missing:
            raise DriverMissing("prometheus-client is not installed", fix="pip install prometheus-client") from missing
        into = registry or REGISTRY
        name = "orchestratorx_consumer"
        self._seconds = Histogram(
            f"{name}_handler_seconds", "Time of handlers.", ("handler", "type"), buckets=_SECONDS, registry=into
        )
        self._failed = Counter(
            f"{name}_handler_failures", "Errors of handlers.", ("handler", "type", "error"), registry=into
        )
        self._ended = Counter(f"{name}_messages", "Messages done with.", ("group", "outcome"), registry=into)
        self._age = Histogram(
            f"{name}_event_age_seconds", "From receipt to done.", ("group",), buckets=_AGES, registry=into
        )
        self._waiting = Gauge(f"{name}_waiting", "Messages not handed out yet.", ("group",), registry=into)
        self._unfinished = Gauge(f"{name}_unfinished", "Messages handed out, not ended.", ("group",), registry=into)
        self._oldest = Gauge(f"{name}_oldest_seconds", "Age of the oldest of them.", ("group",), registry=into)
        self._dead = Gauge(f"{name}_dead_letters", "Messages parked.", ("group",), registry=into)

    def handled(self, handler: str, event_type: str, seconds: float) -> None:
        self._seconds.labels(handler, event_type).observe(seconds)

    def failed(self, handler: str, event_type: str, error: str) -> None:
        self._failed.labels(handler, event_type, error).inc()

    def ended(self, group: str, outcome: str, age_s: float | None) -> None:
        self._ended.labels(group, outcome).inc()
        if age_s is not None:
            self._age.labels(group).observe(age_s)

    def lag(self, lag: GroupLag) -> None:
        self._waiting.labels(lag.group).set(lag.waiting)
        self._unfinished.labels(lag.group).set(lag.unfinished)
        self._oldest.labels(lag.group).set(lag.oldest_age_s or 0.0)
        self._dead.labels(lag.group).set(lag.dead_letters)


class SharedMetrics:
    """Passes everything on to several."""

    def __init__(self, *parts: ConsumerMetrics) -> None:
        self.parts: list[ConsumerMetrics] = list(parts)

    def handled(self, handler: str, event_type: str, seconds: float) -> None:
        for part in self.parts:
            part.handled(handler, event_type, seconds)

    def failed(self, handler: str, event_type: str, error: str) -> None:
        for part in self.parts:
            part.failed(handler, event_type, error)

    def ended(self, group: str, outcome: str, age_s: float | None) -> None:
        for part in self.parts:
            part.ended(group, outcome, age_s)

    def lag(self, lag: GroupLag) -> None:
        for part in self.parts:
            part.lag(lag)
