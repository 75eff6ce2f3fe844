"""A hundred calls at once with one request id are one call to the provider, over any number of server processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from killable_server import Server, zygote_process
from provider_desk import serving

from connectors.spi.simulating import Faults, Faulty, SimulatorOptions
from connectors.stripe.simulator_api import StripeSimulator
from orchestratorx_prism import PaymentClient
from orchestratorx_prism.errors import RequestIdReused
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_AUTHORIZED

AT_ONCE = 100
ANSWERS_AFTER_S = 0.5
"""Long enough for every call to have come before the first answer."""


@dataclass
class Installation:
    """Servers over one database, a client of each, and their provider."""

    simulator: StripeSimulator
    clients: list[PaymentClient]

    def pay(self, number: int, request_id: str = "order-1-pay", minor: int = 1099) -> Any:
        return self.clients[number % len(self.clients)].authorize(
            request_id=request_id,
            connector="stripe",
            amount={"minor_units": minor, "currency": "EUR"},
            merchant_transaction_id="order-1",
            instrument={"token": "pm_card_visa"},
            capture_mode="MANUAL",
            timeout_s=60.0,
        )

    def changed(self) -> list[str]:
        """What the provider was asked to do."""
        return [path for method, path in self.simulator.asked if method == "POST"]


@asynccontextmanager
async def installation(database_url: str, processes: int) -> AsyncIterator[Installation]:
    simulator = StripeSimulator(SimulatorOptions(seed=1))
    async with AsyncExitStack() as stack:
        late = Faulty(simulator, Faults(delays=1.0, delay_s=ANSWERS_AFTER_S))
        address = await stack.enter_async_context(serving(late))
        clients = []
        for _ in range(processes):
            http_port, grpc_port = free_port(), free_port()
            environment = {
                **{name: value for name, value in simulator.config(address).items() if value},
                "ORCHESTRATOR_DATABASE_URL": database_url,
                "ORCHESTRATOR_HTTP_PORT": str(http_port),
                "ORCHESTRATOR_GRPC_PORT": str(grpc_port),
                "ORCHESTRATOR_LOG_LEVEL": "error",
            }
            server = Server(stack.enter_context(zygote_process()), environment, http_port, grpc_port)
            server.start()
            stack.callback(server.kill)
            await server.ready()
            clients.append(
                await stack.enter_async_context(PaymentClient(connector="stripe", target=f"127.0.0.1:{grpc_port}"))
            )
        yield Installation(simulator, clients)
        await simulator.aclose()


@pytest.fixture(params=["one process on SQLite", pytest.param("two on PostgreSQL", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, int]:
    """The database, and how many processes share it."""
    if request.param.startswith("one"):
        return f"sqlite:///{tmp_path}/ledger.db", 1
    return request.getfixturevalue("fresh_postgres_url"), 2


@pytest.fixture
async def installed(place: tuple[str, int]) -> AsyncIterator[Installation]:
    async with installation(*place) as made:
        yield made


async def test_a_hundred_calls_at_once_are_one_call_to_the_provider_and_one_answer(installed: Installation) -> None:
    answers = await asyncio.gather(*(installed.pay(number) for number in range(AT_ONCE)))
    assert installed.changed() == ["/v1/payment_intents"]
    assert {answer.payment.status for answer in answers} == {PAYMENT_STATUS_AUTHORIZED}
    assert len({answer.payment.id for answer in answers}) == 1
    assert all(answer == answers[0] for answer in answers)
    (truth,) = installed.simulator.truths()
    assert truth.authorized_minor == 1099

    for number in range(2):  # of every process
        assert await installed.pay(number) == answers[0]
        with pytest.raises(RequestIdReused):
            await installed.pay(number, minor=1100)
    assert installed.changed() == ["/v1/payment_intents"]


async def test_of_two_requests_with_one_id_one_is_carried_out_and_the_other_refused(installed: Installation) -> None:
    # Each process gets both: numbers 0 and 1 pay one amount, 2 and 3 the other.
    minors = [1099 if number // 2 % 2 else 2099 for number in range(AT_ONCE)]
    calls = (installed.pay(number, minor=minor) for number, minor in enumerate(minors))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    (truth,) = installed.simulator.truths()
    assert installed.changed() == ["/v1/payment_intents"]
    for minor, answer in zip(minors, answers, strict=True):
        if minor == truth.authorized_minor:
            assert not isinstance(answer, BaseException), answer
            assert answer.payment.authorized.minor_units == minor
        else:
            assert isinstance(answer, RequestIdReused)
