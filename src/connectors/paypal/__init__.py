"""PayPal: its label. Webhooks of the Orders, Payments, Subscriptions, Invoicing, Payouts, Vault and Disputes APIs."""

from __future__ import annotations

from connectors.paypal.backfill import make_backfill
from connectors.paypal.client import make_client
from connectors.paypal.endpoints import CONFIG_KEYS
from connectors.paypal.mapping import EVENT_TYPES
from connectors.paypal.outside import make_outside
from connectors.paypal.simulator import sample
from connectors.paypal.simulator_api import make_simulator
from connectors.paypal.webhooks import normalize, open_webhook, parse
from connectors.spi import Capability, Label, Trust
from connectors.spi.reconciling import Reconciling

connector = Label(
    name="paypal",
    title="PayPal",
    capabilities=frozenset(
        {
            Capability.WEBHOOKS,
            Capability.ONLINE_VERIFICATION,
            Capability.AUTHORIZE,
            Capability.CONFIRM_REDIRECT,
            Capability.CAPTURE,
            Capability.PARTIAL_CAPTURE,
            Capability.MULTIPLE_CAPTURE,
            Capability.VOID,
            Capability.REFRESH_PAYMENT,
            Capability.REFUND,
            Capability.PARTIAL_REFUND,
            Capability.CREATE_PAYOUT,
            Capability.ACCEPT_DISPUTE,
            Capability.SUBMIT_EVIDENCE,
            Capability.ATTACH_PAYMENT_METHOD,
            Capability.GET_PAYMENT_METHOD,
            Capability.LIST_PAYMENT_METHODS,
            Capability.DETACH_PAYMENT_METHOD,
            Capability.SETUP_MANDATE,
            Capability.CHARGE_MANDATE,
            Capability.REVOKE_MANDATE,
            Capability.CREATE_SUBSCRIPTION,
            Capability.GET_SUBSCRIPTION,
            Capability.UPDATE_SUBSCRIPTION,
            Capability.CANCEL_SUBSCRIPTION,
            Capability.RECONCILE,
        }
    ),
    config_keys=CONFIG_KEYS,
    trust=Trust.TRUST_SIGNED_WEAKLY,
    open=open_webhook,
    parse=parse,
    normalize=normalize,
    make_outside=make_outside,
    make_client=make_client,
    make_simulator=make_simulator,
    reconciling=Reconciling(
        make=make_backfill,
        needs=("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET"),
        reach_s=30 * 86_400,
        window_s=3_600,
        overlap_s=3_600,
        settle_s=120,
    ),
    sample=sample,
    event_types=EVENT_TYPES,
    webhook_id_key="PAYPAL_WEBHOOK_ID",
    secret_hint="the webhook's id: 17 letters and digits",  # noqa: S106 (a hint)
)
