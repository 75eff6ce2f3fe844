"""What only real files show: several processes on one file, a lock that is held, a disk that refuses, migration."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from downgrading import downgrade
from ledger_events import make, money

from orchestrator.ledger import sqlite as module
from orchestrator.ledger.base import ChannelRule, Recording
from orchestrator.ledger.factory import migrate_ledger
from orchestrator.ledger.schema_all import HEAD, metadata
from orchestrator.ledger.sqlite import SqliteLedger
from orchestratorx_prism.errors import SettingsRejected, Unavailable
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

PAYMENTS = 25


def _replica(path: Path, number: int, results: multiprocessing.SimpleQueue[int]) -> None:
    async def work() -> int:
        ledger = SqliteLedger(path, channels=[ChannelRule("events", lambda event: True)])
        await ledger.open()
        told = []
        for n in range(PAYMENTS):
            pair = [make("payment.authorized", f"a{n}", refs=(f"pi_{n}",), amount=money(9))]
            pair.append(make("payment.captured", f"c{n}", at=1, refs=(f"pi_{n}",), amount=money(9), operation_id="c"))
            told += [Recording([event]) for event in (pair if number % 2 else reversed(pair))]
        recorded = await asyncio.gather(*(ledger.record(one) for one in told))
        await ledger.close()
        return sum(len(one.duplicate_ids) for one in recorded)

    results.put(asyncio.run(work()))


async def test_processes_that_share_a_file_record_each_webhook_once(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    processes = [context.Process(target=_replica, args=(path, number, results)) for number in range(3)]
    for process in processes:
        process.start()
    duplicates = [await asyncio.to_thread(results.get) for _ in processes]
    for process in processes:
        await asyncio.to_thread(process.join, 30)
    assert sum(duplicates) == 2 * 2 * PAYMENTS
    ledger = SqliteLedger(path)
    await ledger.open()
    events, _ = await ledger.list_events(EventFilter(), page_size=1000, page_token="")
    assert len(events) == 2 * PAYMENTS
    for n in range(PAYMENTS):
        payment = await ledger.find_payment("default", "stripe", f"pi_{n}")
        assert payment is not None
        assert (payment.sequence, payment.captured, payment.authorized) == (2, money(9), money(9))
    await ledger.close()


async def test_a_lock_that_is_never_given_back_is_told_and_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.2)
    ledger = SqliteLedger(tmp_path / "x.db")
    await ledger.open()
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    event = make("payment.captured", "a", amount=money(5), captured=money(5))
    pristine = Event.FromString(event.SerializeToString())
    with pytest.raises(Unavailable) as refused:
        await ledger.record(Recording([event]))
    assert refused.value.retryable
    assert event == pristine
    assert await ledger.get_event("default", event.id) is None, "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    recorded = await ledger.record(Recording([event]))
    assert (recorded.duplicate_ids, event.sequence) == ([], 1)
    await ledger.close()


async def test_a_commit_that_fails_is_told_to_all_who_shared_it(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "x.db", channels=[ChannelRule("events", lambda event: True)])
    await ledger.open()
    await ledger._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 60").fetchone())
    outcomes: list[object] = []
    for batch in range(30):
        events = [make("payment.captured", f"{batch}-{n}", refs=(f"pi_{batch}_{n}",)) for n in range(20)]
        outcomes = await asyncio.gather(*(ledger.record(Recording([e])) for e in events), return_exceptions=True)
        if any(isinstance(outcome, BaseException) for outcome in outcomes):
            break
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes), "never half of them"
    listed, _ = await ledger.list_events(EventFilter(), page_size=1000, page_token="")
    assert len(listed) == batch * 20
    again = await asyncio.gather(*(ledger.record(Recording([event])) for event in events))
    assert all(not recorded.duplicate_ids for recorded in again), "the next connection has no such limit"
    await ledger.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Unavailable):
        await SqliteLedger(tmp_path / "x.db").open()


async def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsRejected, match="no folder"):
        await SqliteLedger(tmp_path / "missing" / "x.db").open()


async def test_tables_are_made_once_and_refused_if_of_another_release(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with pytest.raises(SettingsRejected) as empty:
        await SqliteLedger(path, migrate=False).open()
    assert empty.value.reason == "SCHEMA_OUTDATED"
    await migrate_ledger(f"sqlite:///{path}")
    await migrate_ledger(f"sqlite:///{path}")
    ledger = SqliteLedger(path, migrate=False)
    await ledger.open()
    await ledger.ping()
    await ledger.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    for table in metadata.tables.values():
        found = {row[1]: bool(row[3]) for row in connection.execute(f"PRAGMA table_info({table.name})")}
        assert found == {column.name: not column.nullable for column in table.columns}
        indexes = {row[1] for row in connection.execute(f"PRAGMA index_list({table.name})")}
        assert {index.name for index in table.indexes} - indexes <= {"events_commit"}, "that one is PostgreSQL's"
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SettingsRejected) as unknown:
        await SqliteLedger(path).open()
    assert unknown.value.reason == "SCHEMA_UNKNOWN"


async def test_ledgers_of_one_process_that_open_together_all_get_their_tables(tmp_path: Path) -> None:
    ledgers = [SqliteLedger(tmp_path / f"{n % 6}.db") for n in range(12)]
    outcomes = await asyncio.gather(*(ledger.open() for ledger in ledgers), return_exceptions=True)
    assert outcomes == [None] * 12
    for ledger in ledgers:
        await ledger.record(Recording([make("payment.created", "a")]))
        await ledger.close()


async def test_ledgers_of_one_process_on_one_file_wake_each_other(tmp_path: Path) -> None:
    one, two = SqliteLedger(tmp_path / "x.db"), SqliteLedger(tmp_path / "x.db")
    await one.open()
    await two.open()

    async def wait() -> None:
        await two.outbox.wait_for_work(0)
        await two.outbox.wait_for_work(600)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.05)
    await one.record(Recording([make("payment.created", "a")]))
    await asyncio.wait_for(waiting, 60)
    await one.close()
    await two.close()


async def test_commits_are_shared_by_those_who_wait_together(tmp_path: Path) -> None:
    commits: list[int] = []
    ledger = SqliteLedger(tmp_path / "x.db", on_commit=commits.append)
    await ledger.open()
    events = [make("payment.created", f"k{n}", refs=(f"pi_{n}",)) for n in range(200)]
    await asyncio.gather(*(ledger.record(Recording([event])) for event in events))
    await ledger.close()  # the writer tells of its last commit after its callers may go on
    assert sum(commits) == 200
    assert len(commits) < 20
    await ledger.close()


class _Counted(sqlite3.Connection):
    """Knows which of its kind are open."""

    opened: ClassVar[set[int]] = set()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.opened.add(id(self))

    def close(self) -> None:
        super().close()
        self.opened.discard(id(self))


async def test_a_closed_ledger_leaves_no_connection_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sqlite3, "connect", partial(sqlite3.connect, factory=_Counted))
    ledger = SqliteLedger(tmp_path / "x.db")
    for _ in range(2):
        await ledger.open()
        await asyncio.gather(*(ledger.head_cursor() for _ in range(20)))
        assert _Counted.opened
        await ledger.close()
        assert not _Counted.opened
    (tmp_path / "letter.db").write_text("Dear reader, this is no database. " * 100)
    with pytest.raises(Unavailable):
        await SqliteLedger(tmp_path / "letter.db").open()
    assert not _Counted.opened


async def test_tables_of_the_release_before_get_what_is_new_and_keep_what_they_have(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    before = SqliteLedger(path)
    await before.open()
    (kept,) = (await before.record(Recording([make("payment.captured", "1", amount=money(5))]))).events
    await before.close()
    connection = sqlite3.connect(path)
    with connection:
        for statement in downgrade("sqlite", "0001"):
            connection.execute(statement)
    connection.close()
    with pytest.raises(SettingsRejected, match="not up to date"):
        await SqliteLedger(path, migrate=False).open()
    after = SqliteLedger(path)
    await after.open()
    assert await after.get_event("default", kept.id) == kept
    payout = make("payout.succeeded", "2", refs=(), connector_payout_id="po_1")
    (told,) = (await after.record(Recording([payout]))).events
    assert await after.get_payout("default", told.payout.payout_id) is not None
    await after.close()
