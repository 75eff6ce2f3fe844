"""Our requests against stripe-mock, which checks each by Stripe's own OpenAPI description. It keeps no state.

go install github.com/stripe/stripe-mock@latest && stripe-mock -http-port 12111 &
ORCHESTRATOR_TEST_STRIPE_MOCK_URL=http://127.0.0.1:12111 make test ARGS="-k stripe_mock"
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from connectors.spi import Capability, Context, Environment
from connectors.spi.operations import Call, Client
from orchestrator.plugins import connector_named
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
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.reference_pb2 import Reference

URL = os.environ.get("ORCHESTRATOR_TEST_STRIPE_MOCK_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="needs stripe-mock, named by ORCHESTRATOR_TEST_STRIPE_MOCK_URL")

USD = Money(minor_units=1099, currency="USD")
PAYMENT = Payment(
    id="pay_1",
    connector="stripe",
    connector_transaction_id="pi_1",
    references=[Reference(kind="payment_intent", value="pi_1"), Reference(kind="charge", value="ch_1")],
    amount=USD,
    authorized=USD,
)
DISPUTE = Dispute(id="dis_1", connector="stripe", connector_dispute_id="dp_1", payment_id="pay_1")
CARD = Instrument(token="pm_card_visa")
C = Capability

REQUESTS: dict[Capability, Any] = {
    C.AUTHORIZE: payments.PaymentServiceAuthorizeRequest(
        amount=USD,
        instrument=CARD,
        merchant_transaction_id="order-1",
        return_url="https://shop.example/return",
        description="a book",
        capture_mode=payments.CAPTURE_MODE_MANUAL,
        save_instrument=True,
        connector_customer_id="cus_1",
        payer_email="a@example.com",
        metadata={"shelf": "7"},
    ),
    C.CONFIRM_REDIRECT: payments.PaymentServiceConfirmRedirectRequest(
        payment_id="pay_1", parameters={"payment_intent": "pi_1"}
    ),
    C.CAPTURE: payments.PaymentServiceCaptureRequest(payment_id="pay_1", amount=USD, final_capture=True),
    C.VOID: payments.PaymentServiceVoidRequest(payment_id="pay_1"),
    C.INCREMENT_AUTHORIZATION: payments.PaymentServiceIncrementAuthorizationRequest(payment_id="pay_1", amount=USD),
    C.REFRESH_PAYMENT: payments.PaymentServiceGetRequest(payment_id="pay_1", refresh=True),
    C.REFUND: refunds.RefundServiceCreateRequest(
        payment_id="pay_1", amount=USD, refund_reason="requested_by_customer", merchant_refund_id="r-1"
    ),
    C.ACCEPT_DISPUTE: disputes.DisputeServiceAcceptRequest(dispute_id="dis_1"),
    C.DEFEND_DISPUTE: disputes.DisputeServiceDefendRequest(dispute_id="dis_1"),
    C.SUBMIT_EVIDENCE: disputes.DisputeServiceSubmitEvidenceRequest(
        dispute_id="dis_1", texts={"uncategorized_text": "sent by mail"}
    ),
    C.CREATE_CUSTOMER: customers.CustomerServiceCreateRequest(
        connector="stripe", profile=customers.CustomerProfile(name="A", email="a@example.com", merchant_customer_id="7")
    ),
    C.GET_CUSTOMER: customers.CustomerServiceGetRequest(connector="stripe", connector_customer_id="cus_1"),
    C.UPDATE_CUSTOMER: customers.CustomerServiceUpdateRequest(
        connector="stripe", connector_customer_id="cus_1", profile=customers.CustomerProfile(name="B")
    ),
    C.DELETE_CUSTOMER: customers.CustomerServiceDeleteRequest(connector="stripe", connector_customer_id="cus_1"),
    C.ATTACH_PAYMENT_METHOD: methods.PaymentMethodServiceAttachRequest(
        connector="stripe", connector_customer_id="cus_1", instrument=CARD
    ),
    C.GET_PAYMENT_METHOD: methods.PaymentMethodServiceGetRequest(
        connector="stripe", connector_payment_method_id="pm_1", connector_customer_id="cus_1"
    ),
    C.LIST_PAYMENT_METHODS: methods.PaymentMethodServiceListRequest(
        connector="stripe", connector_customer_id="cus_1", page_size=3
    ),
    C.DETACH_PAYMENT_METHOD: methods.PaymentMethodServiceDetachRequest(
        connector="stripe", connector_payment_method_id="pm_1", connector_customer_id="cus_1"
    ),
    C.SETUP_MANDATE: mandates.MandateServiceSetupRequest(
        connector="stripe", connector_customer_id="cus_1", instrument=CARD, return_url="https://shop.example/return"
    ),
    C.CHARGE_MANDATE: mandates.MandateServiceChargeRequest(
        connector="stripe",
        connector_mandate_id="pm_1",
        amount=USD,
        connector_customer_id="cus_1",
        merchant_transaction_id="order-1",
    ),
    C.REVOKE_MANDATE: mandates.MandateServiceRevokeRequest(
        connector="stripe", connector_mandate_id="pm_1", connector_customer_id="cus_1"
    ),
    C.CREATE_SUBSCRIPTION: subscriptions.SubscriptionServiceCreateRequest(
        connector="stripe", connector_customer_id="cus_1", connector_plan_id="price_1", quantity=2, trial_days=7
    ),
    C.GET_SUBSCRIPTION: subscriptions.SubscriptionServiceGetRequest(
        connector="stripe", connector_subscription_id="sub_1"
    ),
    C.UPDATE_SUBSCRIPTION: subscriptions.SubscriptionServiceUpdateRequest(
        connector="stripe", connector_subscription_id="sub_1", connector_plan_id="price_2", quantity=3
    ),
    C.CANCEL_SUBSCRIPTION: subscriptions.SubscriptionServiceCancelRequest(
        connector="stripe", connector_subscription_id="sub_1", cancel_reason="moved away"
    ),
    C.RECORD_USAGE: subscriptions.SubscriptionServiceRecordUsageRequest(
        connector="stripe", connector_customer_id="cus_1", meter="calls", quantity="12"
    ),
    C.CREATE_PAYOUT: payouts.PayoutServiceCreateRequest(
        connector="stripe",
        amount=USD,
        destination=payouts.PayoutDestination(own_account=True),
        merchant_payout_id="p-1",
    ),
}


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    make = connector_named("stripe").make_client
    assert make is not None
    made = make({"STRIPE_API_KEY": "sk_test_123", "STRIPE_API_BASE": URL}, Environment.ENVIRONMENT_SANDBOX)
    yield made
    await made.aclose()


@pytest.mark.parametrize("capability", REQUESTS)
async def test_stripe_mock_takes_the_request(client: Client, capability: Capability) -> None:
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, time.time_ns())
    key = str(uuid.uuid4())
    call = Call(capability, REQUESTS[capability], key, context, 10.0, payment=PAYMENT, dispute=DISPUTE)
    await client.call(call)


def test_every_operation_that_stripe_declares_is_tried() -> None:
    no_request_of_their_own = {C.WEBHOOKS, C.RECONCILE, C.PARTIAL_CAPTURE, C.MULTIPLE_CAPTURE, C.PARTIAL_REFUND}
    assert set(REQUESTS) == set(connector_named("stripe").capabilities) - no_request_of_their_own
