"""The simulator's API by itself, as curl would use it: Stripe's forms, errors, lists, keys and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from connectors.spi import Context, Environment, Material, SampleWebhook, Webhook
from connectors.spi.simulating import SimulatorOptions
from connectors.stripe import connector
from connectors.stripe.simulator_api import KEY, StripeSimulator
from connectors.stripe.simulator_forms import Refused, read_form, read_upload

NOW_S = 1_780_000_000
PAY = {
    "amount": "1099",
    "currency": "usd",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}
HOLD = {
    **PAY,
    "capture_method": "manual",
    "payment_method_options[card][request_multicapture]": "if_available",
    "payment_method_options[card][request_incremental_authorization]": "if_available",
}


class Curl:
    def __init__(self, simulator: StripeSimulator) -> None:
        self.simulator = simulator
        transport = httpx.ASGITransport(simulator)
        self.http = httpx.AsyncClient(
            transport=transport, base_url="http://stripe", headers={"authorization": f"Bearer {KEY}"}
        )

    async def post(self, path: str, form: dict[str, str], key: str = "") -> httpx.Response:
        return await self.http.post(f"/v1/{path}", data=form, headers={"idempotency-key": key} if key else {})

    async def error(self, path: str, form: dict[str, str], key: str = "") -> tuple[int, dict[str, Any]]:
        answer = await self.post(path, form, key)
        return answer.status_code, answer.json()["error"]


@pytest.fixture
async def curl() -> AsyncIterator[Curl]:
    made = Curl(StripeSimulator(SimulatorOptions(now_s=lambda: NOW_S)))
    yield made
    await made.http.aclose()


def test_a_form_with_brackets_is_nested() -> None:
    assert read_form("a=1&b[c]=2&b[d][e]=3&f[0][g]=4&f[1][g]=5&h[]=6&h[]=7&i[10]=b&i[9]=a&j=") == {
        "a": "1",
        "b": {"c": "2", "d": {"e": "3"}},
        "f": [{"g": "4"}, {"g": "5"}],
        "h": ["6", "7"],
        "i": ["a", "b"],
        "j": "",
    }


def test_a_value_that_has_parts_too_is_refused() -> None:
    with pytest.raises(Refused):
        read_form("a=1&a[b]=2")


def test_a_file_is_read_from_its_parts() -> None:
    body = (
        b'--X\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ndispute_evidence\r\n'
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="r.pdf"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n%PDF\x00\xff\r\n--X--\r\n"
    )
    values = read_upload("multipart/form-data; boundary=X", body)
    assert values == {"purpose": "dispute_evidence", "file": {"filename": "r.pdf", "bytes": b"%PDF\x00\xff"}}


@pytest.mark.parametrize(
    ("path", "form", "status", "code", "param"),
    [
        ("payment_intents", {"currency": "usd"}, 400, "parameter_missing", "amount"),
        ("payment_intents", {**PAY, "amount": "1.5"}, 400, "parameter_invalid_integer", "amount"),
        ("payment_intents", {**PAY, "amount": "-1"}, 400, "parameter_invalid_integer", "amount"),
        ("payment_intents", {**PAY, "colour": "red"}, 400, "parameter_unknown", "colour"),
        (
            "payment_intents",
            {**PAY, "payment_method_types[]": "card"},
            400,
            "parameter_unknown",
            "payment_method_types",
        ),
        ("payment_intents", {**PAY, "payment_method": "pm_x"}, 400, "resource_missing", "payment_method"),
        ("payment_intents", {**PAY, "customer": "cus_x"}, 400, "resource_missing", "customer"),
        ("payment_intents", {**PAY, "payment_method_data[card][number]": "4"}, 400, "parameter_unknown", None),
        ("payment_intents", {**PAY, "amount": "100000000"}, 400, "amount_too_large", None),
        ("payment_intents", {**PAY, "currency": "xxx"}, 400, None, "currency"),
        ("payment_intents/pi_x/capture", {}, 404, "resource_missing", "intent"),
        ("refunds", {}, 400, None, None),
        ("refunds", {"charge": "ch_x"}, 400, "resource_missing", "charge"),
        ("disputes/du_x/close", {}, 404, "resource_missing", "dispute"),
        ("nothing", {}, 404, None, None),
        ("payouts", {"amount": "999999999", "currency": "usd"}, 400, "balance_insufficient", None),
    ],
)
async def test_requests_are_checked_as_stripe_checks_them(
    curl: Curl, path: str, form: dict[str, str], status: int, code: str | None, param: str | None
) -> None:
    got, error = await curl.error(path, form)
    assert (got, error.get("code")) == (status, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    if param is not None:
        assert error["param"] == param


async def test_without_the_return_url_methods_must_not_redirect(curl: Curl) -> None:
    status, error = await curl.error("payment_intents", {**PAY, "automatic_payment_methods[allow_redirects]": "always"})
    assert (status, "return_url" in error["message"]) == (400, True)
    both = {**PAY, "allowed_payment_method_types[]": "card"}
    assert (await curl.error("payment_intents", both))[1]["code"] == "parameters_exclusive"


async def test_a_wrong_key_is_refused_and_not_quoted(curl: Curl) -> None:
    answer = await curl.http.get("/v1/refunds", headers={"authorization": "Bearer sk_test_wrongwrong"})
    assert answer.status_code == 401
    assert "wrongwrong" not in answer.text
    for nothing in ("", "Basic", "Basic \xff", "Basic Og==", "Digest x"):
        headers = {"authorization": nothing.encode("latin-1")}
        assert (await curl.http.get("/v1/refunds", headers=headers)).status_code == 401
    assert (await curl.http.get("/v1/refunds", auth=httpx.BasicAuth(KEY, ""))).status_code == 200


async def test_a_declined_card_is_a_402_with_the_payment_intent(curl: Curl) -> None:
    status, error = await curl.error("payment_intents", {**PAY, "payment_method": "pm_card_chargeDeclined"})
    assert (status, error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["decline_code"] == "generic_decline"
    intent = error["payment_intent"]
    assert (intent["status"], intent["last_payment_error"]["code"]) == ("requires_payment_method", "card_declined")
    assert error["charge"] == intent["latest_charge"]


async def test_a_repeat_with_its_key_is_the_same_answer(curl: Curl) -> None:
    first = await curl.post("payment_intents", PAY, "k-1")
    again = await curl.post("payment_intents", PAY, "k-1")
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    status, error = await curl.error("payment_intents", {**PAY, "amount": "5"}, "k-1")
    assert (status, error["type"]) == (400, "idempotency_error")
    assert len(curl.simulator.truths()) == 1


async def test_faults_of_parameters_are_not_kept_under_the_key(curl: Curl) -> None:
    assert (await curl.post("payment_intents", {**PAY, "colour": "red"}, "k-2")).status_code == 400
    assert (await curl.post("payment_intents", PAY, "k-2")).status_code == 200
    declined = {**PAY, "payment_method": "pm_card_chargeDeclined"}
    assert (await curl.post("payment_intents", declined, "k-3")).status_code == 402
    assert (await curl.post("payment_intents", declined, "k-3")).headers["idempotent-replayed"] == "true"


async def test_a_key_is_forgotten_after_a_day() -> None:
    now = [float(NOW_S)]
    curl = Curl(StripeSimulator(SimulatorOptions(now_s=lambda: now[0])))
    for expected in (1, 2):
        await curl.post("payment_intents", PAY, "k")
        await curl.post("payment_intents", PAY, "k")
        assert len(curl.simulator.truths()) == expected
        now[0] += 24 * 3600
    await curl.http.aclose()


async def test_lists_have_pages(curl: Curl) -> None:
    made = [(await curl.post("payment_intents", PAY)).json()["id"] for _ in range(5)]
    seen: list[str] = []
    more, after = True, {}
    while more:
        page = (await curl.http.get("/v1/payment_intents", params={"limit": "2", **after})).json()
        seen += [one["id"] for one in page["data"]]
        more, after = page["has_more"], {"starting_after": seen[-1]}
    assert seen == made[::-1]
    later = await curl.http.get("/v1/payment_intents", params={"created[gte]": str(NOW_S + 1)})
    assert later.json()["data"] == []


async def test_only_what_was_asked_for_at_confirmation_may_be_done_with_a_hold(curl: Curl) -> None:
    plain = (await curl.post("payment_intents", {**PAY, "capture_method": "manual"})).json()["id"]
    part = {"amount_to_capture": "5", "final_capture": "false"}
    assert (await curl.error(f"payment_intents/{plain}/capture", part))[1]["param"] == "final_capture"
    assert (await curl.post(f"payment_intents/{plain}/increment_authorization", {"amount": "2000"})).status_code == 400
    held = (await curl.post("payment_intents", HOLD)).json()["id"]
    assert (await curl.post(f"payment_intents/{held}/increment_authorization", {"amount": "2000"})).status_code == 200
    assert (await curl.post(f"payment_intents/{held}/increment_authorization", {"amount": "1500"})).status_code == 400
    after = (await curl.post(f"payment_intents/{held}/capture", part)).json()
    assert (after["status"], after["amount_received"], after["amount_capturable"]) == ("requires_capture", 5, 1995)


async def test_the_same_seed_and_requests_make_the_same_ids() -> None:
    ids = []
    for seed in (1, 1, 2):
        curl = Curl(StripeSimulator(SimulatorOptions(seed=seed, now_s=lambda: NOW_S)))
        ids.append((await curl.post("payment_intents", PAY)).json()["id"])
        await curl.http.aclose()
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("options", "times"), [({}, 1), ({"lost_callbacks": 1.0}, 0), ({"duplicate_callbacks": 1.0}, 2)]
)
async def test_webhooks_are_signed_lost_or_sent_twice_as_wanted(options: dict[str, float], times: int) -> None:
    posted: list[SampleWebhook] = []

    async def deliver(one: SampleWebhook) -> None:
        await asyncio.sleep(0)
        posted.append(one)

    clock: Callable[[], float] = lambda: NOW_S  # noqa: E731
    simulator = StripeSimulator(SimulatorOptions(deliver=deliver, webhook_secret="whsec_1", now_s=clock, **options))  # type: ignore[arg-type]
    curl = Curl(simulator)
    await curl.post("payment_intents", PAY)
    await simulator.aclose()
    await curl.http.aclose()
    assert len(posted) == 3 * times
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 10**9)
    ids = set()
    for one in posted:
        headers = {name.lower(): value for name, value in one.headers.items()}
        opened = connector.open(Webhook(one.body, headers), Material(secrets=("whsec_1",)), NOW_S)
        ids |= {event.id for event in connector.normalize(opened.parsed, context, one.body)}
    assert len(ids) == (3 if times else 0)


async def test_only_one_side_of_a_dispute_ends_it(curl: Curl) -> None:
    await curl.post("payment_intents", {**PAY, "payment_method": "pm_card_createDispute"})
    dispute = next(one for one in curl.simulator._store.objects.values() if one["object"] == "dispute")["id"]
    assert (await curl.post(f"disputes/{dispute}", {"evidence[receipt]": "file_x"})).status_code == 400
    closed = await curl.post(f"disputes/{dispute}/close", {})
    assert closed.json()["status"] == "lost"
    assert (await curl.post(f"disputes/{dispute}", {"submit": "true"})).status_code == 400
