"""One application behind each way to reach it: in this process, and over a real gRPC server on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from orchestrator.bootstrap import build
from orchestrator.grpc_api.server import GrpcServer
from orchestrator.readiness import Readiness
from orchestrator.settings_loading import settings_from

MEMORY: Mapping[str, Any] = {"database_url": "memory:"}


@contextlib.asynccontextmanager
async def served(values: Mapping[str, Any]) -> AsyncIterator[str]:
    """A server of the orchestrator's own on a free port; gives the target."""
    settings = settings_from({**values, "grpc_port": 0})
    application = build(settings)
    readiness = Readiness(application.ledger.ping, application.broker.health)
    server = GrpcServer(settings, application.services.by_descriptor(), readiness, lambda *_: None)
    await application.start()
    try:
        port = await server.start()
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(1.0)
        await application.stop()


@contextlib.asynccontextmanager
async def reached(way: str, values: Mapping[str, Any] | None = None) -> AsyncIterator[dict[str, Any]]:
    """The arguments that make a client. Without values: what a user gets who sets nothing."""
    if way == "grpc":
        async with served(values or MEMORY) as target:
            yield {"target": target}
    else:
        yield {} if values is None else {"settings": values}


@pytest.fixture(name="reached")
def _reached() -> Any:
    """`async with reached("grpc", {…}) as where: EventClient(**where)`."""
    return reached


@pytest.fixture(params=["embedded", "grpc"])
async def where(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Any]]:
    """The same tests, in this process and over gRPC, with nothing kept on disk."""
    async with reached(request.param) as arguments:
        yield arguments


@pytest.fixture(params=["embedded", "grpc"])
async def durable(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[dict[str, Any]]:
    """As `where`, with a database: what is recorded is kept."""
    async with reached(request.param, {"database_url": f"sqlite:///{tmp_path}/ledger.db"}) as arguments:
        yield arguments
