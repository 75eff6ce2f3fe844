"""REST as `orchestrator serve` serves it: beside webhooks and probes, behind the real guard, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.bootstrap import build
from orchestrator.plugins import installed_connectors
from orchestrator.serving import Server
from orchestrator.settings_loading import settings_from
from orchestrator.telemetry.metrics import Metrics

OWN_KEY = "settings-key-0123456789"


@asynccontextmanager
async def served(tmp_path: Path, **values: Any) -> AsyncIterator[str]:
    """A whole server over SQLite, with a key of the settings. Yields its HTTP address."""
    settings = settings_from(
        {
            "database_url": f"sqlite:///{tmp_path}/rest.db",
            "http_port": 0,
            "grpc_port": 0,
            "api_keys": [OWN_KEY],
            "shutdown_grace_s": 1,
            **values,
        }
    )
    metrics = Metrics(installed_connectors())
    server = Server(build(settings, metrics), metrics)
    addresses = await server.start()
    try:
        yield f"http://127.0.0.1:{addresses.http_port}"
    finally:
        await server.stop()


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Of a server with the usual settings."""
    async with served(tmp_path) as address:
        yield address


def caller(url: str, key: str = OWN_KEY) -> httpx.AsyncClient:
    """Whoever has this key."""
    return httpx.AsyncClient(base_url=url, headers={"X-API-Key": key} if key else {})


async def make_key(owner: httpx.AsyncClient, **fields: Any) -> tuple[str, str]:
    """(id, text) of a new key."""
    made = await owner.post("/v1/api-keys", json={"name": "test", "merchant_id": "default", **fields})
    assert made.status_code == 201, made.text
    return made.json()["api_key"]["key_id"], made.json()["secret"]


async def test_each_door_has_its_paths(url: str) -> None:
    async with caller(url, "") as stranger:
        assert (await stranger.get("/livez")).json() == {"status": "alive"}
        assert (await stranger.post("/webhooks/stripe/default", content=b"{}")).json()["reason"] == "SECRET_MISSING"
        assert (await stranger.get("/v1/payments")).json()["reason"] == "CREDENTIALS_REFUSED"
        assert (await stranger.get("/v1/nothing")).json()["reason"] == "PATH_UNKNOWN"
        assert (await stranger.get("/nothing")).json()[
            "fix"
        ] == "post webhooks to /webhooks/…; /docs lists what else there is"
        assert (await stranger.get("/openapi.json")).json()["openapi"] == "3.1.0"
        assert (await stranger.get("/docs")).headers["content-type"].startswith("text/html")


async def test_a_key_that_is_made_works_within_its_scopes_and_merchant(url: str) -> None:
    async with caller(url) as owner:
        _, reads = await make_key(owner, scopes=["payments:read"])
    async with caller(url, reads) as reader:
        answer = await reader.get("/v1/payments")
        assert (answer.status_code, answer.json()) == (200, {"payments": [], "next_page_token": ""})
        assert answer.headers["ratelimit"].startswith('"calls";r=')
        assert answer.headers["cache-control"] == "no-store"
        body = {"connector": "stripe", "amount": {"minor_units": 1, "currency": "USD"}, "instrument": {"token": "pm_1"}}
        refused = await reader.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
        assert (refused.status_code, refused.json()["reason"]) == (403, "SCOPE_MISSING")
        other = await reader.get("/v1/payments", params={"merchant_id": "globex"})
        assert other.status_code == 404


async def test_a_key_that_is_revoked_opens_nothing_more(url: str) -> None:
    async with caller(url) as owner:
        key_id, text = await make_key(owner, scopes=["payments:read"])
        async with caller(url, text) as reader:
            assert (await reader.get("/v1/payments")).status_code == 200
            ended = await owner.post(f"/v1/api-keys/{key_id}/revoke", json={"merchant_id": "default"})
            assert ended.status_code == 200, ended.text
            assert (await reader.get("/v1/payments")).status_code == 401


async def test_a_secret_is_shown_once_and_kept_by_nobody_on_the_way(url: str) -> None:
    async with caller(url) as owner:
        made = await owner.post("/v1/api-keys", json={"name": "once", "scopes": ["payments:read"]})
        assert made.headers["cache-control"] == "no-store"
        shown = await owner.get(made.headers["location"])
        assert made.json()["secret"] not in shown.text
        listed = await owner.get("/v1/api-keys")
        assert made.json()["secret"] not in listed.text


async def test_an_address_that_fails_again_and_again_is_put_off(url: str) -> None:
    async with caller(url, "ox_wrong") as stranger:
        statuses = [(await stranger.get("/v1/payments")).status_code for _ in range(15)]
        last = await stranger.get("/v1/payments")
    assert statuses[0] == 401
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) > 0
    assert last.json()["retryable"] is True


async def test_what_was_done_by_rest_stands_in_the_audit_log_with_its_address(url: str) -> None:
    async with caller(url) as owner:
        key_id, _ = await make_key(owner, scopes=["payments:read"])
        entries = (await owner.get("/v1/audit-log", params={"action": "key.created"})).json()["entries"]
        assert [(each["target"], each["actor"], each["remote_address"]) for each in entries] == [
            (key_id, "settings", "127.0.0.1")
        ]
        assert (await owner.get("/v1/audit-log/verification")).json()["intact"] is True
