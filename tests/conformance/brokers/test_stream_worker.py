"""What the worker of stream consumers promises: each effect once. Over every broker, SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from orchestratorx_prism import DoNotRetry, RetryPolicy, StreamEvent, StreamWorker
from orchestratorx_prism.brokers import Broker, BrokerSettings, BrokerUnavailable, GroupQueries, Message
from orchestratorx_prism.consuming import StreamConsumer, TransactionOwned
from orchestratorx_prism.consuming.history import read_note

ADDRESS = "payments.events"
QUICK = RetryPolicy(attempts=3, initial_s=0.1, factor=1.0, jitter=0.0)
Opened = Callable[..., Broker]


class Database:
    """The application's database: one table, to which handlers add a row a message, and which forbids nothing."""

    def __init__(self, url: str) -> None:
        self.url = url
        driver = "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"
        patient = {"timeout": 30} if driver == "sqlite" else {}
        self.engine: Engine = create_engine(url.replace(url.partition(":")[0], driver, 1), connect_args=patient)
        with self.engine.begin() as connection:
            # In `n` the order of the effects: PostgreSQL gives rows back as they lie in its pages.
            n = "n SERIAL PRIMARY KEY" if driver != "sqlite" else "n INTEGER PRIMARY KEY"
            connection.execute(text(f"CREATE TABLE effects ({n}, message_id TEXT, payment TEXT, number INTEGER)"))

    def rows(self, statement: str = "SELECT message_id FROM effects ORDER BY message_id") -> list[Any]:
        with self.engine.connect() as connection:
            return [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(text(statement))]

    async def execute(self, statement: str) -> None:
        """Beside the event loop: whoever holds SQLite's lock may need the loop to give it back."""

        def execute() -> None:
            with self.engine.begin() as connection:
                connection.execute(text(statement))

        await asyncio.to_thread(execute)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/shop.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_postgres_url")
    made = Database(url)
    yield made
    made.engine.dispose()


INSERT = text("INSERT INTO effects (message_id, payment, number) VALUES (:id, :payment, :number)")


def _values(event: StreamEvent) -> dict[str, Any]:
    return {"id": event.id, "payment": event.key, "number": event.payload["number"]}


async def in_coroutine(event: StreamEvent, session: AsyncSession) -> None:
    await session.execute(INSERT, _values(event))


def in_thread(event: StreamEvent, session: Session) -> None:
    session.execute(INSERT, _values(event))


def request_of(payment: str, number: int) -> Message:
    """As the `payment_requests` channel has it."""
    body = f'{{"event_type": "PaymentRequestUpdated", "payload": {{"number": {number}}}}}'.encode()
    return Message(f"{payment}-{number}", ADDRESS, payment, body, {"content-type": "application/json"})


class Desk:
    """Workers and a publisher over one broker and one database, stopped at the end."""

    def __init__(self, opened: Opened, database: Database, stack: AsyncExitStack) -> None:
        self._opened, self._stack = opened, stack
        self.database = database
        self.broker: Any = opened()

    async def worker(self, handler: Any, *, retry: RetryPolicy = QUICK, **options: Any) -> StreamWorker:
        ack_wait_s = options.pop("ack_wait_s", 30.0)
        consumer = StreamConsumer(ADDRESS, "orders", handler, retry)
        worker = StreamWorker(
            BrokerSettings(ack_wait_s=ack_wait_s),
            self.database.url,
            **{"consumers": [consumer], "broker": self._opened(ack_wait_s=ack_wait_s), "lease_s": 1.0} | options,
        )
        return await self._stack.enter_async_context(worker)

    async def publish(self, *messages: Message) -> None:
        assert await self.broker.publish(messages) == [None] * len(messages)

    async def until_rows(self, count: int, within_s: float = 20.0) -> Sequence[Any]:
        return await self.until(self.database.rows, lambda rows: len(rows) >= count, within_s)

    async def until(self, look: Callable[[], Any], good: Callable[[Any], bool], within_s: float = 20.0) -> Any:
        deadline = time.monotonic() + within_s
        while not good(found := await asyncio.to_thread(look)):
            assert time.monotonic() < deadline, f"it did not happen: {found}"
            await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def desk(opened: Opened, database: Database) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(opened, database, stack)


@pytest.mark.parametrize("handler", [in_coroutine, in_thread])
async def test_effect_and_inbox_row_are_committed_together_and_then_acknowledged(desk: Desk, handler: Any) -> None:
    worker = await desk.worker(handler)
    await desk.publish(*(request_of(f"pay-{n % 3}", n) for n in range(12)))
    found = await desk.until_rows(12)
    assert len(set(found)) == 12
    assert desk.database.rows("SELECT message_id FROM orchestratorx_inbox ORDER BY message_id") == found
    await desk.until(lambda: worker.counters.ended_by_outcome["acknowledged"], lambda count: count == 12)
    for payment in range(3):
        rows = desk.database.rows("SELECT payment, number FROM effects ORDER BY n")
        numbers = [number for name, number in rows if name == f"pay-{payment}"]
        assert numbers == sorted(numbers)


async def test_a_handler_that_raises_leaves_no_trace_of_that_attempt(desk: Desk) -> None:
    calls: list[int] = []

    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        calls.append(event.attempt)
        await session.execute(INSERT, _values(event))
        if event.attempt < 3:
            raise ConnectionError("the shop is away")

    await desk.worker(handle)
    await desk.publish(request_of("pay-1", 1))
    assert await desk.until_rows(1) == ["pay-1-1"]
    assert calls == [1, 2, 3]
    assert desk.database.rows("SELECT * FROM orchestratorx_attempts") == []


async def test_a_poison_message_is_parked_with_every_attempt_and_its_payment_goes_on(desk: Desk) -> None:
    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        await session.execute(INSERT, _values(event))
        if event.payload["number"] == 13:
            raise ValueError("thirteen")

    worker = await desk.worker(handle)
    await desk.publish(request_of("pay-1", 13), request_of("pay-1", 14), request_of("pay-2", 1))
    assert await desk.until_rows(2) == ["pay-1-14", "pay-2-1"]
    assert worker.counters.ended_by_outcome["dead_letter"] == 1
    (dead,) = await desk.broker.dead_letters(group="orders")
    note = read_note(dead.reason)
    assert note.reason == "HANDLER_FAILED orders: ValueError: thirteen"
    assert [(one.number, one.error) for one in note.attempts] == [(n, "ValueError: thirteen") for n in (1, 2, 3)]


async def test_a_message_that_comes_again_changes_nothing(desk: Desk) -> None:
    worker = await desk.worker(in_coroutine)
    await desk.publish(request_of("pay-1", 1))
    await desk.until(lambda: worker.counters.ended_by_outcome["acknowledged"], lambda count: count == 1)
    await worker.stop()

    # Whatever the broker believes: the inbox knows it. The row stands for an acknowledgement that was lost.
    await desk.database.execute("INSERT INTO orchestratorx_inbox VALUES ('orders', 'pay-1-2', 99999999999.0)")
    again = await desk.worker(in_coroutine)
    await desk.publish(request_of("pay-1", 2))
    await desk.until(lambda: again.counters.ended_by_outcome["duplicate"], lambda count: count == 1)
    assert desk.database.rows() == ["pay-1-1"]


def _commit(session: Any) -> Any:
    return session.commit()


def _rollback(session: Any) -> Any:
    return session.rollback()


def _commit_of_the_transaction(session: Any) -> Any:
    return session.get_transaction().commit()


@pytest.mark.parametrize("end", [_commit, _rollback, _commit_of_the_transaction])
@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_ending_the_transaction_is_refused_and_the_refusal_says_why(desk: Desk, end: Any, kind: str) -> None:
    refusals: list[TransactionOwned] = []

    async def in_loop(event: StreamEvent, session: AsyncSession) -> None:
        await session.execute(INSERT, _values(event))
        try:
            await end(session)
        except TransactionOwned as refused:
            refusals.append(refused)
            raise

    def beside(event: StreamEvent, session: Session) -> None:
        session.execute(INSERT, _values(event))
        try:
            end(session)
        except TransactionOwned as refused:
            refusals.append(refused)
            raise

    worker = await desk.worker(in_loop if kind == "async" else beside)
    await desk.publish(request_of("pay-1", 1))
    await desk.until(lambda: worker.counters.ended_by_outcome["dead_letter"], lambda count: count == 1)
    assert desk.database.rows() == []
    assert len(refusals) == 1
    assert "the worker owns this transaction" in refusals[0].message
    assert "begin_nested" in refusals[0].fix


async def test_savepoints_are_the_handlers_to_use(desk: Desk) -> None:
    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        await session.execute(INSERT, _values(event))
        nested = await session.begin_nested()
        await session.execute(INSERT, {**_values(event), "id": "kept"})
        await nested.commit()
        undone = await session.begin_nested()
        await session.execute(INSERT, {**_values(event), "id": "undone"})
        await undone.rollback()

    await desk.worker(handle)
    await desk.publish(request_of("pay-1", 1))
    assert await desk.until_rows(2) == ["kept", "pay-1-1"]


async def test_a_worker_that_lost_its_lease_cannot_commit(desk: Desk) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    attempts: list[str] = []

    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        attempts.append(event.id)
        if len(attempts) == 1:
            begun.set()
            await go_on.wait()
        await session.execute(INSERT, {**_values(event), "number": len(attempts)})

    # Its lease is long, so that it notices nothing by itself before the commit.
    await desk.worker(handle, lease_s=60.0)
    await desk.publish(request_of("pay-1", 1))
    await begun.wait()
    # As if its time had run out and another worker had followed it.
    await desk.database.execute("UPDATE orchestratorx_leases SET token = token + 1")
    await desk.database.execute("UPDATE orchestratorx_lease_owners SET owner = 'another', expires_at = 99999999999.0")
    go_on.set()
    await asyncio.sleep(1.0)
    assert attempts == ["pay-1-1"]
    assert desk.database.rows() == []
    assert desk.database.rows("SELECT * FROM orchestratorx_inbox") == []

    await desk.database.execute("UPDATE orchestratorx_lease_owners SET owner = '', expires_at = 0.0")
    assert await desk.until_rows(1) == ["pay-1-1"]
    assert desk.database.rows("SELECT number FROM effects") == [2]


async def test_one_worker_works_and_the_other_follows_when_it_stops(desk: Desk) -> None:
    # Its lease does not run out on a machine that is busy for a moment.
    first = await desk.worker(in_coroutine, lease_s=10.0)
    await desk.publish(request_of("pay-1", 1))
    await desk.until_rows(1)
    second = await desk.worker(in_coroutine, lease_s=10.0)
    await desk.publish(*(request_of("pay-1", n) for n in range(2, 6)))
    await desk.until_rows(5)
    assert second.counters.ended_by_outcome.total() == 0

    await first.stop()
    await desk.publish(request_of("pay-1", 6))
    await desk.until_rows(6)
    await desk.until(lambda: second.counters.ended_by_outcome["acknowledged"], lambda count: count == 1)


async def test_a_lease_does_not_run_out_while_the_broker_is_slow_to_let_the_worker_in(
    desk: Desk, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = opened()
    subscribe, left_s = broker.subscribe, []

    async def slowly(addresses: Sequence[str], *, group: str) -> Any:
        await asyncio.sleep(3.5)
        return await subscribe(addresses, group=group)

    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        expires_at = await session.scalar(text("SELECT expires_at FROM orchestratorx_lease_owners"))
        left_s.append(expires_at - time.time())
        await session.execute(INSERT, _values(event))

    monkeypatch.setattr(broker, "subscribe", slowly)
    await desk.publish(request_of("pay-1", 1))
    await desk.worker(handle, broker=broker, lease_s=3.0)
    await desk.until_rows(1)
    assert left_s[0] > 0


async def test_an_outage_of_the_database_makes_no_dead_letters(desk: Desk) -> None:
    worker = await desk.worker(in_coroutine)
    await desk.publish(request_of("pay-1", 1))
    await desk.until_rows(1)
    # Nothing can be written down, as when the database is away.
    await desk.database.execute("ALTER TABLE effects RENAME TO effects_elsewhere")
    await desk.database.execute("ALTER TABLE orchestratorx_attempts RENAME TO attempts_elsewhere")
    await desk.publish(request_of("pay-1", 2))
    await asyncio.sleep(3)
    assert worker.counters.ended_by_outcome["dead_letter"] == 0
    await desk.database.execute("ALTER TABLE effects_elsewhere RENAME TO effects")
    await desk.database.execute("ALTER TABLE attempts_elsewhere RENAME TO orchestratorx_attempts")
    assert await desk.until_rows(2) == ["pay-1-1", "pay-1-2"]
    assert await desk.broker.dead_letters(group="orders") == []


async def test_a_payment_waits_for_its_failed_event_even_behind_another_worker(desk: Desk) -> None:
    patient = RetryPolicy(attempts=5, initial_s=2.0, factor=1.0, jitter=0.0)
    failed = asyncio.Event()

    async def fails(event: StreamEvent, session: AsyncSession) -> None:
        failed.set()
        raise OSError("not yet")

    first = await desk.worker(fails, retry=patient)
    await desk.publish(request_of("pay-1", 1), request_of("pay-1", 2))
    await failed.wait()
    await desk.until(lambda: desk.database.rows("SELECT number FROM orchestratorx_attempts"), lambda rows: rows == [1])
    await first.stop()

    await desk.worker(in_coroutine, retry=patient)
    await desk.until_rows(2)
    assert desk.database.rows("SELECT number FROM effects ORDER BY n") == [1, 2]


async def test_old_inbox_rows_are_pruned_and_newer_ones_kept(desk: Desk) -> None:
    worker = await desk.worker(in_coroutine)
    await desk.publish(request_of("pay-1", 1))
    await desk.until_rows(1)
    await worker.stop()
    await desk.database.execute("INSERT INTO orchestratorx_inbox VALUES ('orders', 'long-ago', 1.0)")
    await desk.database.execute("INSERT INTO orchestratorx_inbox VALUES ('another', 'long-ago', 1.0)")
    await desk.worker(in_coroutine)
    statement = "SELECT consumer, message_id FROM orchestratorx_inbox ORDER BY consumer"
    rows = await desk.until(lambda: desk.database.rows(statement), lambda rows: ("orders", "long-ago") not in rows)
    assert rows == [("another", "long-ago"), ("orders", "pay-1-1")]


async def test_a_redriven_message_has_its_effect_once_the_handler_is_mended(desk: Desk) -> None:
    if not isinstance(desk.broker, GroupQueries):
        pytest.skip(f"{desk.broker.name} has no GroupQueries yet: see brokers/base.py")
    mended = False

    async def handle(event: StreamEvent, session: AsyncSession) -> None:
        if not mended:
            raise DoNotRetry("no such order")
        await session.execute(INSERT, _values(event))

    worker = await desk.worker(handle)
    await desk.publish(request_of("pay-1", 1))
    await desk.until(lambda: worker.counters.ended_by_outcome["dead_letter"], lambda count: count == 1)
    mended = True
    assert await desk.broker.redrive(group="orders") == 1
    assert await desk.until_rows(1) == ["pay-1-1"]


async def test_work_goes_on_after_the_broker_was_restarted(desk: Desk, server: Any) -> None:
    worker = await desk.worker(in_coroutine, ack_wait_s=2.0)
    await desk.publish(request_of("pay-1", 1))
    # What is committed and not acknowledged comes again only when the time to acknowledge is over.
    await desk.until(lambda: worker.counters.ended_by_outcome["acknowledged"], lambda count: count == 1)
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(0.3)
    await asyncio.to_thread(server.start)

    async def published(message: Message) -> bool:
        (outcome,) = await desk.broker.publish([message])
        assert outcome is None or isinstance(outcome, BrokerUnavailable)
        return outcome is None

    deadline = time.monotonic() + 20
    while not await published(request_of("pay-1", 2)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert await desk.until_rows(2) == ["pay-1-1", "pay-1-2"]
