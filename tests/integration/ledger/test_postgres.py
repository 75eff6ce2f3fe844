"""What only a real PostgreSQL can show: overlapping transactions, a server that goes away, concurrent migration."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from downgrading import downgrade
from ledger_events import make, money

from orchestrator.ledger.base import Recording
from orchestrator.ledger.postgres import PostgresLedger
from orchestrator.ledger.postgres_batch import Overtaken
from orchestrator.ledger.schema_all import HEAD, metadata
from orchestratorx_prism.errors import RequestRejected, SettingsRejected, Unavailable
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

pytestmark = pytest.mark.postgres


def pending(key: str, **more: Any) -> Event:
    return make("payment.pending", key, refs=(f"pi_{key}",), amount=money(1), **more)


async def streamed(ledger: PostgresLedger, cursor: str) -> tuple[list[str], str]:
    page, after = await ledger.events_after(cursor, EventFilter(), limit=100)
    return [event.provider_event_id for event, _ in page], after


async def test_a_transaction_that_wrote_earlier_and_commits_late_is_not_skipped(
    ledger: PostgresLedger, fresh_postgres_url: str
) -> None:
    await ledger.record(Recording([pending("first")]))
    slow = await asyncpg.connect(fresh_postgres_url)
    transaction = slow.transaction()
    await transaction.start()
    late = pending("late")
    await slow.execute(
        "INSERT INTO events (n, key, xact, merchant_id, connector, type, received_at, message) "
        "VALUES (nextval('events_n'), '\\x01', pg_current_xact_id()::text::bigint, 'default', 'stripe', $1, 1, $2)",
        late.type,
        late.SerializeToString(),
    )
    await ledger.record(Recording([pending("quick")]))
    seen, cursor = await streamed(ledger, "0")
    assert seen == ["first"], "what committed after it began waits for it"
    head = await ledger.head_cursor()
    assert await streamed(ledger, head) == ([], head)
    await transaction.commit()
    seen, cursor = await streamed(ledger, cursor)
    assert seen == ["late", "quick"]
    assert (await streamed(ledger, cursor))[0] == []
    seen, after = await streamed(ledger, head)
    assert seen == ["late"], "quick was committed before the head was asked for, late was not"
    await ledger.record(Recording([pending("last")]))
    assert (await streamed(ledger, after))[0] == ["last"]
    await slow.close()


async def test_after_a_restored_dump_events_are_streamed_once_their_transactions_are_forgotten(
    ledger: PostgresLedger, fresh_postgres_url: str
) -> None:
    """As docs/operations.md says: another server has its own transaction ids."""
    await ledger.record(Recording([pending("a")]))
    await ledger.record(Recording([pending("b")]))
    _, cursor = await streamed(ledger, "0")
    connection = await asyncpg.connect(fresh_postgres_url)
    await connection.execute("UPDATE events SET xact = xact + 1000000000")
    assert (await streamed(ledger, "0"))[0] == []
    xact, _, number = cursor.partition(".")
    with pytest.raises(RequestRejected):
        await streamed(ledger, f"{int(xact) + 1_000_000_000}.{number}")
    await connection.execute("UPDATE events SET xact = 0")
    await ledger.record(Recording([pending("c")]))
    assert (await streamed(ledger, "0"))[0] == ["a", "b", "c"]
    await connection.close()


async def test_a_transaction_that_is_rolled_back_holds_nobody_back(
    ledger: PostgresLedger, fresh_postgres_url: str
) -> None:
    slow = await asyncpg.connect(fresh_postgres_url)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute("SELECT pg_current_xact_id()")
    await ledger.record(Recording([pending("a")]))
    assert (await streamed(ledger, "0"))[0] == []
    await transaction.rollback()
    assert (await streamed(ledger, "0"))[0] == ["a"]
    await slow.close()


OURS = "application_name = 'orchestratorx' AND datname = current_database()"


async def waiting_for_a_lock(admin: Any, count: int) -> None:
    """Returns once so many of the ledgers' connections do."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND wait_event_type = 'Lock'"  # noqa: S608
    async with asyncio.timeout(30):
        while await admin.fetchval(query) < count:
            await asyncio.sleep(0.01)
            await admin.execute("SELECT pg_stat_clear_snapshot()")


async def test_a_connection_that_breaks_inside_a_commit_is_told_and_mended(ledger: PostgresLedger, admin: Any) -> None:
    await ledger.record(Recording([pending("a")]))
    events = [pending(f"b{n}") for n in range(5)]
    async with admin.transaction():
        await admin.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        under_way = asyncio.gather(*(ledger.record(Recording([e])) for e in events), return_exceptions=True)
        await waiting_for_a_lock(admin, 1)
        await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")  # noqa: S608
        outcomes = await under_way
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    for event in events:
        await ledger.record(Recording([event]))
    listed, _ = await ledger.list_events(EventFilter(), page_size=100, page_token="")
    assert len(listed) == 6
    assert all(event.sequence == 1 for event in listed)


async def test_a_connection_that_breaks_between_two_commits_costs_at_most_one_refusal(
    ledger: PostgresLedger, admin: Any
) -> None:
    await ledger.record(Recording([pending("a")]))
    await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")  # noqa: S608
    event = pending("b")
    try:  # whether the break is seen before the next commit is a race with the server
        await ledger.record(Recording([event]))
    except Unavailable:
        await ledger.record(Recording([event]))
    assert event.sequence == 1


async def test_a_batch_that_another_replica_overtook_begins_again(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.ledger import postgres_writer

    real, calls = postgres_writer.record_batch, 0

    async def overtaken_once(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        recorded = await real(*arguments)
        if calls == 1:
            raise Overtaken
        return recorded

    monkeypatch.setattr(postgres_writer, "record_batch", overtaken_once)
    event = make("payment.captured", "a", amount=money(5), captured=money(5), operation_id="c")
    recorded = await ledger.record(Recording([event]))
    assert (calls, recorded.duplicate_ids, event.sequence) == (2, [], 1)


async def test_replicas_that_start_together_migrate_once(fresh_postgres_url: str) -> None:
    replicas = [PostgresLedger(fresh_postgres_url) for _ in range(4)]
    await asyncio.gather(*(replica.open() for replica in replicas))
    for replica in replicas:
        await replica.ping()
        await replica.close()


async def test_the_tables_are_those_that_are_declared(ledger: PostgresLedger, fresh_postgres_url: str) -> None:
    connection = await asyncpg.connect(fresh_postgres_url)
    columns = await connection.fetch(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'public'"
    )
    indexes = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == HEAD
    await connection.close()
    found = {(row[0], row[1], row[2] == "YES") for row in columns if row[0] != "alembic_version"}
    declared = {
        (table.name, column.name, bool(column.nullable))
        for table in metadata.tables.values()
        for column in table.columns
    }
    assert found == declared
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= {row[0] for row in indexes}


async def test_tables_of_no_or_another_release_are_refused_unless_migrated(fresh_postgres_url: str) -> None:
    with pytest.raises(SettingsRejected) as refused:
        await PostgresLedger(fresh_postgres_url, migrate=False).open()
    assert refused.value.reason == "SCHEMA_OUTDATED"
    ledger = PostgresLedger(fresh_postgres_url)
    await ledger.open()
    await ledger.close()
    connection = await asyncpg.connect(fresh_postgres_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(SettingsRejected) as unknown:
        await PostgresLedger(fresh_postgres_url).open()
    assert unknown.value.reason == "SCHEMA_UNKNOWN"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable) as refused:
        await PostgresLedger("postgresql://user:hunter2@127.0.0.1:1/none").open()
    assert "hunter2" not in str(refused.value)


async def test_a_server_that_takes_no_writes_is_not_ready_and_refuses(
    ledger: PostgresLedger, fresh_postgres_url: str, admin: Any
) -> None:
    await ledger.ping()
    name = fresh_postgres_url.rpartition("/")[2]
    await admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    connected_since = PostgresLedger(fresh_postgres_url, migrate=False)
    await connected_since.open()
    with pytest.raises(Unavailable):
        await connected_since.ping()
    with pytest.raises(Unavailable):
        await connected_since.record(Recording([pending("a")]))
    await connected_since.close()


async def test_a_writer_that_cannot_connect_is_the_databases_fault(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused() -> Any:
        raise asyncpg.InvalidCatalogNameError("the database is being restored")

    connect = ledger._writer._connect
    monkeypatch.setattr(ledger._writer, "_connect", refused)
    event = pending("a")
    with pytest.raises(Unavailable):
        await ledger.record(Recording([event]))
    monkeypatch.setattr(ledger._writer, "_connect", connect)
    recorded = await ledger.record(Recording([event]))
    assert (recorded.duplicate_ids, event.sequence) == ([], 1)


async def test_tables_that_are_gone_are_the_databases_fault(ledger: PostgresLedger, admin: Any) -> None:
    await admin.execute("ALTER TABLE names RENAME TO elsewhere")
    events = [pending("a"), pending("b")]
    outcomes = await asyncio.gather(*(ledger.record(Recording([e])) for e in events), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2
    await admin.execute("ALTER TABLE elsewhere RENAME TO names")
    await asyncio.gather(*(ledger.record(Recording([event])) for event in events))
    assert [event.sequence for event in events] == [1, 1]


async def test_another_replica_hears_of_a_recording(fresh_postgres_url: str) -> None:
    writing, waiting = PostgresLedger(fresh_postgres_url), PostgresLedger(fresh_postgres_url)
    await writing.open()
    await waiting.open()
    await asyncio.sleep(0.3)  # until both listen

    async def wait() -> None:
        await waiting.outbox.wait_for_work(0)
        await waiting.outbox.wait_for_work(600)

    hearing = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    await writing.record(Recording([pending("a")]))
    await asyncio.wait_for(hearing, 60)
    await writing.close()
    await waiting.close()


async def test_tables_of_the_release_before_get_what_is_new_and_keep_what_they_have(
    ledger: PostgresLedger, fresh_postgres_url: str
) -> None:
    (kept,) = (await ledger.record(Recording([make("payment.captured", "1", amount=money(5))]))).events
    await ledger.close()
    connection = await asyncpg.connect(fresh_postgres_url)
    for statement in downgrade("postgresql", "0001"):
        await connection.execute(statement)
    await connection.close()
    with pytest.raises(SettingsRejected, match="not up to date"):
        await PostgresLedger(fresh_postgres_url, migrate=False).open()
    after = PostgresLedger(fresh_postgres_url)
    await after.open()
    assert await after.get_event("default", kept.id) == kept
    payout = make("payout.succeeded", "2", refs=(), connector_payout_id="po_1")
    (told,) = (await after.record(Recording([payout]))).events
    assert await after.get_payout("default", told.payout.payout_id) is not None
    await after.close()
