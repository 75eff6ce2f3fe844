"""Tokens, credentials, odd answers and secrets of our M-Pesa client, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import replace
from typing import Any

import pytest
from mpesa_shop import (
    SANDBOX,
    TOKEN,
    Odd,
    Shop,
    open_shop,
    serving,
)

from connectors.mpesa.client import DarajaClient
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
)


async def test_where_nobody_listens_nothing_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    shop = Shop()
    client = DarajaClient(shop.simulator.config(base), SANDBOX)
    for call in (shop.authorize(), shop.payout()):
        with pytest.raises(ProviderUnavailable):
            await client.call(call)
    await client.aclose()


async def test_a_token_that_does_not_come_in_time_means_that_nothing_was_sent() -> None:
    async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(1)

    shop = Shop()
    async with serving(silent) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX)
        with pytest.raises(ProviderUnavailable, match="in time"):
            await client.call(replace(shop.authorize(), timeout_s=0.2))
        await client.aclose()


async def test_one_token_serves_fifty_pushes_and_is_renewed_once_for_all() -> None:
    async with open_shop() as shop:
        await asyncio.gather(*(shop.does(shop.authorize(merchant_transaction_id=f"a{n}")) for n in range(50)))
        assert shop.simulator.asked[TOKEN] == 1
        shop.simulator.end_tokens()
        await asyncio.gather(*(shop.does(shop.authorize(merchant_transaction_id=f"b{n}")) for n in range(50)))
        assert shop.simulator.asked[TOKEN] == 2
        await shop.later()
        assert sum(truth.captured_minor for truth in shop.simulator.truths()) == 100 * 150_000
        assert len({truth.connector_transaction_id for truth in shop.simulator.truths()}) == 100
        assert shop.types().count("payment.captured") == 100


async def test_a_token_that_is_refused_is_asked_for_once_for_all_who_wait() -> None:
    shop = Shop()
    async with serving(shop.simulator) as base:
        client = DarajaClient({**shop.simulator.config(base), "MPESA_CONSUMER_SECRET": "wrong-one"}, SANDBOX)
        ends = await asyncio.gather(*(client.call(shop.authorize()) for _ in range(20)), return_exceptions=True)
        await client.aclose()
    assert {type(end) for end in ends} == {ProviderRefused}
    assert shop.simulator.asked[TOKEN] == 1


async def test_a_caller_who_gives_up_waiting_for_a_token_leaves_it_to_the_others() -> None:
    shop = Shop()

    async def slow_token(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == TOKEN:
            await asyncio.sleep(0.5)
        await shop.simulator(scope, receive, send)

    async with serving(slow_token) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX)
        hasty, patient = await asyncio.gather(
            client.call(replace(shop.authorize(), timeout_s=0.1)),
            client.call(shop.authorize()),
            return_exceptions=True,
        )
        await client.aclose()
    assert isinstance(hasty, ProviderUnavailable)
    assert not isinstance(patient, BaseException)
    assert shop.simulator.asked[TOKEN] == 1


@pytest.mark.parametrize(
    "key", ["MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_PASSKEY", "MPESA_SHORTCODE"], ids=str
)
async def test_wrong_credentials_are_refused_as_such(key: str) -> None:
    shop = Shop()
    async with serving(shop.simulator) as base:
        config = {**shop.simulator.config(base), key: "wrong-one"}
        client = DarajaClient(config, SANDBOX)
        with pytest.raises(ProviderRefused) as refused:
            await client.call(shop.authorize())
        await client.aclose()
    assert refused.value.metadata["category"] == "CREDENTIALS"
    assert "wrong-one" not in str(refused.value)
    assert shop.simulator.truths() == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 200, OutcomeUnknown),
        (b"<html>Bad gateway</html>", 502, OutcomeUnknown),
        (b"[]", 200, OutcomeUnknown),
        (b"{}", 200, OutcomeUnknown),
        (b'{"ResponseCode":"0"}', 200, OutcomeUnknown),
        (b'{"ResponseCode":"0","CheckoutRequestID":{}}', 200, OutcomeUnknown),
        (b'{"ResponseCode":"31415"}', 200, OutcomeUnknown),
        (b"\xff\xfe", 200, OutcomeUnknown),
        (b"[" * 100_000, 200, OutcomeUnknown),
        (b"", 302, OutcomeUnknown),
        (b"", 408, OutcomeUnknown),
        (b'{"errorCode":"500.003.1001","errorMessage":"Internal Server Error"}', 500, OutcomeUnknown),
        (b'{"ResponseCode":"1","ResponseDescription":"Unable to lock subscriber, a"}', 200, ProviderUnavailable),
        (b'{"errorCode":"500.003.03","errorMessage":"Quota Violation"}', 500, ProviderUnavailable),
        (b"", 429, ProviderUnavailable),
        (b"<html>blocked</html>", 403, ProviderRefused),
        (b'{"errorCode":"404.001.03","errorMessage":"Invalid Access Token"}', 404, ProviderRefused),
        (b'{"errorCode":"400.002.02","errorMessage":"Bad Request - Invalid PhoneNumber"}', 400, ProviderRefused),
        (b'{"ResponseCode":"2028","ResponseDescription":"Not permitted"}', 200, ProviderRefused),
    ],
)
async def test_an_odd_answer_ends_in_one_of_our_errors(body: bytes, status: int, error: type[PrismError]) -> None:
    shop = Shop()
    async with serving(Odd(body, status)) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX)
        for call in (shop.authorize(), shop.payout()):
            with pytest.raises(error):
                await client.call(call)
        await client.aclose()


async def test_nothing_that_is_secret_is_shown_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    async with open_shop(callback_delay_s=1) as shop:
        payment_call = shop.authorize("254712345678")
        shown.append(await shop.does(payment_call))
        await shop.later()
        payment = await shop.payment(payment_call.key)
        shown.append(await shop.does(shop.refresh(payment)))
        shown.append(await shop.does(shop.refund(payment)))
        shown.append(await shop.does(shop.payout("254712345678")))
        await shop.later()
        shop.faulty.faults = Faults(lost_replies=1.0)
        calls = [shop.authorize("254712345678"), shop.payout("254712345678"), shop.refresh(payment)]
        for call in calls:
            with pytest.raises(PrismError) as caught:
                await shop.client.call(call)
            shown += [caught.value, repr(caught.value), caught.value.metadata, call, caught.value.__cause__]
        shown += [shop.client, vars(shop.client)["_account"], *(event for event in shop.events)]
        config = shop.simulator.config("http://127.0.0.1")
    text = "\n".join([*(f"{one!s} {one!r}" for one in shown), caplog.text])
    secrets = [config[key] for key in config if key not in {"MPESA_SHORTCODE", "MPESA_CALLBACK_BASE", "MPESA_API_BASE"}]
    for secret in [*secrets, "254712345678", "712345678", "Bearer", "Basic"]:
        assert secret not in text, secret
    assert "5678" in text
