"""PayPal's simulator, asked as an application of its own would ask PayPal: by plain HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from paypal_shop import WEBHOOK_ID, serving

from connectors.paypal.outside import make_outside
from connectors.paypal.simulator_api import CLIENT_ID, CLIENT_SECRET, ROOT_PATH, SimulatorApi, make_simulator
from connectors.paypal.webhooks import open_webhook
from connectors.spi import Environment, Material, SampleWebhook, SignatureRejected, Webhook
from connectors.spi.simulating import SimulatorOptions

UNIT = {"amount": {"currency_code": "USD", "value": "10.99"}, "custom_id": "order-1"}
ORDER = {"intent": "CAPTURE", "purchase_units": [UNIT]}
SAVED = {**ORDER, "payment_source": {"card": {"vault_id": "card-visa"}}}


class Browser:
    """A client with a token."""

    def __init__(self, http: httpx.AsyncClient, simulator: SimulatorApi) -> None:
        self.http = http
        self.simulator = simulator

    async def post(self, path: str, body: Any, key: str = "", **headers: str) -> httpx.Response:
        more = {"paypal-request-id": key} if key else {}
        return await self.http.post(path, json=body, headers={**more, **headers})


@asynccontextmanager
async def asking(simulator: SimulatorApi) -> AsyncIterator[Browser]:
    async with serving(simulator) as address, httpx.AsyncClient(base_url=address, trust_env=False) as http:
        form = {"grant_type": "client_credentials"}
        token = (await http.post("/v1/oauth2/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET))).json()
        http.headers["authorization"] = f"Bearer {token['access_token']}"
        yield Browser(http, simulator)
    await simulator.aclose()


@pytest.fixture
async def paypal() -> AsyncIterator[Browser]:
    async with asking(make_simulator(SimulatorOptions())) as browser:
        yield browser


def issue(response: httpx.Response) -> str:
    found: str = response.json()["details"][0]["issue"]
    return found


async def test_the_same_key_and_body_get_the_same_answer_and_another_body_an_error(paypal: Browser) -> None:
    first = await paypal.post("/v2/checkout/orders", SAVED, "k1")
    second = await paypal.post("/v2/checkout/orders", SAVED, "k1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    other = await paypal.post("/v2/checkout/orders", {**SAVED, "intent": "AUTHORIZE"}, "k1")
    assert (other.status_code, issue(other)) == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
    assert len(paypal.simulator.truths()) == 1


async def test_a_key_is_stored_for_its_time_only() -> None:
    now = 1_780_000_000.0
    simulator = make_simulator(SimulatorOptions(now_s=lambda: now))
    async with asking(simulator) as paypal:
        await paypal.post("/v2/checkout/orders", SAVED, "k1")
        now += 6 * 3_600 - 1
        assert (await paypal.post("/v2/checkout/orders", SAVED, "k1")).status_code == 200
        now += 2
        assert (await paypal.post("/v2/checkout/orders", SAVED, "k1")).status_code == 201
    assert len(simulator.truths()) == 2


async def test_the_header_for_negative_testing_asks_for_an_issue(paypal: Browser) -> None:
    asked = {"PayPal-Mock-Response": '{"mock_application_codes": "INSTRUMENT_DECLINED"}'}
    response = await paypal.post("/v2/checkout/orders", SAVED, "k1", **asked)
    assert (response.status_code, issue(response)) == (422, "INSTRUMENT_DECLINED")
    assert response.json()["debug_id"] == response.headers["paypal-debug-id"]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({**ORDER, "intent": "SALE"}, 400, "INVALID_PARAMETER_VALUE"),
        ({**ORDER, "purchase_units": []}, 400, "INVALID_ARRAY_MAX_ITEMS"),
        ({**ORDER, "purchase_units": [{}]}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({**ORDER, "purchase_units": [{"amount": {"currency_code": "USD", "value": "x"}}]}, 400,
         "INVALID_PARAMETER_VALUE"),
        ({**ORDER, "purchase_units": [{"amount": {"currency_code": "XXX", "value": "1"}}]}, 400,
         "INVALID_PARAMETER_VALUE"),
        ({**ORDER, "purchase_units": [{"amount": {"currency_code": "JPY", "value": "1.5"}}]}, 422,
         "DECIMALS_NOT_SUPPORTED"),
        ({**ORDER, "purchase_units": [{"amount": {"currency_code": "USD", "value": "1.234"}}]}, 422,
         "DECIMAL_PRECISION"),
        ({**ORDER, "purchase_units": [{"amount": {"currency_code": "USD", "value": "0"}}]}, 422,
         "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (SAVED, 400, "PAYPAL_REQUEST_ID_REQUIRED"),
        ([], 400, "INVALID_PARAMETER_SYNTAX"),
    ],
)  # fmt: skip
async def test_an_order_is_checked(paypal: Browser, body: Any, status: int, expected: str) -> None:
    response = await paypal.post("/v2/checkout/orders", body)
    assert (response.status_code, issue(response)) == (status, expected)


async def test_json_that_is_none_is_refused(paypal: Browser) -> None:
    response = await paypal.http.post("/v2/checkout/orders", content=b"{")
    assert (response.status_code, issue(response)) == (400, "MALFORMED_REQUEST_JSON")


async def test_an_order_is_captured_once_and_only_when_approved(paypal: Browser) -> None:
    made = (await paypal.post("/v2/checkout/orders", ORDER)).json()
    path = f"/v2/checkout/orders/{made['id']}"
    assert issue(await paypal.post(f"{path}/authorize", {})) == "ACTION_DOES_NOT_MATCH_INTENT"
    assert issue(await paypal.post(f"{path}/capture", {})) == "ORDER_NOT_APPROVED"
    approve = next(link["href"] for link in made["links"] if link["rel"] == "approve")
    assert (await paypal.http.get(approve)).status_code == 302
    assert (await paypal.post(f"{path}/capture", {})).json()["status"] == "COMPLETED"
    assert issue(await paypal.post(f"{path}/capture", {})) == "ORDER_ALREADY_CAPTURED"


async def test_one_invoice_is_paid_once(paypal: Browser) -> None:
    body = {**SAVED, "purchase_units": [{**UNIT, "invoice_id": "INV-1"}]}
    assert (await paypal.post("/v2/checkout/orders", body, "k1")).status_code == 201
    again = await paypal.post("/v2/checkout/orders", body, "k2")
    assert (again.status_code, issue(again)) == (422, "DUPLICATE_INVOICE_ID")


async def test_what_is_not_there_is_not_found_and_strangers_get_nothing(paypal: Browser) -> None:
    for path in ("/v2/checkout/orders/NOBODY", "/v2/payments/captures/NOBODY", "/v1/nothing"):
        response = await paypal.http.get(path)
        assert (response.status_code, response.json()["name"]) == (404, "RESOURCE_NOT_FOUND")
    paypal.simulator.end_tokens()
    assert (await paypal.http.get("/v2/checkout/orders/NOBODY")).json()["error"] == "invalid_token"


async def test_no_more_than_115_percent_of_an_authorization_is_captured(paypal: Browser) -> None:
    made = (await paypal.post("/v2/checkout/orders", {**SAVED, "intent": "AUTHORIZE"}, "k1")).json()
    own = made["purchase_units"][0]["payments"]["authorizations"][0]["id"]
    too_much = {"amount": {"currency_code": "USD", "value": "12.64"}}
    assert issue(await paypal.post(f"/v2/payments/authorizations/{own}/capture", too_much)) == (
        "MAX_CAPTURE_AMOUNT_EXCEEDED"
    )
    most = {"amount": {"currency_code": "USD", "value": "12.63"}}
    assert (await paypal.post(f"/v2/payments/authorizations/{own}/capture", most)).status_code == 201


async def told(**options: Any) -> tuple[SimulatorApi, list[SampleWebhook]]:
    webhooks: list[SampleWebhook] = []

    async def deliver(webhook: SampleWebhook) -> None:
        webhooks.append(webhook)

    simulator = make_simulator(SimulatorOptions(deliver=deliver, webhook_secret=WEBHOOK_ID, **options))
    async with asking(simulator) as paypal:
        for n in range(10):
            await paypal.post("/v2/checkout/orders", SAVED, f"k{n}")
    return simulator, webhooks


async def test_callbacks_are_lost_doubled_and_the_same_again_by_their_seed() -> None:
    now = {"now_s": lambda: 1_780_000_000.0}
    assert len((await told(**now))[1]) == 20
    assert (await told(lost_callbacks=1.0, **now))[1] == []
    assert len((await told(duplicate_callbacks=1.0, **now))[1]) == 40
    first, again, other = [await told(seed=seed, lost_callbacks=0.5, **now) for seed in (1, 1, 2)]
    ids = [[json.loads(one.body)["resource"]["id"] for one in webhooks] for _, webhooks in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert first[0].truths() == again[0].truths() != other[0].truths()


async def test_a_server_that_trusts_the_simulators_root_believes_its_webhooks() -> None:
    simulator, webhooks = await told()
    async with serving(simulator) as address, httpx.AsyncClient(base_url=address, trust_env=False) as http:
        root = (await http.get(ROOT_PATH)).content
        outside = make_outside(simulator.config(address), Environment.ENVIRONMENT_SANDBOX)
        made = webhooks[0]
        webhook = Webhook(made.body, {name.lower(): value for name, value in made.headers.items()})
        for anchors, believed in (((root,), True), ((), False)):
            material = await outside.gather(webhook, Material(webhook_id=WEBHOOK_ID, trust_anchors=anchors))
            if believed:
                opened = open_webhook(webhook, material, int(time.time()))
                assert await outside.confirm(webhook, opened, material) is not None
            else:
                with pytest.raises(SignatureRejected):
                    open_webhook(webhook, material, int(time.time()))
        await outside.aclose()


async def test_no_webhook_shows_what_the_simulator_keeps_for_itself() -> None:
    _, webhooks = await told()
    assert webhooks
    assert not any(b'"_' in one.body for one in webhooks)
