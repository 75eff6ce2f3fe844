"""What load balancers and Prometheus see."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestratorx_prism.errors import Unavailable


async def test_a_server_with_a_database_and_a_broker_is_ready(http: Any) -> None:
    response = await http.client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "database": "ok", "broker": "ok"}


async def test_without_a_database_it_is_alive_but_not_ready(http: Any) -> None:
    http.dependencies.database = Unavailable("cannot reach db.example", reason="DATABASE_UNAVAILABLE")
    response = await http.client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": "DATABASE_UNAVAILABLE", "broker": "ok"}
    assert "db.example" not in response.text
    assert (await http.client.get("/livez")).status_code == 200


async def test_without_a_broker_it_is_ready_and_says_what_is_missing(http: Any) -> None:
    http.dependencies.broker = Unavailable("no", reason="BROKER_UNAVAILABLE")
    response = await http.client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "database": "ok", "broker": "BROKER_UNAVAILABLE"}


async def test_a_dependency_that_fails_in_an_unknown_way_is_not_ready(http: Any) -> None:
    http.dependencies.database = ValueError("odd")
    assert (await http.client.get("/readyz")).json()["database"] == "FAILED"


async def test_a_database_that_hangs_is_not_waited_for(http: Any) -> None:
    async def hang() -> None:
        await asyncio.sleep(30)

    http.readiness._database = hang
    response = await http.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "TIMED_OUT"


async def test_a_server_that_stops_is_not_ready(http: Any) -> None:
    http.readiness.drain()
    response = await http.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "draining"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_are_read_and_not_written(http: Any, path: str) -> None:
    response = await http.client.post(path)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    head = await http.client.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_metrics_ask_for_a_key_where_keys_are_set(http_server: Any) -> None:
    async with http_server({"api_keys": ["key-one", "key-two"]}) as http:
        for headers in ({}, {"x-api-key": "key"}, {"authorization": "Bearer key-on"}, {"authorization": "key-one"}):
            refused = await http.client.get("/metrics", headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
        for headers in ({"x-api-key": "key-two"}, {"authorization": "Bearer key-one"}):
            assert (await http.client.get("/metrics", headers=headers)).status_code == 200
        assert (await http.client.get("/readyz")).status_code == 200
