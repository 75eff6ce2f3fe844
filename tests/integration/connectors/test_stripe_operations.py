"""Payments at Stripe, from authorization to refund: our client against the simulator, over a real socket."""

from __future__ import annotations

import itertools
import random

import pytest
from stripe_operations import Till, payment_of, till, usd

from connectors.spi import Capability
from connectors.spi.operations import REQUEST
from orchestrator.ledger.projection import PaymentState, apply, standing
from orchestratorx_prism.errors import ProviderRefused, RequestRejected
from orchestratorx_prism.v1 import payment_pb2 as pb
from orchestratorx_prism.v1.customer_service_pb2 import CustomerServiceCreateRequest
from orchestratorx_prism.v1.error_pb2 import (
    FAILURE_CATEGORY_AUTHENTICATION_REQUIRED,
    FAILURE_CATEGORY_DECLINED,
    FAILURE_CATEGORY_FRAUD,
    FAILURE_CATEGORY_INSUFFICIENT_FUNDS,
    FAILURE_CATEGORY_PROVIDER_DOWN,
)
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceCaptureRequest,
    PaymentServiceConfirmRedirectRequest,
    PaymentServiceGetRequest,
    PaymentServiceIncrementAuthorizationRequest,
    PaymentServiceVoidRequest,
)
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

C = Capability
BACK = "https://shop.example/back"


def known(events: list[Event]) -> Payment:
    """The payment that the ledger would know after these facts."""
    state = PaymentState()
    for event in events:
        apply(state, event)
    stands = standing(state)
    assert not stands.anomalies, stands.anomalies
    money = {
        name: Money(minor_units=value, currency=stands.currency)
        for name in ("authorized", "captured", "refunded")
        if (value := getattr(stands, name)) is not None
    }
    return Payment(
        connector_transaction_id=events[0].connector_transaction_id,
        merchant_transaction_id="order-1",
        status=stands.status,  # type: ignore[arg-type]
        amount=events[0].payment.amount,
        **money,
    )


async def checkout(shop: Till, *steps: tuple[C, object], manual: bool = True) -> list[Event]:
    """An authorization and what follows it; the events of all answers."""
    call = shop.authorize(capture_mode=2 if manual else 1)
    events = list((await shop.client.call(call)).events)
    for capability, request in steps:
        events += (await shop.call(capability, request, payment=known(events))).events
    return events


def take(minor: int, final: bool = False) -> tuple[C, object]:
    return C.CAPTURE, PaymentServiceCaptureRequest(amount=usd(minor), final_capture=final)


TAKE_ALL = (C.CAPTURE, PaymentServiceCaptureRequest())
VOID = (C.VOID, PaymentServiceVoidRequest())
MORE = (C.INCREMENT_AUTHORIZATION, PaymentServiceIncrementAuthorizationRequest(amount=usd(400)))
BACK_300 = (C.REFUND, RefundServiceCreateRequest(amount=usd(300), merchant_refund_id="r-1"))
BACK_ALL = (C.REFUND, RefundServiceCreateRequest())

SCENARIOS: dict[str, tuple[tuple[tuple[C, object], ...], str, int, int, int]] = {
    "held": ((), "AUTHORIZED", 1099, 0, 0),
    "captured": ((TAKE_ALL,), "CAPTURED", 1099, 1099, 0),
    "captured in part, the rest released": ((take(500, True),), "CAPTURED", 1099, 500, 0),
    "captured in part": ((take(500),), "PARTIALLY_CAPTURED", 1099, 500, 0),
    "captured in three": ((take(500), take(300), take(100, True)), "CAPTURED", 1099, 900, 0),
    "captured in two, to the end": ((take(500), TAKE_ALL), "CAPTURED", 1099, 1099, 0),
    "voided": ((VOID,), "VOIDED", 1099, 0, 0),
    "incremented": ((MORE,), "AUTHORIZED", 1499, 0, 0),
    "incremented twice and captured": ((MORE, MORE, TAKE_ALL), "CAPTURED", 1899, 1899, 0),
    "refunded in part": ((TAKE_ALL, BACK_300), "CAPTURED", 1099, 1099, 300),
    "refunded twice": ((TAKE_ALL, BACK_300, BACK_300), "CAPTURED", 1099, 1099, 600),
    "refunded in full": ((TAKE_ALL, BACK_300, BACK_ALL), "CAPTURED", 1099, 1099, 1099),
    "captured in part and refunded": ((take(500, True), BACK_300), "CAPTURED", 1099, 500, 300),
    "captured in part and refunded in full": ((take(600, True), BACK_ALL), "CAPTURED", 1099, 600, 600),
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_answers_and_webhooks_together_come_to_the_providers_truth(name: str) -> None:
    steps, status, authorized, captured, refunded = SCENARIOS[name]
    async with till() as shop:
        answers = await checkout(shop, *steps)
        (truth,) = shop.simulator.truths()
        assert (truth.status, truth.captured_minor, truth.refunded_minor) == (status, captured, refunded)
        webhooks = [event for event in await shop.webhooks() if event.type != "connector.unmapped"]
        assert webhooks
        shuffled = [*answers, *webhooks]
        random.Random(7).shuffle(shuffled)
        for facts in (answers, [*answers, *webhooks], [*webhooks, *answers], shuffled, [*shuffled, *shuffled]):
            payment = known(facts)
            assert pb.PaymentStatus.Name(payment.status).removeprefix("PAYMENT_STATUS_") == status
            assert (payment.captured.minor_units, payment.refunded.minor_units) == (captured, refunded)
            assert payment.authorized.minor_units == authorized


async def test_webhooks_of_a_payment_name_the_request_that_made_it() -> None:
    async with till() as shop:
        call = shop.authorize()
        (answer,) = (await shop.client.call(call)).events
        for event in (answer, *await shop.webhooks()):
            assert (REQUEST, call.key) in {(one.kind, one.value) for one in event.references}
            assert event.merchant_transaction_id == "order-1"
            assert event.connector_transaction_id == answer.connector_transaction_id
            assert event.payment.operation_id in {"", answer.payment.operation_id}


@pytest.mark.parametrize(
    ("token", "category", "code", "network_code"),
    [
        ("pm_card_chargeDeclined", FAILURE_CATEGORY_DECLINED, "declined", "01"),
        ("tok_chargeDeclined", FAILURE_CATEGORY_DECLINED, "declined", "01"),
        ("pm_card_chargeDeclinedInsufficientFunds", FAILURE_CATEGORY_INSUFFICIENT_FUNDS, "insufficient_funds", "51"),
        ("pm_card_visa_chargeDeclinedStolenCard", FAILURE_CATEGORY_FRAUD, "lost_or_stolen_card", "43"),
        ("pm_card_chargeDeclinedExpiredCard", FAILURE_CATEGORY_DECLINED, "expired_card", "54"),
        ("pm_card_chargeDeclinedProcessingError", FAILURE_CATEGORY_PROVIDER_DOWN, "processing_error", ""),
    ],
)
async def test_a_declined_card_is_an_event_with_its_reason(
    token: str, category: int, code: str, network_code: str
) -> None:
    async with till() as shop:
        (event,) = (await shop.client.call(shop.authorize(token))).events
        assert event.type == "payment.failed"
        failure = event.payment.failure
        assert (failure.category, failure.code, failure.network_code) == (category, code, network_code)
        assert failure.provider_message
        told = [one for one in await shop.webhooks() if one.type == "payment.failed"]
        assert {one.connector_transaction_id for one in told} == {event.connector_transaction_id}
        assert known([event, *told]).status == pb.PAYMENT_STATUS_FAILED


@pytest.mark.parametrize("result", ["succeeded", "failed"])
async def test_a_payer_who_was_sent_away_comes_back(result: str) -> None:
    async with till() as shop:
        answer = await shop.client.call(shop.authorize("pm_card_authenticationRequired", return_url=BACK))
        (event,) = answer.events
        assert (event.type, event.payment.provider_status) == ("payment.action_required", "requires_action")
        assert answer.next_action == event.payment.next_action
        assert answer.next_action is not None
        assert (answer.next_action.type, answer.next_action.redirect_url[:7]) == ("redirect", "http://")
        returned = await shop.payer(event.connector_transaction_id, result)
        assert returned.headers["location"].startswith(BACK)
        request = PaymentServiceConfirmRedirectRequest(
            parameters={"payment_intent": event.connector_transaction_id, "redirect_status": "succeeded"}
        )
        (after,) = (await shop.call(C.CONFIRM_REDIRECT, request, payment=payment_of(answer))).events
        assert after.type == ("payment.captured" if result == "succeeded" else "payment.failed")
        if result == "failed":
            assert after.payment.failure.category == FAILURE_CATEGORY_AUTHENTICATION_REQUIRED


async def test_coming_back_too_early_changes_nothing() -> None:
    async with till() as shop:
        answer = await shop.client.call(shop.authorize("pm_card_authenticationRequired", return_url=BACK))
        request = PaymentServiceConfirmRedirectRequest(parameters={"redirect_status": "succeeded"})
        after = await shop.call(C.CONFIRM_REDIRECT, request, payment=payment_of(answer))
        assert [event.type for event in after.events] == ["payment.action_required"]
        assert after.next_action is not None


async def test_coming_back_from_another_payment_is_refused() -> None:
    async with till() as shop:
        payment = await shop.paid()
        request = PaymentServiceConfirmRedirectRequest(parameters={"payment_intent": "pi_another"})
        with pytest.raises(RequestRejected):
            await shop.call(C.CONFIRM_REDIRECT, request, payment=payment)


async def test_without_a_return_url_three_d_secure_is_the_browsers() -> None:
    async with till() as shop:
        answer = await shop.client.call(shop.authorize("pm_card_threeDSecure2Required"))
        assert answer.next_action is not None
        assert answer.next_action.type == "three_d_secure"


async def test_without_the_payer_authentication_is_a_decline() -> None:
    async with till() as shop:
        (event,) = (await shop.client.call(shop.authorize("pm_card_authenticationRequired", off_session=True))).events
        assert event.type == "payment.failed"
        assert event.payment.failure.category == FAILURE_CATEGORY_AUTHENTICATION_REQUIRED


async def test_a_method_with_a_page_of_its_own_is_approved_there() -> None:
    async with till() as shop:
        call = shop.authorize(
            instrument=Instrument(redirect_method="ideal"), currency="EUR", return_url=BACK, payer_email="ada@x.org"
        )
        answer = await shop.client.call(call)
        assert answer.next_action is not None
        assert answer.next_action.type == "redirect"
        await shop.payer(answer.events[0].connector_transaction_id)
        after = await shop.call(C.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment=payment_of(answer))
        assert [event.type for event in after.events] == ["payment.captured"]
        assert after.events[0].payment.payment_method.type == "ideal"


async def test_the_same_state_asked_twice_is_one_event() -> None:
    async with till() as shop:
        payment = await shop.held()
        ids = []
        for _ in range(2):
            answer = await shop.call(C.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment=payment)
            ids.append([event.id for event in answer.events])
        assert ids[0] == ids[1]
        await shop.call(C.CAPTURE, PaymentServiceCaptureRequest(), payment=payment)
        answer = await shop.call(C.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment=payment)
        assert [event.id for event in answer.events] != ids[0]


async def test_a_refresh_tells_of_refunds_too() -> None:
    async with till() as shop:
        events = await checkout(shop, BACK_300, BACK_300, manual=False)
        answer = await shop.call(C.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment=known(events))
        assert [event.type for event in answer.events] == ["payment.captured", "refund.succeeded", "refund.succeeded"]
        assert known(list(answer.events)).refunded == usd(600)
        assert known([*events, *answer.events]).refunded == usd(600)


async def test_a_refund_that_fails_later_is_seen_by_a_refresh() -> None:
    async with till() as shop:
        payment = await shop.paid("pm_card_refundFail")
        answer = await shop.call(C.REFUND, RefundServiceCreateRequest(amount=usd(300)), payment=payment)
        refund_id = answer.events[0].refund.connector_refund_id
        shop.simulator._money.settle_refund(refund_id)
        after = await shop.call(C.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment=payment)
        assert [event.type for event in after.events] == ["payment.captured", "refund.failed"]
        assert after.events[1].refund.failure.provider_code == "expired_or_canceled_card"
        # What the answer said then is a fact as well; a failure beats it.
        assert known([*answer.events, *after.events]).refunded.minor_units == 0


async def test_a_pending_refund_is_a_pending_event() -> None:
    async with till() as shop:
        payment = await shop.paid("pm_card_pendingRefund")
        request = RefundServiceCreateRequest(amount=usd(300), refund_reason="too small", merchant_refund_id="r-1")
        (event,) = (await shop.call(C.REFUND, request, payment=payment)).events
        assert (event.type, event.refund.merchant_refund_id) == ("refund.pending", "r-1")
        assert event.refund.connector_transaction_id == payment.connector_transaction_id


async def test_more_than_was_captured_is_not_refunded() -> None:
    async with till() as shop:
        payment = await shop.paid()
        with pytest.raises(ProviderRefused) as refusal:
            await shop.call(C.REFUND, RefundServiceCreateRequest(amount=usd(2000)), payment=payment)
        assert refusal.value.metadata["category"] == "INVALID_REQUEST"
        assert shop.simulator.truths()[0].refunded_minor == 0


@pytest.mark.parametrize(
    ("minor", "currency"), [(1099, "USD"), (1099, "JPY"), (1500, "ISK"), (1090, "KWD"), (500, "UGX"), (1200, "MGA")]
)
async def test_amounts_come_back_as_they_went(minor: int, currency: str) -> None:
    async with till() as shop:
        (event,) = (await shop.client.call(shop.authorize(minor=minor, currency=currency))).events
        assert event.payment.captured == Money(minor_units=minor, currency=currency)
        (truth,) = shop.simulator.truths()
        assert (truth.captured_minor, truth.currency) == (minor, currency)


async def test_a_card_saved_with_a_payment_is_charged_without_the_payer() -> None:
    async with till() as shop:
        made = await shop.call(C.CREATE_CUSTOMER, CustomerServiceCreateRequest())
        whose = made.resource.customer.connector_customer_id
        (first,) = (await shop.client.call(shop.authorize(connector_customer_id=whose, save_instrument=True))).events
        saved = Instrument(connector_payment_method_id=first.payment.payment_method.connector_payment_method_id)
        again = shop.authorize(instrument=saved, connector_customer_id=whose, off_session=True)
        (second,) = (await shop.client.call(again)).events
        assert second.type == "payment.captured"
        assert second.payment.connector_customer_id == whose
        assert [first.payment.payment_method.last4, first.payment.payment_method.network] == ["4242", "visa"]


async def test_events_of_one_call_differ_and_those_of_two_calls_do_too() -> None:
    async with till() as shop:
        events = [event for _ in range(3) for event in (await shop.client.call(shop.authorize())).events]
        assert all(a.id != b.id for a, b in itertools.combinations(events, 2))
