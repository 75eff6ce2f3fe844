"""No cost per event grows with the number stored: every query goes through an index, and the ten thousandth event costs
what the first thousand did."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from ledger_events import make, money

from orchestrator.ledger.base import ChannelRule, Ledger, Recording
from orchestrator.ledger.factory import open_ledger
from orchestrator.ledger.schema_all import metadata
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest

EVENTS = 10_000
PART = 1_000


async def exercise(ledger: Ledger) -> None:
    """Every query there is, at least once."""
    event = make("payment.captured", "x", amount=money(5), refs=("pi_x", "ch_x"), operation_id="c", reference="order")
    refund = make("refund.succeeded", "r", at=1, refs=("ch_x",), amount=money(1), connector_refund_id="re_x")
    dispute = make("dispute.opened", "d", at=2, refs=("or_x",), amount=money(1), connector_dispute_id="dp_x")
    meeting = make("payment.pending", "m", at=3, refs=("pi_x", "or_x"))
    event.raw.sha256 = b"1" * 32
    await ledger.record(Recording([event], b"body"))
    await ledger.record_many([Recording([refund]), Recording([dispute]), Recording([meeting])])
    await ledger.get_event("default", event.id)
    await ledger.get_raw("default", event.id)
    await ledger.get_payment("default", event.payment_id)
    await ledger.find_payment("default", "stripe", "ch_x")
    await ledger.get_refund("default", refund.refund.refund_id)
    await ledger.get_dispute("default", dispute.dispute.dispute_id)
    for where in (EventFilter(), EventFilter(types=["refund.*"]), EventFilter(payment_id=event.payment_id)):
        await ledger.list_events(where, page_size=2, page_token="")
        await ledger.events_after("0", where, limit=2)
    await ledger.list_payments(PaymentServiceListRequest(page_size=2, currency="USD"))
    await ledger.list_payments(PaymentServiceListRequest(page_size=2, merchant_transaction_id="order"))
    for payment_id in ("", event.payment_id):
        await ledger.list_refunds(RefundServiceListRequest(page_size=2, payment_id=payment_id))
        await ledger.list_disputes(DisputeServiceListRequest(page_size=2, payment_id=payment_id))
    await ledger.head_cursor()
    claim = await ledger.outbox.claim("events", limit=2, lease_s=9)
    await ledger.outbox.complete(claim, [claim.rows[0].row_id])
    await ledger.outbox.release(claim, [row.row_id for row in claim.rows[1:]], delay_s=0)
    await ledger.outbox.backlog("events")
    await ledger.replay(EventFilter(types=["refund.*"]), [], channel="")
    await ledger.replay(EventFilter(payment_id=event.payment_id), [event.id], channel="")
    await ledger.outbox.purge_sent(older_than_s=0, limit=5)
    await ledger.purge_raw(older_than_s=0, limit=5)
    await ledger.ping()


def opened(url: str) -> Ledger:
    return open_ledger(
        url, channels=[ChannelRule("events", lambda event: True)], raw_keys={"k": b"k" * 32}, spanning=()
    )


TABLES = {*metadata.tables, "e", "o", "p", "k", "r", "s"}
"""With the aliases that queries give them."""

BOUNDED = ("SELECT n FROM events LIMIT 1", "alembic_version", "sqlite_master")
"""Queries that read one row of a table, or a table of one."""


async def test_sqlite_answers_every_query_through_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.ledger import sqlite as module

    queries: set[str] = set()
    connect = module._connect

    def traced(path: Path, *, readonly: bool) -> sqlite3.Connection:
        connection = connect(path, readonly=readonly)
        connection.set_trace_callback(queries.add)
        return connection

    monkeypatch.setattr(module, "_connect", traced)
    ledger = opened(f"sqlite:///{tmp_path / 'x.db'}")
    await ledger.open()
    await exercise(ledger)
    await ledger.close()
    connection = connect(tmp_path / "x.db", readonly=True)
    faults = []
    checked = 0
    for query in queries:
        if not query.startswith(("SELECT", "UPDATE", "DELETE")) or any(text in query for text in BOUNDED):
            continue
        checked += 1
        steps = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]
        scans = [
            step for step in steps if step.startswith("SCAN") and step.split()[1] in TABLES and "USING" not in step
        ]
        # In the order of the primary key, and no further than a LIMIT: the oldest rows.
        allowed = 1 if "AS oldest" in query else 0
        if len(scans) > allowed or any("AUTOMATIC" in step for step in steps):
            faults.append((steps, query[:300]))
    connection.close()
    assert faults == []
    assert checked > 30


@pytest.mark.postgres
async def test_postgresql_answers_every_query_through_an_index(
    fresh_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: dict[str, tuple[Any, ...]] = {}

    def note(method: Any) -> Any:
        async def noted(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
            queries[query] = arguments
            return await method(self, query, *arguments, **options)

        return noted

    for name in ("fetch", "fetchrow", "fetchval"):
        monkeypatch.setattr(asyncpg.Connection, name, note(getattr(asyncpg.Connection, name)))
    ledger = opened(fresh_postgres_url)
    await ledger.open()
    await exercise(ledger)
    await ledger.close()
    monkeypatch.undo()
    connection = await asyncpg.connect(fresh_postgres_url, server_settings={"enable_seqscan": "off"})
    faults = []
    checked = 0
    for query, arguments in queries.items():
        if not any(f" {table}" in query for table in ("events", "payments", "names", "outbox", "sent", "refunds")):
            continue
        checked += 1
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *arguments))
        if "Seq Scan on" in plan and "alembic_version" not in plan:
            faults.append((query[:200], plan))
    await connection.close()
    assert faults == []
    assert checked > 25


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("fresh_postgres_url"))
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'soak.db'}"


@pytest.mark.timeout(300)
async def test_ten_thousand_events_cost_the_last_no_more_than_the_first(url: str) -> None:
    ledger = opened(url)
    await ledger.open()
    taken = []
    for part in range(EVENTS // PART):
        recordings = []
        for n in range(part * PART // 2, (part + 1) * PART // 2):
            refs = (f"pi_{n}", f"ch_{n}")
            recordings.append(Recording([make("payment.authorized", f"a{n}", at=n, refs=refs, amount=money(5))]))
            capture = make("payment.captured", f"c{n}", at=n + 1, refs=refs, amount=money(5), operation_id="c")
            recordings.append(Recording([capture]))
        began = time.process_time()
        for begin in range(0, PART, 64):
            await asyncio.gather(*(ledger.record(one) for one in recordings[begin : begin + 64]))
        taken.append((time.process_time() - began) / PART * 1e6)
        await _publish_everything(ledger)
    early, late = sorted(taken[1:4])[1], min(taken[-3:])  # one part may be hit by something else; growth hits all
    print(f"\n{url.partition(':')[0]}: CPU µs an event, each thousand: {' '.join(f'{one:.0f}' for one in taken)}")
    assert late < 2.5 * early + 20, taken
    assert (await ledger.find_payment("default", "stripe", f"ch_{EVENTS // 2 - 1}")) is not None
    await ledger.close()


async def _publish_everything(ledger: Ledger) -> None:
    while (claim := await ledger.outbox.claim("events", limit=500, lease_s=30)).rows:
        await ledger.outbox.complete(claim, [row.row_id for row in claim.rows])


async def test_the_thousandth_event_of_one_payment_costs_what_the_first_did(tmp_path: Path) -> None:
    ledger = opened(f"sqlite:///{tmp_path / 'one.db'}")
    await ledger.open()
    sizes = []
    for n in range(1_000):
        event = make("payment.pending", f"p{n}", at=n, amount=money(n))
        await ledger.record_many([Recording([event])])
        if n in {10, 999}:
            connection = sqlite3.connect(tmp_path / "one.db")
            sizes.append(connection.execute("SELECT length(record) FROM payments").fetchone()[0])
            connection.close()
    await ledger.close()
    assert sizes[1] < sizes[0] + 16
