"""What a ledger is: the values that go in and come out, and the one interface of memory, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.ledger.intents import Intents
from orchestrator.ledger.tables import Tables
from orchestrator.ledger.watermarks import Watermarks
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


@dataclass(frozen=True, slots=True)
class Recording:
    """What one webhook (or one answer of a provider) brings: its events, and the body they came from.

    The ledger completes the events in place: payment_id, sequence, partition_key, status before and after, totals.
    """

    events: Sequence[Event]
    body: bytes = field(default=b"", repr=False)
    """Kept, encrypted, if the ledger keeps raw bodies; its hash and size are in `Event.raw`."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds now: each event as first recorded, in the recording's order."""

    events: list[Event]
    duplicate_ids: list[str]
    """Ids of those that were recorded before."""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """A channel that events are put into the outbox for."""

    name: str
    selects: Callable[[Event], bool]
    """Whether it publishes the event, as completed by the ledger. Called under the writer's lock: must not block."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event to be published on one channel."""

    row_id: int
    channel: str
    event: bytes = field(repr=False)
    """The recorded event, serialized."""
    partition_key: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows held by one relay until the lease ends. Empty: nothing to do."""

    claim_id: str
    rows: list[OutboxRow]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a channel still has to publish."""

    unsent: int
    oldest_age_s: float
    """Age of the oldest unsent row by the database's clock. Seconds; 0 if none."""


class Outbox(Protocol):
    """The relay's side of the ledger. Order per partition key is the order of recording."""

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Claim:
        """Claims unsent rows, oldest first; never rows of a partition key that another live claim holds."""
        ...

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        """Marks rows sent, if the claim still holds them (fencing). Returns how many were."""
        ...

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        """Gives rows back, to be claimed again after `delay_s`."""
        ...

    async def backlog(self, channel: str) -> Backlog:
        """How much is unsent."""
        ...

    async def wait_for_work(self, timeout_s: float) -> None:
        """Returns when something may have been recorded, or after `timeout_s`. A hint, never a promise."""
        ...

    async def purge_sent(self, *, older_than_s: float, limit: int) -> int:
        """Deletes rows sent long ago, at most `limit`. Returns how many."""
        ...


class Ledger(Protocol):
    """Facts, projections, references and the outbox, in one database.

    Every method raises `Unavailable` when the database cannot answer; nothing is half done then.
    """

    @property
    def keeps_raw(self) -> bool:
        """Whether bodies are kept."""
        ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def intents(self) -> Intents: ...

    @property
    def watermarks(self) -> Watermarks: ...

    @property
    def tables(self) -> Tables:
        """Merchants, keys, endpoints and whatever else is administered."""
        ...

    async def open(self) -> None:
        """Connects and, where so configured, migrates."""
        ...

    async def close(self) -> None:
        """Waits for what is being written, then disconnects."""
        ...

    async def ping(self) -> None:
        """Returns if the database can be written to."""
        ...

    async def record(self, recording: Recording) -> Recorded:
        """Raw body, facts, projections, references and outbox rows, in one transaction; returns after commit.

        Concurrent calls share commits. A duplicate changes nothing and comes back as first recorded.
        """
        ...

    async def record_many(self, recordings: Sequence[Recording]) -> list[Recorded | PrismError]:
        """Like `record` for each, in as few transactions as possible. What `record` would raise stands in its place."""
        ...

    async def get_event(self, merchant_id: str, event_id: str) -> Event | None: ...

    async def get_raw(self, merchant_id: str, event_id: str) -> bytes | None:
        """The body the event came from, if it was kept."""
        ...

    async def list_events(self, where: EventFilter, *, page_size: int, page_token: str) -> tuple[list[Event], str]:
        """Newest first, and the next page's token ("" at the end). Raises RequestRejected for a foreign token."""
        ...

    async def events_after(self, cursor: str, where: EventFilter, *, limit: int) -> tuple[list[tuple[Event, str]], str]:
        """Events in commit order after `cursor`, each with its own cursor, and the cursor after all that was looked at.

        Never skips an event that commits late. "0" is before the first. Raises RequestRejected for a bad cursor, and
        for one that is ahead of the ledger: it is of another, or of one that was lost or restored since.
        """
        ...

    async def head_cursor(self) -> str:
        """The cursor after everything committed so far."""
        ...

    async def replay(self, where: EventFilter, event_ids: Sequence[str], *, channel: str) -> int:
        """Puts recorded events into the outbox again, in order of recording. Returns how many rows.

        `channel` "": every channel that the ledger was opened with and that selects the event. Raises RequestRejected
        for a channel that it was not opened with. Done in slices: what was put there before a failure stays.
        """
        ...

    async def purge_raw(self, *, older_than_s: float, limit: int) -> int:
        """Deletes bodies that were stored long ago, at most `limit`. Returns how many."""
        ...

    async def get_payment(self, merchant_id: str, payment_id: str) -> Payment | None: ...

    async def find_payment(self, merchant_id: str, connector: str, reference: str) -> Payment | None:
        """By any of the provider's names of it."""
        ...

    async def list_payments(self, request: PaymentServiceListRequest) -> tuple[list[Payment], str]: ...

    async def get_refund(self, merchant_id: str, refund_id: str) -> Refund | None: ...

    async def list_refunds(self, request: RefundServiceListRequest) -> tuple[list[Refund], str]: ...

    async def get_dispute(self, merchant_id: str, dispute_id: str) -> Dispute | None: ...

    async def get_payout(self, merchant_id: str, payout_id: str) -> PayoutData | None:
        """A payout's current state, by our id of it, and what was told of it to those who asked for it."""
        ...

    async def list_payouts(self, request: PayoutServiceListRequest) -> tuple[list[PayoutData], str]: ...

    async def list_disputes(self, request: DisputeServiceListRequest) -> tuple[list[Dispute], str]: ...
