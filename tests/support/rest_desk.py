"""An installation with REST on a real socket: real services over the Stripe simulator, fakes for services without one.

It runs on a thread of its own, for tools that block.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from provider_desk import Desk, desk_of

from orchestrator.access.principal import EVERYBODY, Limit, Principal
from orchestrator.access.scopes import SCOPE_OF
from orchestrator.http_api.probes import Probes
from orchestrator.http_api.rest.app import rest_app
from orchestrator.http_api.rest.examples import example_of
from orchestrator.http_api.rest.fields import method_of
from orchestrator.http_api.rest.table import ROWS
from orchestrator.http_api.server import HttpServer
from orchestrator.readiness import Readiness
from orchestrator.services.naming import snake_case
from orchestrator.settings import Settings
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import NotFound, PermissionRefused, Unauthenticated
from orchestratorx_prism.from_values import from_dict
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as endpoints
from orchestratorx_prism.v1.event_service_pb2 import ListEventsRequest, ListEventsResponse

ALL_KEY, WRONG_KEY, ACME_KEY = "ox_testtest_all", "ox_testtest_wrong", "ox_testtest_acme"
"""Every scope; a scope that no rpc asks for; every scope, for the merchant "acme" alone."""

_VAULT: dict[str, Any] = {"vault_keys": {"k1": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}
"""What credentials and secrets of endpoints are sealed with."""
if "vault_keys" not in Settings.model_fields:
    _VAULT = {}


class StrictGuard:
    """Implements `Guard`: three keys, every rpc by its scope, requests confined as the real one does."""

    def __init__(self) -> None:
        self.limit: Limit | None = None
        self.admitted: list[tuple[str, str]] = []
        """(method, remote address) of every call that was let in."""
        self._keys = {
            ALL_KEY: Principal("key_all", EVERYBODY, frozenset({EVERYBODY})),
            WRONG_KEY: Principal("key_wrong", EVERYBODY, frozenset({"nothing:read"})),
            ACME_KEY: Principal("key_acme", "acme", frozenset({EVERYBODY})),
        }

    async def admit(self, key: str | None, method: str, remote_address: str) -> Principal:
        principal = self._keys.get(key or "")
        if principal is None:
            raise Unauthenticated("no key that is known", fix="send one as X-API-Key")
        if not principal.may(SCOPE_OF[method]):
            raise PermissionRefused(f"the key lacks {SCOPE_OF[method]}", fix="use another key")
        self.admitted.append((method, remote_address))
        return Principal(principal.actor, principal.merchant_id, principal.scopes, self.limit)

    async def still(self, principal: Principal) -> None:
        return

    def confine(self, principal: Principal, method: str, request: Message) -> None:
        if principal.merchant_id == EVERYBODY:
            return
        holder: Any = request
        if "filter" in holder.DESCRIPTOR.fields_by_name:
            holder = holder.filter
        if "merchant_id" not in holder.DESCRIPTOR.fields_by_name:
            raise PermissionRefused("the whole installation's business")
        if holder.merchant_id not in {"", principal.merchant_id}:
            raise NotFound("there is no such thing")
        holder.merchant_id = principal.merchant_id


class FakeService:
    """Answers every rpc of a service with the document's example; keeps what it was asked."""

    def __init__(self, descriptor: Any) -> None:
        self.asked: list[Any] = []
        for method in descriptor.methods:
            setattr(self, snake_case(method.name), self._answering(method))

    def _answering(self, method: Any) -> Any:
        answer = from_dict(GetMessageClass(method.output_type), example_of(method.output_type))

        async def serve(request: Any) -> Any:
            self.asked.append(request)
            return answer

        return serve


class FakeEndpoints:
    """Endpoints in memory: as much of `WebhookEndpointService` as /v1/merchant/webhook needs."""

    def __init__(self) -> None:
        self.kept: dict[str, endpoints.WebhookEndpoint] = {}
        self._ids = itertools.count(1)
        descriptor = endpoints.DESCRIPTOR.services_by_name["WebhookEndpointService"]
        others = FakeService(descriptor)
        self.rotate_secret = others.rotate_secret  # type: ignore[attr-defined]
        self.ping = others.ping  # type: ignore[attr-defined]
        self.recover = others.recover  # type: ignore[attr-defined]

    async def create(self, request: Any) -> endpoints.WebhookEndpointServiceCreateResponse:
        made = endpoints.WebhookEndpoint(
            endpoint_id=f"we_{next(self._ids)}",
            merchant_id=request.merchant_id or "default",
            url=request.url,
            description=request.description,
            event_types=request.event_types,
            max_in_flight=request.max_in_flight or 16,
            state=endpoints.WEBHOOK_ENDPOINT_STATE_ENABLED,
            public_key="whpk_1" if request.asymmetric else "",
        )
        self.kept[made.endpoint_id] = made
        return endpoints.WebhookEndpointServiceCreateResponse(endpoint=made, secret="whsec_shown_once")

    async def get(self, request: Any) -> endpoints.WebhookEndpointServiceGetResponse:
        return endpoints.WebhookEndpointServiceGetResponse(endpoint=self._found(request))

    async def list(self, request: Any) -> endpoints.WebhookEndpointServiceListResponse:
        found = [each for each in self.kept.values() if each.merchant_id == (request.merchant_id or "default")]
        return endpoints.WebhookEndpointServiceListResponse(endpoints=found[: request.page_size or 50])

    async def update(self, request: Any) -> endpoints.WebhookEndpointServiceUpdateResponse:
        found = self._found(request)
        for name in ("url", "description", "max_in_flight"):
            if request.HasField(name):
                setattr(found, name, getattr(request, name))
        if request.HasField("event_types"):
            found.event_types[:] = request.event_types.patterns
        return endpoints.WebhookEndpointServiceUpdateResponse(endpoint=found)

    async def delete(self, request: Any) -> endpoints.WebhookEndpointServiceDeleteResponse:
        del self.kept[self._found(request).endpoint_id]
        return endpoints.WebhookEndpointServiceDeleteResponse()

    def _found(self, request: Any) -> endpoints.WebhookEndpoint:
        found = self.kept.get(request.endpoint_id)
        if found is None or found.merchant_id != (request.merchant_id or "default"):
            raise NotFound("no such endpoint", fix="check the id and the merchant")
        return found


def every_service(real: Mapping[Any, object]) -> dict[Any, object]:
    """The real services, and a fake for each that a row names and is not among them."""
    services = dict(real)
    for row in ROWS:
        descriptor = method_of(row.rpc).containing_service
        if descriptor not in services:
            is_endpoints = row.service == "WebhookEndpointService"
            services[descriptor] = FakeEndpoints() if is_endpoints else FakeService(descriptor)
    return services


class Rest:
    """REST over some services."""

    def __init__(self, services: Mapping[Any, object], **settings: Any) -> None:
        self.guard = StrictGuard()
        self.services = {descriptor.name: service for descriptor, service in services.items()}
        self.answered: list[tuple[str, str, str, float]] = []
        self.app = rest_app(
            settings_from({"database_url": "memory:", **settings}),
            services,
            self.guard,
            lambda *answer: self.answered.append(answer),
        )


class RestDesk(Rest):
    """An installation with REST."""

    def __init__(self, desk: Desk, **settings: Any) -> None:
        super().__init__(every_service(desk.application.services.by_descriptor()), **settings)
        self.desk = desk


def caller_of(rest: Rest, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """Whoever sends these headers."""
    transport = httpx.ASGITransport(rest.app)
    return httpx.AsyncClient(transport=transport, base_url="http://rest.example", headers=headers)


def rest_of_fakes(**settings: Any) -> Rest:
    """REST over fakes alone: every service answers with the document's examples."""
    return Rest(every_service({}), **settings)


@asynccontextmanager
async def rest_desk(connector: str = "stripe", **settings: Any) -> AsyncIterator[RestDesk]:
    """An installation with REST over SQLite, in this loop."""
    with tempfile.TemporaryDirectory() as folder:
        async with desk_of(connector, database_url=f"sqlite:///{folder}/rest.db", settings=_VAULT) as desk:
            # A first call starts the application, and only what was started is closed.
            await desk.transport.unary(
                "orchestratorx_prism.v1.EventService",
                "ListEvents",
                ListEventsRequest(),
                response_type=ListEventsResponse,
            )
            yield RestDesk(desk, **settings)


@contextmanager
def rest_on_a_socket() -> Iterator[str]:
    """An installation with REST behind the product's own HTTP server, on a thread. Yields its address."""
    started: list[str] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        async with rest_desk() as rest:
            ledger = rest.desk.application.ledger
            probes = Probes(Readiness(ledger.ping, ledger.ping), _nothing, [])
            settings = settings_from({"database_url": "memory:"})
            server = HttpServer(
                settings, webhooks=probes, rest=rest.app, others=probes, on_refusal=lambda _refusal: None
            )
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.bind(("127.0.0.1", 0))
            await server.start(listener)
            started.append(f"http://127.0.0.1:{listener.getsockname()[1]}")
            ready.set()
            await stop.wait()
            await server.stop(1.0)
            listener.close()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="rest-desk")
    thread.start()
    ready.wait(30)
    try:
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        if loops:
            loop, stop = loops[0]
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)
    if failed:
        raise failed[0]


async def _nothing() -> bytes:
    return b""
