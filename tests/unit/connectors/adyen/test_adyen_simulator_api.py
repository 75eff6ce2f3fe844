"""The simulator's own half of the bargain: Adyen's refusals, its idempotency, its webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from adyen_operations import HMAC_KEY, card

from connectors.adyen import connector
from connectors.adyen.samples import MERCHANT_ACCOUNT
from connectors.adyen.simulator_api import AdyenSimulator, make_simulator
from connectors.spi import Material, SampleWebhook, Webhook
from connectors.spi.simulating import SimulatorOptions
from orchestratorx_prism.errors import RequestRejected

BASE = "http://simulator"


class Asker:
    """Asks a simulator as a merchant would, without our client."""

    def __init__(self, simulator: AdyenSimulator, http: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self._http = http

    async def post(self, path: str, body: Any, key: str = "", **headers: str) -> httpx.Response:
        config = self.simulator.config(BASE)
        name = "ADYEN_TRANSFERS_API_KEY" if path.startswith("/btl") else "ADYEN_API_KEY"
        sent = {"x-api-key": config[name], **({"idempotency-key": key} if key else {}), **headers}
        return await self._http.post(path, json=body, headers=sent)

    async def get(self, path: str) -> httpx.Response:
        return await self._http.get(path)

    async def pay(self, key: str = "", **changes: Any) -> httpx.Response:
        return await self.post("/v71/payments", payment(**changes), key)


def payment(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "merchantAccount": MERCHANT_ACCOUNT,
        "amount": {"currency": "EUR", "value": 1099},
        "reference": "order-1",
        "paymentMethod": json.loads(card()),
        "returnUrl": "https://shop.example/back?a=1",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


@asynccontextmanager
async def asking(**options: Any) -> AsyncIterator[Asker]:
    simulator = make_simulator(SimulatorOptions(**{"webhook_secret": HMAC_KEY, **options}))
    transport = httpx.ASGITransport(app=simulator)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Asker(simulator, http)
    await simulator.aclose()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"merchantAccount": "Other"}, 403, "901"),
        ({"amount": None}, 422, "100"),
        ({"amount": {"currency": "EUR", "value": -1}}, 422, "137"),
        ({"amount": {"currency": "euro", "value": 1}}, 422, "138"),
        ({"reference": None}, 422, "130"),
        ({"paymentMethod": None}, 422, "702"),
        ({"returnUrl": None}, 422, "702"),
        ({"paymentMethod": {"type": "scheme", "number": "4111111111111111"}}, 403, "010"),
        ({"paymentMethod": {"type": "scheme", "encryptedCardNumber": "x"}}, 422, "174"),
        ({"metadata": {str(number): "" for number in range(21)}}, 422, "177"),
        ({"metadata": {"orchestratorx_request": "x"}}, 422, "178"),
        ({"storePaymentMethod": True}, 422, "139"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_payments_are_validated_as_adyen_does(changes: dict[str, Any], status: int, code: str) -> None:
    async with asking() as asker:
        answer = await asker.pay(**changes)
        assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
        assert answer.json()["status"] == status
        assert asker.simulator.truths() == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v71/payments", [], 400),
        ("/v71/nothing", {}, 404),
        ("/ca/services/DisputeService/v30/rewindDispute", {"merchantAccountCode": "Other"}, 403),
        ("/btl/v4/transfers", {"balanceAccountId": "BA9"}, 422),
    ],
)
async def test_other_requests_are_refused_too(path: str, body: Any, status: int) -> None:
    async with asking() as asker:
        assert (await asker.post(path, body)).status_code == status


async def test_without_its_key_nobody_gets_in() -> None:
    async with asking() as asker:
        assert (await asker.post("/v71/payments", payment(), **{"x-api-key": "wrong"})).status_code == 401
        other = asker.simulator.config(BASE)["ADYEN_API_KEY"]
        assert (await asker.post("/btl/v4/transfers", {}, **{"x-api-key": other})).status_code == 401


async def test_a_key_gives_its_first_answer_and_takes_no_other_body() -> None:
    async with asking() as asker:
        first, again = await asker.pay("key-1"), await asker.pay("key-1")
        assert first.json() == again.json()
        assert again.headers["idempotency-key"] == "key-1"
        other = await asker.pay("key-1", reference="order-2")
        assert (other.status_code, other.json()["errorCode"]) == (422, "704")
        assert "transient-error" not in other.headers
        assert (await asker.pay("key-2")).json()["pspReference"] != first.json()["pspReference"]
        assert len(asker.simulator.truths()) == 2


async def test_a_refused_request_leaves_its_key_unused() -> None:
    async with asking() as asker:
        assert (await asker.pay("key-1", reference=None)).status_code == 422
        assert (await asker.pay("key-1")).status_code == 200


async def test_a_key_in_use_is_refused_for_now() -> None:
    async with asking() as asker:
        late = {"paymentMethod": json.loads(card("SIMULATOR_LATE"))}
        slow = asyncio.create_task(asker.pay("key-1", **late))
        while not asker.simulator.truths():  # noqa: ASYNC110 (it is carried out before it is late)
            await asyncio.sleep(0)
        second = await asker.pay("key-1", **late)
        assert (second.status_code, second.json()["errorCode"]) == (422, "704")
        assert second.headers["transient-error"] == "true"
        assert (await slow).status_code == 200
        assert (await asker.pay("key-1", **late)).json() == (await slow).json()


async def test_the_same_seed_and_requests_make_the_same_ids_and_webhooks() -> None:
    async def run() -> tuple[Any, list[bytes]]:
        sent: list[bytes] = []

        async def deliver(made: SampleWebhook) -> None:
            sent.append(made.body)

        async with asking(seed=7, deliver=deliver, now_s=lambda: 1_780_000_000.0) as asker:
            answers = [(await asker.pay(f"key-{number}")).json() for number in range(3)]
        return answers, sent

    assert await run() == await run()


async def test_webhooks_are_signed_late_lost_or_twice() -> None:
    sent: list[SampleWebhook] = []

    async def deliver(made: SampleWebhook) -> None:
        sent.append(made)

    async with asking(deliver=deliver, callback_delay_s=0.01, duplicate_callbacks=1.0) as asker:
        await asker.pay()
        assert sent == []
    assert len(sent) == 2
    headers = {name.lower(): value for name, value in sent[0].headers.items()}
    connector.open(Webhook(sent[0].body, headers), Material(secrets=(HMAC_KEY,)), 0)
    async with asking(deliver=deliver, lost_callbacks=1.0) as asker:
        await asker.pay()
    assert len(sent) == 2


async def test_the_issuers_page_sends_the_payer_back() -> None:
    async with asking() as asker:
        away = (await asker.pay(paymentMethod={"type": "ideal"})).json()
        assert asker.simulator.truths()[0].status == "ACTION_REQUIRED"
        page = away["action"]["url"].removeprefix(BASE)
        back = await asker.get(f"{page}?how=refused")
        assert back.headers["location"].startswith("https://shop.example/back?a=1&redirectResult=X6X")
        assert (await asker.get("/checkoutshopper/redirect/nobody")).status_code == 404
        result = back.headers["location"].rsplit("=", 1)[-1]
        answer = await asker.post("/v71/payments/details", {"details": {"redirectResult": result}})
        assert (answer.json()["resultCode"], answer.json()["refusalReasonCode"]) == ("Refused", "2")


def test_a_secret_that_is_no_key_is_refused() -> None:
    with pytest.raises(RequestRejected):
        make_simulator(SimulatorOptions(webhook_secret="no hexadecimal"))
