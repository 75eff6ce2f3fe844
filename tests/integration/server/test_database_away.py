"""A server whose database goes away and comes back: no acknowledgement in between, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from orchestrator.bootstrap import build
from orchestrator.ledger.base import Recorded, Recording
from orchestrator.plugins import installed_connectors
from orchestrator.services import EventService
from orchestrator.services.intake import Intake
from orchestrator.serving import Server
from orchestrator.settings_loading import settings_from
from orchestrator.telemetry.metrics import Metrics
from orchestratorx_prism.errors import Unavailable
from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.wire import from_rpc_error

HANDLE = "/orchestratorx_prism.v1.EventService/HandleEvent"
HEALTH = "/grpc.health.v1.Health/Check"


class Faulty:
    """A ledger in front of the real one: away, or as slow as the test wants."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.away = False
        self.begun = asyncio.Event()
        self.may_record = asyncio.Event()
        self.may_record.set()
        self.recorded = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def ping(self) -> None:
        if self.away:
            raise Unavailable("the database does not answer", reason="DATABASE_UNAVAILABLE")
        await self._inner.ping()

    async def record(self, recording: Recording) -> Recorded:
        if self.away:
            raise Unavailable("the database cannot commit", reason="DATABASE_UNAVAILABLE")
        return await asyncio.shield(asyncio.create_task(self._record(recording)))

    async def _record(self, recording: Recording) -> Recorded:
        self.begun.set()
        await self.may_record.wait()
        recorded: Recorded = await self._inner.record(recording)
        self.recorded.set()
        return recorded


@dataclass
class Running:
    """A server in this process, over a faulty ledger."""

    server: Server
    ledger: Faulty
    url: str
    channel: Any
    client: httpx.AsyncClient

    async def post(self, webhook: Any) -> httpx.Response:
        headers = dict(webhook.headers)
        return await self.client.post(f"{self.url}/webhooks/stripe/default", content=webhook.body, headers=headers)

    async def events(self) -> int:
        found, _ = await self.ledger.list_events(pb.EventFilter(), page_size=50, page_token="")
        return len(found)


@contextlib.asynccontextmanager
async def running(**more: Any) -> AsyncIterator[Running]:
    secrets = {"default": {"connectors": {"stripe": {"webhook_secrets": ["whsec_serve_test"]}}}}
    values = {"database_url": "memory:", "grpc_port": 0, "http_port": 0, "merchants": secrets, **more}
    metrics = Metrics(installed_connectors())
    built = build(settings_from(values), metrics)
    ledger = Faulty(built.ledger)
    intake = Intake(built.merchants, keeps_raw=False, max_body_bytes=1_000_000)
    services = dataclasses.replace(built.services, events=EventService(intake, ledger, metrics))
    faulty: Any = ledger
    server = Server(dataclasses.replace(built, ledger=faulty, services=services), metrics)
    addresses = await server.start()
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{addresses.grpc_port}") as channel,
        httpx.AsyncClient(timeout=20) as client,
    ):
        yield Running(server, ledger, f"http://127.0.0.1:{addresses.http_port}", channel, client)
        await server.stop()


async def test_nothing_is_acknowledged_while_the_database_is_away_and_the_retry_is_recorded_once(
    stripe_webhook: Callable[[int], Any],
) -> None:
    async with running() as run:
        run.ledger.away = True
        refused = await run.post(stripe_webhook(1))
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.json()["reason"] == "DATABASE_UNAVAILABLE"
        run.ledger.away = False
        for _ in range(2):
            assert (await run.post(stripe_webhook(1))).status_code == 200
        assert await run.events() == 1


async def test_callers_of_grpc_are_told_unavailable(stripe_webhook: Callable[[int], Any]) -> None:
    async with running() as run:
        run.ledger.away = True
        sent = stripe_webhook(1)
        request = pb.HandleEventRequest(connector="stripe", payload=sent.body, headers=sent.headers)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await run.channel.unary_unary(HANDLE)(request.SerializeToString(), timeout=10)
        error = from_rpc_error(raised.value)
        assert (error.grpc_code, error.reason, error.retryable) == (14, "DATABASE_UNAVAILABLE", True)


async def test_load_balancers_see_it_by_both_doors() -> None:
    async with running() as run:
        assert (await run.client.get(f"{run.url}/readyz")).status_code == 200
        assert await run.channel.unary_unary(HEALTH)(b"", timeout=10) == b"\x08\x01"
        run.ledger.away = True
        await asyncio.sleep(1.1)  # a look is good for a second
        assert (await run.client.get(f"{run.url}/readyz")).status_code == 503
        assert await run.channel.unary_unary(HEALTH)(b"", timeout=10) == b"\x08\x02"
        text = (await run.client.get(f"{run.url}/metrics")).text
        assert 'orchestrator_dependency_up{dependency="database"} 0.0' in text


async def test_a_webhook_whose_caller_gave_up_is_recorded_all_the_same(stripe_webhook: Callable[[int], Any]) -> None:
    async with running() as run:
        run.ledger.may_record.clear()
        sent = stripe_webhook(1)
        request = pb.HandleEventRequest(connector="stripe", payload=sent.body, headers=sent.headers)
        call = run.channel.unary_unary(HANDLE)(request.SerializeToString())
        await asyncio.wait_for(run.ledger.begun.wait(), 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await run.events() == 0
        run.ledger.may_record.set()
        await asyncio.wait_for(run.ledger.recorded.wait(), 20)
        assert await run.events() == 1


async def test_what_is_being_recorded_when_the_server_stops_is_finished_and_acknowledged(
    stripe_webhook: Callable[[int], Any],
) -> None:
    async with running() as run:
        run.ledger.may_record.clear()
        posting = asyncio.create_task(run.post(stripe_webhook(1)))
        await asyncio.wait_for(run.ledger.begun.wait(), 20)
        stopping = asyncio.create_task(run.server.stop())
        await asyncio.sleep(0.2)
        assert not stopping.done()
        run.ledger.may_record.set()
        assert (await posting).status_code == 200
        assert run.ledger.recorded.is_set()
        await stopping


def test_a_webhook_that_waits_for_a_locked_file_is_not_acknowledged_and_is_recorded_once_when_the_lock_goes(
    serve: Any, stripe_webhook: Callable[[int], Any], tmp_path: Path
) -> None:
    process = serve(ORCHESTRATOR_REQUEST_TIMEOUT_S="3")
    assert process.post(stripe_webhook(1)).status_code == 200
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = process.post(stripe_webhook(2))
        assert refused.status_code == 504
        assert (refused.json()["reason"], refused.headers["retry-after"]) == ("DEADLINE_EXPIRED", "5")
        other.execute("ROLLBACK")
    for _ in range(40):  # what was begun is finished behind our back
        again = process.post(stripe_webhook(2))
        if again.status_code == 200:
            break
    assert again.status_code == 200
    with grpc.insecure_channel(process.grpc) as channel:
        raw = channel.unary_unary("/orchestratorx_prism.v1.EventService/ListEvents")(b"", timeout=10)
    assert len(pb.ListEventsResponse.FromString(raw).events) == 2
    assert process.stop() == 0
