"""Pushes whose answer was lost: never sent again, and found by what was paid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mpesa_shop import (
    FATES,
    PAYER,
    PULL,
    PUSH,
    REGISTER,
    SANDBOX,
    TOKEN,
    Odd,
    Shop,
    lost,
    open_shop,
    serving,
    word,
)

from connectors.mpesa.client import DarajaClient
from connectors.spi.operations import Call
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    ProviderUnavailable,
)


@pytest.mark.parametrize("fate", FATES)
async def test_a_push_that_may_have_been_received_is_never_sent_again(fate: str) -> None:
    faults, made = FATES[fate]
    async with open_shop() as shop:
        shop.faulty.faults = faults
        call = shop.authorize()
        with pytest.raises(OutcomeUnknown):
            await shop.does(call)
        shop.faulty.faults = Faults()
        assert len(shop.simulator.truths()) == made
        assert shop.simulator.asked[PUSH] == made
        answer = await shop.client.resolve(call)
        assert (answer is not None) == bool(made)
        assert shop.simulator.asked[PUSH] == made


async def test_without_the_list_of_transactions_a_lost_push_waits_for_its_callback() -> None:
    shop = Shop()
    async with serving(shop.faulty) as base:
        config = {**shop.simulator.config(base), "MPESA_PULL_NUMBER": ""}
        shop.client = DarajaClient(config, SANDBOX, now_s=lambda: shop.now_s)
        call = await lost(shop)
        assert await shop.client.resolve(call) is None
        await shop.client.aclose()
    assert set(shop.simulator.asked) == {TOKEN, PUSH}


async def test_an_answer_that_comes_too_late_leaves_the_outcome_unknown() -> None:
    async with open_shop() as shop:
        shop.simulator.late_answer_s = 1.0
        with pytest.raises(OutcomeUnknown):
            await shop.does(replace(shop.authorize("254700000408"), timeout_s=0.3))
        assert len(shop.simulator.truths()) == 1


async def test_a_push_whose_answer_was_lost_is_resolved_once_its_checkout_is_known() -> None:
    async with open_shop(callback_delay_s=30) as shop:
        call = shop.authorize()
        await shop.does(call)
        lost = replace(call, payment=await shop.payment(call.key))
        assert await shop.client.resolve(lost) is None
        await shop.later(30)
        answer = await shop.client.resolve(lost)
        assert answer is not None
        (event,) = answer.events
        assert (event.type, event.payment.amount.minor_units) == ("payment.captured", 150_000)
        assert call.key in {reference.value for reference in event.references}


@pytest.mark.parametrize("reference", ["order-7", ""])
async def test_a_lost_push_that_was_paid_is_found_in_the_list_of_transactions(reference: str) -> None:
    async with open_shop(callback_delay_s=30) as shop:
        call = await lost(shop, merchant_transaction_id=reference)
        assert await shop.client.resolve(call) is None
        await shop.later(30)
        answer = await shop.client.resolve(call)
        assert answer is not None
        (event,) = answer.events
        assert (event.type, event.payment.amount.minor_units) == ("payment.captured", 150_000)
        assert call.key in {one.value for one in event.references}
        await shop.keep(answer, call)
        payment = await shop.payment(call.key)
        (truth,) = shop.simulator.truths()
        assert payment.captured.minor_units == truth.captured_minor == 150_000
        assert truth.connector_transaction_id in {one.value for one in payment.references}
        assert list(payment.anomalies) == []
        assert shop.simulator.asked[REGISTER] == 1


@pytest.mark.parametrize(
    ("phone", "minor_units", "reference"),
    [(PAYER, 150_100, "order-7"), (PAYER, 150_000, "order-8"), ("254708374140", 150_000, "order-7")],
    ids=["another amount", "another reference", "another payer"],
)
async def test_what_somebody_else_paid_is_not_taken_for_a_lost_push(
    phone: str, minor_units: int, reference: str
) -> None:
    async with open_shop() as shop:
        call = await lost(shop, phone="254700004999")
        call.request.instrument.phone = PAYER
        shop.simulator.pay_in(phone, minor_units, reference)
        await shop.later()
        assert await shop.client.resolve(call) is None


async def test_two_payments_that_fit_a_lost_push_settle_nothing() -> None:
    async with open_shop() as shop:
        call = await lost(shop)
        shop.simulator.pay_in(PAYER, 150_000, "order-7")
        await shop.later()
        assert await shop.client.resolve(call) is None


async def test_what_was_paid_long_before_or_after_is_not_a_lost_push() -> None:
    async with open_shop() as shop:
        shop.simulator.pay_in(PAYER, 150_000, "order-7")
        await shop.later(3_000)
        call = await lost(shop, phone="254700004999")
        call.request.instrument.phone = PAYER
        await shop.later(4_000)
        shop.simulator.pay_in(PAYER, 150_000, "order-7")
        shop.simulator.end_tokens()
        assert await shop.client.resolve(call) is None
        asked = shop.simulator.asked[PULL]
        shop.now_s += 2 * 86_400
        assert await shop.client.resolve(call) is None
        assert shop.simulator.asked[PULL] == asked


async def test_a_transaction_is_found_on_a_later_page() -> None:
    async with open_shop() as shop:
        for n in range(130):
            shop.simulator.pay_in(PAYER, 150_000, f"other-{n}")
        call = await lost(shop)
        await shop.later()
        assert await shop.client.resolve(call) is not None
        assert shop.simulator.asked[PULL] == 3


@pytest.mark.parametrize("operation", ["push", "payout"])
async def test_a_question_that_is_refused_is_not_taken_for_the_end_of_the_call(operation: str) -> None:
    shop = Shop()
    async with serving(Odd(b'{"errorCode":"400.002.02","errorMessage":"Bad Request"}', 400)) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX, now_s=lambda: shop.now_s)
        with pytest.raises(ProviderUnavailable):
            await client.resolve(shop.authorize() if operation == "push" else shop.payout())
        await client.aclose()


async def test_a_registration_that_is_refused_keeps_nobody_from_the_list() -> None:
    shop = Shop()

    async def refusing_registrations(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == REGISTER:
            shop.faulty.faults = Faults(errors_after=1.0)
        await shop.faulty(scope, receive, send)
        if scope["path"] == REGISTER:
            shop.faulty.faults = Faults()

    async with serving(refusing_registrations) as base:
        shop.client = DarajaClient(shop.simulator.config(base), SANDBOX, now_s=lambda: shop.now_s)
        call = await lost(shop)
        await shop.later()
        assert await shop.client.resolve(call) is not None
        await shop.client.aclose()


PAYERS = [PAYER] * 5 + ["254700000001", "254700001032", "254700001037", "254700011037", "254700004999"]
UNSETTLED = {"254700001037": "PENDING", "254700004999": "ACTION_REQUIRED"}
"""Of these M-Pesa itself never says how it ended."""


async def test_in_a_day_with_a_fifth_of_its_callbacks_lost_asking_settles_every_payment() -> None:
    async with open_shop(seed=11, callback_delay_s=25, lost_callbacks=0.2, duplicate_callbacks=0.1) as shop:
        calls: list[Call] = []
        for quarter in range(24 * 4):
            call = shop.authorize(PAYERS[quarter % len(PAYERS)], merchant_transaction_id=f"order-{quarter}")
            await shop.does(call)
            calls.append(call)
            await shop.later(900)
        assert shop.simulator.callbacks.lost > 5
        for call in calls:
            payment = await shop.payment(call.key)
            if word(payment.status) in {"ACTION_REQUIRED", "PENDING"}:
                await shop.does(shop.refresh(payment))
        truths = {truth.merchant_transaction_id: truth for truth in shop.simulator.truths()}
        for call in calls:
            payment, truth = await shop.payment(call.key), truths[call.request.merchant_transaction_id]
            assert word(payment.status) == UNSETTLED.get(call.request.instrument.phone, truth.status)
            assert (payment.captured.minor_units, list(payment.anomalies)) == (truth.captured_minor, [])
