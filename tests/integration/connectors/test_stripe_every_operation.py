"""Every operation that Stripe's label declares: carried out, refused, lost and asked again, and with nobody there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from stripe_operations import SANDBOX, Till, authorization, till, usd

from connectors.spi import Capability
from connectors.spi.operations import Call
from connectors.spi.simulating import Faults
from connectors.stripe import connector
from connectors.stripe.client import StripeApi
from connectors.stripe.requests import ASKS, MAIN
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from orchestratorx_prism.v1 import customer_service_pb2 as customers
from orchestratorx_prism.v1 import dispute_service_pb2 as disputes
from orchestratorx_prism.v1 import mandate_service_pb2 as mandates
from orchestratorx_prism.v1 import payment_method_service_pb2 as methods
from orchestratorx_prism.v1 import payment_service_pb2 as payments
from orchestratorx_prism.v1 import payout_service_pb2 as payouts
from orchestratorx_prism.v1 import refund_service_pb2 as refunds
from orchestratorx_prism.v1 import subscription_service_pb2 as subscriptions
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.payment_pb2 import Payment

C = Capability
Made = tuple[Any, dict[str, Any]]
"""The request, and what the call is about."""
NOBODY = "cus_nobody"
NO_METHOD = "pm_nothing"


@dataclass(frozen=True)
class Case:
    """One operation: a request that is carried out, one that is refused, and the event of the first."""

    good: Callable[[Till], Awaitable[Made]]
    bad: Callable[[Till], Awaitable[Made]]
    event: str


async def customer(shop: Till) -> str:
    request = customers.CustomerServiceCreateRequest(profile=customers.CustomerProfile(name="Ada", email="ada@x.org"))
    answer = await shop.call(C.CREATE_CUSTOMER, request)
    return str(answer.resource.customer.connector_customer_id)


async def saved_method(shop: Till) -> tuple[str, str]:
    whose = await customer(shop)
    request = methods.PaymentMethodServiceAttachRequest(
        connector_customer_id=whose, instrument=Instrument(token="tok_visa")
    )
    answer = await shop.call(C.ATTACH_PAYMENT_METHOD, request)
    return whose, str(answer.resource.payment_method.connector_payment_method_id)


async def mandate(shop: Till) -> str:
    request = mandates.MandateServiceSetupRequest(
        connector_customer_id=await customer(shop), instrument=Instrument(token="pm_card_visa")
    )
    return str((await shop.call(C.SETUP_MANDATE, request)).resource.mandate.connector_mandate_id)


async def subscription(shop: Till) -> str:
    request = subscriptions.SubscriptionServiceCreateRequest(
        connector_customer_id=await customer(shop), connector_plan_id="price_basic", quantity=2
    )
    return str((await shop.call(C.CREATE_SUBSCRIPTION, request)).resource.subscription.connector_subscription_id)


async def disputed(shop: Till) -> Dispute:
    await shop.paid("pm_card_createDispute")
    (told,) = [event for event in await shop.webhooks() if event.type == "dispute.opened"]
    return Dispute(connector_dispute_id=told.dispute.connector_dispute_id)


def simple(request: Any, **of: Any) -> Callable[[Till], Awaitable[Made]]:
    async def make(_shop: Till) -> Made:
        return request, of

    return make


def on_payment(request: Any, how: Callable[[Till], Awaitable[Payment]]) -> Callable[[Till], Awaitable[Made]]:
    async def make(shop: Till) -> Made:
        return request, {"payment": await how(shop)}

    return make


def on_dispute(request: Any) -> Callable[[Till], Awaitable[Made]]:
    async def make(shop: Till) -> Made:
        return request, {"dispute": await disputed(shop)}

    return make


def about(name: str, make_id: Callable[[Till], Awaitable[str]], request: Any) -> Callable[[Till], Awaitable[Made]]:
    """The request with the field `name` set to what `make_id` makes."""

    async def make(shop: Till) -> Made:
        made = type(request)()
        made.CopyFrom(request)
        setattr(made, name, await make_id(shop))
        return made, {}

    return make


async def method_id(shop: Till) -> str:
    return (await saved_method(shop))[1]


async def owner(shop: Till) -> str:
    return (await saved_method(shop))[0]


NO_DISPUTE = {"dispute": Dispute(connector_dispute_id="du_nothing")}
NO_PAYMENT = {"payment": Payment(connector_transaction_id="pi_nothing", authorized=usd(1099), amount=usd(1099))}
PROFILE = customers.CustomerProfile(name="Grace", merchant_customer_id="c-1", metadata={"tier": "gold"})
FILE = disputes.EvidenceFile(
    purpose="receipt", file_name="r.pdf", content_type="application/pdf", content=b"%PDF-1.7 one"
)
OWN_BANK = payouts.PayoutDestination(own_account=True)
GOOD_CARD = Instrument(token="pm_card_visa")
DECLINING = Instrument(token="pm_card_chargeDeclined")

CASES: dict[C, Case] = {
    C.AUTHORIZE: Case(
        simple(authorization("pm_card_visa", 1099, "USD")),
        simple(authorization(NO_METHOD, 1099, "USD")),
        "payment.captured",
    ),
    C.CONFIRM_REDIRECT: Case(
        on_payment(payments.PaymentServiceConfirmRedirectRequest(), lambda shop: shop.paid()),
        simple(payments.PaymentServiceConfirmRedirectRequest(), **NO_PAYMENT),
        "payment.captured",
    ),
    C.CAPTURE: Case(
        on_payment(payments.PaymentServiceCaptureRequest(), lambda shop: shop.held()),
        on_payment(payments.PaymentServiceCaptureRequest(), lambda shop: shop.paid()),
        "payment.captured",
    ),
    C.VOID: Case(
        on_payment(payments.PaymentServiceVoidRequest(), lambda shop: shop.held()),
        on_payment(payments.PaymentServiceVoidRequest(), lambda shop: shop.paid()),
        "payment.voided",
    ),
    C.INCREMENT_AUTHORIZATION: Case(
        on_payment(payments.PaymentServiceIncrementAuthorizationRequest(amount=usd(500)), lambda shop: shop.held()),
        on_payment(payments.PaymentServiceIncrementAuthorizationRequest(amount=usd(500)), lambda shop: shop.paid()),
        "payment.authorization_adjusted",
    ),
    C.REFRESH_PAYMENT: Case(
        on_payment(payments.PaymentServiceGetRequest(), lambda shop: shop.held()),
        simple(payments.PaymentServiceGetRequest(), **NO_PAYMENT),
        "payment.authorized",
    ),
    C.REFUND: Case(
        on_payment(refunds.RefundServiceCreateRequest(amount=usd(300)), lambda shop: shop.paid()),
        on_payment(refunds.RefundServiceCreateRequest(amount=usd(300)), lambda shop: shop.held()),
        "refund.succeeded",
    ),
    C.CREATE_PAYOUT: Case(
        simple(payouts.PayoutServiceCreateRequest(amount=usd(5000), destination=OWN_BANK, merchant_payout_id="po-1")),
        simple(payouts.PayoutServiceCreateRequest(amount=usd(10**10), destination=OWN_BANK)),
        "payout.created",
    ),
    C.ACCEPT_DISPUTE: Case(
        on_dispute(disputes.DisputeServiceAcceptRequest()),
        simple(disputes.DisputeServiceAcceptRequest(), **NO_DISPUTE),
        "dispute.lost",
    ),
    C.DEFEND_DISPUTE: Case(
        on_dispute(disputes.DisputeServiceDefendRequest()),
        simple(disputes.DisputeServiceDefendRequest(), **NO_DISPUTE),
        "dispute.evidence_submitted",
    ),
    C.SUBMIT_EVIDENCE: Case(
        on_dispute(disputes.DisputeServiceSubmitEvidenceRequest(files=[FILE], texts={"customer_name": "Ada"})),
        simple(disputes.DisputeServiceSubmitEvidenceRequest(texts={"customer_name": "Ada"}), **NO_DISPUTE),
        "dispute.evidence_required",
    ),
    C.CREATE_CUSTOMER: Case(
        simple(customers.CustomerServiceCreateRequest(profile=PROFILE)),
        simple(customers.CustomerServiceCreateRequest(profile=customers.CustomerProfile(email="nowhere"))),
        "customer.created",
    ),
    C.GET_CUSTOMER: Case(
        about("connector_customer_id", customer, customers.CustomerServiceGetRequest()),
        simple(customers.CustomerServiceGetRequest(connector_customer_id=NOBODY)),
        "",
    ),
    C.UPDATE_CUSTOMER: Case(
        about("connector_customer_id", customer, customers.CustomerServiceUpdateRequest(profile=PROFILE)),
        simple(customers.CustomerServiceUpdateRequest(connector_customer_id=NOBODY, profile=PROFILE)),
        "customer.updated",
    ),
    C.DELETE_CUSTOMER: Case(
        about("connector_customer_id", customer, customers.CustomerServiceDeleteRequest()),
        simple(customers.CustomerServiceDeleteRequest(connector_customer_id=NOBODY)),
        "customer.deleted",
    ),
    C.ATTACH_PAYMENT_METHOD: Case(
        about("connector_customer_id", customer, methods.PaymentMethodServiceAttachRequest(instrument=GOOD_CARD)),
        about("connector_customer_id", customer, methods.PaymentMethodServiceAttachRequest(instrument=DECLINING)),
        "payment_method.attached",
    ),
    C.GET_PAYMENT_METHOD: Case(
        about("connector_payment_method_id", method_id, methods.PaymentMethodServiceGetRequest()),
        simple(methods.PaymentMethodServiceGetRequest(connector_payment_method_id=NO_METHOD)),
        "",
    ),
    C.LIST_PAYMENT_METHODS: Case(
        about("connector_customer_id", owner, methods.PaymentMethodServiceListRequest()),
        simple(methods.PaymentMethodServiceListRequest(connector_customer_id=NOBODY)),
        "",
    ),
    C.DETACH_PAYMENT_METHOD: Case(
        about("connector_payment_method_id", method_id, methods.PaymentMethodServiceDetachRequest()),
        simple(methods.PaymentMethodServiceDetachRequest(connector_payment_method_id=NO_METHOD)),
        "payment_method.detached",
    ),
    C.SETUP_MANDATE: Case(
        about("connector_customer_id", customer, mandates.MandateServiceSetupRequest(instrument=GOOD_CARD)),
        about("connector_customer_id", customer, mandates.MandateServiceSetupRequest(instrument=DECLINING)),
        "mandate.active",
    ),
    C.CHARGE_MANDATE: Case(
        about(
            "connector_mandate_id",
            mandate,
            mandates.MandateServiceChargeRequest(amount=usd(700), merchant_transaction_id="order-7"),
        ),
        simple(mandates.MandateServiceChargeRequest(amount=usd(700), connector_mandate_id="seti_nothing")),
        "payment.captured",
    ),
    C.REVOKE_MANDATE: Case(
        about("connector_mandate_id", mandate, mandates.MandateServiceRevokeRequest()),
        simple(mandates.MandateServiceRevokeRequest(connector_mandate_id="seti_nothing")),
        "mandate.revoked",
    ),
    C.CREATE_SUBSCRIPTION: Case(
        about(
            "connector_customer_id",
            customer,
            subscriptions.SubscriptionServiceCreateRequest(
                connector_plan_id="price_basic", quantity=3, merchant_subscription_id="s-1"
            ),
        ),
        simple(
            subscriptions.SubscriptionServiceCreateRequest(
                connector_customer_id=NOBODY, connector_plan_id="price_basic"
            )
        ),
        "subscription.created",
    ),
    C.GET_SUBSCRIPTION: Case(
        about("connector_subscription_id", subscription, subscriptions.SubscriptionServiceGetRequest()),
        simple(subscriptions.SubscriptionServiceGetRequest(connector_subscription_id="sub_nothing")),
        "",
    ),
    C.UPDATE_SUBSCRIPTION: Case(
        about("connector_subscription_id", subscription, subscriptions.SubscriptionServiceUpdateRequest(quantity=5)),
        simple(subscriptions.SubscriptionServiceUpdateRequest(connector_subscription_id="sub_nothing", quantity=5)),
        "subscription.updated",
    ),
    C.CANCEL_SUBSCRIPTION: Case(
        about("connector_subscription_id", subscription, subscriptions.SubscriptionServiceCancelRequest()),
        simple(subscriptions.SubscriptionServiceCancelRequest(connector_subscription_id="sub_nothing")),
        "subscription.canceled",
    ),
    C.RECORD_USAGE: Case(
        about(
            "connector_customer_id",
            customer,
            subscriptions.SubscriptionServiceRecordUsageRequest(meter="api_requests", quantity="25"),
        ),
        simple(
            subscriptions.SubscriptionServiceRecordUsageRequest(
                meter="api_requests", quantity="1", connector_customer_id=NOBODY, used_at=Timestamp(seconds=1)
            )
        ),
        "usage.recorded",
    ),
}
CHANGES = [
    operation
    for operation in CASES
    if operation
    not in {C.CONFIRM_REDIRECT, C.REFRESH_PAYMENT, C.GET_CUSTOMER, C.GET_PAYMENT_METHOD, C.LIST_PAYMENT_METHODS}
    and operation != C.GET_SUBSCRIPTION
]

each = pytest.mark.parametrize("operation", CASES, ids=lambda one: one.value)
each_change = pytest.mark.parametrize("operation", CHANGES, ids=lambda one: one.value)


def test_every_declared_operation_has_a_case() -> None:
    assert set(CASES) == set(ASKS)
    assert set(ASKS) | set(MAIN) == connector.capabilities - {C.WEBHOOKS, C.RECONCILE}


@each
async def test_it_is_carried_out(operation: C) -> None:
    async with till() as shop:
        request, of = await CASES[operation].good(shop)
        answer = await shop.call(operation, request, **of)
        told = [event.type for event in answer.events]
        assert told == ([CASES[operation].event] if CASES[operation].event else [])
        assert answer.body
        assert answer.events or answer.resource is not None
        for event in answer.events:
            assert event.connector == "stripe"
            assert event.environment == SANDBOX
            assert not event.provider_event_id
            assert not event.HasField("verification")


@each
async def test_it_is_refused(operation: C) -> None:
    async with till() as shop:
        request, of = await CASES[operation].bad(shop)
        with pytest.raises(ProviderRefused) as refusal:
            await shop.call(operation, request, **of)
        assert refusal.value.metadata["category"] in {"INVALID_REQUEST", "DECLINED"}
        assert refusal.value.metadata["code"]


@each_change
async def test_a_lost_answer_is_an_unknown_outcome_and_is_found_again(operation: C) -> None:
    async with till() as shop:
        request, of = await CASES[operation].good(shop)
        call = shop.make(operation, request, timeout_s=2.0, **of)
        shop.faulty.faults = Faults(lost_replies=1.0)
        if operation in {C.ATTACH_PAYMENT_METHOD, C.SUBMIT_EVIDENCE}:
            expected: tuple[type[Exception], ...] = (OutcomeUnknown, ProviderUnavailable)  # a step before it was lost
        else:
            expected = (OutcomeUnknown,)
        with pytest.raises(expected):
            await shop.client.call(call)
        shop.faulty.faults = Faults()
        answer = await shop.client.resolve(call)
        assert answer is not None
        assert [event.type for event in answer.events] == [CASES[operation].event]
        assert {event.idempotency_key for event in answer.events} == {call.key}


@each
async def test_with_nobody_there_nothing_was_done(operation: C) -> None:
    async with till() as shop:
        request, of = await CASES[operation].good(shop)
        call = shop.make(operation, request, timeout_s=0.6, **of)
    away = StripeApi({"STRIPE_API_KEY": "sk_test_simulator", "STRIPE_API_BASE": shop.base}, SANDBOX)
    try:
        with pytest.raises(ProviderUnavailable):
            await away.call(call)
        with pytest.raises(ProviderUnavailable):
            await away.resolve(call)
    finally:
        await away.aclose()


async def test_two_calls_of_one_key_are_one_payment() -> None:
    async with till() as shop:
        call: Call = shop.authorize()
        first = await shop.client.call(call)
        second = await shop.client.call(call)
        assert [event.id for event in first.events] == [event.id for event in second.events]
        assert len(shop.simulator.truths()) == 1
