"""M-Pesa through the real services: what a merchant's program calls, with the simulated Daraja behind it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mpesa_shop import PAYER, serving

from connectors.mpesa.simulator_api import URL_TOKEN, DarajaSimulator, make_simulator
from connectors.spi import SampleWebhook
from connectors.spi.simulating import Faults, Faulty, SimulatorOptions
from orchestrator.bootstrap import Application, build
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import OutcomeUnknown, ProviderUnavailable, RequestRejected
from orchestratorx_prism.v1.event_data_pb2 import PAYOUT_STATUS_PENDING, PAYOUT_STATUS_SUCCEEDED
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PaymentStatus
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceAuthorizeRequest,
    PaymentServiceGetRequest,
    PaymentServiceListRequest,
)
from orchestratorx_prism.v1.payout_service_pb2 import (
    PayoutDestination,
    PayoutServiceCreateRequest,
    PayoutServiceGetRequest,
)
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

KES_1500 = Money(minor_units=150_000, currency="KES")


class Server:
    """The application, the simulator with a clock, and the callbacks' way from one to the other."""

    def __init__(self, **options: Any) -> None:
        self.now_s = time.time()
        settings = {"seed": 3, "deliver": self._deliver, "now_s": lambda: self.now_s, **options}
        self.simulator: DarajaSimulator = make_simulator(SimulatorOptions(**settings))
        self.faulty = Faulty(self.simulator, Faults())
        self.application: Application

    async def later(self, seconds: float = 60) -> int:
        self.now_s += seconds
        sent = await self.simulator.advance()
        assert self.simulator.callbacks.refused == []
        return sent

    async def authorize(self, request_id: str, phone: str = PAYER) -> Any:
        return await self.application.services.payments.authorize(
            PaymentServiceAuthorizeRequest(
                request_id=request_id,
                connector="mpesa",
                amount=KES_1500,
                merchant_transaction_id="order-7",
                instrument=Instrument(phone=phone),
            )
        )

    async def get(self, payment_id: str, *, refresh: bool = False) -> Any:
        request = PaymentServiceGetRequest(payment_id=payment_id, refresh=refresh)
        return (await self.application.services.payments.get(request)).payment

    async def pay_out(self, request_id: str) -> Any:
        request = PayoutServiceCreateRequest(
            request_id=request_id,
            connector="mpesa",
            amount=KES_1500,
            destination=PayoutDestination(phone=PAYER),
            merchant_payout_id="salary-3",
        )
        return (await self.application.services.payouts.create(request)).payout

    async def _deliver(self, webhook: SampleWebhook) -> None:
        request = HandleEventRequest(
            connector="mpesa",
            payload=webhook.body,
            url_token=webhook.url_token,
            purpose=webhook.purpose,
        )
        await self.application.services.events.handle_event(request)


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Server]:
    server = Server(**options)
    async with serving(server.faulty) as base:
        mpesa = {"credentials": dict(server.simulator.config(base)), "webhook_secrets": [URL_TOKEN]}
        settings = {"database_url": "memory:", "merchants": {"default": {"connectors": {"mpesa": mpesa}}}}
        server.application = build(settings_from(settings), publishes=False)
        await server.application.ledger.open()
        try:
            yield server
        finally:
            await server.simulator.aclose()
            await server.application.stop()


def word(status: int) -> str:
    return PaymentStatus.Name(status).removeprefix("PAYMENT_STATUS_")


async def test_a_payment_is_taken_by_its_callback_and_given_back() -> None:
    async with running() as server:
        answer = await server.authorize("order-7-payment")
        assert word(answer.payment.status) == "ACTION_REQUIRED"
        assert answer.next_action.type == "stk_push"
        again = await server.authorize("order-7-payment")
        assert again == answer
        assert len(server.simulator.truths()) == 1

        assert await server.later() == 1
        payment = await server.get(answer.payment.id)
        assert (word(payment.status), payment.captured) == ("CAPTURED", KES_1500)

        request = RefundServiceCreateRequest(request_id="order-7-refund", payment_id=payment.id)
        await server.application.services.refunds.create(request)
        assert await server.later() == 1
        payment = await server.get(payment.id)
        assert (payment.refunded, list(payment.anomalies)) == (KES_1500, [])


async def test_a_lost_callback_is_made_up_for_by_a_refresh() -> None:
    async with running(lost_callbacks=1.0) as server:
        answer = await server.authorize("order-7-payment")
        assert await server.later() == 0
        payment = await server.get(answer.payment.id, refresh=True)
        assert (word(payment.status), payment.captured) == ("CAPTURED", KES_1500)


async def test_a_lost_answer_is_unknown_and_charges_nobody_again() -> None:
    async with running(callback_delay_s=600) as server:
        server.faulty.faults = Faults(lost_replies=1.0)
        with pytest.raises(OutcomeUnknown) as lost:
            await server.authorize("order-7-payment")
        server.faulty.faults = Faults()
        assert word((await server.get(lost.value.metadata["payment_id"])).status) == "UNKNOWN"
        with pytest.raises(OutcomeUnknown):
            await server.authorize("order-7-payment")
        assert len(server.simulator.truths()) == 1


async def test_a_lost_answer_whose_callback_comes_ends_as_one_payment() -> None:
    async with running() as server:
        server.faulty.faults = Faults(lost_replies=1.0)
        with pytest.raises(OutcomeUnknown) as lost:
            await server.authorize("order-7-payment")
        server.faulty.faults = Faults()
        assert await server.later(0) == 1
        answer = await server.authorize("order-7-payment")
        assert (word(answer.payment.status), answer.payment.captured) == ("CAPTURED", KES_1500)
        listed = await server.application.services.payments.list(PaymentServiceListRequest())
        assert [(word(one.status), one.captured) for one in listed.payments] == [("CAPTURED", KES_1500)]
        assert word((await server.get(lost.value.metadata["payment_id"])).status) == "CAPTURED"
        assert len(server.simulator.truths()) == 1


async def test_five_payers_who_are_busy_do_not_stop_the_sixth() -> None:
    async with running() as server:
        for n in range(6):
            with pytest.raises(ProviderUnavailable) as busy:
                await server.authorize(f"order-{n}", "254700001001")
            assert busy.value.reason == "PROVIDER_BUSY"
        assert word((await server.authorize("order-9")).payment.status) == "ACTION_REQUIRED"


async def test_a_request_that_m_pesa_cannot_take_names_the_field() -> None:
    async with running() as server:
        with pytest.raises(RequestRejected) as refused:
            await server.authorize("order-7-payment", "+1 555 0100")
        assert refused.value.metadata == {"field": "instrument.phone"}


async def test_a_payout_is_believed_when_its_result_comes() -> None:
    async with running() as server:
        payout = await server.pay_out("salary-3-payout")
        assert payout.status == PAYOUT_STATUS_PENDING
        assert await server.later() == 1
        request = PayoutServiceGetRequest(payout_id=payout.payout_id)
        now = (await server.application.services.payouts.get(request)).payout
        assert (now.status, now.amount) == (PAYOUT_STATUS_SUCCEEDED, KES_1500)
