"""Stripe: its label. The codec is in `webhooks.py`, the meanings in `mapping*.py`, the simulator in `simulator.py`."""

from __future__ import annotations

from connectors.spi import Capability, Label, Trust
from connectors.stripe.families import EVENT_TYPES
from connectors.stripe.simulator import sample
from connectors.stripe.webhooks import normalize, open_webhook, parse

__all__ = ["connector"]

connector = Label(
    name="stripe",
    title="Stripe",
    capabilities=frozenset({Capability.WEBHOOKS}),
    config_keys={"STRIPE_WEBHOOK_SECRET": "Workbench > Webhooks > your endpoint > Signing secret"},
    trust=Trust.TRUST_SIGNED,
    open=open_webhook,
    parse=parse,
    normalize=normalize,
    sample=sample,
    event_types=EVENT_TYPES,
    webhook_secret_key="STRIPE_WEBHOOK_SECRET",  # noqa: S106 (the setting's name)
    secret_hint="whsec_ and the rest, as Stripe shows it; the whole text is the key",  # noqa: S106 (a hint)
)
