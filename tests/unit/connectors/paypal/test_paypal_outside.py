"""Certificates and the online check, over real HTTP on loopback: against the simulator, and against worse servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from msgspec import structs

from connectors.paypal import connector
from connectors.paypal.outside import MAX_CERTIFICATE_BYTES, PayPalOutside, make_outside
from connectors.paypal.simulator import CERTIFICATE_ID, CERTIFICATE_URL, authority
from connectors.paypal.simulator_api import SimulatorApi, app
from connectors.paypal.webhooks import open_webhook
from connectors.spi import Environment, Material, ProviderUnavailable, SignatureRejected, Webhook
from orchestratorx_prism.errors import SettingsRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_PROVIDER_CALL

SANDBOX = Environment.ENVIRONMENT_SANDBOX
TOKEN = "/v1/oauth2/token"
VERIFY = "/v1/notifications/verify-webhook-signature"
CERTIFICATE = f"/v1/notifications/certs/{CERTIFICATE_ID}"
App = Callable[..., Awaitable[None]]


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """Runs an ASGI app on a free port of 127.0.0.1; gives HOST:PORT."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def outside(address: str, **changes: str) -> AsyncIterator[PayPalOutside]:
    values = {
        "PAYPAL_API_BASE": f"http://{address}",
        "PAYPAL_CERT_HOST": address,
        "PAYPAL_CLIENT_ID": "client",
        "PAYPAL_CLIENT_SECRET": "s3cret",
        **changes,
    }
    made = make_outside(values, SANDBOX)
    try:
        yield made
    finally:
        await made.aclose()


def answering(status: int, body: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()) -> App:
    """An app that always answers the same."""

    async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    return application


@pytest.fixture
def api() -> SimulatorApi:
    return app("client", "s3cret")


@pytest.fixture
def made(signed: Callable[..., Any]) -> Any:
    return signed()


@pytest.fixture
def anchored(workshop: SimpleNamespace) -> Material:
    """A webhook id and the simulator's root; the leaf has to be fetched."""
    return Material(webhook_id=workshop.WEBHOOK_ID, trust_anchors=(authority().root,))


async def test_it_fetches_verifies_and_confirms(
    api: SimulatorApi, made: Any, anchored: Material, workshop: SimpleNamespace
) -> None:
    async with serving(api) as address, outside(address) as paypal:
        material = await paypal.gather(made.webhook, anchored)
        opened = open_webhook(made.webhook, material, workshop.NOW_S)
        verification = await paypal.confirm(made.webhook, opened, material)
    assert verification is not None
    assert verification.method == VERIFICATION_METHOD_PROVIDER_CALL
    assert api.asked == {CERTIFICATE: 1, TOKEN: 1, VERIFY: 1}


async def test_the_online_check_refuses_what_the_offline_check_cannot_see(
    api: SimulatorApi, made: Any, workshop: SimpleNamespace, forge: Callable[[bytes, bytes], bytes]
) -> None:
    body = forge(made.webhook.body, made.webhook.body.replace(b'"10.99"', b'"9999.00"'))
    forged = structs.replace(made.webhook, body=body)
    opened = open_webhook(forged, made.material, workshop.NOW_S)
    async with serving(api) as address, outside(address) as paypal:
        with pytest.raises(SignatureRejected) as caught:
            await paypal.confirm(forged, opened, made.material)
    assert caught.value.reason == "PROVIDER_REFUSED"


async def test_the_bytes_of_the_event_are_sent_as_they_came(api: SimulatorApi, signed: Callable[..., Any]) -> None:
    made = signed(merchant_transaction_id='örder "1" \\ \u2028')
    async with serving(api) as address, outside(address) as paypal:
        assert await paypal.confirm(made.webhook, _opened(), made.material)
        spaced = structs.replace(made.webhook, body=made.webhook.body.replace(b'":', b'": ', 1))
        with pytest.raises(SignatureRejected):
            await paypal.confirm(spaced, _opened(), made.material)


async def test_many_waiters_share_one_fetch_and_one_token(api: SimulatorApi, made: Any, anchored: Material) -> None:
    async with serving(api) as address, outside(address) as paypal:
        materials = await asyncio.gather(*(paypal.gather(made.webhook, anchored) for _ in range(20)))
        verified = await asyncio.gather(*(paypal.confirm(made.webhook, _opened(), materials[0]) for _ in range(20)))
    assert all(verified)
    assert api.asked == {CERTIFICATE: 1, TOKEN: 1, VERIFY: 20}


async def test_a_waiter_that_gives_up_takes_nothing_from_the_others(
    api: SimulatorApi, made: Any, anchored: Material
) -> None:
    async with serving(api) as address, outside(address) as paypal:
        impatient = asyncio.create_task(paypal.gather(made.webhook, anchored))
        patient = asyncio.create_task(paypal.gather(made.webhook, anchored))
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).fetched_certificates == (authority().leaf,)
    assert impatient.cancelled()


async def test_a_token_that_ended_early_is_fetched_again_once(api: SimulatorApi, made: Any) -> None:
    async with serving(api) as address, outside(address) as paypal:
        await paypal.confirm(made.webhook, _opened(), made.material)
        api.end_tokens()
        verified = await asyncio.gather(*(paypal.confirm(made.webhook, _opened(), made.material) for _ in range(10)))
    assert all(verified)
    assert api.asked[TOKEN] == 2


async def test_a_token_is_kept_for_its_time_only(made: Any) -> None:
    short = app("client", "s3cret", token_lifetime_s=30)
    async with serving(short) as address, outside(address) as paypal:
        for _ in range(2):
            await paypal.confirm(made.webhook, _opened(), made.material)
    assert short.asked[TOKEN] == 2


async def test_another_webhooks_id_is_refused(api: SimulatorApi, made: Any) -> None:
    other = replace(made.material, webhook_id="9ZZ98765ZZ432109Z")
    async with serving(api) as address, outside(address) as paypal:
        with pytest.raises(SignatureRejected) as caught:
            await paypal.confirm(made.webhook, _opened(), other)
        both = replace(other, secrets=(made.material.webhook_id,))
        assert await paypal.confirm(made.webhook, _opened(), both)
    assert caught.value.reason == "PROVIDER_REFUSED"


async def test_without_credentials_nobody_is_asked(api: SimulatorApi, made: Any) -> None:
    async with serving(api) as address, outside(address, PAYPAL_CLIENT_ID="", PAYPAL_CLIENT_SECRET="") as paypal:
        assert await paypal.confirm(made.webhook, _opened(), made.material) is None
    assert api.asked == {}


async def test_the_simulators_messages_are_not_asked_about(api: SimulatorApi, signed: Callable[..., Any]) -> None:
    made = signed(secret="")
    async with serving(api) as address, outside(address) as paypal:
        material = replace(made.material, webhook_id="WEBHOOK_ID")
        assert await paypal.confirm(made.webhook, _opened(), material) is None
    assert api.asked == {}


async def test_wrong_credentials_leave_the_webhook_for_later(api: SimulatorApi, made: Any) -> None:
    async with serving(api) as address, outside(address, PAYPAL_CLIENT_SECRET="wrong") as paypal:
        with pytest.raises(ProviderUnavailable) as caught:
            await paypal.confirm(made.webhook, _opened(), made.material)
    assert "PAYPAL_CLIENT_SECRET" in caught.value.fix
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (503, b"busy"), (429, b""), (200, b"<html>"), (200, b'{"verification_status":"PERHAPS"}')],
)
async def test_an_answer_that_is_none_leaves_the_webhook_for_later(
    api: SimulatorApi, made: Any, status: int, body: bytes
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await (api if scope["path"] == TOKEN else answering(status, body))(scope, receive, send)

    async with serving(application) as address, outside(address) as paypal:
        with pytest.raises(ProviderUnavailable):
            await paypal.confirm(made.webhook, _opened(), made.material)


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_message_that_paypal_does_not_know_is_refused(api: SimulatorApi, made: Any, status: int) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await (api if scope["path"] == TOKEN else answering(status))(scope, receive, send)

    async with serving(application) as address, outside(address) as paypal:
        with pytest.raises(SignatureRejected) as caught:
            await paypal.confirm(made.webhook, _opened(), made.material)
    assert caught.value.reason == "PROVIDER_REFUSED"


async def test_nobody_there_leaves_the_webhook_for_later(made: Any, anchored: Material) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    async with outside(address) as paypal:
        with pytest.raises(ProviderUnavailable):
            await paypal.gather(made.webhook, anchored)
        with pytest.raises(ProviderUnavailable):
            await paypal.confirm(made.webhook, _opened(), made.material)


async def test_a_server_that_never_ends_its_answer_is_left(
    made: Any, anchored: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.paypal.session.TIMEOUT_S", 0.3)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await asyncio.wait_for(receive(), 5))["type"] != "http.disconnect":
            await send({"type": "http.response.body", "body": b"-", "more_body": True})

    async with serving(application) as address, outside(address) as paypal:
        with pytest.raises(ProviderUnavailable):
            await paypal.gather(made.webhook, anchored)


@pytest.mark.parametrize(
    "application",
    [
        answering(302, headers=((b"location", b"http://127.0.0.1:1/evil.pem"),)),
        answering(404),
        answering(200, b"-" * (MAX_CERTIFICATE_BYTES + 1)),
    ],
    ids=["redirect", "nothing", "too large"],
)
async def test_no_certificate_there_is_a_refusal_that_is_kept_a_while(
    application: App, made: Any, anchored: Material
) -> None:
    asked = 0

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        asked += 1
        await application(scope, receive, send)

    async with serving(counting) as address, outside(address) as paypal:
        for _ in range(3):
            with pytest.raises(SignatureRejected) as caught:
                await paypal.gather(made.webhook, anchored)
            assert caught.value.reason == "CERTIFICATE_UNAVAILABLE"
    assert asked == 1


async def test_a_server_fault_is_not_kept(api: SimulatorApi, made: Any, anchored: Material) -> None:
    broken = True

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await (answering(500) if broken else api)(scope, receive, send)

    async with serving(application) as address, outside(address) as paypal:
        with pytest.raises(ProviderUnavailable):
            await paypal.gather(made.webhook, anchored)
        broken = False
        assert (await paypal.gather(made.webhook, anchored)).fetched_certificates


async def test_a_fetched_certificate_is_never_an_anchor(
    api: SimulatorApi, made: Any, anchored: Material, workshop: SimpleNamespace
) -> None:
    async with serving(api) as address, outside(address) as paypal:
        material = await paypal.gather(made.webhook, replace(anchored, trust_anchors=()))
    with pytest.raises(SignatureRejected) as caught:
        open_webhook(made.webhook, material, workshop.NOW_S)
    assert caught.value.reason == "CERTIFICATE_REJECTED"


async def test_a_leaf_given_by_the_caller_is_not_fetched(api: SimulatorApi, made: Any) -> None:
    async with serving(api) as address, outside(address) as paypal:
        assert await paypal.gather(made.webhook, made.material) is made.material
    assert api.asked == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"paypal-cert-url": "https://evil.example/v1/notifications/certs/CERT-1"}, "CERTIFICATE_REJECTED"),
        ({"paypal-cert-url": "http://127.0.0.1/v1/notifications/certs/CERT-1"}, "CERTIFICATE_REJECTED"),
        ({"paypal-cert-url": ""}, "SIGNATURE_MISSING"),
        ({"paypal-transmission-sig": "???"}, "SIGNATURE_MALFORMED"),
    ],
)
async def test_nothing_is_fetched_for_headers_that_break_a_rule(
    api: SimulatorApi, made: Any, anchored: Material, changes: dict[str, str], reason: str
) -> None:
    webhook = Webhook(made.webhook.body, {**made.webhook.headers, **changes})
    async with serving(api) as address, outside(address) as paypal:
        with pytest.raises(SignatureRejected) as caught:
            await paypal.gather(webhook, anchored)
    assert caught.value.reason == reason
    assert api.asked == {}


async def test_nothing_is_fetched_without_a_webhook_id_or_for_the_wrong_world(
    api: SimulatorApi, made: Any, anchored: Material
) -> None:
    async with serving(api) as address, outside(address) as paypal:
        for changed in (
            replace(anchored, webhook_id=""),
            replace(anchored, environment=Environment.ENVIRONMENT_PRODUCTION),
        ):
            with pytest.raises(SignatureRejected):
                await paypal.gather(made.webhook, changed)
    assert api.asked == {}


@pytest.mark.parametrize(
    ("values", "environment"),
    [
        ({"PAYPAL_CLIENT_ID": "client"}, SANDBOX),
        ({"PAYPAL_CLIENT_SECRET": "s3cret"}, SANDBOX),
        ({"PAYPAL_API_BASE": "http://api.example"}, SANDBOX),
        ({"PAYPAL_API_BASE": "https://user@api.example"}, SANDBOX),
        ({"PAYPAL_API_BASE": "https://api.example/path"}, SANDBOX),
        ({"PAYPAL_API_BASE": "ftp://127.0.0.1"}, SANDBOX),
        ({"PAYPAL_API_BASE": "http://127.0.0.1:notaport"}, SANDBOX),
        ({"PAYPAL_CERT_HOST": "evil.example"}, SANDBOX),
        ({"PAYPAL_CERT_HOST": "169.254.169.254"}, SANDBOX),
        ({"PAYPAL_CERT_HOST": "127.0.0.1@evil.example"}, SANDBOX),
        ({"PAYPAL_CERT_HOST": "127.0.0.1:9000/path"}, SANDBOX),
        ({"PAYPAL_CERT_HOST": "127.0.0.1:9000"}, Environment.ENVIRONMENT_PRODUCTION),
        ({"PAYPAL_CERT_HOST": "127.0.0.1:9000"}, Environment.ENVIRONMENT_UNSPECIFIED),
    ],
)
def test_unsafe_settings_are_refused(values: dict[str, str], environment: Environment.ValueType) -> None:
    with pytest.raises(SettingsRejected) as caught:
        make_outside(values, environment)
    assert "s3cret" not in str(caught.value)
    assert next(iter(values)) in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"PAYPAL_API_BASE": "https://paypal.proxy.example:8443/"},
        {"PAYPAL_API_BASE": "http://localhost:9000", "PAYPAL_CERT_HOST": "localhost:9000"},
        {"PAYPAL_API_BASE": "http://[::1]:9000", "PAYPAL_CERT_HOST": "[::1]:9000"},
    ],
)
def test_safe_settings_pass_and_hide_their_secrets(values: dict[str, str]) -> None:
    given = {**values, "PAYPAL_CLIENT_ID": "client", "PAYPAL_CLIENT_SECRET": "s3cret"}
    made = make_outside(given, SANDBOX)
    assert "s3cret" not in f"{vars(made)!r} {made!r}"


def test_every_key_that_is_read_is_declared() -> None:
    assert set(connector.config_keys) == {
        "PAYPAL_WEBHOOK_ID",
        "PAYPAL_CLIENT_ID",
        "PAYPAL_CLIENT_SECRET",
        "PAYPAL_API_BASE",
        "PAYPAL_CERT_HOST",
    }
    assert connector.webhook_id_key in connector.config_keys


async def test_the_simulator_knows_its_own_paths_only(api: SimulatorApi) -> None:
    async with serving(api) as address, httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
        assert (await client.get("/v1/notifications/certs/CERT-0")).status_code == 404
        assert (await client.get(CERTIFICATE)).content == authority().leaf
        assert (await client.post(VERIFY, content=b"{}")).status_code == 401
        assert (await client.post(TOKEN, data={"grant_type": "password"}, auth=("client", "s3cret"))).status_code == 400
        token = await client.post(TOKEN, data={"grant_type": "client_credentials"}, auth=("client", "s3cret"))
        headers = {"authorization": f"Bearer {token.json()['access_token']}"}
        assert (await client.post(VERIFY, content=b"{}", headers=headers)).status_code == 400
    assert CERTIFICATE_URL.endswith(CERTIFICATE)


def _opened() -> Any:
    """`confirm` looks at the webhook itself."""
    return None
