"""From `Changes` to rows, the same for both databases. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from orchestrator.ledger.base import Recording
from orchestrator.ledger.changes import Changes
from orchestrator.ledger.filters import received_us_of
from orchestrator.ledger.payouts import ENCODE as ENCODE_PAYOUT
from orchestrator.ledger.payouts import payout_place
from orchestrator.ledger.raw import RawVault, raw_key
from orchestrator.ledger.records import ENCODE, PaymentRecord
from orchestrator.ledger.references import Name, Named, column_text, column_word, event_key, named
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.refund_pb2 import Refund

Row = tuple[object, ...]


class Prepared(msgspec.Struct, gc=False):
    """One recording, ready for a batch: everything that can be computed without the database."""

    events: Sequence[Named]
    keys: Sequence[bytes]
    """Of the events."""
    names: Sequence[Name]
    """Every name that an event has."""
    payouts: Sequence[Name]
    """Names of the payouts that events are of."""
    pristine: Sequence[bytes]
    """The events as they came: completing changes them, and a batch that fails is tried again."""
    sealed: tuple[bytes, bytes] | None
    """(key, encrypted body), where bodies are kept."""

    def restore(self) -> None:
        """Makes the events as they came."""
        for one, message in zip(self.events, self.pristine, strict=True):
            one.event.ParseFromString(message)


def prepare(recording: Recording, spanning: frozenset[str], vault: RawVault) -> Prepared:
    """Reads the names, computes the keys, encrypts the body."""
    events = [named(event, spanning) for event in recording.events]
    sealed = None
    if vault.keeps and recording.body and events:
        merchant_id = events[0].event.merchant_id
        sha256 = events[0].event.raw.sha256 or hashlib.sha256(recording.body).digest()
        sealed = (raw_key(merchant_id, sha256), vault.seal(merchant_id, sha256, recording.body))
    return Prepared(
        events,
        [event_key(one.event.id) for one in events],
        [name for one in events for name in one.names],
        [one.payout for one in events if one.payout is not None],
        [one.event.SerializeToString() for one in events],
        sealed,
    )


@dataclass(slots=True)
class Rows:
    """What a batch writes. Columns in the order of `schema`, without those that the database fills itself."""

    events: list[Row] = field(default_factory=list)
    """(n, key, merchant_id, connector, type, payment, received_at, raw, message)"""
    outbox: list[Row] = field(default_factory=list)
    """(channel, n, event, partition_key, recorded_at, available_at, attempts)"""
    created: list[Row] = field(default_factory=list)
    """(n, merchant_id, connector, status, currency, merchant_transaction_id, created_at, record, amount)"""
    updated: list[Row] = field(default_factory=list)
    """(status, currency, merchant_transaction_id, record, amount, n)"""
    names: list[Row] = field(default_factory=list)
    """(key, payment)"""
    refunds: list[Row] = field(default_factory=list)
    """(key, n, payment, merchant_id, connector, status, created_at, message)"""
    disputes: list[Row] = field(default_factory=list)
    """As refunds."""
    payouts: list[Row] = field(default_factory=list)
    """(key, merchant_id, connector, status, created_at, record, n)"""
    raw_bodies: list[Row] = field(default_factory=list)
    """(n, key, stored_at, body)"""
    merged: list[tuple[int, int]] = field(default_factory=list)
    """(payment that is no more, the one it turned out to be)"""


def rows_of(
    changes: Changes, numbers: Sequence[int], batch: Sequence[Prepared], bodies: Mapping[bytes, int], now_us: int
) -> Rows:
    """Everything to be written.

    Args:
        numbers: For the fresh events, ascending.
        bodies: Key → number of those of the batch's raw bodies that are kept already.
    """
    rows = Rows()
    _add_events(rows, changes, numbers, batch, dict(bodies), now_us)
    for number in changes.touched:
        _add_payment(rows, number, changes.payments[number], new=number in changes.created)
    rows.names = [*changes.names_set.items(), *changes.lone.items()]
    for (payment, key), place in changes.refunds.items():
        record = changes.payments[payment]
        refund = record.refund(key)
        name = record.refund_name(key)
        rows.refunds.append(_child(name, numbers[place], payment, record, refund.status, now_us, refund))
    for (payment, key), place in changes.disputes.items():
        record = changes.payments[payment]
        dispute = record.dispute(key)
        name = record.dispute_name(key)
        rows.disputes.append(_child(name, numbers[place], payment, record, dispute.status, now_us, dispute))
    for name, payout in changes.payouts_touched.items():
        owner, connector = column_word(payout.merchant_id), column_word(payout.connector)
        encoded, place = ENCODE_PAYOUT(payout), payout_place(name)
        rows.payouts.append((name, owner, connector, payout.status, payout.created_us, encoded, place))
    rows.merged = list(changes.merged.items())
    return rows


def _add_events(
    rows: Rows,
    changes: Changes,
    numbers: Sequence[int],
    batch: Sequence[Prepared],
    bodies: dict[bytes, int],
    now_us: int,
) -> None:
    for fresh, number in zip(changes.fresh, numbers, strict=True):
        event = fresh.event
        sealed = batch[fresh.recording].sealed
        if sealed is not None and sealed[0] not in bodies:
            bodies[sealed[0]] = number
            rows.raw_bodies.append((number, sealed[0], now_us, sealed[1]))
        rows.events.append(
            (
                number,
                event_key(event.id),
                column_word(event.merchant_id),
                column_word(event.connector),
                column_word(event.type),
                fresh.payment,
                received_us_of(event),
                bodies[sealed[0]] if sealed is not None else None,
                event.SerializeToString(),
            )
        )
        for channel in fresh.channels:
            rows.outbox.append((channel, number, number, event.partition_key, now_us, 0, 0))


def _add_payment(rows: Rows, number: int, record: PaymentRecord, *, new: bool) -> None:
    reference = record.state.merchant_transaction_id
    text = column_text(reference[2]) if reference is not None else None
    currency = column_word(record.currency)
    if new:
        rows.created.append(
            (
                number,
                column_word(record.merchant_id),
                column_word(record.connector),
                record.status,
                currency,
                text,
                record.created_us,
                ENCODE(record),
                record.amount,
            )
        )
    else:
        rows.updated.append((record.status, currency, text, ENCODE(record), record.amount, number))


def _child(
    key: bytes, number: int, payment: int, record: PaymentRecord, status: int, now_us: int, message: Refund | Dispute
) -> Row:
    owner, connector = column_word(record.merchant_id), column_word(record.connector)
    return key, number, payment, owner, connector, status, now_us, message.SerializeToString()


def published(message: bytes, sent_us: int | None) -> Event:
    """A stored event, with the time it was first published, if it was."""
    event = Event.FromString(message)
    if sent_us is not None:
        event.published_at.FromMicroseconds(sent_us)
    return event
