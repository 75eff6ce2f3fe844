"""Stripe: its label.

The codec is in `webhooks.py`, the meanings in `mapping*.py`; operations are in `requests*.py`, `answers*.py` and
`client.py`; the simulator is in `simulator*.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.spi import Capability, Environment, Label, Trust
from connectors.spi.operations import Client
from connectors.spi.reconciling import Backfill, Reconciling
from connectors.spi.simulating import Simulator, SimulatorOptions
from connectors.stripe.families import EVENT_TYPES
from connectors.stripe.requests import OPERATIONS
from connectors.stripe.simulator import sample
from connectors.stripe.webhooks import normalize, open_webhook, parse

__all__ = ["connector"]


def _make_client(config: Mapping[str, str], environment: Environment.ValueType) -> Client:
    from connectors.stripe.client import make_client  # Stripe's SDK is large, and webhooks need none of it

    return make_client(config, environment)


def _make_backfill(config: Mapping[str, str], environment: Environment.ValueType) -> Backfill:
    from connectors.stripe.backfill import make_backfill

    return make_backfill(config, environment)


def _make_simulator(options: SimulatorOptions) -> Simulator:
    from connectors.stripe.simulator_api import make_simulator

    return make_simulator(options)


connector = Label(
    name="stripe",
    title="Stripe",
    capabilities=OPERATIONS | {Capability.WEBHOOKS, Capability.RECONCILE},
    config_keys={
        "STRIPE_WEBHOOK_SECRET": "Workbench > Webhooks > your endpoint > Signing secret",
        "STRIPE_API_KEY": "Developers > API keys > Secret key, sk_test_ or sk_live_; or a restricted key, rk_",
        "STRIPE_API_BASE": "Only for simulators and proxies; empty: Stripe's own hosts",
    },
    trust=Trust.TRUST_SIGNED,
    open=open_webhook,
    parse=parse,
    normalize=normalize,
    sample=sample,
    make_client=_make_client,
    make_simulator=_make_simulator,
    reconciling=Reconciling(
        make=_make_backfill,
        needs=("STRIPE_API_KEY",),
        reach_s=30 * 86_400,
        window_s=3_600,
        overlap_s=600,
        settle_s=120,
    ),
    event_types=EVENT_TYPES,
    webhook_secret_key="STRIPE_WEBHOOK_SECRET",  # noqa: S106 (the setting's name)
    secret_hint="whsec_ and the rest, as Stripe shows it; the whole text is the key",  # noqa: S106 (a hint)
)
