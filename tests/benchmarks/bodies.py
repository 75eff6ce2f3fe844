"""Signed Stripe webhooks to load things with: about 2.4 KB each, every one its own event and payment."""

from __future__ import annotations

import time

from connectors.spi import SampleRequest, SampleWebhook
from orchestrator.plugins import connector_named

SECRET = "whsec_benchmark"
TYPE = "payment_intent.succeeded"


def webhooks(count: int, *, first_seed: int = 1) -> list[SampleWebhook]:
    """`count` webhooks of as many payments."""
    sample = connector_named("stripe").sample
    assert sample is not None
    now_s = int(time.time())
    return [
        sample(SampleRequest(TYPE, secret=SECRET, now_s=now_s, seed=first_seed + number)) for number in range(count)
    ]
