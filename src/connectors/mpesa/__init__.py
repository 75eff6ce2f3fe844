"""M-Pesa (Safaricom Daraja, Kenya): the connector's label. Nothing else lives here."""

from __future__ import annotations

from connectors.mpesa.account import CONFIG_KEYS
from connectors.mpesa.backfill import NEEDS, make_backfill
from connectors.mpesa.client import CAPABILITIES, make_client
from connectors.mpesa.confirming import make_outside
from connectors.mpesa.mapping import INGRESS_ALIAS, PURPOSES, REFUSED_IN_URLS, TYPES
from connectors.mpesa.matching import matches
from connectors.mpesa.simulator import sample
from connectors.mpesa.simulator_api import make_simulator
from connectors.mpesa.webhooks import acknowledge, normalize, open_webhook, parse
from connectors.mpesa.webhooks import answers as requests_answered
from connectors.spi import Capability, Label, Trust
from connectors.spi.reconciling import Reconciling

__all__ = ["connector"]

connector = Label(
    name="mpesa",
    title="M-Pesa",
    capabilities=frozenset({Capability.WEBHOOKS, Capability.QUERY_BACK, Capability.RECONCILE}) | CAPABILITIES,
    config_keys=CONFIG_KEYS,
    trust=Trust.TRUST_QUERY_BACK,
    open=open_webhook,
    parse=parse,
    normalize=normalize,
    acknowledge=acknowledge,
    answers=requests_answered,
    make_outside=make_outside,
    make_client=make_client,
    make_simulator=make_simulator,
    reconciling=Reconciling(
        make=make_backfill,
        needs=NEEDS,
        reach_s=48 * 3_600,
        window_s=6 * 3_600,
        overlap_s=3_600,
        settle_s=300,
        matches=matches,
        asks_open=True,
    ),
    sample=sample,
    references_span_accounts=True,
    event_types=sorted(TYPES),
    webhook_secret_key="MPESA_URL_TOKEN",  # noqa: S106 - the name of a key
    ingress_alias=INGRESS_ALIAS,
    purposes=PURPOSES,
    refused_in_urls=REFUSED_IN_URLS,
    secret_hint="the end of the callback URLs, 16 characters or more: `openssl rand -hex 24`",  # noqa: S106 - a hint
)
