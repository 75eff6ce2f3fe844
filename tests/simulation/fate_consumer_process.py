"""A consumer to be killed in the middle of its handlers: `python fate_consumer_process.py SETTINGS_AS_JSON`.

It prints a line when a handler begins and when it is done: `began ID`, `done ID`. From the second event of a payment on
it is never done.
"""

from __future__ import annotations

import asyncio
import json
import sys

from orchestratorx_prism import PaymentEventConsumer, PrismEvent
from orchestratorx_prism.brokers import BrokerSettings


async def handle(event: PrismEvent) -> None:
    print("began", event.id, flush=True)
    if event.data["number"] > 0:
        await asyncio.Event().wait()
    print("done", event.id, flush=True)


async def main() -> None:
    consumer = PaymentEventConsumer(BrokerSettings(**json.loads(sys.argv[1])), concurrency=4)
    await consumer.register_handler("*", handle)
    await consumer.run()


if __name__ == "__main__":
    asyncio.run(main())
