"""A shop with PayPal: client, simulator over a real socket, ledger. What the tests of PayPal's operations share."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import uvicorn

from connectors.paypal import connector
from connectors.paypal.client import PayPalClient
from connectors.paypal.simulator_api import SimulatorApi, make_simulator
from connectors.paypal.webhooks import normalize, open_webhook
from connectors.spi import Capability, Context, Environment, Material, SampleWebhook, Webhook
from connectors.spi.operations import Answer, Call
from connectors.spi.simulating import Faults, Faulty, SimulatorOptions
from orchestrator.ledger.base import Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    CaptureMode,
    PaymentServiceAuthorizeRequest,
    PaymentServiceCaptureRequest,
    PaymentServiceConfirmRedirectRequest,
    PaymentServiceGetRequest,
    PaymentServiceVoidRequest,
)
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

SANDBOX = Environment.ENVIRONMENT_SANDBOX
WEBHOOK_ID = "1AB23456CD789012E"
RETURN_URL = "https://shop.example/back"
MANUAL = CaptureMode.CAPTURE_MODE_MANUAL
AUTOMATIC = CaptureMode.CAPTURE_MODE_AUTOMATIC


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """Runs an ASGI app on a free port of 127.0.0.1; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


class Shop:
    """One merchant with PayPal."""

    def __init__(
        self, simulator: SimulatorApi, faulty: Faulty, client: PayPalClient, webhooks: list[SampleWebhook]
    ) -> None:
        self.simulator = simulator
        self.faulty = faulty
        self.client = client
        self.webhooks = webhooks
        self.ledger = MemoryLedger()

    async def call(self, capability: Capability, request: Any, **more: Any) -> tuple[Answer, Payment]:
        """Carries out a call and records its events; gives the answer and the payment after it."""
        answer = await self.client.call(self.made(capability, request, **more))
        return answer, await self.recorded(answer.events)

    def made(self, capability: Capability, request: Any, **more: Any) -> Call:
        given = {"key": str(uuid.uuid4()), "timeout_s": 5.0, **more}
        return Call(capability, request, context=self.context(), **given)

    def context(self, age_s: float = 0.0) -> Context:
        return Context("default", SANDBOX, int((time.time() - age_s) * 1e9))

    def aged(self, call: Call, age_s: float) -> Call:
        """The same call, as made so long ago."""
        return replace(call, context=self.context(age_s))

    async def recorded(self, events: Any) -> Payment:
        """Records events; gives the payment of the last."""
        done = await self.ledger.record(Recording(list(events)))
        payment_id = next((one.payment_id for one in done.events if one.payment_id), "")
        return await self.ledger.get_payment("default", payment_id) or Payment()

    async def webhook_events(self) -> list[Event]:
        """The events of all webhooks that the simulator has sent, each verified."""
        await self.simulator.drain()
        events = []
        for made in self.webhooks:
            webhook = Webhook(made.body, {name.lower(): value for name, value in made.headers.items()})
            material = Material(webhook_id=WEBHOOK_ID, certificates=made.certificates)
            opened = open_webhook(webhook, material, int(time.time()))
            events += normalize(opened.parsed, self.context(), made.body)
        return events

    async def visit(self, url: str, *, cancel: bool = False) -> httpx.URL:
        """The payer goes to PayPal's page; gives where they are sent back to."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            response = await browser.get(f"{url}&cancel=1" if cancel else url)
        assert response.status_code == 302
        return httpx.URL(response.headers["location"])

    async def authorized(self, minor: int = 1099, *, mode: Any = MANUAL, **fields: Any) -> Payment:
        """A payment with a saved card."""
        _, payment = await self.call(Capability.AUTHORIZE, authorization(minor, mode=mode, **fields))
        return payment

    async def captured(self, minor: int = 1099, **fields: Any) -> Payment:
        """A payment that was taken at once."""
        return await self.authorized(minor, mode=AUTOMATIC, **fields)


@asynccontextmanager
async def open_shop(**options: Any) -> AsyncIterator[Shop]:
    """A shop whose simulator sends its webhooks into a list."""
    webhooks: list[SampleWebhook] = []

    async def deliver(webhook: SampleWebhook) -> None:
        webhooks.append(webhook)

    simulator = make_simulator(SimulatorOptions(deliver=deliver, webhook_secret=WEBHOOK_ID, **options))
    faulty = Faulty(simulator, Faults())
    async with serving(faulty) as address:
        assert connector.make_client is not None
        client = connector.make_client(simulator.config(address), SANDBOX)
        try:
            yield Shop(simulator, faulty, client, webhooks)
        finally:
            await client.aclose()
            await simulator.aclose()


def usd(minor: int, currency: str = "USD") -> Money:
    return Money(minor_units=minor, currency=currency)


def authorization(
    minor: int = 1099, *, currency: str = "USD", mode: Any = MANUAL, instrument: Instrument | None = None, **fields: Any
) -> PaymentServiceAuthorizeRequest:
    given = {"merchant_transaction_id": "order-1", "return_url": RETURN_URL, **fields}
    return PaymentServiceAuthorizeRequest(
        amount=usd(minor, currency),
        capture_mode=mode,
        instrument=instrument or Instrument(connector_payment_method_id="card-visa"),
        **given,
    )


def at_paypal() -> Instrument:
    return Instrument(redirect_method="paypal")


def saved(method_id: str) -> Instrument:
    return Instrument(connector_payment_method_id=method_id)


def confirmation(**parameters: str) -> PaymentServiceConfirmRedirectRequest:
    return PaymentServiceConfirmRedirectRequest(parameters=parameters)


def capture(minor: int | None = None, *, final: bool = False, currency: str = "USD") -> PaymentServiceCaptureRequest:
    amount = None if minor is None else usd(minor, currency)
    return PaymentServiceCaptureRequest(amount=amount, final_capture=final)


def release() -> PaymentServiceVoidRequest:
    return PaymentServiceVoidRequest()


def refund(minor: int | None = None, **fields: Any) -> RefundServiceCreateRequest:
    return RefundServiceCreateRequest(amount=None if minor is None else usd(minor), **fields)


def question() -> PaymentServiceGetRequest:
    return PaymentServiceGetRequest(refresh=True)
