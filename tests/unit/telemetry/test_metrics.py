"""Metrics: names, labels, and that callers cannot make up time series."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from orchestrator.ledger.base import Backlog, Recorded
from orchestrator.telemetry.metrics import SECONDS, Metrics
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected
from orchestratorx_prism.v1.event_pb2 import Event

EVENTS = Recorded([Event(id="1", type="payment.captured"), Event(id="2", type="payment.captured")], ["2"])


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics.exposition())[name, tuple(sorted(labels.items()))]


def test_events_are_counted_by_connector_type_and_outcome() -> None:
    metrics = Metrics(["stripe"], clock=lambda: 1_700_000_000.0)
    metrics.handled("stripe", EVENTS)
    common = {"connector": "stripe", "type": "payment.captured"}
    assert value(metrics, "orchestrator_events_total", **common, outcome="recorded") == 1
    assert value(metrics, "orchestrator_events_total", **common, outcome="duplicate") == 1
    assert value(metrics, "orchestrator_last_webhook_timestamp_seconds", connector="stripe") == 1_700_000_000


def test_the_time_of_the_last_webhook_moves() -> None:
    now = 100.0
    metrics = Metrics(["stripe"], clock=lambda: now)
    metrics.handled("stripe", EVENTS)
    now = 250.0
    metrics.handled("stripe", EVENTS)
    assert value(metrics, "orchestrator_last_webhook_timestamp_seconds", connector="stripe") == 250


def test_refusals_are_counted_by_reason_and_failed_verification_apart() -> None:
    metrics = Metrics(["stripe"])
    metrics.refused("stripe", SignatureRejected("no"))
    metrics.refused("stripe", PayloadRejected("no"))
    assert value(metrics, "orchestrator_refusals_total", connector="stripe", reason="SIGNATURE_MISMATCH") == 1
    assert value(metrics, "orchestrator_refusals_total", connector="stripe", reason="PAYLOAD_NOT_JSON") == 1
    failed = [key for key in samples(metrics.exposition()) if key[0] == "orchestrator_verification_failures_total"]
    assert failed == [
        ("orchestrator_verification_failures_total", (("connector", "stripe"), ("reason", "SIGNATURE_MISMATCH")))
    ]


def test_connectors_that_callers_make_up_share_one_label() -> None:
    metrics = Metrics(["stripe"])
    for number in range(50):
        metrics.refused(f"made-up-{number}", PayloadRejected("no"))
    assert value(metrics, "orchestrator_refusals_total", connector="other", reason="PAYLOAD_NOT_JSON") == 50
    assert b"made-up" not in metrics.exposition()


def test_latency_is_seen_below_a_millisecond() -> None:
    assert SECONDS[0] == 0.0001
    metrics = Metrics(["stripe"])
    metrics.answered("http", "webhook", "200", 0.00007)
    metrics.answered("http", "webhook", "200", 0.0004)
    common = {"door": "http", "method": "webhook", "code": "200"}
    assert value(metrics, "orchestrator_request_seconds_bucket", **common, le="0.0001") == 1
    assert value(metrics, "orchestrator_request_seconds_bucket", **common, le="0.0005") == 2
    assert value(metrics, "orchestrator_request_seconds_count", **common) == 2


def test_publishing_and_commits_are_measured() -> None:
    metrics = Metrics([])
    metrics.backlog("events", Backlog(7, 12.5))
    metrics.committed(64)
    metrics.dependencies({"database": True, "broker": False})
    assert value(metrics, "orchestrator_outbox_unsent", channel="events") == 7
    assert value(metrics, "orchestrator_outbox_oldest_age_seconds", channel="events") == 12.5
    assert value(metrics, "orchestrator_commit_batch_size_bucket", le="64.0") == 1
    assert value(metrics, "orchestrator_dependency_up", dependency="broker") == 0


WORKER = """
import sys
from orchestrator.ledger.base import Backlog, Recorded
from orchestrator.telemetry.metrics import Metrics
from orchestratorx_prism.v1.event_pb2 import Event
metrics = Metrics(["stripe"])
metrics.handled("stripe", Recorded([Event(id="1", type="payment.captured")], []))
metrics.backlog("events", Backlog(int(sys.argv[1]), 1.0))
metrics.answered("http", "webhook", "200", 0.0002)
print(metrics.exposition().decode())
"""


def test_any_worker_answers_for_all(tmp_path: Path) -> None:
    def worker(backlog: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", WORKER, str(backlog)], env=environment, capture_output=True, check=True
        )
        return samples(done.stdout)

    worker(9)
    seen = worker(4)
    event = (("connector", "stripe"), ("outcome", "recorded"), ("type", "payment.captured"))
    assert seen["orchestrator_events_total", event] == 2
    assert seen["orchestrator_outbox_unsent", (("channel", "events"),)] == 4  # the newest, not the sum
    request = (("code", "200"), ("door", "http"), ("method", "webhook"))
    assert seen["orchestrator_request_seconds_count", request] == 2


def test_nothing_is_measured_twice_when_metrics_are_made_twice() -> None:
    first, second = Metrics([]), Metrics([])
    first.committed(1)
    assert value(second, "orchestrator_commit_batch_size_count") == 0
