"""A new user's first day: from an empty database to paid, told, listed, replayed, rotated and revoked.

A real server process over PostgreSQL and Redis, its commands, its REST API, all four simulated providers posting their
webhooks to it, and a merchant's receiver that believes nothing it cannot verify.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from canaries import SECRETS as SECRET_FIELDS
from canaries import Canaries, dump_of
from every_operation import GOOD
from provider_desk import SECRETS, serving

from connectors.spi import SampleWebhook
from connectors.spi.simulating import SimulatorOptions
from orchestrator.cli.webhook_urls import webhook_url
from orchestrator.plugins import connector_named
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.webhooks import verify

ORCHESTRATOR: Final = str(Path(sys.executable).parent / "orchestrator")
ROOT_KEY: Final = "an installation's own key of this test, long enough"
SECRET_NAMES: Final = {"stripe": "STRIPE_WEBHOOK_SECRET", "adyen": "ADYEN_HMAC_KEY", "mpesa": "MPESA_URL_TOKEN"}
PATIENCE_S: Final = 30.0

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.timeout(240)]


@dataclass
class Receiver:
    """The merchant's own endpoint. Knows one secret, and the one before."""

    secrets: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """All that it ever knew."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def knows(self, secret: str) -> None:
        """From now on this one, and no other."""
        self.secrets = [secret]
        self.known.append(secret)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        try:
            verify(body, headers, self.secrets)
        except PrismError as error:
            self.refused.append(error.reason)
            await _answer(send, 401)
            return
        self.taken.append(json.loads(body))
        self.ids.append(headers["webhook-id"])
        await _answer(send, 204)

    async def gets(self, what: Callable[[dict[str, Any]], bool], *, times: int = 1) -> list[dict[str, Any]]:
        """Returns once it has got so many of them."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := [one for one in self.taken if what(one)]) < times:  # noqa: ASYNC110 - told over HTTP
                await asyncio.sleep(0.05)
        return found


async def _answer(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def providers(server_url: str) -> AsyncIterator[dict[str, dict[str, str]]]:
    """All four, posting webhooks to the server; yields the credentials of each."""
    made: dict[str, dict[str, str]] = {}
    async with AsyncExitStack() as opened:
        posting = await opened.enter_async_context(httpx.AsyncClient(timeout=20))
        for name in GOOD:

            async def deliver(sample: SampleWebhook, name: str = name) -> None:
                url = webhook_url(httpx.URL(server_url), sample, name, "acme")
                answer = await posting.post(url, content=sample.body, headers=dict(sample.headers))
                assert answer.status_code == 200, (name, answer.text)

            label = connector_named(name)
            assert label.make_simulator is not None
            # PayPal's certificates are of an authority that no server trusts by itself: its answers have to do.
            options = SimulatorOptions(
                seed=1, deliver=None if name == "paypal" else deliver, webhook_secret=SECRETS[name]
            )
            simulator = label.make_simulator(options)
            opened.push_async_callback(simulator.aclose)
            address = await opened.enter_async_context(serving(simulator))
            made[name] = dict(simulator.config(address))
            if name in SECRET_NAMES:
                made[name][SECRET_NAMES[name]] = SECRETS[name]
        yield made


@dataclass
class User:
    """Somebody with a terminal and curl."""

    environment: dict[str, str]
    folder: Path
    url: str

    def types(self, *arguments: str, **variables: str) -> Any:
        """A command of ours; what it printed, read as JSON."""
        done = subprocess.run(
            [ORCHESTRATOR, *arguments, "--json"],
            env={**self.environment, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout)

    def with_key(self, key: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"X-API-Key": key}, timeout=30)


def _paying(connector: str, reference: str, minor: int = 10_000) -> dict[str, Any]:
    return {
        "connector": connector,
        "amount": {"minor_units": minor, "currency": "KES" if connector == "mpesa" else "EUR"},
        "instrument": GOOD[connector],
        "merchant_transaction_id": reference,
        "return_url": "https://shop.example/return",
    }


async def _captured(api: httpx.AsyncClient, payment_id: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            payment: dict[str, Any] = (await api.get(f"/v1/payments/{payment_id}")).json()["payment"]
            if payment["status"] == "CAPTURED":
                return payment
            await asyncio.sleep(0.1)


async def test_a_new_users_first_day(
    serve: Any, tmp_path: Path, fresh_postgres_url: str, redis_url: str, environment: Any
) -> None:
    settings = {
        "ORCHESTRATOR_DATABASE_URL": fresh_postgres_url,
        "ORCHESTRATOR_RATE_LIMIT_REDIS_URL": redis_url,
        "ORCHESTRATOR_API_KEYS": json.dumps([ROOT_KEY]),
        "ORCHESTRATOR_VAULT_KEYS": json.dumps({"v1": base64.b64encode(os.urandom(32)).decode()}),
        "ORCHESTRATOR_ALLOW_HTTP_ENDPOINTS": "true",
        "ORCHESTRATOR_ENDPOINT_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    }
    server = await asyncio.to_thread(serve, **settings)
    user = User(environment(tmp_path, **settings), tmp_path, server.url)
    receiver = Receiver()
    async with (
        serving(receiver) as receiving,
        providers(server.url) as credentials,
        user.with_key(ROOT_KEY) as root,
        httpx.AsyncClient(base_url=server.url, timeout=30) as nobody,
    ):
        # A merchant, by a command; its credentials, by REST and by a command; its key, by REST.
        made = await asyncio.to_thread(user.types, "merchants", "create", "acme", "--name", "Acme")
        assert (made["merchant_id"], made["environment"]) == ("acme", "SANDBOX")
        for connector in ("stripe", "adyen", "paypal"):
            body = {"merchant_id": "acme", "values": credentials[connector]}
            put = await root.put(f"/v1/credentials/{connector}", json=body)
            assert put.status_code == 200, put.text
            assert not set(credentials[connector].values()) & set(put.json()["credentials"]["masked_values"].values())
        names = [one for name in credentials["mpesa"] for one in ("--from-env", name)]
        await asyncio.to_thread(
            user.types, "credentials", "put", "mpesa", "--merchant", "acme", *names, **credentials["mpesa"]
        )
        kept = (await root.get("/v1/credentials", params={"merchant_id": "acme"})).json()["credentials"]
        assert {one["connector"] for one in kept} == set(credentials)
        scopes = ["payments:read", "payments:write", "refunds:write", "events:read", "webhooks:read", "webhooks:write"]
        key = (await root.post("/v1/api-keys", json={"merchant_id": "acme", "name": "shop", "scopes": scopes})).json()

        assert (await nobody.get("/v1/payments")).status_code == 401
        async with user.with_key(key["secret"]) as shop:
            await _first_day(shop, receiver, receiving)

            revoking = f"/v1/api-keys/{key['api_key']['key_id']}/revoke"
            assert (await root.post(revoking, json={"merchant_id": "acme"})).is_success
            await asyncio.sleep(1.0)  # what is promised
            ended = await shop.get("/v1/payments")
            assert (ended.status_code, ended.headers["content-type"]) == (401, "application/problem+json")

        log = await root.get("/v1/audit-log", params={"merchant_id": "*", "page_size": 1_000})
        actions = {entry["action"] for entry in log.json()["entries"]}
        assert {"merchant.created", "credentials.changed", "key.created", "key.revoked", "endpoint.created"} <= actions
        assert {"auth.success", "auth.failed", "endpoint.secret_rotated"} <= actions
        secrets = {
            "root key": ROOT_KEY,
            "key": key["secret"],
            "vault key": json.loads(settings["ORCHESTRATOR_VAULT_KEYS"])["v1"],
            **{f"endpoint secret {place}": text for place, text in enumerate(receiver.known)},
            **{name: value for one in credentials.values() for name, value in one.items() if name in SECRET_FIELDS},
        }
    verdict = await asyncio.to_thread(user.types, "audit", "verify")
    assert verdict["intact"] is True
    assert server.stop() == 0
    places = await dump_of(fresh_postgres_url, tmp_path, "at the end")
    places["log"] = (tmp_path / "log").read_bytes()
    assert key["api_key"]["key_id"].encode() in places["api_keys, at the end"], "what was looked through is no dump"
    assert b"stopped" in places["log"]
    assert Canaries(secrets).found_in(places) == []


def _once() -> dict[str, str]:
    """What makes a repeat of the call harmless."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def _is(kind: str, payment_id: str) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one["type"] == kind and one["data"]["payment_id"] == payment_id


def _of(references: set[str]) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one["type"] == "payment.captured" and one["data"]["merchant_transaction_id"] in references


async def _first_day(shop: httpx.AsyncClient, receiver: Receiver, receiving: str) -> None:
    wanted = {"url": receiving, "event_types": ["payment.*", "refund.*"]}
    made = await shop.post("/v1/webhook-endpoints", json=wanted)
    assert made.status_code == 201, made.text
    receiver.knows(made.json()["secret"])
    payments = await _pay_everywhere(shop, receiver)
    await _look_back(shop, payments)
    await _replay_one(shop, receiver)
    await _rotate(shop, receiver, made.json()["endpoint"]["endpoint_id"])
    assert receiver.refused == []


async def _pay_everywhere(shop: httpx.AsyncClient, receiver: Receiver) -> dict[str, str]:
    """Through each provider, and part of one payment back; the endpoint is told of each. Connector → payment's id."""
    payments = {}
    for connector in GOOD:
        asked, once = _paying(connector, f"order-{connector}"), _once()
        answer = await shop.post("/v1/payments", json=asked, headers=once)
        assert answer.status_code == 201, answer.text
        payments[connector] = answer.json()["payment"]["id"]
        again = await shop.post("/v1/payments", json=asked, headers=once)
        assert again.json()["payment"]["id"] == payments[connector]
    for connector, payment_id in payments.items():
        payment = await _captured(shop, payment_id)
        assert payment["captured"]["minor_units"] == 10_000
        told = await receiver.gets(_is("payment.captured", payment_id))
        assert told[0]["data"]["connector"] == connector
    part = {"payment_id": payments["stripe"], "amount": {"minor_units": 2_500, "currency": "EUR"}}
    refund = await shop.post("/v1/refunds", json=part, headers=_once())
    assert refund.status_code == 201, refund.text
    await receiver.gets(_is("refund.succeeded", payments["stripe"]))
    return payments


async def _look_back(shop: httpx.AsyncClient, payments: dict[str, str]) -> None:
    """History: filtered, sorted, as CSV; and nobody else's."""
    listed = (await shop.get("/v1/transactions", params={"provider": ["stripe", "mpesa"]})).json()["payments"]
    assert {one["id"] for one in listed} == {payments["stripe"], payments["mpesa"]}
    by_amount: dict[str, str | int] = {"currency": "EUR", "amount_from": 10_000, "sort": "LEAST_AMOUNT_FIRST"}
    euros = (await shop.get("/v1/transactions", params=by_amount)).json()["payments"]
    assert {one["id"] for one in euros} == {payments["stripe"], payments["adyen"], payments["paypal"]}
    rows = (await shop.get("/v1/transactions.csv")).text.splitlines()
    assert len(rows) == 1 + len(payments)
    assert (await shop.get("/v1/payments", params={"merchant_id": "default"})).status_code == 404


async def _replay_one(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    """The same message once more, under the same id."""
    found = await shop.get("/v1/deliveries", params={"event_type": "refund.succeeded"})
    assert found.status_code == 200, found.text
    # The provider's answer and its webhook tell of the refund each: the second may still be on its way.
    listed = [one["delivery_id"] for one in found.json()["deliveries"]]
    delivery_id = next(one for one in listed if one in receiver.ids)
    before = receiver.ids.count(delivery_id)
    assert (await shop.post(f"/v1/deliveries/{delivery_id}/replay", json={})).is_success
    async with asyncio.timeout(PATIENCE_S):
        while receiver.ids.count(delivery_id) == before:  # noqa: ASYNC110 - told over HTTP
            await asyncio.sleep(0.05)


async def _rotate(shop: httpx.AsyncClient, receiver: Receiver, endpoint_id: str) -> None:
    """While events flow: whoever knows the old secret, or the new one, verifies everything."""
    paying = asyncio.create_task(_pays_on(shop, "meanwhile"))
    rotated = await shop.post(f"/v1/webhook-endpoints/{endpoint_id}/rotate-secret", json={"overlap_s": 3_600})
    references = await paying
    await receiver.gets(_of(references), times=len(references))
    receiver.knows(rotated.json()["secret"])
    references = await _pays_on(shop, "afterwards")
    await receiver.gets(_of(references), times=len(references))
    assert (await shop.post(f"/v1/webhook-endpoints/{endpoint_id}/ping", json={})).json()["succeeded"] is True


async def _pays_on(shop: httpx.AsyncClient, name: str) -> set[str]:
    """Ten payments, one after the other."""
    references = [f"{name}-{number}" for number in range(10)]
    for reference in references:
        answer = await shop.post("/v1/payments", json=_paying("stripe", reference), headers=_once())
        assert answer.status_code == 201, answer.text
    return set(references)
