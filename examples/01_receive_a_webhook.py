"""Lesson 1: a raw webhook in, one event out, in this process. Run it: `python examples/01_receive_a_webhook.py`."""

from __future__ import annotations

import asyncio

from orchestratorx_prism import EventClient, SignatureRejected
from orchestratorx_prism.testing import signed_webhook

SECRET = "whsec_lesson_secret"


async def main() -> None:
    # What Stripe would send. In an application these come from the web framework: body and headers as received.
    webhook = signed_webhook("stripe", "payment_intent.succeeded", secret=SECRET, merchant_transaction_id="order-42")
    raw, headers = webhook.body, webhook.headers

    async with EventClient(connector="stripe") as client:
        event = await client.handle_event({"payload": raw, "headers": dict(headers), "webhook_secret": SECRET})
        if event["type"] == "payment.captured":
            print("paid:", event["data"]["merchant_transaction_id"])
        print("amount:", event.data.amount.minor_units, event.data.amount.currency)
        print("verified by:", event.verification.method)

        # Providers send twice. The same webhook is the same event, and says so.
        again = await client.handle_event({"payload": raw, "headers": dict(headers), "webhook_secret": SECRET})
        print("seen before:", again.id in again.duplicates)

        try:
            await client.handle_event({"payload": raw + b" ", "headers": dict(headers), "webhook_secret": SECRET})
        except SignatureRejected as refused:
            print("forged:", refused.reason)


if __name__ == "__main__":
    asyncio.run(main())
