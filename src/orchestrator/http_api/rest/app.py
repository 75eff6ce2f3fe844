"""The FastAPI application, made of the table: a route for each row whose service is wired."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from orchestrator.access.guard import Guard
from orchestrator.deadlines import Deadlines
from orchestrator.http_api.addresses import TrustedProxies
from orchestrator.http_api.ingress import MethodRefused
from orchestrator.http_api.rest.calling import Answered, Endpoint, Kitchen, answer_headers, instance_of
from orchestrator.http_api.rest.document import openapi_of
from orchestrator.http_api.rest.fields import Inputs, inputs_of
from orchestrator.http_api.rest.pages import add_pages
from orchestrator.http_api.rest.problems import refusal
from orchestrator.http_api.rest.rows import Row
from orchestrator.http_api.rest.special import SPECIAL
from orchestrator.http_api.rest.table import ROWS
from orchestrator.settings import Settings
from orchestratorx_prism.errors import NotFound, PrismError, RequestRejected

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def rest_app(
    settings: Settings,
    services: Mapping[Any, object],
    guard: Guard,
    answered: Answered,
    *,
    rows: Iterable[Row] = ROWS,
) -> FastAPI:
    """
    Args:
        services: protobuf ServiceDescriptor → the object whose methods, in snake case, are its rpcs. A row of a service
            that is not there has no route.
        answered: Told of each answer: (door, method, status, seconds).
    """
    kitchen = Kitchen(
        services={descriptor.name: target for descriptor, target in services.items()},
        guard=guard,
        proxies=TrustedProxies(settings.trusted_proxies),
        deadlines=Deadlines(settings.request_timeout_s),
        max_body_bytes=settings.http_max_body_bytes,
        max_large_body_bytes=max(settings.http_max_body_bytes, settings.grpc_max_message_bytes),
        answered=answered,
        secure=settings.tls.on,
    )
    inputs = wired(rows, kitchen.services)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    methods_at = _methods_at(inputs)
    for path, methods in methods_at.items():
        if "{" not in path:  # a word is no id: what its own rows do not take, a row with a place must not get
            app.add_api_route(path, _wrong_method, methods=sorted(_METHODS - methods), response_model=None)
    for each in inputs:
        row = each.row
        endpoint = Endpoint(kitchen, each, SPECIAL[row.serve])
        app.add_api_route(row.path, _plain(endpoint), methods=_taken(row), response_model=None, name=row.operation_id)
    document = openapi_of(inputs)
    app.openapi = lambda: document  # type: ignore[method-assign]
    add_pages(app, document, secure=settings.tls.on)
    app.add_exception_handler(HTTPException, _refuser(app, methods_at, secure=settings.tls.on))
    return app


def document_of(services: Mapping[Any, object]) -> str:
    """The document of a server with these services, as text for people."""
    inputs = wired(ROWS, {descriptor.name: target for descriptor, target in services.items()})
    return json.dumps(openapi_of(inputs), indent=2, ensure_ascii=False)


def wired(rows: Iterable[Row], services: Mapping[str, object]) -> list[Inputs]:
    """The rows whose services are there, read against their rpcs."""
    return [inputs_of(row) for row in rows if row.service in services]


def _plain(endpoint: Endpoint) -> Any:
    """A function: FastAPI reads parameters off signatures, and is to find the request alone."""

    async def serve(request: Request) -> Response:
        return await endpoint(request)

    return serve


def _taken(row: Row) -> list[str]:
    return ["GET", "HEAD"] if row.method == "GET" else [row.method]


def _methods_at(inputs: Iterable[Inputs]) -> dict[str, set[str]]:
    """Path → the methods that it takes."""
    found: dict[str, set[str]] = {}
    for each in inputs:
        found.setdefault(each.row.path, set()).update(_taken(each.row))
    return found


async def _wrong_method(request: Request) -> Response:
    raise HTTPException(405)


def _refuser(app: FastAPI, methods_at: Mapping[str, set[str]], *, secure: bool) -> Any:
    """What answers where no row does: another path, another method."""

    async def refuse(request: Request, raised: HTTPException) -> Response:
        headers = answer_headers(secure=secure)
        error: PrismError
        if raised.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_allowed(app, methods_at, request)))
            error = MethodRefused("the path takes other methods", fix=f"use one of {headers['Allow']}")
        elif raised.status_code == 404:
            error = NotFound("nothing is here", reason="PATH_UNKNOWN", fix="see /openapi.json")
        else:
            error = RequestRejected("the request cannot be read", fix="see /openapi.json")
        return refusal(error, instance_of(headers), headers)

    return refuse


def _allowed(app: FastAPI, methods_at: Mapping[str, set[str]], request: Request) -> set[str]:
    for route in app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            return methods_at.get(route.path) or set(route.methods or ())
    return set()
