"""The pure parts of consuming: names, retries, histories, custom events, and how handlers are registered."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestratorx_prism import (
    DoNotRetry,
    PaymentEventConsumer,
    PaymentEventPublisher,
    RequestRejected,
    RetryPolicy,
    SettingsRejected,
    SignatureRejected,
    Unavailable,
)
from orchestratorx_prism.brokers import BrokerSettings, Message
from orchestratorx_prism.brokers.memory import MemoryBroker
from orchestratorx_prism.consuming import ConsumerCounters, PrometheusMetrics, StreamEvent, stream_consumer
from orchestratorx_prism.consuming.handling import is_async
from orchestratorx_prism.consuming.history import MAX_LENGTH, Attempt, DeathNote, error_text, read_note
from orchestratorx_prism.consuming.names import selector
from orchestratorx_prism.consuming.publisher import custom_message
from orchestratorx_prism.consuming.reading import read_event, read_stream_event
from orchestratorx_prism.errors import PayloadRejected

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "takes", "leaves"),
    [
        ("payment.captured", "payment.captured", "payment.capture_failed"),
        ("payment.transaction.refunded", "refund.succeeded", "payment.captured"),
        ("payment.transaction.*", "refund.succeeded", "payment.voided"),
        ("refund.*", "refund.failed", "payment.refund"),
        ("*", "anything.at.all", ""),
        ("payment.custom.event", "payment.custom.event", "payment.custom.event2"),
    ],
)
def test_a_selector_takes_what_it_names_and_nothing_else(text: str, takes: str, leaves: str) -> None:
    assert selector(text).takes(takes)
    assert not leaves or not selector(text).takes(leaves)


@pytest.mark.parametrize("text", ["", "pay*ment", "*.captured", "payment captured"])
def test_a_pattern_that_could_match_nothing_is_refused(text: str) -> None:
    with pytest.raises(RequestRejected, match="PATTERN_INVALID"):
        selector(text)


def test_a_likely_misspelling_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    selector("payment.captued")
    assert "did you mean payment.captured?" in caplog.text


def test_a_likely_misspelling_of_a_pattern_is_said_too_and_one_of_your_own_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    selector("paymnt.*")
    assert "did you mean payment.*?" in caplog.text
    caplog.clear()
    for fitting in ("payment.custom.*", "warehouse.*", "payment.transaction.*", "refund.s*", "*"):
        selector(fitting)
    assert not caplog.text


def test_delays_grow_up_to_the_longest_and_vary_by_the_jitter() -> None:
    policy = RetryPolicy(initial_s=1.0, factor=2.0, max_s=5.0, jitter=0.2)
    assert [policy.delay_s(n, lambda: 0.5) for n in (1, 2, 3, 4, 10_000)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert policy.delay_s(1, lambda: 0.0) == pytest.approx(0.8)
    assert policy.delay_s(1, lambda: 1.0) == pytest.approx(1.2)
    assert policy.delay_s(1, lambda: 0.5, Unavailable("later", retry_after_s=30.0)) == 30.0


def test_which_errors_are_retried() -> None:
    policy = RetryPolicy(attempts=3, non_retryable=(KeyError,))
    assert policy.retries(ValueError(), 1)
    assert policy.retries(ValueError(), 2)
    assert not policy.retries(ValueError(), 3)
    assert not policy.retries(KeyError(), 1)
    assert not policy.retries(DoNotRetry(), 1)
    assert not policy.retries(SignatureRejected("no"), 1)
    assert policy.retries(Unavailable("away"), 1)
    assert RetryPolicy(attempts=None).retries(ValueError(), 1_000_000)


@pytest.mark.parametrize(
    "fields", [{"attempts": 0}, {"initial_s": 0.0}, {"initial_s": 9.0, "max_s": 1.0}, {"factor": 0.5}, {"jitter": 1.0}]
)
def test_a_policy_that_would_spin_or_never_try_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(SettingsRejected):
        RetryPolicy(**fields)


def test_a_note_reads_back_as_it_was_written() -> None:
    note = DeathNote("HANDLER_FAILED f: ValueError: no", (Attempt(1, AT, "ValueError: no"), Attempt(2, AT, "OSError")))
    assert read_note(note.text()) == note
    assert read_note("anything else | at all") == DeathNote("anything else | at all")


@pytest.mark.parametrize("count", [1, 5, 40, 1_000])
def test_a_note_fits_every_broker_and_keeps_the_last_attempt(count: int) -> None:
    note = DeathNote("HANDLER_FAILED " + "x" * 900, tuple(Attempt(n, AT, "é|\n" * 200) for n in range(1, count + 1)))
    text = note.text()
    assert len(text) <= MAX_LENGTH
    assert text.isascii()
    assert "\n" not in text
    assert f" | {count} 2026-01-31T12:00:00Z " in text


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_abcdefgh12345678",
        "sk_live_abcdefgh",
        "4111 1111 1111 1111",
        "4111111111111111",
        "Bearer abcdefghijkl",
        "user:hunter2",
        "password=hunter2",
    ],
)
def test_secrets_and_card_numbers_are_hidden_in_an_errors_text(secret: str) -> None:
    shown = secret if secret != "user:hunter2" else "postgresql://user:hunter2@host/db"
    text = error_text(ValueError(f"refused: {shown} is wrong"))
    assert secret not in text
    assert "hunter2" not in text
    assert "[hidden]" in text


def test_the_values_that_database_errors_repeat_are_left_out() -> None:
    assert (
        error_text(ValueError("no such table: orders\n[parameters: ('4111',)]")) == "ValueError: no such table: orders"
    )


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("payment.captured", {}, "EVENT_TYPE_RESERVED"),
        ("", {}, "REQUEST_INVALID"),
        ("payment..x", {}, "REQUEST_INVALID"),
        ("payment.*", {}, "REQUEST_INVALID"),
        ("payment.custom", {"x": object()}, "REQUEST_INVALID"),
    ],
)
async def test_a_custom_event_that_cannot_be_one_is_refused(kind: str, data: dict[str, Any], reason: str) -> None:
    async with PaymentEventPublisher(BrokerSettings(), broker=MemoryBroker()) as publisher:
        with pytest.raises(RequestRejected) as refused:
            await publisher.publish_event(event_type=kind, data=data)
    assert refused.value.reason == reason


def test_a_custom_event_reads_back_with_its_data_and_is_a_whole_cloud_event() -> None:
    made = custom_message("shop.x", {"a": {"b": [1]}}, address="a", source="/shop", key="k", event_id="e-1")
    event = read_event(made)
    assert (event.id, event.type, event["data"]["a"], event.partition_key) == ("e-1", "shop.x", {"b": [1]}, "k")
    assert event.to_dict()["data"] == {"a": {"b": [1]}}
    plain = read_stream_event(made)
    assert (plain.event_type, plain.payload, plain.key, plain.id) == ("shop.x", {"a": {"b": [1]}}, "k", "e-1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"event_type": 1, "payload": {}}',
        b'{"event_type": "a", "payload": []}',
        b'{"type": "a"}',
        b"[" * 100_000,
    ],
)
def test_what_has_no_type_and_content_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadRejected):
        read_stream_event(Message("1", "a", "", body))
    with pytest.raises(PayloadRejected):
        read_event(Message("1", "a", "", body, {"Content-Type": "application/cloudevents+json"}))


@pytest.mark.parametrize("time", ["yesterday", "9999999-01-01T00:00:00Z"])
def test_a_foreign_cloud_event_with_a_time_that_is_none_is_refused(time: str) -> None:
    body = f'{{"specversion":"1.0","id":"1","type":"a","source":"/","time":"{time}"}}'.encode()
    with pytest.raises(PayloadRejected):
        read_event(Message("1", "a", "", body, {"content-type": "application/cloudevents+json"}))


def test_it_is_known_which_functions_are_async() -> None:
    class Handler:
        async def __call__(self, event: object) -> None: ...

    async def function(event: object) -> None: ...

    assert is_async(function)
    assert is_async(functools.partial(function))
    assert is_async(Handler())
    assert not is_async(print)
    assert not is_async(lambda event: None)


async def test_two_handlers_may_share_a_function_but_not_a_given_name() -> None:
    async with PaymentEventConsumer(BrokerSettings(), broker=MemoryBroker()) as consumer:
        await consumer.register_handler("payment.captured", print, name="one")
        await consumer.register_handler("payment.captured", print)
        await consumer.register_handler("payment.failed", print)
        with pytest.raises(RequestRejected, match="HANDLER_INVALID"):
            await consumer.register_handler("payment.failed", print, name="one")
        with pytest.raises(RequestRejected, match="HANDLER_INVALID"):
            await consumer.register_handler("payment.failed", "print")  # type: ignore[arg-type]


async def test_a_consumer_that_was_stopped_does_not_start_again() -> None:
    consumer = PaymentEventConsumer(BrokerSettings(), broker=MemoryBroker())
    await consumer.start()
    await consumer.stop()
    await consumer.stop()
    with pytest.raises(RequestRejected, match="stopped"):
        await consumer.start()


def test_two_stream_consumers_of_one_name_are_refused() -> None:
    def first(event: StreamEvent, session: object) -> None: ...

    def second(event: StreamEvent, session: object) -> None: ...

    assert stream_consumer("payments.events", name="unit-test-of-names")(first) is first
    stream_consumer("payments.events", name="unit-test-of-names")(first)
    with pytest.raises(RequestRejected, match="one name"):
        stream_consumer("payments.events", name="unit-test-of-names")(second)
    with pytest.raises(RequestRejected, match="letters"):
        stream_consumer("payments.events", name="no spaces")(first)


def test_prometheus_gets_what_is_counted() -> None:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    metrics.handled("f", "payment.captured", 0.01)
    metrics.failed("f", "payment.captured", "OSError")
    metrics.ended("orders", "acknowledged", 1.5)
    labels = {"handler": "f", "type": "payment.captured"}
    assert registry.get_sample_value("orchestratorx_consumer_handler_seconds_count", labels) == 1
    assert (
        registry.get_sample_value("orchestratorx_consumer_handler_failures_total", {**labels, "error": "OSError"}) == 1
    )
    assert registry.get_sample_value("orchestratorx_consumer_event_age_seconds_sum", {"group": "orders"}) == 1.5


def test_counters_show_what_they_counted() -> None:
    counters = ConsumerCounters()
    counters.handled("on_captured", "payment.captured", 0.1)
    counters.failed("on_captured", "payment.captured", "ValueError")
    shown = "<ConsumerCounters handled={'payment.captured': 1} failed={'ValueError': 1} ended={}>"
    assert repr(counters) == shown
