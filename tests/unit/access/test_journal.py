"""What is written down behind calls' backs: together, later if need be, and never without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog.testing

from orchestrator.access import journal as module
from orchestrator.access.journal import Happened, Journal, Telling
from orchestrator.access.observing import SilentAccess
from orchestrator.access.principal import Acting
from orchestrator.ledger.factory import open_ledger
from orchestrator.ledger.tables import Row, Tables
from orchestratorx_prism.errors import Internal, Unavailable


class Faulty:
    """Implements `Tables` over others, and fails when told to."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.error: Exception | None = None
        self.transactions = 0
        self.asked = asyncio.Event()

    async def read(self, statement: Any) -> list[Row]:
        return await self._tables.read(statement)

    async def transact(self, work: Callable[[], Any]) -> Any:
        self.asked.set()
        if self.error is not None:
            raise self.error
        self.transactions += 1
        return await self._tables.transact(work)


class Counting(SilentAccess):
    """Counts what has no row."""

    def __init__(self) -> None:
        self.lost = 0

    def unrecorded(self, count: int) -> None:
        self.lost += count


@pytest.fixture
async def tables(tmp_path: Any) -> Any:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'journal.db'}")
    await ledger.open()
    yield Faulty(ledger.tables)
    await ledger.close()


def happened(number: int) -> Happened:
    return Happened("auth.failed", str(number), "*", Acting("anonymous", "192.0.2.1"), {})


async def targets(tables: Faulty) -> list[tuple[str, str]]:
    from sqlalchemy import select

    from orchestrator.ledger.schema_access import audit_log

    rows = await tables.read(select(audit_log.c.action, audit_log.c.target).order_by(audit_log.c.n))
    return [(row[0], row[1]) for row in rows]


async def test_what_comes_together_is_written_together_and_in_order(tables: Faulty) -> None:
    journal = Journal(tables, SilentAccess())
    for number in range(150):
        journal.tell(happened(number))
    journal.start()
    await journal.stop()
    assert await targets(tables) == [("auth.failed", str(number)) for number in range(150)]
    assert tables.transactions == 3


async def test_rows_wait_while_the_database_is_away(tables: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.001)
    journal = Journal(tables, SilentAccess())
    tables.error = Unavailable("away")
    journal.start()
    journal.tell(happened(1))
    await tables.asked.wait()
    journal.tell(happened(2))
    tables.error = None
    await journal.stop()
    assert await targets(tables) == [("auth.failed", "1"), ("auth.failed", "2")]


async def test_of_more_than_fit_the_number_is_told(tables: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING", 3)
    counting = Counting()
    journal = Journal(tables, counting)
    for number in range(10):
        journal.tell(happened(number))
    journal.start()
    await journal.stop()
    assert await targets(tables) == [*(("auth.failed", str(n)) for n in range(3)), ("auth.unrecorded", "")]
    assert counting.lost == 7


async def test_a_row_that_cannot_be_written_does_not_keep_the_others_from_it(
    tables: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.001)
    counting = Counting()
    journal = Journal(tables, counting)
    tables.error = Internal("a defect")
    journal.start()
    with structlog.testing.capture_logs() as logs:
        journal.tell(happened(1))
        await tables.asked.wait()
        tables.error = None
        journal.tell(happened(2))
        await journal.stop()
    assert counting.lost == 1
    assert ("auth.failed", "2") in await targets(tables)
    assert ("auth.unrecorded", "") in await targets(tables)
    assert [log["reason"] for log in logs] == ["INTERNAL"]


async def test_what_the_database_does_not_take_at_the_end_is_said_to_be_lost(
    tables: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LAST_WRITE_S", 0.05)
    journal = Journal(tables, SilentAccess())
    tables.error = Unavailable("away")
    journal.start()
    with structlog.testing.capture_logs() as logs:
        journal.tell(happened(1))
        await journal.stop()
    assert ("audit.lost", 1) in [(log["event"], log.get("rows")) for log in logs]


async def test_a_journal_without_a_start_stops(tables: Faulty) -> None:
    stop: Callable[[], Awaitable[None]] = Journal(tables, SilentAccess()).stop
    await stop()


def test_alike_is_told_once_a_period_and_memory_is_bounded() -> None:
    telling = Telling(most=2)
    assert telling.first(("a",), 1)
    assert not telling.first(("a",), 1)
    assert telling.first(("a",), 2)
    assert telling.first(("b",), 2)
    assert telling.first(("c",), 2)
    assert telling.first(("a",), 2)  # forgotten: told once more rather than kept for ever
    assert len(telling._told) == 2
