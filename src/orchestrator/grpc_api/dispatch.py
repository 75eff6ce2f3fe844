"""From a method's path to its behaviour: a table made of descriptors, each with its door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from orchestrator.access.guard import ANY_METHOD, Guard
from orchestrator.deadlines import Deadlines
from orchestrator.grpc_api.calls import Behaviour, Observe, Streams, abort, as_refusal, bidi, server_stream, unary
from orchestrator.grpc_api.door import Door
from orchestrator.services.naming import snake_case
from orchestratorx_prism.errors import NotSupported, PrismError

_NAME_SHOWN = 200
"""Longest caller-made name that is sent back. Characters."""

Asks = Callable[[Any], str | None]
"""protobuf MethodDescriptor → the method's name for the guard; None: whoever comes is let in."""


def its_scope(method: Any) -> str:
    """The caller needs a key with the method's scope."""
    return f"{method.containing_service.name}.{method.name}"


def any_key(_method: Any) -> str:
    """The caller needs a key."""
    return ANY_METHOD


def nothing(_method: Any) -> None:
    """The caller needs no key."""


class Table:
    """Every method that is served."""

    def __init__(self, *, limit_s: float, streams: Streams, observe: Observe, guard: Guard) -> None:
        self._deadlines = Deadlines(limit_s)
        self._streams = streams
        self._observe = observe
        self._guard = guard
        self.handlers: dict[str, Any] = {}
        self.services: list[str] = []

    def add(self, service: Any, target: object, *, asks: Asks = its_scope, streams: Streams | None = None) -> None:
        """Serves all methods of a protobuf ServiceDescriptor by the target's methods of the same name in snake case.

        Args:
            asks: What of the caller.
            streams: What ends this service's streams when the server stops; None: with all others.

        Raises:
            AttributeError: The target lacks a method: a defect, found at start.
        """
        self.services.append(service.full_name)
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            serve = getattr(target, snake_case(method.name))
            self.add_method(path, method, serve, asks=asks, streams=streams)

    def add_method(
        self, path: str, method: Any, serve: Any, *, asks: Asks = its_scope, streams: Streams | None = None
    ) -> None:
        """Serves one method, described by a protobuf MethodDescriptor, under `path`."""
        request_type = GetMessageClass(method.input_type)
        ends = streams or self._streams
        name = asks(method)
        door = None if name is None else Door(self._guard, name)
        match method.client_streaming, method.server_streaming:
            case False, False:
                behaviour = unary(serve, request_type, path, self._deadlines, self._observe, door)
                self.handlers[path] = grpc.unary_unary_rpc_method_handler(behaviour)
            case False, True:
                behaviour = server_stream(serve, request_type, path, ends, self._observe, door)
                self.handlers[path] = grpc.unary_stream_rpc_method_handler(behaviour)
            case True, True:
                behaviour = bidi(serve, request_type, path, ends, self._observe, door)
                self.handlers[path] = grpc.stream_stream_rpc_method_handler(behaviour)
            case _:
                raise NotImplementedError(f"{path} streams requests to a single answer; nothing serves that kind")


class Dispatcher(grpc.GenericRpcHandler):  # type: ignore[misc]
    """What gRPC asks for the handler of each call."""

    def __init__(self, table: Table, guard: Guard) -> None:
        self._handlers: Mapping[str, Any] = table.handlers
        self._services = frozenset(table.services)
        self._door = Door(guard, ANY_METHOD)

    def service(self, details: Any) -> Any:
        """The handler of one call; one that refuses, if there is no such method. Strangers are not told even that."""
        handler = self._handlers.get(details.method)
        return handler if handler is not None else self._refusing(details.method)

    def _refusing(self, path: str) -> Any:
        async def refuse(_request: Any, context: Any) -> None:
            try:
                await self._door.enter(context)
                refusal = self._no_method(path)
            except Exception as error:
                refusal = as_refusal(error, "of no method")
            await abort(context, refusal)

        behaviour: Behaviour = refuse
        return grpc.stream_stream_rpc_method_handler(behaviour)

    def _no_method(self, path: str) -> PrismError:
        service, _, method = path[1:].rpartition("/")
        known = service in self._services
        return NotSupported(
            "the service has no such method" if known else "no such service is served here",
            reason="METHOD_UNKNOWN" if known else "SERVICE_UNKNOWN",
            fix="upgrade the server or the client, so that both have the same protos"
            if known
            else f"served are: {', '.join(sorted(self._services))}",
            metadata={"service": service[:_NAME_SHOWN], "method": method[:_NAME_SHOWN]},
        )
