"""Daraja's answers as events: the same names and words as in the callbacks that follow."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from connectors.mpesa import answers, pulls
from connectors.mpesa.account import Account, read_account
from connectors.spi import Capability, Context, Environment, KnownRequest, PayloadRejected, SampleWebhook
from connectors.spi.operations import REQUEST, Call
from orchestratorx_prism.errors import OutcomeUnknown, PrismError
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest, PaymentServiceGetRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.reference_pb2 import Reference
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

KEY = "0197c5a1-52c3-7d30-9c41-3f6a2b1c0d9e"
NOW_S = 1_773_472_600
KES_1099 = Money(minor_units=109_900, currency="KES")
Sampled = Callable[..., SampleWebhook]
Normalized = Callable[..., list[Event]]


@pytest.fixture
def account() -> Account:
    return read_account(
        {
            "MPESA_CONSUMER_KEY": "key",
            "MPESA_CONSUMER_SECRET": "hush",
            "MPESA_SHORTCODE": "600000",
            "MPESA_PASSKEY": "pass",
            "MPESA_URL_TOKEN": "a-token-of-enough-length",
            "MPESA_CALLBACK_BASE": "https://pay.shop.example",
        }
    )


def call_of(capability: Capability, request: Any, payment: Payment | None = None) -> Call:
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)
    return Call(capability, request, KEY, context, 10.0, payment=payment)


def authorize() -> Call:
    request = PaymentServiceAuthorizeRequest(
        amount=KES_1099, merchant_transaction_id="order-1", instrument=Instrument(phone="0708374149")
    )
    return call_of(Capability.AUTHORIZE, request)


def payment_of(event: Event, *, receipt: str = "") -> Payment:
    payment = Payment(amount=KES_1099, captured=KES_1099, merchant_transaction_id="order-1")
    payment.references.extend(event.references)
    if receipt:
        payment.references.append(Reference(kind="receipt", value=receipt))
    return payment


def known_matches(known: KnownRequest | None, event: Event) -> None:
    assert known is not None
    assert (known.account, known.merchant_transaction_id, known.amount) == ("600000", "order-1", KES_1099)
    assert known.connector_request_id


def test_a_push_and_its_callback_name_one_payment(account: Account, sampled: Sampled, normalized: Normalized) -> None:
    answer = answers.pushed(authorize(), sampled("stk_push.accepted", amount_minor=109_900).body, account)
    (event,) = answer.events
    known_matches(answer.known_request, event)
    callback = sampled("stk.success", amount_minor=109_900)
    (told,) = normalized(callback.body, known_request=answer.known_request)
    assert told.connector_transaction_id == event.connector_transaction_id
    assert told.merchant_transaction_id == event.merchant_transaction_id == "order-1"
    assert told.account == event.account == "600000"
    assert told.payment.amount == event.payment.amount
    names = {(reference.kind, reference.value) for reference in event.references}
    assert names - {(REQUEST, KEY)} <= {(reference.kind, reference.value) for reference in told.references}
    assert (REQUEST, KEY) in names
    assert event.payment.payment_method.last4 == "4149"


def test_the_same_call_makes_the_same_event(account: Account, sampled: Sampled) -> None:
    first, second = (
        answers.pushed(authorize(), sampled("stk_push.accepted", step=step).body, account).events[0] for step in (0, 1)
    )
    assert first.id == second.id


def test_a_push_that_is_answered_by_another_code_is_pending(account: Account, sampled: Sampled) -> None:
    answer = answers.pushed(authorize(), sampled("stk_push.unknown").body, account)
    assert [event.type for event in answer.events] == ["payment.pending"]
    assert answer.next_action is None
    assert answer.known_request is not None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"CheckoutRequestID":""}', b'{"CheckoutRequestID":[]}'])
def test_an_answer_that_names_no_push_leaves_the_outcome_unknown(body: bytes, account: Account) -> None:
    with pytest.raises(OutcomeUnknown):
        answers.pushed(authorize(), body, account)


def test_a_queried_success_has_the_amount_that_was_asked_for(account: Account, sampled: Sampled) -> None:
    (event,) = answers.pushed(authorize(), sampled("stk_push.accepted").body, account).events
    checkout = event.connector_transaction_id
    asked = call_of(Capability.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment_of(event))
    polled = answers.queried(asked, checkout, sampled("stk_query.success").body, account)
    assert (polled.type, polled.payment.amount, polled.payment.operation_id) == ("payment.captured", KES_1099, "")
    assert polled.merchant_transaction_id == "order-1"


def test_a_queried_refusal_moves_nothing(account: Account, sampled: Sampled) -> None:
    (event,) = answers.pushed(authorize(), sampled("stk_push.accepted").body, account).events
    asked = call_of(Capability.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment_of(event))
    polled = answers.queried(asked, event.connector_transaction_id, sampled("stk_query.canceled").body, account)
    assert polled.type == "payment.failed"
    assert not polled.payment.HasField("amount")


def test_an_answer_about_another_push_is_no_answer(account: Account, sampled: Sampled) -> None:
    asked = call_of(Capability.REFRESH_PAYMENT, PaymentServiceGetRequest(), Payment())
    with pytest.raises(PayloadRejected):
        answers.queried(asked, "ws_CO_of_somebody_else", sampled("stk_query.success").body, account)


def test_a_payout_and_its_result_name_one_payout(account: Account, sampled: Sampled, normalized: Normalized) -> None:
    request = PayoutServiceCreateRequest(
        amount=KES_1099, merchant_payout_id="order-1", destination=PayoutDestination(phone="0708374149")
    )
    body = sampled("b2c.accepted").body
    answer = answers.payout_accepted(call_of(Capability.CREATE_PAYOUT, request), body, account)
    (event,) = answer.events
    known_matches(answer.known_request, event)
    (told,) = normalized(sampled("b2c.success", amount_minor=109_900).body, "b2c", answer.known_request)
    assert event.type == "payout.pending"
    for name in ("connector_payout_id", "merchant_payout_id", "merchant_transaction_id", "amount"):
        assert getattr(told.payout, name) == getattr(event.payout, name), name
    assert not event.references


def test_a_reversal_and_its_result_name_one_refund(account: Account, sampled: Sampled, normalized: Normalized) -> None:
    (pushed,) = answers.pushed(authorize(), sampled("stk_push.accepted").body, account).events
    (paid,) = normalized(sampled("stk.success", amount_minor=109_900).body)
    payment = payment_of(pushed, receipt=paid.payment.operation_id)
    request = RefundServiceCreateRequest(merchant_refund_id="back-1")
    body = sampled("reversal.accepted").body
    answer = answers.reversal_accepted(call_of(Capability.REFUND, request, payment), body, account)
    (event,) = answer.events
    known_matches(answer.known_request, event)
    (told,) = normalized(sampled("reversal.success", amount_minor=109_900).body, "reversal", answer.known_request)
    assert event.type == "refund.pending"
    for name in (
        "connector_refund_id",
        "operation_id",
        "connector_transaction_id",
        "merchant_transaction_id",
        "amount",
    ):
        assert getattr(told.refund, name) == getattr(event.refund, name), name
    assert list(told.references) == list(event.references)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"OriginatorConversationID": "1-2-3"},
        {"ConversationID": ["AG_1"]},
        {"ConversationID": "", "OriginatorConversationID": "1-2-3"},
    ],
)
def test_an_answer_without_a_conversation_leaves_the_outcome_unknown(said: dict[str, Any], account: Account) -> None:
    request = PayoutServiceCreateRequest(amount=KES_1099)
    with pytest.raises(OutcomeUnknown):
        answers.payout_accepted(call_of(Capability.CREATE_PAYOUT, request), json.dumps(said).encode(), account)


def test_rubbish_ends_in_an_event_or_in_one_of_our_errors(account: Account, sampled: Sampled) -> None:
    payment = Payment(amount=KES_1099, captured=KES_1099)
    payment.references.append(Reference(kind="receipt", value="UAB1C2D3E4"))
    payout = call_of(Capability.CREATE_PAYOUT, PayoutServiceCreateRequest(amount=KES_1099))
    refund = call_of(Capability.REFUND, RefundServiceCreateRequest(), payment)
    refresh = call_of(Capability.REFRESH_PAYMENT, PaymentServiceGetRequest(), payment)
    readers: list[tuple[str, Callable[[bytes], object]]] = [
        ("stk_push.accepted", lambda body: answers.pushed(authorize(), body, account)),
        ("b2c.accepted", lambda body: answers.payout_accepted(payout, body, account)),
        ("reversal.accepted", lambda body: answers.reversal_accepted(refund, body, account)),
        ("stk_query.success", lambda body: answers.queried(refresh, "ws_CO_1", body, account)),
        ("pull.transaction", pulls.transactions),
    ]
    chance = random.Random(20260101)
    ends = set()
    for _ in range(1_500):
        event_type, read = chance.choice(readers)
        body = bytearray(sampled(event_type).body)
        for _ in range(chance.randrange(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        try:
            read(bytes(body))
            ends.add("read")
        except PrismError as error:
            ends.add(type(error).__name__)
    assert {"read", "OutcomeUnknown", "PayloadRejected", "ProviderUnavailable"} <= ends
