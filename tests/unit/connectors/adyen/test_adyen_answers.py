"""Adyen's answers as events, errors and unknown outcomes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from adyen_operations import authorize, call, capture, eur
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.adyen.answers import RESULTS
from connectors.adyen.endpoints import read_endpoints
from connectors.adyen.failures import REFUSAL_CODES, REFUSALS
from connectors.adyen.operations import ANSWER
from connectors.adyen.replies import Reply, error_of, may_repeat
from connectors.spi import Capability, Environment
from connectors.spi.operations import Answer
from orchestratorx_prism.errors import OutcomeUnknown, PayloadRejected, PrismError, ProviderRefused, ProviderUnavailable
from orchestratorx_prism.v1.event_data_pb2 import PayoutStatus
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.mandate_service_pb2 import (
    MandateServiceChargeRequest,
    MandateServiceRevokeRequest,
    MandateServiceSetupRequest,
)
from orchestratorx_prism.v1.payment_method_service_pb2 import (
    PaymentMethodServiceAttachRequest,
    PaymentMethodServiceDetachRequest,
    PaymentMethodServiceGetRequest,
    PaymentMethodServiceListRequest,
)
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceCreateRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

HERE = read_endpoints(
    {"ADYEN_API_KEY": "AQEkey", "ADYEN_MERCHANT_ACCOUNT": "ShopECOM"}, Environment.ENVIRONMENT_SANDBOX
)
PSP = "PPKFQ89R6QRXGN82"


def reply(body: Any, status: int = 200, **fields: Any) -> Reply:
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), **fields)


def answered(capability: Capability, body: Any, request: Any = None, **about: Any) -> Answer:
    return ANSWER[capability](call(capability, request or authorize(manual=True), **about), reply(body), HERE)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("Authorised", "payment.authorized"),
        ("PartiallyAuthorised", "payment.authorized"),
        ("Refused", "payment.failed"),
        ("Cancelled", "payment.failed"),
        ("Error", "payment.failed"),
        ("RedirectShopper", "payment.action_required"),
        ("IdentifyShopper", "payment.action_required"),
        ("ChallengeShopper", "payment.action_required"),
        ("PresentToShopper", "payment.action_required"),
        ("Pending", "payment.pending"),
        ("Received", "payment.pending"),
        ("AuthenticationFinished", "payment.pending"),
    ],
)
def test_every_result_code_has_a_meaning(result: str, expected: str) -> None:
    (event,) = answered(Capability.AUTHORIZE, {"resultCode": result, "pspReference": PSP}).events
    assert (event.type, event.payment.provider_status, event.account) == (expected, result, "ShopECOM")
    assert event.payment.amount == eur(1099)
    assert event.payment.HasField("failure") == (expected == "payment.failed")
    assert event.payment.HasField("next_action") == (expected == "payment.action_required")


def test_a_part_that_was_authorized_counts_as_what_it_is() -> None:
    body = {"resultCode": "PartiallyAuthorised", "pspReference": PSP, "amount": {"value": 500, "currency": "EUR"}}
    assert answered(Capability.AUTHORIZE, body).events[0].payment.amount == eur(500)


def test_the_same_answer_read_twice_is_one_event() -> None:
    made = call(Capability.AUTHORIZE, authorize(), key="0b5f2c5e-6a55-4d0f-9f1c-0c4f6a1f7a11")
    body = reply({"resultCode": "Authorised", "pspReference": PSP})
    first, second = (ANSWER[Capability.AUTHORIZE](made, body, HERE) for _ in range(2))
    assert [event.id for event in first.events] == [event.id for event in second.events]
    assert len({event.id for event in first.events}) == 2


@pytest.mark.parametrize("code", REFUSAL_CODES)
def test_a_refusal_is_known_by_its_code_whatever_its_words(code: str) -> None:
    body = {"resultCode": "Refused", "refusalReason": "new words", "refusalReasonCode": code, "pspReference": PSP}
    failure = answered(Capability.AUTHORIZE, body).events[0].payment.failure
    assert (failure.code, failure.category, failure.retryable) == REFUSALS[REFUSAL_CODES[code]]
    assert failure.provider_code == "new words"


@pytest.mark.parametrize(
    ("fields", "code", "network"),
    [
        ({"refusalReason": "Not enough balance"}, "insufficient_funds", ""),
        ({"refusalReason": "Some new reason", "refusalReasonCode": 999}, "unrecognized_reason", ""),
        ({"refusalReasonCode": 6}, "expired_card", ""),
        ({}, "refused", ""),
        (
            {
                "refusalReason": "Refused",
                "refusalReasonCode": "2",
                "additionalData": {"refusalReasonRaw": "05 : Do not honor"},
            },
            "refused",
            "05",
        ),
    ],
)
def test_a_refusal_without_a_known_code_is_known_by_its_reason(fields: dict[str, Any], code: str, network: str) -> None:
    body = {"resultCode": "Refused", "pspReference": PSP, **fields}
    failure = answered(Capability.AUTHORIZE, body).events[0].payment.failure
    assert (failure.code, failure.network_code) == (code, network)


@pytest.mark.parametrize(
    ("action", "type_", "url"),
    [
        ({"type": "redirect", "method": "GET", "url": "https://a.example"}, "redirect", "https://a.example"),
        ({"type": "redirect", "method": "POST", "url": "https://a.example"}, "redirect_post", "https://a.example"),
        (None, "redirect", ""),
    ],
)
def test_a_redirect_says_where_to(action: dict[str, str] | None, type_: str, url: str) -> None:
    found = answered(Capability.AUTHORIZE, {"resultCode": "RedirectShopper", "action": action}).next_action
    assert found is not None
    assert (found.type, found.redirect_url) == (type_, url)


@pytest.mark.parametrize(
    ("capability", "body"),
    [
        (Capability.AUTHORIZE, b""),
        (Capability.AUTHORIZE, b"<html>"),
        (Capability.AUTHORIZE, b"[" * 5000),
        (Capability.AUTHORIZE, b'{"resultCode":"\xff"}'),
        (Capability.AUTHORIZE, []),
        (Capability.AUTHORIZE, {"pspReference": PSP}),
        (Capability.AUTHORIZE, {"resultCode": "Success"}),
        (Capability.CAPTURE, {"pspReference": PSP, "status": "done"}),
        (Capability.CAPTURE, {"status": "received"}),
        (Capability.REFUND, {}),
        (Capability.ACCEPT_DISPUTE, {}),
        (Capability.CREATE_PAYOUT, {"id": "1", "status": "beamed", "category": "bank"}),
        (Capability.SETUP_MANDATE, {"resultCode": "Success"}),
        (Capability.LIST_PAYMENT_METHODS, b"nothing"),
        (Capability.ATTACH_PAYMENT_METHOD, {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_cannot_be_read_is_an_unknown_outcome(capability: Capability, body: Any) -> None:
    with pytest.raises(OutcomeUnknown) as unknown:
        answered(capability, body, capture(), payment=Payment())
    assert unknown.value.__context__ is None


def test_an_answer_in_an_unknown_currency_is_not_guessed() -> None:
    body = {"resultCode": "Authorised", "pspReference": PSP, "amount": {"value": 5, "currency": "XXQ"}}
    with pytest.raises(PayloadRejected):  # the client says "unknown outcome"
        answered(Capability.AUTHORIZE, body)


def test_a_refund_is_pending_until_its_webhook() -> None:
    state = Payment(connector_transaction_id=PSP, merchant_transaction_id="order-1")
    body = {"pspReference": "R123", "status": "received", "amount": {"value": 100, "currency": "EUR"}}
    (event,) = answered(Capability.REFUND, body, RefundServiceCreateRequest(refund_reason="late"), payment=state).events
    assert (event.type, event.refund.connector_refund_id, event.refund.amount) == ("refund.pending", "R123", eur(100))
    assert (event.connector_transaction_id, event.refund.refund_reason) == (PSP, "late")


@pytest.mark.parametrize(
    ("status", "expected"),
    [("received", "CREATED"), ("authorised", "PENDING"), ("booked", "SUCCEEDED"), ("refused", "FAILED")],
)
def test_a_transfers_status_is_read_as_in_its_webhooks(status: str, expected: str) -> None:
    body = {"id": "T1", "status": status, "category": "bank", "amount": {"value": 5, "currency": "EUR"}}
    (event,) = answered(Capability.CREATE_PAYOUT, body, PayoutServiceCreateRequest()).events
    assert PayoutStatus.Name(event.payout.status) == f"PAYOUT_STATUS_{expected}"


def test_a_mandate_whose_token_comes_later_makes_no_event_without_a_name() -> None:
    request = MandateServiceSetupRequest(connector_customer_id="shopper-1", instrument=Instrument(), currency="EUR")
    answer = answered(Capability.SETUP_MANDATE, {"resultCode": "Authorised", "pspReference": PSP}, request)
    assert (answer.events, answer.resource.mandate.provider_status) == ((), "Authorised")


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (reply({"errorCode": "000"}, 401), ProviderRefused, "credentials_refused"),
        (reply({"errorCode": "901"}, 403), ProviderRefused, "invalid_merchant_account"),
        (reply({"errorCode": "xyz"}, 403), ProviderRefused, "not_allowed"),
        (reply({"errorCode": "167"}, 422), ProviderRefused, "payment_not_found"),
        (reply({"errorCode": "167"}, 422, transient=True), OutcomeUnknown, ""),
        (reply({"errorCode": "31_999", "detail": "no"}, 422), ProviderRefused, "request_refused"),
        (reply(b"<html>", 404), ProviderRefused, "not_found"),
        (reply({"errorCode": "704"}, 422), OutcomeUnknown, ""),
        (reply({"errorCode": "704"}, 409, transient=True), OutcomeUnknown, ""),
        (reply(b"", 429, retry_after_s=7.0), ProviderUnavailable, ""),
        (reply(b"", 500), OutcomeUnknown, ""),
        (reply(b"", 503), OutcomeUnknown, ""),
        (reply(b"", 302), OutcomeUnknown, ""),
        (reply(b"", 408), OutcomeUnknown, ""),
    ],
)
def test_a_refused_request_says_what_is_known(answer: Reply, error: type[PrismError], code: str) -> None:
    found = error_of(answer)
    assert type(found) is error
    assert found.metadata.get("code", "") == code
    assert found.retry_after_s == answer.retry_after_s
    if may_repeat(answer):
        assert error is OutcomeUnknown


def test_a_refusal_repeats_no_card_number_and_no_token() -> None:
    message = "Field 4000000000000051 of adyenjs_0_1_25$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is bad " + "x " * 300
    found = error_of(reply({"errorCode": "702", "message": message}, 422))
    assert "4000000000000051" not in str(found.metadata) + str(found)
    assert "adyenjs" not in str(found.metadata) + str(found)
    assert len(found.metadata["provider_message"]) <= 200


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
)
_NAMES = st.sampled_from(
    (
        "pspReference amount value currency action type url method expiresAt additionalData cardSummary expiryDate "
        "paymentMethod brand refusalReason refusalReasonCode reference storedPaymentMethods lastFour expiryMonth "
        "expiryYear errorMessage direction reason creationDate errorCode message"
    ).split()
)
_WORDS = st.sampled_from(
    ["Authorised", "Refused", "RedirectShopper", "received", "booked", "bank", "EUR", "2026-01-01T00:00:00Z", PSP]
)
_ANYTHING = st.recursive(
    st.one_of(_SCALARS, _WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=6)),
    max_leaves=20,
)


@pytest.mark.parametrize("capability", sorted(ANSWER))
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    firm=st.fixed_dictionaries(
        {
            "resultCode": st.sampled_from(sorted(RESULTS)),
            "pspReference": st.just(PSP),
            "id": st.just(PSP),
            "status": st.sampled_from(["received", "booked", "refused"]),
            "category": st.sampled_from(["bank", "internal"]),
            "disputeServiceResult": st.fixed_dictionaries({"success": st.booleans()}),
        }
    ),
    loose=st.dictionaries(_NAMES, _ANYTHING, max_size=10),
    status=st.sampled_from([200, 422, 500]),
)
def test_whatever_adyen_answers_comes_to_an_answer_or_one_of_our_errors(
    capability: Capability, firm: dict[str, Any], loose: dict[str, Any], status: int
) -> None:
    request = {
        Capability.REFUND: RefundServiceCreateRequest(),
        Capability.SETUP_MANDATE: MandateServiceSetupRequest(connector_customer_id="shopper-1", currency="EUR"),
        Capability.CREATE_PAYOUT: PayoutServiceCreateRequest(),
        Capability.ATTACH_PAYMENT_METHOD: PaymentMethodServiceAttachRequest(connector_customer_id="shopper-1"),
        Capability.LIST_PAYMENT_METHODS: PaymentMethodServiceListRequest(connector_customer_id="shopper-1"),
        Capability.GET_PAYMENT_METHOD: PaymentMethodServiceGetRequest(connector_customer_id="shopper-1"),
        Capability.DETACH_PAYMENT_METHOD: PaymentMethodServiceDetachRequest(connector_customer_id="shopper-1"),
        Capability.REVOKE_MANDATE: MandateServiceRevokeRequest(connector_customer_id="shopper-1"),
        Capability.CHARGE_MANDATE: MandateServiceChargeRequest(amount=eur(1)),
    }.get(capability, authorize())
    about = {"payment": Payment()} if capability in {Capability.REFUND, Capability.CONFIRM_REDIRECT} else {}
    answer = reply({**firm, **loose}, status)
    assert isinstance(error_of(answer), PrismError)
    with contextlib.suppress(OutcomeUnknown, PayloadRejected, ProviderRefused):
        ANSWER[capability](call(capability, request, **about), answer, HERE)
