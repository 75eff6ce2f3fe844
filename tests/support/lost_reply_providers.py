"""Simulated providers on which things go wrong, and shoppers who do not give up: what tests of lost replies share."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from provider_desk import SECRETS, serving

from connectors.paypal.simulator import authority
from connectors.spi import SampleWebhook
from connectors.spi.operations import NEVER_RECEIVED
from connectors.spi.simulating import Faults, Faulty, Simulator, SimulatorOptions, Truth
from orchestrator.plugins import connector_named
from orchestratorx_prism import PaymentClient, RefundClient
from orchestratorx_prism.errors import DeadlineExpired, OutcomeUnknown, ProviderRefused, Unavailable
from orchestratorx_prism.transports.grpc import GrpcTransport
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_FAILED,
    Payment,
    PaymentStatus,
)

T = TypeVar("T")

CONNECTORS: Final = ("stripe", "adyen", "paypal")
INSTRUMENTS: Final[dict[str, dict[str, Any]]] = {
    "stripe": {"token": "pm_card_visa"},
    "adyen": {
        "token": '{"type": "scheme", "encryptedCardNumber": "test_4111111111111111", '
        '"encryptedExpiryMonth": "test_03", "encryptedExpiryYear": "test_2030", "encryptedSecurityCode": "test_737"}'
    },
    "paypal": {"connector_payment_method_id": "card-visa"},
}
"""None of them asks the payer for anything more."""
LOSES_CALLBACKS: Final = frozenset({"stripe", "paypal"})
"""Their answers tell everything. Adyen's webhooks tell what the answers do not, and it repeats them until they came."""
KINDS: Final = ("taken at once", "captured", "captured and refunded", "voided", "left alone")
AMOUNT: Final = 10_000
REFUND: Final = 2_500
LOOK_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0
CALL_S: Final = 30.0


@dataclass
class Providers:
    """The simulators, each at its own address, and what became of their webhooks."""

    http_ports: Sequence[int]
    """Of the servers; each attempt goes to the next one."""
    simulators: dict[str, Simulator] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    """Credentials and webhook secrets under the connectors' own names."""
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    """Webhooks that were refused for good: connector, status, what was said."""
    delivered: Counter[str] = field(default_factory=Counter)
    _turns: Iterator[int] = field(default_factory=count)

    async def deliver(self, connector: str, browser: httpx.AsyncClient, sample: SampleWebhook) -> None:
        """Posts a webhook until it is taken, as providers do."""
        while True:
            port = self.http_ports[next(self._turns) % len(self.http_ports)]
            url = f"http://127.0.0.1:{port}/webhooks/{connector}/default"
            with contextlib.suppress(httpx.HTTPError):
                answer = await browser.post(url, content=sample.body, headers=dict(sample.headers))
                if answer.is_success:
                    self.delivered[connector] += 1
                    return
                if answer.status_code < 500 and answer.status_code != 408:
                    self.refused.append((connector, answer.status_code, answer.text))
                    return
            await asyncio.sleep(LOOK_S)

    def truths(self) -> list[tuple[str, Truth]]:
        return [(name, truth) for name, simulator in self.simulators.items() for truth in simulator.truths()]


@contextlib.asynccontextmanager
async def providers_at(http_ports: Sequence[int], faults: Faults) -> AsyncIterator[Providers]:
    """The three simulators, running, each behind its own faults."""
    providers = Providers(http_ports)
    async with contextlib.AsyncExitStack() as stack:
        browser = await stack.enter_async_context(httpx.AsyncClient(timeout=30.0))
        for number, name in enumerate(CONNECTORS):
            label = connector_named(name)
            assert label.make_simulator is not None

            async def deliver(sample: SampleWebhook, connector: str = name) -> None:
                await providers.deliver(connector, browser, sample)

            options = SimulatorOptions(
                seed=number,
                deliver=deliver,
                webhook_secret=SECRETS[name],
                callback_delay_s=0.05,
                lost_callbacks=0.1 if name in LOSES_CALLBACKS else 0.0,
                duplicate_callbacks=0.1,
            )
            simulator = label.make_simulator(options)
            address = await stack.enter_async_context(serving(Faulty(simulator, faults, seed=number)))
            providers.simulators[name] = simulator
            providers.config.update(simulator.config(address))
        yield providers


def trust_of_paypal(folder: Path) -> str:
    """A file with the root that signs the simulated PayPal's certificate."""
    file = folder / "paypal-root.pem"
    file.write_bytes(authority().root)
    return str(file)


@dataclass
class Shoppers:
    """Whoever buys: each call is repeated with its own request_id until it has an answer."""

    transports: Sequence[GrpcTransport]
    """To the servers; each call goes to the next one."""
    repeats: Counter[str] = field(default_factory=Counter)
    """What made them repeat → how often."""
    anew: int = 0
    """How often an order was paid again because the provider had no trace of the request before."""

    def __post_init__(self) -> None:
        self._turns = {
            kind: cycle([kind(transport=one) for one in self.transports]) for kind in (PaymentClient, RefundClient)
        }

    @property
    def _payments(self) -> PaymentClient:
        return next(self._turns[PaymentClient])

    @property
    def _refunds(self) -> RefundClient:
        return next(self._turns[RefundClient])

    async def order(self, number: int) -> None:
        """One order from beginning to end; its number says with whom and what."""
        connector = CONNECTORS[number % len(CONNECTORS)]
        kind = KINDS[number // len(CONNECTORS) % len(KINDS)]
        name = order_name(number)
        if kind == "left alone":
            with contextlib.suppress(Unavailable, OutcomeUnknown, DeadlineExpired):
                await self._authorize(f"{name}-pay-0", connector, name, "MANUAL")
            return
        payment = await self._paid(connector, name, "AUTOMATIC" if kind == "taken at once" else "MANUAL")
        if kind == "voided":
            await self._again_where_lost(
                name, "void", lambda id_: self._payments.void(request_id=id_, payment_id=payment.id, timeout_s=CALL_S)
            )
            return
        if kind != "taken at once":
            await self._again_where_lost(
                name,
                "capture",
                lambda id_: self._payments.capture(request_id=id_, payment_id=payment.id, timeout_s=CALL_S),
            )
        if kind == "captured and refunded":
            await self._until_captured(payment.id)
            part = {"minor_units": REFUND, "currency": payment.amount.currency}
            await self._again_where_lost(
                name,
                "refund",
                lambda id_: self._refunds.create(request_id=id_, payment_id=payment.id, amount=part, timeout_s=CALL_S),
            )

    async def _paid(self, connector: str, name: str, mode: str) -> Payment:
        for attempt in count():
            request_id = f"{name}-pay-{attempt}"
            answer = await self._persist(lambda id_=request_id: self._authorize(id_, connector, name, mode))
            if answer.payment.status != PAYMENT_STATUS_FAILED:
                return answer.payment
            assert answer.payment.failure.code == NEVER_RECEIVED.code, answer.payment.failure
            self.anew += 1
        raise AssertionError

    def _authorize(self, request_id: str, connector: str, name: str, mode: str) -> Awaitable[Any]:
        return self._payments.authorize(
            request_id=request_id,
            connector=connector,
            amount={"minor_units": AMOUNT, "currency": "EUR"},
            merchant_transaction_id=name,
            instrument=INSTRUMENTS[connector],
            capture_mode=mode,
            return_url="https://shop.example/return",
            timeout_s=CALL_S,
        )

    async def _again_where_lost(self, name: str, what: str, call: Callable[[str], Awaitable[Any]]) -> None:
        """A request that the provider certainly never got is made again, under another id."""
        for attempt in count():
            try:
                await self._persist(lambda id_=f"{name}-{what}-{attempt}": call(id_))
            except ProviderRefused as refused:
                if refused.metadata.get("code") != NEVER_RECEIVED.code:
                    raise
                self.anew += 1
            else:
                return

    async def _until_captured(self, payment_id: str) -> None:
        while True:
            answer = await self._persist(lambda: self._payments.get(payment_id=payment_id, timeout_s=CALL_S))
            if answer.payment.status == PAYMENT_STATUS_CAPTURED:
                return
            await asyncio.sleep(LOOK_S)

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except (Unavailable, OutcomeUnknown, DeadlineExpired) as error:
                self.repeats[error.reason] += 1
                await asyncio.sleep(min(LONGEST_PAUSE_S, error.retry_after_s or LOOK_S))

    async def differences(self, providers: Providers) -> list[str]:
        """Where the ledger and the providers do not say the same; empty: they do."""
        payments = await self._all()
        by_order: dict[str, list[Payment]] = defaultdict(list)
        for payment in payments:
            by_order[payment.merchant_transaction_id].append(payment)
        found, wrong = set(), []
        for connector, truth in providers.truths():
            payment = _of(connector, truth, by_order[truth.merchant_transaction_id])
            if payment is None:
                wrong.append(f"{truth.merchant_transaction_id}: {connector} has {truth.status}, the ledger has nothing")
                continue
            if payment.id in found:
                wrong.append(f"{truth.merchant_transaction_id}: two truths are one payment")
            found.add(payment.id)
            seen = (_status(payment), payment.captured.minor_units, payment.refunded.minor_units)
            if seen != (truth.status, truth.captured_minor, truth.refunded_minor):
                wrong.append(f"{truth.merchant_transaction_id}: {connector} has {truth}, the ledger {seen}")
        for payment in payments:
            if payment.id not in found and payment.status != PAYMENT_STATUS_FAILED:
                wrong.append(f"{payment.merchant_transaction_id}: {_status(payment)} is no provider's truth")
            wrong += [f"{payment.merchant_transaction_id}: {anomaly}" for anomaly in payment.anomalies]
        return wrong

    async def _all(self) -> Sequence[Payment]:
        token, found, client = "", [], self._payments
        while True:
            page = await client.list(page_size=500, page_token=token)
            found += page.payments
            token = page.next_page_token
            if not token:
                return found


def order_name(number: int) -> str:
    return f"order-{number:04d}"


def charges_of_orders(providers: Providers) -> dict[str, list[Truth]]:
    """Order → what was reserved or taken for it."""
    charged: dict[str, list[Truth]] = defaultdict(list)
    for _, truth in providers.truths():
        if truth.authorized_minor or truth.captured_minor:
            charged[truth.merchant_transaction_id].append(truth)
    return charged


def _of(connector: str, truth: Truth, payments: Sequence[Payment]) -> Payment | None:
    for payment in payments:
        named = {payment.connector_transaction_id, *(reference.value for reference in payment.references)}
        if payment.connector == connector and truth.connector_transaction_id in named:
            return payment
    return None


def _status(payment: Payment) -> str:
    return PaymentStatus.Name(payment.status).removeprefix("PAYMENT_STATUS_")
