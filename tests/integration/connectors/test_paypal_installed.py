"""A whole installation with PayPal's simulator: services, ledger, webhooks coming back, and lost replies resolved."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from paypal_shop import usd
from provider_desk import Desk, desk_of

from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused
from orchestratorx_prism.v1 import dispute_pb2, event_data_pb2, payment_pb2, refund_pb2
from orchestratorx_prism.v1 import dispute_service_pb2 as disputes
from orchestratorx_prism.v1 import mandate_service_pb2 as mandates
from orchestratorx_prism.v1 import payment_service_pb2 as payments
from orchestratorx_prism.v1 import payout_service_pb2 as payouts
from orchestratorx_prism.v1 import refund_service_pb2 as refunds
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.payment_pb2 import Payment

MANUAL = payments.CAPTURE_MODE_MANUAL


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_of("paypal") as opened:
        yield opened
        assert opened.refused == []


async def ask(desk: Desk, module: Any, service: str, rpc: str, **fields: Any) -> Any:
    names = module.DESCRIPTOR.services_by_name[service].methods_by_name[rpc]
    request = getattr(module, names.input_type.name)(**fields)
    if "request_id" in names.input_type.fields_by_name and not request.request_id:
        request.request_id = str(uuid.uuid4())
    answer = getattr(module, names.output_type.name)
    return await desk.transport.unary(f"orchestratorx_prism.v1.{service}", rpc, request, response_type=answer)


async def authorize(desk: Desk, minor: int = 10_000, **fields: Any) -> Any:
    values: dict[str, Any] = {
        "connector": "paypal",
        "amount": usd(minor),
        "instrument": Instrument(connector_payment_method_id="card-visa"),
        "merchant_transaction_id": "order-1",
        "return_url": "https://shop.example/back",
        "capture_mode": MANUAL,
    }
    return await ask(desk, payments, "PaymentService", "Authorize", **{**values, **fields})


async def payment(desk: Desk, payment_id: str, **fields: Any) -> Payment:
    """The payment once all webhooks have come back."""
    await desk.simulator.aclose()
    found = await ask(desk, payments, "PaymentService", "Get", payment_id=payment_id, **fields)
    return found.payment  # type: ignore[no-any-return]


async def approved(desk: Desk, begun: Any) -> Any:
    """The payer goes to PayPal's page and comes back."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        response = await browser.get(begun.next_action.redirect_url)
    parameters = dict(httpx.URL(response.headers["location"]).params)
    return await ask(
        desk, payments, "PaymentService", "ConfirmRedirect", payment_id=begun.payment.id, parameters=parameters
    )


async def paid(desk: Desk, minor: int = 10_000) -> Payment:
    """Approved at PayPal's page, authorized, and captured."""
    begun = await authorize(desk, minor, instrument=Instrument(redirect_method="paypal"))
    assert begun.payment.status == payment_pb2.PAYMENT_STATUS_ACTION_REQUIRED
    confirmed = await approved(desk, begun)
    assert confirmed.payment.status == payment_pb2.PAYMENT_STATUS_AUTHORIZED
    taken = await ask(desk, payments, "PaymentService", "Capture", payment_id=begun.payment.id)
    return taken.payment  # type: ignore[no-any-return]


async def test_a_payment_ends_in_the_providers_truth_whatever_comes_back(desk: Desk) -> None:
    made = await paid(desk)
    assert (made.status, made.captured) == (payment_pb2.PAYMENT_STATUS_CAPTURED, usd(10_000))
    answer = await ask(desk, refunds, "RefundService", "Create", payment_id=made.id, amount=usd(2_500))
    assert (answer.refund.status, answer.refund.amount) == (refund_pb2.REFUND_STATUS_SUCCEEDED, usd(2_500))
    found = await payment(desk, made.id)
    refreshed = await payment(desk, made.id, refresh=True)
    for one in (found, refreshed):
        assert (one.captured, one.refunded, one.merchant_transaction_id) == (usd(10_000), usd(2_500), "order-1")
        assert not one.anomalies
    (truth,) = desk.simulator.truths()
    assert (truth.captured_minor, truth.refunded_minor) == (10_000, 2_500)


async def test_a_reservation_is_captured_in_parts_and_its_rest_released(desk: Desk) -> None:
    begun = await authorize(desk)
    for minor in (2_000, 3_000):
        await ask(desk, payments, "PaymentService", "Capture", payment_id=begun.payment.id, amount=usd(minor))
    await ask(desk, payments, "PaymentService", "Void", payment_id=begun.payment.id)
    found = await payment(desk, begun.payment.id)
    assert (found.status, found.captured) == (payment_pb2.PAYMENT_STATUS_CAPTURED, usd(5_000))
    assert not found.anomalies


async def test_a_lost_answer_is_unknown_and_a_repeat_tells_what_became_of_it() -> None:
    async with desk_of("paypal", lost_callbacks=1.0) as desk:
        await authorize(desk, 7)  # fetches the token: its request is not to be the one that is lost
        desk.faulty.faults = Faults(lost_replies=1.0)
        with pytest.raises(OutcomeUnknown) as caught:
            await authorize(desk, request_id="r-1")
        payment_id = caught.value.metadata["payment_id"]
        assert (await payment(desk, payment_id)).status == payment_pb2.PAYMENT_STATUS_UNKNOWN
        desk.faulty.faults = Faults()
        answer = await authorize(desk, request_id="r-1")
        assert (answer.payment.id, answer.payment.status) == (payment_id, payment_pb2.PAYMENT_STATUS_AUTHORIZED)
        assert len(desk.simulator.truths()) == 2


async def test_a_refund_that_paypal_refuses_is_refused_each_time_it_is_asked_for(desk: Desk) -> None:
    made = await paid(desk, 20_000)
    for _ in range(2):
        with pytest.raises(ProviderRefused) as caught:
            await ask(
                desk, refunds, "RefundService", "Create", payment_id=made.id, amount=usd(10_009), request_id="same"
            )
        assert caught.value.metadata["debug_id"]


async def test_a_claim_is_accepted_and_then_lost(desk: Desk) -> None:
    made = await paid(desk, 11_310)
    await payment(desk, made.id)
    (dispute,) = (await ask(desk, disputes, "DisputeService", "List")).disputes
    assert dispute.payment_id == made.id
    answer = await ask(desk, disputes, "DisputeService", "Accept", dispute_id=dispute.id)
    assert answer.dispute.id == dispute.id
    assert answer.dispute.status in {dispute_pb2.DISPUTE_STATUS_ACCEPTED, dispute_pb2.DISPUTE_STATUS_LOST}
    await payment(desk, made.id)
    found = await ask(desk, disputes, "DisputeService", "Get", dispute_id=dispute.id)
    assert found.dispute.status == dispute_pb2.DISPUTE_STATUS_LOST


async def test_payouts_succeed_and_fail(desk: Desk) -> None:
    for note, status in (
        ("thanks", event_data_pb2.PAYOUT_STATUS_SUCCEEDED),
        ("ERRPYO005", event_data_pb2.PAYOUT_STATUS_FAILED),
    ):
        answer = await ask(
            desk,
            payouts,
            "PayoutService",
            "Create",
            connector="paypal",
            amount=usd(2_500),
            destination=payouts.PayoutDestination(email="payee@example.com"),
            merchant_payout_id=f"payout-{note}",
            description=note,
        )
        assert (answer.payout.status, answer.payout.amount) == (status, usd(2_500))


async def test_a_saved_wallet_is_charged(desk: Desk) -> None:
    answer = await ask(
        desk,
        mandates,
        "MandateService",
        "Charge",
        connector="paypal",
        connector_mandate_id="paypal-wallet",
        amount=usd(1_500),
    )
    assert answer.payment.status == payment_pb2.PAYMENT_STATUS_CAPTURED
