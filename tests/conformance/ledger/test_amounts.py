"""Payments by amount and in other orders, and lists of payouts."""

from __future__ import annotations

import random
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from ledger_events import make, money

from orchestrator.ledger import sql_reading
from orchestrator.ledger.base import Ledger, Recording
from orchestratorx_prism.v1 import payment_service_pb2 as pb
from orchestratorx_prism.v1.event_data_pb2 import PAYOUT_STATUS_PENDING, PAYOUT_STATUS_SUCCEEDED
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceListRequest

AMOUNTS = (500, 100, 900, 300, 300, 700)
"""Of pi_0, pi_1, … in dollars' minor units."""


@pytest.fixture
async def priced(ledger: Ledger) -> Ledger:
    for number, minor in enumerate(AMOUNTS):
        event = make("payment.captured", f"p{number}", at=number, refs=(f"pi_{number}",), amount=money(minor, "USD"))
        await ledger.record(Recording([event]))
    yen = make("payment.captured", "yen", at=20, refs=("pi_yen",), amount=money(400, "JPY"))
    theirs = make("payment.captured", "m2", at=21, refs=("pi_m2",), amount=money(400, "USD"), merchant="m2")
    bare = make("payment.created", "bare", at=22, refs=("pi_bare",))
    for event in (yen, theirs, bare):
        await ledger.record(Recording([event]))
    return ledger


async def listed(ledger: Ledger, page_size: int = 2, **where: Any) -> list[str]:
    found, token = [], ""
    while True:
        request = pb.PaymentServiceListRequest(page_size=page_size, page_token=token, **where)
        page, token = await ledger.list_payments(request)
        found += [payment.references[0].value.removeprefix("pi_") for payment in page]
        if not token:
            return found


async def test_an_amount_selects_from_and_up_to_itself(priced: Ledger) -> None:
    assert await listed(priced, currency="USD", amount_from=300, amount_until=500) == ["4", "3", "0"]
    assert await listed(priced, currency="USD", amount_from=700) == ["5", "2"]
    assert await listed(priced, currency="USD", amount_until=100) == ["1"]
    assert await listed(priced, currency="USD", amount_from=0, amount_until=99) == []
    assert await listed(priced, currency="JPY", amount_from=400, amount_until=400) == ["yen"]


@pytest.mark.parametrize("page_size", [1, 2, 50])
async def test_amounts_are_an_order_both_ways(priced: Ledger, page_size: int) -> None:
    least = await listed(priced, page_size, currency="USD", order=pb.PAYMENT_ORDER_LEAST_AMOUNT_FIRST)
    assert least == ["1", "3", "4", "0", "5", "2"]
    greatest = await listed(priced, page_size, currency="USD", order=pb.PAYMENT_ORDER_GREATEST_AMOUNT_FIRST)
    assert greatest == least[::-1]


async def test_the_oldest_may_come_first(priced: Ledger) -> None:
    newest = await listed(priced)
    assert newest == ["bare", "yen", "5", "4", "3", "2", "1", "0"]
    assert await listed(priced, order=pb.PAYMENT_ORDER_NEWEST_FIRST) == newest
    assert await listed(priced, order=pb.PAYMENT_ORDER_OLDEST_FIRST) == newest[::-1]


async def test_an_order_and_every_filter_go_together(priced: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_reading, "SLICE", 2)
    order = pb.PAYMENT_ORDER_LEAST_AMOUNT_FIRST
    assert await listed(priced, currency="USD", connectors=["stripe"], amount_until=500, order=order) == list("1340")
    assert await listed(priced, currency="USD", connectors=["adyen"], order=order) == []
    oldest = pb.PAYMENT_ORDER_OLDEST_FIRST
    assert await listed(priced, connectors=["stripe"], order=oldest) == [
        *"012345",
        "yen",
        "bare",
    ]
    future = Timestamp(seconds=4_000_000_000)
    assert await listed(priced, currency="USD", created_until=future, amount_from=700, order=order) == ["5", "2"]
    assert await listed(priced, currency="USD", created_from=future, order=order) == []


async def test_an_amount_that_changes_moves_its_payment(priced: Ledger) -> None:
    order = pb.PAYMENT_ORDER_GREATEST_AMOUNT_FIRST
    more = make("payment.authorized", "more", at=30, refs=("pi_1",), amount=money(5_000, "USD"))
    await priced.record(Recording([more]))
    assert await listed(priced, currency="USD", order=order) == ["1", "2", "5", "0", "4", "3"]
    assert await listed(priced, currency="USD", amount_from=5_000) == ["1"]
    assert await listed(priced, currency="USD", amount_until=100) == []


async def test_payouts_are_listed_and_filtered(ledger: Ledger) -> None:
    async def payouts(**where: Any) -> list[str]:
        found, token = [], ""
        while True:
            page, token = await ledger.list_payouts(PayoutServiceListRequest(page_size=2, page_token=token, **where))
            found += [payout.connector_payout_id for payout in page]
            if not token:
                return found

    for number in range(5):
        kind, connector = ("succeeded", "adyen") if number % 2 else ("pending", "stripe")
        event = make(
            f"payout.{kind}",
            f"o{number}",
            at=number,
            refs=(),
            connector=connector,
            connector_payout_id=f"po_{number}",
            amount=money(100, "KES"),
        )
        await ledger.record(Recording([event]))
    theirs = make("payout.pending", "x", at=9, refs=(), merchant="m2", connector_payout_id="po_x")
    await ledger.record(Recording([theirs]))
    assert await payouts() == [f"po_{number}" for number in (4, 3, 2, 1, 0)]
    assert await payouts(statuses=[PAYOUT_STATUS_SUCCEEDED]) == await payouts(connectors=["adyen"]) == ["po_3", "po_1"]
    assert await payouts(statuses=[PAYOUT_STATUS_PENDING], connectors=["adyen"]) == []
    assert await payouts(merchant_id="m2") == ["po_x"]
    future = Timestamp(seconds=4_000_000_000)
    assert await payouts(created_from=future) == []
    assert len(await payouts(created_until=future)) == 5


async def test_payouts_of_one_moment_are_each_listed_once(ledger: Ledger) -> None:
    made = [
        make("payout.created", f"same{n}", at=1, refs=(), connector_payout_id=f"po_{n}", amount=money(1, "KES"))
        for n in random.Random(1).sample(range(1_000), 30)
    ]
    await ledger.record_many([Recording([event]) for event in made])
    seen, token = [], ""
    while True:
        page, token = await ledger.list_payouts(PayoutServiceListRequest(page_size=7, page_token=token))
        seen += [payout.connector_payout_id for payout in page]
        if not token:
            break
    assert sorted(seen) == sorted(event.payout.connector_payout_id for event in made)
