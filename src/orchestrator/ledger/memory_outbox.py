"""The outbox without a disk: as bounded as the window it belongs to."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.ledger.base import Backlog, Claim, OutboxRow
from orchestrator.ledger.hints import Bell
from orchestratorx_prism.v1.event_pb2 import Event


@dataclass(slots=True)
class _Row:
    number: int
    event_id: str
    event: bytes
    partition_key: str
    recorded: float
    available: float = 0.0
    """When it may be claimed: after its delay, or after the lease of the claim that holds it."""
    claim_id: str = ""
    attempts: int = 0


class MemoryOutbox:
    """Implements `Outbox`. Times by this process' own clock."""

    def __init__(self, channels: Iterable[str], bound: int, bell: Bell) -> None:
        self._bound = bound
        self._bell = bell
        self._unsent: dict[str, OrderedDict[int, _Row]] = {channel: OrderedDict() for channel in channels}
        self._sent: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """Event id → (when by the steady clock, when by the calendar's in µs) it was first sent, on any channel."""
        self._count = 0

    def add(self, channels: Iterable[str], event: Event) -> None:
        """Puts an event into the outbox of channels. The oldest row goes where there are too many."""
        message = b""
        for channel in channels:
            message = message or event.SerializeToString()
            rows = self._unsent[channel]
            self._count += 1
            rows[self._count] = _Row(self._count, event.id, message, event.partition_key, time.monotonic())
            if len(rows) > self._bound:
                rows.popitem(last=False)

    def sent_us(self, event_id: str) -> int | None:
        """When an event was first sent, if it was."""
        sent = self._sent.get(event_id)
        return None if sent is None else sent[1]

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Claim:
        """See `Outbox`."""
        now, claim_id = time.monotonic(), uuid.uuid4().hex
        held: set[str] = set()
        claimed: list[OutboxRow] = []
        for row in self._unsent.get(channel, {}).values():
            if len(claimed) == limit:
                break
            if row.available > now:
                held.add(row.partition_key)
            elif row.partition_key not in held:
                row.available, row.claim_id = now + lease_s, claim_id
                row.attempts += 1
                claimed.append(OutboxRow(row.number, channel, row.event, row.partition_key, row.attempts))
        return Claim(claim_id, claimed)

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        """See `Outbox`."""
        done = 0
        for rows, row in self._held(claim, row_ids):
            del rows[row.number]
            self._sent.setdefault(row.event_id, (time.monotonic(), time.time_ns() // 1000))
            done += 1
        while len(self._sent) > self._bound:
            self._sent.popitem(last=False)
        return done

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        """See `Outbox`."""
        for _, row in self._held(claim, row_ids):
            row.claim_id, row.available = "", time.monotonic() + delay_s
        if not delay_s:
            self._bell.ring()

    async def backlog(self, channel: str) -> Backlog:
        """See `Outbox`."""
        rows = self._unsent.get(channel)
        if not rows:
            return Backlog(0, 0.0)
        return Backlog(len(rows), max(0.0, time.monotonic() - next(iter(rows.values())).recorded))

    async def wait_for_work(self, timeout_s: float) -> None:
        """See `Outbox`."""
        await self._bell.wait(timeout_s)

    async def purge_sent(self, *, older_than_s: float, limit: int) -> int:
        """See `Outbox`. Here a row goes when it is sent; only when that was is forgotten."""
        latest = time.monotonic() - older_than_s
        purged = 0
        while self._sent and purged < limit and next(iter(self._sent.values()))[0] <= latest:
            self._sent.popitem(last=False)
            purged += 1
        return purged

    def _held(self, claim: Claim, row_ids: Sequence[int]) -> list[tuple[OrderedDict[int, _Row], _Row]]:
        wanted = frozenset(row_ids)
        found = []
        for claimed in claim.rows:
            rows = self._unsent.get(claimed.channel)
            row = rows.get(claimed.row_id) if rows is not None and claimed.row_id in wanted else None
            if rows is not None and row is not None and row.claim_id == claim.claim_id:
                found.append((rows, row))
        return found
