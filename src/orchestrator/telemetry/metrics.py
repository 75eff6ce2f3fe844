"""Prometheus metrics: what happened to events and calls, and how far behind publishing is.

One process: an ordinary registry. Several workers: prometheus_client's multiprocess mode, switched on by the
environment variable PROMETHEUS_MULTIPROC_DIR before this module is imported; any worker then answers for all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector

from orchestrator.delivery.options import Standing
from orchestrator.ledger.base import Backlog, Recorded
from orchestrator.reconciliation import Report
from orchestratorx_prism.errors import PrismError, SignatureRejected

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
OTHER = "other"
"""Label for a connector that is not installed: what callers make up must not become a time series."""

_BACKLOG_S = 1.0
"""How often one channel's backlog and a connector's last webhook are written at most. Seconds."""


class Metrics:
    """All metrics of a process. Implements `Observer`, `RelayMetrics`, `DeliveryMetrics`, `Tally`, `AccessObserver`."""

    def __init__(self, connectors: Collection[str], *, clock: Callable[[], float] = time.time) -> None:
        self._connectors = frozenset(connectors)
        self._clock = clock
        self._shared = bool(os.environ.get(MULTIPROCESS_VARIABLE))
        self._registry = CollectorRegistry()
        registry = None if self._shared else self._registry
        if not self._shared:
            ProcessCollector(registry=self._registry)
        self._events = Counter(
            "orchestrator_events", "Events handled.", ["connector", "type", "outcome"], registry=registry
        )
        self._refusals = Counter(
            "orchestrator_refusals", "Refused webhooks.", ["connector", "reason"], registry=registry
        )
        self._unverified = Counter(
            "orchestrator_verification_failures",
            "Webhooks whose sender could not be verified.",
            ["connector", "reason"],
            registry=registry,
        )
        self._seconds = Histogram(
            "orchestrator_request_seconds",
            "Time from a request's arrival to its answer.",
            ["door", "method", "code"],
            buckets=SECONDS,
            registry=registry,
        )
        self._last_webhook = self._gauge(
            "orchestrator_last_webhook_timestamp_seconds",
            "When a connector's webhook was last recorded. Unix time.",
            ["connector"],
        )
        self._unsent = self._gauge("orchestrator_outbox_unsent", "Events not yet published.", ["channel"])
        self._oldest = self._gauge(
            "orchestrator_outbox_oldest_age_seconds", "Age of the oldest event not yet published.", ["channel"]
        )
        self._published = Counter("orchestrator_relay_published", "Events published.", ["channel"], registry=registry)
        self._failed = Counter(
            "orchestrator_relay_failed", "Attempts to publish that failed.", ["channel"], registry=registry
        )
        self._publish_seconds = Histogram(
            "orchestrator_relay_publish_seconds",
            "Time from handing a batch to the broker until all of it was acknowledged or refused.",
            ["channel"],
            buckets=SECONDS,
            registry=registry,
        )
        self._calls = Histogram(
            "orchestrator_provider_call_seconds",
            "Time that a provider took for an operation, all attempts together.",
            ["connector", "operation", "outcome"],
            buckets=SECONDS,
            registry=registry,
        )
        self._unknown = self._gauge("orchestrator_operations_unknown", "Operations whose outcome is not known.", [])
        self._unknown_age = self._gauge(
            "orchestrator_operations_unknown_oldest_age_seconds", "Age of the oldest of them.", []
        )
        self._up = self._gauge(
            "orchestrator_dependency_up", "1 if the dependency answered when last asked.", ["dependency"]
        )
        self._batches = Histogram(
            "orchestrator_commit_batch_size", "Webhooks recorded by one commit.", buckets=SIZES, registry=registry
        )
        self._reconciled = Counter(
            "orchestrator_reconciled",
            "Items of providers' own lists, and questions about what those do not tell.",
            ["connector", "outcome"],
            registry=registry,
        )
        self._reconciled_until = self._gauge(
            "orchestrator_reconciled_until_timestamp_seconds",
            "Until when everything of a provider's own list was fetched and recorded. Unix time.",
            ["connector", "merchant"],
        )
        self._authentications = Counter(
            "orchestrator_authentications", "Callers that came to a door.", ["outcome"], registry=registry
        )
        self._rate_limited = Counter(
            "orchestrator_rate_limited", "Calls put off because there were too many.", ["by"], registry=registry
        )
        self._counted_alone = Counter(
            "orchestrator_limits_counted_alone",
            "Calls that this process counted for itself because Redis did not answer.",
            registry=registry,
        )
        self._unrecorded = Counter(
            "orchestrator_audit_unrecorded",
            "Authentications of which the audit log has no row, only their number.",
            registry=registry,
        )
        self._attempts = Histogram(
            "orchestrator_delivery_attempt_seconds",
            "Time that an endpoint took to answer an attempt.",
            ["outcome"],
            buckets=SECONDS,
            registry=registry,
        )
        self._delivered = Histogram(
            "orchestrator_delivery_age_seconds",
            "Time from an event's recording to its delivery by a first attempt.",
            buckets=SECONDS,
            registry=registry,
        )
        self._endpoints_failed = Counter(
            "orchestrator_endpoints_given_up", "Endpoints that were switched off for failing.", registry=registry
        )
        self._standing = {
            name: self._gauge(f"orchestrator_{name}", text, [])
            for name, text in (
                ("deliveries_waiting", "Deliveries in line, up to 10,000."),
                ("deliveries_oldest_age_seconds", "Age of the oldest delivery in line."),
                ("deliveries_throttled_lag_seconds", "How long the longest waiting first attempt has been due."),
                ("endpoints_failing", "Endpoints whose attempts all fail now."),
                ("endpoints_failed", "Endpoints that are switched off for failing."),
            )
        }
        self._children: dict[tuple[Any, ...], Any] = {}
        self._last_written: dict[str, float] = {}

    def handled(self, connector: str, recorded: Recorded) -> None:
        """A webhook was recorded: `Observer`."""
        label = self._label(connector)
        duplicates = recorded.duplicate_ids
        for event in recorded.events:
            outcome = "duplicate" if duplicates and event.id in duplicates else "recorded"
            self._child(self._events, label, event.type, outcome).inc()
        now = self._clock()
        if now - self._last_written.get(label, 0.0) >= _BACKLOG_S:
            self._last_written[label] = now
            self._last_webhook.labels(label).set(now)

    def refused(self, connector: str, error: PrismError) -> None:
        """A webhook was refused: `Observer`."""
        label = self._label(connector)
        self._child(self._refusals, label, error.reason).inc()
        if isinstance(error, SignatureRejected):
            self._child(self._unverified, label, error.reason).inc()

    def called(self, connector: str, operation: str, outcome: str, seconds: float) -> None:
        """A provider was called: `Observer`."""
        self._child(self._calls, self._label(connector), operation, outcome).observe(seconds)

    def unresolved(self, count: int, oldest_age_s: float) -> None:
        """What became of so many operations is not known: `Observer`."""
        self._unknown.set(count)
        self._unknown_age.set(oldest_age_s)

    def answered(self, door: str, method: str, code: str, seconds: float) -> None:
        """A front door answered. `method` and `code` come from fixed tables."""
        self._child(self._seconds, door, method, code).observe(seconds)

    def published(self, channel: str, count: int) -> None:
        """Events were published: `RelayMetrics`."""
        self._child(self._published, channel).inc(count)

    def failed(self, channel: str, count: int) -> None:
        """Publishing failed, and will be tried again: `RelayMetrics`."""
        self._child(self._failed, channel).inc(count)

    def publish_took(self, channel: str, seconds: float) -> None:
        """The broker answered a batch: `RelayMetrics`."""
        self._child(self._publish_seconds, channel).observe(seconds)

    def backlog(self, channel: str, backlog: Backlog) -> None:
        """What a channel still has to publish: `RelayMetrics`, and every look at `/metrics`."""
        self._unsent.labels(channel).set(backlog.unsent)
        self._oldest.labels(channel).set(backlog.oldest_age_s)

    def committed(self, recordings: int) -> None:
        """One commit recorded so many webhooks."""
        self._batches.observe(recordings)

    def reconciled(self, report: Report) -> None:
        """A run of reconciliation has ended: `Tally`."""
        label = self._label(report.connector)
        counts = {
            "recorded": report.recorded,
            "known": report.known,
            "refused": report.refused.total(),
            "unmatched": len(report.unmatched),
            "anomaly": len(report.anomalies),
            "resolved": report.resolved,
            "stopped": 1 if report.stopped_by is not None else 0,
        }
        for outcome, count in counts.items():
            if count:
                self._child(self._reconciled, label, outcome).inc(count)

    def reconciled_until(self, connector: str, merchant_id: str, until_s: int) -> None:
        """The watermark stands here: `Tally`. Merchants are those of the settings, so the series are bounded."""
        self._reconciled_until.labels(self._label(connector), merchant_id).set(until_s)

    def authenticated(self, outcome: str) -> None:
        """Somebody came to a door: `AccessObserver`."""
        self._child(self._authentications, outcome).inc()

    def rate_limited(self, by: str) -> None:
        """A call was put off: `AccessObserver`."""
        self._child(self._rate_limited, by).inc()

    def counted_alone(self) -> None:
        """Redis did not answer: `AccessObserver`."""
        self._counted_alone.inc()

    def unrecorded(self, count: int) -> None:
        """The audit log had no room for so many rows: `AccessObserver`."""
        self._unrecorded.inc(count)

    def attempted(self, verdict: str, seconds: float) -> None:
        """An attempt to deliver has ended: `DeliveryMetrics`."""
        self._child(self._attempts, verdict).observe(seconds)

    def delivered(self, age_s: float) -> None:
        """A first attempt was taken: `DeliveryMetrics`."""
        self._delivered.observe(age_s)

    def deliveries_stand(self, standing: Standing) -> None:
        """How deliveries stand: `DeliveryMetrics`."""
        gauges = self._standing
        gauges["deliveries_waiting"].set(standing.waiting)
        gauges["deliveries_oldest_age_seconds"].set(standing.oldest_age_s)
        gauges["deliveries_throttled_lag_seconds"].set(standing.throttled_lag_s)
        gauges["endpoints_failing"].set(standing.failing_endpoints)
        gauges["endpoints_failed"].set(standing.failed_endpoints)

    def endpoint_failed(self) -> None:
        """An endpoint was given up: `DeliveryMetrics`."""
        self._endpoints_failed.inc()

    def dependencies(self, up: Mapping[str, bool]) -> None:
        """Which dependencies answered."""
        for name, answered in up.items():
            self._up.labels(name).set(1 if answered else 0)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format; of all workers, where there are several."""
        if not self._shared:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        # With several workers the newest value counts: what is measured is the same for all of them.
        if self._shared:
            return Gauge(name, text, labels, registry=None, multiprocess_mode="mostrecent")
        return Gauge(name, text, labels, registry=self._registry)

    def _child(self, family: Any, *labels: str) -> Any:
        key = (family, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = family.labels(*labels)
        return child

    def _label(self, connector: str) -> str:
        return connector if connector in self._connectors else OTHER
