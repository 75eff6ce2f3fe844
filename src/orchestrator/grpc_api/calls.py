"""One behaviour for each kind of rpc: bytes in, a service's method, bytes out; every failure a typed status.

Messages are parsed here and not by gRPC, because a request that cannot be parsed is to be refused like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, NoReturn, Protocol

import grpc
from google.protobuf.message import DecodeError, Message

from orchestrator.deadlines import Deadlines
from orchestrator.grpc_api.door import Door
from orchestrator.telemetry.incidents import incident
from orchestratorx_prism.errors import PrismError, RequestRejected, Unavailable
from orchestratorx_prism.wire import DETAILS_KEY, to_rpc_status

Behaviour = Callable[[Any, Any], Awaitable[Any]]
CANCELLED = "CANCELLED"
OK = "OK"

_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class Observe(Protocol):
    """Told of every answer: (method, gRPC status name, seconds)."""

    def __call__(self, method: str, code: str, seconds: float, /) -> None: ...


class Streams:
    """Calls that last as long as their caller likes; a server that stops has to end them itself."""

    def __init__(self) -> None:
        self._members: set[asyncio.Task[Any]] = set()
        self._writing: set[asyncio.Task[Any]] = set()
        self.ending = False

    @contextlib.contextmanager
    def member(self) -> Iterator[None]:
        """The current task is ended with the server while inside."""
        task = _current_task()
        self._members.add(task)
        try:
            yield
        finally:
            self._members.discard(task)

    def end(self) -> None:
        """Ends all: the caller is told to connect again. A message that is being written is written first."""
        self.ending = True
        for task in self._members - self._writing:
            task.cancel()

    async def write_all(self, answers: AsyncIterator[Message], context: Any) -> None:
        """Sends all answers.

        Raises:
            Unavailable: The server stops.
            CancelledError: The caller has left.
        """
        task = _current_task()
        try:
            async for answer in answers:
                self._writing.add(task)  # gRPC takes no status while a message is on its way
                try:
                    await context.write(answer.SerializeToString())
                except grpc.aio.InternalError:  # what gRPC makes of a caller who left
                    raise asyncio.CancelledError from None
                finally:
                    self._writing.discard(task)
                if self.ending and task in self._members:
                    raise stopping()
        finally:
            close = getattr(answers, "aclose", None)
            if close is not None:
                await close()


def unary(
    method: Callable[[Any], Awaitable[Message]],
    request_type: type[Message],
    path: str,
    deadlines: Deadlines,
    observe: Observe,
    door: Door | None = None,
) -> Behaviour:
    """One request, one answer, within the caller's deadline or the server's limit, whichever is sooner.

    A call that is cut off has its recording finished by the ledger all the same; the caller sends again, and gets it.
    """
    parse = request_type.FromString
    clock = time.perf_counter

    async def guarded(entrance: Door, raw: bytes, context: Any) -> Message:
        principal = await entrance.enter(context)
        request = parse(raw)
        entrance.confine(principal, request)
        return await method(request)

    async def call(raw: bytes, context: Any) -> bytes:
        began = clock()
        code = OK
        try:
            # gRPC itself cancels at the caller's deadline; ours is for callers who set none, or a very long one.
            answer = method(parse(raw)) if door is None else guarded(door, raw, context)
            return (await deadlines.within(answer)).SerializeToString()
        except Exception as error:
            refusal = as_refusal(error, path)
            code = _CODES[refusal.grpc_code].name
            await abort(context, refusal)
        except asyncio.CancelledError:
            code = CANCELLED
            raise
        finally:
            observe(path, code, clock() - began)

    return call


def server_stream(
    method: Callable[[Any], AsyncIterator[Message]],
    request_type: type[Message],
    path: str,
    streams: Streams,
    observe: Observe,
    door: Door | None = None,
) -> Behaviour:
    """One request, answers until the caller has enough or the server stops."""

    async def answers(raw: bytes, context: Any) -> None:
        with streams.member():
            if door is None:
                await streams.write_all(method(request_type.FromString(raw)), context)
                return
            principal = await door.enter(context)
            request = request_type.FromString(raw)
            door.confine(principal, request)
            await streams.write_all(door.lasting(principal, method(request)), context)

    return _streaming(answers, path, streams, observe)


def bidi(
    method: Callable[[AsyncIterator[Any]], AsyncIterator[Message]],
    request_type: type[Message],
    path: str,
    streams: Streams,
    observe: Observe,
    door: Door | None = None,
) -> Behaviour:
    """Requests and answers until the caller closes its side. A server that stops first answers what it has read."""
    parse = request_type.FromString

    async def requests(context: Any) -> AsyncGenerator[Any, None]:
        with streams.member():  # a service that reads ahead does so in a task of its own: only that one ends
            while (raw := await context.read()) is not grpc.aio.EOF:
                yield parse(raw)

    async def answers(_unused: Any, context: Any) -> None:
        if door is None:
            await streams.write_all(method(requests(context)), context)
            return
        principal = await door.enter(context)
        asked = door.confined(principal, requests(context))
        await streams.write_all(door.lasting(principal, method(asked)), context)

    return _streaming(answers, path, streams, observe)


async def abort(context: Any, refusal: PrismError) -> NoReturn:
    """Ends the call with the refusal as google.rpc.Status."""
    status = to_rpc_status(refusal)
    await context.abort(
        _CODES[status.code], status.message, trailing_metadata=((DETAILS_KEY, status.SerializeToString()),)
    )
    raise RuntimeError("gRPC returned from an aborted call")


def as_refusal(error: Exception, path: str) -> PrismError:
    """What the caller is told instead of an exception."""
    if isinstance(error, PrismError):
        return error
    if isinstance(error, DecodeError):
        return RequestRejected(
            "the request is not a protobuf message of the method's request type",
            reason="REQUEST_MALFORMED",
            fix="use messages generated from the server's protos",
        )
    return incident(error, where=f"grpc {path}")


def _streaming(
    answers: Callable[[Any, Any], Awaitable[None]], path: str, streams: Streams, observe: Observe
) -> Behaviour:
    async def call(raw: Any, context: Any) -> None:
        began = time.perf_counter()
        code = OK
        try:
            await answers(raw, context)
        except Exception as error:
            refusal = as_refusal(error, path)
            code = _CODES[refusal.grpc_code].name
            await abort(context, refusal)
        except asyncio.CancelledError:
            code = CANCELLED
            if not streams.ending:
                raise
            code = grpc.StatusCode.UNAVAILABLE.name
            await abort(context, stopping())
        finally:
            observe(path, code, time.perf_counter() - began)

    return call


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("streams are served by tasks")
    return task


def stopping() -> Unavailable:
    """The refusal of a call that the server ends because it stops."""
    return Unavailable(
        "the server is stopping",
        reason="SERVER_STOPPING",
        fix="connect again; what was not answered is to be sent again",
        retry_after_s=1.0,
    )
