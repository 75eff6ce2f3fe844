"""Who may call: every route of the table, new ones included by themselves."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rest_desk import (
    ACME_KEY,
    ALL_KEY,
    WRONG_KEY,
    FakeEndpoints,
    FakeService,
    Rest,
    caller_of,
    rest_of_fakes,
)

from orchestrator.access.principal import Limit, acting
from orchestrator.access.scopes import SCOPE_OF
from orchestrator.http_api.rest.fields import inputs_of, method_of
from orchestrator.http_api.rest.rows import Row
from orchestrator.http_api.rest.table import ROWS
from orchestratorx_prism.errors import TooManyCalls


@pytest.fixture(scope="module")
def kept() -> Rest:
    """Over services that fail the test that reaches them. Made once: there are many rows."""
    rest = rest_of_fakes()
    never_reached(rest)
    return rest


@pytest.fixture
def trapped(kept: Rest) -> Rest:
    """Nobody was let in before."""
    kept.guard.admitted.clear()
    return kept


@pytest.fixture
def rest() -> Rest:
    """Over fakes."""
    return rest_of_fakes()


@pytest.fixture
async def caller(rest: Rest) -> AsyncIterator[httpx.AsyncClient]:
    """With a key of every scope."""
    async with caller_of(rest, {"X-API-Key": ALL_KEY}) as client:
        yield client


every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation_id)


def path_of(row: Row) -> str:
    """The row's path with something in every place."""
    return re.sub(r"\{\w+\}", "stripe", row.path)


def names_merchant(row: Row) -> bool:
    """Whether the rpc's request says whose business it is. The real guard knows of the others what they are."""
    fields = method_of(row.rpc).input_type.fields_by_name
    return "merchant_id" in fields or "filter" in fields


def never_reached(rest: Rest) -> None:
    """Makes every service fail the test that reaches it."""

    def trap(*_arguments: Any) -> Any:
        raise AssertionError("a call that was refused has reached a service")

    for service in rest.services.values():
        for name in dir(service):
            if not name.startswith("_") and callable(getattr(service, name)):
                setattr(service, name, trap)


@every_row
async def test_whoever_sends_no_key_or_a_wrong_one_is_refused_before_anything_else(row: Row, trapped: Rest) -> None:
    wrong = ({}, {"X-API-Key": "ox_nobody"}, {"Authorization": "Bearer ox_nobody"}, {"Authorization": "Basic b3g6"})
    for headers in wrong:
        async with caller_of(trapped, headers) as stranger:
            answer = await stranger.request(row.method, path_of(row), content=b"{not json")
        assert answer.status_code == 401, answer.text
        assert answer.json()["reason"] == "CREDENTIALS_REFUSED"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert not trapped.guard.admitted


@every_row
async def test_whoever_lacks_the_scope_is_refused_before_anything_else(row: Row, trapped: Rest) -> None:
    async with caller_of(trapped, {"X-API-Key": WRONG_KEY}) as stranger:
        answer = await stranger.request(row.method, path_of(row), content=b"{not json")
    assert answer.status_code == 403, answer.text
    assert answer.json()["reason"] == "PERMISSION_REFUSED"


@pytest.mark.parametrize("row", [row for row in ROWS if names_merchant(row)], ids=lambda row: row.operation_id)
async def test_a_merchants_key_meets_another_merchant_as_if_there_were_none(row: Row, trapped: Rest) -> None:
    inputs = inputs_of(row)
    headers = {"X-API-Key": ACME_KEY} | ({"Idempotency-Key": "key"} if inputs.takes_request_id else {})
    path = row.path.replace("{merchant_id}", "globex")
    other = {} if path != row.path else {"merchant_id": "globex"}
    async with caller_of(trapped, headers) as acme:
        path = re.sub(r"\{\w+\}", "stripe", path)
        if row.in_query:
            needed = {row.names.get(name, name): "stripe" for name in row.needs if name not in row.places}
            answer = await acme.request(row.method, path, params={**needed, **other})
        else:
            body = {"filter": other} if "filter" in inputs.body else {**(row.example or {}), **other}
            answer = await acme.request(row.method, path, json=body)
    assert answer.status_code == 404, answer.text
    assert "globex" not in answer.text


def test_every_row_leads_to_an_rpc_that_has_a_scope() -> None:
    for row in ROWS:
        assert {row.rpc, *row.also} <= set(SCOPE_OF)


def test_a_call_by_a_row_asks_for_the_strongest_scope_of_all_its_rpcs() -> None:
    """Whoever may write may see what there is: a row that does both is guarded by the scope of writing alone."""
    for row in ROWS:
        scopes = {SCOPE_OF[rpc] for rpc in (row.rpc, *row.also)}
        assert {scope.partition(":")[0] for scope in scopes} == {SCOPE_OF[row.rpc].partition(":")[0]}
        if any(scope.endswith(":write") for scope in scopes):
            assert SCOPE_OF[row.rpc].endswith(":write")


async def test_a_key_may_come_either_way_and_both_ways_if_it_is_the_same(rest: Rest) -> None:
    for headers in (
        {"X-API-Key": ALL_KEY},
        {"Authorization": f"Bearer {ALL_KEY}"},
        {"Authorization": f"bearer {ALL_KEY}", "X-API-Key": ALL_KEY},
    ):
        async with caller_of(rest, headers) as client:
            assert (await client.get("/v1/payments")).status_code == 200


async def test_two_keys_that_differ_are_none(rest: Rest) -> None:
    async with caller_of(rest, {"X-API-Key": ALL_KEY, "Authorization": f"Bearer {ACME_KEY}"}) as client:
        answer = await client.get("/v1/payments")
    assert (answer.status_code, answer.json()["reason"]) == (401, "CREDENTIALS_REFUSED")
    async with caller_of(rest, {}) as client:
        answer = await client.get("/v1/payments", headers=[("X-API-Key", ALL_KEY), ("X-API-Key", ACME_KEY)])
    assert answer.status_code == 401


async def test_a_merchants_key_gets_its_own_merchant_where_it_names_none(rest: Rest) -> None:
    keys = rest.services["ApiKeyService"]
    assert isinstance(keys, FakeService)
    async with caller_of(rest, {"X-API-Key": ACME_KEY}) as client:
        assert (await client.get("/v1/api-keys")).status_code == 200
        assert (await client.get("/v1/deliveries")).status_code == 200
    assert keys.asked[-1].merchant_id == "acme"
    deliveries = rest.services["DeliveryService"]
    assert isinstance(deliveries, FakeService)
    assert deliveries.asked[-1].filter.merchant_id == "acme"


async def test_what_one_call_leads_to_is_confined_too(rest: Rest) -> None:
    """PUT /v1/merchant/webhook lists, makes and changes: all of it for the key's own merchant."""
    endpoints = rest.services["WebhookEndpointService"]
    assert isinstance(endpoints, FakeEndpoints)
    async with caller_of(rest, {"X-API-Key": ACME_KEY}) as acme, caller_of(rest, {"X-API-Key": ALL_KEY}) as all_key:
        await all_key.put("/v1/merchant/webhook", json={"url": "https://shop.example/of-default"})
        made = await acme.put("/v1/merchant/webhook", json={"url": "https://shop.example/of-acme"})
        assert (made.status_code, made.json()["endpoint"]["merchant_id"]) == (201, "acme")
        gone = await acme.delete("/v1/merchant/webhook")
        assert gone.status_code == 204
    assert [each.merchant_id for each in endpoints.kept.values()] == ["default"]


async def test_services_act_on_the_callers_behalf(rest: Rest, caller: httpx.AsyncClient) -> None:
    seen = []

    async def get(_request: Any) -> Any:
        seen.append(acting.get())
        raise TooManyCalls("slow down", retry_after_s=7.2)

    rest.services["ApiKeyService"].get = get  # type: ignore[attr-defined]
    answer = await caller.get("/v1/api-keys/key_1")
    assert [(who.actor, who.remote_address) for who in seen] == [("key_all", "127.0.0.1")]
    assert acting.get().actor == "system"
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "8")


async def test_a_trusted_proxy_says_whence_a_call_comes() -> None:
    rest = rest_of_fakes(trusted_proxies=["127.0.0.0/8"])
    async with caller_of(rest, {"X-API-Key": ALL_KEY}) as client:
        await client.get("/v1/payments", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
        assert rest.guard.admitted == [("PaymentService.List", "192.0.2.7")]


async def test_what_is_left_of_a_limit_stands_in_the_headers(rest: Rest, caller: httpx.AsyncClient) -> None:
    rest.guard.limit = Limit(per_minute=60, remaining=59, resets_in_s=0.4)
    answer = await caller.get("/v1/payments")
    assert answer.headers["ratelimit-policy"] == '"calls";q=60;w=60'
    assert answer.headers["ratelimit"] == '"calls";r=59;t=1'
    assert answer.headers["x-ratelimit-limit"] == "60"
    assert answer.headers["x-ratelimit-remaining"] == "59"
    assert answer.headers["x-ratelimit-reset"] == "1"


async def test_answers_are_counted_by_rpc_and_status_and_never_by_path(rest: Rest, caller: httpx.AsyncClient) -> None:
    await caller.get("/v1/payments/pay_1")
    assert [answer[:3] for answer in rest.answered] == [("rest", "PaymentService.Get", "200")]
