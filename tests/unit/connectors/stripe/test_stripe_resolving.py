"""What became of a call: what is looked up, what is asked again, and when it is given up. Without any network."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.spi import Capability, Context, Environment
from connectors.spi.operations import METADATA_KEY, Answer, Call
from connectors.stripe.asking import Ask
from connectors.stripe.refusals import Reply, refused
from connectors.stripe.resolving import GRACE_S, KEY_LIFE_S, PAGES, resolved
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceAuthorizeRequest,
    PaymentServiceCaptureRequest,
    PaymentServiceIncrementAuthorizationRequest,
    PaymentServiceVoidRequest,
)
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

C = Capability
SETTLED_S = GRACE_S + 5.0
"""The grace after the five seconds that each call here has."""
CALLED_S = 1_780_000_000
KEY = "00000000-0000-8000-8000-000000000001"
USD = Money(minor_units=1099, currency="USD")
REUSED = refused(Reply(400, b'{"error": {"type": "idempotency_error", "message": "other parameters"}}'))
REQUESTS: dict[C, Any] = {
    C.AUTHORIZE: PaymentServiceAuthorizeRequest(
        amount=USD, instrument=Instrument(token="pm_1"), connector_customer_id="cus_1"
    ),
    C.REFUND: RefundServiceCreateRequest(),
    C.CREATE_PAYOUT: PayoutServiceCreateRequest(
        amount=USD, destination=PayoutDestination(connector_account_id="acct_1")
    ),
    C.CAPTURE: PaymentServiceCaptureRequest(),
    C.VOID: PaymentServiceVoidRequest(),
    C.INCREMENT_AUTHORIZATION: PaymentServiceIncrementAuthorizationRequest(amount=USD),
    C.CREATE_CUSTOMER: object(),
}


def call_of(operation: C, captured: int = 0) -> Call:
    payment = Payment(
        connector_transaction_id="pi_1",
        amount=USD,
        authorized=USD,
        captured=Money(minor_units=captured, currency="USD") if captured else None,
    )
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, CALLED_S * 10**9)
    return Call(operation, REQUESTS[operation], KEY, context, 5.0, payment=payment)


def intent(status: str, received: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1099,
        "amount_capturable": 1099 - received if status == "requires_capture" else 0,
        "amount_received": received,
        "currency": "usd",
        "status": status,
        "metadata": {METADATA_KEY: KEY},
        **more,
    }


class Stripe:
    """Answers every question with the same, and counts."""

    def __init__(self, found: dict[str, Any], outcome: Answer | Exception | None = None) -> None:
        self.found_ = found
        self.outcome = outcome
        self.asked: list[Ask] = []
        self.again_ = 0

    async def found(self, ask: Ask) -> dict[str, Any]:
        assert ask.method == "get"
        self.asked.append(ask)
        return self.found_

    async def again(self, _call: Call) -> Answer:
        self.again_ += 1
        assert self.outcome is not None, "nothing may be asked again here"
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def resolve(stripe: Stripe, operation: C, age_s: float = 5.0, captured: int = 0) -> Answer | None:
    return await resolved(call_of(operation, captured), CALLED_S + age_s, stripe, stripe.again)


def page(*found: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(found), "has_more": more}


@pytest.mark.parametrize(
    ("found", "age_s", "event"),
    [
        (intent("succeeded", 1099), 5, "payment.captured"),
        (intent("requires_capture"), 5, "payment.authorized"),
        (intent("requires_action"), 5, "payment.action_required"),
        (intent("requires_payment_method", last_payment_error={"code": "card_declined"}), 5, "payment.failed"),
        # It is just being confirmed; if it stays so, nothing more will come.
        (intent("requires_payment_method"), 5, None),
        (intent("requires_payment_method"), SETTLED_S, "payment.created"),
        (intent("a_status_of_tomorrow"), 5, None),
        (intent("succeeded", metadata={METADATA_KEY: "another"}), 5, None),
        (intent("succeeded", metadata={METADATA_KEY: "another"}), SETTLED_S, "payment.failed"),
        (intent("succeeded", metadata=None), 5, None),
    ],
)
async def test_a_payment_is_looked_up_by_our_key(found: dict[str, Any], age_s: float, event: str | None) -> None:
    stripe = Stripe(page(found))
    answer = await resolve(stripe, C.AUTHORIZE, age_s)
    assert [one.type for one in answer.events] == [event] if answer else event is None
    (ask,) = stripe.asked
    assert ask.path == "/v1/payment_intents"
    assert ask.params["created"]["gte"] < CALLED_S < ask.params["created"]["lte"]
    assert ask.params["customer"] == "cus_1"


@pytest.mark.parametrize(("operation", "path"), [(C.REFUND, "/v1/refunds"), (C.CREATE_PAYOUT, "/v1/transfers")])
async def test_what_leaves_no_trace_was_never_received_after_a_while(operation: C, path: str) -> None:
    stripe = Stripe(page())
    assert await resolve(stripe, operation) is None
    with pytest.raises(ProviderRefused) as refusal:
        await resolve(stripe, operation, SETTLED_S)
    assert refusal.value.metadata["code"] == "never_received"
    assert {ask.path for ask in stripe.asked} == {path}


async def test_a_list_without_end_says_nothing() -> None:
    stripe = Stripe(page(intent("succeeded", metadata={}), more=True))
    with pytest.raises(ProviderUnavailable):
        await resolve(stripe, C.AUTHORIZE, SETTLED_S)
    assert len(stripe.asked) == PAGES
    assert stripe.asked[-1].params["starting_after"] == "pi_1"


async def test_a_list_that_cannot_be_read_says_nothing() -> None:
    with pytest.raises(ProviderUnavailable):
        await resolve(Stripe({"data": 5}), C.AUTHORIZE, SETTLED_S)


DONE = Answer()
UNKNOWN = OutcomeUnknown("lost")


@pytest.mark.parametrize("operation", [C.CAPTURE, C.VOID, C.INCREMENT_AUTHORIZATION, C.CREATE_CUSTOMER])
async def test_all_else_is_asked_again_while_its_key_lives(operation: C) -> None:
    stripe = Stripe({}, DONE)
    assert await resolve(stripe, operation, KEY_LIFE_S - 1) is DONE
    assert (stripe.again_, stripe.asked) == (1, [])


@pytest.mark.parametrize(
    ("operation", "found", "captured", "event"),
    [
        (C.VOID, intent("canceled"), 0, "payment.voided"),
        (C.VOID, intent("requires_capture"), 0, None),
        (C.CAPTURE, intent("succeeded", 1099), 0, "payment.captured"),
        (C.CAPTURE, intent("requires_capture", 500), 0, "payment.partially_captured"),
        # Five hundred were captured before: that says nothing of this capture.
        (C.CAPTURE, intent("requires_capture", 500), 500, None),
        (C.CAPTURE, intent("requires_capture"), 0, None),
        (C.INCREMENT_AUTHORIZATION, intent("requires_capture"), 0, None),
    ],
)
async def test_a_breakdown_that_the_key_keeps_is_seen_through(
    operation: C, found: dict[str, Any], captured: int, event: str | None
) -> None:
    answer = await resolve(Stripe(found, UNKNOWN), operation, 5, captured)
    assert [one.type for one in answer.events] == [event] if answer else event is None


@pytest.mark.parametrize(
    ("operation", "found", "event"),
    [
        (C.VOID, intent("canceled"), "payment.voided"),
        (C.VOID, intent("requires_capture"), None),
        (C.CAPTURE, intent("requires_capture", 500), "payment.partially_captured"),
        (C.CAPTURE, intent("requires_capture"), None),
        (C.INCREMENT_AUTHORIZATION, intent("requires_capture"), "payment.authorized"),
    ],
)
async def test_after_its_key_has_ended_the_payment_tells_what_it_came_to(
    operation: C, found: dict[str, Any], event: str | None
) -> None:
    stripe = Stripe(found)
    if event is None:
        with pytest.raises(ProviderRefused) as refusal:
            await resolve(stripe, operation, KEY_LIFE_S)
        assert refusal.value.metadata["code"] == "never_received"
    else:
        answer = await resolve(stripe, operation, KEY_LIFE_S)
        assert answer is not None
        assert [one.type for one in answer.events] == [event]
    assert stripe.again_ == 0


async def test_an_increment_that_stripe_knows_in_other_words_is_told_as_the_payments_state() -> None:
    answer = await resolve(
        Stripe(intent("requires_capture", amount=1499, amount_capturable=1499), REUSED), C.INCREMENT_AUTHORIZATION
    )
    assert answer is not None
    assert answer.events[0].payment.authorized.minor_units == 1499


async def test_what_cannot_be_told_after_its_key_has_ended_stays_unknown() -> None:
    assert await resolve(Stripe({}), C.CREATE_CUSTOMER, KEY_LIFE_S) is None


async def test_a_refusal_is_passed_on() -> None:
    error = refused(Reply(400, b'{"error": {"code": "payment_intent_unexpected_state", "message": "No."}}'))
    with pytest.raises(ProviderRefused) as refusal:
        await resolve(Stripe({}, error), C.CAPTURE)
    assert refusal.value.metadata["provider_code"] == "payment_intent_unexpected_state"
