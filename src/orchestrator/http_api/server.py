"""The HTTP server: bare ASGI callables under uvicorn, on a socket that is already bound."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import uvicorn

from orchestrator.http_api.protocol import GuardedProtocol
from orchestrator.http_api.requests import PREFIX
from orchestrator.listening import check_tls
from orchestrator.settings import Settings
from orchestratorx_prism.errors import PrismError

App = Callable[[Any, Any, Any], Awaitable[None]]
REST = ("/v1/", "/docs", "/openapi.json", "/llms.txt")
"""How paths begin that REST serves."""
KEEP_ALIVE_S = 75
"""How long an idle connection is kept. Longer than the usual load balancer's 60 s, so that it closes first."""


class HttpServer:
    """Listens on one socket."""

    def __init__(
        self,
        settings: Settings,
        *,
        webhooks: App,
        others: App,
        on_refusal: Callable[[PrismError], None],
        rest: App | None = None,
    ) -> None:
        """
        Args:
            webhooks: Serves paths under `/webhooks/`.
            rest: Serves those of REST; None: there is none.
            others: Serves every other path.
            on_refusal: Told of requests refused before either sees them.
        """
        self._server = _Server(_config(settings, _divided(webhooks, rest or others, others), on_refusal))
        self._serving: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Takes requests on a bound socket, from when this returns."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise RuntimeError("the HTTP server ended before it began")
            await asyncio.sleep(0.005)

    async def wait(self) -> None:
        """Returns when it has stopped; raises what stopped it."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self, grace_s: float) -> None:
        """Takes no more connections; waits for requests in hand as long as `grace_s`, then cuts them off."""
        if self._serving is not None:
            self._server.config.timeout_graceful_shutdown = math.ceil(grace_s)
            self._server.should_exit = True
            await self._serving


class _Server(uvicorn.Server):
    """Without handlers of signals: those are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _divided(webhooks: App, rest: App, others: App) -> App:
    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        path: str = scope["path"]
        if path.startswith(PREFIX):
            await webhooks(scope, receive, send)
        elif path.startswith(REST):
            await rest(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app


def _config(settings: Settings, app: App, on_refusal: Callable[[PrismError], None]) -> uvicorn.Config:
    limits = {
        "whole_within_s": settings.http_body_timeout_s,
        "max_body_bytes": settings.http_max_body_bytes,
        "on_refusal": staticmethod(on_refusal),
    }
    if settings.tls.on:
        check_tls(settings.tls)
    return uvicorn.Config(
        app,
        http=type("Protocol", (GuardedProtocol,), limits),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        ssl_certfile=settings.tls.certificate_file or None,
        ssl_keyfile=settings.tls.key_file or None,
    )
