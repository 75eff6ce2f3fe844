"""A merchant that takes M-Pesa: our client, a simulator of Daraja behind a real socket, our codec and a ledger."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn

from connectors.mpesa import connector
from connectors.mpesa.client import DarajaClient
from connectors.mpesa.simulator_api import URL_TOKEN, DarajaSimulator, make_simulator
from connectors.spi import Capability, Context, Environment, KnownRequest, Material, SampleWebhook, Webhook
from connectors.spi.operations import Answer, Call
from connectors.spi.simulating import Faults, Faulty, SimulatorOptions
from orchestrator.ledger.base import Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.services.holding import hold_unconfirmed
from orchestratorx_prism.errors import OutcomeUnknown
from orchestratorx_prism.v1.event_pb2 import CAUSE_API_RESPONSE, CAUSE_POLL, VERIFICATION_METHOD_OWN_CALL, Event
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment, PaymentStatus
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest, PaymentServiceGetRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

SANDBOX = Environment.ENVIRONMENT_SANDBOX
PAYER = "254708374149"
START_S = 1_800_000_000.0

PUSH = "/mpesa/stkpush/v1/processrequest"
QUERY = "/mpesa/stkpushquery/v1/query"
B2C = "/mpesa/b2c/v3/paymentrequest"
REVERSAL = "/mpesa/reversal/v1/request"
STATUS = "/mpesa/transactionstatus/v1/query"
REGISTER = "/pulltransactions/v1/register"
PULL = "/pulltransactions/v1/query"
TOKEN = "/oauth/v1/generate"

FATES = {
    "lost reply": (Faults(lost_replies=1.0), 1),
    "cut request": (Faults(cut_requests=1.0), 0),
    "error before": (Faults(errors=1.0), 0),
    "error after": (Faults(errors_after=1.0), 1),
}
"""What goes wrong with a request → how many requests of it are carried out."""


@asynccontextmanager
async def serving(asgi: Any) -> AsyncIterator[str]:
    """Serves on a free port of this machine; yields the address."""
    # Of a socket that does not name TCP asyncio leaves small packets to be held back: 40 ms for every answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(asgi, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


class Shop:
    """Everything together. Its clock is moved by `later`."""

    def __init__(self, **options: Any) -> None:
        self.now_s = START_S
        self.simulator: DarajaSimulator = make_simulator(
            SimulatorOptions(**{"seed": 1, "deliver": self.receive, "now_s": lambda: self.now_s, **options})
        )
        self.faulty = Faulty(self.simulator, Faults())
        self.ledger = MemoryLedger(spanning={"mpesa"})
        self.events: list[Event] = []
        """Everything that was recorded, duplicates left out."""
        self.callbacks: list[SampleWebhook] = []
        self.client: DarajaClient
        self._known: dict[str, KnownRequest] = {}

    async def later(self, seconds: float = 60.0) -> int:
        """Lets time pass, and what is due arrive."""
        self.now_s += seconds
        return await self.simulator.advance()

    async def does(self, call: Call) -> Answer:
        """Carries out a call, and records its events."""
        return await self.keep(await self.client.call(call), call)

    async def keep(self, answer: Answer, call: Call) -> Answer:
        """Records the events of an answer as the orchestrator does."""
        polled = call.capability == Capability.REFRESH_PAYMENT
        for event in answer.events:
            event.cause = CAUSE_POLL if polled else CAUSE_API_RESPONSE
            event.verification.method = VERIFICATION_METHOD_OWN_CALL
        await self._record(answer.events)
        if answer.known_request is not None:
            self._known[answer.known_request.connector_request_id] = answer.known_request
        return answer

    async def receive(self, made: SampleWebhook) -> None:
        """Takes in one callback as the orchestrator does: verified, held if unconfirmed, recorded."""
        self.callbacks.append(made)
        webhook = Webhook(made.body, {}, made.url_token, purpose=made.purpose)
        parsed = connector.parse(made.body)
        names = {text for text in self._known if text.encode() in made.body}
        known = self._known[names.pop()] if names else None
        material = Material(secrets=(URL_TOKEN,), known_request=known)
        opened = connector.open(webhook, material, int(self.now_s))
        context = replace_context(self.context(), purpose=made.purpose, known_request=known)
        events = connector.normalize(parsed, context, made.body)
        for event in events:
            event.verification.CopyFrom(opened.verification)
        hold_unconfirmed(events, opened.verification)
        await self._record(events)

    def context(self) -> Context:
        return Context("default", SANDBOX, int(self.now_s * 1e9))

    def authorize(self, phone: str = PAYER, minor_units: int = 150_000, **more: Any) -> Call:
        fields: dict[str, Any] = {
            "amount": Money(minor_units=minor_units, currency="KES"),
            "instrument": Instrument(phone=phone),
            "merchant_transaction_id": "order-7",
        }
        return self._call(Capability.AUTHORIZE, PaymentServiceAuthorizeRequest(**fields | more))

    def refresh(self, payment: Payment) -> Call:
        request = PaymentServiceGetRequest(payment_id=payment.id, refresh=True)
        return replace(self._call(Capability.REFRESH_PAYMENT, request), payment=payment)

    def refund(self, payment: Payment, **more: Any) -> Call:
        request = RefundServiceCreateRequest(payment_id=payment.id, refund_reason="wrong size", **more)
        return replace(self._call(Capability.REFUND, request), payment=payment)

    def payout(self, phone: str = PAYER, minor_units: int = 70_000, **more: Any) -> Call:
        request = PayoutServiceCreateRequest(
            amount=Money(minor_units=minor_units, currency="KES"),
            destination=PayoutDestination(phone=phone),
            merchant_payout_id="salary-3",
            **more,
        )
        return self._call(Capability.CREATE_PAYOUT, request)

    async def payment(self, reference: str) -> Payment:
        """The payment that has this name."""
        found = await self.ledger.find_payment("default", "mpesa", reference)
        assert found is not None
        return found

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def _call(self, capability: Capability, request: Any) -> Call:
        return Call(capability, request, str(uuid.uuid4()), self.context(), timeout_s=10.0)

    async def _record(self, events: Any) -> None:
        recorded = await self.ledger.record(Recording(list(events)))
        self.events += [event for event in recorded.events if event.id not in recorded.duplicate_ids]


def replace_context(context: Context, **changes: Any) -> Context:
    values = {name: getattr(context, name) for name in Context.__struct_fields__}
    return Context(**{**values, **changes})


@asynccontextmanager
async def open_shop(**options: Any) -> AsyncIterator[Shop]:
    """A shop whose client talks to its simulator over a socket, with `shop.faulty` in between."""
    shop = Shop(**options)
    async with serving(shop.faulty) as base:
        shop.client = DarajaClient(shop.simulator.config(base), SANDBOX, now_s=lambda: shop.now_s)
        try:
            yield shop
        finally:
            await shop.client.aclose()
            await shop.simulator.aclose()


def word(status: int) -> str:
    return PaymentStatus.Name(status).removeprefix("PAYMENT_STATUS_")


async def lost(shop: Shop, **more: Any) -> Call:
    """A push that was received, and whose answer was lost."""
    call = shop.authorize(**more)
    shop.faulty.faults = Faults(lost_replies=1.0)
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    shop.faulty.faults = Faults()
    return call


async def paid(shop: Shop) -> Any:
    call = shop.authorize()
    await shop.does(call)
    await shop.later()
    return await shop.payment(call.key)


class Odd:
    """An API that gives a token, and then answers everything with the same odd bytes."""

    def __init__(self, body: bytes, status: int) -> None:
        self._body, self._status = body, status

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        token = scope["path"] == TOKEN
        body = b'{"access_token":"t","expires_in":"3599"}' if token else self._body
        await send({"type": "http.response.start", "status": 200 if token else self._status, "headers": []})
        await send({"type": "http.response.body", "body": body})
