"""PayPal's operations on payments: the client against the simulator, over a real socket."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from paypal_shop import (
    AUTOMATIC,
    MANUAL,
    Shop,
    at_paypal,
    authorization,
    capture,
    confirmation,
    open_shop,
    question,
    refund,
    release,
    saved,
)

from connectors.spi import Capability
from connectors.spi.operations import REQUEST
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable, RequestRejected
from orchestratorx_prism.v1 import error_pb2 as why
from orchestratorx_prism.v1 import payment_pb2 as pb
from orchestratorx_prism.v1.instrument_pb2 import Card, Instrument

AUTHORIZE, CONFIRM, CAPTURE = Capability.AUTHORIZE, Capability.CONFIRM_REDIRECT, Capability.CAPTURE
VOID, REFUND, REFRESH = Capability.VOID, Capability.REFUND, Capability.REFRESH_PAYMENT
LOST = Faults(lost_replies=1.0)
CUT = Faults(cut_requests=1.0)
NOT_DONE_500 = Faults(errors=1.0)
DONE_BUT_500 = Faults(errors_after=1.0)
DAY_S = 86_400.0


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        yield opened


async def test_a_payer_approves_at_paypals_page_and_the_money_is_taken(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(mode=AUTOMATIC, instrument=at_paypal()))
    assert [event.type for event in answer.events] == ["payment.action_required"]
    assert payment.status == pb.PAYMENT_STATUS_ACTION_REQUIRED
    assert answer.next_action is not None
    back = await shop.visit(answer.next_action.redirect_url)
    answer, payment = await shop.call(CONFIRM, confirmation(**dict(back.params)), payment=payment)
    assert [event.type for event in answer.events] == ["payment.captured"]
    assert payment.status == pb.PAYMENT_STATUS_CAPTURED
    assert payment.captured.minor_units == 1099
    assert payment.merchant_transaction_id == "order-1"


async def test_authorize_capture_in_parts_refund_in_parts_and_the_webhooks_change_nothing(shop: Shop) -> None:
    payment = await shop.authorized(10_000)
    assert payment.status == pb.PAYMENT_STATUS_AUTHORIZED
    _, payment = await shop.call(CAPTURE, capture(3_000), payment=payment)
    assert payment.status == pb.PAYMENT_STATUS_PARTIALLY_CAPTURED
    _, payment = await shop.call(CAPTURE, capture(5_000), payment=payment)
    _, payment = await shop.call(CAPTURE, capture(), payment=payment)
    assert payment.status == pb.PAYMENT_STATUS_CAPTURED
    assert payment.captured.minor_units == 10_000
    for minor in (1_000, 4_500):
        answer, payment = await shop.call(REFUND, refund(minor, refund_reason="too small"), payment=payment)
        assert [event.type for event in answer.events] == ["refund.succeeded"]
    assert payment.refunded.minor_units == 5_500
    events = await shop.webhook_events()
    assert len(events) == 1 + 1 + 3 + 2  # authorized and completed, captures, refunds
    assert {event.merchant_transaction_id for event in events} == {"order-1"}
    after = await shop.recorded(events)
    assert (after.status, after.authorized, after.captured, after.refunded) == (
        payment.status,
        payment.authorized,
        payment.captured,
        payment.refunded,
    )
    assert not after.anomalies
    (truth,) = shop.simulator.truths()
    assert (truth.status, truth.captured_minor, truth.refunded_minor) == ("CAPTURED", 10_000, 5_500)


async def test_webhooks_that_come_before_the_answer_find_the_same_payment(shop: Shop) -> None:
    call = shop.made(AUTHORIZE, authorization(mode=AUTOMATIC))
    answer = await shop.client.call(call)
    before = await shop.recorded(await shop.webhook_events())
    after = await shop.recorded(answer.events)
    assert after.id == before.id
    assert {(one.kind, one.value) for one in before.references} >= {(REQUEST, call.key)}
    assert after.captured.minor_units == 1099


async def test_a_partial_capture_that_is_final_leaves_nothing_to_take(shop: Shop) -> None:
    payment = await shop.authorized(10_000)
    _, payment = await shop.call(CAPTURE, capture(3_000, final=True), payment=payment)
    assert payment.status == pb.PAYMENT_STATUS_CAPTURED
    with pytest.raises(ProviderRefused) as caught:
        await shop.call(CAPTURE, capture(1_000), payment=payment)
    assert caught.value.metadata["code"] == "already_captured"


async def test_what_is_left_after_a_capture_can_be_released(shop: Shop) -> None:
    payment = await shop.authorized(10_000)
    _, payment = await shop.call(CAPTURE, capture(3_000), payment=payment)
    answer, payment = await shop.call(VOID, release(), payment=payment)
    assert [event.type for event in answer.events] == ["payment.voided"]
    assert (payment.status, payment.captured.minor_units) == (pb.PAYMENT_STATUS_CAPTURED, 3_000)
    assert not payment.anomalies


async def test_a_void_releases_and_is_refused_the_second_time(shop: Shop) -> None:
    payment = await shop.authorized()
    _, payment = await shop.call(VOID, release(), payment=payment)
    assert payment.status == pb.PAYMENT_STATUS_VOIDED
    with pytest.raises(ProviderRefused) as caught:
        await shop.call(VOID, release(), payment=payment)
    assert caught.value.metadata["code"] == "already_voided"
    assert caught.value.metadata["debug_id"]


@pytest.mark.parametrize(
    ("word", "code", "category", "network_code"),
    [
        ("CCREJECT-IF", "insufficient_funds", why.FAILURE_CATEGORY_INSUFFICIENT_FUNDS, "5120"),
        ("CCREJECT-SF", "suspected_fraud", why.FAILURE_CATEGORY_FRAUD, "9500"),
        ("CCREJECT-EC", "expired_card", why.FAILURE_CATEGORY_DECLINED, "5400"),
        ("CCREJECT-CVV_F", "incorrect_cvc", why.FAILURE_CATEGORY_DECLINED, "00N7"),
    ],
)
@pytest.mark.parametrize("mode", [AUTOMATIC, MANUAL], ids=["automatic", "manual"])
async def test_a_declined_card_is_a_failed_payment(
    shop: Shop, word: str, code: str, category: int, network_code: str, mode: int
) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(mode=mode, instrument=saved(word)))
    assert [event.type for event in answer.events] == ["payment.failed"]
    assert payment.status == pb.PAYMENT_STATUS_FAILED
    assert (payment.failure.code, payment.failure.category, payment.failure.network_code) == (
        code,
        category,
        network_code,
    )
    assert shop.simulator.truths()[0].status == "FAILED"


async def test_a_decline_of_the_wallet_sends_the_payer_to_another_way_to_pay(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(10_486, mode=AUTOMATIC, instrument=at_paypal()))
    assert answer.next_action is not None
    back = await shop.visit(answer.next_action.redirect_url)
    answer, payment = await shop.call(CONFIRM, confirmation(**dict(back.params)), payment=payment)
    assert [event.type for event in answer.events] == ["payment.failed"]
    assert payment.failure.provider_code == "INSTRUMENT_DECLINED"
    assert answer.next_action is not None
    assert answer.next_action.redirect_url


async def test_a_decline_of_a_saved_wallet_is_a_failed_payment_without_an_order(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(10_417, instrument=saved("paypal-wallet")))
    assert [event.type for event in answer.events] == ["payment.failed"]
    assert payment.failure.code == "generic_decline"
    assert payment.merchant_transaction_id == "order-1"


async def test_a_challenge_is_an_action_after_which_the_payment_goes_on(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(instrument=Instrument(token="SCA_ALWAYS")))
    assert answer.next_action is not None
    assert answer.next_action.type == "three_d_secure"
    await shop.visit(answer.next_action.redirect_url)
    _, payment = await shop.call(CONFIRM, confirmation(), payment=payment)
    assert payment.status == pb.PAYMENT_STATUS_AUTHORIZED


async def test_a_payer_who_cancels_has_not_approved(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(instrument=at_paypal()))
    assert answer.next_action is not None
    back = await shop.visit(answer.next_action.redirect_url, cancel=True)
    with pytest.raises(ProviderRefused) as caught:
        await shop.call(CONFIRM, confirmation(**dict(back.params)), payment=payment)
    assert caught.value.metadata["category"] == "CANCELED_BY_PAYER"
    assert caught.value.metadata["provider_code"] == "ORDER_NOT_APPROVED"


async def test_a_confirmed_order_says_again_what_was_done(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(mode=AUTOMATIC, instrument=at_paypal()))
    assert answer.next_action is not None
    await shop.visit(answer.next_action.redirect_url)
    for _ in range(2):
        _, payment = await shop.call(CONFIRM, confirmation(), payment=payment)
        assert payment.captured.minor_units == 1099
    assert len(shop.simulator.world.captures) == 1


async def test_another_payments_token_is_refused(shop: Shop) -> None:
    _, mine = await shop.call(AUTHORIZE, authorization(instrument=at_paypal()))
    answer, _ = await shop.call(AUTHORIZE, authorization(instrument=at_paypal(), merchant_transaction_id="order-2"))
    assert answer.next_action is not None
    back = await shop.visit(answer.next_action.redirect_url)
    with pytest.raises(RequestRejected) as caught:
        await shop.call(CONFIRM, confirmation(**dict(back.params)), payment=mine)
    assert caught.value.metadata == {"field": "parameters.token"}


async def test_refusals_are_the_providers_and_record_nothing(shop: Shop) -> None:
    payment = await shop.authorized(20_000)
    for minor, code in ((10_610, "amount_too_large"), (10_602, "already_captured")):
        with pytest.raises(ProviderRefused) as caught:
            await shop.call(CAPTURE, capture(minor), payment=payment)
        assert caught.value.metadata["code"] == code
        assert caught.value.metadata["debug_id"]
    taken = await shop.captured(20_000)
    with pytest.raises(ProviderRefused) as caught:
        await shop.call(REFUND, refund(10_009), payment=taken)
    assert caught.value.metadata["provider_code"] == "TRANSACTION_REFUSED"
    with pytest.raises(ProviderRefused) as caught:
        await shop.call(REFUND, refund(20_001), payment=taken)
    assert caught.value.metadata["code"] == "amount_too_large"


async def test_a_pending_capture_and_refund_are_pending_events(shop: Shop) -> None:
    payment = await shop.authorized(20_000)
    answer, payment = await shop.call(CAPTURE, capture(10_701), payment=payment)
    assert [event.type for event in answer.events] == ["payment.pending"]
    taken = await shop.captured(20_000)
    answer, taken = await shop.call(REFUND, refund(10_701), payment=taken)
    assert [event.type for event in answer.events] == ["refund.pending"]
    assert taken.refunded.minor_units == 0


async def test_a_refund_takes_the_smallest_capture_that_has_as_much_left(shop: Shop) -> None:
    payment = await shop.authorized(10_000)
    for minor in (3_000, 2_000, 5_000):
        _, payment = await shop.call(CAPTURE, capture(minor), payment=payment)
    for minor, taken_from in ((2_500, "30.00"), (2_500, "50.00"), (2_000, "20.00")):
        answer, payment = await shop.call(REFUND, refund(minor), payment=payment)
        capture_id = answer.events[0].refund.operation_id
        assert shop.simulator.world.captures[capture_id]["amount"]["value"] == taken_from
    with pytest.raises(RequestRejected) as caught:
        await shop.call(REFUND, refund(2_600), payment=payment)
    assert caught.value.metadata == {"field": "amount"}
    assert "2500" in caught.value.message


async def test_a_refresh_says_the_same_state_in_the_same_events(shop: Shop) -> None:
    payment = await shop.authorized(10_000)
    _, payment = await shop.call(CAPTURE, capture(4_000), payment=payment)
    _, payment = await shop.call(REFUND, refund(1_000), payment=payment)
    _, payment = await shop.call(VOID, release(), payment=payment)
    first, after = await shop.call(REFRESH, question(), payment=payment)
    second, again = await shop.call(REFRESH, question(), payment=payment)
    assert [event.id for event in first.events] == [event.id for event in second.events]
    assert sorted(event.type for event in first.events) == [
        "payment.partially_captured",
        "payment.voided",
        "refund.succeeded",
    ]
    assert (after.captured, after.refunded, after.status) == (payment.captured, payment.refunded, payment.status)
    assert again == after
    assert not after.anomalies


async def test_a_refresh_alone_makes_the_whole_payment(shop: Shop) -> None:
    payment = await shop.authorized(10_000)
    _, payment = await shop.call(CAPTURE, capture(4_000), payment=payment)
    _, payment = await shop.call(REFUND, refund(1_000), payment=payment)
    async with open_shop() as elsewhere:
        answer, _ = await shop.call(REFRESH, question(), payment=payment)
        seen = await elsewhere.recorded(answer.events)
    assert (seen.status, seen.captured, seen.refunded) == (payment.status, payment.captured, payment.refunded)
    assert seen.merchant_transaction_id == "order-1"


async def test_a_refresh_sees_what_the_payer_has_approved(shop: Shop) -> None:
    answer, payment = await shop.call(AUTHORIZE, authorization(instrument=at_paypal()))
    assert answer.next_action is not None
    await shop.visit(answer.next_action.redirect_url)
    answer, _ = await shop.call(REFRESH, question(), payment=payment)
    assert [event.type for event in answer.events] == ["payment.pending"]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (authorization(currency="KWD"), "amount.currency"),
        (authorization(0), "amount.minor_units"),
        (authorization(10_050, currency="HUF"), "amount.minor_units"),
        (authorization(instrument=Instrument(phone="254708374149")), "instrument.phone"),
        (authorization(instrument=Instrument(redirect_method="ideal")), "instrument.redirect_method"),
        (authorization(instrument=at_paypal(), return_url=""), "return_url"),
        (authorization(instrument=saved("../x")), "instrument.connector_payment_method_id"),
        (authorization(instrument=Instrument(token="a b")), "instrument.token"),
        (authorization(instrument=Instrument()), "instrument"),
    ],
)
async def test_what_paypal_cannot_take_is_refused_before_anybody_is_asked(
    shop: Shop, request_: object, field: str
) -> None:
    with pytest.raises(RequestRejected) as caught:
        await shop.call(AUTHORIZE, request_)
    assert caught.value.metadata == {"field": field}
    assert shop.simulator.asked == {}


async def test_a_card_of_which_nothing_was_kept_is_not_sent(shop: Shop) -> None:
    with pytest.raises(RequestRejected) as caught:
        await shop.call(AUTHORIZE, authorization(instrument=Instrument(card=Card())))
    assert caught.value.metadata == {"field": "instrument.card"}
    assert shop.simulator.truths() == []


async def test_card_numbers_of_an_account_that_may_not_send_them_are_not_repeated(shop: Shop) -> None:
    card = Card(number="4111111111111111", expiry_month=1, expiry_year=2031, cvc="737")
    with pytest.raises(ProviderRefused) as refused:
        await shop.call(AUTHORIZE, authorization(instrument=Instrument(card=card)))
    assert "4111" not in f"{refused.value} {refused.value.metadata}"


async def test_an_unknown_saved_method_is_refused(shop: Shop) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await shop.call(AUTHORIZE, authorization(instrument=saved("nobody")))
    assert caught.value.metadata["code"] == "not_found"


async def test_currencies_without_decimals_are_sent_without(shop: Shop) -> None:
    for currency, minor, text in (("JPY", 500, "500"), ("HUF", 50_000, "500"), ("EUR", 1, "0.01")):
        _, payment = await shop.call(AUTHORIZE, authorization(minor, currency=currency, mode=AUTOMATIC))
        order = shop.simulator.world.orders[payment.connector_transaction_id]
        assert order["purchase_units"][0]["amount"] == {"currency_code": currency, "value": text}
        assert payment.captured.minor_units == minor


# What is lost.


async def payment_before(shop: Shop, capability: Capability) -> pb.Payment | None:
    match capability:
        case Capability.CAPTURE | Capability.VOID:
            return await shop.authorized()
        case Capability.REFUND:
            return await shop.captured()
        case Capability.CONFIRM_REDIRECT:
            answer, payment = await shop.call(AUTHORIZE, authorization(instrument=at_paypal()))
            assert answer.next_action is not None
            await shop.visit(answer.next_action.redirect_url)
            return payment
    await shop.authorized(7)  # fetches the token: its request is not to be the one that is lost
    return None


OPERATIONS = {
    AUTHORIZE: (authorization(), "payment.authorized"),
    CONFIRM: (confirmation(), "payment.authorized"),
    CAPTURE: (capture(), "payment.captured"),
    VOID: (release(), "payment.voided"),
    REFUND: (refund(500), "refund.succeeded"),
}
each_operation = pytest.mark.parametrize("capability", OPERATIONS)


@each_operation
@pytest.mark.parametrize("faults", [LOST, CUT, NOT_DONE_500, DONE_BUT_500], ids=["lost", "cut", "500", "500 after"])
async def test_a_lost_answer_is_unknown_and_found_later_and_nothing_is_done_twice(
    shop: Shop, capability: Capability, faults: Faults
) -> None:
    request, expected = OPERATIONS[capability]
    call = shop.made(capability, request, payment=await payment_before(shop, capability))
    shop.faulty.faults = faults
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    found = await shop.client.resolve(call)  # questions are answered all the while
    is_done = faults in (LOST, DONE_BUT_500)
    assert (found is not None) == (is_done and capability != AUTHORIZE)
    shop.faulty.faults = Faults()
    answer = await shop.client.resolve(call)
    assert answer is not None
    again = await shop.client.resolve(call)
    assert again is not None
    assert [event.type for event in answer.events] == [event.type for event in again.events] == [expected]
    assert [event.id for event in answer.events] == [event.id for event in again.events]
    world = shop.simulator.world
    assert len(world.captures) <= 1
    assert len(world.refunds) == (capability == REFUND)
    assert len([one for one in shop.simulator.truths() if one.key == call.key]) == (capability == AUTHORIZE)


@each_operation
async def test_a_call_repeats_what_was_lost_with_the_same_key(shop: Shop, capability: Capability) -> None:
    request, expected = OPERATIONS[capability]
    call = shop.made(capability, request, payment=await payment_before(shop, capability))
    shop.faulty.faults = Faults(lost_replies=0.5)
    answers = []
    for _ in range(6):
        try:
            answers.append(await shop.client.call(call))
        except OutcomeUnknown:
            continue
    assert answers
    assert {event.type for answer in answers for event in answer.events} == {expected}
    assert len({event.id for answer in answers for event in answer.events}) == 1
    assert len(shop.simulator.world.refunds) == (capability == REFUND)
    assert len(shop.simulator.world.captures) <= 1


@pytest.mark.parametrize("minor", [50_404, 50_303], ids=["done", "not done"])
async def test_a_payment_that_is_answered_with_5xx_is_found_out(shop: Shop, minor: int) -> None:
    call = shop.made(AUTHORIZE, authorization(minor, mode=AUTOMATIC))
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    answer = await shop.client.resolve(call)
    assert answer is not None
    payment = await shop.recorded(answer.events)
    assert payment.captured.minor_units == minor
    assert len(shop.simulator.world.captures) == 1


async def test_nobody_there_means_that_nothing_was_done(shop: Shop) -> None:
    async with open_shop() as gone:
        call = gone.made(AUTHORIZE, authorization(mode=AUTOMATIC))
        client = gone.client
    with pytest.raises(ProviderUnavailable):
        await client.call(call)
    with pytest.raises(ProviderUnavailable):
        await client.resolve(call)
    await client.aclose()


async def test_a_token_that_is_not_given_means_that_nothing_was_sent(shop: Shop) -> None:
    shop.faulty.faults = CUT
    with pytest.raises(ProviderUnavailable):
        await shop.call(AUTHORIZE, authorization())
    assert shop.simulator.truths() == []


async def test_an_answer_that_takes_longer_than_the_call_may_is_unknown(shop: Shop) -> None:
    await shop.authorized()
    call = shop.made(AUTHORIZE, authorization(10_505, mode=AUTOMATIC), timeout_s=0.5)
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    answer = await shop.client.resolve(call)
    assert answer is None or answer.events[0].type == "payment.captured"
    assert len(shop.simulator.world.captures) == 1


@pytest.mark.parametrize(
    ("capability", "age_s", "expected"),
    [
        (AUTHORIZE, 0.3 * DAY_S, "payment.failed"),
        (CONFIRM, 0.3 * DAY_S, "payment.failed"),
        (CAPTURE, 46 * DAY_S, "payment.capture_failed"),
        (VOID, 46 * DAY_S, "payment.void_failed"),
    ],
)
async def test_what_never_arrived_is_not_sent_again_once_paypal_has_forgotten_its_key(
    shop: Shop, capability: Capability, age_s: float, expected: str
) -> None:
    request = authorization(instrument=at_paypal()) if capability == AUTHORIZE else OPERATIONS[capability][0]
    before = await payment_before(shop, capability)
    call = shop.aged(shop.made(capability, request, payment=before), age_s)
    orders = len(shop.simulator.world.orders)
    answer = await shop.client.resolve(call)
    assert answer is not None
    assert [event.type for event in answer.events] == [expected]
    assert answer.events[0].payment.failure.code == "never_received"
    assert len(shop.simulator.world.orders) == orders
    if before is not None:
        after = await shop.recorded(answer.events)
        assert (after.id, after.captured.minor_units) == (before.id, before.captured.minor_units)
        assert after.authorized == before.authorized


async def test_a_refund_that_never_arrived_is_told_so_once_paypal_has_forgotten_its_key(shop: Shop) -> None:
    call = shop.aged(shop.made(REFUND, refund(500), payment=await shop.captured()), 46 * DAY_S)
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.resolve(call)
    assert caught.value.metadata["code"] == "never_received"
    assert not shop.simulator.world.refunds


async def test_what_was_charged_at_once_is_left_to_a_webhook_once_paypal_has_forgotten_its_key(shop: Shop) -> None:
    call = shop.aged(shop.made(AUTHORIZE, authorization(mode=AUTOMATIC)), 0.3 * DAY_S)
    assert await shop.client.resolve(call) is None
    assert shop.simulator.truths() == []


async def test_a_refusal_is_found_by_asking_again(shop: Shop) -> None:
    payment = await shop.authorized(20_000)
    call = shop.made(CAPTURE, capture(10_610), payment=payment)
    shop.faulty.faults = LOST
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    shop.faulty.faults = Faults()
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.resolve(call)
    assert caught.value.metadata["code"] == "amount_too_large"


# Many at once, tokens, secrets.


async def test_whatever_is_lost_every_payment_ends_as_the_simulator_has_it(shop: Shop) -> None:
    await shop.authorized(7)  # fetches the token
    shop.faulty.faults = Faults(lost_replies=0.2, cut_requests=0.2, errors=0.1, errors_after=0.1)

    async def settled(capability: Capability, request: object, **more: object) -> pb.Payment:
        call = shop.made(capability, request, **more)
        found = None
        try:
            found = await shop.client.call(call)
        except OutcomeUnknown:
            while found is None:
                found = await shop.client.resolve(call)
        return await shop.recorded(found.events)

    async def paid(n: int) -> pb.Payment:
        payment = await settled(AUTHORIZE, authorization(1_000 + n, merchant_transaction_id=f"order-{n}"))
        payment = await settled(CAPTURE, capture(600 + n, final=True), payment=payment)
        return await settled(REFUND, refund(100 + n), payment=payment)

    payments = await asyncio.gather(*(paid(n) for n in range(30)))
    truths = {truth.merchant_transaction_id: truth for truth in shop.simulator.truths()[1:]}
    assert len(truths) == len(shop.simulator.truths()) - 1 == 30
    for n, payment in enumerate(payments):
        truth = truths[f"order-{n}"]
        assert (truth.captured_minor, truth.refunded_minor) == (600 + n, 100 + n)
        assert (payment.captured.minor_units, payment.refunded.minor_units) == (600 + n, 100 + n)
        assert not payment.anomalies


async def test_the_same_key_at_the_same_time_charges_once(shop: Shop) -> None:
    key = str(uuid.uuid4())
    calls = [shop.made(AUTHORIZE, authorization(mode=AUTOMATIC), key=key) for _ in range(20)]
    answers = await asyncio.gather(*(shop.client.call(call) for call in calls))
    assert len({event.id for answer in answers for event in answer.events}) == 1
    assert len(shop.simulator.truths()) == 1


async def test_many_calls_share_one_token_and_a_new_one_when_it_ends(shop: Shop) -> None:
    await asyncio.gather(*(shop.authorized(100 + n) for n in range(20)))
    assert shop.simulator.asked["/v1/oauth2/token"] == 1
    shop.simulator.end_tokens()
    await asyncio.gather(*(shop.authorized(200 + n) for n in range(20)))
    assert shop.simulator.asked["/v1/oauth2/token"] == 2
    assert len(shop.simulator.truths()) == 40


async def test_what_a_saved_method_is_is_asked_once(shop: Shop) -> None:
    for _ in range(3):
        await shop.authorized()
    assert shop.simulator.asked["/v3/vault/payment-tokens/card-visa"] == 1


async def test_wrong_credentials_are_refused(shop: Shop) -> None:
    async with open_shop() as other:
        other.simulator._client = ("simulator-client", "another-secret")
        with pytest.raises(ProviderRefused) as caught:
            await other.call(AUTHORIZE, authorization())
    assert caught.value.metadata["category"] == "CREDENTIALS"
    assert "simulator-secret" not in f"{caught.value!r} {caught.value}"
