"""Lesson 4: the same calls to a server. Run `orchestrator serve`, then `python examples/04_grpc_client.py [TARGET]`."""

from __future__ import annotations

import asyncio
import os
import sys

from orchestratorx_prism import EventClient, HandledEvent, PaymentClient
from orchestratorx_prism.testing import signed_webhook

SECRET = "whsec_lesson_secret"
DEFAULT_TARGET = "127.0.0.1:50051"


async def main(target: str) -> None:
    async with EventClient(connector="stripe", target=target, api_key=os.environ.get("ORCHESTRATOR_API_KEY")) as client:
        webhook = signed_webhook(
            "stripe", "payment_intent.succeeded", secret=SECRET, merchant_transaction_id="order-42"
        )
        event = await client.handle_event(webhook.request())
        print("handled:", event["type"], event["data"]["merchant_transaction_id"])

        # For volume: many webhooks in one call, an answer or a refusal each.
        many = [signed_webhook("stripe", "charge.refunded", secret=SECRET, seed=seed).request() for seed in (1, 2)]
        for outcome in await client.batch_handle_events([*many, {**many[0], "payload": b"{}"}]):
            print("batch:", outcome.type if isinstance(outcome, HandledEvent) else f"refused, {outcome.reason}")

        # The server keeps what it recorded.
        page = await client.list_events(types=["payment.*"], page_size=5)
        print("listed:", event.id in {listed.id for listed in page.events})
        payments = PaymentClient(transport=client.transport)
        answer = await payments.get(payment_id=event["payment_id"])
        print("captured:", answer.payment.captured.minor_units, answer.payment.captured.currency)

        # Services without a broker read the events as a stream, from a cursor on.
        async for streamed in client.subscribe_events(cursor="0"):
            print("streamed:", streamed["type"], "resume after", streamed.cursor)
            break


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_TARGET))
