"""The worker that the kill test kills: `python stream_worker_process.py NATS_URL STREAM DATABASE_URL`."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from orchestratorx_prism import RetryPolicy, StreamEvent, StreamWorker, stream_consumer
from orchestratorx_prism.brokers import BrokerSettings

ACK_WAIT_S = 0.6


@stream_consumer("payments.events", name="orders", retry=RetryPolicy(attempts=3, initial_s=0.05, factor=1.0))
async def handle(event: StreamEvent, session: AsyncSession) -> None:
    """One row an effect; the table would take it twice."""
    number = event.payload["number"]
    statement = text("INSERT INTO effects (message_id, payment, number) VALUES (:id, :payment, :number)")
    await session.execute(statement, {"id": event.id, "payment": event.key, "number": number})
    await asyncio.sleep(0.005)
    if number < 0:
        raise ValueError("poison")


async def main(nats_url: str, stream: str, database_url: str) -> None:
    messaging = BrokerSettings(
        broker_type="nats", url=nats_url, stream=stream, subject_prefix=stream, ack_wait_s=ACK_WAIT_S
    )
    worker = StreamWorker(messaging, database_url, lease_s=0.5, handler_timeout_s=10.0, concurrency=8)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
