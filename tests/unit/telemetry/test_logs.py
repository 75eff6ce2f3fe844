"""Log lines: one object each, nothing secret in them, whoever wrote them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from orchestrator.telemetry.incidents import incident
from orchestrator.telemetry.logs import configure_logs, lend_to_logging
from orchestrator.telemetry.refusals import QUIET_S, RefusalLog
from orchestratorx_prism.errors import SignatureRejected

BODY = '{"card": "4111111111111111", "note": "a body"}'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged in the test; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    configure_logs("info", "json", out)
    yield out
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_of_the_standard_library_becomes_one_json_object(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("reached %s", "the end", extra={"count": 3})
    (line,) = lines(stream)
    assert line["event"] == "reached the end"
    assert line["level"] == "warning"
    assert line["logger"] == "some.library"
    assert line["count"] == 3
    assert line["timestamp"].endswith("Z")


def test_a_record_of_structlog_takes_the_same_way(stream: io.StringIO) -> None:
    structlog.get_logger("ours").info("started", port=1, api_key="sk_live_51H8zQeLkdIwHu7ix")
    (line,) = lines(stream)
    assert (line["event"], line["port"], line["api_key"]) == ("started", 1, "[hidden]")


def test_secrets_are_hidden_in_messages_and_fields(stream: io.StringIO) -> None:
    logging.getLogger("x").error("key whsec_abcdef refused", extra={"headers": {"Stripe-Signature": "t=1,v1=aa"}})
    assert "whsec_abcdef" not in stream.getvalue()
    assert lines(stream)[0]["headers"] == {"Stripe-Signature": "[hidden]"}


def test_an_exception_is_shown_by_type_and_place_and_never_by_message(stream: io.StringIO) -> None:
    try:
        raise ValueError(BODY)
    except ValueError:
        logging.getLogger("x").exception("it failed")
    (line,) = lines(stream)
    assert line["exception"] == "ValueError"
    assert line["at"][-1].endswith("test_an_exception_is_shown_by_type_and_place_and_never_by_message")
    assert "a body" not in stream.getvalue()


def test_records_below_the_level_are_left_out(stream: io.StringIO) -> None:
    logging.getLogger("x").debug("quiet")
    logging.getLogger("uvicorn.error").warning("every request")
    logging.getLogger("httpx").info("GET /webhooks/m/default/the-token")
    assert stream.getvalue() == ""


def test_the_style_for_people_hides_the_same(stream: io.StringIO) -> None:
    out = io.StringIO()
    configure_logs("info", "console", out)
    logging.getLogger("x").warning("token=abc123", extra={"password": "hunter2"})
    assert "abc123" not in out.getvalue()
    assert "hunter2" not in out.getvalue()
    assert "x" in out.getvalue()


def test_an_incident_is_logged_and_answered_without_its_message(stream: io.StringIO) -> None:
    try:
        raise KeyError(BODY)
    except KeyError as error:
        answer = incident(error, where="grpc /Some/Method")
    (line,) = lines(stream)
    assert line["exception"] == "KeyError"
    assert line["correlation_id"] == answer.metadata["correlation_id"]
    assert line["correlation_id"] in answer.message
    assert "a body" not in stream.getvalue() + str(answer)
    assert answer.http_status == 500


def test_a_flood_of_one_refusal_is_two_lines(stream: io.StringIO) -> None:
    now = 100.0
    log = RefusalLog("http", clock=lambda: now)
    for _ in range(500):
        log.refused("stripe", SignatureRejected("no match"))
    log.refused("stripe", SignatureRejected("too old", reason="TIMESTAMP_OUT_OF_TOLERANCE"))
    now += QUIET_S
    log.refused("stripe", SignatureRejected("no match"))
    found = [(line["reason"], line["unlogged_before"]) for line in lines(stream)]
    assert found == [("SIGNATURE_MISMATCH", 0), ("TIMESTAMP_OUT_OF_TOLERANCE", 0), ("SIGNATURE_MISMATCH", 499)]


@pytest.fixture
def lent() -> Iterator[None]:
    structlog.reset_defaults()
    lend_to_logging()
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("lent")
def test_within_an_application_records_go_to_its_own_handlers_and_not_to_standard_output(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    log = structlog.get_logger("orchestrator.somewhere")
    log.info("relay.idle")
    log.warning("relay.waiting", api_key="hunter2", failures=1)
    try:
        raise ValueError("hunter2")
    except ValueError:
        log.error("relay.failed", exc_info=True)
    waiting, failed = caplog.messages
    assert waiting == "relay.waiting api_key='[hidden]' failures=1"
    assert failed.startswith("relay.failed exception='ValueError' at=[")
    assert "hunter2" not in caplog.text
    assert {record.name for record in caplog.records} == {"orchestrator.somewhere"}
    assert capsys.readouterr().out == ""


def test_structlog_that_an_application_has_set_up_is_left_as_it_is() -> None:
    entries: list[Any] = []

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        entries.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    lend_to_logging()
    structlog.get_logger("orchestrator.somewhere").warning("relay.waiting")
    structlog.reset_defaults()
    assert entries == [{"event": "relay.waiting"}]
