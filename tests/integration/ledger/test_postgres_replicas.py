"""Several replicas over one PostgreSQL: what they lock, and that none gets between another's reading and writing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ledger_events import make, money

from orchestrator.ledger import postgres as module
from orchestrator.ledger import postgres_listener
from orchestrator.ledger.base import ChannelRule, Recording
from orchestrator.ledger.factory import migrate_ledger
from orchestrator.ledger.postgres import PostgresLedger
from orchestrator.ledger.postgres_outbox import _TURN
from orchestratorx_prism.errors import Unavailable
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

pytestmark = pytest.mark.postgres

OURS = "application_name = 'orchestratorx' AND datname = current_database()"


def pending(key: str, **more: Any) -> Event:
    return make("payment.pending", key, refs=(f"pi_{key}",), amount=money(1), **more)


async def waiting_for_a_lock(admin: Any, count: int) -> None:
    """Returns once so many of the ledgers' connections do."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND wait_event_type = 'Lock'"  # noqa: S608
    async with asyncio.timeout(30):
        while await admin.fetchval(query) < count:
            await asyncio.sleep(0.01)
            await admin.execute("SELECT pg_stat_clear_snapshot()")


async def test_a_merge_under_way_in_another_replica_is_waited_for(fresh_postgres_url: str) -> None:
    replicas = [PostgresLedger(fresh_postgres_url) for _ in range(3)]
    for replica in replicas:
        await replica.open()
    for n in range(12):
        names = [f"a_{n}", f"b_{n}", f"c_{n}"]
        for name in names:
            await replicas[0].record(Recording([make("payment.pending", f"first {name}", refs=(name,))]))
        pairs = [(names[0], names[1]), (names[1], names[2]), (names[2], names[0])]
        await asyncio.gather(
            *(
                replica.record(Recording([make("payment.pending", f"pair {pair}", at=1, refs=pair)]))
                for replica, pair in zip(replicas, pairs, strict=True)
            )
        )
        found = [await replicas[1].find_payment("default", "stripe", name) for name in names]
        assert found[0] is not None
        assert found[0] == found[1] == found[2]
        events, _ = await replicas[2].list_events(EventFilter(payment_id=found[0].id), page_size=100, page_token="")
        assert len(events) == 6
    for replica in replicas:
        await replica.close()


@pytest.mark.parametrize("webhooks", [1, 200], ids=["one webhook", "many webhooks"])
async def test_however_much_is_recorded_at_once_a_transaction_takes_few_locks(
    ledger: PostgresLedger, admin: Any, webhooks: int
) -> None:
    events = [pending(f"p{n}") for n in range(400)]
    size = len(events) // webhooks
    parts = [Recording(events[begin : begin + size]) for begin in range(0, len(events), size)]
    async with admin.transaction():
        await admin.execute("LOCK TABLE events IN SHARE MODE")
        under_way = asyncio.gather(*(ledger.record(part) for part in parts))
        await waiting_for_a_lock(admin, 1)
        held = await admin.fetchval(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
    await under_way
    assert 0 < held <= 513
    assert [event.sequence for event in events] == [1] * 400


async def test_a_recording_too_great_to_lock_name_by_name_keeps_the_others_out(
    ledger: PostgresLedger, fresh_postgres_url: str, admin: Any
) -> None:
    replica = PostgresLedger(fresh_postgres_url)
    await replica.open()
    great, small = [pending(f"p{n}") for n in range(400)], make("payment.captured", "c", at=1, refs=("pi_p7",))
    async with admin.transaction():
        await admin.execute("LOCK TABLE events IN SHARE MODE")
        first = asyncio.create_task(ledger.record(Recording(great)))
        await waiting_for_a_lock(admin, 1)
        second = asyncio.create_task(replica.record(Recording([small])))
        await waiting_for_a_lock(admin, 2)
    await asyncio.gather(first, second)
    assert (small.payment_id, small.sequence) == (great[7].payment_id, 2)
    await replica.close()


@pytest.mark.parametrize("inside_a_statement", [False, True])
async def test_a_replica_that_freezes_inside_a_claim_does_not_stop_the_others(
    fresh_postgres_url: str, monkeypatch: pytest.MonkeyPatch, inside_a_statement: bool
) -> None:
    assert module.WRITER_QUERIES["idle_in_transaction_session_timeout"] == "30s"
    await migrate_ledger(fresh_postgres_url)
    monkeypatch.setitem(module.POINT_QUERIES, "idle_in_transaction_session_timeout", "2s")
    everything = [ChannelRule("events", lambda event: True)]
    frozen = PostgresLedger(fresh_postgres_url, channels=everything)
    other = PostgresLedger(fresh_postgres_url, channels=everything)
    await frozen.open()
    monkeypatch.undo()
    monkeypatch.setattr(postgres_listener, "_HANGS_AFTER_S", 2.0)
    monkeypatch.setattr(postgres_listener, "_LOOK_EVERY_S", 0.5)
    await other.open()
    await other.record(Recording([pending("a")]))
    holds, thaws = asyncio.Event(), asyncio.Event()

    async def freeze(connection: Any) -> None:
        await connection.execute(_TURN, "events")
        if inside_a_statement:
            # The server has been told of a statement, and not yet to carry it out.
            await connection.prepare("SELECT 2")
        holds.set()
        await thaws.wait()
        await connection.execute("SELECT 1")

    await frozen._listener.stop()
    freezing = asyncio.create_task(frozen._transact(freeze))
    await holds.wait()
    async with asyncio.timeout(25):
        claim = await other.outbox.claim("events", limit=1, lease_s=30)
    assert len(claim.rows) == 1
    thaws.set()
    with pytest.raises(Unavailable):
        await freezing
    await frozen.close()
    await other.close()


async def test_a_claim_overtakes_no_row_that_commits_while_it_looks(ledger: PostgresLedger, admin: Any) -> None:
    for n in range(16):
        await ledger.record(Recording([pending(f"p{n}")]))
    held = await ledger.outbox.claim("events", limit=16, lease_s=600)
    first = held.rows[0].row_id
    transact, looks = ledger._outbox._transact, 0

    class Looking:
        """The claim's connection. After its first look, two rows of one key are committed: one far before the other."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        async def fetch(self, query: str, *values: Any) -> Any:
            nonlocal looks
            found = await self._connection.fetch(query, *values)
            looks += 1
            if looks == 1:
                for number in (first + 1, first + 1_000_000):
                    await admin.execute(
                        "INSERT INTO outbox (channel, n, event, partition_key, recorded_at, available_at, attempts) "
                        "VALUES ('events', $1, $2, 'key', 0, 0, 0)",
                        number,
                        first,
                    )
            return found

    async def transact_looking(work: Any) -> Any:
        return await transact(lambda connection: work(Looking(connection)))

    ledger._outbox._transact = transact_looking  # type: ignore[method-assign]
    numbers = []
    for _ in range(3):
        claim = await ledger.outbox.claim("events", limit=1, lease_s=600)
        numbers += [row.row_id for row in claim.rows]
        await ledger.outbox.complete(claim, [row.row_id for row in claim.rows])
    assert looks > 3, "it looked once only: nothing was to be overtaken"
    assert numbers == [first + 1, first + 1_000_000]
