"""Twenty-four simulated hours of M-Pesa with a fifth of the callbacks lost: what the ledger holds is what happened."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mpesa_day import DAY_MINUTES, Day, a_day

from orchestrator.reconciliation.asker import OPEN, STILL_OPEN
from orchestratorx_prism.v1.event_data_pb2 import PAYOUT_STATUS_FAILED, PAYOUT_STATUS_SUCCEEDED
from orchestratorx_prism.v1.event_pb2 import CAUSE_RECONCILIATION, Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_EXPIRED,
    PAYMENT_STATUS_FAILED,
    Payment,
)
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.refund_pb2 import REFUND_STATUS_PENDING, REFUND_STATUS_SUCCEEDED


async def payments_of(day: Day) -> list[Payment]:
    request = PaymentServiceListRequest(merchant_id="default", page_size=1_000)
    found: list[Payment] = []
    while True:
        page, request.page_token = await day.ledger.list_payments(request)
        found += page
        if not request.page_token:
            return found


async def events_of(day: Day, *types: str) -> list[Event]:
    found: list[Event] = []
    token = ""
    while True:
        page, token = await day.ledger.list_events(EventFilter(types=types), page_size=1_000, page_token=token)
        found += page
        if not token:
            return found


async def told_open(day: Day) -> set[str]:
    """Payments of which an anomaly says that M-Pesa does not tell."""
    anomalies = await events_of(day, "payment.anomaly")
    return {event.payment_id for event in anomalies if event.payment.anomaly == STILL_OPEN}


async def check_pushes(day: Day) -> None:
    """Every push ended in the ledger as at M-Pesa, or an anomaly says that M-Pesa does not tell."""
    told = {
        event.payment_id for event in await events_of(day, "payment.anomaly") if event.payment.anomaly == STILL_OPEN
    }
    for truth in day.simulator.truths():
        payment = await day.ledger.find_payment("default", "mpesa", truth.connector_transaction_id)
        assert payment is not None
        assert payment.captured.minor_units == truth.captured_minor, truth
        if truth.status == "CAPTURED":
            assert payment.status == PAYMENT_STATUS_CAPTURED
            assert [reference.kind for reference in payment.references].count("receipt") == 1
        elif payment.status in OPEN:
            assert payment.id in told, truth
        else:
            assert truth.status == "FAILED"
            assert payment.status in {PAYMENT_STATUS_FAILED, PAYMENT_STATUS_EXPIRED}


async def check_till(day: Day) -> None:
    """Money that came without a push is there, and what nobody announced is reported."""
    reported = {one.reference for report in day.reports for one in report.unmatched}
    for paid, announced in day.till:
        payment = await day.ledger.find_payment("default", "mpesa", paid.made.receipt)
        assert payment is not None
        assert payment.status == PAYMENT_STATUS_CAPTURED
        assert payment.captured.minor_units == paid.amount_minor
        if not announced:
            assert paid.made.receipt in reported


async def check_nothing_is_made_up(day: Day) -> None:
    """The ledger's money is M-Pesa's, shilling by shilling, and every payment is of something that happened."""
    pushes = {truth.connector_transaction_id for truth in day.simulator.truths()}
    receipts = {paid.made.receipt for paid, _ in day.till}
    payments = await payments_of(day)
    for payment in payments:
        names = {reference.value for reference in payment.references}
        assert len(names & pushes) + len(names & receipts) == 1, payment
    booked = sum(truth.captured_minor for truth in day.simulator.truths())
    booked += sum(paid.amount_minor for paid, _ in day.till)
    assert sum(payment.captured.minor_units for payment in payments) == booked


async def check_payouts(day: Day) -> None:
    """Every payout is decided, though its result may have been lost: it was asked about."""
    for payout_id in day.payouts:
        payout = await day.ledger.get_payout("default", payout_id)
        assert payout is not None
        assert payout.status in {PAYOUT_STATUS_SUCCEEDED, PAYOUT_STATUS_FAILED}, payout


async def check_refunds(day: Day) -> None:
    """A reversal whose result came is done; one whose result was lost cannot be asked about, and is reported."""
    told = {
        event.payment_id for event in await events_of(day, "payment.anomaly") if event.payment.anomaly == STILL_OPEN
    }
    done = 0
    for payment_id, refund_id in day.refunds.items():
        refund = await day.ledger.get_refund("default", refund_id)
        assert refund is not None
        if refund.status == REFUND_STATUS_SUCCEEDED:
            done += 1
        else:
            assert refund.status == REFUND_STATUS_PENDING
            assert payment_id in told
    assert not day.refunds or done, "every result was lost"


async def check_each_once(day: Day) -> None:
    """What reconciliation found is told once for each receipt."""
    found = Counter(
        event.payment.operation_id
        for event in await events_of(day, "payment.captured")
        if event.cause == CAUSE_RECONCILIATION
    )
    assert found.total() == len(found)


async def check_all(day: Day) -> None:
    assert not day.refused
    assert [report.stopped_by for report in day.reports if report.stopped_by] == []
    await check_pushes(day)
    await check_till(day)
    await check_nothing_is_made_up(day)
    await check_payouts(day)
    await check_refunds(day)
    await check_each_once(day)


async def test_a_day_with_a_fifth_of_the_callbacks_lost_ends_in_the_truth() -> None:
    async with a_day(seed=7) as day:
        await day.run(DAY_MINUTES)
        await day.settle(hours=30)
        assert day.simulator.callbacks.lost > 80, "too little went wrong to show anything"
        assert sum(report.matched for report in day.reports) > 50, "nothing had to be found"
        assert sum(report.resolved for report in day.reports) > 10, "nothing had to be asked"
        assert len(day.refunds) > 10, "nothing went back"
        await check_all(day)


@pytest.mark.parametrize("seed", [1, 2])
async def test_an_evening_on_disk_ends_in_the_truth(seed: int, tmp_path: Path) -> None:
    async with a_day(seed, database_url=f"sqlite:///{tmp_path / 'ledger.db'}", lost=0.5) as day:
        await day.run(240)
        await day.settle(hours=28)
        await check_all(day)


async def test_the_same_seed_is_the_same_two_hours() -> None:
    told = []
    for _ in range(2):
        async with a_day(seed=11) as day:
            await day.run(120)
            told.append([(event.id, event.type, event.cause) for event in await events_of(day)])
    assert told[0] == told[1]
    assert len(told[0]) > 50


async def test_without_reconciliation_money_stays_unseen() -> None:
    async with a_day(seed=7) as day:
        for _ in range(180):
            await day.trade()
            await day.minute()
        with pytest.raises(AssertionError):
            await check_pushes(day)
