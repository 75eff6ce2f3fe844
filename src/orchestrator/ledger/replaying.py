"""Puts recorded events into the outbox again, slice by slice: reading holds no lock, and writing none for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from orchestrator.ledger.base import ChannelRule
from orchestrator.ledger.filters import Wanted
from orchestrator.ledger.references import column_text, event_key
from orchestrator.ledger.sql_reading import Conditions, Fetch, event_conditions
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.event_pb2 import Event

Put = Callable[[Sequence[tuple[str, int, str]]], Awaitable[None]]
"""Puts (channel, event's number, partition key) into the outbox, in this order, in one transaction."""

SLICE = 1_000


def check_channel(rules: Sequence[ChannelRule], channel: str) -> None:
    """Raises RequestRejected if there is no such channel."""
    if channel and channel not in {rule.name for rule in rules}:
        raise RequestRejected(
            "channel: there is none of this name",
            reason="CHANNEL_UNKNOWN",
            fix=f"one of: {', '.join(rule.name for rule in rules)}",
            metadata={"field": "channel"},
        )


def channels_of(rules: Sequence[ChannelRule], channel: str, event: Event) -> list[str]:
    """The channel that was named, or every one that selects the event."""
    return [rule.name for rule in rules if rule.name == channel or (not channel and rule.selects(event))]


async def replay(
    fetch: Fetch,
    put: Put,
    rules: Sequence[ChannelRule],
    wants: Wanted,
    payment: int | None,
    event_ids: Sequence[str],
    channel: str,
) -> int:
    """Events in order of recording, up to the newest there is when it begins: what comes meanwhile is published anyway.

    Returns how many rows were put into the outbox.

    Args:
        payment: Number of the payment that is wanted, if one is.
    """
    check_channel(rules, channel)
    rest = _conditions(wants, payment)
    if event_ids:
        rest.one_of("key", [event_key(event_id) for event_id in event_ids])
    narrow = payment is not None or bool(event_ids)
    newest = (await fetch("SELECT coalesce(max(n), 0) AS n FROM events", ()))[0][0]
    total, after = 0, 0
    while True:
        last: int | None = newest
        if not narrow:
            slice_ = f"SELECT n FROM events WHERE n > ? AND n <= ? ORDER BY n LIMIT {SLICE}"  # noqa: S608 - constants
            last = (await fetch(f"SELECT max(n) FROM ({slice_}) AS slice", (after, newest)))[0][0]  # noqa: S608
        if last is None:
            return total
        query = f"SELECT n, message FROM events WHERE n > ? AND n <= ? AND {rest.text()} ORDER BY n LIMIT {SLICE}"  # noqa: S608
        rows = await fetch(query, (after, last, *rest.values))
        chosen = []
        for number, message in rows:
            event = Event.FromString(message)
            chosen += [(name, number, event.partition_key) for name in channels_of(rules, channel, event)]
        if chosen:
            await put(chosen)
            total += len(chosen)
        if narrow and len(rows) < SLICE:
            return total
        # Rows that commit late may make a slice greater than it was when its end was looked up.
        after = rows[-1][0] if len(rows) == SLICE else last


def _conditions(wants: Wanted, payment: int | None) -> Conditions:
    conditions = event_conditions(wants)
    conditions.add("merchant_id = ?", column_text(wants.merchant_id))
    if payment is not None:
        conditions.add("payment = ?", payment)
    if wants.from_us is not None:
        conditions.add("received_at >= ?", wants.from_us)
    if wants.until_us is not None:
        conditions.add("received_at < ?", wants.until_us)
    return conditions
