"""Payments and refunds at Stripe: our client against the simulator, over a real socket."""

from __future__ import annotations

import pytest

from connectors.spi import Capability as C
from connectors.spi.operations import REQUEST
from orchestratorx_prism.errors import ProviderRefused
from orchestratorx_prism.v1 import payment_pb2 as pb
from orchestratorx_prism.v1.error_pb2 import FAILURE_CATEGORY_INSUFFICIENT_FUNDS
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceCaptureRequest,
)
from stripe_operations import till, usd


async def test_a_good_card_is_charged_at_once() -> None:
    async with till() as shop:
        call = shop.authorize()
        (event,) = (await shop.client.call(call)).events
        assert event.type == "payment.captured"
        assert event.payment.captured == usd(1099)
        assert {(one.kind, one.value) for one in event.references} >= {(REQUEST, call.key)}
        (truth,) = shop.simulator.truths()
        assert (truth.status, truth.captured_minor, truth.key) == ("CAPTURED", 1099, call.key)
        print([e.type for e in await shop.webhooks()])


async def test_a_hold_is_captured() -> None:
    async with till() as shop:
        payment = await shop.held()
        assert payment.status == pb.PAYMENT_STATUS_AUTHORIZED
        (event,) = (await shop.call(C.CAPTURE, PaymentServiceCaptureRequest(amount=usd(500)), payment=payment)).events
        assert event.type == "payment.partially_captured"


async def test_a_decline_is_an_event() -> None:
    async with till() as shop:
        (event,) = (await shop.client.call(shop.authorize("pm_card_visa_chargeDeclinedInsufficientFunds"))).events
        assert event.type == "payment.failed"
        assert event.payment.failure.category == FAILURE_CATEGORY_INSUFFICIENT_FUNDS
        with pytest.raises(ProviderRefused) as refusal:
            await shop.client.call(shop.authorize("pm_nothing"))
        print(refusal.value)
