"""Pushes of our M-Pesa client against the simulated Daraja, over real HTTP on loopback."""

from __future__ import annotations

import pytest
from mpesa_shop import (
    PAYER,
    QUERY,
    SANDBOX,
    open_shop,
    word,
)

from connectors.mpesa import connector
from connectors.mpesa.client import DarajaClient
from connectors.mpesa.simulator_api import DarajaSimulator
from connectors.spi.operations import REQUEST
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import (
    ProviderUnavailable,
    RequestRejected,
)
from orchestratorx_prism.v1.money_pb2 import Money


async def test_a_push_is_answered_by_a_prompt_and_paid_by_the_callback() -> None:
    async with open_shop(callback_delay_s=20) as shop:
        call = shop.authorize("0708 374 149")
        answer = await shop.does(call)
        (event,) = answer.events
        assert event.type == "payment.action_required"
        assert event.payment.amount == Money(minor_units=150_000, currency="KES")
        assert answer.next_action is not None
        assert answer.next_action.type == event.payment.next_action.type == "stk_push"
        assert answer.next_action.expires_at.seconds == int(shop.now_s) + 120
        references = {reference.kind: reference.value for reference in event.references}
        assert references[REQUEST] == call.key
        assert references["checkout_request"] == event.connector_transaction_id
        assert word((await shop.payment(call.key)).status) == "ACTION_REQUIRED"

        assert await shop.later(10) == 0
        assert await shop.later(10) == 1
        payment = await shop.payment(call.key)
        assert word(payment.status) == "CAPTURED"
        assert (payment.captured.minor_units, payment.merchant_transaction_id) == (150_000, "order-7")
        assert payment.payment_method.last4 == "4149"
        (truth,) = shop.simulator.truths()
        assert (truth.status, truth.captured_minor) == ("CAPTURED", 150_000)
        assert truth.connector_transaction_id == payment.connector_transaction_id


@pytest.mark.parametrize(
    ("phone", "status", "code", "truth"),
    [
        ("254700000001", "FAILED", "insufficient_funds", "FAILED"),
        ("254700001032", "FAILED", "canceled_by_payer", "FAILED"),
        ("254700002001", "FAILED", "wrong_pin", "FAILED"),
        ("254700001019", "EXPIRED", "", "FAILED"),
        ("254700001037", "PENDING", "", "FAILED"),
        ("254700004999", "ACTION_REQUIRED", "", "ACTION_REQUIRED"),
    ],
)
async def test_each_magic_phone_ends_as_documented(phone: str, status: str, code: str, truth: str) -> None:
    async with open_shop() as shop:
        call = shop.authorize(phone)
        await shop.does(call)
        await shop.later()
        payment = await shop.payment(call.key)
        assert (word(payment.status), payment.failure.code) == (status, code)
        assert payment.captured.minor_units == 0
        assert [one.status for one in shop.simulator.truths()] == [truth]


async def test_a_success_after_no_response_is_believed() -> None:
    async with open_shop() as shop:
        call = shop.authorize("254700011037")
        await shop.does(call)
        await shop.later()
        assert word((await shop.payment(call.key)).status) == "PENDING"
        await shop.later(600)
        payment = await shop.payment(call.key)
        assert (word(payment.status), payment.captured.minor_units) == ("CAPTURED", 150_000)


async def test_a_duplicate_callback_changes_nothing() -> None:
    async with open_shop(duplicate_callbacks=1.0) as shop:
        call = shop.authorize()
        await shop.does(call)
        assert await shop.later() == 2
        assert shop.types() == ["payment.action_required", "payment.captured"]


@pytest.mark.parametrize(
    ("phone", "retry_after_s"), [("254700001001", 60.0), ("254700000503", 5.0)], ids=["locked", "busy"]
)
async def test_what_daraja_cannot_take_now_is_said_to_be_tried_later(phone: str, retry_after_s: float) -> None:
    async with open_shop() as shop:
        with pytest.raises(ProviderUnavailable) as refused:
            await shop.does(shop.authorize(phone))
        assert (refused.value.retry_after_s, refused.value.reason) == (retry_after_s, "PROVIDER_BUSY")
        assert shop.simulator.truths() == []


async def test_an_answer_that_comes_late_but_in_time_is_an_answer() -> None:
    async with open_shop() as shop:
        shop.simulator.late_answer_s = 0.2
        answer = await shop.does(shop.authorize("254700000408"))
        assert [event.type for event in answer.events] == ["payment.action_required"]


async def test_a_refresh_tells_how_the_push_ended_and_the_callback_adds_the_receipt() -> None:
    async with open_shop(callback_delay_s=30, lost_callbacks=0.0) as shop:
        call = shop.authorize()
        await shop.does(call)
        payment = await shop.payment(call.key)
        assert (await shop.does(shop.refresh(payment))).events == []

        shop.now_s += 30
        first = await shop.does(shop.refresh(payment))
        again = await shop.does(shop.refresh(payment))
        assert [event.type for event in first.events] == ["payment.captured"]
        assert [event.id for event in again.events] == [event.id for event in first.events]
        payment = await shop.payment(call.key)
        assert (word(payment.status), payment.captured.minor_units) == ("CAPTURED", 150_000)
        with pytest.raises(RequestRejected, match="receipt"):
            await shop.client.call(shop.refund(payment))

        await shop.simulator.advance()
        payment = await shop.payment(call.key)
        assert (word(payment.status), payment.captured.minor_units, list(payment.anomalies)) == (
            "CAPTURED",
            150_000,
            [],
        )
        assert "receipt" in {reference.kind for reference in payment.references}


async def test_a_refresh_of_a_declined_push_tells_why() -> None:
    async with open_shop(lost_callbacks=1.0) as shop:
        call = shop.authorize("254700001032")
        await shop.does(call)
        assert await shop.later() == 0
        (event,) = (await shop.does(shop.refresh(await shop.payment(call.key)))).events
        assert (event.type, event.payment.failure.code) == ("payment.failed", "canceled_by_payer")
        assert word((await shop.payment(call.key)).status) == "FAILED"


async def test_a_question_is_repeated_and_changes_nothing_when_it_fails() -> None:
    async with open_shop() as shop:
        call = shop.authorize()
        await shop.does(call)
        payment = await shop.payment(call.key)
        shop.faulty.faults = Faults(lost_replies=1.0)
        with pytest.raises(ProviderUnavailable):
            await shop.client.call(shop.refresh(payment))
        assert shop.simulator.asked[QUERY] == 3


async def test_a_payment_without_a_push_cannot_be_refreshed() -> None:
    async with open_shop() as shop:
        call = shop.authorize()
        await shop.does(call)
        payment = await shop.payment(call.key)
        del payment.references[:]
        with pytest.raises(RequestRejected):
            await shop.client.call(shop.refresh(payment))


def test_the_label_makes_a_client_and_a_simulator() -> None:
    from connectors.spi.simulating import SimulatorOptions

    assert connector.make_simulator is not None
    assert connector.make_client is not None
    simulator = connector.make_simulator(SimulatorOptions())
    assert isinstance(simulator, DarajaSimulator)
    assert isinstance(connector.make_client(simulator.config("http://127.0.0.1:1"), SANDBOX), DarajaClient)
    assert PAYER.startswith("254")
