"""A shop's day with M-Pesa on a simulated clock: pushes, payments at the till, payouts, and callbacks that get lost.

Everything that happens comes from the seed, and time moves only where the test moves it.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

import httpx
from provider_desk import SECRETS

from connectors.mpesa import session
from connectors.mpesa.simulator_api import DarajaSimulator, make_simulator
from connectors.mpesa.simulator_books import Paid
from connectors.spi import Capability, SampleWebhook
from connectors.spi.simulating import SimulatorOptions
from orchestrator.ledger.base import Ledger
from orchestrator.ledger.factory import open_ledger
from orchestrator.reconciliation import Reconciler, Report
from orchestrator.services import EventService
from orchestrator.services.intake import Intake
from orchestrator.services.merchants import Merchants
from orchestrator.services.operations import Operator
from orchestrator.services.operations.asking import Asking
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest, PaymentServiceListRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

START_S = 1_800_000_000.0
MINUTE_S = 60
DAY_MINUTES = 24 * 60
RECONCILE_EVERY_MIN = 15

ENDINGS = {
    "254700000001": 2,
    "254700001019": 2,
    "254700001032": 5,
    "254700001037": 3,
    "254700002001": 2,
    "254700011037": 4,
    "254700004999": 1,
}
"""Phone → how often it is among a hundred payers: refused, cancelled, expired, paid late after all, never ends."""


@dataclass
class Day:
    """The shop, its provider and its clock."""

    seed: int
    now_s: float = START_S
    simulator: DarajaSimulator = field(init=False)
    ledger: Ledger = field(init=False)
    events: EventService = field(init=False)
    operator: Operator = field(init=False)
    reconciler: Reconciler = field(init=False)
    reports: list[Report] = field(default_factory=list)
    till: list[tuple[Paid, bool]] = field(default_factory=list)
    """Payments without a push, and whether a confirmation was to be called back."""
    payouts: dict[str, int] = field(default_factory=dict)
    """Our id → minor units."""
    refunds: dict[str, str] = field(default_factory=dict)
    """Our id of the payment → of its refund."""
    refused: list[PrismError] = field(default_factory=list)
    late: list[tuple[float, int, SampleWebhook]] = field(default_factory=list)
    delayed: int = 0
    pushed: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    async def receive(self, webhook: SampleWebhook) -> None:
        """The network: one callback in ten takes up to two hours more."""
        if self.chance.random() < 0.1:
            self.delayed += 1
            due_s = self.now_s + self.chance.uniform(60, 7_200)
            heapq.heappush(self.late, (due_s, self.delayed, webhook))
        else:
            await self.deliver(webhook)

    async def deliver(self, webhook: SampleWebhook) -> None:
        request = HandleEventRequest(
            connector="mpesa",
            payload=webhook.body,
            webhook_secret=SECRETS["mpesa"],
            url_token=webhook.url_token,
            purpose=webhook.purpose,
        )
        try:
            await self.events.handle_event(request)
        except PrismError as error:
            self.refused.append(error)

    async def minute(self) -> None:
        """A minute passes."""
        self.now_s += MINUTE_S
        await self.simulator.advance()
        while self.late and self.late[0][0] <= self.now_s:
            await self.deliver(heapq.heappop(self.late)[2])

    async def trade(self) -> None:
        """What customers and the shop do in one minute."""
        drawn = self.chance.random()
        if drawn < 0.25:
            await self.push()
        elif drawn < 0.30:
            self.pay_at_till(announced=True)
        elif drawn < 0.32:
            self.pay_at_till(announced=False)
        elif drawn < 0.36:
            await self.pay_out()
        elif drawn < 0.39:
            await self.give_back()

    async def push(self) -> None:
        """An order is paid by STK push; one in four has no reference of the shop's, some are of few amounts."""
        self.pushed += 1
        phone = f"25471{self.chance.randrange(10**7):07d}"
        roll = self.chance.randrange(100)
        for special, often in ENDINGS.items():
            roll -= often
            if roll < 0:
                phone = special
                break
        reference = "" if self.chance.random() < 0.25 else f"order-{self.chance.randrange(60)}"
        request = PaymentServiceAuthorizeRequest(
            request_id=f"push-{self.pushed}",
            connector="mpesa",
            amount=Money(minor_units=self.chance.choice([10_000, 25_000, 150_000]), currency="KES"),
            instrument=Instrument(phone=phone),
            merchant_transaction_id=reference,
        )
        await self.operator.run(Capability.AUTHORIZE, request)

    def pay_at_till(self, *, announced: bool) -> None:
        phone = f"25472{self.chance.randrange(10**7):07d}"
        amount = self.chance.choice([10_000, 25_000, 150_000])
        reference = f"order-{self.chance.randrange(60)}"
        self.till.append((self.simulator.pay_in(phone, amount, reference, announced=announced), announced))

    async def pay_out(self) -> None:
        number = len(self.payouts) + 1
        phone = "254700000001" if self.chance.random() < 0.1 else f"25473{self.chance.randrange(10**7):07d}"
        request = PayoutServiceCreateRequest(
            request_id=f"payout-{number}",
            connector="mpesa",
            amount=Money(minor_units=70_000, currency="KES"),
            destination=PayoutDestination(phone=phone),
            merchant_payout_id=f"salary-{number}",
        )
        answer = await self.operator.run(Capability.CREATE_PAYOUT, request)
        self.payouts[answer.payout.payout_id] = 70_000

    async def give_back(self) -> None:
        """A payment that is there and whole goes back."""
        request = PaymentServiceListRequest(
            merchant_id="default", statuses=[PAYMENT_STATUS_CAPTURED], connectors=["mpesa"], page_size=20
        )
        for payment in (await self.ledger.list_payments(request))[0]:
            if payment.id not in self.refunds and "receipt" in {reference.kind for reference in payment.references}:
                refund = RefundServiceCreateRequest(
                    request_id=f"refund-{len(self.refunds)}", payment_id=payment.id, refund_reason="too small"
                )
                self.refunds[payment.id] = (await self.operator.run(Capability.REFUND, refund)).refund.id
                return

    async def reconcile(self) -> Report:
        report = await self.reconciler.catch_up("mpesa", "default")
        self.reports.append(report)
        return report

    async def run(self, minutes: int) -> None:
        """A day's trade, reconciled every quarter of an hour."""
        for minute in range(1, minutes + 1):
            await self.trade()
            await self.minute()
            if minute % RECONCILE_EVERY_MIN == 0:
                await self.reconcile()

    async def settle(self, hours: int) -> None:
        """Time without trade, reconciled every hour: what is late arrives, and what is not told is reported."""
        for _ in range(hours):
            for _ in range(60):
                await self.minute()
            await self.reconcile()


@contextmanager
def without_a_network(simulator: DarajaSimulator) -> Iterator[None]:
    """Our client speaks to the simulator in this process: thousands of requests, and no socket to wait for.

    Over real sockets the same is tested with fewer requests, in `tests/integration`.
    """
    here = partial(httpx.AsyncClient, transport=httpx.ASGITransport(app=simulator))
    with patch.object(session, "httpx", SimpleNamespace(**{**vars(httpx), "AsyncClient": here})):
        yield


@asynccontextmanager
async def a_day(seed: int, *, database_url: str = "memory:", lost: float = 0.2) -> AsyncIterator[Day]:
    """A shop that is open, registered for Pull Transactions."""
    day = Day(seed)
    day.simulator = make_simulator(
        SimulatorOptions(
            seed=seed,
            deliver=day.receive,
            webhook_secret=SECRETS["mpesa"],
            callback_delay_s=20.0,
            lost_callbacks=lost,
            duplicate_callbacks=0.1,
            now_s=lambda: day.now_s,
        )
    )
    with without_a_network(day.simulator):
        credentials = dict(day.simulator.config("http://127.0.0.1"))
        merchant = {"connectors": {"mpesa": {"credentials": credentials}}}
        settings = settings_from({"database_url": database_url, "merchants": {"default": merchant}})
        merchants = Merchants(settings)
        day.ledger = open_ledger(database_url, window=50_000)
        intake = Intake(
            merchants,
            keeps_raw=False,
            max_body_bytes=2**20,
            now_ns=lambda: int(day.now_s * 1e9),
            intents=day.ledger.intents,
        )
        day.events = EventService(intake, day.ledger)
        day.operator = Operator(merchants, day.ledger, Asking(), timeout_s=10.0, now_ns=lambda: int(day.now_s * 1e9))
        day.reconciler = Reconciler(merchants, day.ledger, day.operator, timeout_s=10.0, now_s=lambda: day.now_s)
        await day.ledger.open()
        try:
            await day.reconciler.register("mpesa", "default")
            yield day
        finally:
            await day.operator.stop()
            await day.reconciler.aclose()
            await merchants.aclose()
            await day.ledger.close()
