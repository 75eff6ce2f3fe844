"""Adyen: the connector's label. What it can do, where its settings are found, how far its webhooks are believed."""

from __future__ import annotations

from connectors.adyen.client import make_client
from connectors.adyen.endpoints import CONFIG_KEYS
from connectors.adyen.operations import DECLARED
from connectors.adyen.simulator import EVENT_TYPES, sample
from connectors.adyen.simulator_api import make_simulator
from connectors.adyen.webhooks import acknowledge, normalize, open_webhook, parse
from connectors.spi import Capability, Label, Trust

connector = Label(
    name="adyen",
    title="Adyen",
    capabilities=frozenset({Capability.WEBHOOKS}) | DECLARED,
    config_keys=CONFIG_KEYS,
    # An item's signature does not cover reason, eventDate, live and additionalData; what it does not cover decides
    # nothing here, and `verification.detail` names it.
    trust=Trust.TRUST_SIGNED,
    open=open_webhook,
    parse=parse,
    normalize=normalize,
    acknowledge=acknowledge,
    sample=sample,
    references_span_accounts=True,
    make_client=make_client,
    make_simulator=make_simulator,
    event_types=EVENT_TYPES,
    webhook_secret_key="ADYEN_HMAC_KEY",  # noqa: S106 - the name of a setting
    secret_hint="the HMAC key of this webhook: 64 hexadecimal digits",  # noqa: S106 - a description
)
