"""PayPal's answers and errors as our events and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.paypal import answers, answers_other, states
from connectors.paypal.issues import ALREADY, DECLINES, NAMES, OURS_ALONE, REFUSALS, read_problem, refused
from connectors.paypal.mapping import PAYMENT_STATUSES, PAYOUT_STATUSES
from connectors.paypal.refunds import REFUND
from connectors.paypal.webhooks import normalize, parse
from connectors.spi import Capability, Context
from connectors.spi.operations import REQUEST, Call
from orchestratorx_prism.errors import OutcomeUnknown, PayloadRejected
from orchestratorx_prism.v1.error_pb2 import FailureCategory
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest, PaymentServiceVoidRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceCreateRequest
from orchestratorx_prism.v1.reference_pb2 import Reference

KEY = "6b1fb6d0-5a0f-4c1d-9f5d-0d9f1f6f3c11"
INVOICE = f"orchestratorx_request:{KEY}"
TIMES = {"create_time": "2026-05-28T10:00:00Z", "update_time": "2026-05-29T10:00:00Z"}
AMOUNT = {"currency_code": "USD", "value": "10.99"}


def made(context: Context, request: Any = None, **more: Any) -> Call:
    asked = request or PaymentServiceAuthorizeRequest(amount=Money(minor_units=1099, currency="USD"))
    return Call(Capability.AUTHORIZE, asked, key=KEY, context=context, timeout_s=5.0, **more)


def order(status: str, payments: dict[str, Any] | None = None, **fields: Any) -> bytes:
    unit = {"amount": AMOUNT, "custom_id": "order-1", "invoice_id": INVOICE, "payments": payments or {}}
    body = {"id": "O1", "status": status, "intent": "CAPTURE", "purchase_units": [unit], **TIMES, **fields}
    return json.dumps(body).encode()


def capture(status: str = "COMPLETED", **fields: Any) -> dict[str, Any]:
    return {"id": "C1", "status": status, "amount": AMOUNT, "final_capture": True, **TIMES, **fields}


def test_an_answer_and_its_webhook_tell_the_same(context: Context) -> None:
    (told,) = answers.order_answer(made(context), order("COMPLETED", {"captures": [capture()]})).events
    resource = capture(custom_id="order-1", invoice_id=INVOICE, supplementary_data={"related_ids": {"order_id": "O1"}})
    body = json.dumps({"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": resource}).encode()
    (webhook,) = normalize(parse(body), context, body)
    assert told.type == webhook.type == "payment.captured"
    assert told.payment == webhook.payment
    names = {(one.kind, one.value) for one in told.references}
    assert (
        names
        == {(one.kind, one.value) for one in webhook.references}
        == {
            ("capture", "C1"),
            ("order", "O1"),
            (REQUEST, KEY),
        }
    )
    assert told.id != webhook.id


def test_our_invoice_id_is_no_reference_of_the_merchants(context: Context) -> None:
    for event_type, resource in (
        ("PAYMENT.CAPTURE.COMPLETED", capture(invoice_id=INVOICE)),
        ("PAYMENT.CAPTURE.REFUNDED", {"id": "R1", "status": "COMPLETED", "amount": AMOUNT, "invoice_id": INVOICE}),
        ("CHECKOUT.ORDER.APPROVED", {"id": "O1", "purchase_units": [{"amount": AMOUNT, "invoice_id": INVOICE}]}),
    ):
        body = json.dumps({"id": "WH-1", "event_type": event_type, "resource": resource}).encode()
        (event,) = normalize(parse(body), context, body)
        assert event.merchant_transaction_id == ""
        assert (REQUEST, KEY) in {(one.kind, one.value) for one in event.references}


def test_a_capture_that_was_refunded_later_was_taken_when_it_was_made(context: Context) -> None:
    body = order("COMPLETED", {"captures": [capture("PARTIALLY_REFUNDED")]})
    (event,) = answers.polled_answer(made(context), body).events
    assert (event.type, event.occurred_at.ToJsonString()) == ("payment.captured", TIMES["create_time"])


def test_a_polled_state_has_its_own_id_and_no_key_of_the_question(context: Context) -> None:
    ids = set()
    for status in ("COMPLETED", "PARTIALLY_REFUNDED"):
        body = order("COMPLETED", {"captures": [capture(status)]})
        (event,) = answers.polled_answer(made(context), body).events
        ids.add(event.id)
        unit = json.loads(body)["purchase_units"][0]
        assert unit["invoice_id"] == INVOICE
    assert len(ids) == 2
    unasked = order("CREATED").replace(INVOICE.encode(), b"INV-7")
    (event,) = answers.polled_answer(made(context), unasked).events
    assert {one.kind for one in event.references} == {"order"}


@pytest.mark.parametrize(("status", "expected"), states.ORDERS.items())
def test_an_order_without_money_says_what_it_waits_for(context: Context, status: str, expected: str) -> None:
    links = [{"rel": "payer-action", "href": "https://www.sandbox.paypal.com/checkoutnow?token=O1"}]
    answer = answers.order_answer(made(context), order(status, links=links))
    assert [event.type for event in answer.events] == [expected]
    assert (answer.next_action is not None) == (expected == "payment.action_required")


@pytest.mark.parametrize("body", [order("NEW_STATUS"), order("COMPLETED", {"captures": [capture("NEW_STATUS")]})])
def test_a_status_that_no_table_knows_leaves_the_outcome_unknown(context: Context, body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        answers.order_answer(made(context), body)
    assert [event.type for event in answers.polled_answer(made(context), body).events] == ["connector.unmapped"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"id":7}', order("CREATED").replace(b"10.99", b"ten"), order("CREATED")[:-9]],
)
def test_what_cannot_be_read_is_refused(context: Context, body: bytes) -> None:
    with pytest.raises(PayloadRejected):
        answers.order_answer(made(context), body)


def test_a_release_without_a_body_is_a_release(context: Context) -> None:
    known = Payment(
        references=[Reference(kind="order", value="O1"), Reference(kind="authorization", value="A1")],
        merchant_transaction_id="order-1",
    )
    (event,) = answers.void_answer(made(context, PaymentServiceVoidRequest(), payment=known), b"").events
    assert event.type == "payment.voided"
    assert event.connector_transaction_id == "O1"
    assert event.merchant_transaction_id == "order-1"


def test_a_decline_states_the_amount_where_one_is_known(context: Context) -> None:
    problem = read_problem(422, b'{"name":"X","details":[{"issue":"INSTRUMENT_DECLINED"}]}')
    (event,) = answers.declined_answer(made(context), problem, b"{}").events
    assert event.payment.amount.minor_units == 1099
    (event,) = answers.declined_answer(made(context, payment=Payment()), problem, b"{}", "O1").events
    assert not event.payment.HasField("amount")
    assert event.connector_transaction_id == "O1"


def test_every_state_has_a_type_that_has_a_status() -> None:
    for table in (states.ORDERS, states.AUTHORIZATIONS):
        assert set(table.values()) <= set(PAYMENT_STATUSES)
    assert set(states.PAYOUT_ITEMS.values()) <= set(PAYOUT_STATUSES)
    assert set(states.REFUNDS_MADE.values()) <= {"refund.succeeded", "refund.pending", "refund.failed"}


def test_a_payout_that_is_not_listed_yet_says_nothing(context: Context) -> None:
    call = made(context, PayoutServiceCreateRequest())
    for body in (b"{}", b'{"items":[]}', b'{"items":[{"transaction_status":"PENDING"}]}'):
        assert answers_other.payout_answer(call, body, answers_other.PAYOUT_BATCH.decode(body)) is None
    body = b'{"items":[{"payout_item_id":"I1","transaction_status":"SOMETHING"}]}'
    with pytest.raises(OutcomeUnknown):
        answers_other.payout_answer(call, body, answers_other.PAYOUT_BATCH.decode(body))


# Errors.


def test_every_issue_has_a_category_and_a_code() -> None:
    for table in (DECLINES, REFUSALS, NAMES):
        for issue, (code, category, _) in table.items():
            assert code == code.lower()
            assert category != FailureCategory.FAILURE_CATEGORY_UNSPECIFIED, issue
    assert not set(DECLINES) & set(REFUSALS)
    assert OURS_ALONE < ALREADY < set(REFUSALS)


@pytest.mark.parametrize(
    ("status", "body", "code", "category", "debug_id"),
    [
        (
            422,
            {
                "name": "UNPROCESSABLE_ENTITY",
                "debug_id": "90957fca61718",
                "details": [{"issue": "ORDER_NOT_APPROVED", "description": "Payer has not approved."}],
            },
            "not_approved",
            "CANCELED_BY_PAYER",
            "90957fca61718",
        ),
        (401, {"error": "invalid_token", "error_description": "Token expired"}, "permission_denied", "CREDENTIALS", ""),
        (403, {"name": "NOT_AUTHORIZED", "details": [{"issue": "PERMISSION_DENIED"}]}, "permission_denied",
         "CREDENTIALS", ""),
        (400, {"name": "VALIDATION_ERROR", "details": [{"field": "items", "issue": "Required field missing"}]},
         "invalid_request", "INVALID_REQUEST", ""),
        (422, {"name": "INSUFFICIENT_FUNDS", "details": None}, "insufficient_funds", "INSUFFICIENT_FUNDS", ""),
        (422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "SOMETHING_NEW"}]}, "invalid_request",
         "INVALID_REQUEST", ""),
        (404, {}, "invalid_request", "INVALID_REQUEST", ""),
    ],
)  # fmt: skip
def test_an_error_becomes_a_refusal_in_our_words(
    status: int, body: dict[str, Any], code: str, category: str, debug_id: str
) -> None:
    error = refused(read_problem(status, json.dumps(body).encode()))
    assert (error.metadata["code"], error.metadata["category"]) == (code, category)
    assert error.metadata.get("debug_id", "") == debug_id


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"details":7}', b'{"name":null}', b'{"name":"\xff"}', b"[" * 100_000]
)
def test_an_error_that_is_none_of_paypals_is_read_by_its_status(body: bytes) -> None:
    problem = read_problem(503, body, "from-the-header")
    assert (problem.code, problem.debug_id, problem.in_progress) == ("HTTP_503", "from-the-header", False)
    assert read_problem(409, body).in_progress


def test_a_sentence_is_no_code() -> None:
    problem = read_problem(400, b'{"name":"VALIDATION_ERROR","details":[{"issue":"Value is too long"}]}')
    assert (problem.code, problem.message) == ("VALIDATION_ERROR", "Value is too long")


def test_a_refund_in_an_order_is_found_by_our_key(context: Context) -> None:
    refunds = [{"id": f"R{n}", "status": "COMPLETED", "amount": AMOUNT, "invoice_id": f"INV-{n}"} for n in range(3)]
    refunds[1]["invoice_id"] = INVOICE
    body = order("COMPLETED", {"captures": [capture("PARTIALLY_REFUNDED")], "refunds": refunds})
    assert [one.id for one in answers.refunds_of(body)] == ["R0", "R1", "R2"]
    assert REFUND.decode(json.dumps(refunds[1])).merchant_reference == ""
