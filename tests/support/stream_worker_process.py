"""The workers that tests kill and stop: imports everything once, then forks a worker for each line it reads.

A line is a JSON object: `messaging`, the fields of BrokerSettings, `database_url`, and `handler_timeout_s`. The
answers are the worker's process id and, when it has ended, its exit status, or the number of its signal as a negative
number.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from orchestratorx_prism import RetryPolicy, StreamEvent, StreamWorker, stream_consumer
from orchestratorx_prism.brokers import BrokerSettings, open_broker

LEASE_S = 0.5


@stream_consumer("payments.events", name="orders", retry=RetryPolicy(attempts=3, initial_s=0.05, factor=1.0))
async def handle(event: StreamEvent, session: AsyncSession) -> None:
    """One row an effect; the table would take it twice."""
    number = event.payload["number"]
    statement = text("INSERT INTO effects (message_id, payment, number) VALUES (:id, :payment, :number)")
    await session.execute(statement, {"id": event.id, "payment": event.key, "number": number})
    await asyncio.sleep(0.005)
    if number < 0:
        raise ValueError("poison")


async def work(messaging: dict[str, Any], database_url: str, handler_timeout_s: float) -> None:
    worker = StreamWorker(
        BrokerSettings(**messaging), database_url, lease_s=LEASE_S, handler_timeout_s=handler_timeout_s, concurrency=8
    )
    await worker.run()


def main() -> None:
    import asyncpg  # noqa: F401 - imported here so that each child need not

    # Poison fails as it should, hundreds of times.
    logging.getLogger("orchestratorx_prism.consuming.stream_handling").setLevel(logging.CRITICAL)
    for line in sys.stdin:
        order = json.loads(line)
        open_broker(BrokerSettings(**order["messaging"]))  # for what it imports
        child = os.fork()
        if child == 0:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            asyncio.run(work(**order))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
