"""Getting, listing page by page, streaming by cursor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from ledger_events import NOON_S, make, money

from orchestrator.ledger import sql_reading
from orchestrator.ledger.base import Ledger, Recording
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, PAYMENT_STATUS_PENDING
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """Ten payments of two connectors, every other one captured; three refunds, two disputes, a customer, a stranger."""
    for n in range(10):
        connector, currency = ("adyen", "EUR") if n % 3 == 0 else ("stripe", "USD")
        kind = "captured" if n % 2 else "pending"
        await ledger.record(
            Recording(
                [
                    make(
                        f"payment.{kind}",
                        f"p{n}",
                        at=n,
                        refs=(f"pi_{n}",),
                        connector=connector,
                        amount=money(100 + n, currency),
                        reference=f"order-{n % 4}",
                    )
                ]
            )
        )
    for n in range(3):
        refund = make(
            "refund.succeeded" if n else "refund.pending",
            f"r{n}",
            at=20 + n,
            refs=("pi_1",),
            amount=money(n + 1),
            connector_refund_id=f"re_{n}",
        )
        await ledger.record(Recording([refund]))
    for n in range(2):
        dispute = make(
            "dispute.opened" if n else "dispute.won",
            f"d{n}",
            at=30 + n,
            refs=(f"pi_{n + 1}",),
            connector_dispute_id=f"dp_{n}",
        )
        await ledger.record(Recording([dispute]))
    await ledger.record(Recording([make("customer.created", "cus", at=40, refs=(), connector_customer_id="cus_1")]))
    await ledger.record(Recording([make("payment.captured", "other", at=41, merchant="m2", amount=money(1))]))
    return ledger


async def keys(ledger: Ledger, page_size: int = 1000, **where: Any) -> list[str]:
    """Provider ids of all pages."""
    found, token = [], ""
    while True:
        events, token = await ledger.list_events(EventFilter(**where), page_size=page_size, page_token=token)
        assert len(events) <= page_size
        found += [event.provider_event_id for event in events]
        if not token:
            return found


def at(seconds: float) -> Timestamp:
    return Timestamp(seconds=int(NOON_S + seconds))


async def test_events_are_listed_newest_first_whatever_the_page_size(filled: Ledger) -> None:
    expected = ["cus", "d1", "d0", "r2", "r1", "r0", *(f"p{n}" for n in reversed(range(10)))]
    for page_size in (1, 3, 16, 17, 1000):
        assert await keys(filled, page_size) == expected
    assert await keys(filled, merchant_id="m2") == ["other"]
    assert await keys(filled, merchant_id="m3") == []


async def test_events_are_filtered(filled: Ledger) -> None:
    assert await keys(filled, types=["refund.*"]) == ["r2", "r1", "r0"]
    assert await keys(filled, 1, types=["refund.succeeded", "customer.*"]) == ["cus", "r2", "r1"]
    assert await keys(filled, types=["payment.transaction.succeeded"]) == ["p9", "p7", "p5", "p3", "p1"]
    assert await keys(filled, types=["pay_ent.*"]) == await keys(filled, types=["REFUND.*"]) == []
    assert await keys(filled, types=["*" * 40 + "failed"]) == []
    assert await keys(filled, 2, connectors=["adyen"]) == ["p9", "p6", "p3", "p0"]
    assert await keys(filled, received_from=at(8), received_until=at(21)) == ["r0", "p9", "p8"]
    payment = await filled.find_payment("default", "stripe", "pi_1")
    assert payment is not None
    assert await keys(filled, 2, payment_id=payment.id) == ["d0", "r2", "r1", "r0", "p1"]
    assert await keys(filled, payment_id=payment.id, merchant_id="m2") == []
    assert await keys(filled, payment_id="pay_" + "0" * 48) == await keys(filled, payment_id="rubbish") == []


async def test_a_page_token_is_good_for_its_own_list_only(filled: Ledger) -> None:
    _, token = await filled.list_events(EventFilter(), page_size=2, page_token="")
    for where, bad in ((EventFilter(types=["refund.*"]), token), (EventFilter(), token[:-4]), (EventFilter(), "é" * 9)):
        with pytest.raises(RequestRejected) as refused:
            await filled.list_events(where, page_size=2, page_token=bad)
        assert refused.value.metadata == {"field": "page_token"}
    with pytest.raises(RequestRejected):
        await filled.list_payments(PaymentServiceListRequest(page_size=2, page_token=token))


async def test_events_that_come_between_two_pages_do_not_disturb_them(filled: Ledger) -> None:
    first, token = await filled.list_events(EventFilter(), page_size=3, page_token="")
    await filled.record(Recording([make("customer.updated", "new", at=90, refs=(), connector_customer_id="cus_1")]))
    second, _ = await filled.list_events(EventFilter(), page_size=3, page_token=token)
    assert [event.provider_event_id for event in (*first, *second)] == ["cus", "d1", "d0", "r2", "r1", "r0"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_filtered_list_shows_nothing_twice_while_others_record(
    filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_reading, "SLICE", 4)
    fetch, looks = filled._fetch, 0

    async def fetch_while_others_record(query: str, values: Sequence[Any]) -> list[Any]:
        nonlocal looks
        looks += 1
        found: list[Any] = await fetch(query, values)
        if looks < 4:
            await filled.record(Recording([make("payment.captured", f"new{looks}", at=100 + looks, amount=money(1))]))
        return found

    monkeypatch.setattr(filled, "_fetch", fetch_while_others_record)
    assert await keys(filled, types=["dispute.*", "refund.*"]) == ["d1", "d0", "r2", "r1", "r0"]


async def references(ledger: Ledger, page_size: int = 3, **where: Any) -> list[str]:
    found, token = [], ""
    while True:
        request = PaymentServiceListRequest(page_size=page_size, page_token=token, **where)
        payments, token = await ledger.list_payments(request)
        found += [payment.references[0].value for payment in payments]
        if not token:
            return found


async def test_payments_are_listed_and_filtered(filled: Ledger) -> None:
    assert await references(filled) == [f"pi_{n}" for n in reversed(range(10))]
    assert await references(filled, 2, statuses=[PAYMENT_STATUS_PENDING]) == [f"pi_{n}" for n in (8, 6, 4, 2, 0)]
    both = [PAYMENT_STATUS_PENDING, PAYMENT_STATUS_CAPTURED]
    assert await references(filled, statuses=both, connectors=["adyen"]) == ["pi_9", "pi_6", "pi_3", "pi_0"]
    assert await references(filled, currency="EUR") == ["pi_9", "pi_6", "pi_3", "pi_0"]
    assert await references(filled, 1, merchant_transaction_id="order-1") == ["pi_9", "pi_5", "pi_1"]
    assert await references(filled, merchant_id="m2") == ["pi_1"]
    assert await references(filled, created_until=at(0)) == []
    future = Timestamp(seconds=4_000_000_000)
    assert len(await references(filled, created_until=future)) == 10
    assert await references(filled, created_from=future) == []


async def test_refunds_and_disputes_are_listed_and_filtered(filled: Ledger) -> None:
    async def refunds(**where: Any) -> list[str]:
        found, token = [], ""
        while True:
            request = RefundServiceListRequest(page_size=2, page_token=token, **where)
            page, token = await filled.list_refunds(request)
            found += [refund.connector_refund_id for refund in page]
            if not token:
                return found

    payment = await filled.find_payment("default", "stripe", "pi_1")
    assert payment is not None
    assert await refunds() == await refunds(payment_id=payment.id) == ["re_2", "re_1", "re_0"]
    assert await refunds(statuses=[2]) == ["re_0"]
    assert await refunds(connectors=["adyen"]) == await refunds(merchant_id="m2") == []
    assert await refunds(payment_id="none") == []
    disputes, token = await filled.list_disputes(DisputeServiceListRequest(page_size=1))
    assert [dispute.connector_dispute_id for dispute in disputes] == ["dp_1"]
    disputes, token = await filled.list_disputes(DisputeServiceListRequest(page_size=1, page_token=token))
    assert ([dispute.connector_dispute_id for dispute in disputes], token) == (["dp_0"], "")


async def test_what_is_not_there_or_anothers_is_none(filled: Ledger) -> None:
    events, _ = await filled.list_events(EventFilter(types=["refund.*"]), page_size=1, page_token="")
    refund_id, payment_id = events[0].refund.refund_id, events[0].payment_id
    assert await filled.get_event("m2", events[0].id) is None
    assert await filled.get_refund("m2", refund_id) is None
    assert await filled.get_payment("m2", payment_id) is None
    assert await filled.find_payment("m2", "stripe", "pi_2") is None
    assert await filled.get_raw("default", events[0].id) is None
    for rubbish in ("", "pay_", "ref_" + "g" * 48, "dis_" + "0" * 48, refund_id.replace("ref_", "pay_")):
        assert await filled.get_payment("default", rubbish) is None
        assert await filled.get_refund("default", rubbish) is None
        assert await filled.get_dispute("default", rubbish) is None


async def test_a_cursor_leads_through_all_events_in_order_of_commit(filled: Ledger) -> None:
    cursor, found = "0", []
    # Another database's transaction holds back what PostgreSQL lets a cursor pass; there may be one on this server.
    deadline = time.monotonic() + 20
    while len(found) < 16 and time.monotonic() < deadline:
        page, after = await filled.events_after(cursor, EventFilter(), limit=3)
        if not page and after == cursor:
            await asyncio.sleep(0.05)
        found += [(event.provider_event_id, position) for event, position in page]
        cursor = after
    assert await filled.events_after(cursor, EventFilter(), limit=3) == ([], cursor)
    assert [key for key, _ in found] == [*(f"p{n}" for n in range(10)), "r0", "r1", "r2", "d0", "d1", "cus"]
    for place in (0, 7, 15):
        page, _ = await filled.events_after(found[place][1], EventFilter(), limit=100)
        assert [event.provider_event_id for event, _ in page] == [key for key, _ in found[place + 1 :]]
    only, after = await filled.events_after("0", EventFilter(types=["dispute.*"]), limit=100)
    assert [event.provider_event_id for event, _ in only] == ["d0", "d1"]
    assert await filled.events_after(after, EventFilter(), limit=100) == ([], after)


async def test_the_head_is_after_everything_and_before_what_comes(filled: Ledger) -> None:
    head = await filled.head_cursor()
    assert (await filled.events_after(head, EventFilter(), limit=10))[0] == []
    event = make("customer.updated", "new", refs=(), connector_customer_id="cus_1")
    await filled.record(Recording([event]))
    page, after = await filled.events_after(head, EventFilter(), limit=10)
    assert [found for found, _ in page] == [event]
    assert (await filled.events_after(after, EventFilter(), limit=10))[0] == []


@pytest.mark.parametrize(
    "cursor", ["x", "-1", "1e3", "٣", "9" * 30, "1.2.3", "1~2", "1.1~9:1:", "0 ", "1.0~1:1:5", "", "9" * 15]
)
async def test_a_cursor_that_no_stream_gave_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        await ledger.events_after(cursor, EventFilter(), limit=1)
    assert refused.value.reason == "CURSOR_INVALID"


async def test_readers_see_what_was_recorded_before_them_while_others_record(ledger: Ledger) -> None:
    async def record_and_look(n: int) -> None:
        event = make("payment.captured", f"k{n}", refs=(f"pi_{n}",), amount=money(n + 1), operation_id="x")
        await ledger.record(Recording([event]))
        assert await ledger.get_event("default", event.id) == event
        payment = await ledger.find_payment("default", "stripe", f"pi_{n}")
        assert payment is not None
        assert payment.captured == money(n + 1)

    await asyncio.gather(*(record_and_look(n) for n in range(40)))


async def test_every_event_is_streamed_once_while_it_is_recorded(ledger: Ledger) -> None:
    events = [make("payment.pending", f"k{n}", refs=(f"pi_{n % 7}",), at=n) for n in range(120)]
    seen: list[Event] = []

    async def follow() -> None:
        cursor = "0"
        while len(seen) < len(events):
            page, cursor = await ledger.events_after(cursor, EventFilter(), limit=16)
            seen.extend(event for event, _ in page)
            if not page:
                await ledger.outbox.wait_for_work(0.2)

    await asyncio.wait_for(
        asyncio.gather(follow(), *(ledger.record(Recording([event])) for event in events)), timeout=60
    )
    assert {event.id for event in seen} == {event.id for event in events}
    assert len(seen) == len(events)
