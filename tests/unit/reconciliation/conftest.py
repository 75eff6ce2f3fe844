"""A reconciler of a Stripe whose list is scripted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connectors.spi import SampleRequest
from connectors.spi.reconciling import Page, Reconciling, Window
from orchestrator import plugins
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.reconciliation import Reconciler, Report, reconciler
from orchestrator.services.merchants import Merchants
from orchestrator.services.operations import Operator
from orchestrator.services.operations.asking import Asking
from orchestrator.settings_loading import settings_from

NOW_S = 1_800_000_000


def body(seed: int, *, at_s: int = NOW_S - 600, event_type: str = "payment_intent.succeeded") -> bytes:
    """One of the provider's items."""
    sample = plugins.connector_named("stripe").sample
    assert sample is not None
    return sample(SampleRequest(event_type, secret="whsec_x", seed=seed, now_s=at_s)).body


@dataclass
class Listing:
    """The provider's list: pages by the window's start, or what is raised instead."""

    pages: Callable[[Window, str], Page]
    asked: list[tuple[Window, str]] = field(default_factory=list)
    account: str = ""
    closed: bool = False

    async def page(self, window: Window, cursor: str, *, timeout_s: float) -> Page:
        self.asked.append((window, cursor))
        return self.pages(window, cursor)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Tallied:
    """What was counted."""

    reports: list[Report] = field(default_factory=list)
    until: list[tuple[str, str, int]] = field(default_factory=list)

    def reconciled(self, report: Report) -> None:
        self.reports.append(report)

    def reconciled_until(self, connector: str, merchant_id: str, until_s: int) -> None:
        self.until.append((connector, merchant_id, until_s))


@dataclass
class Bench:
    """Everything together."""

    listing: Listing
    ledger: MemoryLedger
    reconciler: Reconciler
    tallied: Tallied

    async def types(self) -> Sequence[str]:
        from orchestratorx_prism.v1.event_service_pb2 import EventFilter

        events, _ = await self.ledger.list_events(EventFilter(), page_size=1_000, page_token="")
        return [event.type for event in events]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    def make(pages: Callable[[Window, str], Page], **settings: Any) -> Bench:
        listing, ledger, tallied = Listing(pages), MemoryLedger(), Tallied()
        declared = Reconciling(
            make=lambda config, environment: listing,
            needs=("STRIPE_API_KEY",),
            reach_s=30 * 86_400,
            window_s=3_600,
            overlap_s=600,
            settle_s=120,
        )
        ready = replace(plugins.installed_connectors()["stripe"], reconciling=declared)
        installed = {**plugins.installed_connectors(), "stripe": ready}
        monkeypatch.setattr(plugins, "installed_connectors", lambda: installed)
        monkeypatch.setattr(reconciler, "installed_connectors", lambda: installed)
        merchant = {"connectors": {"stripe": {"credentials": {"STRIPE_API_KEY": "sk_test_x"}}}}
        values = {"database_url": "memory:", "merchants": {"default": merchant}, **settings}
        merchants = Merchants(settings_from(values))
        operator = Operator(merchants, ledger, Asking(), timeout_s=5)
        made = Reconciler(merchants, ledger, operator, timeout_s=5, tally=tallied, now_s=lambda: float(NOW_S))
        return Bench(listing, ledger, made, tallied)

    return make


@pytest.fixture
def item() -> Callable[..., bytes]:
    return body
