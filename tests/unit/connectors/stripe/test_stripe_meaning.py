"""The tables: complete against Stripe's own list, and every word in them one of ours."""

from __future__ import annotations

import pkgutil
import typing
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import stripe.events
from stripe.params import _webhook_endpoint_create_params as endpoint_params

from connectors.stripe import failures, mapping_thin
from connectors.stripe.families import EVENT_TYPES, FAMILIES, MEANINGS, NO_COUNTERPART
from connectors.stripe.mapping import DISPUTE_STATUS, PAYMENT_STATUS, REFUND_STATUS
from connectors.stripe.mapping_billing import PAYOUT_STATUS
from connectors.stripe.thin_events import thin_meaning
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

STATUS_OF_MEMBER: dict[str, set[str]] = {
    "payment": set(PAYMENT_STATUS),
    "refund": set(REFUND_STATUS),
    "dispute": set(DISPUTE_STATUS),
    "payout": set(PAYOUT_STATUS),
}
ABOUT_MONEY_OR_CUSTOMERS = (
    "charge.",
    "checkout.session.",
    "customer.",
    "invoice.",
    "invoice_payment.",
    "invoiceitem.",
    "mandate.",
    "payment_intent.",
    "payment_method.",
    "payout.",
    "refund.",
    "setup_intent.",
    "subscription_schedule.",
    "transfer.",
)
"""Types about payments, refunds, disputes, payment methods, customers, subscriptions, invoices, payouts, mandates."""


def official_snapshot_types() -> set[str]:
    """The `enabled_events` literal of the official package, without "*" for all."""
    stated = endpoint_params.WebhookEndpointCreateParams.__annotations__["enabled_events"]
    only = type("Only", (), {"__annotations__": {"enabled_events": stated}})
    return set(literals(typing.get_type_hints(only, vars(endpoint_params))["enabled_events"])) - {"*"}


def literals(hint: object) -> list[str]:
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return [name for inner in typing.get_args(hint) for name in literals(inner)]


def official_thin_types() -> set[str]:
    modules = [import_module(f"stripe.events.{found.name}") for found in pkgutil.iter_modules(stripe.events.__path__)]
    classes = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    return {vars(one)["LOOKUP_TYPE"] for one in classes if "LOOKUP_TYPE" in vars(one)}


def meant() -> list[tuple[str, str]]:
    """(Stripe's type, our type) for every entry of every table."""
    pairs = []
    for name, meaning in MEANINGS.items():
        pairs += [(name, ours) for ours in sorted({meaning} if isinstance(meaning, str) else set(meaning.values()))]
    for table in (mapping_thin.ALONE, mapping_thin.ONLY, mapping_thin.V2):
        pairs += list(table.items())
    return pairs


def test_every_type_that_an_endpoint_can_subscribe_to_is_known() -> None:
    official = official_snapshot_types()
    assert len(official) == 275  # 276 with "*"
    assert official <= set(EVENT_TYPES)
    assert official <= set(MEANINGS) | NO_COUNTERPART


def test_every_thin_type_of_the_official_package_is_known() -> None:
    official = official_thin_types()
    assert len(official) > 300
    assert official <= set(EVENT_TYPES)
    assert {name for name in official if thin_meaning(name) == (None, "unknown_type")} == set()


def test_no_type_is_both_mapped_and_without_counterpart() -> None:
    assert set(MEANINGS) & NO_COUNTERPART == set()
    assert sum(len(table) for table in FAMILIES.values()) == len(MEANINGS)


def test_the_list_of_types_is_sorted_and_without_doubles() -> None:
    assert list(EVENT_TYPES) == sorted(set(EVENT_TYPES))


def test_nothing_about_money_or_customers_is_without_counterpart() -> None:
    assert [name for name in NO_COUNTERPART if name.startswith(ABOUT_MONEY_OR_CUSTOMERS)] == []


@pytest.mark.parametrize(("theirs", "ours"), meant(), ids=lambda value: value)
def test_every_meaning_is_one_of_our_types_with_a_status(theirs: str, ours: str) -> None:
    member = DATA_MEMBER[ours]
    assert member != "unmapped"
    assert member not in STATUS_OF_MEMBER or ours in STATUS_OF_MEMBER[member]


def test_what_a_thin_type_says_alone_is_something_its_snapshot_can_say() -> None:
    """Or, where it says less, something that all it can say implies."""
    weaker = {"refund.created", "dispute.inquiry", "customer.updated", "payout.created"}
    for name, ours in mapping_thin.ALONE.items():
        meaning = MEANINGS[name]
        possible = {meaning} if isinstance(meaning, str) else set(meaning.values())
        assert ours in possible | weaker, name


def test_the_prefix_v1_is_not_needed_to_understand_a_thin_type() -> None:
    assert thin_meaning("v1.payment_intent.succeeded") == ("payment.captured", "")
    assert thin_meaning("v1.charge.updated") == (None, "unknown_status")
    assert thin_meaning("v1.account.updated") == (None, "no_counterpart")
    assert thin_meaning("v1.brand.new") == (None, "unknown_type")
    assert thin_meaning("v2.money_management.payout_intent.updated") == (None, "unknown_status")


def test_failure_codes_are_words_of_ours() -> None:
    for theirs, (ours, category, _) in failures.CODES.items():
        assert ours.replace("_", "").isalpha(), theirs
        assert ours.islower(), theirs
        assert category != 0
    assert failures.failure_of(None) is None
    unknown = failures.failure_of("brand_new", "Why?")
    assert unknown is not None
    assert (unknown.code, unknown.category, unknown.provider_code) == ("", 0, "brand_new")


@pytest.mark.parametrize(("version", "released", "total"), [("2026-10-28.endive", 0, 500), ("2024-06-20", 500, 500)])
def test_a_refund_of_as_much_as_was_released_is_a_refund(
    normalized: Callable[[Any], list[Event]], version: str, released: int, total: int
) -> None:
    """Captured 500 of 1000, then refunded in full. Since 2025-03-31 what was released does not count as refunded."""
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 1000,
        "amount_captured": 500,
        "amount_refunded": 500 + released,
        "captured": True,
        "currency": "usd",
        "payment_intent": "pi_1",
        "status": "succeeded",
    }
    data = {"object": charge, "previous_attributes": {"amount_refunded": released}}
    frame = {"id": "evt_1", "object": "event", "api_version": version, "type": "charge.refunded", "data": data}
    (event,) = normalized(frame)
    assert event.type == "refund.succeeded"
    assert (event.refund.amount.minor_units, event.refund.refunded.minor_units) == (500, total)


def _charge_event(provider_type: str, before: dict[str, int] | None = None, **fields: Any) -> dict[str, Any]:
    charge = {"id": "ch_1", "object": "charge", "amount": 1000, "currency": "usd", "status": "succeeded"} | fields
    data = {"object": charge} | ({"previous_attributes": before} if before is not None else {})
    return {"id": "evt_1", "object": "event", "api_version": "2026-10-28.endive", "type": provider_type, "data": data}


@pytest.mark.parametrize(
    ("intent", "ours", "final"),
    [(None, "payment.captured", True), ("pi_1", "payment.partially_captured", False)],
)
def test_a_charge_without_a_payment_intent_is_captured_once_however_little(
    normalized: Callable[[Any], list[Event]], intent: str | None, ours: str, final: bool
) -> None:
    """A charge can be captured several times through its PaymentIntent only, which says itself when it was the last."""
    (event,) = normalized(
        _charge_event("charge.captured", amount_captured=600, amount_refunded=0, captured=True, payment_intent=intent)
    )
    assert (event.type, event.payment.final_capture) == (ours, final)
    assert (event.payment.amount.minor_units, event.payment.captured.minor_units) == (600, 600)


def test_a_refund_of_what_was_captured_while_more_is_still_held_is_no_release(
    normalized: Callable[[Any], list[Event]],
) -> None:
    """300 of 1000 captured, the rest still held: Stripe calls the charge uncaptured until the last capture."""
    (event,) = normalized(
        _charge_event(
            "charge.refunded", {"amount_refunded": 0}, amount_captured=300, amount_refunded=100, captured=False
        )
    )
    assert event.type == "refund.succeeded"
    assert (event.refund.amount.minor_units, event.refund.refunded.minor_units) == (100, 100)


@pytest.mark.parametrize(
    ("capture_before", "ours"), [(1_773_480_413, "payment.expired"), (1_773_480_414, "payment.voided")]
)
def test_a_release_when_the_time_to_capture_is_over_is_an_expiry(
    normalized: Callable[[Any], list[Event]], capture_before: int, ours: str
) -> None:
    """Since 2022-11-15 the charge does not list its refund, whose reason would tell."""
    details = {"type": "card", "card": {"capture_before": capture_before}}
    body = _charge_event(
        "charge.refunded",
        {"amount_refunded": 0},
        amount_captured=0,
        amount_refunded=1000,
        captured=False,
        payment_method_details=details,
    )
    (event,) = normalized(body | {"created": 1_773_480_413})
    assert (event.type, event.payment.amount.minor_units) == (ours, 1000)


@pytest.mark.parametrize(
    "sample_id", ["evt_00000000000000", "payout.failed_00000000000000", "evt_000000000000000000000000"]
)
def test_test_webhooks_of_the_dashboard_are_events_of_their_own_though_all_have_one_id(
    normalized: Callable[[Any], list[Event]], sample_id: str
) -> None:
    (succeeded,) = normalized(_charge_event("charge.succeeded", captured=True) | {"id": sample_id})
    (refunded,) = normalized(_charge_event("charge.refunded", captured=True, amount_refunded=1000) | {"id": sample_id})
    (again,) = normalized(_charge_event("charge.succeeded", captured=True) | {"id": sample_id})
    assert {one.provider_event_id for one in (succeeded, refunded, again)} == {sample_id}
    assert succeeded.id != refunded.id
    assert succeeded.id == again.id


def test_an_event_with_an_id_of_its_own_is_the_same_event_whatever_else_changes(
    normalized: Callable[[Any], list[Event]],
) -> None:
    """Stripe counts down `pending_webhooks` between deliveries of one event."""
    first, second = (
        normalized(_charge_event("charge.succeeded", captured=True) | {"pending_webhooks": left})[0] for left in (2, 1)
    )
    assert first.id == second.id
