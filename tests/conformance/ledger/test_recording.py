"""Recording: once, completed, in sequence, together or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ledger_events import make, money, status_name

from orchestrator.ledger.base import ChannelRule, Ledger, Recorded, Recording
from orchestratorx_prism.errors import Internal, PrismError, Unavailable
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_CAPTURED


def authorized(key: str = "a", **more: Any) -> Event:
    return make("payment.authorized", key, **{"amount": money(1000), "reference": "order-1", **more})


def captured(key: str = "c", **more: Any) -> Event:
    return make("payment.captured", key, **{"at": 1, "amount": money(1000), "operation_id": "ch_1", **more})


async def test_an_event_is_completed_in_place(ledger: Ledger) -> None:
    first, second = authorized(), captured()
    await ledger.record(Recording([first]))
    recorded = await ledger.record(Recording([second]))
    assert recorded.events == [second]
    assert recorded.duplicate_ids == []
    assert first.payment_id == second.payment_id == second.partition_key == second.payment.payment_id
    assert first.payment_id.startswith("pay_")
    assert (first.sequence, second.sequence) == (1, 2)
    assert (second.payment.status_before, second.payment.status) == (PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_CAPTURED)
    assert (second.payment.authorized, second.payment.captured) == (money(1000), money(1000))
    assert second.merchant_transaction_id == second.payment.merchant_transaction_id == "order-1"


async def test_a_duplicate_changes_nothing_and_comes_back_as_first_recorded(ledger: Ledger) -> None:
    first = (await ledger.record(Recording([authorized()]))).events[0]
    await ledger.record(Recording([captured()]))
    before = await ledger.get_payment("default", first.payment_id)
    again = await ledger.record(Recording([authorized(received=99)]))
    assert again.duplicate_ids == [first.id]
    assert again.events == [first]
    assert await ledger.get_payment("default", first.payment_id) == before
    events, _ = await ledger.list_events(EventFilter(), page_size=10, page_token="")
    assert len(events) == 2


async def test_a_duplicate_within_one_webhook_and_one_batch_is_recorded_once(ledger: Ledger) -> None:
    same = await ledger.record(Recording([authorized(), authorized()]))
    assert [event.sequence for event in same.events] == [1, 1]
    assert len(same.duplicate_ids) == 1
    batch = await ledger.record_many([Recording([captured()]), Recording([captured()]), Recording([authorized()])])
    recorded = [one for one in batch if isinstance(one, Recorded)]
    assert [len(one.duplicate_ids) for one in recorded] == [0, 1, 1]
    assert [one.events[0].sequence for one in recorded] == [2, 2, 1]


async def test_refunds_and_disputes_are_completed_too(ledger: Ledger) -> None:
    refund = make("refund.pending", "r1", at=2, amount=money(300), connector_refund_id="re_1")
    done = make("refund.succeeded", "r2", at=3, amount=money(300), connector_refund_id="re_1")
    dispute = make("dispute.opened", "d1", at=4, amount=money(1000), connector_dispute_id="dp_1")
    for event in (authorized(), captured(), refund, done, dispute):
        await ledger.record(Recording([event]))
    assert refund.refund.refund_id == done.refund.refund_id
    assert (done.refund.status_before, done.refund.status) == (2, 3)
    assert done.refund.refunded == money(300)
    assert refund.refund.refunded == money(0)
    assert done.refund.merchant_transaction_id == "order-1"
    found = await ledger.get_refund("default", done.refund.refund_id)
    assert found is not None
    assert (found.connector_refund_id, found.status, found.amount) == ("re_1", 3, money(300))
    stands = await ledger.get_dispute("default", dispute.dispute.dispute_id)
    assert stands is not None
    assert stands.payment_id == dispute.payment_id == dispute.dispute.payment_id
    payment = await ledger.get_payment("default", dispute.payment_id)
    assert payment is not None
    assert payment.disputed
    assert payment.refunded == money(300)


async def test_events_without_a_payment_keep_the_order_of_their_object(ledger: Ledger) -> None:
    customer = make("customer.created", "1", refs=(), connector_customer_id="cus_1")
    unmapped = make("connector.unmapped", "2", refs=())
    payout = make("payout.succeeded", "3", refs=(), connector_payout_id="po_1")
    for event in (customer, unmapped, payout):
        await ledger.record(Recording([event]))
    assert (customer.payment_id, customer.sequence, customer.partition_key) == ("", 0, "cus_1")
    assert unmapped.partition_key == unmapped.id
    assert payout.partition_key == "po_1"


async def test_an_event_of_another_kind_that_names_a_payment_belongs_to_it(ledger: Ledger) -> None:
    invoice = make("invoice.paid", "i", connector_invoice_id="in_1")
    payment = authorized()
    await ledger.record(Recording([invoice]))
    await ledger.record(Recording([payment]))
    assert invoice.payment_id == payment.payment_id
    assert payment.sequence == 2


async def test_sequences_have_no_gap_however_many_record_at_once(ledger: Ledger) -> None:
    events = [make("payment.pending", f"p{n}", at=n, refs=("pi_1",)) for n in range(60)]
    await asyncio.gather(*(ledger.record(Recording([event])) for event in events))
    assert sorted(event.sequence for event in events) == list(range(1, 61))
    payment = await ledger.get_payment("default", events[0].payment_id)
    assert payment is not None
    assert payment.sequence == 60


async def test_whoever_stops_waiting_does_not_stop_the_recording(ledger: Ledger) -> None:
    event = authorized()
    task = asyncio.create_task(ledger.record(Recording([event])))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = await ledger.record(Recording([authorized()]))
    assert again.duplicate_ids == [event.id]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_one_that_cannot_be_recorded_does_not_take_the_others_with_it(opened: Any) -> None:
    def poisoned(event: Event) -> bool:
        if event.provider_event_id == "poison":
            raise ValueError("no channel can take this")
        return True

    ledger = await opened(channels=[ChannelRule("events", poisoned)])
    events = [captured(f"c{n}", refs=(f"pi_{n}",)) for n in range(20)]
    events[7].provider_event_id = "poison"
    stated = money(1000)
    events[3].payment.captured.CopyFrom(stated)
    outcomes = await asyncio.gather(*(ledger.record(Recording([e])) for e in events), return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(failed) == 1
    assert isinstance(outcomes[7], PrismError)
    assert not isinstance(outcomes[7], Unavailable)
    assert events[7].sequence == 0, "what was not recorded is as it came"
    assert [event.sequence for event in events].count(1) == 19
    assert [await ledger.record(Recording([captured("c0", refs=("pi_0",))]))][0].duplicate_ids == [events[0].id]
    again = await ledger.record_many([Recording([event]) for event in events])
    assert [len(one.duplicate_ids) if isinstance(one, Recorded) else type(one) for one in again] == [
        *[1] * 7,
        Internal,
        *[1] * 12,
    ]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_closed_ledger_says_so(opened: Any) -> None:
    ledger = await opened()
    await ledger.close()
    await ledger.close()
    with pytest.raises(Unavailable):
        await ledger.record(Recording([authorized()]))
    with pytest.raises(Unavailable):
        await ledger.get_event("default", "x")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_what_was_recorded_is_there_after_a_restart(opened: Any) -> None:
    first = await opened()
    event = authorized()
    await first.record(Recording([event]))
    await first.close()
    second = await opened()
    assert await second.get_event("default", event.id) == event
    assert (await second.record(Recording([captured()]))).events[0].sequence == 2


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_two_replicas_that_get_the_same_webhooks_record_each_once(opened: Any) -> None:
    replicas = [await opened(), await opened()]
    webhooks = [
        [authorized(f"a{n}", refs=(f"pi_{n}",)), captured(f"c{n}", refs=(f"ch_{n}", f"pi_{n}"))] for n in range(40)
    ]
    copies = []
    for number, events in enumerate(webhooks):
        for replica in replicas:
            pair = [Event.FromString(event.SerializeToString()) for event in events]
            if number % 2:
                pair.reverse()
            copies.append((replica, pair))
    outcomes = await asyncio.gather(*(replica.record(Recording(pair)) for replica, pair in copies))
    assert sum(len(outcome.duplicate_ids) for outcome in outcomes) == 80
    found, _ = await replicas[0].list_events(EventFilter(), page_size=1000, page_token="")
    assert len(found) == 80
    by_payment: dict[str, list[int]] = {}
    for event in found:
        by_payment.setdefault(event.payment_id, []).append(event.sequence)
    assert len(by_payment) == 40
    assert all(sorted(sequences) == [1, 2] for sequences in by_payment.values())


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_replicas_that_meet_in_the_same_payments_in_opposite_order_do_not_lock_each_other_out(
    opened: Any,
) -> None:
    replicas = [await opened(), await opened()]
    recordings = []
    for turn in range(30):
        refs = [f"pi_{n}" for n in range(8)]
        if turn % 2:
            refs.reverse()
        events = [make("payment.pending", f"{turn}-{n}", at=turn, refs=(ref,)) for n, ref in enumerate(refs)]
        recordings.append(replicas[turn % 2].record(Recording(events)))
    await asyncio.wait_for(asyncio.gather(*recordings), 60)
    payments = [await replicas[0].find_payment("default", "stripe", f"pi_{n}") for n in range(8)]
    assert [payment.sequence for payment in payments if payment is not None] == [30] * 8


async def test_texts_that_a_database_cannot_hold_are_recorded_all_the_same(ledger: Ledger) -> None:
    odd = "nul\x00and" + "long" * 2000
    event = make(
        "payment.captured", "odd", refs=(odd,), merchant="m\x00", reference=odd, amount=money(5), operation_id=odd
    )
    customer = make("customer.created", "cus", refs=(), merchant="m\x00", connector_customer_id=odd)
    await ledger.record(Recording([event, customer]))
    assert await ledger.get_event("m\x00", event.id) == event
    payment = await ledger.find_payment("m\x00", "stripe", odd)
    assert payment is not None
    assert payment.merchant_transaction_id == odd
    assert status_name(payment.status) == "captured"
    assert "\x00" not in customer.partition_key
    assert await ledger.get_event("m", event.id) is None
    claim = await ledger.outbox.claim("events", limit=10, lease_s=10)
    assert [Event.FromString(row.event) for row in claim.rows] == [event, customer]
