"""Ids, environments, times and references: what the ledger relies on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.adyen import connector, mapping, mapping_messages, mapping_transfers
from connectors.adyen.failures import FIXED
from connectors.adyen.parts import DISPUTE_STATUS, PAYMENT_STATUS, PAYOUT_STATUS, REFUND_STATUS
from connectors.spi import Context, Environment, SampleWebhook
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

Normalized = Callable[[Any], list[Event]]
Sampled = Callable[..., SampleWebhook]


def item(code: str = "AUTHORISATION", success: Any = "true", psp: str = "P1", **changes: Any) -> dict[str, Any]:
    amount = {"value": 4999, "currency": "EUR"}
    return {"pspReference": psp, "eventCode": code, "success": success, "amount": amount, **changes}


def batch(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"notificationItems": [{"NotificationRequestItem": each} for each in items], **more}


def test_an_event_is_known_by_reference_code_and_success_and_by_nothing_else(normalized: Normalized) -> None:
    (one,) = normalized(batch(item()))
    again = normalized(batch(item("CAPTURE"), item(eventDate="2026-01-01T00:00:00Z", reason="x")))[1]
    (bare,) = normalized(item(success=True))
    assert one.id == again.id == bare.id
    others = batch(item("CAPTURE"), item(success="false"), item(psp="P2"), item(merchantAccountCode="B"))
    assert len({one.id, *(event.id for event in normalized(others))}) == 5


def test_merchants_and_environments_do_not_share_ids(normalized: Normalized) -> None:
    parsed = connector.parse(b'{"pspReference":"P1","eventCode":"CAPTURE","success":"true"}')
    contexts = [Context(m, e, 0) for m in ("a", "b") for e in (1, 2)]  # type: ignore[arg-type]
    assert len({connector.normalize(parsed, context, b"x")[0].id for context in contexts}) == 4


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ("true", Environment.ENVIRONMENT_PRODUCTION),
        (True, Environment.ENVIRONMENT_PRODUCTION),
        ("false", Environment.ENVIRONMENT_SANDBOX),
        (False, Environment.ENVIRONMENT_SANDBOX),
        (None, Environment.ENVIRONMENT_SANDBOX),
    ],
)
def test_the_body_says_which_environment(live: Any, expected: int, normalized: Normalized) -> None:
    assert normalized(batch(item(), live=live))[0].environment == expected


def test_without_a_word_on_it_the_environment_is_the_contexts() -> None:
    parsed = connector.parse(b'{"pspReference":"P1","eventCode":"CAPTURE","success":"true"}')
    context = Context("default", Environment.ENVIRONMENT_PRODUCTION, 0)
    assert connector.normalize(parsed, context, b"x")[0].environment == Environment.ENVIRONMENT_PRODUCTION


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("2026-03-14T10:30:12+01:00", 1_773_480_612, 0),
        ("2026-03-14T09:30:12Z", 1_773_480_612, 0),
        ("2026-03-13T23:30:12.250-10:00", 1_773_480_612, 250_000_000),
    ],
)
def test_times_are_utc_whatever_their_offset(text: str, seconds: int, nanos: int, normalized: Normalized) -> None:
    (event,) = normalized(batch(item(eventDate=text)))
    assert (event.occurred_at.seconds, event.occurred_at.nanos) == (seconds, nanos)


def test_a_transfer_is_timed_by_its_own_latest_time(normalized: Normalized) -> None:
    data = {
        "id": "T",
        "direction": "outgoing",
        "status": "booked",
        "creationDate": "2026-03-01T00:00:00Z",
        "updatedAt": "2026-03-14T09:30:12Z",
    }
    body = {"type": "balancePlatform.transfer.updated", "timestamp": "2026-03-15T00:00:00Z", "data": data}
    assert normalized(body)[0].occurred_at.seconds == 1_773_480_612
    del data["updatedAt"]
    assert normalized(body)[0].occurred_at.seconds == 1_773_532_800
    del body["timestamp"]
    assert normalized(body)[0].occurred_at.seconds == 1_772_323_200


def test_two_webhooks_of_a_transfer_are_two_and_the_same_one_is_one(normalized: Normalized) -> None:
    def body(**changes: Any) -> dict[str, Any]:
        data = {"id": "T", "direction": "outgoing", "status": "booked", "sequenceNumber": 3, **changes}
        return {"type": "balancePlatform.transfer.updated", "data": data}

    same = [normalized(body())[0].id, normalized(body(reason="approved", events=[{"id": "new"}]))[0].id]
    assert len(set(same)) == 1
    others = [body(sequenceNumber=4), body(direction="incoming"), body(id="U"), body(sequenceNumber=None)]
    assert len({*same, *(normalized(other)[0].id for other in others)}) == 5


def test_messages_without_an_id_of_their_own_are_told_apart_by_all_their_bytes(normalized: Normalized) -> None:
    def body(value: int) -> dict[str, Any]:
        amount = {"value": value, "currency": "EUR"}
        data = {"id": "M", "status": "Cancelled", "amount": amount, "modification": {"amount": amount}}
        return {"type": "balancePlatform.payment.updated", "timestamp": "2026-03-14T09:30:12Z", "data": data}

    assert normalized(body(-1))[0].id == normalized(body(-1))[0].id
    assert normalized(body(-1))[0].id != normalized(body(-2))[0].id


def test_the_webhooks_of_one_seed_tell_one_payments_story(normalized: Normalized, sampled: Sampled) -> None:
    def event(name: str, **more: Any) -> Event:
        return normalized(sampled(name, seed=7, **more).body)[0]

    authorized, captured = (
        event("AUTHORISATION", amount_minor=500, total_minor=1500),
        event("CAPTURE", amount_minor=500),
    )
    undone, second = event("CAPTURE_FAILED", amount_minor=500), event("CAPTURE", amount_minor=500, step=1)
    payment = authorized.connector_transaction_id
    family = (captured, undone, second, event("REFUND"), event("CHARGEBACK"), event("CANCELLATION"))
    assert {each.connector_transaction_id for each in family} == {payment}
    assert {each.references[0].value for each in family} == {payment}
    assert authorized.payment.amount.minor_units == 1500
    assert captured.payment.operation_id == undone.payment.operation_id != second.payment.operation_id
    refunds = [event("REFUND"), event("REFUND_FAILED"), event("REFUNDED_REVERSED"), event("REFUND", step=1)]
    ids = [refund.refund.connector_refund_id for refund in refunds]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    disputes = {event(name).dispute.connector_dispute_id for name in ("CHARGEBACK", "CHARGEBACK_REVERSED")}
    assert len(disputes) == 1
    scheduled = event("SCHEDULED_REFUNDS")
    assert scheduled.connector_transaction_id == payment
    assert scheduled.refund.operation_id == captured.payment.operation_id
    assert normalized(sampled("AUTHORISATION", seed=8).body)[0].connector_transaction_id != payment


def test_what_is_not_the_payments_alone_is_no_reference(normalized: Normalized, sampled: Sampled) -> None:
    """A shopper, a merchant's reference, a refund or a dispute must never tie two payments together."""
    for name in connector.event_types:
        for event in normalized(sampled(name, seed=7).body):
            assert {each.kind for each in event.references} <= {"psp_reference", "capture", "transfer", "transaction"}
            values = {each.value for each in event.references}
            assert not values & {"order-1", "shopper-7", event.account}
            if event.WhichOneof("data") == "refund":
                assert event.refund.connector_refund_id not in values
            if event.WhichOneof("data") == "dispute" and event.dispute.connector_transaction_id:
                assert event.dispute.connector_dispute_id not in values


@pytest.mark.parametrize("status", ["Unresponded", "Expired", "Undefended", "Accepted", "Lost", "Won", 7, None])
@pytest.mark.parametrize("code", sorted({c for c, _ in mapping.EVENTS}))
def test_no_unsigned_field_decides_a_type(code: str, status: Any, normalized: Normalized) -> None:
    plain = normalized(batch(item(code)))[0] if (code, True) in mapping.EVENTS else None
    data = {"disputeStatus": status, "modification.action": "refund", "defensePeriodEndsAt": "x"}
    marked = batch(item(code, additionalData=data, reason="FRAUD", paymentMethod="x"), live="true")
    assert plain is not None
    assert normalized(marked)[0].type == plain.type


def test_bad_news_with_success_true_is_bad_news() -> None:
    types = {code: mapping.EVENTS[code, True].type for code in ("CAPTURE_FAILED", "REFUND_FAILED", "REFUNDED_REVERSED")}
    assert types == {
        "CAPTURE_FAILED": "payment.capture_failed",
        "REFUND_FAILED": "refund.failed",
        "REFUNDED_REVERSED": "refund.reversed",
    }


def test_no_failed_event_has_a_word_of_success() -> None:
    good = {"payment.authorized", "payment.captured", "payment.voided", "refund.succeeded", "payout.succeeded"}
    assert not [key for key, meaning in mapping.EVENTS.items() if not key[1] and meaning.type in good]


def test_every_word_in_the_tables_is_one_of_ours() -> None:
    meanings = [*mapping.EVENTS.values(), *mapping.CANCEL_OR_REFUND_EVENTS.values()]
    assert {meaning.failure for meaning in meanings} - {""} == set(FIXED)
    messages = (
        *mapping_messages.METHODS.values(),
        *mapping_messages.PAYMENT_METHOD_STATUSES.values(),
        *mapping_messages.DISPUTES.values(),
        *mapping_messages.MANDATES.values(),
        *mapping_messages.EXECUTIONS.values(),
        *(name for table in mapping_messages.CLASSIC_PAYOUTS.values() for name in table.values()),
        *mapping_transfers.TYPES.values(),
        mapping_messages.PAYMENT_METHOD_CHANGED,
    )
    types = {meaning.type for meaning in meanings} | set(messages)
    assert types <= DATA_MEMBER.keys()
    states = {"payment": PAYMENT_STATUS, "refund": REFUND_STATUS, "dispute": DISPUTE_STATUS, "payout": PAYOUT_STATUS}
    for name in types:
        if DATA_MEMBER[name] in states:
            assert name in states[DATA_MEMBER[name]]


def test_a_known_code_is_either_mapped_or_known_to_have_no_word() -> None:
    assert not mapping.NO_COUNTERPART & {code for code, _ in mapping.EVENTS}
    mapped = {*mapping_messages.METHODS, *mapping_messages.EXECUTIONS, *mapping_transfers.TRANSFERS}
    assert not mapping_messages.NO_COUNTERPART & mapped
    assert not mapping_messages.CLASSIC_NO_COUNTERPART & mapping_messages.CLASSIC_PAYOUTS.keys()


def test_every_webhook_is_acknowledged_as_accepted() -> None:
    reply = connector.acknowledge(None, Context("default", Environment.ENVIRONMENT_SANDBOX, 0))
    assert (reply.status, reply.body, dict(reply.headers)) == (200, b"[accepted]", {"Content-Type": "text/plain"})


@pytest.mark.parametrize("key", ["", "x", "a" * 37, "<b>" * 12, 5, None, {"a": 1}], ids=str)
def test_only_what_looks_like_our_key_is_a_name_of_a_payment(normalized: Normalized, key: Any) -> None:
    (event,) = normalized(batch(item(additionalData={"metadata.orchestratorx_key": key})))
    assert [each.kind for each in event.references] == ["psp_reference"]


def test_our_key_names_payments_and_nothing_else(normalized: Normalized) -> None:
    data = {"metadata.orchestratorx_key": "0b5f2c5e-6a55-8d0f-af1c-0c4f6a1f7a11"}
    events = normalized(
        batch(
            item("CAPTURE", originalReference="P0", additionalData=data),
            item("REFUND", originalReference="P0", additionalData=data),
        )
    )
    assert [[each.kind for each in event.references] for event in events] == [
        ["psp_reference", "capture", "request"],
        ["psp_reference"],
    ]


@pytest.mark.parametrize(
    ("named", "kind", "network"),
    [
        ({"paymentMethod": "mccredit"}, "card", "mastercard"),
        ({"paymentMethod": "mccommercialcredit_b2b"}, "card", "mastercard"),
        ({"paymentMethod": "mcmaestro"}, "card", "maestro"),
        ({"paymentMethod": "amexcorporate"}, "card", "amex"),
        ({"paymentMethod": "cupdebit"}, "card", "unionpay"),
        ({"paymentMethod": "jcbprepaid"}, "card", "jcb"),
        ({"paymentMethod": "mc_googlepay"}, "card", "mastercard"),
        ({"paymentMethod": "mcash"}, "mcash", ""),
        ({"paymentMethod": "scheme"}, "card", ""),
        ({"additionalData": {"paymentMethod": "visa", "paymentMethodVariant": "visadebit"}}, "card", "visa"),
        ({"additionalData": {"paymentMethodVariant": "directdebit_NL"}}, "directdebit_nl", ""),
        ({"paymentMethod": "ideal", "additionalData": {"paymentMethodVariant": "visa"}}, "ideal", ""),
        ({"paymentMethod": None, "additionalData": {"paymentMethod": 7}}, "", ""),
    ],
    ids=repr,
)
def test_how_it_was_paid_is_told_by_brand_or_by_variant(
    named: dict[str, Any], kind: str, network: str, normalized: Normalized
) -> None:
    (event,) = normalized(batch(item(**named)))
    method = event.payment.payment_method
    assert (method.type, method.network) == (kind, network)


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("refused", "notEnoughBalance", "insufficient_funds"),
        ("refused", "cvcDeclined", "cvc_declined"),
        ("refused", "approved", "refused"),
        ("cancelled", "unknown", "canceled"),
        ("returned", None, "returned_by_bank"),
        ("expired", "approved", "expired"),
        ("failed", "unknown", "unrecognized_reason"),
        ("failed", "somethingNew", "unrecognized_reason"),
    ],
)
def test_a_transfers_failure_is_told_by_its_reason_or_else_by_its_status(
    status: str, reason: str | None, code: str, normalized: Normalized
) -> None:
    data = {"id": "T", "category": "bank", "type": "bankTransfer", "direction": "outgoing", "status": status}
    (event,) = normalized({"type": "balancePlatform.transfer.updated", "data": {**data, "reason": reason}})
    assert event.payout.failure.code == code
