"""PayPal: its label. Webhooks of the Orders, Payments, Subscriptions, Invoicing, Payouts, Vault and Disputes APIs."""

from __future__ import annotations

from connectors.paypal.endpoints import CONFIG_KEYS
from connectors.paypal.mapping import EVENT_TYPES
from connectors.paypal.outside import make_outside
from connectors.paypal.simulator import sample
from connectors.paypal.webhooks import normalize, open_webhook, parse
from connectors.spi import Capability, Label, Trust

connector = Label(
    name="paypal",
    title="PayPal",
    capabilities=frozenset({Capability.WEBHOOKS, Capability.ONLINE_VERIFICATION}),
    config_keys=CONFIG_KEYS,
    trust=Trust.TRUST_SIGNED_WEAKLY,
    open=open_webhook,
    parse=parse,
    normalize=normalize,
    make_outside=make_outside,
    sample=sample,
    event_types=EVENT_TYPES,
    webhook_id_key="PAYPAL_WEBHOOK_ID",
    secret_hint="the webhook's id: 17 letters and digits",  # noqa: S106 (a hint)
)
