"""Our M-Pesa client against the simulated Daraja, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import replace
from typing import Any

import pytest
from mpesa_shop import PAYER, SANDBOX, Shop, open_shop, serving

from connectors.mpesa import connector
from connectors.mpesa.client import DarajaClient
from connectors.mpesa.simulator_api import DarajaSimulator
from connectors.spi.operations import REQUEST, Call
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
    RequestRejected,
)
from orchestratorx_prism.v1.event_data_pb2 import PayoutStatus
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PaymentStatus
from orchestratorx_prism.v1.refund_pb2 import RefundStatus

PUSH = "/mpesa/stkpush/v1/processrequest"
QUERY = "/mpesa/stkpushquery/v1/query"
B2C = "/mpesa/b2c/v3/paymentrequest"
REVERSAL = "/mpesa/reversal/v1/request"
STATUS = "/mpesa/transactionstatus/v1/query"
REGISTER = "/pulltransactions/v1/register"
PULL = "/pulltransactions/v1/query"
TOKEN = "/oauth/v1/generate"


def word(status: int) -> str:
    return PaymentStatus.Name(status).removeprefix("PAYMENT_STATUS_")


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


FATES = {
    "lost reply": (Faults(lost_replies=1.0), 1),
    "cut request": (Faults(cut_requests=1.0), 0),
    "error before": (Faults(errors=1.0), 0),
    "error after": (Faults(errors_after=1.0), 1),
}


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


async def test_an_answer_that_comes_late_but_in_time_is_an_answer() -> None:
    async with open_shop() as shop:
        shop.simulator.late_answer_s = 0.2
        answer = await shop.does(shop.authorize("254700000408"))
        assert [event.type for event in answer.events] == ["payment.action_required"]


async def test_where_nobody_listens_nothing_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    shop = Shop()
    client = DarajaClient(shop.simulator.config(base), SANDBOX)
    for call in (shop.authorize(), shop.payout()):
        with pytest.raises(ProviderUnavailable):
            await client.call(call)
    await client.aclose()


async def test_a_token_that_does_not_come_in_time_means_that_nothing_was_sent() -> None:
    async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(1)

    shop = Shop()
    async with serving(silent) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX)
        with pytest.raises(ProviderUnavailable, match="in time"):
            await client.call(replace(shop.authorize(), timeout_s=0.2))
        await client.aclose()


async def test_one_token_serves_fifty_pushes_and_is_renewed_once_for_all() -> None:
    async with open_shop() as shop:
        await asyncio.gather(*(shop.does(shop.authorize(merchant_transaction_id=f"a{n}")) for n in range(50)))
        assert shop.simulator.asked[TOKEN] == 1
        shop.simulator.end_tokens()
        await asyncio.gather(*(shop.does(shop.authorize(merchant_transaction_id=f"b{n}")) for n in range(50)))
        assert shop.simulator.asked[TOKEN] == 2
        await shop.later()
        assert sum(truth.captured_minor for truth in shop.simulator.truths()) == 100 * 150_000
        assert len({truth.connector_transaction_id for truth in shop.simulator.truths()}) == 100
        assert shop.types().count("payment.captured") == 100


async def test_a_token_that_is_refused_is_asked_for_once_for_all_who_wait() -> None:
    shop = Shop()
    async with serving(shop.simulator) as base:
        client = DarajaClient({**shop.simulator.config(base), "MPESA_CONSUMER_SECRET": "wrong-one"}, SANDBOX)
        ends = await asyncio.gather(*(client.call(shop.authorize()) for _ in range(20)), return_exceptions=True)
        await client.aclose()
    assert {type(end) for end in ends} == {ProviderRefused}
    assert shop.simulator.asked[TOKEN] == 1


async def test_a_caller_who_gives_up_waiting_for_a_token_leaves_it_to_the_others() -> None:
    shop = Shop()

    async def slow_token(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == TOKEN:
            await asyncio.sleep(0.5)
        await shop.simulator(scope, receive, send)

    async with serving(slow_token) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX)
        hasty, patient = await asyncio.gather(
            client.call(replace(shop.authorize(), timeout_s=0.1)),
            client.call(shop.authorize()),
            return_exceptions=True,
        )
        await client.aclose()
    assert isinstance(hasty, ProviderUnavailable)
    assert not isinstance(patient, BaseException)
    assert shop.simulator.asked[TOKEN] == 1


@pytest.mark.parametrize(
    "key", ["MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_PASSKEY", "MPESA_SHORTCODE"], ids=str
)
async def test_wrong_credentials_are_refused_as_such(key: str) -> None:
    shop = Shop()
    async with serving(shop.simulator) as base:
        config = {**shop.simulator.config(base), key: "wrong-one"}
        client = DarajaClient(config, SANDBOX)
        with pytest.raises(ProviderRefused) as refused:
            await client.call(shop.authorize())
        await client.aclose()
    assert refused.value.metadata["category"] == "CREDENTIALS"
    assert "wrong-one" not in str(refused.value)
    assert shop.simulator.truths() == []


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


async def lost(shop: Shop, **more: Any) -> Call:
    """A push that was received, and whose answer was lost."""
    call = shop.authorize(**more)
    shop.faulty.faults = Faults(lost_replies=1.0)
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    shop.faulty.faults = Faults()
    return call


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


async def paid(shop: Shop) -> Any:
    call = shop.authorize()
    await shop.does(call)
    await shop.later()
    return await shop.payment(call.key)


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


class Odd:
    """An API that gives a token, and then answers everything with the same odd bytes."""

    def __init__(self, body: bytes, status: int) -> None:
        self._body, self._status = body, status

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        token = scope["path"] == TOKEN
        body = b'{"access_token":"t","expires_in":"3599"}' if token else self._body
        await send({"type": "http.response.start", "status": 200 if token else self._status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 200, OutcomeUnknown),
        (b"<html>Bad gateway</html>", 502, OutcomeUnknown),
        (b"[]", 200, OutcomeUnknown),
        (b"{}", 200, OutcomeUnknown),
        (b'{"ResponseCode":"0"}', 200, OutcomeUnknown),
        (b'{"ResponseCode":"0","CheckoutRequestID":{}}', 200, OutcomeUnknown),
        (b'{"ResponseCode":"31415"}', 200, OutcomeUnknown),
        (b"\xff\xfe", 200, OutcomeUnknown),
        (b"[" * 100_000, 200, OutcomeUnknown),
        (b"", 302, OutcomeUnknown),
        (b"", 408, OutcomeUnknown),
        (b'{"errorCode":"500.003.1001","errorMessage":"Internal Server Error"}', 500, OutcomeUnknown),
        (b'{"ResponseCode":"1","ResponseDescription":"Unable to lock subscriber, a"}', 200, ProviderUnavailable),
        (b'{"errorCode":"500.003.03","errorMessage":"Quota Violation"}', 500, ProviderUnavailable),
        (b"", 429, ProviderUnavailable),
        (b"<html>blocked</html>", 403, ProviderRefused),
        (b'{"errorCode":"404.001.03","errorMessage":"Invalid Access Token"}', 404, ProviderRefused),
        (b'{"errorCode":"400.002.02","errorMessage":"Bad Request - Invalid PhoneNumber"}', 400, ProviderRefused),
        (b'{"ResponseCode":"2028","ResponseDescription":"Not permitted"}', 200, ProviderRefused),
    ],
)
async def test_an_odd_answer_ends_in_one_of_our_errors(body: bytes, status: int, error: type[PrismError]) -> None:
    shop = Shop()
    async with serving(Odd(body, status)) as base:
        client = DarajaClient(shop.simulator.config(base), SANDBOX)
        for call in (shop.authorize(), shop.payout()):
            with pytest.raises(error):
                await client.call(call)
        await client.aclose()


async def test_nothing_that_is_secret_is_shown_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    async with open_shop(callback_delay_s=1) as shop:
        payment_call = shop.authorize("254712345678")
        shown.append(await shop.does(payment_call))
        await shop.later()
        payment = await shop.payment(payment_call.key)
        shown.append(await shop.does(shop.refresh(payment)))
        shown.append(await shop.does(shop.refund(payment)))
        shown.append(await shop.does(shop.payout("254712345678")))
        await shop.later()
        shop.faulty.faults = Faults(lost_replies=1.0)
        calls = [shop.authorize("254712345678"), shop.payout("254712345678"), shop.refresh(payment)]
        for call in calls:
            with pytest.raises(PrismError) as caught:
                await shop.client.call(call)
            shown += [caught.value, repr(caught.value), caught.value.metadata, call, caught.value.__cause__]
        shown += [shop.client, vars(shop.client)["_account"], *(event for event in shop.events)]
        config = shop.simulator.config("http://127.0.0.1")
    text = "\n".join([*(f"{one!s} {one!r}" for one in shown), caplog.text])
    secrets = [config[key] for key in config if key not in {"MPESA_SHORTCODE", "MPESA_CALLBACK_BASE", "MPESA_API_BASE"}]
    for secret in [*secrets, "254712345678", "712345678", "Bearer", "Basic"]:
        assert secret not in text, secret
    assert "5678" in text


def test_the_label_makes_a_client_and_a_simulator() -> None:
    from connectors.spi.simulating import SimulatorOptions

    assert connector.make_simulator is not None
    assert connector.make_client is not None
    simulator = connector.make_simulator(SimulatorOptions())
    assert isinstance(simulator, DarajaSimulator)
    assert isinstance(connector.make_client(simulator.config("http://127.0.0.1:1"), SANDBOX), DarajaClient)
    assert PAYER.startswith("254")
