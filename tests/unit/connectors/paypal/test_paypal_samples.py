"""The simulator's webhooks: every type, signed, linked by their seed, in several currencies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from connectors.paypal import connector, mapping
from connectors.paypal.simulator import sample
from connectors.paypal.webhooks import normalize, open_webhook
from connectors.spi import Context, SampleRequest, SignatureRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

# What the tables say of the status that the sample shows, where the status is half of the meaning.
BY_STATUS = {
    "CHECKOUT.ORDER.COMPLETED": "payment.captured",
    "CHECKOUT.PAYMENT-RESOURCE.PAYMENT-COMPLETED": "payment.captured",
    "CHECKOUT.PAYMENT-RESOURCE.PAYMENT-ON-HOLD": "payment.pending",
    "CUSTOMER.DISPUTE.CREATED": "dispute.opened",
    "CUSTOMER.DISPUTE.UPDATED": "dispute.evidence_required",
    "CUSTOMER.DISPUTE.RESOLVED": "dispute.won",
    "RISK.DISPUTE.CREATED": "dispute.opened",
    "INVOICING.INVOICE.PAID": "invoice.paid",
    "PAYMENT.AUTHORIZATION.CREATED": "payment.authorized",
    "PAYMENT.AUTHORIZATION.VOIDED": "payment.voided",
    "PAYMENT.CAPTURE.COMPLETED": "payment.captured",
    "PAYMENT.CAPTURE.DENIED": "payment.capture_failed",
    "PAYMENT.SALE.COMPLETED": "payment.captured",
    "PAYMENT.CAPTURE.REFUNDED": "refund.succeeded",
    "PAYMENT.CAPTURE.REVERSED": "refund.succeeded",
    "PAYMENT.SALE.REFUNDED": "refund.succeeded",
    "PAYMENT.SALE.REVERSED": "refund.succeeded",
    "PAYMENT.REFUND.COMPLETED": "refund.succeeded",
    "PAYMENTS.PAYMENT.CREATED": "payment.created",
}
ALONE: dict[str, str] = {
    **dict.fromkeys(mapping.NO_COUNTERPART, "connector.unmapped"),
    **mapping.ORDERS,
    **mapping.SUBSCRIPTIONS,
    **mapping.MANDATES,
    **mapping.PAYOUT_ITEMS,
    **mapping.PAYOUT_BATCHES,
    **mapping.PAYMENT_METHODS,
    **{name: table[mapping.ANY] for name, table in mapping.TRANSACTIONS.items() if mapping.ANY in table},
    **{name: table[mapping.ANY] for name, table in mapping.REFUNDS.items() if mapping.ANY in table},
    **{name: table[mapping.ANY] for name, table in mapping.INVOICES.items() if mapping.ANY in table},
}
EXPECTED = {**ALONE, **BY_STATUS}


def events_of(made: Any, context: Context, now_s: int) -> list[Event]:
    opened = open_webhook(made.webhook, made.material, now_s)
    return normalize(opened.parsed, context, made.webhook.body)


@pytest.mark.parametrize("event_type", connector.event_types)
def test_a_sample_opens_and_means_what_the_tables_say(
    signed: Callable[..., Any], context: Context, workshop: SimpleNamespace, event_type: str
) -> None:
    made = signed(event_type)
    (event,) = events_of(made, context, workshop.NOW_S)
    assert event.type == EXPECTED[event_type]
    assert event.WhichOneof("data") == DATA_MEMBER[event.type]
    assert event.provider_event_type == event_type
    assert event.occurred_at.seconds == workshop.NOW_S
    data = getattr(event, DATA_MEMBER[event.type])
    if event_type not in mapping.NO_COUNTERPART:
        assert data.ByteSize() > 10
    if event.type.startswith(("payment.", "refund.", "dispute.")):
        assert event.references
        assert event.connector_transaction_id
        assert data.amount.minor_units == 1099
        assert data.amount.currency == "USD"
        assert data.merchant_transaction_id == event.merchant_transaction_id


@pytest.mark.parametrize("event_type", connector.event_types)
def test_one_flipped_bit_of_a_sample_is_refused(
    signed: Callable[..., Any], workshop: SimpleNamespace, event_type: str
) -> None:
    made = signed(event_type)
    body = bytearray(made.webhook.body)
    body[len(body) // 2] ^= 4
    with pytest.raises(SignatureRejected) as caught:
        open_webhook(structs.replace(made.webhook, body=bytes(body)), made.material, workshop.NOW_S)
    assert caught.value.reason == "SIGNATURE_MISMATCH"


def test_the_samples_of_one_seed_are_about_one_payment(
    signed: Callable[..., Any], context: Context, workshop: SimpleNamespace
) -> None:
    names: list[set[str]] = []
    for event_type in (
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.AUTHORIZATION.CREATED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
        "CUSTOMER.DISPUTE.CREATED",
    ):
        (event,) = events_of(signed(event_type, seed=5), context, workshop.NOW_S)
        names.append({reference.value for reference in event.references})
    order, authorization, capture, refund, dispute = names
    assert order & authorization
    assert authorization & capture
    assert capture & refund
    assert capture & dispute
    (other,) = events_of(signed("PAYMENT.CAPTURE.COMPLETED", seed=6), context, workshop.NOW_S)
    assert not capture & {reference.value for reference in other.references}


def test_an_order_and_its_capture_tell_of_one_operation(
    signed: Callable[..., Any], context: Context, workshop: SimpleNamespace
) -> None:
    events = [
        events_of(signed(event_type, seed=5), context, workshop.NOW_S)[0]
        for event_type in ("CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED")
    ]
    assert events[0].payment.operation_id == events[1].payment.operation_id != ""
    assert events[0].id != events[1].id


def test_steps_are_several_captures_of_one_authorization(
    signed: Callable[..., Any], context: Context, workshop: SimpleNamespace
) -> None:
    first, second = (
        events_of(
            signed("PAYMENT.CAPTURE.COMPLETED", seed=5, step=step, amount_minor=400, total_minor=1000),
            context,
            workshop.NOW_S,
        )[0]
        for step in (0, 1)
    )
    assert first.type == second.type == "payment.partially_captured"
    assert first.payment.operation_id != second.payment.operation_id
    assert first.connector_transaction_id == second.connector_transaction_id
    assert first.id != second.id


def test_the_same_request_makes_the_same_body() -> None:
    request = SampleRequest("PAYMENT.CAPTURE.COMPLETED", "WH", 1_780_000_000, seed=3)
    assert sample(request).body == sample(request).body
    assert sample(request).headers == sample(request).headers


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [
        ("USD", 1099, "10.99"),
        ("JPY", 1099, "1099"),
        ("KWD", 1099, "1.099"),
        ("ISK", 1099, "1099"),
        ("HUF", 50_000, "500"),
    ],
)
@pytest.mark.parametrize(
    "event_type", ["PAYMENT.CAPTURE.COMPLETED", "PAYMENT.SALE.REFUNDED", "PAYMENT.PAYOUTS-ITEM.HELD"]
)
def test_amounts_round_trip(
    signed: Callable[..., Any],
    context: Context,
    workshop: SimpleNamespace,
    event_type: str,
    currency: str,
    minor: int,
    text: str,
) -> None:
    made = signed(event_type, currency=currency, amount_minor=minor)
    assert f'{text}"' in made.webhook.body.decode()
    (event,) = events_of(made, context, workshop.NOW_S)
    amount = getattr(event, DATA_MEMBER[event.type]).amount
    assert (amount.minor_units, amount.currency) == (minor, currency)


def test_an_amount_that_paypal_does_not_take_is_not_made() -> None:
    with pytest.raises(ValueError, match="HUF"):
        sample(SampleRequest("PAYMENT.CAPTURE.COMPLETED", currency="HUF", amount_minor=10_050))


def test_a_type_that_paypal_does_not_have_is_not_made() -> None:
    with pytest.raises(ValueError, match="no event type"):
        sample(SampleRequest("PAYMENT.CAPTURE.TELEPORTED"))


def test_samples_can_happen_at_the_beginning_of_time(signed: Callable[..., Any], context: Context) -> None:
    made = signed(now_s=0)
    (event,) = events_of(made, context, 0)
    assert event.occurred_at.seconds == 0


def test_without_an_id_it_signs_like_paypals_simulator(signed: Callable[..., Any], workshop: SimpleNamespace) -> None:
    made = signed(secret="")
    open_webhook(made.webhook, replace(made.material, webhook_id="WEBHOOK_ID"), workshop.NOW_S)


def test_bodies_are_compact_json_with_the_merchants_reference(signed: Callable[..., Any]) -> None:
    body = json.loads(signed(merchant_transaction_id="ördér").webhook.body)
    assert body["resource"]["custom_id"] == "ördér"
    assert body["id"].startswith("WH-")


def test_event_types_are_sorted_and_unique() -> None:
    assert list(connector.event_types) == sorted(set(connector.event_types))
    assert set(EXPECTED) == set(connector.event_types)
