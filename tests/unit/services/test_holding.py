"""Unconfirmed successes are held; everything else passes."""

from __future__ import annotations

import pytest

from orchestrator.services.holding import CONFIRMED_BY, HELD, hold_unconfirmed
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import (
    VERIFICATION_METHOD_NONE,
    VERIFICATION_METHOD_URL_TOKEN,
    Event,
    Verification,
)
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, PAYMENT_STATUS_PENDING, PaymentData

KES_100 = Money(minor_units=10_000, currency="KES")


def captured() -> Event:
    return Event(
        id="e1",
        type="payment.captured",
        connector="mpesa",
        payment=PaymentData(status=PAYMENT_STATUS_CAPTURED, amount=KES_100, captured=KES_100),
    )


@pytest.mark.parametrize("method", [VERIFICATION_METHOD_URL_TOKEN, VERIFICATION_METHOD_NONE])
def test_a_success_that_only_the_callback_claims_is_held_under_another_id(method: int) -> None:
    event = captured()
    hold_unconfirmed([event], Verification(method=method))
    assert event.type == "payment.pending"
    assert event.payment.status == PAYMENT_STATUS_PENDING
    assert event.payment.held_reason == HELD
    assert event.payment.amount == KES_100
    assert not event.payment.HasField("captured")
    assert event.id != "e1"


def test_holding_twice_makes_the_same_id() -> None:
    first, second = captured(), captured()
    for event in (first, second):
        hold_unconfirmed([event], Verification(method=VERIFICATION_METHOD_URL_TOKEN))
    assert first == second


@pytest.mark.parametrize("method", sorted(CONFIRMED_BY))
def test_a_confirmed_success_passes_unchanged(method: int) -> None:
    event = captured()
    hold_unconfirmed([event], Verification(method=method))
    assert event == captured()


def test_failures_and_unmapped_events_pass() -> None:
    events = [Event(id="a", type="payment.failed"), Event(id="b", type="connector.unmapped")]
    hold_unconfirmed(events, Verification(method=VERIFICATION_METHOD_URL_TOKEN))
    assert [event.type for event in events] == ["payment.failed", "connector.unmapped"]


def test_a_payout_is_held_as_pending() -> None:
    event = Event(id="p", type="payout.succeeded", payout=PayoutData(amount=KES_100))
    hold_unconfirmed([event], Verification(method=VERIFICATION_METHOD_URL_TOKEN))
    assert event.type == "payout.pending"
