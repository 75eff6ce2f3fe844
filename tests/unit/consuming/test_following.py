"""A worker that follows another one waits for what that one had in hand, whatever happens before it begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from orchestratorx_prism import RetryPolicy, StreamEvent, StreamWorker
from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable
from orchestratorx_prism.brokers.memory import MemoryBroker
from orchestratorx_prism.consuming import StreamConsumer, leases
from orchestratorx_prism.consuming.sessions import create_tables, open_database


class Flaky(MemoryBroker):
    """Gives what a dead consumer had in hand to others after a time, as NATS does, and does not answer at first."""

    name = "nats"

    def __init__(self, settings: BrokerSettings) -> None:
        super().__init__(settings)
        self.refusals = 1
        self.fetched_at: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise BrokerUnavailable("it is away")
        subscription = await super().subscribe(addresses, group=group)
        fetch = subscription.fetch

        async def noting(**options: Any) -> Any:
            if not self.fetched_at.done():
                self.fetched_at.set_result(time.monotonic())
            return await fetch(**options)

        subscription.fetch = noting  # type: ignore[method-assign]
        return subscription


async def handle(_: StreamEvent, session: AsyncSession) -> None: ...


@pytest.mark.parametrize(("died", "ack_wait_s"), [(True, 0.4), (False, 600.0)])
async def test_a_broker_that_is_away_at_first_does_not_make_it_forget_whom_it_follows(
    tmp_path: Path, died: bool, ack_wait_s: float
) -> None:
    messaging = BrokerSettings(ack_wait_s=ack_wait_s)
    consumer = StreamConsumer("payments.events", "orders", handle, RetryPolicy())
    url = f"sqlite:///{tmp_path}/shop.db"
    database = open_database(url, consumer, concurrency=1)
    await create_tables(database)
    before = await database.run(lambda session: leases.acquire(session, "orders", "the one before", 0.0))
    assert before is not None
    if not died:
        await database.run(lambda session: leases.release(session, before))
    await database.close()
    broker = Flaky(messaging)
    began = time.monotonic()
    async with StreamWorker(messaging, url, consumers=[consumer], lease_s=0.3, broker=broker), asyncio.timeout(8):
        waited_s = await broker.fetched_at - began
    assert not died or waited_s >= ack_wait_s
