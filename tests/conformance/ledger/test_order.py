"""One final state whatever the order of arrival, duplicates included; names that meet late; contradictions."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ledger_events import STORIES, Story, make, money, status_name

from orchestrator.ledger.base import Ledger, Recording
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest


async def tell(ledger: Ledger, *events: Event) -> list[Event]:
    return [(await ledger.record(Recording([event]))).events[0] for event in events]


def bare(payment: Payment | None, key: str) -> str:
    """What must not depend on the order; the texts that make permutations differ, taken out."""
    assert payment is not None
    comparable = Payment()
    comparable.CopyFrom(payment)
    for field in ("id", "sequence"):
        comparable.ClearField(field)  # type: ignore[arg-type]
    return str(comparable).replace(key, "#")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_every_permutation_with_duplicates_ends_in_one_state(
    ledger: Ledger, story: Story, fresh_key: Callable[[], str]
) -> None:
    dice = random.Random(story.name)
    count = len(story.facts("x"))
    keys = []

    async def live(order: Sequence[int]) -> None:
        key = f"{fresh_key()}_"
        facts = story.facts(key)
        keys.append((key, facts[0].connector))
        told = [*order, *dice.sample(order, 2)]
        at = dice.randrange(count)
        told.insert(at + 1, told[at])
        for place in told:
            await ledger.record(Recording([Event.FromString(facts[place].SerializeToString())]))

    orders = list(itertools.permutations(range(count)))
    for begin in range(0, len(orders), 60):
        await asyncio.gather(*(live(order) for order in orders[begin : begin + 60]))
    states, sequences = set(), set()
    for key, connector in keys:
        payment = await ledger.find_payment("default", connector, f"pi_{key}")
        states.add(bare(payment, key))
        assert payment is not None
        sequences.add(payment.sequence)
        assert status_name(payment.status) == story.status
        assert tuple(payment.anomalies) == story.anomalies
        assert (payment.captured.minor_units or None) == story.captured
        assert payment.refunded.minor_units == (story.refunded or 0)
    assert len(keys) == len(orders)
    assert len(states) == 1
    if not story.meets_late:
        assert sequences == {count + len(story.anomalies)}


async def test_a_child_before_its_parent_makes_a_shadow_that_the_parent_fills(ledger: Ledger) -> None:
    (refund,) = await tell(
        ledger, make("refund.succeeded", "r", at=5, refs=("ch_1",), amount=money(10), connector_refund_id="re_1")
    )
    shadow = await ledger.get_payment("default", refund.payment_id)
    assert shadow is not None
    assert shadow.shadow
    (captured,) = await tell(ledger, make("payment.captured", "c", refs=("pi_1", "ch_1"), amount=money(50)))
    assert captured.payment_id == refund.payment_id
    payment = await ledger.get_payment("default", refund.payment_id)
    assert payment is not None
    assert not payment.shadow
    assert (payment.captured, payment.refunded) == (money(50), money(10))


async def test_payments_that_turn_out_to_be_one_are_one_under_both_ids(ledger: Ledger) -> None:
    by_order, by_capture = await tell(
        ledger,
        make("payment.created", "1", refs=("order_1",), amount=money(100)),
        make("payment.captured", "2", at=1, refs=("capture_1",), amount=money(100), operation_id="capture_1"),
    )
    (refund,) = await tell(
        ledger, make("refund.succeeded", "3", at=2, refs=("capture_1",), amount=money(40), connector_refund_id="r1")
    )
    assert by_order.payment_id != by_capture.payment_id == refund.payment_id
    (both,) = await tell(ledger, make("payment.pending", "4", at=0.5, refs=("capture_1", "order_1")))
    assert both.payment_id == by_order.payment_id, "the one recorded first survives"
    assert both.sequence == 3, "sequences go on above both"
    payments = [
        await ledger.get_payment("default", by_order.payment_id),
        await ledger.get_payment("default", by_capture.payment_id),
        await ledger.find_payment("default", "stripe", "capture_1"),
        await ledger.find_payment("default", "stripe", "order_1"),
    ]
    assert all(payment == payments[0] for payment in payments)
    assert payments[0] is not None
    assert (payments[0].captured, payments[0].refunded) == (money(100), money(40))
    found = await ledger.get_refund("default", refund.refund.refund_id)
    assert found is not None
    assert found.payment_id == by_order.payment_id
    for payment_id in (by_order.payment_id, by_capture.payment_id):
        events, _ = await ledger.list_events(EventFilter(payment_id=payment_id), page_size=10, page_token="")
        assert len(events) == 4
        refunds, _ = await ledger.list_refunds(RefundServiceListRequest(payment_id=payment_id, page_size=10))
        assert len(refunds) == 1


async def test_three_payments_become_one_within_one_batch(ledger: Ledger) -> None:
    batch = [
        make("payment.created", "1", refs=("a_1",), amount=money(1)),
        make("dispute.opened", "2", at=1, refs=("b_1",), connector_dispute_id="d", amount=money(1)),
        make("refund.created", "3", at=1, refs=("c_1",), connector_refund_id="r", amount=money(1)),
        make("payment.captured", "4", at=2, refs=("c_1", "b_1", "a_1"), amount=money(1), operation_id="x"),
        make("dispute.won", "5", at=3, refs=("b_1",), connector_dispute_id="d"),
    ]
    await ledger.record(Recording(batch))
    assert batch[4].payment_id == batch[3].payment_id == batch[0].payment_id
    dispute = await ledger.get_dispute("default", batch[1].dispute.dispute_id)
    assert dispute is not None
    assert (dispute.payment_id, dispute.status) == (batch[0].payment_id, 6)
    old = await ledger.get_payment("default", batch[2].payment_id)
    assert old is not None
    assert (old.id, len(old.references)) == (batch[0].payment_id, 3)


async def test_three_recorded_payments_become_one_by_one_event_that_names_them_in_any_order(ledger: Ledger) -> None:
    for order in itertools.permutations("abc"):
        names = [f"{name}_{''.join(order)}" for name in order]
        for name in sorted(names):
            await tell(ledger, make("payment.pending", f"first {name}", refs=(name,)))
        (last,) = await tell(ledger, make("payment.pending", f"all {names}", at=1, refs=tuple(names)))
        events, _ = await ledger.list_events(EventFilter(payment_id=last.payment_id), page_size=10, page_token="")
        assert len(events) == 4, names


async def test_a_refund_and_a_dispute_show_the_reference_of_their_payment_however_late_it_comes(ledger: Ledger) -> None:
    refund, dispute = await tell(
        ledger,
        make("refund.created", "r", at=5, amount=money(10), connector_refund_id="re_1"),
        make("dispute.opened", "d", at=5, amount=money(10), connector_dispute_id="dp_1"),
    )

    async def shown() -> set[str]:
        found = await ledger.get_refund("default", refund.refund.refund_id)
        claim = await ledger.get_dispute("default", dispute.dispute.dispute_id)
        assert found is not None
        assert claim is not None
        return {found.merchant_transaction_id, claim.merchant_transaction_id}

    await tell(ledger, make("payment.captured", "c", at=3, amount=money(50), reference="by its own payment"))
    assert await shown() == {"by its own payment"}
    await tell(
        ledger,
        make("payment.created", "o", at=1, refs=("order_1",), amount=money(50), reference="by one that it turned out"),
        make("payment.pending", "p", at=2, refs=("order_1", "pi_1")),
    )
    assert await shown() == {"by one that it turned out"}


async def test_a_later_fact_of_a_refund_finds_its_payment_by_the_refund_alone(ledger: Ledger) -> None:
    first, second = await tell(
        ledger,
        make("refund.created", "1", refs=("pi_1",), amount=money(10), connector_refund_id="re_1"),
        make("refund.failed", "2", at=1, refs=(), connector_refund_id="re_1"),
    )
    assert second.payment_id == first.payment_id
    assert second.refund.status_before == first.refund.status


async def test_a_payment_event_without_any_name_is_a_payment_of_its_own(ledger: Ledger) -> None:
    one, two = await tell(ledger, *(make("payment.captured", key, refs=(), amount=money(5)) for key in "ab"))
    assert one.payment_id != two.payment_id
    payment = await ledger.get_payment("default", one.payment_id)
    assert payment is not None
    assert payment.captured == money(5)


async def test_the_main_id_links_where_no_reference_does(ledger: Ledger) -> None:
    one, two = await tell(
        ledger,
        make("payment.created", "1", refs=(), transaction="pi_9"),
        make("payment.captured", "2", refs=("pi_9",), amount=money(5)),
    )
    assert one.payment_id == two.payment_id


@pytest.mark.parametrize(
    "other", [{"merchant": "m2"}, {"connector": "adyen"}, {"account": "acct_2"}, {"environment": 2}], ids=str
)
async def test_the_same_reference_elsewhere_is_another_payment(ledger: Ledger, other: dict[str, Any]) -> None:
    one, two = await tell(
        ledger, make("payment.created", "1", amount=money(1)), make("payment.captured", "2", amount=money(2), **other)
    )
    assert one.payment_id != two.payment_id
    merchant = other.get("merchant", "default")
    assert await ledger.get_payment(merchant, two.payment_id) is not None
    assert await ledger.get_payment("nobody", two.payment_id) is None


async def test_references_of_a_connector_that_does_not_always_say_the_account_span_accounts(ledger: Ledger) -> None:
    one, two = await tell(
        ledger,
        make("payment.pending", "1", refs=("ws_CO_1",), connector="mpesa"),
        make("payment.captured", "2", at=1, refs=("ws_CO_1",), connector="mpesa", account="600000", amount=money(5)),
    )
    assert one.payment_id == two.payment_id
    payment = await ledger.get_payment("default", one.payment_id)
    assert payment is not None
    assert payment.account == "600000"


async def test_a_lasting_contradiction_is_an_event_once(ledger: Ledger) -> None:
    voided, captured = make("payment.voided", "v", at=1), make("payment.captured", "c", at=2, operation_id="x")
    recorded = await ledger.record(Recording([voided, captured]))
    assert recorded.events == [voided, captured]
    await tell(ledger, make("payment.captured", "c2", at=3, operation_id="y"))
    events, _ = await ledger.list_events(EventFilter(types=["payment.anomaly"]), page_size=10, page_token="")
    assert [event.payment.anomaly for event in events] == ["CAPTURED_AFTER_VOIDED"]
    anomaly = events[0]
    assert (anomaly.payment_id, anomaly.sequence, anomaly.cause) == (captured.payment_id, 3, captured.cause)
    assert anomaly.payment.status == captured.payment.status
    claim = await ledger.outbox.claim("events", limit=10, lease_s=5)
    assert [Event.FromString(row.event).sequence for row in claim.rows] == [1, 2, 3, 4]


async def test_what_totals_say_too_early_is_shown_but_is_no_event(ledger: Ledger) -> None:
    (first, *_) = await tell(
        ledger,
        make("payment.authorized", "a", amount=money(100)),
        make("payment.captured", "c", at=2, amount=money(150), operation_id="x"),
    )
    early = await ledger.get_payment("default", first.payment_id)
    assert early is not None
    assert list(early.anomalies) == ["CAPTURE_EXCEEDS_AUTHORIZED"]
    await tell(ledger, make("payment.authorization_adjusted", "up", at=1, authorized=money(150)))
    settled = await ledger.get_payment("default", first.payment_id)
    assert settled is not None
    assert (list(settled.anomalies), settled.sequence) == ([], 3)
