"""Whose money a pulled transaction may be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.mpesa import connector
from connectors.mpesa.matching import EARLY_S, LATE_S, matches
from connectors.mpesa.requests import default_reference
from connectors.spi import Context, Environment
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment

KEY = "0197c5a1-52c3-7d30-9c41-3f6a2b1c0d9e"
PAID_S = 1_773_461_400  # 2026-03-14 07:10:00 in EAT


def pulled(**changes: Any) -> Event:
    """One transaction of the list."""
    fields = {
        "transactionId": "UCE4A1B2C3",
        "trxDate": "2026-03-14 07:10:00",
        "msisdn": 254708374149,
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": "order-1",
        "amount": "1099.00",
    }
    body = json.dumps(fields | changes).encode()
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, PAID_S * 10**9)
    (event,) = connector.normalize(connector.parse(body), context, body)
    return event


def push(reference: str = "order-1", *, at_s: int = PAID_S - 30, last4: str = "4149", **references: str) -> Payment:
    """A push of ours, as the ledger shows it."""
    payment = Payment(amount=Money(minor_units=109_900, currency="KES"), merchant_transaction_id=reference)
    payment.created_at.seconds = at_s
    payment.payment_method.last4 = last4
    for kind, value in (references or {"checkout_request": "ws_CO_1"}).items():
        payment.references.add(kind=kind, value=value)
    return payment


def test_the_sample_is_of_the_time_that_the_tests_take_it_for() -> None:
    assert pulled().occurred_at.seconds == PAID_S


def test_a_push_of_the_same_reference_amount_payer_and_time_fits() -> None:
    assert matches(pulled(), push())


@pytest.mark.parametrize(
    "other",
    [
        {"billreference": "order-2"},
        {"billreference": ""},
        {"amount": "1098.00"},
        {"msisdn": 254708374148},
        {"trxDate": "2026-03-16 07:10:00"},
        {"trxDate": "2026-03-14 07:00:00"},
    ],
    ids=["account", "no account", "amount", "payer", "much later", "before the push"],
)
def test_one_thing_that_differs_is_enough_to_be_another(other: dict[str, Any]) -> None:
    assert not matches(pulled(**other), push())


@pytest.mark.parametrize("hidden", ["2547 ***** 149", "", None])
def test_a_payer_who_is_not_shown_is_no_reason_against_it(hidden: str | None) -> None:
    assert matches(pulled(msisdn=hidden), push())
    assert matches(pulled(), push(last4=""))


def test_a_push_whose_receipt_is_known_has_its_money() -> None:
    assert not matches(pulled(), push(checkout_request="ws_CO_1", receipt="UCE0000000"))


def test_a_payment_without_a_push_waits_for_nothing() -> None:
    assert not matches(pulled(), push(conversation="AG_1"))


def test_a_push_without_a_reference_is_found_by_the_beginning_of_our_key() -> None:
    of_ours = push("", checkout_request="ws_CO_1", request=KEY)
    assert matches(pulled(billreference=default_reference(KEY)), of_ours)
    assert not matches(pulled(billreference="order-1"), of_ours)
    assert not matches(pulled(billreference=""), push("", checkout_request="ws_CO_1"))


def test_a_push_whose_answer_was_lost_is_known_by_our_key_alone() -> None:
    assert matches(pulled(), push(request=KEY))


@pytest.mark.parametrize(
    ("after_s", "fits"), [(-EARLY_S, True), (-EARLY_S - 1, False), (LATE_S, True), (LATE_S + 1, False)]
)
def test_clocks_may_differ_a_little_and_payers_be_late_a_day(after_s: int, fits: bool) -> None:
    assert matches(pulled(), push(at_s=PAID_S - after_s)) is fits
