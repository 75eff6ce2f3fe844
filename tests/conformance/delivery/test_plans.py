"""Nothing that is done for a delivery looks at all of them: every query goes through an index."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from receivers import Receiver, Reply

from orchestrator.delivery.housekeeping import cancel_switched_off, purge, standing
from orchestratorx_prism.v1 import delivery_service_pb2 as dpb
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb

LARGE = ("deliveries", "delivery_queue", "attempts", "events")
BOUNDED = ("AS oldest", "LIMIT 10000", "ORDER BY q.n LIMIT 1")
"""Queries that read the beginning of a table, in the order of its key and no further than a LIMIT."""


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Any, ...]]:
    """Every query that is asked, with the values of the last time."""
    from orchestrator.ledger import sqlite as module

    asked: dict[str, tuple[Any, ...]] = {}
    connect = module._connect

    def traced(path: Path, *, readonly: bool) -> sqlite3.Connection:
        connection = connect(path, readonly=readonly)
        connection.set_trace_callback(lambda query: asked.setdefault(query, ()))
        return connection

    fetch = asyncpg.Connection.fetch

    async def noted(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        asked[query] = arguments
        return await fetch(self, query, *arguments, **options)

    monkeypatch.setattr(module, "_connect", traced)
    monkeypatch.setattr(asyncpg.Connection, "fetch", noted)
    return asked


async def exercise(desk: Any, receiver: Receiver) -> None:
    """Everything that happens to deliveries, at least once."""
    made = await desk.endpoint(receiver.url, ordered=True, per_second=500)
    failing = await desk.endpoint(receiver.url + "/fail", headers={"x": "y"})
    endpoint_id = made.endpoint.endpoint_id
    desk.dispatcher().start()
    first = await desk.tell(payment="p")
    await desk.tell("payment.pending", payment="p")
    await desk.until(lambda found: sum(one.state == 2 for one in found) == 2)
    [shown] = await desk.listed(event_id=first.id, endpoint_id=endpoint_id)
    await desk.deliveries.get(dpb.DeliveryServiceGetRequest(delivery_id=shown.delivery_id))
    await desk.deliveries.replay(dpb.DeliveryServiceReplayRequest(delivery_id=shown.delivery_id))
    where = dpb.DeliveryFilter(payment_id=first.payment_id, states=[2], event_types=["payment.*"])
    await desk.deliveries.replay_many(dpb.DeliveryServiceReplayManyRequest(filter=where))
    recover = pb.WebhookEndpointServiceRecoverRequest(endpoint_id=endpoint_id, since=first.received_at)
    await desk.endpoints.recover(recover)
    await desk.endpoints.list(pb.WebhookEndpointServiceListRequest())
    delete = pb.WebhookEndpointServiceDeleteRequest(endpoint_id=failing.endpoint.endpoint_id)
    await desk.endpoints.delete(delete)
    await desk.ledger.tables.transact(cancel_switched_off)
    await desk.ledger.tables.transact(lambda: purge(0))
    await standing(desk.ledger.tables)
    for dispatcher in desk.dispatchers:
        await dispatcher.stop()


async def test_every_query_goes_through_an_index(
    queries: dict[str, tuple[Any, ...]], desk: Any, receiver: Receiver, url: str
) -> None:
    receiver.behaviour = lambda received: Reply(500 if "fail" in received.path else 200)
    await exercise(desk, receiver)
    asked = {query: values for query, values in queries.items() if _is_of_deliveries(query)}
    faults = _sqlite_faults(asked, url) if url.startswith("sqlite") else await _postgres_faults(asked, url)
    assert faults == []
    assert len(asked) > 20


def _is_of_deliveries(query: str) -> bool:
    return query.startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")) and any(name in query for name in LARGE)


def _sqlite_faults(asked: dict[str, tuple[Any, ...]], url: str) -> list[tuple[str, list[str]]]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    faults = []
    for query in asked:
        steps = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]
        aliases = {name for name in LARGE if re.search(rf"(FROM|JOIN|UPDATE) {name}\b", query)}
        aliases |= {alias for name, alias in re.findall(r"(\w+) (?:AS )?([a-z])\b", query) if name in LARGE}
        scans = [step for step in steps if step.startswith("SCAN") and step.split()[1] in aliases]
        scans = [step for step in scans if "USING" not in step]
        if (scans and not any(text in query for text in BOUNDED)) or any("AUTOMATIC" in step for step in steps):
            faults.append((query[:200], steps))
    connection.close()
    return faults


async def _postgres_faults(asked: dict[str, tuple[Any, ...]], url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(url, server_settings={"enable_seqscan": "off", "jit": "off"})
    faults = []
    for query, values in asked.items():
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *values))
        if re.search(rf"Seq Scan on ({'|'.join(LARGE)})\b", plan):
            faults.append((query[:200], plan))
    await connection.close()
    return faults
