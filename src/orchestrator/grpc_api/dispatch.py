"""From a method's path to its behaviour: a table made of descriptors, and the check of the caller's key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from orchestrator.deadlines import Deadlines
from orchestrator.grpc_api.calls import Behaviour, Observe, Streams, abort, bidi, server_stream, unary
from orchestrator.services.naming import snake_case
from orchestratorx_prism.errors import NotSupported, PrismError, Unauthenticated

API_KEY = "x-api-key"
_NAME_SHOWN = 200
"""Longest caller-made name that is sent back. Characters."""


class Table:
    """Every method that is served."""

    def __init__(self, *, limit_s: float, streams: Streams, observe: Observe) -> None:
        self._deadlines = Deadlines(limit_s)
        self._streams = streams
        self._observe = observe
        self.handlers: dict[str, Any] = {}
        self.services: list[str] = []

    def add(self, service: Any, target: object, *, streams: Streams | None = None) -> None:
        """Serves all methods of a protobuf ServiceDescriptor by the target's methods of the same name in snake case.

        Args:
            streams: What ends this service's streams when the server stops; None: with all others.

        Raises:
            AttributeError: The target lacks a method: a defect, found at start.
        """
        self.services.append(service.full_name)
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            self.add_method(path, method, getattr(target, snake_case(method.name)), streams=streams)

    def add_method(self, path: str, method: Any, serve: Any, *, streams: Streams | None = None) -> None:
        """Serves one method, described by a protobuf MethodDescriptor, under `path`."""
        request_type = GetMessageClass(method.input_type)
        ends = streams or self._streams
        match method.client_streaming, method.server_streaming:
            case False, False:
                behaviour = unary(serve, request_type, path, self._deadlines, self._observe)
                self.handlers[path] = grpc.unary_unary_rpc_method_handler(behaviour)
            case False, True:
                behaviour = server_stream(serve, request_type, path, ends, self._observe)
                self.handlers[path] = grpc.unary_stream_rpc_method_handler(behaviour)
            case True, True:
                behaviour = bidi(serve, request_type, path, ends, self._observe)
                self.handlers[path] = grpc.stream_stream_rpc_method_handler(behaviour)
            case _:
                raise NotImplementedError(f"{path} streams requests to a single answer; nothing serves that kind")


class Dispatcher(grpc.GenericRpcHandler):  # type: ignore[misc]
    """What gRPC asks for the handler of each call."""

    def __init__(self, table: Table, *, api_keys: Iterable[str], open_services: Iterable[str]) -> None:
        """`open_services` are served to callers without a key."""
        self._handlers: Mapping[str, Any] = table.handlers
        self._services = frozenset(table.services)
        self._open = tuple(f"/{name}/" for name in open_services)
        self._keys = [_digest(key.encode()) for key in api_keys]
        self._keyless = _refusing(_no_key)

    def service(self, details: Any) -> Any:
        """The handler of one call; one that refuses, if the key or the method is wrong."""
        path: str = details.method
        if self._keys and not path.startswith(self._open) and not self._knows_key(details.invocation_metadata):
            return self._keyless
        handler = self._handlers.get(path)
        return handler if handler is not None else _refusing(lambda: self._no_method(path))

    def _knows_key(self, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        # Failure policy: closed. A key sent twice is no key.
        given = [value for name, value in metadata or () if name == API_KEY]
        if len(given) != 1:
            return False
        key = given[0]
        digest = _digest(key.encode() if isinstance(key, str) else key)
        matches = [hmac.compare_digest(digest, known) for known in self._keys]
        return any(matches)

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


def _no_key() -> PrismError:
    return Unauthenticated(
        "the call carries no valid API key",
        fix=f"send one of the server's api_keys as metadata {API_KEY}",
    )


def _refusing(refusal: Any) -> Any:
    async def refuse(_request: Any, context: Any) -> None:
        await abort(context, refusal())

    behaviour: Behaviour = refuse
    return grpc.stream_stream_rpc_method_handler(behaviour)


def _digest(key: bytes) -> bytes:
    """Digests are compared instead of keys, so that not even a key's length shows in the time it takes."""
    return hashlib.sha256(key).digest()
