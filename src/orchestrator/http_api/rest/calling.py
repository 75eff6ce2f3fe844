"""One row at work: who calls, what they ask, the services' answer."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.access.guard import Guard
from orchestrator.access.principal import Principal, acting, enter
from orchestrator.deadlines import Deadlines
from orchestrator.http_api.addresses import TrustedProxies
from orchestrator.http_api.bodies import ClientGone, read_body
from orchestrator.http_api.ingress import CLIENT_GONE
from orchestrator.http_api.rest.callers import (
    Caller,
    check_acceptable,
    check_content_type,
    entity_tag,
    has_already,
    limit_headers,
    read_caller,
)
from orchestrator.http_api.rest.fields import Inputs, build_request
from orchestrator.http_api.rest.json_reading import read_object
from orchestrator.http_api.rest.problems import refusal
from orchestrator.services.naming import snake_case
from orchestrator.services.operations.repeats import Repeat, watched
from orchestrator.telemetry.incidents import incident
from orchestrator.telemetry.refusals import RefusalLog
from orchestratorx_prism.errors import DeadlineExpired, PrismError, Unavailable
from orchestratorx_prism.values import to_dict, to_struct

Answered = Callable[[str, str, str, float], None]
DOOR: Final = "rest"
REQUEST_ID_HEADER: Final = "X-Request-Id"
SAFE: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Of every answer, unless it says otherwise."""
_AGAIN: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, X-API-Key"}
"""Of what has an ETag: kept by the caller alone, and asked about each time."""
_FIELD: Final = re.compile(r"\{([\w.]+)\}")


@dataclass(frozen=True, slots=True)
class Kitchen:
    """What every row works with."""

    services: Mapping[str, object]
    """Name → the object whose methods, in snake case, are its rpcs."""
    guard: Guard
    proxies: TrustedProxies
    deadlines: Deadlines
    max_body_bytes: int
    max_large_body_bytes: int
    """Of bodies that carry documents."""
    answered: Answered
    """Told of each answer: (door, method, status, seconds)."""
    secure: bool = False
    """Whether callers come by TLS."""
    log: RefusalLog = field(default_factory=lambda: RefusalLog(DOOR))


@dataclass(slots=True)
class Call:
    """One call that has been let in."""

    kitchen: Kitchen
    inputs: Inputs
    caller: Caller
    principal: Principal
    request: Message
    """Confined to the caller's merchant."""
    headers: dict[str, str]
    """Of the answer."""

    async def ask(self, rpc: str, request: Any, *, confined: bool = False) -> Any:
        """Calls a service. Raises what it raises, and DeadlineExpired."""
        if not confined:
            self.kitchen.guard.confine(self.principal, rpc, request)
        service, _, method = rpc.partition(".")
        serve: Callable[[Any], Awaitable[Any]] = getattr(self.kitchen.services[service], snake_case(method))
        try:
            return await self.kitchen.deadlines.within(serve(request))
        except DeadlineExpired as expired:
            raise DeadlineExpired(
                expired.message, fix="look what became of it, or repeat it with the same Idempotency-Key"
            ) from None

    def answer(self, message: Message, status: int | None = None) -> Response:
        """The message as the call's answer."""
        row = self.inputs.row
        status = status or row.status
        if status == 204:
            return Response(None, status, self.headers)
        body = msgspec.json.encode(to_struct(message))
        if row.location:
            values = to_dict(message)
            self.headers["Location"] = _FIELD.sub(lambda found: _inside(values, found[1]), row.location)
        if row.is_one_thing:
            self.headers |= {"ETag": (tag := entity_tag(body)), **_AGAIN}
            if has_already(self.caller, tag):
                return Response(None, 304, self.headers)
        return Response(body, status, self.headers, "application/json")


Serve = Callable[[Call], Awaitable[Response]]
"""What a row does with a call."""


async def call_once(call: Call) -> Response:
    """One rpc, its answer as it is."""
    return call.answer(await call.ask(call.inputs.row.rpc, call.request, confined=True))


class Endpoint:
    """Serves one row."""

    def __init__(self, kitchen: Kitchen, inputs: Inputs, serve: Serve) -> None:
        self._kitchen = kitchen
        self._inputs = inputs
        self._serve = serve
        large = any(field.name == "files" for field in inputs.body.values())
        self._max_body_bytes = kitchen.max_large_body_bytes if large else kitchen.max_body_bytes

    async def __call__(self, request: Request) -> Response:
        """One request. Every failure is a problem document."""
        began = time.perf_counter()
        headers = answer_headers(secure=self._kitchen.secure)
        acts, watches = acting.set(acting.get()), watched.set(repeat := Repeat())
        try:
            response = await self._answer(request, headers)
        except ClientGone:
            response = Response(None, CLIENT_GONE)
        except asyncio.CancelledError:  # the server has waited long enough for this request, and stops
            response = refusal(stopping(), instance_of(headers), headers | {"Connection": "close"})
        except Exception as error:
            response = self._refused(error, headers)
        finally:
            acting.reset(acts)
            watched.reset(watches)
        if repeat.seen:
            response.headers["Idempotent-Replayed"] = "true"
        rpc = self._inputs.row.rpc
        self._kitchen.answered(DOOR, rpc, str(response.status_code), time.perf_counter() - began)
        return response

    async def _answer(self, request: Request, headers: dict[str, str]) -> Response:
        kitchen, row = self._kitchen, self._inputs.row
        caller = read_caller(request.scope, kitchen.proxies)
        caller.check_origin()
        principal = await kitchen.guard.admit(caller.key, row.rpc, caller.address)
        enter(principal, caller.address)
        headers |= limit_headers(principal)
        caller.check_ambiguity()
        if row.media:
            check_acceptable(caller, row.media)
        message = build_request(
            self._inputs,
            request.path_params,
            request.scope["query_string"],
            await self._body(request, caller),
            caller.idempotency_key,
        )
        kitchen.guard.confine(principal, row.rpc, message)
        return await self._serve(Call(kitchen, self._inputs, caller, principal, message, headers))

    async def _body(self, request: Request, caller: Caller) -> dict[str, Any]:
        if self._inputs.row.in_query:
            return {}
        head = caller.head
        body = await read_body(request.receive, self._max_body_bytes, head.content_length, head.content_encoding)
        if body:
            check_content_type(caller)
        return read_object(body)

    def _refused(self, error: Exception, headers: dict[str, str]) -> Response:
        rpc = self._inputs.row.rpc
        told = error if isinstance(error, PrismError) else incident(error, where=f"rest {rpc}")
        self._kitchen.log.refused("", told)
        return refusal(told, instance_of(headers), headers)


def answer_headers(*, secure: bool) -> dict[str, str]:
    """The headers that every answer has, with an id of its own."""
    headers = {**SAFE, REQUEST_ID_HEADER: secrets.token_hex(12)}
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def instance_of(headers: Mapping[str, str]) -> str:
    """What tells this answer from every other, for a problem document."""
    return f"urn:orchestratorx:request:{headers[REQUEST_ID_HEADER]}"


def stopping() -> Unavailable:
    """The refusal of a call that is cut off because the server stops."""
    return Unavailable("the server is stopping", reason="SERVER_STOPPING", fix="send it again", retry_after_s=1.0)


def _inside(values: Any, path: str) -> str:
    for name in path.split("."):
        values = values[name]
    return str(values)
