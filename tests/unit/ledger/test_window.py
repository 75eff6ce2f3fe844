"""The ledger without a disk, where it forgets."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_events import make, money

from orchestrator.ledger.base import Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest


async def record(ledger: MemoryLedger, events: Sequence[Event]) -> None:
    await ledger.record(Recording(list(events)))


async def test_pages_of_refunds_go_on_where_they_were_though_the_oldest_are_forgotten() -> None:
    ledger = MemoryLedger(window=6)

    async def refund(number: int) -> None:
        refs = (f"pi_{number}",)
        await record(ledger, [make("refund.created", f"r{number}", refs=refs, connector_refund_id=f"re_{number}")])

    for number in range(6):
        await refund(number)
    first, token = await ledger.list_refunds(RefundServiceListRequest(page_size=2))
    for number in (6, 7):
        await refund(number)
    second, _ = await ledger.list_refunds(RefundServiceListRequest(page_size=2, page_token=token))
    assert [one.connector_refund_id for one in (*first, *second)] == ["re_5", "re_4", "re_3", "re_2"]


async def test_an_anomaly_that_outlives_its_payment_is_found_again() -> None:
    ledger = MemoryLedger(window=1)

    def contradiction(turn: int) -> list[Event]:
        return [
            make("payment.voided", f"v{turn}", refs=("pi_2",), at=1),
            make("payment.captured", f"c{turn}", refs=("pi_2",), at=2, amount=money(1), operation_id="x"),
        ]

    await record(ledger, [make("payment.pending", "older", refs=("pi_2",))])
    await record(ledger, [make("payment.pending", "first", refs=("pi_1",)), *contradiction(1)])
    await record(ledger, contradiction(2))
    for turn in range(3):
        await record(ledger, [make("payment.pending", f"later{turn}", refs=("pi_3",))])
    payment = await ledger.find_payment("default", "stripe", "pi_3")
    assert payment is not None
    assert payment.sequence == 3
