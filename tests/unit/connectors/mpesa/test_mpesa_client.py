"""Asking Daraja, over real HTTP on loopback: the simulator's API on one side, our client on the other."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from connectors.mpesa import connector
from connectors.mpesa.confirming import Daraja, make_outside
from connectors.mpesa.simulator import DarajaApi, app
from connectors.spi import Environment, Material, Opened, ProviderUnavailable, SampleWebhook, SignatureRejected, Webhook
from orchestratorx_prism.errors import SettingsRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_QUERY_BACK, Verification

CREDENTIALS = {"consumer_key": "key-1", "consumer_secret": "hush-hush", "shortcode": "600000", "passkey": "pass-1"}
SANDBOX = Environment.ENVIRONMENT_SANDBOX


def config(base: str, **more: str) -> dict[str, str]:
    return {
        "MPESA_CONSUMER_KEY": "key-1",
        "MPESA_CONSUMER_SECRET": "hush-hush",
        "MPESA_SHORTCODE": "600000",
        "MPESA_PASSKEY": "pass-1",
        "MPESA_API_BASE": base,
    } | more


@asynccontextmanager
async def serving(asgi: Any) -> AsyncIterator[str]:
    """Serves on a free port of this machine; yields the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(asgi, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def asking(pushes: dict[str, str], **options: Any) -> AsyncIterator[tuple[Daraja, DarajaApi]]:
    api = app(pushes, **{**CREDENTIALS, **options})
    async with serving(api) as base:
        outside = make_outside(config(base), SANDBOX)
        try:
            yield outside, api
        finally:
            await outside.aclose()


@pytest.fixture
def opened(sampled: Callable[..., SampleWebhook], token: str) -> Callable[..., tuple[Webhook, Opened, Material, str]]:
    """An opened sample of a type, and its CheckoutRequestID."""

    def run(event_type: str, **more: Any) -> tuple[Webhook, Opened, Material, str]:
        sample = sampled(event_type, **more)
        webhook = Webhook(sample.body, sample.headers, sample.url_token, purpose=sample.purpose)
        material = Material(secrets=(token,))
        checkout = sample.known_request.connector_request_id if sample.known_request is not None else ""
        return webhook, connector.open(webhook, material, 0), material, checkout

    return run


async def confirmed(outside: Daraja, of: tuple[Webhook, Opened, Material, str]) -> Verification | None:
    webhook, opened, material, _ = of
    assert await outside.gather(webhook, material) is material
    return await outside.confirm(webhook, opened, material)


@pytest.mark.parametrize(
    ("event_type", "truth"),
    [
        ("stk.success", "0"),
        ("stk.canceled", "1032"),
        ("stk.canceled", "1"),
        ("stk.insufficient_funds", "1"),
        ("stk.expired", "1019"),
        ("stk.timeout", "1037"),
    ],
)
async def test_what_daraja_says_too_is_confirmed(event_type: str, truth: str, opened: Any) -> None:
    of = opened(event_type)
    async with asking({of[3]: truth}) as (outside, api):
        verification = await confirmed(outside, of)
        assert api.queries == 1
    assert verification is not None
    assert verification.method == VERIFICATION_METHOD_QUERY_BACK
    assert "neither amount" in verification.detail


async def test_a_callback_out_of_its_body_is_confirmed_too(opened: Any, token: str) -> None:
    webhook, _, material, checkout = opened("stk.success")
    bare = Webhook(json.dumps(json.loads(webhook.body)["Body"]).encode(), {}, token)
    async with asking({checkout: "0"}) as (outside, api):
        verification = await outside.confirm(bare, connector.open(bare, material, 0), material)
        assert api.queries == 1
    assert verification is not None


@pytest.mark.parametrize(
    ("event_type", "truth"), [("stk.success", "1032"), ("stk.success", "1019"), ("stk.canceled", "0")]
)
async def test_what_daraja_contradicts_is_refused(event_type: str, truth: str, opened: Any) -> None:
    of = opened(event_type)
    async with asking({of[3]: truth}) as (outside, _):
        with pytest.raises(SignatureRejected) as refused:
            await confirmed(outside, of)
    assert refused.value.reason == "PROVIDER_REFUSED"


@pytest.mark.parametrize(
    ("event_type", "truth"),
    [
        ("stk.success", "processing"),
        ("stk.success", "4999"),
        ("stk.success", "1037"),
        ("stk.success", "31415"),
        ("stk.timeout", "0"),
        ("stk.timeout", "1032"),
        ("stk.unknown", "4999"),
    ],
)
async def test_while_either_side_is_not_final_nothing_is_confirmed_and_nothing_refused(
    event_type: str, truth: str, opened: Any
) -> None:
    of = opened(event_type)
    async with asking({of[3]: truth}) as (outside, _):
        assert await confirmed(outside, of) is None


async def test_the_truth_may_come_later(opened: Any) -> None:
    of = opened("stk.success")
    pushes = {of[3]: "processing"}
    async with asking(pushes) as (outside, _):
        assert await confirmed(outside, of) is None
        pushes[of[3]] = "0"
        assert await confirmed(outside, of) is not None


async def test_a_push_that_daraja_does_not_know_is_not_confirmed(opened: Any) -> None:
    async with asking({}) as (outside, _):
        assert await confirmed(outside, opened("stk.success")) is None


@pytest.mark.parametrize("event_type", ["c2b.confirmation", "b2c.success", "reversal.success", "stk_query.success"])
async def test_what_cannot_be_asked_at_once_is_not_asked(event_type: str, opened: Any) -> None:
    async with asking({}) as (outside, api):
        assert await confirmed(outside, opened(event_type)) is None
        assert (api.tokens_given, api.queries) == (0, 0)


@pytest.mark.parametrize("missing", ["MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_SHORTCODE", "MPESA_PASSKEY"])
async def test_without_all_credentials_nothing_is_asked(missing: str, opened: Any) -> None:
    api = app({}, **CREDENTIALS)
    async with serving(api) as base:
        outside = make_outside(config(base, **{missing: ""}), SANDBOX)
        assert await confirmed(outside, opened("stk.success")) is None
        await outside.aclose()
    assert (api.tokens_given, api.queries) == (0, 0)


async def test_one_token_serves_all_who_wait(opened: Any) -> None:
    of = [opened("stk.success", seed=seed) for seed in range(20)]
    async with asking({one[3]: "0" for one in of}) as (outside, api):
        verifications = await asyncio.gather(*(confirmed(outside, one) for one in of))
        assert all(verifications)
        assert (api.tokens_given, api.queries) == (1, 20)


async def test_a_revoked_token_is_renewed_once_for_all(opened: Any) -> None:
    of = [opened("stk.success", seed=seed) for seed in range(20)]
    async with asking({one[3]: "0" for one in of}) as (outside, api):
        await confirmed(outside, of[0])
        api.revoke()
        before = api.tokens_given
        assert all(await asyncio.gather(*(confirmed(outside, one) for one in of)))
        assert api.tokens_given == before + 1


async def test_a_token_is_renewed_before_it_ends(opened: Any) -> None:
    of = opened("stk.success")
    api = app({of[3]: "0"}, **CREDENTIALS)
    clock = [1_000_000.0]
    async with serving(api) as base:
        outside = Daraja(config(base), SANDBOX, now_s=lambda: clock[0])
        for now_s, tokens in ((0, 1), (3_500, 1), (3_545, 2), (3_600, 2), (7_200, 3)):
            clock[0] = 1_000_000.0 + now_s
            assert await confirmed(outside, of) is not None
            assert api.tokens_given == tokens
        await outside.aclose()


@pytest.mark.parametrize("wrong", ["consumer_secret", "passkey", "shortcode"])
async def test_wrong_credentials_are_no_answer_and_are_not_shown(wrong: str, opened: Any) -> None:
    of = opened("stk.success")
    async with asking({of[3]: "0"}, **{wrong: "something-else"}) as (outside, _):
        with pytest.raises(ProviderUnavailable) as refused:
            await confirmed(outside, of)
    assert refused.value.retryable
    for secret in ("hush-hush", "pass-1", "key-1"):
        assert secret not in str(refused.value)


async def test_nobody_there_is_no_answer(opened: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    outside = make_outside(config(base), SANDBOX)
    with pytest.raises(ProviderUnavailable):
        await confirmed(outside, opened("stk.success"))
    await outside.aclose()


class Odd:
    """An API that gives a token, and then answers every query with the same odd bytes."""

    def __init__(self, body: bytes, status: int) -> None:
        self._body, self._status = body, status

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        token = scope["path"].startswith("/oauth")
        body = b'{"access_token":"t","expires_in":"3599"}' if token else self._body
        status = 200 if token else self._status
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>Bad gateway</html>", 502),
        (b"[]", 200),
        (b"{}", 200),
        (b'{"ResultCode":"0"}', 200),
        (b'{"ResultCode":"0","CheckoutRequestID":"ws_CO_of_somebody_else"}', 200),
        (b'{"ResultCode":{},"CheckoutRequestID":"CHECKOUT"}', 200),
        (b'{"errorCode":"500.003.02","errorMessage":"System is busy"}', 500),
        (b'{"errorCode":"500.001.1001","errorMessage":"Wrong credentials"}', 500),
        (b'{"errorCode":"404.001.03","errorMessage":"Invalid Access Token"}', 404),
        (b"", 401),
        (b"\xff\xfe", 200),
        (b"[" * 100_000, 200),
        (b"", 302),
    ],
)
async def test_an_odd_answer_is_no_answer(body: bytes, status: int, opened: Any) -> None:
    of = opened("stk.success")
    async with serving(Odd(body.replace(b"CHECKOUT", of[3].encode()), status)) as base:
        outside = make_outside(config(base), SANDBOX)
        with pytest.raises(ProviderUnavailable):
            await confirmed(outside, of)
        await outside.aclose()


async def test_an_answer_that_does_not_come_is_not_waited_for(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.mpesa.confirming.TOTAL_TIMEOUT_S", 0.2)

    async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1)

    async with serving(silent) as base:
        outside = make_outside(config(base), SANDBOX)
        with pytest.raises(ProviderUnavailable, match="in time"):
            await confirmed(outside, opened("stk.success"))
        await outside.aclose()


@pytest.mark.parametrize(
    "base", ["http://shop.example", "ftp://127.0.0.1", "nonsense", "http://", "http://[::", "\x00"]
)
def test_credentials_go_to_no_address_in_the_clear(base: str) -> None:
    with pytest.raises(SettingsRejected):
        make_outside(config(base), SANDBOX)


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        (Environment.ENVIRONMENT_SANDBOX, "https://sandbox.safaricom.co.ke"),
        (Environment.ENVIRONMENT_PRODUCTION, "https://api.safaricom.co.ke"),
        (Environment.ENVIRONMENT_UNSPECIFIED, "https://sandbox.safaricom.co.ke"),
    ],
)
def test_each_environment_has_its_host(environment: Environment.ValueType, host: str) -> None:
    assert make_outside(config(""), environment)._session.base == host
