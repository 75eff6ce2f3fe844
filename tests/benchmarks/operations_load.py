"""What an operation takes beside the provider's own time: its intent, its events and its answer are committed."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from measuring import Result
from provider_desk import Desk, desk_of

from connectors.spi import Capability, Context, Environment
from connectors.spi.operations import Call
from orchestrator.plugins import connector_named
from orchestratorx_prism import PaymentClient
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest

COUNT = 300
LIMIT_MS = 3.0
Once = Callable[[], Awaitable[object]]


def authorize() -> Result:
    """Middle of an Authorize, less that of the connector's bare call to the simulator: budget 3 ms."""
    whole_s, bare_s = asyncio.run(_measure())
    return Result(
        "Authorize above the provider's time, p50, SQLite FULL",
        max(0.0, whole_s - bare_s) * 1e6,
        "connector alone",
        bare_s * 1e6,
        most_us=LIMIT_MS * 1e3,
    )


async def _measure() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="orchestratorx-bench-") as folder:
        async with desk_of("stripe", database_url=f"sqlite:///{Path(folder) / 'bench.db'}", deliver=None) as desk:
            payments = PaymentClient(connector="stripe", transport=desk.transport)
            bare = _bare(desk)
            await _middle(lambda: payments.authorize(_request()), count=20)
            await _middle(bare, count=20)
            # In turns, so that whatever else the machine does is shared by both.
            pairs = [
                (await _middle(lambda: payments.authorize(_request())), await _middle(bare)) for _ in range(COUNT // 50)
            ]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _request() -> PaymentServiceAuthorizeRequest:
    return PaymentServiceAuthorizeRequest(
        request_id=str(uuid.uuid4()),
        amount=Money(minor_units=1099, currency="USD"),
        merchant_transaction_id="order-1",
        instrument=Instrument(token="pm_card_visa"),
        return_url="https://shop.example/return",
    )


def _bare(desk: Desk) -> Once:
    merchants = desk.application.merchants
    client, _ = merchants.client(connector_named("stripe"), "default")

    async def once() -> object:
        context = Context("default", Environment.ENVIRONMENT_SANDBOX, time.time_ns())
        return await client.call(Call(Capability.AUTHORIZE, _request(), str(uuid.uuid4()), context, 15.0))

    return once


async def _middle(once: Once, *, count: int = 50) -> float:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await once()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
