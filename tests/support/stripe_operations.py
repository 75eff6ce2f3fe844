"""Stripe's client against its simulator over a real loopback socket, and calls made in one line. For tests."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

from connectors.spi import Capability, Context, Environment, Material, SampleWebhook, Webhook
from connectors.spi.operations import Answer, Call
from connectors.spi.simulating import App, Faults, Faulty, SimulatorOptions
from connectors.stripe import connector
from connectors.stripe.client import StripeApi
from connectors.stripe.simulator_api import StripeSimulator
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import CAPTURE_MODE_MANUAL, PaymentServiceAuthorizeRequest

SANDBOX = Environment.ENVIRONMENT_SANDBOX
SECRET = "whsec_operations"


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[str]:
    """Serves on a free port of this machine; yields the address."""
    # With its protocol named, asyncio switches off Nagle's algorithm, which would cost 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))  # type: ignore[arg-type]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@dataclass
class Till:
    """A merchant with a client, a simulator and the webhooks it sent."""

    client: StripeApi
    simulator: StripeSimulator
    faulty: Faulty
    base: str
    posted: list[SampleWebhook] = field(default_factory=list)
    keys: Any = field(default_factory=lambda: itertools.count(1))
    clock: list[float] = field(default_factory=lambda: [0.0])
    """Added to the time of client and simulator. Seconds."""

    def make(self, capability: Capability, request: Any, **of: Any) -> Call:
        values = {"timeout_s": 5.0, "key": str(uuid.UUID(int=next(self.keys))), **of}
        context = Context("default", SANDBOX, int((time.time() + self.clock[0]) * 1e9))
        return Call(capability, request, context=context, **values)

    async def call(self, capability: Capability, request: Any, **of: Any) -> Answer:
        return await self.client.call(self.make(capability, request, **of))

    def authorize(self, method: str = "pm_card_visa", minor: int = 1099, currency: str = "USD", **more: Any) -> Call:
        of = {name: more.pop(name) for name in ("key", "timeout_s") if name in more}
        return self.make(Capability.AUTHORIZE, authorization(method, minor, currency, **more), **of)

    async def paid(self, method: str = "pm_card_visa", **more: Any) -> Payment:
        """A payment that was authorized, as the ledger would know it."""
        return payment_of(await self.client.call(self.authorize(method, **more)))

    async def held(self, **more: Any) -> Payment:
        return await self.paid(capture_mode=CAPTURE_MODE_MANUAL, **more)

    async def webhooks(self) -> list[Event]:
        """The events of every webhook so far, verified."""
        await self.simulator.aclose()
        events = []
        for one in self.posted:
            headers = {name.lower(): value for name, value in one.headers.items()}
            opened = connector.open(
                Webhook(one.body, headers), Material(secrets=(SECRET,)), int(time.time() + self.clock[0])
            )
            events += connector.normalize(opened.parsed, Context("default", SANDBOX, time.time_ns()), one.body)
        return events

    async def payer(self, payment_id: str, result: str = "succeeded") -> httpx.Response:
        """What the payer does at the issuer's page."""
        async with httpx.AsyncClient() as browser:
            return await browser.get(f"{self.base}/simulator/authenticate/{payment_id}", params={"result": result})


@asynccontextmanager
async def till(faults: Faults | None = None, **options: Any) -> AsyncIterator[Till]:
    """A running simulator behind `faults`, and a client of it."""
    posted: list[SampleWebhook] = []
    clock = [0.0]

    async def deliver(one: SampleWebhook) -> None:
        posted.append(one)

    def now_s() -> float:
        return time.time() + clock[0]

    simulator = StripeSimulator(SimulatorOptions(deliver=deliver, webhook_secret=SECRET, now_s=now_s, **options))
    faulty = Faulty(simulator, faults or Faults())
    async with serving(faulty) as base:
        client = StripeApi(simulator.config(base), SANDBOX, now_s=now_s, jitter=lambda: 0.0)
        try:
            yield Till(client, simulator, faulty, base, posted, clock=clock)
        finally:
            await client.aclose()
            await simulator.aclose()


def usd(minor: int) -> Money:
    return Money(minor_units=minor, currency="USD")


def authorization(token: str, minor: int, currency: str, **more: Any) -> PaymentServiceAuthorizeRequest:
    values: dict[str, Any] = {
        "amount": Money(minor_units=minor, currency=currency),
        "merchant_transaction_id": "order-1",
        "instrument": Instrument(token=token),
        **more,
    }
    return PaymentServiceAuthorizeRequest(**values)


def payment_of(answer: Answer) -> Payment:
    """The payment that an answer's event tells of, as far as operations look at it."""
    data = answer.events[0].payment
    return Payment(
        id="pay_1",
        connector="stripe",
        merchant_transaction_id=data.merchant_transaction_id,
        connector_transaction_id=data.connector_transaction_id,
        status=data.status,
        amount=data.amount,
        authorized=data.authorized if data.HasField("authorized") else data.amount,
        captured=data.captured if data.HasField("captured") else None,
    )
