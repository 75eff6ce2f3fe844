"""Consuming events, and publishing your own. docs/consuming.md is the guide.

| | |
|---|---|
| `PaymentEventConsumer` | handlers by event type, at least once, over any broker |
| `setup_default_consumers` | logs, metrics, each payment's newest event |
| `PaymentEventPublisher` | events of your own |
| `stream_consumer`, `StreamWorker` | handlers whose effect on your database happens exactly once |
| `consuming.faststream` | parser and decoder for FastStream |
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from orchestratorx_prism.consuming.consumer import PaymentEventConsumer
from orchestratorx_prism.consuming.defaults import DefaultConsumers, PaymentCache, setup_default_consumers
from orchestratorx_prism.consuming.metrics import ConsumerCounters, ConsumerMetrics, PrometheusMetrics
from orchestratorx_prism.consuming.publisher import PaymentEventPublisher
from orchestratorx_prism.consuming.reading import CustomEvent, StreamEvent
from orchestratorx_prism.consuming.retrying import DoNotRetry, RetryPolicy
from orchestratorx_prism.consuming.streams import StreamConsumer, TransactionOwned, stream_consumer
from orchestratorx_prism.errors import DriverMissing

if TYPE_CHECKING:
    from orchestratorx_prism.consuming.worker import StreamWorker, run_stream_consumers

__all__ = [
    "ConsumerCounters",
    "ConsumerMetrics",
    "CustomEvent",
    "DefaultConsumers",
    "DoNotRetry",
    "PaymentCache",
    "PaymentEventConsumer",
    "PaymentEventPublisher",
    "PrometheusMetrics",
    "RetryPolicy",
    "StreamConsumer",
    "StreamEvent",
    "StreamWorker",
    "TransactionOwned",
    "run_stream_consumers",
    "setup_default_consumers",
    "stream_consumer",
]

_WITH_SQLALCHEMY: Final = ("StreamWorker", "run_stream_consumers")


def __getattr__(name: str) -> Any:
    """What needs SQLAlchemy is imported when it is first used. Raises DriverMissing."""
    if name not in _WITH_SQLALCHEMY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        worker = import_module(f"{__name__}.worker")
    except ImportError as missing:
        # SQLAlchemy without greenlet says so by an ImportError of its own, which names no module.
        lacking = missing.__cause__ if isinstance(missing.__cause__, ModuleNotFoundError) else missing
        if lacking.name is None or lacking.name.partition(".")[0] not in ("sqlalchemy", "greenlet"):
            raise
        raise DriverMissing(
            "stream consumers need SQLAlchemy", fix='pip install "orchestratorx-prism[sqlalchemy]"'
        ) from missing
    return getattr(worker, name)
