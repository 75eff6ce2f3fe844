"""Payouts: what the ledger keeps of one besides its facts, and what it makes of the next fact. Pure.

Two things are kept apart (docs/adr/0008-payment-requests.md):

- the payout's **state**: maxima and sets, so that all permutations of the facts end in one, as a payment's does;
- what the channel `payment_requests` has **told**: it moves by allowed transitions only, and so depends on what came
  first. A failure that was told stands there, though a success that comes later is what the state shows.

A payout is found by one name: the provider's id of it, else the merchant's, else the batch's. No two become one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.ledger.references import PAYOUT_ID, Name, stable_id
from orchestratorx_prism.envelopes.payment_requests import TRANSITIONS
from orchestratorx_prism.v1 import event_data_pb2 as pb
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import PayoutData, PayoutStatus
from orchestratorx_prism.v1.event_pb2 import CAUSE_API_RESPONSE, Event

STATUS_OF: Final[dict[str, PayoutStatus.ValueType]] = {
    "payout.created": pb.PAYOUT_STATUS_CREATED,
    "payout.pending": pb.PAYOUT_STATUS_PENDING,
    "payout.succeeded": pb.PAYOUT_STATUS_SUCCEEDED,
    "payout.failed": pb.PAYOUT_STATUS_FAILED,
    "payout.reversed": pb.PAYOUT_STATUS_REVERSED,
    "payout.expired": pb.PAYOUT_STATUS_EXPIRED,
}
_BAD_ENDS: Final = (pb.PAYOUT_STATUS_FAILED, pb.PAYOUT_STATUS_EXPIRED)
_TELLS_OF_MONEY_BACK: Final = frozenset({"payout.reversed", "payout.failed", "payout.expired"})
_TOLD_AS_LOST: Final = frozenset({pb.PAYMENT_REQUEST_STATUS_FAILED, pb.PAYMENT_REQUEST_STATUS_SUBMISSION_FAILED})
"""Whoever was told so knows already that the money is with the sender."""


class PayoutRecord(msgspec.Struct, array_like=True, gc=False):
    """One payout's row. New fields go to the end, with a default."""

    id: str
    merchant_id: str
    connector: str
    created_us: int
    latest: list[int | None] = msgspec.field(default_factory=lambda: [None] * len(PayoutStatus.values()))
    """At the number of a status: the latest time of a fact that stated it, µs; None if none did."""
    amount: tuple[int, str] | None = None
    """(minor units, currency): the greatest that a fact states which is no return."""
    fee: tuple[int, str] | None = None
    arrival: tuple[int, int] | None = None
    """(seconds, nanoseconds): the latest."""
    failure: tuple[int, bytes] | None = None
    """(µs, serialized): of the latest failure."""
    word: tuple[int, str] = (0, "")
    """(µs, the provider's status word): the latest."""
    connector_payout_id: str = ""
    connector_batch_id: str = ""
    merchant_payout_id: str = ""
    merchant_transaction_id: str = ""
    told: int = 0
    """PaymentRequestStatus: what was told last. By what came first."""
    returned_minor: int | None = None
    """What was told to have come back, in all; None: nothing was."""

    @property
    def status(self) -> PayoutStatus.ValueType:
        """Where the payout stands, by all its facts."""
        latest = self.latest
        succeeded = latest[pb.PAYOUT_STATUS_SUCCEEDED]
        if latest[pb.PAYOUT_STATUS_REVERSED] is not None:
            return pb.PAYOUT_STATUS_REVERSED
        if succeeded is not None:
            return pb.PAYOUT_STATUS_REVERSED if self._failed_after(succeeded) else pb.PAYOUT_STATUS_SUCCEEDED
        for status in (*_BAD_ENDS, pb.PAYOUT_STATUS_PENDING, pb.PAYOUT_STATUS_CREATED):
            if latest[status] is not None:
                return status
        return pb.PAYOUT_STATUS_UNSPECIFIED

    def view(self) -> PayoutData:
        """Its current state for readers."""
        data = PayoutData(
            payout_id=self.id,
            connector_payout_id=self.connector_payout_id,
            connector_batch_id=self.connector_batch_id,
            merchant_payout_id=self.merchant_payout_id,
            merchant_transaction_id=self.merchant_transaction_id,
            status=self.status,
            provider_status=self.word[1],
            request_status=self.told,  # type: ignore[arg-type]  # always one of the enum's
        )
        if self.amount is not None:
            data.amount.minor_units, data.amount.currency = self.amount
        if self.fee is not None:
            data.fee.minor_units, data.fee.currency = self.fee
        if self.arrival is not None:
            data.arrival_at.seconds, data.arrival_at.nanos = self.arrival
        if self.failure is not None and data.status != pb.PAYOUT_STATUS_SUCCEEDED:
            data.failure.CopyFrom(Failure.FromString(self.failure[1]))
        return data

    def _failed_after(self, succeeded_us: int) -> bool:
        """The same second counts as after: Stripe's payouts fail after they are paid, and are never paid after that."""
        return any((us := self.latest[status]) is not None and us >= succeeded_us for status in _BAD_ENDS)

    def _request_status(self) -> int:
        """What the facts say of the request, leaving aside that money came back."""
        latest = self.latest
        if latest[pb.PAYOUT_STATUS_SUCCEEDED] is not None:
            return pb.PAYMENT_REQUEST_STATUS_SUCCEEDED
        if any(latest[status] is not None for status in _BAD_ENDS):
            return pb.PAYMENT_REQUEST_STATUS_FAILED
        if latest[pb.PAYOUT_STATUS_PENDING] is not None:
            return pb.PAYMENT_REQUEST_STATUS_PENDING
        return pb.PAYMENT_REQUEST_STATUS_SUBMITTED


ENCODE: Final = msgspec.msgpack.Encoder(order="deterministic").encode
DECODE: Final = msgspec.msgpack.Decoder(PayoutRecord).decode


def new_payout(name: Name, event: Event, now_us: int) -> PayoutRecord:
    """A payout of which nothing is known yet."""
    return PayoutRecord(stable_id(PAYOUT_ID, name), event.merchant_id, event.connector, now_us)


def payout_place(name: Name) -> int:
    """Where it stands in lists among payouts of the same microsecond: anywhere, and always there."""
    return int.from_bytes(name[:8]) >> 1


def apply_payout(record: PayoutRecord, event: Event) -> None:
    """Folds the fact into the payout, and completes the event in place: id, status before and after, what is told."""
    data = event.payout
    data.payout_id = record.id
    data.status_before = record.status
    when = event.occurred_at if event.HasField("occurred_at") else event.received_at
    us = when.seconds * 1_000_000 + when.nanos // 1000
    _note(record, event, us)
    if not data.connector_batch_id or data.connector_batch_id != data.connector_payout_id:
        _tell(record, event, us)
    data.status = record.status


def _note(record: PayoutRecord, event: Event, us: int) -> None:
    data, latest = event.payout, record.latest
    status = STATUS_OF[event.type]
    known = latest[status]
    latest[status] = us if known is None else max(known, us)
    for name in ("connector_payout_id", "connector_batch_id", "merchant_payout_id", "merchant_transaction_id"):
        setattr(record, name, max(getattr(record, name), getattr(data, name)))
    record.word = max(record.word, (us, data.provider_status)) if data.provider_status else record.word
    if data.HasField("amount") and event.type != "payout.reversed":
        amount = (data.amount.minor_units, data.amount.currency)
        record.amount = max(record.amount or amount, amount)
    if data.HasField("fee"):
        fee = (data.fee.minor_units, data.fee.currency)
        record.fee = max(record.fee or fee, fee)
    if data.HasField("arrival_at"):
        arrival = (data.arrival_at.seconds, data.arrival_at.nanos)
        record.arrival = max(record.arrival or arrival, arrival)
    if data.HasField("failure"):
        failure = (us, data.failure.SerializeToString(deterministic=True))
        record.failure = max(record.failure or failure, failure)


def _tell(record: PayoutRecord, event: Event, us: int) -> None:
    """Settles what the channel `payment_requests` tells by this event; nothing but allowed transitions."""
    data, before = event.payout, record.told
    told, wanted = before or pb.PAYMENT_REQUEST_STATUS_SUBMITTED, record._request_status()
    if not before and event.type == "payout.failed" and event.cause == CAUSE_API_RESPONSE:
        told = pb.PAYMENT_REQUEST_STATUS_SUBMISSION_FAILED
    elif wanted in TRANSITIONS[told]:
        told = wanted
    data.request_status_before, data.request_status = before, told  # type: ignore[assignment]
    record.told = told
    data.returned = _comes_back(record, event, us)


def _comes_back(record: PayoutRecord, event: Event, us: int) -> bool:
    """Whether the event is to be told as money back. No more comes back than was sent, however often it is said."""
    if event.type not in _TELLS_OF_MONEY_BACK or record.told in _TOLD_AS_LOST:
        return False
    data, so_far = event.payout, record.returned_minor
    sent = record.amount[0] if record.amount is not None else None
    if event.type != "payout.reversed":
        succeeded = record.latest[pb.PAYOUT_STATUS_SUCCEEDED]
        if so_far is not None or succeeded is None or us < succeeded:
            return False  # told already; or a failure, told as one; or an older one, that the success has overtaken
        record.returned_minor = sent or 0
        return True
    amount = data.amount.minor_units if data.HasField("amount") else (sent or 0) - (so_far or 0)
    # The first is believed. A further one may be the same once more, and must fit beside those before it.
    if so_far is not None and (sent is None or amount <= 0 or so_far + amount > sent):
        return False
    record.returned_minor = (so_far or 0) + amount
    return True
