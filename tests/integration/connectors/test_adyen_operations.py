"""Adyen's payments and refunds: our client against its simulator, over a real socket."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from adyen_operations import (
    SANDBOX,
    Books,
    Shop,
    authorize,
    call,
    capture,
    card,
    confirm,
    increment,
    refund,
    served,
    shop,
    void,
)

from connectors.adyen.client import make_client
from connectors.adyen.simulator_api import make_simulator
from connectors.spi import Capability
from connectors.spi.operations import REQUEST
from connectors.spi.simulating import Faults, Receive, Scope, Send, SimulatorOptions
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    RequestRejected,
)
from orchestratorx_prism.v1.error_pb2 import FailureCategory
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.payment_pb2 import Payment, PaymentStatus

STRANGER = Payment(
    connector_transaction_id="NOBODYKNOWSTHIS1",
    status=PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    merchant_transaction_id="x",
)
STRANGER.authorized.minor_units = STRANGER.captured.minor_units = 1099
STRANGER.authorized.currency = STRANGER.captured.currency = "EUR"
MODIFICATIONS = [
    (Capability.CAPTURE, capture(100)),
    (Capability.VOID, void()),
    (Capability.INCREMENT_AUTHORIZATION, increment(100)),
    (Capability.REFUND, refund(100)),
]


def status(books: Books) -> str:
    return PaymentStatus.Name(books.payment().status).removeprefix("PAYMENT_STATUS_")


async def settled(desk: Shop, books: Books) -> Books:
    """The books with the webhooks' events added: twice, and first of all, to see that neither matters."""
    told = await desk.told()
    both = Books()
    both.add([*told, *books.events, *told])
    both.events = [*books.events, *told]
    return both


async def test_a_payment_is_authorized_and_captured_at_once() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize(), key="5f0c1f6e-3ad4-4bfa-8ed6-2f5f4f1d2a10")
        assert [event.type for event in books.events] == ["payment.authorized", "payment.captured"]
        books = await settled(desk, books)
        truth = desk.simulator.truths()[0]
        payment = books.payment()
        assert (status(books), payment.captured.minor_units, truth.status) == ("CAPTURED", 1099, "CAPTURED")
        assert payment.authorized.minor_units == truth.authorized_minor == 1099
        assert truth.key == "5f0c1f6e-3ad4-4bfa-8ed6-2f5f4f1d2a10"
        assert {(each.kind, each.value) for each in payment.references} == {
            ("psp_reference", truth.connector_transaction_id),
            (REQUEST, truth.key),
        }


async def test_answer_and_webhook_of_an_authorization_say_the_same() -> None:
    async with shop() as desk:
        answer, _ = await desk.paid(authorize(manual=True))
        ours, theirs = answer.events[0], (await desk.told())[0]
        assert (ours.type, ours.account, ours.merchant_transaction_id, ours.connector_transaction_id) == (
            theirs.type,
            theirs.account,
            theirs.merchant_transaction_id,
            theirs.connector_transaction_id,
        )
        assert {each.value for each in ours.references} == {each.value for each in theirs.references}
        for name in ("amount", "status", "payment_method", "authorization_code", "operation_id"):
            assert getattr(ours.payment, name) == getattr(theirs.payment, name), name


async def test_capture_in_parts_then_refund_in_parts_ends_in_the_providers_truth() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize(manual=True))
        for minor in (300, 700):
            answer = await desk.client.call(call(Capability.CAPTURE, capture(minor), payment=books.payment()))
            assert answer.events == ()  # received; the webhook decides
        books = await settled(desk, books)
        assert (status(books), books.payment().captured.minor_units) == ("PARTIALLY_CAPTURED", 1000)
        await desk.client.call(call(Capability.CAPTURE, capture(), payment=books.payment()))
        books = await settled(desk, Books(books.state, books.events))
        assert (status(books), books.payment().captured.minor_units) == ("CAPTURED", 1099)
        answer = await desk.client.call(call(Capability.REFUND, refund(99), payment=books.payment()))
        assert [event.type for event in answer.events] == ["refund.pending"]
        books.add(answer.events)
        assert books.payment().refunded.minor_units == 0
        books = await settled(desk, books)
        truth = desk.simulator.truths()[0]
        assert books.payment().refunded.minor_units == truth.refunded_minor == 99
        assert len(books.state.refunds) == 1


async def test_a_refund_without_an_amount_returns_all_that_is_left() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize())
        request = refund(merchant_refund_id="return-7")
        answer = await desk.client.call(call(Capability.REFUND, request, payment=books.payment()))
        assert answer.events[0].refund.amount.minor_units == 1099
        assert answer.events[0].refund.merchant_refund_id == "return-7"
        assert desk.simulator.truths()[0].refunded_minor == 1099


async def test_a_void_releases_and_a_later_capture_is_refused_by_its_webhook() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize(manual=True))
        await desk.client.call(call(Capability.VOID, void(), payment=books.payment()))
        await desk.client.call(call(Capability.CAPTURE, capture(), payment=books.payment()))
        books = await settled(desk, books)
        assert status(books) == "VOIDED"
        assert desk.simulator.truths()[0].status == "VOIDED"
        assert "payment.capture_failed" in {event.type for event in books.events}


async def test_a_void_of_what_may_be_captured_is_a_reversal() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize())
        payment = books.payment()
        payment.status = PaymentStatus.PAYMENT_STATUS_UNKNOWN
        await desk.client.call(call(Capability.VOID, void(), payment=payment))
        assert any(path.endswith("/reversals") for path in desk.simulator.asked)
        assert "refund.succeeded" in {event.type for event in await desk.told()}


async def test_an_increment_sends_the_new_total() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize(manual=True))
        await desk.client.call(call(Capability.INCREMENT_AUTHORIZATION, increment(401), payment=books.payment()))
        books = await settled(desk, books)
        assert books.payment().authorized.minor_units == desk.simulator.truths()[0].authorized_minor == 1500


@pytest.mark.parametrize("manual", [True, False])
async def test_a_redirect_is_confirmed_with_what_the_payer_comes_back_with(manual: bool) -> None:
    async with shop() as desk:
        request = authorize(Instrument(redirect_method="ideal"), manual=manual)
        answer, books = await desk.paid(request)
        assert (answer.events[0].type, answer.next_action and answer.next_action.type) == (
            "payment.action_required",
            "redirect",
        )
        assert answer.next_action is not None
        async with httpx.AsyncClient() as browser:
            came_back = (await browser.get(answer.next_action.redirect_url)).headers["location"]
        parameters = dict(httpx.URL(came_back).params)
        confirmed = await desk.client.call(
            call(Capability.CONFIRM_REDIRECT, confirm(**parameters), payment=books.payment())
        )
        books.add(confirmed.events)
        books = await settled(desk, books)
        assert status(books) == desk.simulator.truths()[0].status == ("AUTHORIZED" if manual else "CAPTURED")
        keys = {each.value for event in confirmed.events for each in event.references if each.kind == REQUEST}
        assert keys == {each.value for each in answer.events[0].references if each.kind == REQUEST}


async def test_three_d_secure_that_the_payer_leaves_is_a_failed_payment() -> None:
    async with shop() as desk:
        answer, books = await desk.paid(authorize(Instrument(token=card(number="4917610000000000"))))
        assert answer.next_action is not None
        result = answer.next_action.redirect_url.rsplit("/", 1)[-1]
        confirmed = await desk.client.call(
            call(Capability.CONFIRM_REDIRECT, confirm(redirectResult=f"{result}!cancelled"), payment=books.payment())
        )
        failure = confirmed.events[0].payment.failure
        assert (confirmed.events[0].type, failure.category) == (
            "payment.failed",
            FailureCategory.FAILURE_CATEGORY_CANCELED_BY_PAYER,
        )


async def test_a_redirect_result_that_adyen_does_not_know_is_refused() -> None:
    async with shop() as desk:
        with pytest.raises(ProviderRefused):
            await desk.client.call(
                call(Capability.CONFIRM_REDIRECT, confirm(redirectResult="X6Xforged"), payment=STRANGER)
            )


async def test_a_voucher_is_shown_to_the_payer() -> None:
    async with shop() as desk:
        answer, _ = await desk.paid(authorize(Instrument(redirect_method="multibanco")))
        assert answer.next_action is not None
        assert (answer.next_action.type, answer.next_action.expires_at.seconds) == ("display_details", 1_893_456_000)


@pytest.mark.parametrize(
    ("holder", "code", "category"),
    [
        ("DECLINED", "refused", "DECLINED"),
        ("NOT_ENOUGH_BALANCE", "insufficient_funds", "INSUFFICIENT_FUNDS"),
        ("CARD_EXPIRED", "expired_card", "DECLINED"),
        ("FRAUD", "fraud", "FRAUD"),
        ("NOT_3D_AUTHENTICATED", "authentication_failed", "AUTHENTICATION_REQUIRED"),
        ("ERROR", "acquirer_error", "PROVIDER_DOWN"),
    ],
)
async def test_a_decline_is_an_event_that_agrees_with_its_webhook(holder: str, code: str, category: str) -> None:
    async with shop() as desk:
        answer, _ = await desk.paid(authorize(Instrument(token=card(holder))))
        (event,) = answer.events
        assert (event.type, event.payment.failure.code) == ("payment.failed", code)
        assert FailureCategory.Name(event.payment.failure.category) == f"FAILURE_CATEGORY_{category}"
        (told,) = await desk.told()
        assert (told.type, told.payment.failure.code) == ("payment.failed", code)
        assert told.payment.amount == event.payment.amount


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (authorize(Instrument(token=card(number="4111"))), "token_unreadable"),
        (authorize(Instrument(token=card(number="9111111111111111"))), "unknown_card_brand"),
        (authorize(Instrument(redirect_method="barter")), "payment_method_not_supported"),
        (
            authorize(Instrument(connector_payment_method_id="NOSUCHTOKEN"), connector_customer_id="shopper-1"),
            "payment_method_not_found",
        ),
    ],
    ids=["token", "brand", "method", "saved"],
)
async def test_a_payment_that_adyen_does_not_take_is_refused_and_no_payment(request_: Any, code: str) -> None:
    async with shop() as desk:
        with pytest.raises(ProviderRefused) as refused:
            await desk.paid(request_)
        assert (refused.value.metadata["code"], refused.value.metadata["category"]) == (code, "INVALID_REQUEST")
        assert desk.simulator.truths() == []


@pytest.mark.parametrize(("capability", "request_"), MODIFICATIONS, ids=lambda value: str(value)[:30])
async def test_a_modification_of_an_unknown_payment_is_refused(capability: Capability, request_: object) -> None:
    async with shop() as desk:
        with pytest.raises(ProviderRefused) as refused:
            await desk.client.call(call(capability, request_, payment=STRANGER))
        assert refused.value.metadata["code"] == "payment_not_found"
        assert refused.value.metadata["provider_code"] == "167"


@pytest.mark.parametrize("fault", ["lost_replies", "cut_requests", "errors", "errors_after"])
async def test_one_fault_is_repeated_with_the_same_key_and_charges_once(fault: str) -> None:
    async with shop(Faults(**{fault: 1.0}), once=True) as desk:
        answer, _ = await desk.paid(authorize())
        assert answer.events[0].type == "payment.authorized"
        assert len(desk.simulator.truths()) == 1


@pytest.mark.parametrize("fault", ["lost_replies", "cut_requests", "errors", "errors_after"])
async def test_a_lost_answer_is_unknown_and_resolved_with_the_same_key(fault: str) -> None:
    async with shop(Faults(**{fault: 1.0})) as desk:
        made = call(Capability.AUTHORIZE, authorize())
        with pytest.raises(OutcomeUnknown):
            await desk.client.call(made)
        assert await desk.client.resolve(made) is None  # still nobody knows
        desk.faulty.faults = Faults()
        answer = await desk.client.resolve(made)
        assert answer is not None
        assert answer.events[0].type == "payment.authorized"
        assert len(desk.simulator.truths()) == 1


@pytest.mark.parametrize(("capability", "request_"), MODIFICATIONS, ids=lambda value: str(value)[:30])
async def test_a_lost_answer_of_a_modification_is_unknown_and_done_once(
    capability: Capability, request_: object
) -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize(manual=capability is not Capability.REFUND))
        desk.faulty.faults = Faults(lost_replies=1.0)
        made = call(capability, request_, payment=books.payment())
        with pytest.raises(OutcomeUnknown):
            await desk.client.call(made)
        desk.faulty.faults = Faults()
        assert await desk.client.resolve(made) is not None
        told = [event for event in await desk.told() if event.provider_event_type != "AUTHORISATION"]
        assert len(told) == 1


async def test_a_lost_answer_of_a_confirmation_is_unknown_and_resolved() -> None:
    async with shop() as desk:
        answer, books = await desk.paid(authorize(Instrument(redirect_method="ideal")))
        assert answer.next_action is not None
        result = answer.next_action.redirect_url.rsplit("/", 1)[-1]
        desk.faulty.faults = Faults(lost_replies=1.0)
        made = call(Capability.CONFIRM_REDIRECT, confirm(redirectResult=result), payment=books.payment())
        with pytest.raises(OutcomeUnknown):
            await desk.client.call(made)
        desk.faulty.faults = Faults()
        resolved = await desk.client.resolve(made)
        assert resolved is not None
        assert [event.type for event in resolved.events] == ["payment.authorized", "payment.captured"]


async def test_a_provider_that_never_answers_is_an_unknown_outcome() -> None:
    asked: list[str] = []

    async def silent(scope: Scope, _receive: Receive, _send: Send) -> None:
        asked.append(scope["path"])
        await asyncio.Event().wait()

    async with served(silent) as base:
        simulator = make_simulator(SimulatorOptions())
        client = make_client(simulator.config(base), SANDBOX)
        with pytest.raises(OutcomeUnknown):
            await client.call(call(Capability.AUTHORIZE, authorize(), timeout_s=2.0))
        assert asked == ["/v71/payments"]
        await client.aclose()


async def test_an_answer_that_comes_late_but_in_time_is_an_answer() -> None:
    async with shop() as desk:
        answer, _ = await desk.paid(authorize(Instrument(token=card("SIMULATOR_LATE"))))
        assert answer.events[0].type == "payment.authorized"


async def test_nobody_listening_is_unavailable_and_certainly_nothing_done() -> None:
    async with shop() as desk:
        config = {**desk.simulator.config(desk.base), "ADYEN_API_BASE": "http://127.0.0.1:9"}
        client = make_client(config, SANDBOX)
        made = call(Capability.AUTHORIZE, authorize())
        with pytest.raises(ProviderUnavailable):
            await client.call(made)
        with pytest.raises(ProviderUnavailable):
            await client.resolve(made)
        await client.aclose()


async def test_bad_credentials_are_refused_as_such() -> None:
    async with shop() as desk:
        client = make_client({**desk.simulator.config(desk.base), "ADYEN_API_KEY": "AQEwrong"}, SANDBOX)
        made = call(Capability.AUTHORIZE, authorize())
        with pytest.raises(ProviderRefused) as refused:
            await client.call(made)
        assert refused.value.metadata["category"] == "CREDENTIALS"
        assert "ADYEN_API_KEY" in refused.value.fix
        with pytest.raises(ProviderUnavailable):  # it says nothing of the call that is asked about
            await client.resolve(made)
        await client.aclose()


async def test_a_key_with_another_body_is_never_carried_out() -> None:
    async with shop() as desk:
        key = str(uuid.uuid4())
        await desk.paid(authorize(), key=key)
        with pytest.raises(OutcomeUnknown):
            await desk.paid(authorize(minor=5), key=key)
        assert len(desk.simulator.truths()) == 1


async def test_a_request_older_than_its_key_is_not_repeated() -> None:
    async with shop() as desk:
        old = call(Capability.AUTHORIZE, authorize(), age_s=6.5 * 24 * 3_600)
        assert await desk.client.resolve(old) is None
        assert desk.simulator.truths() == []


@pytest.mark.parametrize(
    ("capability", "request_"),
    [
        (Capability.CAPTURE, capture()),
        (Capability.REFUND, refund()),
        (Capability.INCREMENT_AUTHORIZATION, increment(401)),
    ],
)
async def test_a_lost_answer_is_resolved_though_its_webhook_has_changed_the_totals(
    capability: Capability, request_: object
) -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize(manual=capability is not Capability.REFUND))
        made = call(capability, request_, payment=books.payment())
        desk.faulty.faults = Faults(lost_replies=1.0)
        with pytest.raises(OutcomeUnknown):
            await desk.client.call(made)
        desk.faulty.faults = Faults()
        books = await settled(desk, books)
        later = call(capability, request_, key=made.key, payment=books.payment())
        answer = await desk.client.resolve(later)
        assert answer is not None
        assert [event.type for event in answer.events] == (
            ["refund.pending"] if capability is Capability.REFUND else []
        )
        truth = desk.simulator.truths()[0]
        assert (truth.authorized_minor, truth.captured_minor, truth.refunded_minor) in {
            (1099, 1099, 0),
            (1099, 1099, 1099),
            (1500, 0, 0),
        }
        assert len(await desk.told()) == 2  # the authorization's, and one of this


async def test_a_capture_of_nothing_is_refused_before_it_is_sent() -> None:
    async with shop() as desk:
        _, books = await desk.paid(authorize())
        with pytest.raises(RequestRejected):
            await desk.client.call(call(Capability.CAPTURE, capture(), payment=books.payment()))
        assert len(desk.simulator.asked) == 1


async def test_a_hundred_payments_at_once_are_each_made_once() -> None:
    async with shop() as desk:
        calls = [
            call(Capability.AUTHORIZE, authorize(merchant_transaction_id=f"order-{number}"), timeout_s=30.0)
            for number in range(100)
        ]
        answers = await asyncio.gather(*(desk.client.call(each) for each in calls))
        assert len({answer.events[0].connector_transaction_id for answer in answers}) == 100
        assert {truth.key for truth in desk.simulator.truths()} == {each.key for each in calls}


async def test_payments_through_every_fault_end_in_the_providers_truth() -> None:
    faults = Faults(lost_replies=0.2, cut_requests=0.2, errors=0.2, errors_after=0.2)
    async with shop(faults) as desk:
        calls = [
            call(Capability.AUTHORIZE, authorize(merchant_transaction_id=f"order-{number}"), timeout_s=30.0)
            for number in range(40)
        ]
        first = await asyncio.gather(*(desk.client.call(each) for each in calls), return_exceptions=True)
        unknown = [made for made, outcome in zip(calls, first, strict=True) if isinstance(outcome, OutcomeUnknown)]
        assert unknown  # the seed sees to it
        assert all(isinstance(outcome, OutcomeUnknown) or not isinstance(outcome, BaseException) for outcome in first)
        desk.faulty.faults = Faults()
        assert all(await asyncio.gather(*(desk.client.resolve(made) for made in unknown)))
        assert sorted(truth.key for truth in desk.simulator.truths()) == sorted(made.key for made in calls)
