"""What the tests of Adyen's operations share: calls, and a simulator behind a real socket."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from connectors.adyen import connector
from connectors.adyen.client import AdyenOperations, make_client
from connectors.adyen.simulator_api import AdyenSimulator, make_simulator
from connectors.spi import Capability, Context, Environment, SampleWebhook
from connectors.spi.operations import Answer, Call
from connectors.spi.simulating import App, Faults, Faulty, Receive, Scope, Send, SimulatorOptions
from orchestrator.ledger.projection import PaymentState, apply, standing
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    CAPTURE_MODE_MANUAL,
    PaymentServiceAuthorizeRequest,
    PaymentServiceCaptureRequest,
    PaymentServiceConfirmRedirectRequest,
    PaymentServiceIncrementAuthorizationRequest,
    PaymentServiceVoidRequest,
)
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

HMAC_KEY = "7A" * 16 + "0b" * 16
SANDBOX = Environment.ENVIRONMENT_SANDBOX


def card(holder: str = "J. Payer", number: str = "4111111111111111") -> str:
    """The paymentMethod object of a test card, as Adyen's page makes it."""
    return json.dumps(
        {
            "type": "scheme",
            "encryptedCardNumber": f"test_{number}",
            "encryptedExpiryMonth": "test_03",
            "encryptedExpiryYear": "test_2030",
            "encryptedSecurityCode": "test_737",
            "holderName": holder,
        }
    )


def eur(minor: int) -> Money:
    return Money(minor_units=minor, currency="EUR")


def context(age_s: float = 0.0) -> Context:
    return Context("default", SANDBOX, int((time.time() - age_s) * 1_000_000_000))


def call(
    capability: Capability, request: Any, *, key: str = "", timeout_s: float = 10.0, age_s: float = 0.0, **about: Any
) -> Call:
    return Call(capability, request, key or str(uuid.uuid4()), context(age_s), timeout_s, **about)


def authorize(instrument: Instrument | None = None, *, manual: bool = False, minor: int = 1099, **fields: Any) -> Any:
    values = {
        "amount": eur(minor),
        "merchant_transaction_id": "order-1",
        "instrument": instrument or Instrument(token=card()),
        "return_url": "https://shop.example/back",
        "capture_mode": CAPTURE_MODE_MANUAL if manual else 0,
        **fields,
    }
    return PaymentServiceAuthorizeRequest(**values)


def capture(minor: int | None = None) -> Any:
    return PaymentServiceCaptureRequest(amount=None if minor is None else eur(minor))


def refund(minor: int | None = None, **fields: Any) -> Any:
    return RefundServiceCreateRequest(amount=None if minor is None else eur(minor), **fields)


def increment(minor: int) -> Any:
    return PaymentServiceIncrementAuthorizationRequest(amount=eur(minor))


def void() -> Any:
    return PaymentServiceVoidRequest()


def confirm(**parameters: str) -> Any:
    return PaymentServiceConfirmRedirectRequest(parameters=parameters)


@dataclass
class Books:
    """The events of one payment, and what they come to."""

    state: PaymentState = field(default_factory=PaymentState)
    events: list[Event] = field(default_factory=list)

    def add(self, events: Any) -> None:
        for event in events:
            self.events.append(event)
            apply(self.state, event)

    def payment(self) -> Payment:
        """The payment as the orchestrator would hand it to the next call."""
        found = standing(self.state)
        money = {
            name: Money(minor_units=value, currency=found.currency)
            for name, value in (
                ("authorized", found.authorized),
                ("captured", found.captured),
                ("refunded", found.refunded),
            )
            if value is not None
        }
        first = self.events[0].payment
        named = [event.payment.connector_transaction_id for event in self.events if event.HasField("payment")]
        payment = Payment(
            merchant_transaction_id=first.merchant_transaction_id,
            connector_transaction_id=next((name for name in named if name), ""),
            status=found.status,  # type: ignore[arg-type]
            amount=first.amount,
            **money,
        )
        for event in self.events:
            payment.references.extend(event.references)
        return payment


@dataclass
class Shop:
    """A client, the simulator behind its socket, and the webhooks that came."""

    client: AdyenOperations
    simulator: AdyenSimulator
    base: str
    webhooks: list[SampleWebhook]
    faulty: Faulty

    async def told(self) -> list[Event]:
        """The events of all webhooks so far, once those under way have come."""
        await self.simulator.aclose()
        found: list[Event] = []
        for made in self.webhooks:
            found += connector.normalize(connector.parse(made.body), context(), made.body)
        return found

    async def paid(self, request: Any, *, key: str = "") -> tuple[Answer, Books]:
        """An authorization, and its books with the answer's and the webhook's events."""
        answer = await self.client.call(call(Capability.AUTHORIZE, request, key=key))
        books = Books()
        books.add(answer.events)
        return answer, books


@asynccontextmanager
async def served(app: App) -> AsyncIterator[str]:
    """An app behind a real socket of this machine; its base URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_config=None, ws="none", port=0, timeout_graceful_shutdown=1)
    )
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


class OnlyFirst:
    """An app whose first request meets another app."""

    def __init__(self, first: App, then: App) -> None:
        self._next, self._then = first, then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app, self._next = self._next, self._then
        await app(scope, receive, send)


@asynccontextmanager
async def shop(faults: Faults | None = None, *, once: bool = False, **options: Any) -> AsyncIterator[Shop]:
    """A shop whose provider is the simulator, with or without faults between them; `once`: for the first request."""
    webhooks: list[SampleWebhook] = []

    async def deliver(made: SampleWebhook) -> None:
        webhooks.append(made)

    simulator = make_simulator(SimulatorOptions(webhook_secret=HMAC_KEY, deliver=deliver, **options))
    faulty = Faulty(simulator, faults or Faults())
    async with served(OnlyFirst(faulty, simulator) if once else faulty) as base:
        client = make_client(simulator.config(base), SANDBOX)
        try:
            yield Shop(client, simulator, base, webhooks, faulty)
        finally:
            await client.aclose()
            await simulator.aclose()
