"""Deliveries over SQLite and PostgreSQL, to a receiver on loopback."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ledger_events import make, money
from receivers import Receiver

from orchestrator.access import audit
from orchestrator.delivery.dispatcher import Dispatcher
from orchestrator.delivery.egress import Guard
from orchestrator.delivery.options import DispatchOptions
from orchestrator.delivery.posting import Poster
from orchestrator.delivery.registry import Registry
from orchestrator.delivery.telling import Telling
from orchestrator.ledger.base import Ledger, Recording
from orchestrator.ledger.factory import open_ledger
from orchestrator.services.administration.deliveries import DeliveryService
from orchestrator.services.administration.endpoints import WebhookEndpointService
from orchestrator.vault import Vault
from orchestratorx_prism.v1 import delivery_service_pb2 as dpb
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import Event

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


class Desk:
    """Everything of one replica."""

    def __init__(self, ledger: Ledger, vault: Vault, guard: Guard) -> None:
        self.ledger = ledger
        self.vault = vault
        self.poster = Poster(guard, timeout_s=2.0)
        self.endpoints = WebhookEndpointService(ledger.tables, vault, guard, self.poster)
        self.deliveries = DeliveryService(ledger.tables)
        self.dispatchers: list[Dispatcher] = []
        self._keys = itertools.count()

    def telling(self) -> Telling:
        """What makes events of endpoints that were given up."""
        return Telling(
            self.ledger.tables,
            lambda event: self.ledger.record(Recording([event])),
            lambda _merchant: Environment.ENVIRONMENT_SANDBOX,
        )

    def dispatcher(self, alert: Any = None, metrics: Any = None, **options: Any) -> Dispatcher:
        """Another one over the same database, not started."""
        options.setdefault("timeout_s", 2.0)
        options.setdefault("housekeeping_s", 0.1)
        made = Dispatcher(
            self.ledger.tables,
            Registry(self.ledger.tables, self.vault),
            self.poster,
            self.ledger.outbox.wait_for_work,
            audit.append,
            options=DispatchOptions(**options),
            telling=self.telling(),
            **({"alert": alert} if alert else {}),
            **({"metrics": metrics} if metrics else {}),
        )
        self.dispatchers.append(made)
        return made

    async def endpoint(self, url: str, **fields: Any) -> pb.WebhookEndpointServiceCreateResponse:
        return await self.endpoints.create(pb.WebhookEndpointServiceCreateRequest(url=url, **fields))

    async def tell(self, type: str = "payment.captured", *, payment: str = "", **fields: Any) -> Event:
        """Records one event; of a payment of its own, if none is named."""
        key = f"k{next(self._keys)}"
        fields.setdefault("amount", money(1000))
        if type == "payment.captured":
            fields.setdefault("operation_id", key)
        event = make(type, key, refs=(f"pi_{payment or key}",), **fields)
        [recorded] = await self.ledger.record_many([Recording([event])])
        assert not isinstance(recorded, Exception)
        return recorded.events[0]

    async def listed(self, **where: Any) -> list[dpb.Delivery]:
        page = await self.deliveries.list(
            dpb.DeliveryServiceListRequest(filter=dpb.DeliveryFilter(**where), page_size=1_000)
        )
        return list(page.deliveries)

    async def until(self, condition: Callable[[list[dpb.Delivery]], bool], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition(await self.listed()):  # noqa: ASYNC110 - it is a database that is looked at
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    ledger = open_ledger(url, spanning=())
    await ledger.open()
    made = Desk(ledger, Vault({"k": b"k" * 32}), Guard(allow_http=True, allowed=LOOPBACK))
    yield made
    for dispatcher in made.dispatchers:
        await dispatcher.stop()
    await made.poster.aclose()
    await ledger.close()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as listening:
        yield listening
