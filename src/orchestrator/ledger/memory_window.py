"""What the ledger without a disk remembers: the newest events, and the payments that changed last."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator

import msgspec

from orchestrator.ledger.changes import Changes
from orchestrator.ledger.filters import Wanted
from orchestrator.ledger.payouts import PayoutRecord
from orchestrator.ledger.records import PaymentRecord
from orchestrator.ledger.references import Name, base_key, reference_base
from orchestratorx_prism.v1.event_pb2 import Event

Child = tuple[int, str, int]
"""A refund or a dispute: (payment, provider's id or dispute's key, its number)."""


class Kept(msgspec.Struct, gc=False):
    """One event."""

    number: int
    message: bytes
    """The event as recorded, serialized: nobody can change it."""
    payment: int | None


class Window:
    """As many events, and as many payments, as it is wide."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.events: dict[str, Kept] = {}
        """By id, oldest first."""
        self._order: deque[str] = deque()
        """Ids, oldest first: a dict that loses its first entry again and again gets slow."""
        self.count = 0
        """Events recorded so far: the newest one's number."""
        self.payments: OrderedDict[int, PaymentRecord] = OrderedDict()
        """By number; those that changed last are last."""
        self._payment_count = 0
        self.names: dict[Name, int] = {}
        self._ids: dict[str, int] = {}
        """Our payment id, or one it had before → its number."""
        self._child_count = 0
        self.refunds: dict[str, Child] = {}
        """By our refund id; first recorded first."""
        self.disputes: dict[str, Child] = {}
        """By our dispute id; first recorded first."""
        self.payouts: OrderedDict[Name, PayoutRecord] = OrderedDict()
        """By name; those that changed last are last."""

    def get(self, event_id: str) -> Event | None:
        """One event, as first recorded."""
        kept = self.events.get(event_id)
        return None if kept is None else Event.FromString(kept.message)

    def new_payment(self) -> int:
        """The next payment's number."""
        self._payment_count += 1
        return self._payment_count

    def keep(self, changes: Changes) -> None:
        """Remembers what `changes` brings (it has brought names and payments up to date), forgets what is too much."""
        if changes.merged:
            self._follow(changes.merged)
        for payment in changes.created:
            self._ids[self.payments[payment].id] = payment
        for fresh in changes.fresh:
            self.count += 1
            event_id = fresh.event.id
            self.events[event_id] = Kept(self.count, fresh.event.SerializeToString(), fresh.payment)
            self._order.append(event_id)
        for payment, key in changes.refunds:
            self._keep_child(self.refunds, self.payments[payment].refund_id(key), payment, key)
        for payment, key in changes.disputes:
            self._keep_child(self.disputes, self.payments[payment].dispute_id(key), payment, key)
        for payment in changes.touched:
            self.payments.move_to_end(payment)
        for name in changes.payouts_touched:
            self.payouts.move_to_end(name)
        while len(self.payouts) > self._width:
            self.payouts.popitem(last=False)
        while len(self.events) > self._width:
            self.events.pop(self._order.popleft(), None)  # an anomaly of a payment forgotten meanwhile is there twice
        while len(self.payments) > self._width:
            self._forget(*self.payments.popitem(last=False))

    def _keep_child(self, children: dict[str, Child], child_id: str, payment: int, key: str) -> None:
        known = children.get(child_id)
        if known is None:
            self._child_count += 1
        children[child_id] = (payment, key, known[2] if known is not None else self._child_count)

    def _follow(self, merged: dict[int, int]) -> None:
        """What belonged to a payment that is no more belongs to the one that it turned out to be."""
        for kept in self.events.values():
            while kept.payment in merged:
                kept.payment = merged[kept.payment]
        for survivor in set(merged.values()) & self.payments.keys():
            for alias in self.payments[survivor].aliases:
                self._ids[alias] = survivor

    def _forget(self, payment: int, record: PaymentRecord) -> None:
        for payment_id in (record.id, *record.aliases):
            self._ids.pop(payment_id, None)
        for name in record.names():
            self.names.pop(name, None)
        for key in record.state.refunds:
            self.refunds.pop(record.refund_id(key), None)
        for key in record.state.disputes:
            self.disputes.pop(record.dispute_id(key), None)

    def matching(self, wants: Wanted) -> Iterator[tuple[Kept, Event]]:
        """Events that are wanted, oldest first."""
        payment = self._ids.get(wants.payment_id, -1) if wants.payment_id else None
        for kept in list(self.events.values()):
            if payment is not None and kept.payment != payment:
                continue
            event = Event.FromString(kept.message)
            if wants.takes(event):
                yield kept, event

    def payment(self, merchant_id: str, payment_id: str) -> PaymentRecord | None:
        """By our id, or by one it had before."""
        record = self.payments.get(self._ids.get(payment_id, -1))
        return record if record is not None and record.merchant_id == merchant_id else None

    def find(self, merchant_id: str, connector: str, reference: str) -> PaymentRecord | None:
        """By any of the provider's names of it, in whatever account: the one recorded first."""
        base = base_key(reference_base(merchant_id, connector, reference))
        found = [number for name, number in self.names.items() if name.startswith(base)]
        return self.payments[min(found)] if found else None
