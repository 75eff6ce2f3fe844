"""A list with ids of its own: what is known, what waited for it, what contradicts, and what is nobody's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from connectors.spi import Context, Environment
from connectors.spi.building import new_event, raw_of
from connectors.spi.reconciling import Page, Window
from orchestrator import plugins
from orchestrator.ledger.base import Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.reconciliation import Reconciler, Report, reconciler
from orchestrator.services.holding import hold_unconfirmed
from orchestrator.services.merchants import Merchants
from orchestrator.services.operations import Operator
from orchestrator.services.operations.asking import Asking
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_URL_TOKEN, Verification
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, PAYMENT_STATUS_PENDING, Payment
from orchestratorx_prism.v1.reference_pb2 import Reference

PAID_S = 1_773_461_400
NOW_S = PAID_S + 1_800
CONTEXT = Context("default", Environment.ENVIRONMENT_SANDBOX, PAID_S * 10**9)


def pulled(receipt: str, amount: str = "10.00", account: str = "order-1") -> bytes:
    fields = {
        "transactionId": receipt,
        "trxDate": "2026-03-14 07:10:00",
        "msisdn": 254708374149,
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": account,
        "amount": amount,
    }
    return json.dumps(fields).encode()


class Shop:
    """A merchant whose credentials are for the list alone, so that nothing can be asked besides."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.items: Sequence[bytes] = ()
        label = plugins.connector_named("mpesa")
        assert label.reconciling is not None
        ready = replace(label, reconciling=replace(label.reconciling, make=lambda config, environment: self))
        installed = {**plugins.installed_connectors(), "mpesa": ready}
        monkeypatch.setattr(plugins, "installed_connectors", lambda: installed)
        monkeypatch.setattr(reconciler, "installed_connectors", lambda: installed)
        self.ledger = MemoryLedger(spanning={"mpesa"})
        merchants = Merchants(settings_from({"database_url": "memory:"}))
        operator = Operator(merchants, self.ledger, Asking(), timeout_s=5)
        self.reconciler = Reconciler(merchants, self.ledger, operator, timeout_s=5, now_s=lambda: float(NOW_S))

    account = "600000"

    async def page(self, window: Window, cursor: str, *, timeout_s: float) -> Page:
        return Page(self.items if window.since_s <= PAID_S < window.until_s else ())

    async def aclose(self) -> None: ...

    async def pull(self, *items: bytes) -> Report:
        self.items = items
        report = await self.reconciler.reconcile("mpesa", "default", PAID_S - 600)
        assert report.stopped_by is None
        return report

    async def unknown_push(self, key: str) -> Payment:
        """A push whose answer was lost."""
        event = new_event(
            CONTEXT,
            raw_of(b"", CONTEXT),
            connector="mpesa",
            type="payment.unknown",
            dedup_key=key,
            references=[Reference(kind="request", value=key)],
            merchant_transaction_id="order-1",
        )
        event.payment.amount.CopyFrom(Money(minor_units=1_000, currency="KES"))
        (recorded,) = (await self.ledger.record(Recording([event]))).events
        return await self.payment(recorded.payment_id)

    async def confirmation(self, receipt: str, amount: str) -> Payment:
        """An unsigned C2B confirmation: held back."""
        fields = {"TransID": receipt, "TransTime": "20260314071000", "TransAmount": amount, "BillRefNumber": "order-1"}
        body = json.dumps(fields).encode()
        label = plugins.connector_named("mpesa")
        (event,) = label.normalize(label.parse(body), CONTEXT, body)
        hold_unconfirmed([event], Verification(method=VERIFICATION_METHOD_URL_TOKEN))
        (recorded,) = (await self.ledger.record(Recording([event]))).events
        return await self.payment(recorded.payment_id)

    async def payment(self, payment_id: str) -> Payment:
        found = await self.ledger.get_payment("default", payment_id)
        assert found is not None
        return found

    async def anomalies(self) -> list[tuple[str, str]]:
        events, _ = await self.ledger.list_events(EventFilter(types=["payment.anomaly"]), page_size=50, page_token="")
        return [(event.payment.anomaly, event.payment_id) for event in events]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


async def test_a_success_that_was_held_back_is_confirmed_by_the_list(shop: Shop) -> None:
    held = await shop.confirmation("UCE1", "10.00")
    assert held.status == PAYMENT_STATUS_PENDING
    report = await shop.pull(pulled("UCE1"))
    assert (report.recorded, report.matched, report.unmatched) == (1, 1, [])
    confirmed = await shop.payment(held.id)
    assert confirmed.status == PAYMENT_STATUS_CAPTURED
    assert confirmed.captured.minor_units == 1_000
    assert await shop.anomalies() == []
    assert (await shop.pull(pulled("UCE1"))).known == 1


async def test_a_callback_that_claimed_another_amount_is_contradicted(shop: Shop) -> None:
    held = await shop.confirmation("UCE1", "9000.00")
    await shop.pull(pulled("UCE1"))
    assert (await shop.payment(held.id)).captured.minor_units == 1_000
    assert await shop.anomalies() == [("AMOUNT_DIFFERS", held.id)]


async def test_a_push_whose_answer_was_lost_is_paid_by_what_fits_it(shop: Shop) -> None:
    payment = await shop.unknown_push("0197c5a1-52c3-7d30-9c41-3f6a2b1c0d9e")
    report = await shop.pull(pulled("UCE1"))
    assert report.matched == 1
    assert (await shop.payment(payment.id)).status == PAYMENT_STATUS_CAPTURED


async def test_money_that_fits_two_pushes_is_given_to_neither_and_said_so(shop: Shop) -> None:
    pushes = [await shop.unknown_push(f"0197c5a1-52c3-7d30-9c41-3f6a2b1c0d9{n}") for n in range(2)]
    report = await shop.pull(pulled("UCE1"))
    (money,) = report.unmatched
    assert money.why == "AMBIGUOUS"
    assert money.payment_id not in {payment.id for payment in pushes}
    assert await shop.anomalies() == [("AMBIGUOUS", money.payment_id)]
    assert len(report.anomalies) == 1


async def test_two_receipts_for_one_push_are_two_payments(shop: Shop) -> None:
    payment = await shop.unknown_push("0197c5a1-52c3-7d30-9c41-3f6a2b1c0d9e")
    report = await shop.pull(pulled("UCE1"), pulled("UCE2"))
    assert report.matched == 1
    (second,) = report.unmatched
    assert second.why == "UNANNOUNCED"
    assert second.payment_id != payment.id
    assert (await shop.payment(payment.id)).captured.minor_units == 1_000


async def test_an_item_that_is_no_transaction_costs_no_other(shop: Shop) -> None:
    report = await shop.pull(b'{"transactionId": "", "trxDate": "2026-03-14 07:10:00"}', pulled("UCE1"))
    assert report.refused.total() == 1
    assert report.recorded == 1


async def test_the_event_names_the_shortcode_and_has_the_id_that_it_has_without(shop: Shop) -> None:
    report = await shop.pull(pulled("UCE1"))
    label = plugins.connector_named("mpesa")
    (plain,) = label.normalize(label.parse(pulled("UCE1")), CONTEXT, pulled("UCE1"))
    event = await shop.ledger.get_event("default", plain.id)
    assert event is not None
    assert event.account == "600000"
    assert report.unmatched[0].payment_id == event.payment_id
