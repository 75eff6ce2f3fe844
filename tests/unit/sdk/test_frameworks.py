"""Webhook endpoints of FastAPI, Flask and Django: the same cases over each framework's own test client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import django
import httpx
import pytest
from django.conf import settings as django_settings
from django.test import AsyncClient as DjangoAsyncClient
from django.test import Client as DjangoClient
from django.urls import path as django_path
from fastapi import FastAPI, Request
from flask import Flask, request

from orchestratorx_prism import EventClient, SignatureRejected, Unavailable, sync
from orchestratorx_prism.frameworks.django import webhook_view
from orchestratorx_prism.frameworks.endpoint import Once
from orchestratorx_prism.frameworks.fastapi import answer_refusals as answer_refusals_of_fastapi
from orchestratorx_prism.frameworks.fastapi import webhook_router
from orchestratorx_prism.frameworks.flask import answer_refusals as answer_refusals_of_flask
from orchestratorx_prism.frameworks.flask import webhook_blueprint
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement, HandleEventRequest, HandleEventResponse


class Answers:
    """A transport that answers by the body."""

    loop_bound = False

    def __init__(self) -> None:
        self.requests: list[HandleEventRequest] = []

    async def unary(self, service: str, method: str, request: Any, **_: Any) -> Any:
        self.requests.append(request)
        if request.payload == b"forged":
            raise SignatureRejected("no signature matches", fix="set the secret")
        if request.payload == b"away":
            raise Unavailable("not recorded", retry_after_s=1.5)
        acknowledgement = Acknowledgement(status=202, headers={"Content-Type": "text/plain"}, body=b"[accepted]")
        return HandleEventResponse(
            events=[Event(id=request.payload.decode(), type="payment.captured")], acknowledgement=acknowledgement
        )

    async def close(self) -> None:
        return


def _answers() -> Any:
    """As a transport: what the endpoints do not use is left out."""
    return Answers()


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Site:
    """An application with endpoints at /webhooks and /mpesa/<url_token>, and how to post to it."""

    post: Callable[..., Awaitable[Reply]]
    seen: list[HandleEventRequest]
    events: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def handle(self, event: Any) -> None:
        self.events.append(event.id)
        if self.failures:
            raise self.failures.pop(0)


OPTIONS: dict[str, Any] = {"secret": lambda: ["s1", "s2"], "webhook_id": "WH-1", "max_body_bytes": 100}


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _fastapi(site: Site, transport: Any) -> Callable[..., Awaitable[Reply]]:
    async def handle(event: Any) -> None:
        site.handle(event)

    client = EventClient(connector="stripe", transport=transport)
    app = FastAPI()
    app.include_router(webhook_router(client, on_event=handle, **OPTIONS))
    app.include_router(webhook_router(client, path="/mpesa/{url_token}", on_event=handle, **OPTIONS))

    async def post(url: str, body: Any, headers: Mapping[str, str] = {}) -> Reply:
        served = httpx.ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.9", 5))
        async with httpx.AsyncClient(transport=served, base_url="http://site") as http:
            answer = await http.post(url, content=body, headers=dict(headers))
        return Reply(answer.status_code, _lower(answer.headers), answer.content)

    return post


def _flask(site: Site, transport: Any) -> Callable[..., Awaitable[Reply]]:
    client = sync.EventClient(connector="stripe", transport=transport)
    app = Flask("site")
    app.register_blueprint(webhook_blueprint(client, on_event=site.handle, **OPTIONS))
    mpesa = webhook_blueprint(client, path="/mpesa/<url_token>", name="mpesa", on_event=site.handle, **OPTIONS)
    app.register_blueprint(mpesa)

    async def post(url: str, body: bytes, headers: Mapping[str, str] = {}) -> Reply:
        caller = app.test_client()
        answer = await asyncio.to_thread(
            caller.post, url, data=body, headers=dict(headers), environ_base={"REMOTE_ADDR": "10.0.0.9"}
        )
        return Reply(answer.status_code, _lower(answer.headers), answer.data)

    return post


def _django(view: Any, caller: Any) -> Callable[..., Awaitable[Reply]]:
    urls: Any = ModuleType("urls_of_test_frameworks")
    urls.urlpatterns = [django_path("webhooks", view), django_path("mpesa/<url_token>", view)]
    django_settings.ROOT_URLCONF = urls
    from django.urls import clear_url_caches

    clear_url_caches()

    async def post(url: str, body: bytes, headers: Mapping[str, str] = {}) -> Reply:
        asynchronous = isinstance(caller, DjangoAsyncClient)
        where: Any = {} if asynchronous else {"REMOTE_ADDR": "10.0.0.9"}
        call = (
            caller.post(url, body, content_type="application/json", headers=dict(headers), **where)
            if (asynchronous)
            else asyncio.to_thread(
                caller.post, url, body, content_type="application/json", headers=dict(headers), **where
            )
        )
        answer = await call
        return Reply(answer.status_code, _lower(answer.headers), answer.content)

    return post


def _django_blocking(site: Site, transport: Any) -> Callable[..., Awaitable[Reply]]:
    client = sync.EventClient(connector="stripe", transport=transport)
    return _django(webhook_view(client, on_event=site.handle, **OPTIONS), DjangoClient(raise_request_exception=False))


def _django_async(site: Site, transport: Any) -> Callable[..., Awaitable[Reply]]:
    client = EventClient(connector="stripe", transport=transport)
    view = webhook_view(client, on_event=site.handle, **OPTIONS)
    return _django(view, DjangoAsyncClient(raise_request_exception=False))


FRAMEWORKS = [_fastapi, _flask, _django_blocking, _django_async]


@pytest.fixture(scope="module", autouse=True)
def _configured_django() -> None:
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"])
        django.setup()


@pytest.fixture(params=FRAMEWORKS, ids=lambda make: make.__name__.strip("_"))
def site(request: pytest.FixtureRequest) -> Site:
    transport = _answers()
    made = Site(post=_unset, seen=transport.requests)
    made.post = request.param(made, transport)
    return made


async def _unset(*_: Any, **__: Any) -> Reply:
    raise AssertionError("the site is not made yet")


async def test_a_webhook_is_handled_from_its_raw_body_and_acknowledged(site: Site) -> None:
    body = b'{ "id" :1}\n'
    reply = await site.post("/webhooks", body, {"Stripe-Signature": "t=1,v1=2"})
    assert (reply.status, reply.body, reply.headers["content-type"]) == (202, b"[accepted]", "text/plain")
    (sent,) = site.seen
    assert sent.payload == body
    assert {name.lower(): value for name, value in sent.headers.items()}["stripe-signature"] == "t=1,v1=2"
    assert list(sent.webhook_secrets) == ["s1", "s2"]
    assert (sent.connector, sent.webhook_id) == ("stripe", "WH-1")
    assert sent.remote_address in {"10.0.0.9", "127.0.0.1"}
    assert site.events == [body.decode()]


async def test_values_in_the_path_are_passed_on(site: Site) -> None:
    assert (await site.post("/mpesa/token-of-this-url", b"x")).status == 202
    assert site.seen[0].url_token == "token-of-this-url"


async def test_a_refusal_is_a_problem_document_with_its_status(site: Site) -> None:
    reply = await site.post("/webhooks", b"forged")
    assert (reply.status, reply.headers["content-type"]) == (401, "application/problem+json")
    problem = json.loads(reply.body)
    assert (problem["reason"], problem["status"]) == ("SIGNATURE_MISMATCH", 401)
    assert "secret" not in reply.body.decode()
    assert site.events == []


async def test_what_was_not_recorded_is_503_with_retry_after(site: Site) -> None:
    reply = await site.post("/webhooks", b"away")
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")


async def test_a_body_over_the_limit_is_413_and_goes_no_further(site: Site) -> None:
    assert (await site.post("/webhooks", b"x" * 100)).status == 202
    reply = await site.post("/webhooks", b"x" * 101)
    assert reply.status == 413
    assert json.loads(reply.body)["reason"] == "PAYLOAD_TOO_LARGE"
    assert len(site.seen) == 1


async def test_a_handler_that_fails_is_500_and_called_again_with_the_next_delivery(site: Site) -> None:
    site.failures = [ValueError("the shop's own fault")]
    assert (await site.post("/webhooks", b"id-1")).status == 500
    assert (await site.post("/webhooks", b"id-1")).status == 202
    assert (await site.post("/webhooks", b"id-1")).status == 202
    assert site.events == ["id-1", "id-1"]


async def test_a_handlers_own_refusal_is_not_taken_for_ours(site: Site) -> None:
    site.failures = [SignatureRejected("of something else that the handler called")]
    assert (await site.post("/webhooks", b"id-2")).status == 500


def _check_own_route(status: int, headers: Mapping[str, str], problem: dict[str, Any]) -> None:
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "2")
    assert problem["reason"] == "UNAVAILABLE"


async def test_a_refusal_that_a_route_of_fastapi_lets_pass_is_answered_as_the_router_does() -> None:
    app = FastAPI()
    answer_refusals_of_fastapi(app)
    client = EventClient(connector="stripe", transport=_answers())

    @app.post("/own")
    async def own(request: Request) -> dict[str, str]:
        return {"type": (await client.handle_event(payload=await request.body())).type}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as http:
        assert (await http.post("/own", content=b"id-1")).json() == {"type": "payment.captured"}
        forged = await http.post("/own", content=b"forged")
        away = await http.post("/own", content=b"away")
    assert (forged.status_code, forged.json()["reason"]) == (401, "SIGNATURE_MISMATCH")
    _check_own_route(away.status_code, _lower(away.headers), away.json())


def test_a_refusal_that_a_route_of_flask_lets_pass_is_answered_as_the_blueprint_does() -> None:
    app = Flask("own")
    answer_refusals_of_flask(app)
    client = sync.EventClient(connector="stripe", transport=_answers())

    @app.post("/own")
    def own() -> dict[str, str]:
        return {"type": client.handle_event(payload=request.get_data()).type}

    caller = app.test_client()
    assert caller.post("/own", data=b"id-1").json == {"type": "payment.captured"}
    forged, away = caller.post("/own", data=b"forged"), caller.post("/own", data=b"away")
    assert (forged.status_code, forged.json["reason"]) == (401, "SIGNATURE_MISMATCH")  # type: ignore[index]
    _check_own_route(away.status_code, _lower(away.headers), json.loads(away.data))


async def test_fastapi_stops_reading_a_body_without_a_length_at_the_limit() -> None:
    site = Site(post=_unset, seen=[])
    post = _fastapi(site, _answers())
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b"x" * 60

    assert (await post("/webhooks", endless())).status == 413


async def test_two_deliveries_at_once_call_the_handler_once_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    started, finish, both_there = asyncio.Event(), asyncio.Event(), asyncio.Event()
    calls: list[str] = []
    claim = Once.claim

    def claimed(once: Once, event_id: str) -> Any:
        other = claim(once, event_id)
        if other is not None:
            both_there.set()
        return other

    monkeypatch.setattr(Once, "claim", claimed)

    async def slow(event: Any) -> None:
        calls.append(event.id)
        started.set()
        await finish.wait()
        if len(calls) == 1:
            raise ValueError

    app = FastAPI()
    app.include_router(webhook_router(EventClient(connector="stripe", transport=_answers()), on_event=slow))
    served = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=served, base_url="http://site") as http:
        first = asyncio.create_task(http.post("/webhooks", content=b"id-1"))
        await started.wait()
        second = asyncio.create_task(http.post("/webhooks", content=b"id-1"))
        await both_there.wait()
        assert not second.done()
        finish.set()
        assert [(await first).status_code, (await second).status_code] == [500, 503]
        assert (await http.post("/webhooks", content=b"id-1")).status_code == 202
    assert calls == ["id-1", "id-1"]


def test_the_window_of_handled_events_is_bounded_and_keeps_what_is_in_hand() -> None:
    once = Once(window=2)
    assert once.claim("in hand") is None
    for name in "abc":
        assert once.claim(name) is None
        once.settle(name, handled=True)
    assert once.claim("in hand") is not None
    once.settle("in hand", handled=True)
    assert once.claim("d") is None
    assert len(once._claims) == 2


def test_blocking_handlers_of_two_threads_wait_for_each_other() -> None:
    once = Once()
    assert once.claim("id") is None
    waiting = once.claim("id")
    assert waiting is not None
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(waiting.result(timeout=5)))
    thread.start()
    once.settle("id", handled=True)
    thread.join()
    assert results == [True]


def test_a_coroutine_handler_of_a_blocking_client_is_an_error_at_once() -> None:
    async def handle(_event: Any) -> None:
        return

    app = Flask("site")
    client = sync.EventClient(connector="stripe", transport=_answers())
    app.register_blueprint(webhook_blueprint(client, on_event=handle))
    app.testing = True
    with pytest.raises(TypeError, match="coroutine"):
        app.test_client().post("/webhooks", data=b"id-1")


def test_django_answers_other_methods_with_405() -> None:
    view = webhook_view(sync.EventClient(connector="stripe", transport=_answers()))
    _django(view, None)
    assert DjangoClient().get("/webhooks").status_code == 405
