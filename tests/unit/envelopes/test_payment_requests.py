"""The format of the channel `payment_requests`: its exact shape, what an event is told as, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_events import make, money

from orchestratorx_prism.envelopes import payment_requests
from orchestratorx_prism.envelopes.payment_requests import (
    KINDS,
    STATUSES,
    TRANSITIONS,
    PaymentRequestCreated,
    PaymentRequestEvent,
    PaymentRequestRefunded,
    PaymentRequestUpdated,
)
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import PaymentRequestStatus
from orchestratorx_prism.v1.event_pb2 import Event

NOTHING, SUBMITTED, PENDING, SUCCEEDED, FAILED, SUBMISSION_FAILED = PaymentRequestStatus.values()


def payout(type: str, before: int, after: int, *, returned: bool = False, **data: Any) -> Event:
    return make(
        type,
        "evt_1",
        refs=(),
        merchant="shop",
        account="600000",
        connector="mpesa",
        payout_id="pyo_1",
        connector_payout_id="AG_1",
        merchant_payout_id="salary-1",
        amount=money(1000, "KES"),
        request_status_before=before,
        request_status=after,
        returned=returned,
        **data,
    )


def bodies(event: Event) -> list[str]:
    return [body.decode() for body, _ in payment_requests.encode(event)]


def told(event: Event) -> list[tuple[str, str]]:
    return [(message.EVENT_TYPE, message.status) for message in payment_requests.messages_of(event)]


def test_a_failed_request_is_exactly_this() -> None:
    failure = Failure(code="insufficient_funds", provider_code="1")
    event = payout("payout.failed", PENDING, FAILED, provider_status="1", failure=failure)
    assert bodies(event) == [
        '{"event_type":"PaymentRequestUpdated","payload":{"occurred_at":"2026-01-01T12:00:00Z",'
        '"workspace_key":"shop","payment_request_id":"pyo_1","account_id":"600000","bank_transfer_id":"AG_1",'
        f'"transfer_update_id":"{event.id}","reference":"salary-1","status":"failed",'
        '"failure_reason_code":"insufficient_funds","failure_status":"1"}}'
    ]


def test_the_first_that_is_known_is_told_as_created_and_then_as_what_it_is() -> None:
    event = payout("payout.succeeded", NOTHING, SUCCEEDED, provider_status="0")
    created, updated = (json.loads(body) for body in bodies(event))
    assert created == {
        "event_type": "PaymentRequestCreated",
        "payload": {
            "occurred_at": "2026-01-01T12:00:00Z",
            "workspace_key": "shop",
            "payment_request_id": "pyo_1",
            "account_id": "600000",
            "bank_transfer_id": "AG_1",
            "transfer_update_id": None,
            "reference": "salary-1",
            "status": "submitted",
            "failure_reason_code": None,
            "failure_status": None,
        },
    }
    assert updated["event_type"] == "PaymentRequestUpdated"
    assert updated["payload"] == created["payload"] | {"status": "succeeded", "transfer_update_id": event.id}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (payout("payout.created", NOTHING, SUBMITTED), [("PaymentRequestCreated", "submitted")]),
        (
            payout("payout.failed", NOTHING, SUBMISSION_FAILED),
            [("PaymentRequestCreated", "submission_failed")],
        ),
        (
            payout("payout.expired", NOTHING, FAILED),
            [("PaymentRequestCreated", "submitted"), ("PaymentRequestUpdated", "failed")],
        ),
        (
            payout("payout.reversed", NOTHING, SUBMITTED, returned=True),
            [("PaymentRequestCreated", "submitted"), ("PaymentRequestRefunded", "submitted")],
        ),
        (payout("payout.pending", SUBMITTED, PENDING), [("PaymentRequestUpdated", "pending")]),
        (payout("payout.pending", SUCCEEDED, SUCCEEDED), []),
        (payout("payout.reversed", SUCCEEDED, SUCCEEDED, returned=True), [("PaymentRequestRefunded", "succeeded")]),
        (payout("payout.failed", SUCCEEDED, SUCCEEDED, returned=True), [("PaymentRequestRefunded", "succeeded")]),
        (make("payout.succeeded", "batch", refs=()), []),
        (make("payment.captured", "p"), []),
    ],
    ids=lambda value: str(value) if isinstance(value, list) else "",
)
def test_each_event_is_told_as_what_the_ledger_settled(event: Event, expected: list[tuple[str, str]]) -> None:
    assert told(event) == expected
    assert payment_requests.holds(event) is bool(expected)


def test_a_created_request_says_no_failure_unless_it_was_refused_at_once() -> None:
    failure = Failure(provider_code="500.001")
    late, refused = (
        payment_requests.messages_of(payout("payout.failed", NOTHING, after, provider_status="x", failure=failure))
        for after in (FAILED, SUBMISSION_FAILED)
    )
    assert [message.failure_reason_code for message in (*late, *refused)] == [None, "500.001", "500.001"]
    assert [message.failure_status for message in (*late, *refused)] == [None, "x", "x"]


def test_a_failure_without_a_code_is_called_by_what_happened() -> None:
    (message,) = payment_requests.messages_of(payout("payout.expired", PENDING, FAILED))
    assert (message.failure_reason_code, message.failure_status) == ("expired", None)


def test_only_these_transitions_are_allowed() -> None:
    found = {STATUSES[status]: {STATUSES[after] for after in after} for status, after in TRANSITIONS.items()}
    assert found == {
        "submitted": {"pending", "succeeded", "failed"},
        "pending": {"succeeded", "failed"},
        "succeeded": set(),
        "failed": set(),
        "submission_failed": set(),
    }


def test_every_status_has_a_word() -> None:
    assert set(STATUSES) == set(PaymentRequestStatus.values()) - {NOTHING}


WORDS = st.text(max_size=20)
MAYBE = st.none() | WORDS


@given(
    st.sampled_from(list(KINDS.values())), st.tuples(WORDS, WORDS, WORDS, MAYBE, MAYBE, MAYBE, MAYBE),
    st.sampled_from(list(STATUSES.values())), st.tuples(MAYBE, MAYBE),
)  # fmt: skip
def test_every_message_comes_back_as_it_was(
    kind: type[PaymentRequestEvent], before: tuple[Any, ...], status: str, after: tuple[Any, ...]
) -> None:
    message = kind(*before, status, *after)
    body = message.to_json()
    for reader in (kind, PaymentRequestEvent):
        assert reader.from_json(body) == message
        assert type(reader.from_json(body)) is kind
    document = json.loads(body)
    assert kind.from_payload(document["event_type"], document["payload"]) == message
    others = {PaymentRequestCreated, PaymentRequestUpdated, PaymentRequestRefunded} - {kind}
    for other in others:
        with pytest.raises(PayloadRejected, match="event_type"):
            other.from_json(body)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "done"}, "payload.status"),
        ({"status": None}, "payload.status"),
        ({"payment_request_id": None}, "payload.payment_request_id"),
        ({"reference": 5}, "payload.reference"),
    ],
)
def test_a_damaged_message_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    document = json.loads(bodies(payout("payout.created", NOTHING, SUBMITTED))[0])
    document["payload"] |= changes
    with pytest.raises(PayloadRejected) as refused:
        PaymentRequestEvent.from_json(json.dumps(document))
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize("body", [b"{}", b'{"event_type":["x"]}', b'{"event_type":"PaymentRequestCreated"}', b"[]"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadRejected):
        PaymentRequestEvent.from_json(body)
