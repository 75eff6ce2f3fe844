"""An outbox in memory, a broker that fails on command, and events."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.ledger.base import Backlog, Claim, OutboxRow
from orchestrator.publishing.channels import DEFAULT_BROKER, Channel, built_in_channels
from orchestrator.publishing.relay import Relay, RelayOptions
from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message
from orchestratorx_prism.brokers.memory import MemoryBroker
from orchestratorx_prism.errors import Unavailable
from orchestratorx_prism.v1.event_pb2 import Event


@dataclass
class Row:
    row_id: int
    channel: str
    event: bytes
    key: str
    attempts: int = 0
    not_before: float = 0.0
    claim_id: str = ""
    lease_until: float = 0.0
    sent: bool = False


class FakeOutbox:
    """What `ledger.base.Outbox` promises, in a list. `away` makes it raise; `now` may be moved."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.away: set[str] = set()
        """Names of methods that raise Unavailable."""
        self.skipped_s = 0.0
        self._work = asyncio.Event()

    def now(self) -> float:
        return time.monotonic() + self.skipped_s

    def add(self, event: Event | bytes, *, key: str = "", channel: str = "events") -> int:
        raw = event if isinstance(event, bytes) else event.SerializeToString()
        self.rows.append(Row(len(self.rows) + 1, channel, raw, key or getattr(event, "partition_key", "")))
        self._work.set()
        return len(self.rows)

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Claim:
        self._check("claim")
        now, claim_id, blocked, taken = self.now(), uuid.uuid4().hex, set(), []
        for row in self.rows:
            if row.sent or row.channel != channel:
                continue
            held = row.lease_until > now or row.not_before > now
            if held or row.key in blocked or len(taken) >= limit:
                blocked.add(row.key)
                continue
            row.claim_id, row.lease_until = claim_id, now + lease_s
            row.attempts += 1
            taken.append(OutboxRow(row.row_id, channel, row.event, row.key, row.attempts))
        return Claim(claim_id, taken)

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        self._check("complete")
        rows = [self.rows[i - 1] for i in row_ids if self.rows[i - 1].claim_id == claim.claim_id]
        for row in rows:
            row.sent, row.lease_until = True, 0.0
        return len(rows)

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        self._check("release")
        for row in (self.rows[i - 1] for i in row_ids):
            if row.claim_id == claim.claim_id:
                row.claim_id, row.lease_until, row.not_before = "", 0.0, self.now() + delay_s

    async def backlog(self, channel: str) -> Backlog:
        self._check("backlog")
        unsent = sum(not row.sent for row in self.rows if row.channel == channel)
        return Backlog(unsent, 42.0 if unsent else 0.0)

    async def wait_for_work(self, timeout_s: float) -> None:
        self._check("wait_for_work")
        self._work.clear()
        try:
            await asyncio.wait_for(self._work.wait(), timeout_s)
        except TimeoutError:
            return

    async def purge_sent(self, *, older_than_s: float, limit: int) -> int:
        self._check("purge_sent")
        gone = [row for row in self.rows if row.sent][:limit]
        for row in gone:
            row.channel = "purged"
            row.sent = False
        return len(gone)

    def unsent(self) -> int:
        return sum(not row.sent for row in self.rows)

    def _check(self, method: str) -> None:
        if method in self.away:
            raise Unavailable("the database is away")


class FailingBroker(MemoryBroker):
    """A memory broker that fails as told, and remembers what was published in which order."""

    def __init__(self) -> None:
        super().__init__(BrokerSettings(capacity=100_000))
        self.accepted: list[Message] = []
        self.batches: list[int] = []
        self.down = False
        self.refused: set[str] = set()
        """Keys whose messages are refused."""
        self.raises: BaseException | None = None
        self.slow_s = 0.0
        self.health_checks = 0

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        self.batches.append(len(messages))
        await asyncio.sleep(self.slow_s)
        if self.raises is not None:
            raise self.raises
        if self.down:
            return [BrokerUnavailable("down")] * len(messages)
        outcomes: list[BrokerUnavailable | None] = []
        for message in messages:
            if message.key in self.refused:
                outcomes.append(BrokerUnavailable("too large", reason="MESSAGE_REFUSED"))
            else:
                self.accepted.append(message)
                outcomes.append(None)
        return outcomes

    async def health(self) -> None:
        self.health_checks += 1
        if self.down:
            raise BrokerUnavailable("down")


class Counts:
    """RelayMetrics."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = {"published": 0, "failed": 0}
        self.last_backlog: dict[str, Backlog] = {}
        self.seconds: list[float] = []

    def published(self, channel: str, count: int) -> None:
        self.sums["published"] += count

    def failed(self, channel: str, count: int) -> None:
        self.sums["failed"] += count

    def publish_took(self, channel: str, seconds: float) -> None:
        self.seconds.append(seconds)

    def backlog(self, channel: str, backlog: Backlog) -> None:
        self.last_backlog[channel] = backlog


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox()


@pytest.fixture
def broker() -> FailingBroker:
    return FailingBroker()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def fast() -> Callable[..., RelayOptions]:
    """The relay's options, made quick."""

    def make(**changes: Any) -> RelayOptions:
        quick: dict[str, Any] = {"poll_s": 0.05, "backoff_first_s": 0.01, "backoff_longest_s": 0.05}
        return RelayOptions(**(quick | {"report_every_s": 0.02, "lease_s": 5.0} | changes))

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    """Makes events: `event("pay_1", 2)` is the payment's second."""

    def make(payment: str = "pay_1", sequence: int = 1, **fields: Any) -> Event:
        made = Event(
            id=str(uuid.uuid4()),
            type="payment.captured",
            schema_version=1,
            connector="stripe",
            environment="ENVIRONMENT_SANDBOX",
            merchant_id="default",
            payment_id=payment,
            partition_key=payment,
            sequence=sequence,
        )
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    return make


@pytest.fixture
async def started(
    outbox: Any, broker: Any, counts: Any, fast: Callable[..., RelayOptions]
) -> AsyncIterator[Callable[..., Any]]:
    """Starts relays; all are stopped at the end. Keywords are options."""
    relays: list[Relay] = []

    async def start(channels: list[Channel] | None = None, **changes: Any) -> Relay:
        relay = Relay(
            outbox,
            channels or built_in_channels(),
            {DEFAULT_BROKER: broker},
            metrics=counts,
            options=fast(**changes),
        )
        relays.append(relay)
        await relay.start()
        return relay

    yield start
    for relay in relays:
        await relay.stop()
