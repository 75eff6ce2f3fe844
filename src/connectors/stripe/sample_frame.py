"""The frame of the simulator's webhooks: the snapshot event around an object, and its signature."""

from __future__ import annotations

import json
from typing import Final

from connectors.spi import SampleWebhook
from connectors.stripe.sample_objects import Json
from connectors.stripe.signatures import sign

API_VERSION: Final = "2026-10-28.endive"


def snapshot(
    event_type: str, made: Json, previous: Json, *, ids: tuple[str, str], now_s: int, key: str | None = None
) -> Json:
    """A snapshot event around an object. `ids`: the event's and the request's; `key`: the request's idempotency key."""
    data: Json = {"object": made}
    if previous:
        data["previous_attributes"] = previous
    return {
        "id": ids[0],
        "object": "event",
        "api_version": API_VERSION,
        "created": now_s,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": ids[1], "idempotency_key": key},
        "type": event_type,
    }


def signed(event: Json, secret: str, now_s: int) -> SampleWebhook:
    """An event as Stripe would post it."""
    body = json.dumps(event, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": sign(body, secret, now_s),
    }
    return SampleWebhook(body, headers)
