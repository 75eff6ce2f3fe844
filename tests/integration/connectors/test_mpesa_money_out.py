"""Reversals and payouts of our M-Pesa client, over real HTTP on loopback."""

from __future__ import annotations

from typing import Any

import pytest
from mpesa_shop import (
    B2C,
    FATES,
    REVERSAL,
    SANDBOX,
    STATUS,
    Shop,
    open_shop,
    paid,
    serving,
)

from connectors.mpesa.client import DarajaClient
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    RequestRejected,
)
from orchestratorx_prism.v1.event_data_pb2 import PayoutStatus
from orchestratorx_prism.v1.refund_pb2 import RefundStatus


async def test_a_payment_goes_back_in_whole() -> None:
    async with open_shop() as shop:
        payment = await paid(shop)
        answer = await shop.does(shop.refund(payment, merchant_refund_id="back-1"))
        (event,) = answer.events
        assert (event.type, event.refund.amount.minor_units) == ("refund.pending", 150_000)
        assert (event.refund.refund_reason, event.refund.merchant_refund_id) == ("wrong size", "back-1")
        await shop.later()
        assert shop.types()[-1] == "refund.succeeded"
        now = await shop.payment(payment.connector_transaction_id)
        assert (now.refunded.minor_units, list(now.anomalies)) == (150_000, [])
        refund = await shop.ledger.get_refund("default", event.refund.refund_id)
        assert refund is not None
        assert refund.status == RefundStatus.REFUND_STATUS_SUCCEEDED
        assert [truth.refunded_minor for truth in shop.simulator.truths()] == [150_000]
        with pytest.raises(RequestRejected, match="gone back"):
            await shop.client.call(shop.refund(now))


async def test_a_reversal_that_fails_later_leaves_the_payment_whole() -> None:
    async with open_shop() as shop:
        payment = await paid(shop)
        await shop.does(shop.refund(payment))
        await shop.does(shop.refund(payment))
        await shop.later()
        assert sorted(shop.types()[-2:]) == ["refund.failed", "refund.succeeded"]
        now = await shop.payment(payment.connector_transaction_id)
        assert (now.refunded.minor_units, now.captured.minor_units) == (150_000, 150_000)


@pytest.mark.parametrize("fate", FATES)
async def test_a_reversal_is_not_sent_twice_and_its_callback_tells_the_end(fate: str) -> None:
    faults, made = FATES[fate]
    async with open_shop() as shop:
        payment = await paid(shop)
        shop.faulty.faults = faults
        call = shop.refund(payment)
        with pytest.raises(OutcomeUnknown):
            await shop.does(call)
        assert shop.simulator.asked[REVERSAL] == made
        assert await shop.client.resolve(call) is None
        assert shop.simulator.asked[REVERSAL] == made
        assert await shop.later() == made
        assert sum(truth.refunded_minor for truth in shop.simulator.truths()) == made * 150_000


async def test_a_payout_is_sent_and_arrives() -> None:
    async with open_shop() as shop:
        call = shop.payout("+254 708 374 149")
        (event,) = (await shop.does(call)).events
        assert event.type == "payout.pending"
        assert (event.payout.merchant_payout_id, event.payout.merchant_transaction_id) == (call.key, "salary-3")
        await shop.later()
        payout = await shop.ledger.get_payout("default", event.payout.payout_id)
        assert payout is not None
        assert payout.status == PayoutStatus.PAYOUT_STATUS_SUCCEEDED
        assert (payout.amount.minor_units, payout.merchant_transaction_id) == (70_000, "salary-3")


@pytest.mark.parametrize(
    ("phone", "code"), [("254700000001", "insufficient_funds"), ("254700002040", "receiver_not_registered")]
)
async def test_a_payout_that_is_refused_fails(phone: str, code: str) -> None:
    async with open_shop() as shop:
        (event,) = (await shop.does(shop.payout(phone))).events
        await shop.later()
        payout = await shop.ledger.get_payout("default", event.payout.payout_id)
        assert payout is not None
        assert (payout.status, payout.failure.code) == (PayoutStatus.PAYOUT_STATUS_FAILED, code)


async def test_a_payout_whose_queue_timed_out_is_pending_until_it_arrives() -> None:
    async with open_shop() as shop:
        (event,) = (await shop.does(shop.payout("254700001037"))).events
        await shop.later()
        assert shop.callbacks[-1].purpose == "b2c.timeout"
        payout = await shop.ledger.get_payout("default", event.payout.payout_id)
        assert payout is not None
        assert payout.status == PayoutStatus.PAYOUT_STATUS_PENDING
        await shop.later(600)
        payout = await shop.ledger.get_payout("default", event.payout.payout_id)
        assert payout is not None
        assert payout.status == PayoutStatus.PAYOUT_STATUS_SUCCEEDED


@pytest.mark.parametrize("fate", ["cut request", "error before"])
async def test_a_payout_that_was_not_received_is_sent_again_with_its_key(fate: str) -> None:
    shop = Shop()

    seen: list[str] = []

    async def first_payout_goes_wrong(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        shop.faulty.faults = FATES[fate][0] if scope["path"] == B2C and seen.count(B2C) == 1 else Faults()
        await shop.faulty(scope, receive, send)

    async with serving(first_payout_goes_wrong) as base:
        shop.client = DarajaClient(shop.simulator.config(base), SANDBOX)
        call = shop.payout()
        (event,) = (await shop.does(call)).events
        await shop.client.aclose()
    assert event.payout.merchant_payout_id == call.key
    assert (seen.count(B2C), shop.simulator.asked[B2C]) == (2, 1)
    assert await shop.later() == 1


@pytest.mark.parametrize("fate", ["lost reply", "error after"])
async def test_a_payout_that_was_received_is_sent_once_and_its_status_asked_for(fate: str) -> None:
    async with open_shop() as shop:
        shop.faulty.faults = FATES[fate][0]
        call = shop.payout()
        with pytest.raises(OutcomeUnknown):
            await shop.does(call)
        shop.faulty.faults = Faults()
        with pytest.raises(OutcomeUnknown, match="before"):
            await shop.does(call)
        assert await shop.client.resolve(call) is None
        assert shop.simulator.asked[STATUS] == 1
        assert await shop.later() == 2
        assert [event.payout.merchant_payout_id for event in shop.events] == [call.key, call.key]
        assert len({event.payout.payout_id for event in shop.events}) == 1
        assert {webhook.purpose for webhook in shop.callbacks} == {"b2c", "status"}


async def test_a_payout_with_wrong_operator_credentials_fails_by_callback() -> None:
    shop = Shop()
    async with serving(shop.simulator) as base:
        config = {**shop.simulator.config(base), "MPESA_SECURITY_CREDENTIAL": "bm90LWl0"}
        shop.client = DarajaClient(config, SANDBOX)
        (event,) = (await shop.does(shop.payout())).events
        await shop.later()
        await shop.client.aclose()
    payout = await shop.ledger.get_payout("default", event.payout.payout_id)
    assert payout is not None
    assert (payout.status, payout.failure.code) == (PayoutStatus.PAYOUT_STATUS_FAILED, "initiator_invalid")
