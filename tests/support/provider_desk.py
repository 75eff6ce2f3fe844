"""A whole installation against one simulated provider: its API on a real socket, its webhooks coming back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from connectors.spi import Label, SampleWebhook
from connectors.spi.simulating import App, Faults, Faulty, Simulator, SimulatorOptions
from orchestrator.bootstrap import Application, build
from orchestrator.embedded import EmbeddedTransport
from orchestrator.grpc_api.server import GrpcServer
from orchestrator.plugins import connector_named
from orchestrator.readiness import Readiness
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

SECRETS = {
    "stripe": "whsec_shop",
    "adyen": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    "paypal": "WH-SHOP",
    "mpesa": "0123456789abcdef0123456789abcdef",
}
"""What signs each provider's webhooks here."""


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serves an ASGI app on a free port of this machine; yields the address."""
    # Not `create_server`: of its sockets asyncio leaves Nagle's algorithm on, which costs 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@dataclass
class Desk:
    """One provider and one installation."""

    connector: str
    simulator: Simulator
    faulty: Faulty
    application: Application
    transport: EmbeddedTransport
    refused: list[Exception]
    """Webhooks that the installation did not take."""
    posted: list[SampleWebhook]
    """All that were sent."""

    @property
    def label(self) -> Label:
        return connector_named(self.connector)


@asynccontextmanager
async def desk_of(
    connector: str,
    *,
    database_url: str = "memory:",
    faults: Faults | None = None,
    settings: Mapping[str, Any] | None = None,
    rules: Mapping[str, Any] | None = None,
    watch: Callable[[App], App] = lambda app: app,
    **options: Any,
) -> AsyncIterator[Desk]:
    """Opens a desk. `watch`: around the provider; `rules`: of the connector's settings; `options`: of the simulator."""
    label = connector_named(connector)
    assert label.make_simulator is not None
    refused: list[Exception] = []
    posted: list[SampleWebhook] = []

    async def deliver(sample: SampleWebhook) -> None:
        posted.append(sample)
        request = HandleEventRequest(
            connector=connector,
            payload=sample.body,
            headers=sample.headers,
            webhook_secret=SECRETS[connector],
            webhook_id=SECRETS[connector] if label.webhook_id_key else "",
            url_token=sample.url_token,
            purpose=sample.purpose,
            certificates=sample.certificates,
        )
        try:
            await transport.unary(
                "orchestratorx_prism.v1.EventService", "HandleEvent", request, response_type=type(request)
            )
        except Exception as error:
            refused.append(error)

    simulator: Simulator = label.make_simulator(
        SimulatorOptions(**{"seed": 1, "deliver": deliver, "webhook_secret": SECRETS[connector], **options})
    )
    faulty = Faulty(simulator, faults or Faults(), seed=1)
    async with serving(watch(faulty)) as address:
        credentials = dict(simulator.config(address))
        values = {
            "database_url": database_url,
            "merchants": {"default": {"connectors": {connector: {"credentials": credentials, **(rules or {})}}}},
            **(settings or {}),
        }
        application = build(settings_from(values), publishes=False)
        transport = EmbeddedTransport(application)
        try:
            yield Desk(connector, simulator, faulty, application, transport, refused, posted)
        finally:
            await simulator.aclose()
            await transport.close()


@asynccontextmanager
async def reached(way: str, desk: Desk) -> AsyncIterator[dict[str, Any]]:
    """How a client gets to the desk's installation."""
    if way == "embedded":
        yield {"transport": desk.transport}
        return
    application = desk.application
    settings = settings_from({"database_url": "memory:", "grpc_port": 0})
    readiness = Readiness(application.ledger.ping, application.ledger.ping)
    server = GrpcServer(settings, application.services.by_descriptor(), readiness, lambda *_: None)
    try:
        yield {"target": f"127.0.0.1:{await server.start()}"}
    finally:
        await server.stop(1.0)
