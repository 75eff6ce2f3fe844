"""Routes under names that other services have: what they ask our services for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rest_desk import ALL_KEY, FakeEndpoints, FakeService, Rest, caller_of, rest_desk, rest_of_fakes

from orchestratorx_prism.v1 import delivery_service_pb2 as deliveries


@pytest.fixture
def rest() -> Rest:
    """Over fakes."""
    return rest_of_fakes()


@pytest.fixture
async def caller(rest: Rest) -> AsyncIterator[httpx.AsyncClient]:
    """With a key of every scope."""
    async with caller_of(rest, {"X-API-Key": ALL_KEY}) as client:
        yield client


def asked(rest: Rest, service: str) -> Any:
    """What the service was asked last."""
    fake = rest.services[service]
    assert isinstance(fake, FakeService)
    return fake.asked[-1]


async def test_providers_are_kept_shown_and_forgotten_by_name(rest: Rest, caller: httpx.AsyncClient) -> None:
    body = {"values": {"STRIPE_API_KEY": "sk_test_1"}, "environment": "SANDBOX"}
    kept = await caller.put("/v1/merchant/providers/stripe", json=body)
    assert kept.status_code == 200
    assert (asked(rest, "CredentialService").connector, dict(asked(rest, "CredentialService").values)) == (
        "stripe",
        {"STRIPE_API_KEY": "sk_test_1"},
    )
    by_body = await caller.put("/v1/merchant/providers", json={"provider": "adyen", **body})
    assert (by_body.status_code, asked(rest, "CredentialService").connector) == (200, "adyen")
    listed = await caller.get("/v1/merchant/providers")
    assert listed.json()["credentials"][0]["masked_values"]
    gone = await caller.delete("/v1/merchant/providers/stripe")
    assert (gone.status_code, gone.content) == (204, b"")
    assert asked(rest, "CredentialService").connector == "stripe"


async def test_the_merchants_one_endpoint_is_made_changed_and_forgotten(caller: httpx.AsyncClient) -> None:
    path = "/v1/merchant/webhook"
    assert (await caller.get(path)).status_code == 404
    assert (await caller.delete(path)).status_code == 404
    made = await caller.put(path, json={"url": "https://shop.example/a", "event_types": ["payment.*"]})
    assert (made.status_code, made.json()["secret"]) == (201, "whsec_shown_once")
    changed = await caller.put(path, json={"url": "https://shop.example/b"})
    assert (changed.status_code, changed.json()["secret"]) == (200, "")
    assert changed.json()["endpoint"]["endpoint_id"] == made.json()["endpoint"]["endpoint_id"]
    assert (changed.json()["endpoint"]["url"], changed.json()["endpoint"]["event_types"]) == (
        "https://shop.example/b",
        [],
    )
    assert (await caller.get(path)).json()["endpoint"] == changed.json()["endpoint"]
    refused = await caller.put(path, json={"url": "https://shop.example/b", "asymmetric": True})
    assert (refused.status_code, refused.json()["metadata"]) == (400, {"field": "asymmetric"})
    assert (await caller.delete(path)).status_code == 204
    assert (await caller.get(path)).status_code == 404


async def test_several_endpoints_are_not_the_one(rest: Rest, caller: httpx.AsyncClient) -> None:
    for name in "ab":
        await caller.post("/v1/webhook-endpoints", json={"url": f"https://shop.example/{name}"})
    for method in ("GET", "DELETE"):
        answer = await caller.request(method, "/v1/merchant/webhook")
        assert (answer.status_code, answer.json()["reason"]) == (409, "SEVERAL_ENDPOINTS")
    answer = await caller.put("/v1/merchant/webhook", json={"url": "https://shop.example/c"})
    assert answer.status_code == 409
    endpoints = rest.services["WebhookEndpointService"]
    assert isinstance(endpoints, FakeEndpoints)
    assert len(endpoints.kept) == 2


async def test_logs_are_deliveries_by_status_and_type(rest: Rest, caller: httpx.AsyncClient) -> None:
    params = {"status": ["FAILED", "PENDING"], "event_type": "payment.*", "page_size": "10"}
    assert (await caller.get("/v1/webhooks/logs", params=params)).status_code == 200
    request = asked(rest, "DeliveryService")
    assert list(request.filter.states) == [deliveries.DELIVERY_STATE_FAILED, deliveries.DELIVERY_STATE_PENDING]
    assert (list(request.filter.event_types), request.page_size) == (["payment.*"], 10)


async def test_a_log_is_redelivered(rest: Rest, caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/webhooks/logs/msg_1/redeliver")
    assert (answer.status_code, asked(rest, "DeliveryService").delivery_id) == (202, "msg_1")


async def test_mpesa_is_asked_by_its_own_names(rest: Rest, caller: httpx.AsyncClient) -> None:
    body = {"checkout_request_id": "ws_CO_1"}
    assert (await caller.post("/v1/mpesa/check-status", json=body)).status_code == 200
    request = asked(rest, "PaymentService")
    assert (request.connector, request.reference, request.refresh) == ("mpesa", "ws_CO_1", True)
    run = await caller.post("/v1/mpesa/reconcile", json={})
    assert {"synced", "skipped", "not_found"} <= set(run.json())
    assert asked(rest, "ReconciliationService").connector == "mpesa"
    assert (await caller.post("/v1/mpesa/register-pull")).status_code == 200


async def test_what_a_route_has_fixed_cannot_be_given(caller: httpx.AsyncClient) -> None:
    body = {"checkout_request_id": "ws_CO_1"}
    for extra in ({"connector": "stripe"}, {"payment_id": "pay_1"}, {"refresh": False}):
        answer = await caller.post("/v1/mpesa/check-status", json={**body, **extra})
        assert (answer.status_code, answer.json()["metadata"]) == (400, {"field": next(iter(extra))})


async def test_mpesa_tells_what_became_of_a_push() -> None:
    async with rest_desk("mpesa") as desk, caller_of(desk, {"X-API-Key": ALL_KEY}) as client:
        body = {
            "connector": "mpesa",
            "amount": {"minor_units": 10_000, "currency": "KES"},
            "instrument": {"phone": "254708374149"},
            "merchant_transaction_id": "order-1",
        }
        made = await client.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
        assert made.status_code == 201, made.text
        push = next(each["value"] for each in made.json()["payment"]["references"] if each["value"].startswith("ws_CO"))
        found = await client.post("/v1/mpesa/check-status", json={"checkout_request_id": push})
        assert (found.status_code, found.json()["payment"]["id"]) == (200, made.json()["payment"]["id"])
        unknown = await client.post("/v1/mpesa/check-status", json={"checkout_request_id": "ws_CO_nobody"})
        assert unknown.status_code == 404
