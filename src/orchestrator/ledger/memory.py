"""The ledger without a disk: a bounded window of events and payments, gone with the process.

It recognizes duplicates and keeps order within its window; what is older is forgotten, oldest first. Nothing in here
waits, so that a recording costs little more than its projection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from orchestrator.ledger.base import ChannelRule, Outbox, Recorded, Recording
from orchestrator.ledger.changes import Changes
from orchestrator.ledger.filters import DEFAULT_MERCHANT, wanted
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.intents import Intents
from orchestrator.ledger.memory_intents import MemoryIntents
from orchestrator.ledger.memory_lists import page_of, within
from orchestrator.ledger.memory_outbox import MemoryOutbox
from orchestrator.ledger.memory_window import Window
from orchestrator.ledger.orders import PAYMENT_ORDERS
from orchestrator.ledger.paging import fingerprint, foreign_cursor
from orchestrator.ledger.payouts import payout_place
from orchestrator.ledger.references import PAYOUT_ID, key_of_id, named
from orchestrator.ledger.replaying import channels_of, check_channel
from orchestrator.ledger.tables import NoTables, Tables
from orchestrator.ledger.watermarks import MemoryWatermarks, Watermarks
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceListRequest
from orchestratorx_prism.v1.refund_pb2 import Refund
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest

WINDOW = 10_000
T = TypeVar("T")


class MemoryLedger:
    """Implements `Ledger`. For one event loop."""

    keeps_raw = False

    def __init__(
        self,
        *,
        window: int = WINDOW,
        channels: Sequence[ChannelRule] = (),
        spanning: Collection[str] = (),
        on_commit: Callable[[int], None] | None = None,
    ) -> None:
        """Nothing is kept for channels unless some are given.

        Args:
            window: How many events, how many payments, and how many rows of each channel's outbox are remembered.
            spanning: Connectors whose references are unique across accounts.
            on_commit: Told how many recordings each commit took: here always one.
        """
        self._rules = tuple(channels)
        self._spanning = frozenset(spanning)
        self._on_commit = on_commit
        self._bell = Bell()
        self._outbox = MemoryOutbox([rule.name for rule in channels], window, self._bell)
        self._intents = MemoryIntents(window)
        self._watermarks = MemoryWatermarks()
        self._tables = NoTables()
        self._window = Window(window)
        window_ = self._window
        self._changes = Changes(
            window_.names, window_.payments, window_, window_.new_payment, self._rules, 0, payouts=window_.payouts
        )

    @property
    def outbox(self) -> Outbox:
        return self._outbox

    @property
    def intents(self) -> Intents:
        return self._intents

    @property
    def watermarks(self) -> Watermarks:
        return self._watermarks

    @property
    def tables(self) -> Tables:
        return self._tables

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close; what was recorded stays readable."""

    async def ping(self) -> None:
        """Always there."""

    async def record(self, recording: Recording) -> Recorded:
        """See `Ledger`. Never suspends."""
        changes, spanning = self._changes, self._spanning
        changes.clear()
        changes.now_us = time.time_ns() // 1000
        recorded = changes.record([named(event, spanning) for event in recording.events])
        if changes.fresh:
            self._window.keep(changes)
            if self._rules:
                for fresh in changes.fresh:
                    self._outbox.add(fresh.channels, fresh.event)
            self._bell.ring()
        if self._on_commit is not None:
            self._on_commit(1)
        return recorded

    async def record_many(self, recordings: Sequence[Recording]) -> list[Recorded | PrismError]:
        """See `Ledger`."""
        return [await self.record(recording) for recording in recordings]

    async def get_event(self, merchant_id: str, event_id: str) -> Event | None:
        """See `Ledger`."""
        event = self._window.get(event_id)
        return self._published(event) if event is not None and event.merchant_id == merchant_id else None

    async def get_raw(self, merchant_id: str, event_id: str) -> bytes | None:
        """Bodies are not kept here."""
        return None

    async def list_events(self, where: EventFilter, *, page_size: int, page_token: str) -> tuple[list[Event], str]:
        """See `Ledger`."""
        found = [((kept.number, 0), event) for kept, event in self._window.matching(wanted(where))]
        events, token = page_of(found, fingerprint("events", where), page_size, page_token)
        return [self._published(event) for event in events], token

    async def events_after(self, cursor: str, where: EventFilter, *, limit: int) -> tuple[list[tuple[Event, str]], str]:
        """See `Ledger`. Events that were forgotten since are left out."""
        if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
            raise foreign_cursor()
        after = int(cursor)
        if after > self._window.count:
            raise foreign_cursor()
        found: list[tuple[Event, str]] = []
        for kept, event in self._window.matching(wanted(where, times=False)):
            if kept.number > after:
                found.append((self._published(event), str(kept.number)))
                if len(found) == limit:
                    return found, found[-1][1]
        return found, str(self._window.count)

    async def head_cursor(self) -> str:
        """See `Ledger`."""
        return str(self._window.count)

    async def replay(self, where: EventFilter, event_ids: Sequence[str], *, channel: str) -> int:
        """See `Ledger`."""
        check_channel(self._rules, channel)
        ids = frozenset(event_ids)
        rows = 0
        for _, event in self._window.matching(wanted(where)):
            if ids and event.id not in ids:
                continue
            names = channels_of(self._rules, channel, event)
            self._outbox.add(names, event)
            rows += len(names)
        self._bell.ring()
        return rows

    async def purge_raw(self, *, older_than_s: float, limit: int) -> int:
        """Bodies are not kept here."""
        return 0

    async def get_payment(self, merchant_id: str, payment_id: str) -> Payment | None:
        """See `Ledger`."""
        record = self._window.payment(merchant_id, payment_id)
        return None if record is None else record.payment()

    async def find_payment(self, merchant_id: str, connector: str, reference: str) -> Payment | None:
        """See `Ledger`."""
        record = self._window.find(merchant_id, connector, reference)
        return None if record is None else record.payment()

    async def list_payments(self, request: PaymentServiceListRequest) -> tuple[list[Payment], str]:
        """See `Ledger`."""
        merchant = request.merchant_id or DEFAULT_MERCHANT
        wants_from = request.created_from.ToMicroseconds() if request.HasField("created_from") else None
        wants_until = request.created_until.ToMicroseconds() if request.HasField("created_until") else None
        order = PAYMENT_ORDERS[request.order]
        found = []
        for number, record in self._window.payments.items():
            if record.merchant_id != merchant or (request.connectors and record.connector not in request.connectors):
                continue
            if wants_from is not None and record.created_us < wants_from:
                continue
            if wants_until is not None and record.created_us >= wants_until:
                continue
            if not within(record.amount, request):
                continue
            payment = record.payment()
            if (
                (not request.statuses or payment.status in request.statuses)
                and (not request.currency or record.currency == request.currency)
                and (
                    not request.merchant_transaction_id
                    or payment.merchant_transaction_id == request.merchant_transaction_id
                )
            ):
                if order.column != "amount":
                    found.append(((record.created_us, number), payment))
                elif record.amount is not None:
                    found.append(((record.amount, number), payment))
        return page_of(found, fingerprint("payments", request), request.page_size, request.page_token, order)

    async def get_refund(self, merchant_id: str, refund_id: str) -> Refund | None:
        """See `Ledger`."""
        place = self._window.refunds.get(refund_id)
        if place is None or self._window.payments[place[0]].merchant_id != merchant_id:
            return None
        return self._window.payments[place[0]].refund(place[1])

    async def list_refunds(self, request: RefundServiceListRequest) -> tuple[list[Refund], str]:
        """See `Ledger`."""
        children, payments = self._window.refunds.values(), self._window.payments
        refunds = [((number, 0), payments[payment].refund(key)) for payment, key, number in children]
        found = [(number, refund) for number, refund in refunds if self._wants_child(request, refund)]
        return page_of(found, fingerprint("refunds", request), request.page_size, request.page_token)

    async def get_dispute(self, merchant_id: str, dispute_id: str) -> Dispute | None:
        """See `Ledger`."""
        place = self._window.disputes.get(dispute_id)
        if place is None or self._window.payments[place[0]].merchant_id != merchant_id:
            return None
        return self._window.payments[place[0]].dispute(place[1])

    async def get_payout(self, merchant_id: str, payout_id: str) -> PayoutData | None:
        """See `Ledger`."""
        record = self._window.payouts.get(key_of_id(PAYOUT_ID, payout_id) or b"")
        return record.view() if record is not None and record.merchant_id == merchant_id else None

    async def list_payouts(self, request: PayoutServiceListRequest) -> tuple[list[PayoutData], str]:
        """See `Ledger`."""
        merchant = request.merchant_id or DEFAULT_MERCHANT
        wants_from = request.created_from.ToMicroseconds() if request.HasField("created_from") else None
        wants_until = request.created_until.ToMicroseconds() if request.HasField("created_until") else None
        found = [
            ((record.created_us, payout_place(name)), record.view())
            for name, record in self._window.payouts.items()
            if record.merchant_id == merchant
            and (not request.connectors or record.connector in request.connectors)
            and (not request.statuses or record.status in request.statuses)
            and (wants_from is None or record.created_us >= wants_from)
            and (wants_until is None or record.created_us < wants_until)
        ]
        return page_of(found, fingerprint("payouts", request), request.page_size, request.page_token)

    async def list_disputes(self, request: DisputeServiceListRequest) -> tuple[list[Dispute], str]:
        """See `Ledger`."""
        children, payments = self._window.disputes.values(), self._window.payments
        disputes = [((number, 0), payments[payment].dispute(key)) for payment, key, number in children]
        found = [(number, dispute) for number, dispute in disputes if self._wants_child(request, dispute)]
        return page_of(found, fingerprint("disputes", request), request.page_size, request.page_token)

    def _wants_child(
        self, request: RefundServiceListRequest | DisputeServiceListRequest, child: Refund | Dispute
    ) -> bool:
        merchant = request.merchant_id or DEFAULT_MERCHANT
        if request.payment_id:
            record = self._window.payment(merchant, request.payment_id)
            if record is None or child.payment_id != record.id:
                return False
        return (
            child.merchant_id == merchant
            and (not request.statuses or child.status in request.statuses)
            and (not request.connectors or child.connector in request.connectors)
        )

    def _published(self, event: Event) -> Event:
        sent_us = self._outbox.sent_us(event.id)
        if sent_us is not None:
            event.published_at.FromMicroseconds(sent_us)
        return event
