"""One process that serves: services, gRPC, HTTP and relay, from start to the end of the drain.

Several processes on the same ports are `workers`; each of them is one of these.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.listening import bind, port_of
from orchestrator.plugins import installed_connectors
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.bootstrap import Application
    from orchestrator.telemetry.metrics import Metrics

T = TypeVar("T")

_log = logging.getLogger("orchestrator.serving")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
FORCED_EXIT = 130
_GC_THRESHOLDS = (20_000, 20, 20)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the server listens."""

    grpc_host: str
    grpc_port: int
    http_host: str
    http_port: int


class Server:
    """An application with its front doors."""

    def __init__(self, application: Application, metrics: Metrics, *, share_ports: bool = False) -> None:
        from orchestrator.grpc_api.server import GrpcServer
        from orchestrator.http_api.ingress import Ingress
        from orchestrator.http_api.probes import Probes
        from orchestrator.http_api.rest.app import rest_app
        from orchestrator.http_api.server import HttpServer
        from orchestrator.readiness import Readiness

        settings = application.settings
        self._application = application
        self._metrics = metrics
        self._share_ports = share_ports
        self._readiness = Readiness(application.ledger.ping, application.check_brokers)
        self._grpc = GrpcServer(
            settings,
            application.services.by_descriptor(),
            self._readiness,
            lambda method, code, seconds: metrics.answered("grpc", method, code, seconds),
            guard=application.guard,
            share_port=share_ports,
        )
        ingress = Ingress(
            settings,
            installed_connectors(),
            application.services.events.handle_event,
            refused=metrics.refused,
            answered=metrics.answered,
        )
        probes = Probes(self._readiness, self._exposition, application.guard, settings.trusted_proxies)
        self._http = HttpServer(
            settings,
            webhooks=ingress,
            rest=rest_app(settings, application.services.by_descriptor(), application.access.guard, metrics.answered),
            others=probes,
            on_refusal=lambda error: metrics.refused("", error),
        )

    async def start(self) -> Addresses:
        """Opens the database, then listens. What was opened is closed again if a later step fails.

        Raises:
            Unavailable: The database or an address cannot be had. A broker that is away does not stop the start.
        """
        settings = self._application.settings
        async with contextlib.AsyncExitStack() as opened:
            listener = opened.enter_context(bind(settings.http_host, settings.http_port, share=self._share_ports))
            opened.push_async_callback(self._application.stop)
            await self._application.start()
            self._application.schedule.start()
            if settings.deliver and self._application.keeps_administration:
                self._application.delivery.dispatcher.start()
            grpc_port = await self._grpc.start()
            opened.push_async_callback(self._grpc.stop, 0)
            http_port = port_of(listener)
            await self._http.start(listener)
            opened.pop_all()
        return Addresses(settings.grpc_host, grpc_port, settings.http_host, http_port)

    async def wait(self) -> None:
        """Returns, or raises, when a front door has closed by itself."""
        await self._http.wait()

    async def stop(self) -> None:
        """Takes nothing new; finishes what is in hand within the settings' grace; closes everything."""
        grace_s = self._application.settings.shutdown_grace_s
        self._readiness.drain()
        async with contextlib.AsyncExitStack() as closing:  # all of it, even if a part fails
            closing.push_async_callback(self._application.stop)
            ends = await asyncio.gather(self._grpc.stop(grace_s), self._http.stop(grace_s), return_exceptions=True)
            for failure in filter(None, ends):
                raise failure

    async def _exposition(self) -> bytes:
        state = await self._readiness.look()
        self._metrics.dependencies({"database": state.database == "ok", "broker": state.broker == "ok"})
        return await asyncio.to_thread(self._metrics.exposition)


async def serve(
    settings: Settings,
    started: Callable[[Addresses], None],
    *,
    share_ports: bool = False,
    parent: socket.socket | None = None,
) -> None:
    """Serves until SIGTERM, SIGINT, or the end of the parent; then drains. A second signal ends the process at once.

    Args:
        started: Called once, when everything listens.
        share_ports: Whether other processes listen on the same ports.
        parent: A socket whose other end the parent holds: at its end, this process stops too.

    Raises:
        Unavailable: Something it needs to start is not there.
    """
    from orchestrator.bootstrap import build
    from orchestrator.telemetry.metrics import Metrics

    stopping = asyncio.Event()
    with _signals_to(stopping):
        metrics = Metrics(installed_connectors())
        server = Server(build(settings, metrics), metrics, share_ports=share_ports)
        started(await server.start())
        _spare_the_collector()
        try:
            await _until_told(stopping, server, parent)
        finally:
            _log.info("stopping")
            await server.stop()
            _log.info("stopped")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on an event loop of its own: uvloop's, where that is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _spare_the_collector() -> None:
    """What exists now lives as long as the process: the garbage collector need not look at it again and again.

    A webhook leaves no cycles behind, but its objects are many while it is under way: with the default thresholds the
    collector takes a tenth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    # With io_uring, libuv keeps a kernel thread polling, and that costs more CPU than it saves here.
    os.environ.setdefault("UV_USE_IO_URING", "0")
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


async def _until_told(stopping: asyncio.Event, server: Server, parent: socket.socket | None) -> None:
    loop = asyncio.get_running_loop()
    if parent is not None:
        loop.add_reader(parent, stopping.set)
    told = asyncio.create_task(stopping.wait())
    closed = asyncio.create_task(server.wait())
    try:
        await asyncio.wait((told, closed), return_when=asyncio.FIRST_COMPLETED)
        if closed.done():
            closed.result()
            raise RuntimeError("the HTTP server closed by itself")
    finally:
        if parent is not None:
            loop.remove_reader(parent)
        for task in (told, closed):
            task.cancel()


@contextlib.contextmanager
def _signals_to(stopping: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            os._exit(FORCED_EXIT)  # nothing acknowledged is lost: it is committed
        stopping.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
