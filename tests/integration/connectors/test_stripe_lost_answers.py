"""What goes wrong between us and Stripe: lost answers, conflicts, limits, refused keys; and nothing secret is told."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from stripe_operations import SANDBOX, SECRET, Till, authorization, payment_of, serving, till, usd

from connectors.spi import Capability
from connectors.spi.operations import Answer, Call
from connectors.spi.simulating import Faults, Message, Receive, Scope, Send
from connectors.stripe.client import StripeApi
from connectors.stripe.simulator_api import KEY
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
    RequestRejected,
)
from orchestratorx_prism.v1.instrument_pb2 import Card, Instrument
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceCaptureRequest, PaymentServiceVoidRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

C = Capability
STATUSES = {"payment.captured": "CAPTURED", "payment.failed": "FAILED"}


async def lost(shop: Till, call: Call, faults: Faults | None = None) -> None:
    """Makes the call while things go wrong, so that its outcome is not known."""
    shop.faulty.faults = faults or Faults(lost_replies=1.0)
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    shop.faulty.faults = Faults()


@pytest.mark.parametrize(
    "faults", [Faults(lost_replies=0.6), Faults(errors=0.6), Faults(errors_after=0.6), Faults(cut_requests=0.6)]
)
async def test_a_repeat_with_the_same_key_charges_once(faults: Faults) -> None:
    async with till() as shop:
        shop.faulty.faults = faults
        answered = 0
        for _ in range(6):
            try:
                answer = await shop.client.call(shop.authorize(timeout_s=10.0))
            except OutcomeUnknown:
                continue
            answered += 1
            assert [event.type for event in answer.events] == ["payment.captured"]
        truths = shop.simulator.truths()
        assert answered > 0
        assert answered <= len(truths) <= 6
        assert len({truth.key for truth in truths}) == len(truths)


async def test_a_payment_that_never_arrived_is_said_to_have_failed_only_when_it_is_sure() -> None:
    async with till() as shop:
        call = shop.authorize(timeout_s=2.0)
        await lost(shop, call, Faults(cut_requests=1.0))
        assert await shop.client.resolve(call) is None
        shop.clock[0] = 12.5  # the call's two seconds, and ten more
        answer = await shop.client.resolve(call)
        assert answer is not None
        (event,) = answer.events
        assert (event.type, event.payment.failure.code) == ("payment.failed", "never_received")
        assert call.key in {one.value for one in event.references}
        assert shop.simulator.truths() == []
        assert ("GET", "/v1/payment_intents") in shop.simulator.asked
        assert all(method == "GET" for method, _ in shop.simulator.asked)


async def test_a_declined_payment_whose_answer_was_lost_is_found_declined() -> None:
    async with till() as shop:
        call = shop.authorize("pm_card_chargeDeclined", timeout_s=2.0)
        await lost(shop, call)
        answer = await shop.client.resolve(call)
        assert answer is not None
        assert [event.type for event in answer.events] == ["payment.failed"]
        assert answer.events[0].payment.failure.code == "declined"


async def test_one_payment_is_found_among_many() -> None:
    async with till() as shop:
        for _ in range(60):
            await shop.client.call(shop.authorize())
        call = shop.authorize(timeout_s=2.0, minor=777)
        await lost(shop, call)
        for _ in range(120):
            await shop.client.call(shop.authorize())
        answer = await shop.client.resolve(call)
        assert answer is not None
        assert answer.events[0].payment.captured == usd(777)


async def test_a_refund_that_never_arrived_is_refused_as_such() -> None:
    async with till() as shop:
        payment = await shop.paid()
        call = shop.make(C.REFUND, RefundServiceCreateRequest(amount=usd(100)), payment=payment, timeout_s=2.0)
        await lost(shop, call, Faults(cut_requests=1.0))
        assert await shop.client.resolve(call) is None
        shop.clock[0] = 200.0
        with pytest.raises(ProviderRefused) as refusal:
            await shop.client.resolve(call)
        assert refusal.value.metadata["code"] == "never_received"
        assert shop.simulator.truths()[0].refunded_minor == 0


async def test_a_capture_is_asked_again_with_its_key() -> None:
    async with till() as shop:
        payment = await shop.held()
        request = PaymentServiceCaptureRequest(amount=usd(400))
        call = shop.make(C.CAPTURE, request, payment=payment, timeout_s=2.0)
        await lost(shop, call)
        for _ in range(2):
            answer = await shop.client.resolve(call)
            assert answer is not None
            assert answer.events[0].payment.captured == usd(400)
        assert shop.simulator.truths()[0].captured_minor == 400


@pytest.mark.parametrize("done", [True, False])
async def test_after_the_life_of_the_key_the_payment_itself_is_looked_at(done: bool) -> None:
    async with till() as shop:
        payment = await shop.held()
        call = shop.make(C.VOID, PaymentServiceVoidRequest(), payment=payment, timeout_s=2.0)
        await lost(shop, call, Faults(lost_replies=1.0) if done else Faults(cut_requests=1.0))
        shop.clock[0] = 24 * 3600.0
        asked = len(shop.simulator.asked)
        if done:
            answer = await shop.client.resolve(call)
            assert answer is not None
            assert [event.type for event in answer.events] == ["payment.voided"]
        else:
            with pytest.raises(ProviderRefused) as refusal:
                await shop.client.resolve(call)
            assert refusal.value.metadata["code"] == "never_received"
        assert {method for method, _ in shop.simulator.asked[asked:]} == {"GET"}


async def test_an_answer_that_comes_too_late_is_an_unknown_outcome() -> None:
    async with till() as shop:
        shop.simulator.late_s = 1.5
        call = shop.authorize(metadata={"simulator": "late"}, timeout_s=0.5)
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await shop.client.call(call)
        assert time.monotonic() - started < 1.4
        answer = await shop.client.resolve(call)
        assert answer is not None
        assert [event.type for event in answer.events] == ["payment.captured"]
        assert len(shop.simulator.truths()) == 1


async def test_a_key_that_is_in_use_is_waited_for() -> None:
    async with till() as shop:
        shop.simulator.late_s = 0.4
        call = shop.authorize(metadata={"simulator": "late"})
        first, second = await asyncio.gather(shop.client.call(call), shop.client.call(call))
        assert [event.id for event in first.events] == [event.id for event in second.events]
        assert len(shop.simulator.truths()) == 1


async def test_a_key_that_stays_in_use_is_an_unknown_outcome() -> None:
    async with till() as shop:
        shop.simulator.late_s = 3.0
        call = shop.authorize(metadata={"simulator": "late"}, timeout_s=4.0)
        running = asyncio.create_task(shop.client.call(call))
        while ("POST", "/v1/payment_intents") not in shop.simulator.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the simulator says so by its list alone
        with pytest.raises(OutcomeUnknown):
            await shop.client.call(shop.authorize(metadata={"simulator": "late"}, timeout_s=0.3, key=call.key))
        await running


async def test_a_hundred_callers_at_once_make_a_hundred_payments() -> None:
    async with till() as shop:
        answers = await asyncio.gather(*(shop.client.call(shop.authorize(timeout_s=30.0)) for _ in range(100)))
        assert len({answer.events[0].connector_transaction_id for answer in answers}) == 100
        assert len(shop.simulator.truths()) == 100


async def test_a_rate_limit_is_waited_out() -> None:
    async with till() as shop:
        (event,) = (await shop.client.call(shop.authorize(metadata={"simulator": "rate_limit"}))).events
        assert event.type == "payment.captured"
        assert len(shop.simulator.asked) == 2


async def test_a_rate_limit_without_time_is_told() -> None:
    async with till() as shop:
        with pytest.raises(ProviderUnavailable) as later:
            await shop.client.call(shop.authorize(metadata={"simulator": "rate_limit"}, timeout_s=0.5))
        assert later.value.retry_after_s
        assert shop.simulator.truths() == []


@pytest.mark.parametrize(("wanted", "made"), [("error", 0), ("error_after", 1)])
async def test_a_broken_answer_says_nothing_of_what_was_done(wanted: str, made: int) -> None:
    async with till() as shop:
        call = shop.authorize(metadata={"simulator": wanted}, timeout_s=3.0)
        with pytest.raises(OutcomeUnknown):
            await shop.client.call(call)
        assert len(shop.simulator.truths()) == made
        shop.clock[0] = 200.0
        answer = await shop.client.resolve(call)
        assert answer is not None
        assert [event.type for event in answer.events] == ["payment.captured" if made else "payment.failed"]


async def test_a_key_used_for_another_request_is_refused() -> None:
    async with till() as shop:
        call = shop.authorize()
        await shop.client.call(call)
        with pytest.raises(ProviderRefused) as refusal:
            await shop.client.call(shop.authorize(minor=5, key=call.key))
        assert refusal.value.metadata["code"] == "idempotency_key_reused"


async def test_a_refused_key_is_told_without_the_key() -> None:
    async with till() as shop:
        wrong = StripeApi({"STRIPE_API_KEY": "sk_test_canary4711", "STRIPE_API_BASE": shop.base}, SANDBOX)
        try:
            with pytest.raises(ProviderRefused) as refusal:
                await wrong.call(shop.authorize())
        finally:
            await wrong.aclose()
        assert refusal.value.metadata["category"] == "CREDENTIALS"
        assert "4711" not in str(refusal.value) + repr(refusal.value.metadata)
        assert "STRIPE_API_KEY" in refusal.value.fix


async def test_many_payments_through_a_bad_line_all_end_in_the_truth() -> None:
    async with till() as shop:
        cards = ["pm_card_visa", "pm_card_chargeDeclined"]
        calls = [shop.authorize(cards[number % 2], timeout_s=1.0) for number in range(40)]
        known: dict[str, Answer] = {}
        await lost(shop, calls[0])
        shop.faulty.faults = Faults(lost_replies=0.2, cut_requests=0.2, errors=0.1, errors_after=0.2)
        answers = await asyncio.gather(*(shop.client.call(call) for call in calls[1:]), return_exceptions=True)
        shop.faulty.faults = Faults()
        for call, answer in zip(calls[1:], answers, strict=True):
            if isinstance(answer, Answer):
                known[call.key] = answer
            else:
                assert isinstance(answer, OutcomeUnknown)
        shop.clock[0] = 300.0
        for call in calls:
            if call.key not in known:
                found = await shop.client.resolve(call)
                assert found is not None
                known[call.key] = found
        truths = {truth.key: truth.status for truth in shop.simulator.truths()}
        assert len(truths) == len(shop.simulator.truths())
        for call in calls:
            (event,) = known[call.key].events
            assert STATUSES[event.type] == truths.get(call.key, "FAILED")


class Speaks:
    """A server that answers everything with the same bytes."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        start: Message = {"type": "http.response.start", "status": self._status, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": self._body})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b"[]"),
        (200, b'{"id": "pi_1", "status": "a_new_status", "amount": 5, "currency": "usd"}'),
        (200, b'{"id": "pi_1", "status": "succeeded", "amount": "five", "currency": "usd"}'),
        (200, b'{"id": "", "status": "succeeded"}'),
        (200, b"\xff\xfe"),
        (302, b""),
        (502, b"Bad gateway"),
        (503, b'{"message": "no error object"}'),
        (404, b"not Stripe"),
    ],
)
async def test_an_answer_that_is_not_stripes_is_an_unknown_outcome(status: int, body: bytes) -> None:
    async with serving(Speaks(status, body)) as base:
        client = StripeApi({"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": base}, SANDBOX, jitter=lambda: 0.0)
        shop = Till(client, None, None, base)  # type: ignore[arg-type]
        try:
            with pytest.raises(OutcomeUnknown):
                await client.call(shop.authorize(timeout_s=0.6))
        finally:
            await client.aclose()


CANARIES = ("4000056655665556", "cvcanary987", KEY, "tok_canary8731", "pm_canary8732")


async def test_no_key_card_or_token_is_told_to_anybody(caplog: pytest.LogCaptureFixture) -> None:
    number, cvc, _, token, method = CANARIES
    told: list[str] = []
    raw = Instrument(card=Card(number=number, cvc=cvc, expiry_month=1, expiry_year=2030, holder="A"))
    with caplog.at_level(logging.DEBUG):
        async with till() as shop:
            calls = [
                shop.make(C.AUTHORIZE, authorization("", 1099, "USD", instrument=raw)),
                shop.authorize(token),
                shop.authorize(method),
                shop.authorize(f"{number}-{cvc}"),
            ]
            for call in calls:
                told.append(repr(call))
                with pytest.raises(PrismError) as error:
                    await shop.client.call(call)
                told += _everything(error.value)
            payment = await shop.paid()
            told += [str(payment), repr(shop.client), repr(shop.client._transport)]
            call = shop.authorize(timeout_s=0.4)
            shop.faulty.faults = Faults(lost_replies=1.0)
            with pytest.raises(OutcomeUnknown) as unknown:
                await shop.client.call(call)
            told += _everything(unknown.value)
            shop.faulty.faults = Faults()
            told += [str(event) for event in await shop.webhooks()]
            assert isinstance(payment_of(await shop.client.call(shop.authorize())).connector_transaction_id, str)
    told += [record.getMessage() for record in caplog.records]
    text = "\n".join(told)
    assert len(text) > 1000
    for canary in (*CANARIES, SECRET):
        assert canary not in text


def _everything(error: BaseException | None) -> list[str]:
    """What a log of the error and of all it came from would show."""
    found: list[str] = []
    while error is not None:
        found += [str(error), repr(error), repr(getattr(error, "metadata", "")), repr(error.args)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


async def test_a_card_of_which_nothing_was_kept_is_not_sent() -> None:
    async with till() as shop:
        kept = Instrument(card=Card())
        with pytest.raises(RequestRejected) as refusal:
            await shop.client.call(shop.make(C.AUTHORIZE, authorization("", 1, "USD", instrument=kept)))
        assert refusal.value.metadata == {"field": "instrument.card"}
        assert shop.simulator.asked == []
