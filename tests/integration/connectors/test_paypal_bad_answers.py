"""PayPal's client against servers that answer badly: what is certain is told as certain, the rest as unknown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from paypal_shop import SANDBOX, authorization, capture, serving

from connectors.paypal import connector
from connectors.paypal.client import PayPalClient, make_client
from connectors.paypal.session import MAX_ANSWER_BYTES
from connectors.spi import Capability, Context
from connectors.spi.operations import Call
from orchestratorx_prism.errors import (
    NotSupported,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    SettingsRejected,
)
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.reference_pb2 import Reference

TOKEN = b'{"access_token":"A21AA","token_type":"Bearer","expires_in":32400}'
KEY = "6b1fb6d0-5a0f-4c1d-9f5d-0d9f1f6f3c11"
Headers = tuple[tuple[bytes, bytes], ...]


class Server:
    """Gives a token, and to everything else the next of its answers; the last for ever."""

    def __init__(self, *answers: tuple[int, bytes, Headers]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, dict[bytes, bytes]]] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/v1/oauth2/token":
            status, body, headers = 200, TOKEN, ()
        else:
            self.asked.append((scope["method"], scope["path"], dict(scope["headers"])))
            status, body, headers = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def client_of(application: Callable[..., Any]) -> AsyncIterator[PayPalClient]:
    async with serving(application) as address:
        values = {"PAYPAL_API_BASE": address, "PAYPAL_CLIENT_ID": "client", "PAYPAL_CLIENT_SECRET": "s3cret"}
        client = make_client(values, SANDBOX)
        try:
            yield client
        finally:
            await client.aclose()


def authorizing(timeout_s: float = 5.0) -> Call:
    request = authorization(instrument=Instrument(token="0AB12345CD678901E"))
    context = Context("default", SANDBOX, time.time_ns())
    return Call(Capability.AUTHORIZE, request, key=KEY, context=context, timeout_s=timeout_s)


def capturing() -> Call:
    payment = Payment(
        authorized=Money(minor_units=1099, currency="USD"),
        references=[Reference(kind="order", value="O1"), Reference(kind="authorization", value="A1")],
    )
    context = Context("default", SANDBOX, time.time_ns())
    return Call(Capability.CAPTURE, capture(), key=KEY, context=context, timeout_s=5.0, payment=payment)


def said(status: int, body: bytes = b"", headers: Headers = ()) -> tuple[int, bytes, Headers]:
    return status, body, headers


def problem(status: int, issue: str) -> tuple[int, bytes, Headers]:
    return said(status, b'{"name":"X","debug_id":"d1","details":[{"issue":"%s"}]}' % issue.encode())


@pytest.mark.parametrize(
    "answer",
    [
        said(201, b"<html>"),
        said(201, b""),
        said(201, b'{"id":"O1","status":"SOMETHING_NEW"}'),
        said(201, b'{"id":"O1","status":"COMPLETED","purchase_units":[{"payments":{"captures":[{"status":"NEW"}]}}]}'),
        said(200, b"-" * (MAX_ANSWER_BYTES + 1)),
        said(500),
        said(502, b"<html>"),
        said(408),
        problem(409, "RESOURCE_CONFLICT"),
        problem(422, "PREVIOUS_REQUEST_IN_PROGRESS"),
        problem(422, "DUPLICATE_INVOICE_ID"),
        problem(422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED"),
    ],
    ids=str,
)
async def test_an_answer_that_says_nothing_certain_leaves_the_outcome_unknown(answer: Any) -> None:
    server = Server(answer)
    async with client_of(server) as client:
        with pytest.raises(OutcomeUnknown):
            await client.call(authorizing())
        assert await client.resolve(authorizing()) is None
    assert {headers[b"paypal-request-id"] for _, _, headers in server.asked} == {KEY.encode()}


async def test_too_many_requests_are_for_later_and_nothing_was_done() -> None:
    async with client_of(Server(said(429, b"", ((b"retry-after", b"7"),)))) as client:
        with pytest.raises(ProviderUnavailable) as caught:
            await client.call(authorizing())
    assert caught.value.retry_after_s == 7


async def test_too_many_requests_after_a_lost_answer_leave_the_outcome_unknown() -> None:
    async with client_of(Server(said(500), said(429))) as client:
        with pytest.raises(OutcomeUnknown):
            await client.call(authorizing())


async def test_a_refusal_after_a_lost_answer_is_believed_unless_it_may_be_our_own_doing() -> None:
    async with client_of(Server(said(500), problem(422, "PAYEE_ACCOUNT_RESTRICTED"))) as client:
        with pytest.raises(ProviderRefused) as caught:
            await client.call(authorizing())
    assert caught.value.metadata["debug_id"] == "d1"
    nothing = said(200, b'{"id":"O1","status":"COMPLETED","purchase_units":[]}')
    already = problem(422, "AUTHORIZATION_ALREADY_CAPTURED")
    async with client_of(Server(said(500), already, nothing)) as client:
        with pytest.raises(OutcomeUnknown):
            await client.call(capturing())
    async with client_of(Server(already, nothing)) as client:
        with pytest.raises(ProviderRefused):
            await client.call(capturing())


async def test_redirects_are_not_followed() -> None:
    server = Server(said(302, b"", ((b"location", b"http://127.0.0.1:1/"),)))
    async with client_of(server) as client:
        with pytest.raises(ProviderRefused):
            await client.call(authorizing())
    assert len(server.asked) == 1


async def test_a_token_that_is_refused_twice_is_a_matter_of_credentials() -> None:
    server = Server(said(401, b'{"error":"invalid_token"}'))
    async with client_of(server) as client:
        with pytest.raises(ProviderRefused) as caught:
            await client.call(authorizing())
    assert caught.value.metadata["category"] == "CREDENTIALS"
    assert len(server.asked) == 2


async def test_a_server_that_never_answers_leaves_the_outcome_unknown_in_time() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/v1/oauth2/token":
            await Server(said(200))(scope, receive, send)
            return
        gone = asyncio.Event()
        while not gone.is_set():
            if (await receive())["type"] == "http.disconnect":
                gone.set()

    async with client_of(silent) as client:
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await client.call(authorizing(timeout_s=0.6))
        assert time.monotonic() - begun < 5


async def test_a_call_without_time_does_nothing() -> None:
    server = Server(said(200))
    async with client_of(server) as client:
        with pytest.raises(ProviderUnavailable):
            await client.call(authorizing(timeout_s=0.0))
    assert server.asked == []


async def test_what_is_not_declared_is_not_done() -> None:
    async with client_of(Server(said(200))) as client:
        for capability in set(Capability) - connector.capabilities:
            call = Call(capability, None, key=KEY, context=authorizing().context, timeout_s=1.0)
            with pytest.raises(NotSupported):
                await client.call(call)
            with pytest.raises(NotSupported):
                await client.resolve(call)


def test_a_client_needs_credentials_and_hides_them() -> None:
    with pytest.raises(SettingsRejected) as caught:
        make_client({}, SANDBOX)
    assert "PAYPAL_CLIENT_ID" in caught.value.fix
    client = make_client({"PAYPAL_CLIENT_ID": "client", "PAYPAL_CLIENT_SECRET": "s3cret"}, SANDBOX)
    assert "s3cret" not in f"{client!r} {vars(client)!r} {vars(client._session)!r}"
