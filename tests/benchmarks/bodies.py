"""Signed Stripe webhooks to load things with: about 2.4 KB each, every one its own event and payment."""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import replace

from connectors.spi import SampleRequest, SampleWebhook
from orchestrator.plugins import connector_named

SECRET = "whsec_benchmark"
TYPE = "payment_intent.succeeded"

# What a PaymentIntent carries besides the fields that the simulator fills: written from the API reference.
_REST = {
    "amount_details": {"tip": {}},
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
    "client_secret": None,
    "confirmation_method": "automatic",
    "on_behalf_of": None,
    "payment_method_configuration_details": {"id": "pmc_1Nv4Q2KZ6o1gI4QXHGT0bench", "parent": None},
    "payment_method_options": {
        "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
        "link": {"persistent_token": None},
    },
    "processing": None,
    "receipt_email": None,
    "review": None,
    "setup_future_usage": None,
    "shipping": {
        "address": {"city": "Springfield", "country": "US", "line1": "742 Evergreen Terrace", "line2": None},
        "carrier": None,
        "name": "A. Customer",
        "phone": None,
        "tracking_number": None,
    },
    "source": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "transfer_data": None,
    "transfer_group": None,
}


def webhooks(count: int, *, first_seed: int = 1) -> list[SampleWebhook]:
    """`count` webhooks of as many payments."""
    sample = connector_named("stripe").sample
    assert sample is not None
    now_s = int(time.time())
    return [
        _whole(sample(SampleRequest(TYPE, secret=SECRET, now_s=now_s, seed=first_seed + number)), now_s)
        for number in range(count)
    ]


def _whole(made: SampleWebhook, now_s: int) -> SampleWebhook:
    document = json.loads(made.body)
    document["data"]["object"] = {**_REST, **document["data"]["object"]}
    body = json.dumps(document, indent=2).encode()
    signature = hmac.digest(SECRET.encode(), b"%d." % now_s + body, "sha256").hex()
    return replace(made, body=body, headers={**made.headers, "Stripe-Signature": f"t={now_s},v1={signature}"})
