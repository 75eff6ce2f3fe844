"""A provider that does what a test says, behind a connector that declares everything a test needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.spi import Capability, Context
from connectors.spi.building import new_event, raw_of
from connectors.spi.operations import REQUEST, Answer, Call
from orchestrator import plugins
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.services.merchants import Merchants
from orchestrator.services.operations import Operator, Resolver
from orchestrator.services.operations.asking import Asking
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_AUTHORIZED
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest
from orchestratorx_prism.v1.reference_pb2 import Reference


def authorized(call: Call, *, type_: str = "payment.authorized") -> Event:
    """What a connector makes of an authorization."""
    event = new_event(
        call.context,
        raw_of(b"{}", call.context),
        connector="stripe",
        type=type_,
        dedup_key=f"api:{call.key}",
        references=[Reference(kind=REQUEST, value=call.key), Reference(kind="payment_intent", value="pi_1")],
    )
    event.payment.status = PAYMENT_STATUS_AUTHORIZED
    event.payment.amount.CopyFrom(call.request.amount)
    return event


class Provider:
    """A client. `does` and `says` are what `call` and `resolve` return, raise or await."""

    account = ""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.asked: list[Call] = []
        self.does: Callable[[Call], Any] = lambda call: Answer([authorized(call)], b"{}")
        self.says: Callable[[Call], Any] = lambda call: None

    async def call(self, call: Call) -> Answer:
        self.calls.append(call)
        return await _what(self.does, call)

    async def resolve(self, call: Call) -> Answer | None:
        self.asked.append(call)
        return await _what(self.says, call)

    async def aclose(self) -> None: ...


async def _what(does: Callable[[Call], Any], call: Call) -> Any:
    came = does(call)
    if asyncio.iscoroutine(came):
        came = await came
    if isinstance(came, Exception):
        raise came
    return came


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def operator(provider: Provider, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch) -> Operator:
    stripe = plugins.installed_connectors()["stripe"]
    declared = frozenset(Capability) - {Capability.MULTIPLE_CAPTURE}
    ready = replace(stripe, capabilities=declared, make_client=lambda config, environment: provider)
    installed = {**plugins.installed_connectors(), "stripe": ready}
    monkeypatch.setattr(plugins, "installed_connectors", lambda: installed)
    merchants = Merchants(settings_from({"database_url": "memory:"}))
    return Operator(merchants, ledger, Asking(), timeout_s=5)


@pytest.fixture
def resolver(operator: Operator, ledger: MemoryLedger) -> Resolver:
    return Resolver(operator, ledger, schedule_s=[0.0, 0.0, 600.0])


@pytest.fixture
def request_of() -> Callable[..., PaymentServiceAuthorizeRequest]:
    def make(request_id: str = "r-1", minor: int = 1099) -> PaymentServiceAuthorizeRequest:
        return PaymentServiceAuthorizeRequest(
            request_id=request_id,
            connector="stripe",
            amount=Money(minor_units=minor, currency="USD"),
            instrument=Instrument(token="pm_card_visa"),
            merchant_transaction_id="order-1",
        )

    return make


@pytest.fixture
def context() -> Context:
    return Context("default", 1, 1)
