"""A claim's rows as the broker gets them: encoded for one channel, with what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.ledger.base import OutboxRow
from orchestrator.publishing.channels import Channel
from orchestratorx_prism.brokers.base import BrokerUnavailable, Message
from orchestratorx_prism.errors import Internal, PrismError
from orchestratorx_prism.v1.event_pb2 import Event

_AT_ONE_GO = 64
"""Rows encoded before others have their turn: a millisecond or two."""


@dataclass(slots=True)
class Batch:
    """A claim on its way through one round."""

    rows: list[OutboxRow] = field(default_factory=list)
    """Those to publish, each with its message at the same index; one that is several messages is there as often."""
    messages: list[Message] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    """Row ids: published, or not selected by the channel."""
    failed: dict[int, PrismError] = field(default_factory=dict)
    """Row id → why."""

    def answered(self, outcomes: Sequence[PrismError | None]) -> int:
        """Notes what the broker said of each message. Returns how many rows it took as a whole."""
        for row, outcome in zip(self.rows, outcomes, strict=True):
            if outcome is not None:
                self.failed.setdefault(row.row_id, outcome)
        sent = [row_id for row_id in dict.fromkeys(row.row_id for row in self.rows) if row_id not in self.failed]
        self.done += sent
        return len(sent)


async def encoded(rows: Sequence[OutboxRow], channel: Channel) -> Batch:
    """What the channel does not select is done. What cannot be encoded has failed, and holds its key back."""
    batch = Batch()
    now_ns = time.time_ns()
    held: set[str] = set()
    for place, row in enumerate(rows, start=1):
        if place % _AT_ONE_GO == 0:
            await asyncio.sleep(0)
        if row.partition_key in held:
            batch.failed[row.row_id] = BrokerUnavailable("an earlier event of the key failed", reason="ORDER_HELD")
            continue
        try:
            messages = _messages_of(row, channel, now_ns)
        except Exception as error:
            fault = error if isinstance(error, PrismError) else Internal(f"encoding raised {type(error).__name__}")
            batch.failed[row.row_id] = fault
            if row.partition_key:
                held.add(row.partition_key)
            continue
        if messages:
            batch.rows += [row] * len(messages)
            batch.messages += messages
        else:
            batch.done.append(row.row_id)
    return batch


def _messages_of(row: OutboxRow, channel: Channel, now_ns: int) -> list[Message]:
    event = Event.FromString(row.event)
    if not channel.takes(event):
        return []
    event.published_at.FromNanoseconds(now_ns)
    return channel.messages_of(event)
