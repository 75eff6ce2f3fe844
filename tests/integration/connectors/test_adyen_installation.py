"""A whole installation with Adyen's simulator: services, ledger, webhooks coming back, and lost replies resolved."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from adyen_operations import card, eur
from provider_desk import Desk, desk_of

from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused
from orchestratorx_prism.v1 import mandate_service_pb2 as mandates
from orchestratorx_prism.v1 import payment_service_pb2 as payments
from orchestratorx_prism.v1 import payout_service_pb2 as payouts
from orchestratorx_prism.v1 import refund_service_pb2 as refunds
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.payment_pb2 import Payment, PaymentStatus


async def ask(desk: Desk, module: Any, service: str, rpc: str, **fields: Any) -> Any:
    names = module.DESCRIPTOR.services_by_name[service].methods_by_name[rpc]
    request = getattr(module, names.input_type.name)(**fields)
    if "request_id" in names.input_type.fields_by_name and not request.request_id:
        request.request_id = str(uuid.uuid4())
    answer = getattr(module, names.output_type.name)
    return await desk.transport.unary(f"orchestratorx_prism.v1.{service}", rpc, request, response_type=answer)


async def authorize(desk: Desk, **fields: Any) -> Any:
    values: dict[str, Any] = {
        "connector": "adyen",
        "amount": eur(1099),
        "instrument": Instrument(token=card()),
        "merchant_transaction_id": "order-1",
        "return_url": "https://shop.example/back",
    }
    return await ask(desk, payments, "PaymentService", "Authorize", **{**values, **fields})


async def payment(desk: Desk, payment_id: str) -> Payment:
    await desk.simulator.aclose()
    found = await ask(desk, payments, "PaymentService", "Get", payment_id=payment_id)
    return found.payment  # type: ignore[no-any-return]


def status(found: Payment) -> str:
    return PaymentStatus.Name(found.status).removeprefix("PAYMENT_STATUS_")


async def test_authorize_capture_and_refund_end_in_the_providers_truth() -> None:
    async with desk_of("adyen") as desk:
        made = (await authorize(desk, capture_mode=payments.CAPTURE_MODE_MANUAL)).payment
        assert status(made) == "AUTHORIZED"
        await ask(desk, payments, "PaymentService", "Capture", payment_id=made.id, amount=eur(1000))
        assert (await payment(desk, made.id)).captured.minor_units == 1000
        refund = await ask(desk, refunds, "RefundService", "Create", payment_id=made.id, amount=eur(400))
        assert refund.refund.amount.minor_units == 400
        found = await payment(desk, made.id)
        truth = desk.simulator.truths()[0]
        assert (found.captured.minor_units, found.refunded.minor_units) == (1000, 400)
        assert (truth.captured_minor, truth.refunded_minor, truth.status) == (1000, 400, status(found))
        assert not found.anomalies
        assert not desk.refused


async def test_a_lost_reply_is_found_by_the_same_request_and_joins_its_webhook() -> None:
    async with desk_of("adyen", faults=Faults(lost_replies=1.0)) as desk:
        request_id = str(uuid.uuid4())
        with pytest.raises(OutcomeUnknown) as unknown:
            await authorize(desk, request_id=request_id)
        payment_id = unknown.value.metadata["payment_id"]
        found = await payment(desk, payment_id)
        # The webhook has told before anybody asked: it carries our key.
        assert status(found) == "AUTHORIZED"
        desk.faulty.faults = Faults()
        answer = await authorize(desk, request_id=request_id)
        assert (answer.payment.id, status(answer.payment)) == (payment_id, "CAPTURED")
        assert len(desk.simulator.truths()) == 1


async def test_a_redirect_is_one_payment_from_the_first_call_to_the_webhook() -> None:
    async with desk_of("adyen") as desk:
        away = await authorize(desk, instrument=Instrument(redirect_method="ideal"))
        assert status(away.payment) == "ACTION_REQUIRED"
        result = away.next_action.redirect_url.rsplit("/", 1)[-1]
        back = await ask(
            desk,
            payments,
            "PaymentService",
            "ConfirmRedirect",
            payment_id=away.payment.id,
            parameters={"redirectResult": result},
        )
        assert (back.payment.id, status(back.payment)) == (away.payment.id, "CAPTURED")
        assert status(await payment(desk, away.payment.id)) == "CAPTURED"
        listed = await ask(desk, payments, "PaymentService", "List")
        assert [each.id for each in listed.payments] == [away.payment.id]


async def test_a_void_and_an_increment_are_decided_by_their_webhooks() -> None:
    async with desk_of("adyen") as desk:
        made = (await authorize(desk, capture_mode=payments.CAPTURE_MODE_MANUAL)).payment
        await ask(desk, payments, "PaymentService", "IncrementAuthorization", payment_id=made.id, amount=eur(1))
        assert (await payment(desk, made.id)).authorized.minor_units == 1100
        await ask(desk, payments, "PaymentService", "Void", payment_id=made.id)
        assert status(await payment(desk, made.id)) == "VOIDED"


async def test_a_payout_and_a_mandate_go_through_their_services() -> None:
    async with desk_of("adyen") as desk:
        paid_out = await ask(
            desk,
            payouts,
            "PayoutService",
            "Create",
            connector="adyen",
            amount=eur(500),
            destination={"connector_account_id": "SE00000000000000000000001"},
            merchant_payout_id="payout-9",
        )
        assert paid_out.payout.merchant_payout_id == "payout-9"
        consent = await ask(
            desk,
            mandates,
            "MandateService",
            "Setup",
            connector="adyen",
            connector_customer_id="shopper-1",
            instrument=Instrument(token=card()),
            return_url="https://shop.example/back",
            currency="EUR",
        )
        charge = {
            "connector": "adyen",
            "connector_customer_id": "shopper-1",
            "connector_mandate_id": consent.mandate.connector_mandate_id,
            "amount": eur(700),
        }
        charged = await ask(desk, mandates, "MandateService", "Charge", **charge)
        assert status(charged.payment) == "CAPTURED"
        with pytest.raises(ProviderRefused):
            await ask(desk, mandates, "MandateService", "Charge", **{**charge, "connector_customer_id": "shopper-2"})


async def test_a_hundred_calls_with_one_request_id_charge_once() -> None:
    async with desk_of("adyen") as desk:
        answers = await asyncio.gather(*(authorize(desk, request_id="order-1-payment") for _ in range(100)))
        assert len({answer.payment.id for answer in answers}) == 1
        assert len(desk.simulator.truths()) == 1
