"""Commands that talk to a running server: trigger, listen, events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from orchestrator.cli import run

SECRET = "whsec_serve_test"
PAYPAL_WEBHOOK_ID = "8PT597110X687430L"
Serve = Callable[..., Any]


def trigger(to: str, connector: str, event_type: str, *more: str) -> int:
    return run(["trigger", connector, event_type, "--to", to, *more])


def test_a_triggered_webhook_can_be_listed_shown_and_replayed(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve()
    assert trigger(server.url, "stripe", "payment_intent.succeeded", "--secret", SECRET, "--reference", "order-77") == 0
    capsys.readouterr()
    assert run(["events", "list", "--target", server.grpc, "--json"]) == 0
    event = json.loads(capsys.readouterr().out)
    assert (event["type"], event["merchant_transaction_id"]) == ("payment.captured", "order-77")
    assert run(["events", "list", "--target", server.grpc, "--type", "refund.*"]) == 0
    assert "no events" in capsys.readouterr().err
    assert run(["events", "show", event["id"], "--target", server.grpc]) == 0
    shown = json.loads(capsys.readouterr().out)
    shown.pop("published_at", None)
    event.pop("published_at", None)
    assert shown == event
    assert run(["events", "replay", event["id"], "--target", server.grpc]) == 0
    assert "1 events" in capsys.readouterr().out
    assert run(["events", "replay", "--target", server.grpc]) == 2
    assert run(["events", "show", "nonsense", "--target", server.grpc]) == 1


def test_two_triggers_in_one_second_are_two_payments(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    now = time.time()
    monkeypatch.setattr("orchestrator.cli.trigger.time.time", lambda: now)
    for _ in range(2):
        assert trigger(server.url, "stripe", "payment_intent.succeeded", "--secret", SECRET) == 0
    capsys.readouterr()
    assert run(["events", "list", "--target", server.grpc, "--json"]) == 0
    payments = {json.loads(line)["payment_id"] for line in capsys.readouterr().out.splitlines()}
    assert len(payments) == 2


def test_the_same_seed_twice_is_one_event(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve()
    for _ in range(2):
        assert trigger(server.url, "stripe", "payment_intent.succeeded", "--secret", SECRET, "--seed", "5") == 0
    capsys.readouterr()
    assert run(["events", "list", "--target", server.grpc, "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_every_provider_can_be_triggered(serve: Serve) -> None:
    token = "t0123456789abcdef0123"
    server = serve(ADYEN_HMAC_KEY="AB" * 32, MPESA_URL_TOKEN=token, PAYPAL_WEBHOOK_ID=PAYPAL_WEBHOOK_ID)
    assert trigger(server.url, "adyen", "AUTHORISATION", "--secret", "AB" * 32) == 0
    assert trigger(server.url, "mpesa", "stk.success", "--secret", token) == 0
    assert trigger(f"grpc://{server.grpc}", "paypal", "PAYMENT.CAPTURE.COMPLETED", "--secret", PAYPAL_WEBHOOK_ID) == 0


def test_a_server_that_asks_for_a_key_can_be_triggered_by_grpc(serve: Serve) -> None:
    server = serve(ORCHESTRATOR_API_KEYS='["key-one"]', PAYPAL_WEBHOOK_ID=PAYPAL_WEBHOOK_ID)
    capture = ("paypal", "PAYMENT.CAPTURE.COMPLETED", "--secret", PAYPAL_WEBHOOK_ID)
    assert trigger(f"grpc://{server.grpc}", *capture) == 1
    assert trigger(f"grpc://{server.grpc}", *capture, "--api-key", "key-one") == 0


def test_a_wrong_secret_ends_with_1_and_a_wrong_type_with_2(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve()
    assert trigger(server.url, "stripe", "payment_intent.succeeded", "--secret", "whsec_wrong") == 1
    assert "SIGNATURE_MISMATCH" in capsys.readouterr().err
    assert trigger(server.url, "stripe", "payment_intent.suceeded", "--secret", SECRET) == 2
    assert "payment_intent.succeeded" in capsys.readouterr().err


@pytest.mark.parametrize("to", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"])
def test_a_server_that_is_not_there_ends_with_3(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trigger(to, "stripe", "payment_intent.succeeded", "--secret", SECRET) == 3
    assert "  fix: " in capsys.readouterr().err


def test_a_webhook_whose_certificates_could_not_travel_names_the_way_that_takes_them(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trigger(serve().url, "paypal", "PAYMENT.CAPTURE.COMPLETED", "--secret", "WH-other") == 1
    assert "--to grpc://" in capsys.readouterr().err


def test_a_type_that_does_not_exist_is_told_and_not_only_not_found(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    assert run(["events", "list", "--target", server.grpc, "--type", "refnd.*", "--type", "payment.*"]) == 0
    said = capsys.readouterr().err
    assert "there is no event type refnd.*; did you mean refund.*?" in said
    assert "payment.*" not in said


def test_a_repeated_trigger_says_that_its_event_was_recorded_before(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    to = f"grpc://{serve().grpc}"
    for again in (False, True):
        assert trigger(to, "stripe", "payment_intent.succeeded", "--secret", SECRET, "--seed", "6") == 0
        assert ("(recorded before)" in capsys.readouterr().out) is again


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP server that fails the first post and takes the others."""
    bodies: list[dict[str, Any]] = []
    answers = [500]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = answers.pop() if answers else 204
            if status == 204:
                bodies.append(json.loads(body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_listen_prints_and_forwards_until_it_is_taken(
    serve: Serve, receiver: tuple[str, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    url, bodies = receiver
    for event_type in ("payment_intent.created", "payment_intent.succeeded"):
        assert trigger(server.url, "stripe", event_type, "--secret", SECRET, "--seed", "9") == 0
    capsys.readouterr()
    assert run(["listen", "--target", server.grpc, "--from", "0", "--count", "2", "--forward-to", url]) == 0
    printed = capsys.readouterr()
    assert [body["type"] for body in bodies] == ["payment.created", "payment.captured"]
    assert printed.out.count("→ 204") == 2
    assert "500; again" in printed.err
