"""Lesson 3: a FastAPI application that takes webhooks. Run it: `python examples/03_fastapi_app.py`.

`/webhooks/stripe` does by hand what the router of `/webhooks/adyen` does for you: raw body, limit, answers.
"""

from __future__ import annotations

import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response

from orchestratorx_prism import EventClient, PrismError, PrismEvent
from orchestratorx_prism.frameworks.fastapi import webhook_router

paid: list[str] = []


async def handle(event: PrismEvent) -> None:
    """Called with every event, once. The provider is acknowledged when this returns."""
    if event["type"] == "payment.captured":
        paid.append(event["data"]["merchant_transaction_id"])
        print("paid:", paid[-1], flush=True)


def make_app(stripe_secret: str, adyen_key: str) -> FastAPI:
    app = FastAPI()
    stripe, adyen = EventClient(connector="stripe"), EventClient(connector="adyen")
    app.include_router(webhook_router(adyen, path="/webhooks/adyen", secret=adyen_key, on_event=handle))

    @app.post("/webhooks/stripe")
    async def receive(request: Request) -> Response:
        raw, headers = await request.body(), request.headers
        try:
            event = await stripe.handle_event(
                {"payload": raw, "headers": dict(headers), "webhook_secret": stripe_secret}
            )
        except PrismError as refused:
            return Response(refused.reason, status_code=refused.http_status)
        for one in event.events:
            # Duplicates, too: the delivery before may have failed after this line. Key effects by the event's id.
            await handle(one)
        return Response(event.acknowledgement.body, status_code=event.acknowledgement.status)

    return app


if __name__ == "__main__":
    missing = [name for name in ("STRIPE_WEBHOOK_SECRET", "ADYEN_HMAC_KEY") if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {' and '.join(missing)}: what the webhooks are signed with")
    application = make_app(os.environ["STRIPE_WEBHOOK_SECRET"], os.environ["ADYEN_HMAC_KEY"])
    uvicorn.run(application, port=int(os.environ.get("PORT", "8000")))
