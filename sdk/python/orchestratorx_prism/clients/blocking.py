"""Blocking twins: the asynchronous clients, run on one background event loop of the process.

They work in any thread, also in one whose own event loop is running (Jupyter, an ASGI server): they block it, no more.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from orchestratorx_prism.clients.base import DEFAULT_MERCHANT, ServiceClient
from orchestratorx_prism.transports.base import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestratorx_prism.transports.grpc import Tls

T = TypeVar("T")
C = TypeVar("C", bound=ServiceClient)


class Background:
    """One event loop in one daemon thread, started by the first call; a forked child starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.ended = False
        """Whether the process is exiting: nothing runs here any more."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` on the loop and waits for it. An interrupt (Ctrl-C) cancels it.

        Raises:
            RuntimeError: Called on the background thread itself, which would wait for itself for ever; or when the
                process is exiting.
        """
        if self.ended:
            work.close()
            raise RuntimeError("a blocking client was called after the interpreter began to exit")
        loop = self.loop()
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking client was called from the SDK's own event loop; use the asynchronous one")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        loop = self._loop
        if loop is None:
            with self._lock:
                loop = self._loop or self._start()
        return loop

    def stop(self) -> None:
        """At exit: ends the loop, so that the interpreter does not tear it down while it works."""
        self.ended = True
        loop, thread = self._loop, self._thread
        if loop is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=2.0)

    def forget(self) -> None:
        """After a fork: the thread stayed with the parent."""
        self._lock = threading.Lock()
        self._loop = self._thread = None
        self.ended = False

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_serve, args=(loop,), name="orchestratorx-prism", daemon=True)
        self._thread.start()
        self._loop = loop
        return loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


background = Background()
atexit.register(background.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=background.forget)


class BlockingClient(Generic[C]):
    """Base of the blocking twins. Close it with `client.close()` or use it in `with`."""

    _twin: ClassVar[type[ServiceClient]]
    _client: C

    def __init__(
        self,
        *,
        connector: str = "",
        api_key: str | None = None,
        target: str | None = None,
        merchant_id: str = DEFAULT_MERCHANT,
        settings: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
        tls: Tls | None = None,
        insecure: bool = False,
        transport: Transport | None = None,
    ) -> None:
        """As the asynchronous client's; see there."""
        self._client = self._twin(  # type: ignore[assignment]  # each subclass names its own
            connector=connector,
            api_key=api_key,
            target=target,
            merchant_id=merchant_id,
            settings=settings,
            timeout_s=timeout_s,
            tls=tls,
            insecure=insecure,
            transport=transport,
        )

    @property
    def transport(self) -> Transport:
        """What carries the calls; pass it to another blocking client to share it."""
        return self._client.transport

    def close(self) -> None:
        """Closes what this client opened. Closing twice does nothing."""
        self._run(self._client.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<blocking {repr(self._client)[1:]}"

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return background.run(work)

    def _drain(self, items: AsyncIterator[T]) -> Iterator[T]:
        """One by one; leaving the loop early (or closing the iterator) ends the call behind it."""
        try:
            while True:
                try:
                    item = background.run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None and not background.ended:  # the call has ended with the process
                background.run(close())


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)
