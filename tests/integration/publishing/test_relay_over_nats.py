"""The relay over a real NATS server that is killed under load: nothing lost, every payment in order, ids kept."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from orchestrator.ledger.base import Backlog, Claim, OutboxRow
from orchestrator.publishing.channels import DEFAULT_BROKER, built_in_channels
from orchestrator.publishing.relay import Relay, RelayOptions
from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, open_broker
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.v1.event_pb2 import Event

pytestmark = pytest.mark.nats


class ListOutbox:
    """The least of an outbox: rows in order, the keys of a claim kept from others, delays ignored."""

    def __init__(self, rows: Sequence[OutboxRow]) -> None:
        self.waiting = {row.row_id: row for row in rows}
        self.held: dict[int, str] = {}
        """Row id → its key."""
        self.sent: list[int] = []
        self.releases = 0

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Claim:
        kept_back = set(self.held.values())
        rows = [row for _, row in sorted(self.waiting.items()) if row.partition_key not in kept_back][:limit]
        for row in rows:
            self.held[row.row_id] = self.waiting.pop(row.row_id).partition_key
        return Claim(str(uuid.uuid4()), rows)

    async def complete(self, claim: Claim, row_ids: Sequence[int]) -> int:
        self.sent += row_ids
        for row_id in row_ids:
            del self.held[row_id]
        return len(row_ids)

    async def release(self, claim: Claim, row_ids: Sequence[int], *, delay_s: float) -> None:
        self.releases += 1
        for row in claim.rows:
            if row.row_id in row_ids:
                del self.held[row.row_id]
                self.waiting[row.row_id] = row

    async def backlog(self, channel: str) -> Backlog:
        return Backlog(len(self.waiting), 0.0)

    async def wait_for_work(self, timeout_s: float) -> None:
        await asyncio.sleep(min(timeout_s, 0.02))

    async def purge_sent(self, *, older_than_s: float, limit: int) -> int:
        return 0


def rows(payments: int, each: int) -> list[OutboxRow]:
    made = []
    for number in range(payments * each):
        payment, sequence = f"pay_{number % payments}", number // payments + 1
        event = Event(
            id=str(uuid.uuid4()),
            type="payment.captured",
            connector="stripe",
            environment="ENVIRONMENT_SANDBOX",
            merchant_id="default",
            payment_id=payment,
            partition_key=payment,
            sequence=sequence,
        )
        made.append(OutboxRow(number + 1, "events", event.SerializeToString(), payment, 1))
    return made


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.001)


async def test_the_relay_publishes_everything_in_order_though_the_server_is_killed_twice(nats_server: Any) -> None:
    settings = BrokerSettings("nats", url=nats_server.url, publish_timeout_s=1.0)
    made = rows(payments=50, each=60)
    outbox = ListOutbox(made)
    publisher, consumer = open_broker(settings), open_broker(settings)
    options = RelayOptions(batch_size=64, backoff_first_s=0.05, backoff_longest_s=0.3)
    relay = Relay(outbox, built_in_channels(), {DEFAULT_BROKER: publisher}, options=options)
    subscription = await consumer.subscribe(["payments.events"], group="all")

    await relay.start()
    for sent in (100, 1_000):
        await until(lambda sent=sent: len(outbox.sent) >= sent)  # type: ignore[misc]
        failed = outbox.releases
        await asyncio.to_thread(nats_server.kill)
        assert outbox.waiting, "everything was published before the server was killed"
        await until(lambda failed=failed: outbox.releases > failed)  # type: ignore[misc]
        await asyncio.to_thread(nats_server.start)
    arrived: dict[str, list[int]] = defaultdict(list)
    ids: set[str] = set()
    deadline = time.monotonic() + 60
    while len(ids) < len(made) and time.monotonic() < deadline:
        try:
            for delivery in await subscription.fetch(limit=200, timeout_s=1.0):
                event = decode(delivery.message)
                if event.id not in ids:
                    ids.add(event.id)
                    arrived[event.payment_id].append(event.sequence)
                await delivery.ack()
        except BrokerUnavailable:
            await asyncio.sleep(0.05)
    await relay.stop()
    await publisher.close()
    await consumer.close()

    assert ids == {Event.FromString(row.event).id for row in made}
    assert sorted(outbox.sent) == [row.row_id for row in made]
    assert all(sequences == list(range(1, 61)) for sequences in arrived.values())
