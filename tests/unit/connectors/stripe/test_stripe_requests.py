"""What Stripe is asked for: every request as its own SDK describes it, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import stripe
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi import Capability, Context, Environment
from connectors.spi.operations import METADATA_KEY, Call
from connectors.stripe.asking import Ask
from connectors.stripe.requests import ASKS, FIRST, MAIN, operation_of
from connectors.stripe.requests_other import uploads
from orchestratorx_prism.errors import RequestRejected
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

C = Capability
KEY = "00000000-0000-8000-8000-000000000001"
PAYMENT = Payment(
    connector_transaction_id="pi_1",
    merchant_transaction_id="order-1",
    amount=Money(minor_units=1099, currency="USD"),
    authorized=Money(minor_units=1099, currency="USD"),
)
DISPUTE = Dispute(connector_dispute_id="du_1")


def usd(minor: int) -> Money:
    return Money(minor_units=minor, currency="USD")


def call_of(capability: C, request: Any, **of: Any) -> Call:
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, 1_780_000_000_000_000_000)
    return Call(capability, request, KEY, context, 5.0, **{"payment": PAYMENT, "dispute": DISPUTE, **of})


def ask_of(capability: C, request: Any, found: dict[str, Any] | None = None, **of: Any) -> Ask:
    call = call_of(capability, request, **of)
    return ASKS[operation_of(call)](call, found or {})


def authorize(**more: Any) -> Ask:
    values: dict[str, Any] = {"amount": usd(1099), "instrument": Instrument(token="pm_card_visa"), **more}
    return ask_of(C.AUTHORIZE, payments.PaymentServiceAuthorizeRequest(**values))


CARD = Instrument(token="pm_1")
FULL = payments.PaymentServiceAuthorizeRequest(
    amount=usd(1099),
    merchant_transaction_id="order-1",
    instrument=Instrument(token="tok_visa"),
    capture_mode=payments.CAPTURE_MODE_MANUAL,
    return_url="https://shop.example/back",
    connector_customer_id="cus_1",
    description="Socks",
    save_instrument=True,
    country="de",
    payer_email="ada@x.org",
    metadata={"basket": "7"},
)
IDEAL = payments.PaymentServiceAuthorizeRequest(
    amount=Money(minor_units=1099, currency="EUR"),
    instrument=Instrument(redirect_method="ideal"),
    return_url="https://shop.example/back",
    country="nl",
)
EVIDENCE = disputes.DisputeServiceSubmitEvidenceRequest(texts={"customer_name": "Ada", "shipping_date": "2026-01-01"})
ITEMS = {"items": {"data": [{"id": "si_1"}]}}

SENT: list[tuple[C, Any, dict[str, Any], str, str, str]] = [
    (C.AUTHORIZE, FULL, {}, "post", "/v1/payment_intents", "PaymentIntentCreateParams"),
    (C.AUTHORIZE, IDEAL, {}, "post", "/v1/payment_intents", "PaymentIntentCreateParams"),
    (
        C.PARTIAL_CAPTURE,
        payments.PaymentServiceCaptureRequest(amount=usd(500)),
        {},
        "post",
        "/v1/payment_intents/pi_1/capture",
        "PaymentIntentCaptureParams",
    ),
    (
        C.VOID,
        payments.PaymentServiceVoidRequest(),
        {},
        "post",
        "/v1/payment_intents/pi_1/cancel",
        "PaymentIntentCancelParams",
    ),
    (
        C.INCREMENT_AUTHORIZATION,
        payments.PaymentServiceIncrementAuthorizationRequest(amount=usd(401)),
        {},
        "post",
        "/v1/payment_intents/pi_1/increment_authorization",
        "PaymentIntentIncrementAuthorizationParams",
    ),
    (
        C.REFRESH_PAYMENT,
        payments.PaymentServiceGetRequest(),
        {},
        "get",
        "/v1/payment_intents/pi_1",
        "PaymentIntentRetrieveParams",
    ),
    (
        C.CONFIRM_REDIRECT,
        payments.PaymentServiceConfirmRedirectRequest(parameters={"payment_intent": "pi_1"}),
        {},
        "get",
        "/v1/payment_intents/pi_1",
        "PaymentIntentRetrieveParams",
    ),
    (
        C.PARTIAL_REFUND,
        refunds.RefundServiceCreateRequest(amount=usd(5), refund_reason="duplicate", merchant_refund_id="r-1"),
        {},
        "post",
        "/v1/refunds",
        "RefundCreateParams",
    ),
    (
        C.CREATE_PAYOUT,
        payouts.PayoutServiceCreateRequest(
            amount=usd(5), destination=payouts.PayoutDestination(own_account=True), description="May"
        ),
        {},
        "post",
        "/v1/payouts",
        "PayoutCreateParams",
    ),
    (
        C.CREATE_PAYOUT,
        payouts.PayoutServiceCreateRequest(
            amount=usd(5), destination=payouts.PayoutDestination(connector_account_id="acct_1")
        ),
        {},
        "post",
        "/v1/transfers",
        "TransferCreateParams",
    ),
    (
        C.ACCEPT_DISPUTE,
        disputes.DisputeServiceAcceptRequest(),
        {},
        "post",
        "/v1/disputes/du_1/close",
        "DisputeCloseParams",
    ),
    (C.DEFEND_DISPUTE, disputes.DisputeServiceDefendRequest(), {}, "post", "/v1/disputes/du_1", "DisputeUpdateParams"),
    (C.SUBMIT_EVIDENCE, EVIDENCE, {"receipt": "file_1"}, "post", "/v1/disputes/du_1", "DisputeUpdateParams"),
    (
        C.CREATE_CUSTOMER,
        customers.CustomerServiceCreateRequest(
            profile=customers.CustomerProfile(name="Ada", email="a@x.org", phone="+1", merchant_customer_id="c-1")
        ),
        {},
        "post",
        "/v1/customers",
        "CustomerCreateParams",
    ),
    (
        C.UPDATE_CUSTOMER,
        customers.CustomerServiceUpdateRequest(
            connector_customer_id="cus_1", profile=customers.CustomerProfile(name="Ada", metadata={"a": "b"})
        ),
        {},
        "post",
        "/v1/customers/cus_1",
        "CustomerUpdateParams",
    ),
    (
        C.DELETE_CUSTOMER,
        customers.CustomerServiceDeleteRequest(connector_customer_id="cus_1"),
        {},
        "delete",
        "/v1/customers/cus_1",
        "CustomerDeleteParams",
    ),
    (
        C.ATTACH_PAYMENT_METHOD,
        methods.PaymentMethodServiceAttachRequest(connector_customer_id="cus_1", instrument=CARD),
        {},
        "post",
        "/v1/payment_methods/pm_1/attach",
        "PaymentMethodAttachParams",
    ),
    (
        C.LIST_PAYMENT_METHODS,
        methods.PaymentMethodServiceListRequest(connector_customer_id="cus_1", page_size=3, page_token="pm_9"),
        {},
        "get",
        "/v1/customers/cus_1/payment_methods",
        "CustomerPaymentMethodListParams",
    ),
    (
        C.DETACH_PAYMENT_METHOD,
        methods.PaymentMethodServiceDetachRequest(connector_payment_method_id="pm_1"),
        {},
        "post",
        "/v1/payment_methods/pm_1/detach",
        "PaymentMethodDetachParams",
    ),
    (
        C.SETUP_MANDATE,
        mandates.MandateServiceSetupRequest(
            connector_customer_id="cus_1",
            instrument=CARD,
            return_url="https://shop.example",
            merchant_transaction_id="m",
        ),
        {},
        "post",
        "/v1/setup_intents",
        "SetupIntentCreateParams",
    ),
    (
        C.CHARGE_MANDATE,
        mandates.MandateServiceChargeRequest(amount=usd(5), connector_mandate_id="mandate_1", description="June"),
        {"object": "mandate", "id": "mandate_1", "payment_method": {"id": "pm_1", "customer": "cus_1"}},
        "post",
        "/v1/payment_intents",
        "PaymentIntentCreateParams",
    ),
    (
        C.REVOKE_MANDATE,
        mandates.MandateServiceRevokeRequest(connector_mandate_id="seti_1"),
        {"object": "setup_intent", "payment_method": "pm_1"},
        "post",
        "/v1/payment_methods/pm_1/detach",
        "PaymentMethodDetachParams",
    ),
    (
        C.CREATE_SUBSCRIPTION,
        subscriptions.SubscriptionServiceCreateRequest(
            connector_customer_id="cus_1",
            connector_plan_id="price_1",
            quantity=2,
            trial_days=14,
            merchant_subscription_id="s-1",
            connector_payment_method_id="pm_1",
        ),
        {},
        "post",
        "/v1/subscriptions",
        "SubscriptionCreateParams",
    ),
    (
        C.UPDATE_SUBSCRIPTION,
        subscriptions.SubscriptionServiceUpdateRequest(connector_subscription_id="sub_1", connector_plan_id="price_2"),
        ITEMS,
        "post",
        "/v1/subscriptions/sub_1",
        "SubscriptionUpdateParams",
    ),
    (
        C.CANCEL_SUBSCRIPTION,
        subscriptions.SubscriptionServiceCancelRequest(
            connector_subscription_id="sub_1", at_period_end=True, cancel_reason="moved"
        ),
        {},
        "post",
        "/v1/subscriptions/sub_1",
        "SubscriptionUpdateParams",
    ),
    (
        C.CANCEL_SUBSCRIPTION,
        subscriptions.SubscriptionServiceCancelRequest(connector_subscription_id="sub_1", cancel_reason="moved"),
        {},
        "delete",
        "/v1/subscriptions/sub_1",
        "SubscriptionCancelParams",
    ),
    (
        C.RECORD_USAGE,
        subscriptions.SubscriptionServiceRecordUsageRequest(
            connector_customer_id="cus_1", meter="calls", quantity="2.5", used_at=Timestamp(seconds=1_780_000_000)
        ),
        {},
        "post",
        "/v1/billing/meter_events",
        "billing.MeterEventCreateParams",
    ),
]


def types_of(name: str) -> Any:
    """A class of the SDK's that says which parameters an endpoint takes: a source that we did not write."""
    module: Any = stripe.params
    for part in name.split("."):
        module = getattr(module, part)
    return module


@pytest.mark.parametrize(("capability", "request_", "found", "method", "path", "params"), SENT)
def test_a_request_is_as_stripes_own_library_describes_it(
    capability: C, request_: Any, found: dict[str, Any], method: str, path: str, params: str
) -> None:
    ask = ask_of(capability, request_, {"id": "pm_1"} if request_ is FULL else found)
    assert (ask.method, ask.path) == (method, path)
    assert ask.params.keys() <= types_of(params).__annotations__.keys()
    assert ask.key == (KEY if method == "post" else "")
    assert KEY not in repr(ask)


@pytest.mark.parametrize(
    ("capability", "request_", "found", "prefix"),
    [
        (C.AUTHORIZE, FULL, {}, "PaymentIntentCreateParams"),
        (C.AUTHORIZE, IDEAL, {}, "PaymentIntentCreateParams"),
        (C.SUBMIT_EVIDENCE, EVIDENCE, {"receipt": "file_1"}, "DisputeUpdateParams"),
    ],
)
def test_nested_parameters_are_too(capability: C, request_: Any, found: dict[str, Any], prefix: str) -> None:
    def check(values: Mapping[str, Any], name: str) -> None:
        for key, value in values.items():
            if isinstance(value, Mapping) and key != "metadata":
                inner = f"{name}{''.join(part.capitalize() for part in key.split('_'))}"
                if hasattr(stripe.params, inner):
                    seen.append(inner)
                    assert value.keys() <= types_of(inner).__annotations__.keys()
                check(value, inner)

    seen: list[str] = []
    check(ask_of(capability, request_, found).params, prefix)
    assert len(seen) > 0


def test_every_operation_has_a_request_here() -> None:
    tested = {MAIN.get(capability, capability) for capability, *_ in SENT}
    assert set(ASKS) - tested == {C.GET_CUSTOMER, C.GET_PAYMENT_METHOD, C.GET_SUBSCRIPTION}


def test_an_authorization_carries_the_merchants_reference_and_our_key() -> None:
    params = ask_of(C.AUTHORIZE, FULL, {"id": "pm_1"}).params
    assert params["metadata"] == {"basket": "7", "merchant_transaction_id": "order-1", METADATA_KEY: KEY}
    assert params["payment_method"] == "pm_1"
    assert (params["amount"], params["currency"], params["confirm"]) == (1099, "usd", True)
    assert (params["capture_method"], params["setup_future_usage"]) == ("manual", "off_session")
    assert params["automatic_payment_methods"] == {"enabled": True}


@pytest.mark.parametrize("capability", [C.AUTHORIZE, C.SETUP_MANDATE, C.ATTACH_PAYMENT_METHOD])
def test_a_card_token_is_made_a_payment_method_first(capability: C) -> None:
    of: dict[C, Any] = {
        C.AUTHORIZE: FULL,
        C.SETUP_MANDATE: mandates.MandateServiceSetupRequest(instrument=Instrument(token="tok_visa")),
        C.ATTACH_PAYMENT_METHOD: methods.PaymentMethodServiceAttachRequest(
            connector_customer_id="cus_1", instrument=Instrument(token="tok_visa")
        ),
    }
    first = FIRST[capability](call_of(capability, of[capability]))
    assert first is not None
    assert (first.path, first.params["card"]) == ("/v1/payment_methods", {"token": "tok_visa"})
    assert first.params.keys() <= types_of("PaymentMethodCreateParams").__annotations__.keys()
    assert first.key != KEY


def test_a_wrong_request_with_a_token_is_refused_before_the_token_is_used() -> None:
    request = payments.PaymentServiceAuthorizeRequest(amount=usd(0), instrument=Instrument(token="tok_visa"))
    with pytest.raises(RequestRejected):
        FIRST[C.AUTHORIZE](call_of(C.AUTHORIZE, request))


def test_without_a_return_url_nobody_is_sent_away() -> None:
    assert authorize().params["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "never"}
    off_session = authorize(off_session=True, return_url="https://x.org").params
    assert off_session["off_session"] is True
    assert "return_url" not in off_session


def test_a_repeated_capture_has_the_same_body_whatever_was_captured_meanwhile() -> None:
    request = payments.PaymentServiceCaptureRequest(amount=usd(500))
    later = Payment()
    later.CopyFrom(PAYMENT)
    later.captured.CopyFrom(usd(500))
    assert ask_of(C.CAPTURE, request) == ask_of(C.CAPTURE, request, payment=later)
    assert ask_of(C.CAPTURE, request).params["final_capture"] is False


@pytest.mark.parametrize(
    ("amount", "final", "sent"),
    [(None, False, {}), (1099, False, {"amount_to_capture": 1099}), (500, True, {"amount_to_capture": 500})],
)
def test_the_last_capture_is_not_called_otherwise(amount: int | None, final: bool, sent: dict[str, Any]) -> None:
    request = payments.PaymentServiceCaptureRequest(final_capture=final, amount=usd(amount) if amount else None)
    params = ask_of(C.CAPTURE, request).params
    assert params == {"expand": ["latest_charge"], **sent}


def test_an_increment_is_sent_as_the_new_total() -> None:
    request = payments.PaymentServiceIncrementAuthorizationRequest(amount=usd(401))
    assert ask_of(C.INCREMENT_AUTHORIZATION, request).params["amount"] == 1500


def test_a_charge_without_a_payment_intent_can_be_refunded_and_refreshed() -> None:
    charge = Payment(connector_transaction_id="ch_1", amount=usd(5))
    assert ask_of(C.REFUND, refunds.RefundServiceCreateRequest(), payment=charge).params["charge"] == "ch_1"
    asked = ask_of(C.REFRESH_PAYMENT, payments.PaymentServiceGetRequest(), payment=charge)
    assert asked.path == "/v1/charges/ch_1"


def test_a_reason_in_words_of_ones_own_goes_with_the_merchants_data() -> None:
    params = ask_of(C.REFUND, refunds.RefundServiceCreateRequest(refund_reason="too small")).params
    assert "reason" not in params
    assert params["metadata"]["refund_reason"] == "too small"


def test_a_mandate_leads_to_its_method_and_customer() -> None:
    request = mandates.MandateServiceChargeRequest(amount=usd(5), connector_mandate_id="seti_1")
    found = {"object": "setup_intent", "id": "seti_1", "payment_method": "pm_1", "customer": "cus_1", "mandate": None}
    params = ask_of(C.CHARGE_MANDATE, request, found).params
    assert (params["payment_method"], params["customer"], params["off_session"]) == ("pm_1", "cus_1", True)
    assert "mandate" not in params
    first = FIRST[C.CHARGE_MANDATE](call_of(C.CHARGE_MANDATE, request))
    assert first is not None
    assert first.path == "/v1/setup_intents/seti_1"


def test_documents_are_uploaded_each_with_a_key_of_its_own() -> None:
    pdf = {"content_type": "application/pdf", "content": b"%PDF"}
    files = [
        disputes.EvidenceFile(purpose="receipt", file_name="a.pdf", **pdf),
        disputes.EvidenceFile(purpose="refund_policy", **pdf),
    ]
    request = disputes.DisputeServiceSubmitEvidenceRequest(files=files)
    asks = uploads(call_of(C.SUBMIT_EVIDENCE, request))
    assert [purpose for purpose, _ in asks] == ["receipt", "refund_policy"]
    assert len({ask.key for _, ask in asks}) == 2
    assert asks[0][1].file == ("a.pdf", b"%PDF")
    assert "%PDF" not in repr(asks)


LONG = {f"k{number}": "v" for number in range(50)}
REFUSED: list[tuple[str, C, Any, dict[str, Any]]] = [
    (
        "instrument",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=Instrument(phone="254708374149")),
        {},
    ),
    ("instrument", C.AUTHORIZE, payments.PaymentServiceAuthorizeRequest(amount=usd(1)), {}),
    (
        "instrument.token",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=Instrument(token="pm_1/../x")),
        {},
    ),
    (
        "instrument.token",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=Instrument(token="other_1")),
        {},
    ),
    ("amount", C.AUTHORIZE, payments.PaymentServiceAuthorizeRequest(amount=usd(0), instrument=CARD), {}),
    (
        "amount",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=Money(minor_units=1, currency="XXZ"), instrument=CARD),
        {},
    ),
    (
        "amount",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=Money(minor_units=1001, currency="KWD"), instrument=CARD),
        {},
    ),
    (
        "amount",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=Money(minor_units=150, currency="MGA"), instrument=CARD),
        {},
    ),
    (
        "metadata",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=CARD, metadata=LONG),
        {},
    ),
    (
        "metadata",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=CARD, metadata={METADATA_KEY: "x"}),
        {},
    ),
    (
        "metadata",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=CARD, metadata={"a[b]": "x"}),
        {},
    ),
    (
        "connector_customer_id",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=CARD, save_instrument=True),
        {},
    ),
    (
        "return_url",
        C.AUTHORIZE,
        payments.PaymentServiceAuthorizeRequest(amount=usd(1), instrument=Instrument(redirect_method="ideal")),
        {},
    ),
    (
        "amount.currency",
        C.CAPTURE,
        payments.PaymentServiceCaptureRequest(amount=Money(minor_units=1, currency="EUR")),
        {},
    ),
    ("payment_id", C.VOID, payments.PaymentServiceVoidRequest(), {"payment": Payment()}),
    ("payment_id", C.VOID, payments.PaymentServiceVoidRequest(), {"payment": Payment(connector_transaction_id="ch_1")}),
    (
        "payment_id",
        C.INCREMENT_AUTHORIZATION,
        payments.PaymentServiceIncrementAuthorizationRequest(amount=usd(1)),
        {"payment": Payment(connector_transaction_id="pi_1")},
    ),
    (
        "parameters",
        C.CONFIRM_REDIRECT,
        payments.PaymentServiceConfirmRedirectRequest(parameters={"payment_intent": "pi_2"}),
        {},
    ),
    ("destination", C.CREATE_PAYOUT, payouts.PayoutServiceCreateRequest(amount=usd(1)), {}),
    ("files", C.SUBMIT_EVIDENCE, disputes.DisputeServiceSubmitEvidenceRequest(), {}),
    ("texts", C.SUBMIT_EVIDENCE, disputes.DisputeServiceSubmitEvidenceRequest(texts={"receipt": "x"}), {}),
    ("profile", C.UPDATE_CUSTOMER, customers.CustomerServiceUpdateRequest(connector_customer_id="cus_1"), {}),
    (
        "connector_customer_id",
        C.DELETE_CUSTOMER,
        customers.CustomerServiceDeleteRequest(connector_customer_id="cus_1/x"),
        {},
    ),
    (
        "page_size",
        C.LIST_PAYMENT_METHODS,
        methods.PaymentMethodServiceListRequest(connector_customer_id="cus_1", page_size=101),
        {},
    ),
    (
        "quantity",
        C.RECORD_USAGE,
        subscriptions.SubscriptionServiceRecordUsageRequest(connector_customer_id="cus_1", meter="m", quantity="NaN"),
        {},
    ),
    (
        "quantity",
        C.RECORD_USAGE,
        subscriptions.SubscriptionServiceRecordUsageRequest(connector_customer_id="cus_1", meter="m", quantity="-1"),
        {},
    ),
]


@pytest.mark.parametrize(("field", "capability", "request_", "of"), REFUSED)
def test_what_stripe_cannot_take_is_refused_before_it_is_sent(
    field: str, capability: C, request_: Any, of: dict[str, Any]
) -> None:
    with pytest.raises(RequestRejected) as refusal:
        ask_of(capability, request_, **of)
    assert refusal.value.metadata["field"] == field
    assert "4242" not in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "file"),
    [
        ("files.purpose", {"purpose": "tax_id"}),
        ("files.content_type", {"content_type": "text/html"}),
        ("files.content", {"content": b""}),
        ("files.content", {"content": b"x" * (4 * 1024 * 1024 + 1)}),
    ],
)
def test_a_document_that_stripe_does_not_take_is_refused(field: str, file: dict[str, Any]) -> None:
    made = disputes.EvidenceFile(**{"purpose": "receipt", "content_type": "image/png", "content": b"x", **file})
    request = disputes.DisputeServiceSubmitEvidenceRequest(files=[made])
    with pytest.raises(RequestRejected) as refusal:
        uploads(call_of(C.SUBMIT_EVIDENCE, request))
    assert refusal.value.metadata["field"] == field
