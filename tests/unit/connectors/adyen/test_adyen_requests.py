"""Our operations as Adyen's endpoints take them: tables of requests, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from adyen_operations import authorize, call, capture, card, confirm, eur, increment, refund, void

from connectors.adyen.endpoints import Endpoints, read_endpoints
from connectors.adyen.operations import PREPARE
from connectors.adyen.prepared import Endpoint, Prepared
from connectors.spi import Capability, Environment
from connectors.spi.operations import METADATA_KEY
from orchestratorx_prism.errors import PayloadRejected, RequestRejected, SettingsRejected
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import (
    DisputeServiceDefendRequest,
    DisputeServiceSubmitEvidenceRequest,
    EvidenceFile,
)
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.mandate_service_pb2 import MandateServiceSetupRequest
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_method_service_pb2 import PaymentMethodServiceListRequest
from orchestratorx_prism.v1.payment_pb2 import Payment, PaymentStatus
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest

KEY = "0b5f2c5e-6a55-4d0f-9f1c-0c4f6a1f7a11"
CONFIG = {"ADYEN_API_KEY": "AQEkey", "ADYEN_MERCHANT_ACCOUNT": "ShopECOM"}
SAVED = Instrument(connector_payment_method_id="8415736344108917")


def endpoints(**more: str) -> Endpoints:
    return read_endpoints({**CONFIG, **more}, Environment.ENVIRONMENT_SANDBOX)


def prepared(capability: Capability, request: Any, at: Endpoints | None = None, **about: Any) -> Prepared:
    return PREPARE[capability](call(capability, request, key=KEY, **about), at or endpoints())


def payment(authorized: int = 1099, captured: int = 0, refunded: int = 0, **fields: Any) -> Payment:
    values: dict[str, Any] = {
        "connector_transaction_id": "PPKFQ89R6QRXGN82",
        "merchant_transaction_id": "order-1",
        "status": PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
        "authorized": eur(authorized),
        "captured": eur(captured),
        "refunded": eur(refunded),
    }
    return Payment(**{**values, **fields})


def body(capability: Capability, request: Any, **about: Any) -> dict[str, Any]:
    return dict(prepared(capability, request, **about).body or {})


def test_a_payment_that_is_captured_at_once() -> None:
    made = body(Capability.AUTHORIZE, authorize(metadata={"basket": "7"}, country="NL", description="2 books & a pen!"))
    assert made == {
        "merchantAccount": "ShopECOM",
        "amount": {"currency": "EUR", "value": 1099},
        "reference": "order-1",
        "channel": "Web",
        "paymentMethod": json.loads(card()),
        "metadata": {"basket": "7", "orchestratorx_key": KEY},
        "shopperInteraction": "Ecommerce",
        "captureDelayHours": 0,
        "returnUrl": "https://shop.example/back",
        "countryCode": "NL",
        "shopperStatement": "2 books  a pen",
    }


def test_a_payment_that_is_captured_later_is_a_pre_authorization() -> None:
    made = body(Capability.AUTHORIZE, authorize(manual=True))
    assert made["additionalData"] == {"manualCapture": "true", "authorisationType": "PreAuth"}
    assert "captureDelayHours" not in made


@pytest.mark.parametrize(
    ("off_session", "model"), [(True, "UnscheduledCardOnFile"), (False, "CardOnFile")], ids=["merchant", "payer"]
)
def test_a_saved_payment_method_is_charged_for_its_shopper(off_session: bool, model: str) -> None:
    request = authorize(SAVED, off_session=off_session, connector_customer_id="shopper-7")
    made = body(Capability.AUTHORIZE, request)
    assert made["paymentMethod"] == {"type": "scheme", "storedPaymentMethodId": "8415736344108917"}
    assert (made["shopperReference"], made["shopperInteraction"]) == ("shopper-7", "ContAuth")
    assert made["recurringProcessingModel"] == model


def test_a_new_payment_method_is_saved_on_wish() -> None:
    made = body(Capability.AUTHORIZE, authorize(save_instrument=True, connector_customer_id="shopper-7"))
    assert (made["storePaymentMethod"], made["recurringProcessingModel"]) == (True, "CardOnFile")


def test_without_a_reference_of_the_merchant_the_key_is_the_reference() -> None:
    assert body(Capability.AUTHORIZE, authorize(merchant_transaction_id=""))["reference"] == KEY


def test_our_metadata_name_fits_where_the_common_one_does_not() -> None:
    (name,) = body(Capability.AUTHORIZE, authorize())["metadata"]
    assert len(name) <= 20 < len(METADATA_KEY)


@pytest.mark.parametrize(
    ("minor", "currency", "value"), [(10, "ISK", 1000), (1000, "CLP", 100_000), (1099, "JPY", 1099), (1000, "IDR", 10)]
)
def test_amounts_are_in_adyens_minor_units(minor: int, currency: str, value: int) -> None:
    made = body(Capability.AUTHORIZE, authorize(amount=Money(minor_units=minor, currency=currency)))
    assert made["amount"] == {"currency": currency, "value": value}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instrument": Instrument()}, "instrument"),
        ({"instrument": Instrument(phone="31612345678")}, "instrument.phone"),
        ({"instrument": Instrument(token="not json")}, "instrument.token"),
        ({"instrument": Instrument(token="[]")}, "instrument.token"),
        ({"instrument": Instrument(token='{"encryptedCardNumber":"x"}')}, "instrument.token"),
        ({"instrument": Instrument(token="[" * 100_000)}, "instrument.token"),
        ({"instrument": Instrument(token='{"a":' * 10_000)}, "instrument.token"),
        ({"instrument": Instrument(token='{"type":"scheme","number":"4111111111111111"}')}, "instrument.token"),
        ({"instrument": Instrument(connector_payment_method_id="../x")}, "instrument.connector_payment_method_id"),
        ({"instrument": SAVED}, "connector_customer_id"),
        ({"instrument": SAVED, "connector_customer_id": "ab"}, "connector_customer_id"),
        ({"off_session": True}, "instrument"),
        ({"save_instrument": True}, "connector_customer_id"),
        ({"return_url": ""}, "return_url"),
        ({"amount": eur(0)}, "amount"),
        ({"amount": eur(-5)}, "amount"),
        ({"amount": Money(minor_units=1099, currency="IDR")}, "amount"),
        ({"merchant_transaction_id": "x" * 81}, "merchant_transaction_id"),
        ({"metadata": {"x" * 21: "1"}}, "metadata"),
        ({"metadata": {"x": "1" * 81}}, "metadata"),
        ({"metadata": {str(number): "1" for number in range(20)}}, "metadata"),
        ({"metadata": {"orchestratorx_key": "mine"}}, "metadata"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_payment_that_adyen_cannot_take_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        prepared(Capability.AUTHORIZE, authorize(**changes))
    assert refused.value.metadata["field"] == field
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(PayloadRejected):
        prepared(Capability.AUTHORIZE, authorize(amount=Money(minor_units=1, currency="XXQ")))


@pytest.mark.parametrize(
    ("capability", "request_", "state", "endpoint", "value"),
    [
        (Capability.CAPTURE, capture(300), payment(), Endpoint.CAPTURES, 300),
        (Capability.CAPTURE, capture(), payment(captured=99), Endpoint.CAPTURES, 1000),
        (Capability.REFUND, refund(300), payment(captured=1099), Endpoint.REFUNDS, 300),
        (Capability.REFUND, refund(), payment(captured=1099, refunded=99), Endpoint.REFUNDS, 1000),
        (Capability.INCREMENT_AUTHORIZATION, increment(1), payment(), Endpoint.AMOUNT_UPDATES, 1100),
        (Capability.VOID, void(), payment(), Endpoint.CANCELS, None),
        (
            Capability.VOID,
            void(),
            payment(status=PaymentStatus.PAYMENT_STATUS_UNKNOWN),
            Endpoint.REVERSALS,
            None,
        ),
    ],
)
def test_a_modification_names_the_payment_and_its_amount(
    capability: Capability, request_: Any, state: Payment, endpoint: Endpoint, value: int | None
) -> None:
    made = prepared(capability, request_, payment=state)
    amount = {} if value is None else {"amount": {"currency": "EUR", "value": value}}
    assert (made.endpoint, made.path) == (endpoint, ("PPKFQ89R6QRXGN82",))
    assert made.body == {"merchantAccount": "ShopECOM", "reference": "order-1", **amount}


@pytest.mark.parametrize(
    ("capability", "request_", "state"),
    [
        (Capability.CAPTURE, capture(), payment(captured=1099)),
        (Capability.CAPTURE, capture(0), payment()),
        (Capability.CAPTURE, capture(5), payment(connector_transaction_id="")),
        (Capability.CAPTURE, capture(5), payment(connector_transaction_id="../cancels")),
        (Capability.CAPTURE, capture(5), payment(authorized=0) and Payment(authorized=Money(currency="USD"))),
        (Capability.REFUND, refund(), payment()),
        (Capability.REFUND, refund(1, merchant_refund_id="x" * 81), payment(captured=5)),
        (Capability.INCREMENT_AUTHORIZATION, increment(0), payment()),
        (Capability.INCREMENT_AUTHORIZATION, increment(5), Payment(connector_transaction_id="PPKFQ89R6QRXGN82")),
        (Capability.VOID, void(), None),
        (Capability.CONFIRM_REDIRECT, confirm(utm_source="mail"), payment()),
    ],
)
def test_a_modification_that_makes_no_sense_is_refused(
    capability: Capability, request_: Any, state: Payment | None
) -> None:
    with pytest.raises(RequestRejected):
        prepared(capability, request_, payment=state)


@pytest.mark.parametrize("status", ["AUTHORIZED", "CAPTURED", "VOIDED", "FAILED", "EXPIRED"])
def test_a_void_never_becomes_a_refund_of_what_is_known_to_be_captured(status: str) -> None:
    state = payment(status=PaymentStatus.Value(f"PAYMENT_STATUS_{status}"))
    assert prepared(Capability.VOID, void(), payment=state).endpoint is Endpoint.CANCELS


def test_a_redirect_is_confirmed_with_its_result_alone() -> None:
    made = prepared(Capability.CONFIRM_REDIRECT, confirm(redirectResult="X6X", session="s"), payment=payment())
    assert (made.endpoint, made.body) == (Endpoint.DETAILS, {"details": {"redirectResult": "X6X"}})


def file(content_type: str = "image/jpeg", purpose: str = "Receipt", content: bytes = b"\xff\xd8") -> EvidenceFile:
    return EvidenceFile(purpose=purpose, content_type=content_type, content=content)


DISPUTE = Dispute(connector_dispute_id="DZ4DPSHB4WD2WN82")


def test_evidence_goes_as_base64() -> None:
    request = DisputeServiceSubmitEvidenceRequest(files=[file()])
    made = body(Capability.SUBMIT_EVIDENCE, request, dispute=DISPUTE)
    assert made == {
        "disputePspReference": "DZ4DPSHB4WD2WN82",
        "merchantAccountCode": "ShopECOM",
        "defenseDocuments": [{"defenseDocumentTypeCode": "Receipt", "contentType": "image/jpeg", "content": "/9g="}],
    }


@pytest.mark.parametrize(
    ("capability", "request_", "dispute"),
    [
        (Capability.ACCEPT_DISPUTE, None, None),
        (Capability.ACCEPT_DISPUTE, None, Dispute()),
        (Capability.DEFEND_DISPUTE, DisputeServiceDefendRequest(), DISPUTE),
        (Capability.SUBMIT_EVIDENCE, DisputeServiceSubmitEvidenceRequest(), DISPUTE),
        (Capability.SUBMIT_EVIDENCE, DisputeServiceSubmitEvidenceRequest(texts={"a": "b"}, files=[file()]), DISPUTE),
        (Capability.SUBMIT_EVIDENCE, DisputeServiceSubmitEvidenceRequest(files=[file("image/png")]), DISPUTE),
        (Capability.SUBMIT_EVIDENCE, DisputeServiceSubmitEvidenceRequest(files=[file(content=b"")]), DISPUTE),
        (Capability.SUBMIT_EVIDENCE, DisputeServiceSubmitEvidenceRequest(files=[file(purpose="")]), DISPUTE),
    ],
)
def test_a_call_about_a_dispute_that_lacks_something_is_refused(
    capability: Capability, request_: Any, dispute: Dispute | None
) -> None:
    with pytest.raises(RequestRejected):
        prepared(capability, request_, dispute=dispute)


def payout(**destination: Any) -> Any:
    return PayoutServiceCreateRequest(amount=eur(500), destination=PayoutDestination(**destination))


PAYOUTS = {"ADYEN_BALANCE_ACCOUNT": "BA1", "ADYEN_TRANSFERS_API_KEY": "AQFkey"}


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (
            "SE322KH223222F5GV2SQ924F6",
            {
                "category": "bank",
                "counterparty": {"transferInstrumentId": "SE322KH223222F5GV2SQ924F6"},
                "priority": "regular",
            },
        ),
        ("BA2", {"category": "internal", "counterparty": {"balanceAccountId": "BA2"}}),
    ],
)
def test_a_payout_is_a_transfer(account: str, expected: dict[str, Any]) -> None:
    made = prepared(Capability.CREATE_PAYOUT, payout(connector_account_id=account), endpoints(**PAYOUTS))
    amount = {"currency": "EUR", "value": 500}
    assert made.body == {"amount": amount, "balanceAccountId": "BA1", "reference": KEY, **expected}


@pytest.mark.parametrize(
    ("request_", "config", "field"),
    [
        (payout(connector_account_id="SE1"), {}, "ADYEN_BALANCE_ACCOUNT"),
        (payout(connector_account_id="SE1"), {"ADYEN_BALANCE_ACCOUNT": "BA1"}, "ADYEN_TRANSFERS_API_KEY"),
        (payout(own_account=True), PAYOUTS, "destination"),
        (payout(phone="31612345678"), PAYOUTS, "destination"),
        (payout(connector_account_id=""), PAYOUTS, "destination.connector_account_id"),
    ],
)
def test_a_payout_that_adyen_cannot_make_is_refused(request_: Any, config: dict[str, str], field: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        prepared(Capability.CREATE_PAYOUT, request_, endpoints(**config))
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"currency": ""}, "currency"),
        ({"return_url": ""}, "return_url"),
        ({"connector_customer_id": ""}, "connector_customer_id"),
        ({"instrument": SAVED}, "instrument"),
    ],
)
def test_a_mandate_that_lacks_something_is_refused(fields: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {
        "currency": "EUR",
        "return_url": "https://shop.example",
        "connector_customer_id": "shopper-1",
        "instrument": Instrument(token=card()),
    }
    with pytest.raises(RequestRejected) as refused:
        prepared(Capability.SETUP_MANDATE, MandateServiceSetupRequest(**{**values, **fields}))
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize("fields", [{"page_size": 101}, {"page_size": -1}, {"page_token": "x"}, {"page_token": "-1"}])
def test_a_page_that_is_none_of_ours_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestRejected):
        prepared(
            Capability.LIST_PAYMENT_METHODS,
            PaymentMethodServiceListRequest(connector_customer_id="shopper-1", **fields),
        )


@pytest.mark.parametrize(
    ("config", "environment", "named"),
    [
        ({}, "SANDBOX", "ADYEN_API_KEY"),
        ({"ADYEN_API_KEY": "k"}, "SANDBOX", "ADYEN_MERCHANT_ACCOUNT"),
        (CONFIG, "PRODUCTION", "ADYEN_LIVE_PREFIX"),
        ({**CONFIG, "ADYEN_LIVE_PREFIX": "a.b/c"}, "PRODUCTION", "ADYEN_LIVE_PREFIX"),
        ({**CONFIG, "ADYEN_API_KEY": "secret\nx: y"}, "SANDBOX", "ADYEN_API_KEY"),
        ({**CONFIG, "ADYEN_API_BASE": "http://adyen.example"}, "SANDBOX", "ADYEN_API_BASE"),
        ({**CONFIG, "ADYEN_API_BASE": "https://user:pw@adyen.example"}, "SANDBOX", "ADYEN_API_BASE"),
        ({**CONFIG, "ADYEN_API_BASE": "https://adyen.example/v1"}, "SANDBOX", "ADYEN_API_BASE"),
        ({**CONFIG, "ADYEN_API_BASE": "http://127.0.0.1:99999"}, "SANDBOX", "ADYEN_API_BASE"),
    ],
)
def test_settings_that_do_not_hold_together_name_the_fault(
    config: dict[str, str], environment: str, named: str
) -> None:
    with pytest.raises(SettingsRejected, match=named) as refused:
        read_endpoints(config, Environment.Value(f"ENVIRONMENT_{environment}"))
    assert "secret" not in str(refused.value)


def test_credentials_are_in_no_repr() -> None:
    assert "AQE" not in repr(endpoints())
    assert "AQF" not in repr(endpoints(**PAYOUTS))
    assert "4111" not in repr(prepared(Capability.AUTHORIZE, authorize()))
