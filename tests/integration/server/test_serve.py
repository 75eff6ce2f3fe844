"""`orchestrator serve` as a process: how it starts, what it says, how it stops, what it does when parts are missing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from free_ports import free_port

from connectors.spi import SampleWebhook
from orchestratorx_prism.v1 import event_service_pb2 as pb

ORCHESTRATOR = str(Path(sys.executable).parent / "orchestrator")
Serve = Callable[..., Any]
SERVE_SECRET = "whsec_serve_test"
EVERYTHING = pb.ListEventsRequest(page_size=1_000).SerializeToString()


def listed(process: Any) -> list[Any]:
    """Recorded events, over gRPC."""
    with grpc.insecure_channel(process.grpc) as channel:
        call = channel.unary_unary("/orchestratorx_prism.v1.EventService/ListEvents")
        return list(pb.ListEventsResponse.FromString(call(EVERYTHING, timeout=10)).events)


def test_a_webhook_in_by_http_is_an_event_out_by_grpc_and_is_recorded_once(serve: Serve, stripe_webhook: Any) -> None:
    process = serve()
    for _ in range(3):
        assert process.post(stripe_webhook()).status_code == 200
    (event,) = listed(process)
    assert event.type == "payment.captured"
    metrics = httpx.get(process.url + "/metrics").text
    common = 'connector="stripe",outcome="{}",type="payment.captured"'
    assert f"orchestrator_events_total{{{common.format('recorded')}}} 1.0" in metrics
    assert f"orchestrator_events_total{{{common.format('duplicate')}}} 2.0" in metrics
    assert process.stop() == 0


def test_what_was_recorded_is_there_after_a_restart(serve: Serve, stripe_webhook: Any) -> None:
    first = serve()
    assert first.post(stripe_webhook()).status_code == 200
    first.popen.kill()
    first.popen.wait(timeout=30)
    assert len(listed(serve())) == 1


def test_the_block_for_people_names_everything_and_shows_no_secret(tmp_path: Path, environment: Any) -> None:
    popen = subprocess.Popen(
        [ORCHESTRATOR, "serve"], env=environment(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert popen.stdout is not None
    lines = []
    for line in popen.stdout:
        lines.append(line)
        if "warning" in line:
            break
    popen.send_signal(signal.SIGTERM)
    assert popen.wait(timeout=30) == 0
    text = "".join(lines) + popen.stdout.read()
    popen.stdout.close()
    for word in ("is ready", "SANDBOX", "grpc", "webhooks", "database", "ledger.db", "broker", "memory", "stripe"):
        assert word in text
    assert SERVE_SECRET not in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_is_asked_for_ends_with_0(serve: Serve, number: int) -> None:
    assert serve().stop(number) == 0


@contextlib.contextmanager
def in_hand(process: Any, headers: str) -> Iterator[socket.socket]:
    """A webhook that the server has begun to serve, and waits for the body of."""
    with socket.create_connection(("127.0.0.1", process.http_port), timeout=20) as connection:
        first_lines = "POST /webhooks/stripe/default HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
        connection.sendall(f"{first_lines}{headers}\r\n".encode())
        assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        yield connection


def until_nothing_is_taken(process: Any) -> None:
    """Waits until the server has begun to stop: it takes no new connection."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", process.http_port), timeout=5).close()
        except ConnectionError:
            return
        time.sleep(0.01)
    pytest.fail("it still takes connections")


def test_a_request_in_hand_is_answered_before_the_server_stops(serve: Serve, stripe_webhook: Any) -> None:
    process = serve()
    sent = stripe_webhook()
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
    with in_hand(process, f"content-length: {len(sent.body)}\r\n{head}") as connection:
        connection.sendall(sent.body[:100])
        process.popen.send_signal(signal.SIGTERM)
        until_nothing_is_taken(process)
        assert process.popen.poll() is None
        connection.sendall(sent.body[100:])
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert process.popen.wait(timeout=30) == 0


def test_a_request_that_never_ends_does_not_hold_the_stop_for_ever(serve: Serve) -> None:
    process = serve(ORCHESTRATOR_SHUTDOWN_GRACE_S="0.5", ORCHESTRATOR_HTTP_BODY_TIMEOUT_S="120")
    with in_hand(process, "content-length: 10\r\n"):
        assert process.stop() == 0  # within 30 s


def test_a_second_signal_ends_the_server_at_once(serve: Serve) -> None:
    process = serve(ORCHESTRATOR_SHUTDOWN_GRACE_S="60", ORCHESTRATOR_HTTP_BODY_TIMEOUT_S="120")
    with in_hand(process, "content-length: 10\r\n"):
        process.popen.send_signal(signal.SIGTERM)
        until_nothing_is_taken(process)
        assert process.stop() == 130  # within 30 s


async def test_a_stream_is_ended_and_told_so_when_the_server_stops(serve: Serve) -> None:
    process = serve(ORCHESTRATOR_SHUTDOWN_GRACE_S="30")
    async with grpc.aio.insecure_channel(process.grpc) as channel:
        call = channel.unary_stream("/orchestratorx_prism.v1.EventService/SubscribeEvents")(b"")
        await call.read()
        process.popen.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await asyncio.wait_for(call.read(), 10)
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert process.popen.wait(timeout=10) == 0


def test_a_database_that_is_away_is_said_at_once(tmp_path: Path, failing: Any) -> None:
    url = f"postgresql://someone:hunter2@127.0.0.1:{free_port()}/nothing"
    began = time.monotonic()
    done = failing(tmp_path, ORCHESTRATOR_DATABASE_URL=url)
    assert done.returncode == 3
    assert "  fix: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert done.stdout == ""
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("door", ["GRPC", "HTTP"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_that_is_taken_is_said_at_once(tmp_path: Path, door: str, workers: str, failing: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = failing(tmp_path, "--workers", workers, **{f"ORCHESTRATOR_{door}_PORT": port})
    assert done.returncode == 3
    assert done.stderr.count("ADDRESS_UNAVAILABLE: ") == 1
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_that_is_away_does_not_stop_the_start(serve: Serve, stripe_webhook: Any) -> None:
    broker = f"nats://127.0.0.1:{free_port()}"
    process = serve(ORCHESTRATOR_MESSAGING__BROKER_TYPE="nats", ORCHESTRATOR_MESSAGING__URL=broker)
    assert process.post(stripe_webhook()).status_code == 200
    ready = httpx.get(process.url + "/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert process.stop() == 0


def worker_pids(process: Any) -> set[int]:
    """The server's workers."""
    children = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def two_workers(process: Any, without: int = 0) -> set[int]:
    """As soon as there are two, besides one that was killed: the server answers when the first of them does."""
    for _ in range(600):
        with contextlib.suppress(FileNotFoundError):
            found = worker_pids(process) - {without}
            if len(found) == 2:
                return found
        time.sleep(0.05)
    pytest.fail("there are not two workers")


def test_several_workers_share_ports_and_numbers_and_one_that_is_killed_is_replaced(
    serve: Serve, stripe_webhook: Any
) -> None:
    process = serve("--workers", "2")
    before = two_workers(process)
    for seed in range(40):
        assert process.post(stripe_webhook(seed)).status_code == 200  # a connection each: the kernel spreads them
    assert len(listed(process)) == 40
    line = 'orchestrator_events_total{connector="stripe",outcome="recorded",type="payment.captured"} 40.0'
    for _ in range(5):  # whichever worker answers, it answers for both
        assert line in httpx.get(process.url + "/metrics").text
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    two_workers(process, without=victim)
    for seed in range(40, 60):
        with contextlib.suppress(httpx.TransportError):
            process.post(stripe_webhook(seed))
    for seed in range(40, 60):
        assert process.post(stripe_webhook(seed)).status_code == 200
    assert len(listed(process)) == 60
    assert process.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in before)


def test_a_single_server_may_keep_to_one_cpu(serve: Serve, stripe_webhook: Any) -> None:
    process = serve("--pin-cpus")
    assert process.post(stripe_webhook(1)).status_code == 200
    threads = [int(folder.name) for folder in Path(f"/proc/{process.popen.pid}/task").iterdir()]
    assert len(threads) > 1
    assert {frozenset(os.sched_getaffinity(thread)) for thread in threads} == {
        frozenset({min(os.sched_getaffinity(0))})
    }
    assert process.stop() == 0


def test_workers_end_when_their_parent_is_killed(serve: Serve) -> None:
    process = serve("--workers", "2")
    pids = two_workers(process)
    process.popen.kill()
    process.popen.wait(timeout=30)
    end = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_no_secret_and_no_body_is_in_the_logs(serve: Serve, tmp_path: Path, stripe_webhook: Any) -> None:
    process = serve(ORCHESTRATOR_LOG_LEVEL="debug", MPESA_URL_TOKEN="a-token-of-some-length")
    sent = stripe_webhook()
    process.post(sent)
    false = SampleWebhook(sent.body, {**sent.headers, "Stripe-Signature": "t=1,v1=" + "ab" * 32})
    assert process.post(false).status_code == 401
    process.post(sent, "/webhooks/daraja/default/a-wrong-token-of-some-length")
    assert process.stop() == 0
    text = (tmp_path / "log").read_text()
    for secret in (SERVE_SECRET, "ab" * 32, "token-of-some-length", "pi_", "4242"):
        assert secret not in text
    assert all(json.loads(line)["event"] for line in text.splitlines())
