"""grpc.health.v1.Health over the process's readiness. Source: gRPC docs, "GRPC Health Checking Protocol"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2 as pb

from orchestrator.readiness import Readiness
from orchestratorx_prism.errors import NotFound

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["Health"]
_WATCH_S = 1.0
"""How often a watcher's state is looked at. Seconds."""

_Status = pb.HealthCheckResponse


class HealthService:
    """SERVING while the database answers and the server is not stopping; the same for every service it serves."""

    def __init__(self, readiness: Readiness, services: Iterable[str]) -> None:
        self._readiness = readiness
        self._services = frozenset(("", *services))

    async def check(self, request: Any) -> Any:
        """The state of one service; "" is the server."""
        if request.service not in self._services:
            raise NotFound("no such service is served here", reason="SERVICE_UNKNOWN", fix='ask for "", the server')
        return _Status(status=await self._status())

    async def list(self, _request: Any) -> Any:
        """The state of all services."""
        status = await self._status()
        return pb.HealthListResponse(statuses={name: _Status(status=status) for name in self._services})

    async def watch(self, request: Any) -> AsyncIterator[Any]:
        """The state, and then every change of it. Ends when the server stops, after having said so."""
        known = request.service in self._services
        told = None
        while True:
            # Asked before the state: a stop that begins while a state is being told is told in the next round.
            last = self._readiness.draining
            status = await self._status() if known else _Status.SERVICE_UNKNOWN
            if status != told:
                told = status
                yield _Status(status=status)
            if last:
                return
            await self._readiness.wait(_WATCH_S)

    async def _status(self) -> int:
        state = await self._readiness.look()
        return int(_Status.SERVING if state.ready else _Status.NOT_SERVING)
