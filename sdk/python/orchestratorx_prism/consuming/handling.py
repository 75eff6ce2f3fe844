"""Handlers: what an application registers, and how one is called, on the event loop or beside it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from orchestratorx_prism.consuming.ending import cancelled_by_others
from orchestratorx_prism.consuming.names import Selector
from orchestratorx_prism.consuming.retrying import RetryPolicy
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.wrappers import PrismEvent

_log = logging.getLogger(__name__)

T = TypeVar("T")

EventHandler: TypeAlias = Callable[[PrismEvent], Awaitable[object]] | Callable[[PrismEvent], object]
"""Takes an event. What it returns is ignored; if it raises, it is called again with the same event."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered handler."""

    name: str
    selector: Selector
    call: EventHandler
    retry: RetryPolicy

    async def run(self, event: PrismEvent, executor: Executor, timeout_s: float) -> None:
        """Returns when the handler is through; raises what it raises, TimeoutError if it takes too long.

        A function that blocks cannot be stopped: then there is a warning, and the wait goes on, for two of them must
        not work on one message. The broker may hand it to another consumer meanwhile.
        """
        with failing_if_cancelled_inside():
            if is_async(self.call):
                async with asyncio.timeout(timeout_s):
                    await self.call(event)  # type: ignore[misc]
            else:
                await self._run_beside(event, executor, timeout_s)

    async def _run_beside(self, event: PrismEvent, executor: Executor, timeout_s: float) -> None:
        # `run_in_executor` and not `to_thread`: the pool is as large as the consumer's concurrency, and its own.
        call = partial(self.call, event)
        running = asyncio.get_running_loop().run_in_executor(executor, partial(called_in_thread, call))
        done, _ = await asyncio.wait([running], timeout=timeout_s)
        if not done:
            _log.warning("handler %s takes more than %.0f s; another consumer may get the event", self.name, timeout_s)
        result = await running
        if inspect.isawaitable(result):
            # Such as a lambda around a coroutine function.
            async with asyncio.timeout(timeout_s):
                await result


def called_in_thread(call: Callable[[], T]) -> T:
    """What `call` returns. No future takes a StopIteration: whoever waited for it would wait for ever."""
    try:
        return call()
    except StopIteration as error:
        raise RuntimeError("the function raised StopIteration: next() of something that was at its end") from error


@contextlib.contextmanager
def failing_if_cancelled_inside() -> Iterator[None]:
    """A function may wait for something that is cancelled, and let that pass: it has failed, and nobody has stopped us.

    Raises:
        RuntimeError: That was so.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if not cancelled_by_others():
            raise
        raise RuntimeError("the function waited for something that was cancelled") from error


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives something to await; also of objects with an async `__call__`, and of partials."""
    while isinstance(function, partial):
        function = function.func
    called = type(function).__call__ if not inspect.isroutine(function) else function
    return inspect.iscoroutinefunction(called)


def handler_name(function: Callable[..., object]) -> str:
    """For logs and metrics: the function's own name.

    Raises:
        RequestRejected: It cannot be called.
    """
    if not callable(function):
        raise RequestRejected("a handler is a function of one event", reason="HANDLER_INVALID")
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)
