"""The embedded transport: the same services, called in this process. Found by the SDK through its entry point.

Without settings nothing is kept on disk: a bounded window of events in memory, for duplicates and subscribers.
With a database and a broker in the settings it is the same application that `orchestrator serve` runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from orchestrator.bootstrap import Application, build
from orchestrator.services.naming import rpc_methods
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import DeadlineExpired, RequestRejected

M = TypeVar("M", bound=Message)


def open_transport(settings: Mapping[str, Any] | None = None) -> EmbeddedTransport:
    """A transport to an application in this process; it starts with the first call.

    Args:
        settings: As in the settings file. None: nothing on disk, no broker.

    Raises:
        SettingsRejected: Every fault of the settings at once.
    """
    if settings is None:
        return EmbeddedTransport(build(settings_from({"database_url": "memory:"}), publishes=False))
    return EmbeddedTransport(build(settings_from(settings)))


class EmbeddedTransport:
    """Dispatches straight to the services: no task, no copy, no serialization."""

    loop_bound = True

    def __init__(self, application: Application) -> None:
        self._application = application
        self._methods = rpc_methods(application.services)
        self._starting: asyncio.Lock | None = None
        self._started = False

    @property
    def application(self) -> Application:
        """What runs inside."""
        return self._application

    async def unary(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Sequence[tuple[str, str]] = (),
    ) -> M:
        """One request, one answer. The caller's time limit applies; the recording it began is finished regardless."""
        if not self._started:
            await self._start()
        call = self._method(service, method)(request)
        if timeout_s is None:
            answer: M = await call
            return answer
        bounded: M = await _within(call, timeout_s)
        return bounded

    async def server_stream(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Sequence[tuple[str, str]] = (),
    ) -> AsyncIterator[M]:
        """One request, many answers."""
        if not self._started:
            await self._start()
        async for answer in self._method(service, method)(request):
            yield answer

    async def bidi(
        self,
        service: str,
        method: str,
        requests: AsyncIterable[Message],
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Sequence[tuple[str, str]] = (),
    ) -> AsyncIterator[M]:
        """Many requests, many answers, in order."""
        if not self._started:
            await self._start()
        async for answer in self._method(service, method)(requests):
            yield answer

    async def close(self) -> None:
        """Finishes what is in hand and closes the application. Closing twice does nothing."""
        if self._started:
            self._started = False
            await self._application.stop()

    def _method(self, service: str, method: str) -> Callable[[Any], Any]:
        try:
            return self._methods[service, method]
        except KeyError:
            raise RequestRejected("no such method", fix="upgrade orchestratorx to the SDK's version") from None

    async def _start(self) -> None:
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if not self._started:
                await self._application.start()
                self._started = True


async def _within(call: Any, timeout_s: float) -> Any:
    try:
        async with asyncio.timeout(timeout_s):
            return await call
    except TimeoutError:
        raise DeadlineExpired(
            f"no answer within {timeout_s:g} s; what became of the call is not known",
            fix="send the same webhook again: it is recorded once",
        ) from None
