"""Real loopback servers around services whose behaviour the test decides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from connectors.spi import Label, SampleRequest, SampleWebhook, Trust
from orchestrator.access.opening import open_access
from orchestrator.grpc_api.server import GrpcServer
from orchestrator.http_api.ingress import Ingress
from orchestrator.http_api.probes import Probes
from orchestrator.http_api.server import HttpServer
from orchestrator.listening import bind, port_of
from orchestrator.plugins import connector_named
from orchestrator.readiness import Readiness
from orchestrator.settings import Settings
from orchestrator.settings_loading import settings_from
from orchestrator.telemetry.metrics import Metrics
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement, HandleEventRequest, HandleEventResponse

Handle = Callable[[HandleEventRequest], Awaitable[HandleEventResponse]]


def label(name: str, alias: str = "") -> Label:
    """A connector that routes and does nothing else."""

    def never(*_: Any) -> Any:
        raise AssertionError("the scripted service does not call codecs")

    return Label(
        name=name,
        title=name.title(),
        capabilities=frozenset(),
        config_keys={},
        trust=Trust.TRUST_SIGNED,
        open=never,
        parse=never,
        normalize=never,
        ingress_alias=alias,
    )


LABELS = {"stripe": label("stripe"), "adyen": label("adyen"), "mpesa": label("mpesa", "m")}


@dataclass
class Script:
    """What `handle_event` does: answers, after `before`, unless that raises. Remembers what it was given."""

    acknowledgement: Acknowledgement = field(default_factory=lambda: Acknowledgement(status=200))
    before: Callable[[], Awaitable[None]] | None = None
    error: Exception | None = None
    seen: list[HandleEventRequest] = field(default_factory=list)

    async def handle(self, request: HandleEventRequest) -> HandleEventResponse:
        self.seen.append(request)
        if self.before is not None:
            await self.before()
        if self.error is not None:
            raise self.error
        return HandleEventResponse(acknowledgement=self.acknowledgement)


@dataclass
class Dependencies:
    """A database and a broker that can go away."""

    database: Exception | None = None
    broker: Exception | None = None

    async def ask_database(self) -> None:
        if self.database is not None:
            raise self.database

    async def ask_broker(self) -> None:
        if self.broker is not None:
            raise self.broker


@dataclass
class Http:
    """An HTTP server under test."""

    server: HttpServer
    port: int
    client: httpx.AsyncClient
    script: Script
    metrics: Metrics
    dependencies: Dependencies
    readiness: Readiness

    async def post(self, path: str = "/webhooks/stripe/default", content: bytes = b"{}", **more: Any) -> httpx.Response:
        """Posts a webhook."""
        return await self.client.post(path, content=content, **more)


@contextlib.asynccontextmanager
async def http_server(values: Mapping[str, Any] | None = None, **scripted: Any) -> AsyncIterator[Http]:
    """An HTTP server on a free loopback port. `values` are settings, `scripted` are fields of `Script`."""
    settings: Settings = settings_from({"http_port": 0, **(values or {})})
    script = Script(**scripted)
    metrics, dependencies = Metrics(LABELS), Dependencies()
    readiness = Readiness(dependencies.ask_database, dependencies.ask_broker, timeout_s=0.3, max_age_s=0.0)
    ingress = Ingress(settings, LABELS, script.handle, refused=metrics.refused, answered=metrics.answered)

    async def exposition() -> bytes:
        return metrics.exposition()

    def refused(error: PrismError) -> None:
        metrics.refused("", error)

    probes = Probes(readiness, exposition, open_access(settings).guard)
    server = HttpServer(settings, webhooks=ingress, others=probes, on_refusal=refused)
    listener = bind(settings.http_host, 0)
    port = port_of(listener)
    await server.start(listener)
    scheme = "https" if settings.tls.on else "http"
    trust = ssl.create_default_context(cafile=settings.tls.certificate_file) if settings.tls.on else False
    async with httpx.AsyncClient(base_url=f"{scheme}://127.0.0.1:{port}", verify=trust) as client:
        try:
            yield Http(server, port, client, script, metrics, dependencies, readiness)
        finally:
            await server.stop(1.0)


@pytest.fixture(name="http_server")
def _http_server() -> Any:
    """Makes HTTP servers: `async with http_server({…}, error=…) as http`."""
    return http_server


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """An HTTP server with the default settings."""
    async with http_server() as server:
        yield server


class ScriptedEvents:
    """EventService, as far as these tests call it; everything else is a defect."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.handle_event = script.handle

    async def handle_events(self, requests: AsyncIterator[Any]) -> AsyncIterator[pb.HandleEventsResponse]:
        """Reads ahead in a task of its own, as the real one does; answers in order."""
        waiting: asyncio.Queue[pb.HandleEventRequest | None] = asyncio.Queue()

        async def read() -> None:
            try:
                async for message in requests:
                    waiting.put_nowait(message.request)
            finally:
                waiting.put_nowait(None)

        reader = asyncio.create_task(read())
        try:
            while (request := await waiting.get()) is not None:
                yield pb.HandleEventsResponse(handled=await self._script.handle(request))
            await reader
        finally:
            reader.cancel()

    async def subscribe_events(self, request: pb.SubscribeEventsRequest) -> AsyncIterator[pb.SubscribeEventsResponse]:
        """Counts, and then waits for ever. From the cursor "flood" on: large messages without end."""
        while request.cursor == "flood":
            yield pb.SubscribeEventsResponse(cursor="x" * 100_000)
        for number in range(3):
            yield pb.SubscribeEventsResponse(cursor=str(number))
        await asyncio.Event().wait()

    def __getattr__(self, name: str) -> Any:
        async def defect(_request: Any) -> Any:
            raise ZeroDivisionError(f"{name} 4111111111111111")

        return defect


@dataclass
class Grpc:
    """A gRPC server under test."""

    server: GrpcServer
    port: int
    channel: Any
    script: Script
    metrics: Metrics
    dependencies: Dependencies
    readiness: Readiness

    def unary(self, method: str, service: str = "orchestratorx_prism.v1.EventService") -> Any:
        """A call of bytes for bytes."""
        return self.channel.unary_unary(f"/{service}/{method}")

    async def handle(self, request: HandleEventRequest | None = None, **more: Any) -> HandleEventResponse:
        """EventService.HandleEvent."""
        request = request or HandleEventRequest(connector="stripe", payload=b"{}")
        raw = await self.unary("HandleEvent")(request.SerializeToString(), **more)
        return HandleEventResponse.FromString(raw)


@contextlib.asynccontextmanager
async def grpc_server(
    values: Mapping[str, Any] | None = None, *, credentials: Any = None, **scripted: Any
) -> AsyncIterator[Grpc]:
    """A gRPC server on a free loopback port, and a channel to it. Parameters as of `http_server`."""
    settings: Settings = settings_from({"grpc_port": 0, **(values or {})})
    script, metrics, dependencies = Script(**scripted), Metrics(LABELS), Dependencies()
    readiness = Readiness(dependencies.ask_database, dependencies.ask_broker, timeout_s=0.3, max_age_s=0.0)
    services = {pb.DESCRIPTOR.services_by_name["EventService"]: ScriptedEvents(script)}

    def observe(method: str, code: str, seconds: float) -> None:
        metrics.answered("grpc", method, code, seconds)

    server = GrpcServer(settings, services, readiness, observe)
    port = await server.start()
    target = f"127.0.0.1:{port}"
    async with (
        grpc.aio.secure_channel(target, credentials) if credentials else grpc.aio.insecure_channel(target)
    ) as channel:
        try:
            yield Grpc(server, port, channel, script, metrics, dependencies, readiness)
        finally:
            await server.stop(0)


@pytest.fixture(name="grpc_server")
def _grpc_server() -> Any:
    """Makes gRPC servers: `async with grpc_server({…}, error=…) as rpc`."""
    return grpc_server


@pytest.fixture
async def rpc() -> AsyncIterator[Grpc]:
    """A gRPC server with the default settings."""
    async with grpc_server() as server:
        yield server


SERVE_SECRET = "whsec_serve_test"
ORCHESTRATOR = str(Path(sys.executable).parent / "orchestrator")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a server of the tests is started with: nothing of this shell's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORCHESTRATOR_", "STRIPE_", "ADYEN_", "PAYPAL_", "MPESA_"))
    }
    ours = {
        "STRIPE_WEBHOOK_SECRET": SERVE_SECRET,
        "ORCHESTRATOR_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
        "ORCHESTRATOR_GRPC_PORT": "0",
        "ORCHESTRATOR_HTTP_PORT": "0",
    }
    return {**kept, **ours, **more}


class Process:
    """A server, started and ready."""

    def __init__(self, folder: Path, *arguments: str, **more: str) -> None:
        self.log = (folder / "log").open("wb")
        command = [ORCHESTRATOR, "serve", "--json", *arguments]
        self.popen = subprocess.Popen(
            command, env=environment(folder, **more), cwd=folder, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        if not line:
            pytest.fail((folder / "log").read_text())
        self.started: dict[str, Any] = json.loads(line)
        self.url: str = self.started["http"]
        self.http_port = int(self.url.rpartition(":")[2])
        self.grpc: str = self.started["grpc"]

    def post(self, webhook: SampleWebhook, path: str = "/webhooks/stripe/default") -> httpx.Response:
        """Posts a webhook."""
        return httpx.post(self.url + path, content=webhook.body, headers=dict(webhook.headers), timeout=20)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal; returns the exit status."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout=30)

    def close(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(timeout=30)
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        self.log.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts servers in a folder of the test's own; what is left of them is ended after the test."""
    processes: list[Process] = []

    def started(*arguments: str, **more: str) -> Process:
        processes.append(Process(tmp_path, *arguments, **more))
        return processes[-1]

    yield started
    for process in processes:
        process.close()


def _failing(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A server that should not come up."""
    return subprocess.run(
        [ORCHESTRATOR, "serve", *arguments],
        env=environment(folder, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _stripe_webhook(seed: int = 1, event_type: str = "payment_intent.succeeded") -> SampleWebhook:
    sample = connector_named("stripe").sample
    assert sample is not None
    return sample(SampleRequest(event_type, secret=SERVE_SECRET, now_s=int(time.time()), seed=seed))


@pytest.fixture(name="environment")
def _environment() -> Any:
    """What a server of the tests is started with."""
    return environment


@pytest.fixture
def failing() -> Any:
    """Starts a server that should not come up; returns how it ended."""
    return _failing


@pytest.fixture
def stripe_webhook() -> Any:
    """Makes signed webhooks of Stripe, one payment a seed."""
    return _stripe_webhook


@pytest.fixture(scope="session")
def start_server() -> Any:
    """Starts a server in a folder, for tests that share one: `start_server(folder, *arguments, **environment)`."""
    return Process
