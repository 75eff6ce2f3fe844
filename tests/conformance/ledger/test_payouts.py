"""Payouts: one state whatever the order of arrival, and nothing but allowed transitions told of it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ledger_events import make, money

from orchestrator.ledger.base import ChannelRule, Ledger, Recording
from orchestratorx_prism.envelopes import payment_requests
from orchestratorx_prism.v1.event_data_pb2 import PaymentRequestStatus, PayoutData, PayoutStatus
from orchestratorx_prism.v1.event_pb2 import CAUSE_API_RESPONSE, CAUSE_WEBHOOK, Event

Told = tuple[str, str]
CREATED, REFUNDED = "PaymentRequestCreated", "PaymentRequestRefunded"
ALLOWED = {
    ("submitted", "pending"),
    ("submitted", "succeeded"),
    ("submitted", "failed"),
    ("pending", "succeeded"),
    ("pending", "failed"),
}


def payout(type: str, key: str, *, of: str, at: float, minor: int | None = 1000, **more: Any) -> Event:
    amount = {} if minor is None else {"amount": money(minor, "KES")}
    return make(f"payout.{type}", key, at=at, refs=(), connector_payout_id=of, **{**amount, **more})


@dataclass(frozen=True)
class Story:
    """What happened to one payout, and where it stands in the end, in whatever order that is told."""

    name: str
    facts: Callable[[str], list[Event]]
    """Given a text that makes all ids its own."""
    status: str
    told: frozenset[str] = field(default_factory=frozenset)
    """What the request may have been told to be in the end, by order of arrival."""


def facts(*kinds: tuple[str, float], **more: Any) -> Callable[[str], list[Event]]:
    return lambda p: [payout(kind, f"{p}{kind}{at}", of=f"po_{p}", at=at, **more) for kind, at in kinds]


STORIES = (
    Story(
        "arrived",
        facts(("created", 0), ("pending", 1), ("pending", 2), ("succeeded", 3)),
        "SUCCEEDED",
        frozenset({"succeeded"}),
    ),
    Story("failed", facts(("created", 0), ("pending", 1), ("failed", 2)), "FAILED", frozenset({"failed"})),
    Story("nobody took it", facts(("pending", 1), ("pending", 2), ("expired", 30)), "EXPIRED", frozenset({"failed"})),
    Story(
        "paid, and failed days later",
        facts(("created", 0), ("pending", 1), ("succeeded", 2), ("failed", 900)),
        "REVERSED",
        frozenset({"succeeded", "failed"}),
    ),
    Story(
        "paid, and failed in the same second",
        facts(("succeeded", 2), ("failed", 2)),
        "REVERSED",
        frozenset({"succeeded", "failed"}),
    ),
    Story(
        "declined, then a late success",
        facts(("pending", 0), ("failed", 1), ("succeeded", 2)),
        "SUCCEEDED",
        frozenset({"succeeded", "failed"}),
    ),
    Story(
        "given back in two parts, the whole of it said once more",
        lambda p: [
            payout("created", f"{p}1", of=f"po_{p}", at=0),
            payout("succeeded", f"{p}2", of=f"po_{p}", at=1),
            payout("reversed", f"{p}3", of=f"po_{p}", at=2, minor=400),
            payout("reversed", f"{p}4", of=f"po_{p}", at=3, minor=600),
            payout("reversed", f"{p}5", of=f"po_{p}", at=3),
        ],
        "REVERSED",
        frozenset({"succeeded"}),
    ),
    Story(
        "refused at once, and announced by a webhook too",
        lambda p: [
            payout("failed", f"{p}1", of=f"po_{p}", at=0, cause=CAUSE_API_RESPONSE),
            payout("failed", f"{p}2", of=f"po_{p}", at=1),
        ],
        "FAILED",
        frozenset({"submission_failed", "failed"}),
    ),
)


def told(event: Event) -> list[Told]:
    return [(message.EVENT_TYPE, message.status) for message in payment_requests.messages_of(event)]


def check_told(messages: Sequence[Told]) -> None:
    """Created once and first; then allowed transitions only; refunds change nothing."""
    (first, status), *rest = messages
    assert first == CREATED
    assert status in {"submitted", "submission_failed"}
    for kind, after in rest:
        assert kind != CREATED
        if kind == REFUNDED:
            assert after == status
        else:
            assert (status, after) in ALLOWED, messages
        status = after


def lasting(view: PayoutData | None, key: str) -> str:
    """What must not depend on the order; the texts that make permutations differ, taken out."""
    assert view is not None
    comparable = PayoutData()
    comparable.CopyFrom(view)
    comparable.ClearField("payout_id")
    comparable.ClearField("request_status")
    return str(comparable).replace(key, "#")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_every_permutation_with_duplicates_ends_in_one_state_by_allowed_transitions(
    ledger: Ledger, story: Story, fresh_key: Callable[[], str]
) -> None:
    dice = random.Random(story.name)
    orders = list(itertools.permutations(range(len(story.facts("x")))))
    views: list[tuple[str, PayoutData | None]] = []
    ends: set[str] = set()

    async def live(order: Sequence[int]) -> None:
        key = f"{fresh_key()}_"
        made = story.facts(key)
        messages: list[Told] = []
        recorded: Event | None = None
        known: set[int] = set()
        for place in [*order, dice.choice(order), order[0]]:
            outcome = await ledger.record(Recording([Event.FromString(made[place].SerializeToString())]))
            recorded = outcome.events[0]
            assert bool(outcome.duplicate_ids) is (place in known)
            if place not in known:
                messages += told(recorded)
            known.add(place)
        assert recorded is not None
        check_told(messages)
        refunds = sum(kind == REFUNDED for kind, _ in messages)
        assert refunds <= 2
        ends.add(messages[-1][1])
        view = await ledger.get_payout("default", recorded.payout.payout_id)
        assert view is not None
        assert payment_requests.STATUSES[view.request_status] == messages[-1][1]
        views.append((key, view))

    for begin in range(0, len(orders), 60):
        await asyncio.gather(*(live(order) for order in orders[begin : begin + 60]))
    assert len({lasting(view, key) for key, view in views}) == 1
    view = views[0][1]
    assert view is not None
    assert PayoutStatus.Name(view.status) == f"PAYOUT_STATUS_{story.status}"
    assert ends == story.told


async def record(ledger: Ledger, *events: Event) -> list[Event]:
    return [(await ledger.record(Recording([event]))).events[0] for event in events]


async def test_an_event_of_a_payout_says_what_was_and_what_is_and_what_is_told(ledger: Ledger) -> None:
    first, second, late = await record(
        ledger,
        payout("pending", "1", of="po_1", at=1),
        payout("succeeded", "2", of="po_1", at=2),
        payout("created", "3", of="po_1", at=0),
    )
    assert first.payout.payout_id == second.payout.payout_id != ""
    assert first.partition_key == "po_1"
    seen = [(e.payout.status_before, e.payout.status) for e in (first, second, late)]
    pending, succeeded = PayoutStatus.PAYOUT_STATUS_PENDING, PayoutStatus.PAYOUT_STATUS_SUCCEEDED
    assert seen == [(0, pending), (pending, succeeded), (succeeded, succeeded)]
    assert [told(event) for event in (first, second, late)] == [
        [(CREATED, "submitted"), ("PaymentRequestUpdated", "pending")],
        [("PaymentRequestUpdated", "succeeded")],
        [],
    ]


async def test_the_current_state_gathers_what_all_facts_say(ledger: Ledger) -> None:
    (first, *_) = await record(
        ledger,
        payout("pending", "1", of="po_1", at=1, merchant_payout_id="salary-1", provider_status="in_transit"),
        payout(
            "failed", "2", of="po_1", at=2, minor=None, failure={"code": "account_closed"}, provider_status="failed"
        ),
    )
    view = await ledger.get_payout("default", first.payout.payout_id)
    assert view is not None
    assert (view.merchant_payout_id, view.amount, view.failure.code) == (
        "salary-1",
        money(1000, "KES"),
        "account_closed",
    )
    assert view.provider_status == "failed"
    assert view.request_status == PaymentRequestStatus.PAYMENT_REQUEST_STATUS_FAILED


async def test_a_payout_is_shown_to_its_own_merchant_by_its_own_id(ledger: Ledger) -> None:
    (event,) = await record(ledger, payout("created", "1", of="po_1", at=0, merchant="shop"))
    payout_id = event.payout.payout_id
    assert await ledger.get_payout("shop", payout_id) is not None
    for merchant, name in (("default", payout_id), ("shop", "pyo_"), ("shop", ""), ("shop", payout_id[:-1] + "z")):
        assert await ledger.get_payout(merchant, name) is None


@pytest.mark.parametrize(
    "other", [{"merchant": "m2"}, {"connector": "adyen"}, {"account": "acct_2"}, {"environment": 2}], ids=str
)
async def test_the_same_id_elsewhere_is_another_payout(ledger: Ledger, other: dict[str, Any]) -> None:
    one, two = await record(
        ledger, payout("created", "1", of="po_1", at=0), payout("pending", "2", of="po_1", at=1, **other)
    )
    assert one.payout.payout_id != two.payout.payout_id
    assert told(two)[0] == (CREATED, "submitted")


async def test_ids_of_a_connector_that_does_not_always_say_the_account_span_accounts(ledger: Ledger) -> None:
    one, two = await record(
        ledger,
        payout("pending", "1", of="AG_1", at=0, connector="mpesa"),
        payout("succeeded", "2", of="AG_1", at=1, connector="mpesa", account="600000"),
    )
    assert one.payout.payout_id == two.payout.payout_id


async def test_a_batch_as_a_whole_and_a_payout_without_an_id_are_no_payment_requests(ledger: Ledger) -> None:
    batch, nameless = await record(
        ledger,
        payout("succeeded", "1", of="B1", at=0, connector_batch_id="B1"),
        payout("succeeded", "2", of="", at=0),
    )
    assert told(batch) == told(nameless) == []
    assert batch.payout.payout_id
    assert not nameless.payout.payout_id
    (item,) = await record(ledger, payout("succeeded", "3", of="I1", at=0, connector_batch_id="B1"))
    assert told(item)[-1] == ("PaymentRequestUpdated", "succeeded")


async def test_money_that_comes_back_after_a_failure_was_told_is_not_told_twice(ledger: Ledger) -> None:
    *_, back = await record(ledger, payout("failed", "1", of="po_1", at=0), payout("reversed", "2", of="po_1", at=1))
    assert told(back) == []
    assert back.payout.status == PayoutStatus.PAYOUT_STATUS_REVERSED


async def test_a_return_of_which_no_amount_is_known_is_told_once(ledger: Ledger) -> None:
    events = await record(
        ledger,
        payout("succeeded", "1", of="po_1", at=0, minor=None),
        payout("reversed", "2", of="po_1", at=1, minor=None),
        payout("reversed", "3", of="po_1", at=2, minor=None),
    )
    assert [told(event)[-1:] for event in events[1:]] == [[(REFUNDED, "succeeded")], []]


async def test_a_payout_named_with_a_payments_reference_is_told_too(ledger: Ledger) -> None:
    (event,) = await record(
        ledger, make("payout.succeeded", "1", refs=("pi_1",), connector_payout_id="po_1", amount=money(5))
    )
    assert event.payment_id
    assert told(event)[-1] == ("PaymentRequestUpdated", "succeeded")


async def test_facts_of_one_batch_and_of_many_callers_are_told_like_single_ones(ledger: Ledger) -> None:
    batch = [payout(kind, f"b{at}", of="po_b", at=at) for at, kind in enumerate(("created", "pending", "succeeded"))]
    recorded = await ledger.record(Recording(batch))
    check_told([message for event in recorded.events for message in told(event)])
    callers = [payout("pending", f"c{number}", of="po_c", at=number) for number in range(40)]
    outcomes = await asyncio.gather(*(ledger.record(Recording([event])) for event in callers))
    messages = [message for outcome in outcomes for event in outcome.events for message in told(event)]
    assert sorted(messages) == [(CREATED, "submitted"), ("PaymentRequestUpdated", "pending")]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_what_was_told_outlives_the_process_and_holds_for_every_replica(opened: Any) -> None:
    rule = ChannelRule("payment_requests", payment_requests.holds)
    one, two = await opened(channels=[rule]), await opened(channels=[rule])
    facts_ = [payout("pending", f"{n}", of=f"po_{n % 7}", at=n, cause=CAUSE_WEBHOOK) for n in range(70)]
    outcomes = await asyncio.gather(*((one, two)[n % 2].record(Recording([fact])) for n, fact in enumerate(facts_)))
    messages = [message for outcome in outcomes for event in outcome.events for message in told(event)]
    assert sorted(messages) == sorted([(CREATED, "submitted"), ("PaymentRequestUpdated", "pending")] * 7)
    claim = await one.outbox.claim("payment_requests", limit=100, lease_s=30)
    assert len(claim.rows) == 7
    assert sorted(m for row in claim.rows for m in told(Event.FromString(row.event))) == sorted(messages)
    await one.close()
    three = await opened(channels=[rule])
    (late,) = await record(three, payout("created", "late", of="po_1", at=0))
    assert told(late) == []


async def test_a_replay_tells_the_same_again(opened: Any) -> None:
    ledger = await opened(channels=[ChannelRule("payment_requests", payment_requests.holds)])
    await record(ledger, *facts(("created", 0), ("succeeded", 1), ("pending", 2), ("reversed", 3))("x"))

    async def all_told() -> list[Told]:
        claim = await ledger.outbox.claim("payment_requests", limit=100, lease_s=30)
        await ledger.outbox.complete(claim, [row.row_id for row in claim.rows])
        return [message for row in claim.rows for message in told(Event.FromString(row.event))]

    first = await all_told()
    assert first == [(CREATED, "submitted"), ("PaymentRequestUpdated", "succeeded"), (REFUNDED, "succeeded")]
    from orchestratorx_prism.v1.event_service_pb2 import EventFilter

    await ledger.replay(EventFilter(), [], channel="")
    assert await all_told() == first
