"""What a batch of recordings changes: computed from what the store has read, for the store to write. No I/O.

The same for memory, SQLite and PostgreSQL. The store must hold whatever lock keeps its readings true until it writes.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from orchestrator.ledger.base import ChannelRule, Recorded
from orchestrator.ledger.completing import (
    anomaly_event,
    complete_dispute,
    complete_event,
    complete_payment,
    complete_refund,
)
from orchestrator.ledger.payouts import PayoutRecord, apply_payout, new_payout
from orchestrator.ledger.projection import (
    AXES,
    LASTING,
    PaymentState,
    Standing,
    amount_of,
    join,
    note_fact,
    note_references,
    standing,
)
from orchestrator.ledger.projection.children import dispute_key
from orchestrator.ledger.records import PaymentRecord
from orchestrator.ledger.references import PAYMENT_ID, Name, Named, object_key, stable_id
from orchestratorx_prism.v1.event_pb2 import Event


class KnownEvents(Protocol):
    """Events that are recorded already, as first recorded; a dict will do."""

    def get(self, event_id: str, /) -> Event | None: ...


class Fresh(msgspec.Struct, gc=False):
    """An event that was not recorded before."""

    event: Event
    payment: int | None
    """Number of its payment's row."""
    recording: int
    """Which recording of the batch it came with: whose body is its own."""
    channels: tuple[str, ...]
    """Names of the channels that publish it."""


@dataclass(slots=True)
class Changes:
    """A batch under way. `names`, `payments` and `known` are what the store has read; they are brought up to date."""

    names: MutableMapping[Name, int]
    payments: MutableMapping[int, PaymentRecord]
    known: KnownEvents
    new_payment: Callable[[], int]
    """Number for a new payment's row. Greater means later."""
    rules: Sequence[ChannelRule]
    now_us: int
    fresh: list[Fresh] = field(default_factory=list)
    fresh_by_id: dict[str, Event] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    """Payments to be written, new or changed."""
    names_set: dict[Name, int] = field(default_factory=dict)
    """Names to be written: new ones, and those that lead elsewhere now."""
    lone: dict[Name, int] = field(default_factory=dict)
    """Names to be written for the sake of the id alone: of payments that no fact can lead to."""
    merged: dict[int, int] = field(default_factory=dict)
    """Payment that is no more → the one that it turned out to be in the end."""
    refunds: dict[tuple[int, str], int] = field(default_factory=dict)
    """(payment, provider's refund id) to be written → which of `fresh` touched it first; 0 if its payment changed."""
    disputes: dict[tuple[int, str], int] = field(default_factory=dict)
    """(payment, dispute's key) to be written → likewise."""
    payouts: MutableMapping[Name, PayoutRecord] = field(default_factory=dict)
    """What the store has read of payouts; brought up to date like the payments."""
    payouts_touched: dict[Name, PayoutRecord] = field(default_factory=dict)
    """To be written, new or changed."""
    recordings: int = 0

    def clear(self) -> None:
        """Forgets the batch, so that another can begin."""
        self.recordings = 0
        self.fresh.clear()
        self.fresh_by_id.clear()
        self.created.clear()
        self.touched.clear()
        self.names_set.clear()
        if self.payouts_touched:
            self.payouts_touched.clear()
        if self.refunds or self.disputes or self.merged or self.lone:
            self.lone.clear()
            self.refunds.clear()
            self.disputes.clear()
            self.merged.clear()

    def record(self, recording: Sequence[Named]) -> Recorded:
        """Takes in one recording's events."""
        number = self.recordings
        self.recordings = number + 1
        events: list[Event] = []
        duplicates: list[str] = []
        known, fresh = self.known, self.fresh_by_id
        for one in recording:
            event = one.event
            event_id = event.id
            before = known.get(event_id) or fresh.get(event_id)
            if before is None:
                self._take(one, number)
                events.append(event)
            else:
                duplicates.append(event_id)
                events.append(before)
        return Recorded(events, duplicates)

    def _take(self, one: Named, recording: int) -> None:
        event = one.event
        if one.first is None:
            event.partition_key = object_key(event)
            if one.payout is not None:
                self._apply_to_payout(one.payout, event)
            self._add(event, None, recording)
            return
        number = self._payment_of(one)
        record = self.payments[number]
        self.touched.add(number)
        record.sequence += 1
        if one.references:
            note_references(record.state, one.references)
        if event.type not in AXES:
            complete_event(event, record)
            if one.payout is not None:
                self._apply_to_payout(one.payout, event)
            self._add(event, number, recording)
            return
        stands = self._apply(event, record, number)
        self._add(event, number, recording)
        if stands.anomalies:
            self._report(event, record, number, stands, recording)

    def _apply(self, event: Event, record: PaymentRecord, number: int) -> Standing:
        """Folds the fact into the payment and completes the event."""
        state, axis = record.state, event.type[0]
        status_before, child_before, key = record.status, 0, ""
        if axis == "r":
            key = event.refund.connector_refund_id
            child_before = state.refunds[key].status if key in state.refunds else 0
        elif axis == "d":
            key = dispute_key(event)
            known = state.disputes[key].status if key in state.disputes else None
            child_before = known[2] if known is not None else 0
        reference = state.merchant_transaction_id
        note_fact(state, event)
        if state.merchant_transaction_id is not reference:
            self._rewrite_children(number, state)
        stands = standing(state)
        record.status = stands.status
        record.amount = amount_of(state, stands)
        complete_event(event, record)
        if axis == "p":
            complete_payment(event, record, status_before, stands)
        elif axis == "r":
            complete_refund(event, record, child_before, stands)
            if key:
                self.refunds.setdefault((number, key), len(self.fresh))
        else:
            complete_dispute(event, record, key, child_before)
            self.disputes.setdefault((number, key), len(self.fresh))
        return stands

    def _apply_to_payout(self, name: Name, event: Event) -> None:
        record = self.payouts.get(name)
        if record is None:
            record = self.payouts[name] = new_payout(name, event, self.now_us)
        apply_payout(record, event)
        self.payouts_touched[name] = record

    def _payment_of(self, one: Named) -> int:
        """The payment that the names lead to; a new one; or, if they lead to several, these become one."""
        names = self.names
        found, missing = -1, []
        for name in one.names:
            number = names.get(name)
            if number is None:
                missing.append(name)
            elif found < 0:
                found = number
            elif number != found:
                found = self._merge(found, number)
        if found < 0:
            found = self._create(one)
        for name in missing:
            names[name] = self.names_set[name] = found
        return found

    def _create(self, one: Named) -> int:
        event = one.event
        assert one.first is not None  # noqa: S101 - for the type checker; the caller has looked
        number = self.new_payment()
        self.payments[number] = PaymentRecord(
            stable_id(PAYMENT_ID, one.first),
            event.merchant_id,
            event.connector,
            event.environment,
            one.scope,
            self.now_us,
        )
        self.created.add(number)
        if not one.names:
            self.lone[one.first] = number
        return number

    def _merge(self, a: int, b: int) -> int:
        """Two payments are one: the earlier survives, and everything of the other's moves to it."""
        survivor, loser = (a, b) if (self.payments[a].created_us, a) < (self.payments[b].created_us, b) else (b, a)
        kept, gone = self.payments[survivor], self.payments.pop(loser)
        for name in gone.names():
            self.names_set[name] = survivor
            if name in self.names:
                self.names[name] = survivor
        for key in gone.state.refunds:
            self.refunds[survivor, key] = self.refunds.pop((loser, key), 0)
        for key in gone.state.disputes:
            self.disputes[survivor, key] = self.disputes.pop((loser, key), 0)
        kept.aliases = (*kept.aliases, gone.id, *gone.aliases)
        kept.reported = tuple(sorted({*kept.reported, *gone.reported}))
        kept.sequence = max(kept.sequence, gone.sequence)
        kept.state = join(kept.state, gone.state)
        self._rewrite_children(survivor, kept.state)
        for fresh in self.fresh:
            if fresh.payment == loser:
                fresh.payment = survivor
        self.created.discard(loser)
        self.touched.discard(loser)
        self.merged.update({before: survivor for before, into in self.merged.items() if into == loser})
        self.merged[loser] = survivor
        return survivor

    def _rewrite_children(self, number: int, state: PaymentState) -> None:
        """What is stored of refunds and disputes shows the merchant's reference of their payment, which has changed."""
        for key in state.refunds:
            self.refunds.setdefault((number, key), 0)
        for key in state.disputes:
            self.disputes.setdefault((number, key), 0)

    def _report(self, cause: Event, record: PaymentRecord, number: int, stands: Standing, recording: int) -> None:
        """One event for each contradiction that lasts and has none yet."""
        for anomaly in stands.anomalies:
            if anomaly in LASTING and anomaly not in record.reported:
                record.reported = (*record.reported, anomaly)
                record.sequence += 1
                self._add(anomaly_event(cause, record, anomaly, stands), number, recording)

    def _add(self, event: Event, payment: int | None, recording: int) -> None:
        rules = self.rules
        channels = tuple([rule.name for rule in rules if rule.selects(event)]) if rules else ()
        self.fresh.append(Fresh(event, payment, recording, channels))
        self.fresh_by_id[event.id] = event
