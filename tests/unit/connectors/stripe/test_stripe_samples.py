"""The simulator: a signed, realistic webhook of every type, that opens and means what the tables say."""

from __future__ import annotations

import json

import pytest

from connectors.spi import Context, Environment, Material, SampleRequest, SampleWebhook, Webhook
from connectors.stripe import connector
from connectors.stripe.families import MEANINGS, NO_COUNTERPART
from connectors.stripe.sample_objects import MERCHANT_KEY
from connectors.stripe.thin_events import thin_meaning
from orchestratorx_prism.errors import SignatureRejected
from orchestratorx_prism.v1.event_pb2 import Event

SECRET, NOW_S = "whsec_Zr4mUYHq0dM9eXo2", 1_773_480_500
CONTEXT = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)

# What the sample of a type stands for, where the type alone leaves the meaning open.
SAMPLED: dict[str, str] = {
    "charge.captured": "payment.captured",
    "charge.dispute.closed": "dispute.won",
    "charge.dispute.created": "dispute.opened",
    "charge.dispute.funds_reinstated": "dispute.won",
    "charge.dispute.funds_withdrawn": "dispute.opened",
    "charge.dispute.updated": "dispute.evidence_submitted",
    "charge.refund.updated": "refund.succeeded",
    "charge.refunded": "refund.succeeded",
    "charge.succeeded": "payment.captured",
    "charge.updated": "payment.captured",
    "checkout.session.async_payment_failed": "payment.failed",
    "checkout.session.async_payment_succeeded": "payment.captured",
    "checkout.session.completed": "payment.captured",
    "checkout.session.expired": "payment.expired",
    "customer.discount.created": "customer.updated",
    "customer.discount.deleted": "customer.updated",
    "customer.discount.updated": "customer.updated",
    "customer.subscription.updated": "subscription.renewed",
    "invoice.payment_succeeded": "invoice.paid",
    "invoice_payment.paid": "invoice.paid",
    "mandate.updated": "mandate.active",
    "payment_intent.amount_capturable_updated": "payment.authorized",
    "payment.created": "payment.captured",
    "payment_intent.canceled": "payment.voided",
    "payment_intent.cancelled": "payment.voided",
    "payout.reconciliation_completed": "payout.succeeded",
    "payout.updated": "payout.pending",
    "radar.early_fraud_warning.updated": "dispute.inquiry",
    "refund.created": "refund.pending",
    "refund.updated": "refund.succeeded",
    "transfer.created": "payout.succeeded",
    "transfer.updated": "payout.succeeded",
    **{
        f"treasury.{kind}.{change}": "payout.pending"
        for kind in ("outbound_payment", "outbound_transfer")
        for change in ("expected_arrival_date_updated", "tracking_details_updated")
    },
}


def sample(event_type: str, **changes: object) -> SampleWebhook:
    assert connector.sample is not None
    return connector.sample(SampleRequest(event_type, secret=SECRET, now_s=NOW_S, **changes))  # type: ignore[arg-type]


def received(made: SampleWebhook, body: bytes | None = None) -> Webhook:
    headers = {name.lower(): value for name, value in made.headers.items()}
    return Webhook(made.body if body is None else body, headers)


def event(event_type: str, **changes: object) -> Event:
    made = sample(event_type, **changes)
    opened = connector.open(received(made), Material(secrets=(SECRET,)), NOW_S)
    [one] = connector.normalize(opened.parsed, CONTEXT, made.body)
    return one


def expected(event_type: str) -> tuple[str, str]:
    """(our type, why unmapped) by the tables."""
    if event_type.startswith(("v1.", "v2.")):
        ours, reason = thin_meaning(event_type)
        return ours or "connector.unmapped", reason
    if event_type in NO_COUNTERPART:
        return "connector.unmapped", "no_counterpart"
    meaning = MEANINGS[event_type]
    return (meaning if isinstance(meaning, str) else SAMPLED[event_type]), ""


@pytest.mark.parametrize("event_type", connector.event_types)
def test_every_type_opens_and_means_what_the_tables_say(event_type: str) -> None:
    one = event(event_type)
    assert (one.type, one.unmapped.unmapped_reason) == expected(event_type)
    assert one.provider_event_type == event_type
    assert one.occurred_at.seconds == NOW_S
    assert one.environment == Environment.ENVIRONMENT_SANDBOX


@pytest.mark.parametrize("event_type", connector.event_types)
def test_one_flipped_bit_of_any_sample_is_refused(event_type: str) -> None:
    made = sample(event_type)
    flipped = bytearray(made.body)
    flipped[len(flipped) // 2] ^= 1
    with pytest.raises(SignatureRejected):
        connector.open(received(made, bytes(flipped)), Material(secrets=(SECRET,)), NOW_S)


def test_a_type_that_is_not_listed_is_no_sample() -> None:
    with pytest.raises(ValueError, match="no event type"):
        sample("payment_intent.daydreamed")


def test_the_same_request_makes_the_same_bytes() -> None:
    assert sample("charge.refunded", seed=3).body == sample("charge.refunded", seed=3).body
    assert sample("charge.refunded", seed=3).body != sample("charge.refunded", seed=4).body
    assert sample("charge.refunded", seed=3, step=1).body != sample("charge.refunded", seed=3).body


LINKED = (
    "payment_intent.created payment_intent.amount_capturable_updated payment_intent.succeeded charge.succeeded "
    "charge.captured charge.refunded refund.created refund.updated refund.failed charge.refund.updated "
    "charge.dispute.created charge.dispute.closed radar.early_fraud_warning.created checkout.session.completed"
).split()


def test_samples_of_one_seed_are_about_one_payment_and_of_another_are_not() -> None:
    one = {event(name, seed=7).connector_transaction_id for name in LINKED}
    other = {event(name, seed=8).connector_transaction_id for name in LINKED}
    assert len(one) == len(other) == 1
    assert one != other
    for name in LINKED:
        names = {reference.kind: reference.value for reference in event(name, seed=7).references}
        assert names["payment_intent"] in one
    assert len({event(name, seed=7).id for name in LINKED}) == len(LINKED)


def test_both_words_for_one_capture_name_one_operation() -> None:
    operations = {
        event(name, seed=7).payment.operation_id
        for name in ("payment_intent.succeeded", "charge.succeeded", "charge.captured", "charge.updated")
    }
    assert len(operations) == 1


def test_three_words_for_one_refund_state_one_amount() -> None:
    of_charge = event("charge.refunded", seed=7, amount_minor=300, total_minor=1000)
    of_refund = event("refund.updated", seed=7, amount_minor=300, total_minor=1000)
    older = event("charge.refund.updated", seed=7, amount_minor=300, total_minor=1000)
    assert of_refund.refund.connector_refund_id == older.refund.connector_refund_id
    assert {one.refund.amount.minor_units for one in (of_charge, of_refund, older)} == {300}
    assert of_charge.refund.refunded.minor_units == 300


def test_a_step_is_another_refund_and_the_total_grows() -> None:
    first, second = (event("charge.refunded", amount_minor=300, total_minor=1000, step=step) for step in (0, 1))
    assert first.id != second.id
    assert [one.refund.refunded.minor_units for one in (first, second)] == [300, 600]
    ids = {event("refund.updated", step=step).refund.connector_refund_id for step in (0, 1)}
    assert len(ids) == 2


def test_a_capture_of_less_than_all() -> None:
    captured = event("charge.captured", amount_minor=600, total_minor=1000)
    assert captured.payment.amount.minor_units == captured.payment.captured.minor_units == 600
    assert captured.payment.final_capture
    second = event("charge.captured", amount_minor=300, total_minor=1000, step=1)
    assert second.type == "payment.partially_captured"
    assert (second.payment.amount.minor_units, second.payment.captured.minor_units) == (300, 600)
    succeeded = event("payment_intent.succeeded", amount_minor=600, total_minor=1000)
    assert succeeded.payment.captured.minor_units == 600


@pytest.mark.parametrize(
    ("currency", "minor", "theirs"),
    [("USD", 1099, 1099), ("JPY", 1099, 1099), ("KWD", 10990, 10990), ("ISK", 1099, 109900), ("MGA", 109900, 1099)],
)
def test_amounts_go_round_in_stripes_own_decimals(currency: str, minor: int, theirs: int) -> None:
    made = sample("payment_intent.succeeded", currency=currency, amount_minor=minor)
    found = json.loads(made.body)["data"]["object"]
    assert (found["amount_received"], found["currency"]) == (theirs, currency.lower())
    money = event("payment_intent.succeeded", currency=currency, amount_minor=minor).payment.captured
    assert (money.minor_units, money.currency) == (minor, currency)


def test_the_merchants_reference_comes_along() -> None:
    for name in ("payment_intent.succeeded", "charge.refunded", "charge.dispute.created", "invoice.paid"):
        assert event(name, merchant_transaction_id="order-99").merchant_transaction_id == "order-99"
    assert CONTEXT.merchant_reference_key == MERCHANT_KEY
