"""What events say of payments, refunds and payouts: names, ids, and what must never be told."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from connectors.mpesa import connector
from connectors.spi import Context, Environment, KnownRequest, SampleWebhook
from orchestratorx_prism.v1.event_pb2 import Event

Normalized = Callable[..., list[Event]]
Sampled = Callable[..., SampleWebhook]


def event_of(sample: SampleWebhook, normalized: Normalized, *, known: bool = True) -> Event:
    (event,) = normalized(sample.body, sample.purpose, sample.known_request if known else None)
    return event


def names(event: Event) -> dict[str, str]:
    return {reference.kind: reference.value for reference in event.references}


def test_a_push_is_named_by_its_two_requests_and_its_receipt(sampled: Sampled, normalized: Normalized) -> None:
    pushed = event_of(sampled("stk_push.accepted"), normalized)
    paid = event_of(sampled("stk.success"), normalized)
    assert set(names(pushed)) == {"checkout_request", "merchant_request"}
    assert set(names(paid)) == {"checkout_request", "merchant_request", "receipt"}
    assert names(pushed).items() <= names(paid).items()
    assert pushed.connector_transaction_id == paid.connector_transaction_id == names(paid)["checkout_request"]


def test_all_that_tell_of_one_payment_share_a_name_and_its_capture(sampled: Sampled, normalized: Normalized) -> None:
    told = ["stk.success", "c2b.validation", "c2b.confirmation", "status.success", "pull.transaction"]
    events = {name: event_of(sampled(name, seed=7), normalized) for name in told}
    assert {names(event)["receipt"] for event in events.values()} == {events["stk.success"].payment.operation_id}
    captures = [event.payment for event in events.values() if event.type == "payment.captured"]
    assert len(captures) == 4
    assert {(data.operation_id, data.amount.minor_units) for data in captures} == {
        (events["stk.success"].payment.operation_id, 1099)
    }


def test_a_reversal_points_at_its_payment_and_has_its_own_id(sampled: Sampled, normalized: Normalized) -> None:
    paid = event_of(sampled("stk.success", seed=7), normalized)
    first, second = (event_of(sampled("reversal.success", seed=7, step=step), normalized) for step in (1, 2))
    for reversal in (first, second):
        assert names(reversal) == {"receipt": names(paid)["receipt"]}
        assert reversal.refund.operation_id == paid.payment.operation_id
    assert first.refund.connector_refund_id != second.refund.connector_refund_id


@pytest.mark.parametrize("family", ["b2c", "b2b", "result"])
def test_request_timeout_result_and_failure_of_one_payout_share_its_id(
    family: str, sampled: Sampled, normalized: Normalized
) -> None:
    variants = ("accepted", "timeout", "success", "failed", "unknown")
    events = [event_of(sampled(f"{family}.{variant}"), normalized) for variant in variants]
    assert len({event.payout.connector_payout_id for event in events}) == 1
    assert len({event.payout.merchant_payout_id for event in events}) == 1
    assert len({event.id for event in events}) == len(events)
    assert all(not event.references for event in events)


def test_the_status_of_a_payout_has_the_payouts_id(sampled: Sampled, normalized: Normalized) -> None:
    paid, told = (event_of(sampled(name), normalized) for name in ("b2c.success", "payout_status.success"))
    assert paid.payout.connector_payout_id == told.payout.connector_payout_id
    assert paid.connector_transaction_id == told.connector_transaction_id != ""


def test_a_repeated_callback_is_the_same_event_and_another_ending_is_another(
    sampled: Sampled, normalized: Normalized
) -> None:
    first, again = (event_of(sampled("stk.success", now_s=now_s), normalized) for now_s in (1, 1))
    late = event_of(sampled("stk.timeout"), normalized)
    assert first.id == again.id
    assert first.id != late.id


def test_the_known_request_adds_to_an_event_but_not_to_its_id(sampled: Sampled, normalized: Normalized) -> None:
    sample = sampled("stk.success", merchant_transaction_id="order-9")
    known, unknown = (event_of(sample, normalized, known=known) for known in (True, False))
    assert known.id == unknown.id
    assert (known.account, unknown.account) == ("600000", "")
    assert (known.merchant_transaction_id, unknown.merchant_transaction_id) == ("order-9", "")


def test_a_known_request_of_another_push_adds_nothing(sampled: Sampled, normalized: Normalized) -> None:
    sample = sampled("stk.success")
    other = KnownRequest(connector_request_id="ws_CO_another", account="600001", merchant_transaction_id="order-2")
    (event,) = normalized(sample.body, known_request=other)
    assert (event.account, event.merchant_transaction_id) == ("", "")


def test_an_answer_that_names_nothing_is_named_by_its_request(sampled: Sampled, normalized: Normalized) -> None:
    body = sampled("api.processing").body
    events = [
        normalized(body, known_request=KnownRequest(connector_request_id=name))[0] for name in ("ws_CO_1", "ws_CO_2")
    ]
    assert [names(event) for event in events] == [{"checkout_request": "ws_CO_1"}, {"checkout_request": "ws_CO_2"}]
    assert events[0].id != events[1].id


def test_no_phone_number_and_no_name_is_told(sampled: Sampled, normalized: Normalized) -> None:
    assert b"254700" in sampled("stk.success").body
    assert b"JANE" in sampled("b2c.success").body
    for event_type in connector.event_types:
        shown = str(event_of(sampled(event_type), normalized))
        assert "254700" not in shown, event_type
        assert "JANE" not in shown, event_type


def test_a_phone_in_the_providers_sentence_is_cut(normalized: Normalized) -> None:
    callback = {"CheckoutRequestID": "ws_CO_1", "ResultCode": 2001, "ResultDesc": "PIN of 254700000321 is wrong"}
    (event,) = normalized({"Body": {"stkCallback": callback}})
    assert event.payment.failure.provider_message == "PIN of ***0321 is wrong"


def test_the_reasons_of_the_url_settle_what_the_body_leaves_open(normalized: Normalized) -> None:
    bare = {"Result": {"ResultType": 0, "ResultCode": 2001, "ConversationID": "AG_1"}}
    found = {purpose: normalized(bare, purpose)[0].type for purpose in ("", "b2c", "b2b", "reversal", "balance")}
    assert found == {
        "": "payout.failed",
        "b2c": "payout.failed",
        "b2b": "payout.failed",
        "reversal": "refund.failed",
        "balance": "connector.unmapped",
    }


def test_a_timeout_url_makes_nothing_final(normalized: Normalized) -> None:
    for code in (0, 1, 21, 2001, "R000001"):
        body = {"Result": {"ResultType": 0, "ResultCode": code, "ConversationID": "AG_1"}}
        assert normalized(body, "timeout")[0].type.endswith(".pending")
        assert normalized(body, "reversal.timeout")[0].type == "refund.pending"


def test_a_timeout_url_does_not_make_a_paid_push_pending(sampled: Sampled, normalized: Normalized) -> None:
    """A push has no QueueTimeOutURL: its callback is final wherever it was sent."""
    assert normalized(sampled("stk.success").body, "timeout")[0].type == "payment.captured"


@pytest.mark.parametrize(
    ("purpose", "body"),
    [
        ("", b'{"ResultCode":0,"ResultDesc":"Accepted"}'),
        ("timeout", b'{"ResultCode":0,"ResultDesc":"Accepted"}'),
        ("validation", b'{"ResultCode":"0","ResultDesc":"Accepted"}'),
    ],
)
def test_acknowledgements_are_what_daraja_waits_for(purpose: str, body: bytes, sampled: Sampled) -> None:
    parsed = connector.parse(sampled("c2b.confirmation").body)
    reply = connector.acknowledge(parsed, Context("default", Environment.ENVIRONMENT_SANDBOX, 0, purpose=purpose))
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.body)


def test_without_a_time_of_its_own_an_event_happens_when_it_is_received(
    sampled: Sampled, normalized: Normalized, now_s: int
) -> None:
    event = event_of(sampled("stk.canceled"), normalized)
    assert event.occurred_at.seconds == event.received_at.seconds == now_s
