"""Lesson 6: handlers for events, and an event of your own. Run it: `python examples/06_consume_events.py [CONFIG]`.

Without CONFIG it uses the memory broker; with {"messaging": {"broker_type": "nats", "url": "nats://…"}} a real one.
"""

from __future__ import annotations

import asyncio
import sys

from orchestratorx_prism import (
    PaymentEventConsumer,
    PaymentEventPublisher,
    PrismEvent,
    RetryPolicy,
    load_config,
    setup_default_consumers,
)


async def main(config_file: str | None) -> None:
    config = load_config(config_file)
    done = asyncio.Event()
    refused = 0

    async def on_score(event: PrismEvent) -> None:
        print("score:", event.data["score"], "for", event.data["order"])

    def flaky(event: PrismEvent) -> None:
        # A function that blocks runs in a thread. What it raises is retried by its policy, here once.
        nonlocal refused
        refused += 1
        if refused == 1:
            raise ConnectionError("the warehouse does not answer")
        print("second try: done")
        done.set()

    async with PaymentEventConsumer(config.messaging) as consumer, PaymentEventPublisher(config.messaging) as publisher:
        defaults = await setup_default_consumers(consumer)
        await consumer.register_handler("payment.custom.scored", on_score)
        await consumer.register_handler("payment.custom.*", flaky, retry=RetryPolicy(attempts=2, initial_s=0.1))
        await consumer.start()
        await publisher.publish_event(
            event_type="payment.custom.scored", data={"order": "order-42", "score": 7}, key="order-42"
        )
        await done.wait()
    print("handled:", defaults.counters.ended_by_outcome["acknowledged"], "message")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
