"""The projection: one state for every order, grouping and repetition of the same facts; and what that state says."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_events import NOON_S, STORIES, Story, make, money, status_name

from orchestrator.ledger.lifecycle import PAYMENT_TRANSITIONS
from orchestrator.ledger.projection import AXES, LASTING, Identity, PaymentState, apply, join, payment_of, standing
from orchestrator.ledger.projection.views import dispute_of, refund_of
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.dispute_pb2 import DISPUTE_STATUS_LOST, DISPUTE_STATUS_OPENED, DISPUTE_STATUS_WON
from orchestratorx_prism.v1.event_pb2 import CAUSE_POLL, Event
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.refund_pb2 import REFUND_STATUS_REVERSED, REFUND_STATUS_SUCCEEDED

IDENTITY = Identity("pay_1", "default", "stripe", 1)
encode = msgspec.msgpack.Encoder(order="deterministic").encode
decode = msgspec.msgpack.Decoder(PaymentState).decode


def fold(*facts: Event) -> PaymentState:
    state = PaymentState()
    for fact in facts:
        apply(state, fact)
    return state


def view(*facts: Event) -> Payment:
    return payment_of(fold(*facts), IDENTITY, len(facts))


def pay(type: str, key: str = "", **data: Any) -> Event:
    return make(f"payment.{type}", key or f"{type}{sorted(data.items(), key=str)}", **data)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_ends_the_same_in_every_order(story: Story) -> None:
    facts = story.facts("x")
    expected = fold(*facts)
    for order in itertools.permutations(facts):
        assert fold(*order) == expected
    payment = payment_of(expected, IDENTITY, 0)
    assert status_name(payment.status) == story.status
    for name in ("authorized", "captured", "refunded"):
        wanted = getattr(story, name)
        assert payment.HasField(name) is (wanted is not None), name  # type: ignore[arg-type]
        assert wanted is None or getattr(payment, name).minor_units == wanted, name
    assert tuple(payment.anomalies) == story.anomalies
    assert payment.disputed is story.disputed


TYPES = sorted(AXES)
OPERATIONS = ("", "op1", "op2")
CURRENCIES = ("USD", "JPY")


@st.composite
def facts(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(TYPES))
    data: dict[str, Any] = {}
    for name in {"payment": ("amount", "authorized", "captured", "refunded"), "refund": ("amount", "refunded")}.get(
        DATA_MEMBER[kind], ("amount",)
    ):
        if draw(st.booleans()):
            data[name] = money(draw(st.integers(0, 2**63 - 1) | st.integers(0, 30)), draw(st.sampled_from(CURRENCIES)))
    match DATA_MEMBER[kind]:
        case "payment":
            data["operation_id"] = draw(st.sampled_from(OPERATIONS))
            data["final_capture"] = draw(st.booleans())
            data["status"] = draw(st.integers(0, 10))
            if draw(st.booleans()):
                data["failure"] = {"code": draw(st.sampled_from(("declined", "expired_card")))}
                data["payment_method"] = {"type": "card", "last4": draw(st.sampled_from(("", "4242", "0005")))}
        case "refund":
            data["connector_refund_id"] = draw(st.sampled_from(OPERATIONS))
            data["refund_reason"] = draw(st.sampled_from(("", "duplicate", "fraudulent")))
        case "dispute":
            data["connector_dispute_id"] = draw(st.sampled_from(OPERATIONS))
    return make(
        kind,
        draw(st.uuids()).hex,
        at=draw(st.integers(0, 4)) / 2,
        refs=tuple(draw(st.lists(st.sampled_from(("pi_1", "ch_1", "or_1")), max_size=2, unique=True))),
        reference=draw(st.sampled_from(("", "order-1", "order-2"))),
        transaction=draw(st.sampled_from(("", "pi_1", "ch_1"))),
        cause=draw(st.sampled_from((1, CAUSE_POLL))),
        account=draw(st.sampled_from(("", "acct_1"))),
        **data,
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(facts(), max_size=7), st.randoms(use_true_random=False))
def test_any_order_any_grouping_and_any_repetition_give_one_state(told: list[Event], dice: random.Random) -> None:
    expected = fold(*told)
    again = [*told, *dice.sample(told, dice.randint(0, len(told)))]
    dice.shuffle(again)
    assert fold(*again) == expected
    cut = dice.randint(0, len(again))
    left, right = fold(*again[:cut]), fold(*again[cut:])
    assert join(decode(encode(left)), decode(encode(right))) == expected
    assert join(right, left) == expected
    assert encode(decode(encode(expected))) == encode(expected)
    payment_of(expected, IDENTITY, 1).SerializeToString()


@settings(max_examples=200, deadline=None)
@given(st.lists(facts(), min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_the_set_of_contradictions_does_not_depend_on_the_order(told: list[Event], dice: random.Random) -> None:
    shuffled = dice.sample(told, len(told))
    assert standing(fold(*shuffled)).anomalies == standing(fold(*told)).anomalies


FIRST_FACTS: dict[str, list[Event]] = {
    "": [],
    "created": [pay("created")],
    "action_required": [pay("created"), pay("action_required", at=1)],
    "pending": [pay("created"), pay("pending", at=1)],
    "failed": [pay("created"), pay("failed", at=1)],
    "unknown": [pay("pending"), pay("unknown", at=1)],
    "authorized": [pay("authorized", amount=money(100))],
    "partially_captured": [
        pay("authorized", amount=money(100)),
        pay("partially_captured", at=1, amount=money(40), operation_id="one"),
    ],
    "captured": [pay("captured", at=1, amount=money(100), operation_id="late", authorized=money(100))],
}
"""Status → facts that lead to it."""


@pytest.mark.parametrize(("before", "after", "type"), PAYMENT_TRANSITIONS)
def test_each_usual_transition_lands_where_the_table_says(before: str, after: str, type: str) -> None:
    first = FIRST_FACTS[before]
    assert status_name(view(*first).status) == (before or "unspecified")
    amount = money(40 if type == "payment.partially_captured" else 60 if before == "partially_captured" else 100)
    event = make(type, "next", at=9, amount=amount, operation_id="late" if "captur" in type else "")
    assert status_name(view(*first, event).status) == after
    assert status_name(view(event, *first).status) == after


def test_every_status_of_the_table_is_reached_by_facts() -> None:
    assert {before for before, _, _ in PAYMENT_TRANSITIONS} == set(FIRST_FACTS)


def test_two_events_about_one_capture_count_once() -> None:
    payment = view(
        pay("captured", "1", amount=money(500), operation_id="ch_1"),
        pay("captured", "2", at=1, amount=money(500), operation_id="ch_1"),
        pay("captured", "3", at=2, amount=money(250), operation_id="ch_2"),
    )
    assert payment.captured == money(750)


def test_a_capture_without_a_name_tells_of_the_whole() -> None:
    named = pay("captured", "1", amount=money(500), operation_id="c1")
    whole = pay("captured", "2", at=1, amount=money(500))
    assert view(named, whole).captured == money(500)
    failed = pay("capture_failed", "3", at=2, amount=money(500), operation_id="c1")
    assert status_name(view(named, whole, failed).status) == "authorized"


def test_a_stated_total_counts_where_captures_were_missed() -> None:
    payment = view(pay("captured", "2", at=1, amount=money(300), captured=money(900), operation_id="c2"))
    assert payment.captured == money(900)


def test_a_captured_payment_without_amounts_is_captured() -> None:
    assert status_name(view(pay("authorized", amount=money(10)), pay("captured", at=1)).status) == "captured"
    assert status_name(view(pay("captured", amount=money(0), operation_id="free")).status) == "captured"


def test_the_last_capture_closes_the_payment_however_little_it_took() -> None:
    payment = view(
        pay("authorized", amount=money(1000)),
        pay("captured", at=1, amount=money(600), operation_id="c", final_capture=True),
    )
    assert status_name(payment.status) == "captured"
    assert payment.captured == money(600)


def test_a_refund_told_of_by_three_event_families_counts_once() -> None:
    payment = view(
        pay("captured", amount=money(1000), operation_id="c"),
        make("refund.succeeded", "charge.refunded", at=1, refunded=money(300)),
        make("refund.created", "refund.created", at=1, amount=money(300), connector_refund_id="re_1"),
        make("refund.succeeded", "refund.updated", at=2, amount=money(300), connector_refund_id="re_1"),
    )
    assert payment.refunded == money(300)


def test_a_refund_without_id_and_total_counts_by_its_own_amount() -> None:
    state = fold(
        pay("captured", amount=money(1000), operation_id="c"),
        make("refund.succeeded", "a", at=1, amount=money(300)),
        make("refund.succeeded", "b", at=2, amount=money(100)),
        make("refund.pending", "c", at=3, amount=money(50)),
    )
    assert standing(state).refunded == 400
    assert state.refunds == {}


def test_a_refund_that_is_told_of_without_its_id_counts_beside_one_that_failed() -> None:
    """The total that the provider states falls with the refund that failed, and so cannot tell the two apart."""
    facts = (
        pay("captured", amount=money(1000), operation_id="c"),
        make("refund.succeeded", "charge.refunded 1", at=1, amount=money(300), refunded=money(300)),
        make("refund.failed", "refund.failed", at=2, amount=money(300), connector_refund_id="re_1"),
        make("refund.succeeded", "charge.refunded 2", at=3, amount=money(400), refunded=money(400)),
    )
    for order in itertools.permutations(facts):
        assert view(*order).refunded == money(400)
    named = make("refund.succeeded", "refund.updated", at=4, amount=money(400), connector_refund_id="re_2")
    assert view(*facts, named).refunded == money(400)


def test_a_reversed_refund_gives_the_money_back() -> None:
    state = fold(
        pay("captured", amount=money(1000), operation_id="c"),
        make("refund.reversed", "3", at=3, amount=money(300), connector_refund_id="r"),
        make("refund.succeeded", "1", at=1, amount=money(300), refunded=money(300), connector_refund_id="r"),
        make("refund.failed", "2", at=2, amount=money(300), connector_refund_id="r"),
    )
    assert standing(state).refunded == 0
    assert refund_of(state, "r", "ref_1", IDENTITY).status == REFUND_STATUS_REVERSED


def test_a_failed_refund_does_not_hide_one_that_succeeded() -> None:
    state = fold(
        make("refund.failed", "1", amount=money(500), connector_refund_id="a", failure={"code": "expired"}),
        make("refund.succeeded", "2", at=1, amount=money(300), connector_refund_id="b", refunded=money(300)),
    )
    assert standing(state).refunded == 300
    assert refund_of(state, "b", "ref", IDENTITY).status == REFUND_STATUS_SUCCEEDED
    assert refund_of(state, "a", "ref", IDENTITY).failure.code == "expired"


def test_of_two_dispute_facts_the_later_stands_and_of_one_time_the_more_final() -> None:
    opened = make("dispute.opened", "1", at=5, amount=money(10), connector_dispute_id="d", dispute_reason="fraud")
    won = make("dispute.won", "2", at=5, connector_dispute_id="d")
    lost = make("dispute.lost", "3", at=9, connector_dispute_id="d")
    assert view(opened).disputed
    assert dispute_of(fold(won, opened), "d", "dis", IDENTITY).status == DISPUTE_STATUS_WON
    dispute = dispute_of(fold(lost, opened, won), "d", "dis", IDENTITY)
    assert (dispute.status, dispute.dispute_reason) == (DISPUTE_STATUS_LOST, "fraud")
    assert not view(lost, opened, won).disputed


def test_an_inquiry_never_takes_back_what_a_dispute_has_become() -> None:
    """A fraud report or the issuer's comments on a chargeback come late, and are told as an inquiry."""
    asked = make("dispute.inquiry", "1", at=1, amount=money(10), connector_dispute_id="d")
    opened = make("dispute.opened", "2", at=5, connector_dispute_id="d")
    late = make("dispute.inquiry", "3", at=9, connector_dispute_id="d", dispute_reason="fraud")
    expected = fold(asked, opened, late)
    for facts in itertools.permutations((asked, opened, late)):
        assert fold(*facts) == expected
        assert join(fold(*facts[:2]), fold(facts[2])) == expected
        assert join(fold(facts[0]), fold(*facts[1:])) == expected
    dispute = dispute_of(expected, "d", "dis", IDENTITY)
    assert (dispute.status, dispute.dispute_reason) == (DISPUTE_STATUS_OPENED, "fraud")
    assert dispute_of(fold(late, asked), "d", "dis", IDENTITY).updated_at == late.occurred_at


def test_a_dispute_in_another_currency_is_no_contradiction() -> None:
    assert not view(
        pay("captured", amount=money(10), operation_id="c"),
        make("dispute.opened", "d", at=1, amount=money(1500, "JPY"), connector_dispute_id="d"),
    ).anomalies


def test_a_second_currency_is_told_and_totals_stay_in_the_first() -> None:
    payment = view(
        pay("captured", at=1, amount=money(1000, "JPY"), operation_id="b"),
        pay("captured", at=0, amount=money(500), operation_id="a"),
    )
    assert payment.captured == money(500)
    assert list(payment.anomalies) == ["CURRENCY_MISMATCH"]


@pytest.mark.parametrize(
    ("anomaly", "told"),
    [
        ("CAPTURED_AFTER_VOIDED", [pay("voided", at=1), pay("captured", at=2, operation_id="c")]),
        ("CAPTURED_AFTER_EXPIRED", [pay("expired", at=1), pay("captured", at=2, operation_id="c")]),
        ("AUTHORIZED_AFTER_VOIDED", [pay("voided", at=1), pay("authorized", at=2)]),
        (
            "VOIDED_AFTER_CAPTURED",
            [pay("captured", at=1, operation_id="c", amount=money(5)), pay("voided", at=2, operation_id="v")],
        ),
        (
            "DENIED_AFTER_CAPTURED",
            [pay("captured", at=1, operation_id="c"), make("payment.failed", "poll", at=5, cause=CAUSE_POLL)],
        ),
        (
            "CAPTURE_EXCEEDS_AUTHORIZED",
            [pay("authorized", amount=money(5)), pay("captured", at=1, amount=money(6), operation_id="c")],
        ),
        (
            "REFUND_EXCEEDS_CAPTURED",
            [
                pay("captured", amount=money(5), operation_id="c"),
                make("refund.succeeded", "r", amount=money(6), connector_refund_id="r"),
            ],
        ),
    ],
)
def test_a_contradiction_is_named(anomaly: str, told: list[Event]) -> None:
    assert list(view(*told).anomalies) == [anomaly]
    assert list(view(*reversed(told)).anomalies) == [anomaly]


def test_a_release_of_what_a_last_capture_left_is_no_contradiction() -> None:
    facts = (
        pay("authorized", amount=money(1000)),
        pay("captured", at=1, amount=money(400), operation_id="c", final_capture=True),
        pay("voided", at=2, operation_id="v"),
    )
    for order in itertools.permutations(facts):
        payment = view(*order)
        assert (status_name(payment.status), payment.captured, list(payment.anomalies)) == ("captured", money(400), [])


def test_what_only_comes_late_is_no_lasting_contradiction() -> None:
    captured = pay("captured", at=2, amount=money(150), operation_id="c", final_capture=True)
    too_little = [pay("authorized", amount=money(100)), captured]
    assert not LASTING & set(view(*too_little).anomalies)
    late = pay("authorization_adjusted", at=1, authorized=money(150))
    assert list(view(*too_little, late).anomalies) == []
    refund_first = make("refund.succeeded", "r", at=3, amount=money(10), connector_refund_id="r")
    assert list(view(refund_first).anomalies) == []


def test_a_released_reservation_stays_released_when_the_authorization_comes_late() -> None:
    assert status_name(view(pay("voided", at=5), pay("authorized", at=1, amount=money(10))).status) == "voided"


def test_of_one_time_an_expiry_says_more_than_the_release_that_comes_with_it() -> None:
    """Stripe tells of a reservation that ran out as expired, and of its charge as refunded, which is a release."""
    expired, voided = pay("expired", at=5), pay("voided", at=5, operation_id="v")
    assert {status_name(view(*order).status) for order in ((expired, voided), (voided, expired))} == {"expired"}
    assert status_name(view(pay("voided", at=4, operation_id="v"), expired).status) == "voided"


def test_a_release_that_failed_leaves_the_reservation() -> None:
    authorized = pay("authorized", amount=money(10))
    assert status_name(view(authorized, pay("void_failed", at=1, operation_id="v")).status) == "authorized"
    cancelled = [pay("voided", at=1, operation_id="v"), pay("void_failed", at=2, operation_id="v")]
    assert status_name(view(authorized, *cancelled).status) == "authorized"
    retried = [pay("void_failed", at=1, operation_id="v1"), pay("voided", at=2, operation_id="v2")]
    assert status_name(view(authorized, *retried).status) == "voided"


def test_a_later_word_of_the_provider_resolves_unknown() -> None:
    unknown = pay("unknown", at=10.7)
    assert status_name(view(pay("failed", at=5), unknown).status) == "unknown"
    assert status_name(view(unknown, pay("failed", at=10)).status) == "failed"
    assert status_name(view(unknown, pay("captured", at=3, operation_id="c")).status) == "captured"


def test_the_failure_is_shown_only_while_the_payment_stands_as_failed() -> None:
    failed = make("payment.failed", "f", at=1, failure={"code": "insufficient_funds"})
    assert view(failed).failure.code == "insufficient_funds"
    assert not view(failed, pay("captured", at=2, operation_id="c")).HasField("failure")


def test_the_card_of_the_attempt_that_succeeded_is_shown() -> None:
    payment = view(
        make("payment.failed", "f", at=5, payment_method={"type": "card", "last4": "0002"}),
        make("payment.captured", "c", at=1, payment_method={"type": "card", "last4": "4242"}),
    )
    assert payment.payment_method.last4 == "4242"


def test_a_delta_changes_the_reservation_and_a_later_total_overrules_it() -> None:
    told = [pay("authorized", amount=money(100)), pay("authorization_adjusted", "up", at=1, amount=money(50))]
    assert view(*told).authorized == money(150)
    total = pay("authorization_adjusted", "total", at=2, authorized=money(120))
    assert view(total, *told).authorized == money(120)


def test_totals_beyond_64_bits_are_held_at_the_greatest() -> None:
    huge = 2**63 - 1
    payment = view(
        pay("captured", "1", amount=money(huge), operation_id="a"),
        pay("captured", "2", at=1, amount=money(huge), operation_id="b"),
    )
    assert payment.captured.minor_units == huge


def test_only_children_make_a_shadow() -> None:
    child = make("refund.succeeded", "r", amount=money(10), connector_refund_id="r")
    assert view(child).shadow
    assert not view(child, pay("captured", at=-1, operation_id="c")).shadow


def test_times_names_and_references_come_from_all_facts() -> None:
    payment = view(
        pay("captured", at=5, refs=("pi_1", "ch_1"), reference="", transaction="pi_1", operation_id="c"),
        pay("created", at=1, refs=("pi_1",), reference="order-1"),
        make("refund.succeeded", "r", at=9, refs=("ch_1",), amount=money(1), connector_refund_id="r"),
    )
    assert [reference.value for reference in payment.references] == ["ch_1", "pi_1"]
    assert (payment.merchant_transaction_id, payment.connector_transaction_id) == ("order-1", "pi_1")
    assert (payment.created_at.seconds, payment.updated_at.seconds) == (NOON_S + 1, NOON_S + 9)
