"""Keys in memory: how old they may be, and what becomes of them when the database changes, is slow, or is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.access.keyring import FRESH_S, Keyring
from orchestrator.access.keys import hash_of, new_text, prefix_of
from orchestrator.ledger.tables import Row
from orchestratorx_prism.errors import Unavailable


class Database:
    """Implements `Tables` as far as the ring asks: one key, a revision, and answers that may be held back."""

    def __init__(self) -> None:
        self.text = new_text()
        self.revision = 1
        self.revoked_at: int | None = None
        self.error: Exception | None = None
        self.reads = 0
        self.lets_go = asyncio.Event()
        self.lets_go.set()

    async def read(self, statement: Any) -> list[Row]:
        asks_state = "revisions" in str(statement)
        self.reads += asks_state
        row: Row = (1_000, self.revision, 1) if asks_state else self._key()
        await self.lets_go.wait()
        if self.error is not None:
            raise self.error
        return [row]

    async def transact(self, work: Any) -> Any:
        raise AssertionError("the ring writes nothing")

    def _key(self) -> Row:
        prefix = prefix_of(self.text)
        return ("key_1", 1, "acme", prefix, hash_of(self.text), "", "a:read", 0, 1, None, self.revoked_at, None)


class Clock:
    """Seconds, as told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database() -> Database:
    return Database()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(database: Database, clock: Clock) -> Keyring:
    return Keyring(database, clock=clock)


async def test_callers_that_come_together_wait_for_one_reading(ring: Keyring, database: Database) -> None:
    assert not ring.is_fresh()
    await asyncio.gather(*(ring.refresh() for _ in range(50)))
    assert database.reads == 1
    assert ring.is_fresh()
    await ring.refresh()
    assert database.reads == 1


async def test_a_busy_server_asks_ahead_of_time_and_nobody_waits(
    ring: Keyring, database: Database, clock: Clock
) -> None:
    await ring.refresh()
    clock.now += 0.3
    assert ring.is_fresh()
    assert ring.is_fresh()
    assert ring._reading is not None
    await ring._reading
    assert database.reads == 2
    clock.now += 0.3
    assert ring.is_fresh()


async def test_what_is_older_than_half_a_second_counts_no_more(ring: Keyring, database: Database, clock: Clock) -> None:
    await ring.refresh()
    clock.now += FRESH_S
    assert not ring.is_fresh()


async def test_a_change_makes_the_ring_forget(ring: Keyring, database: Database, clock: Clock) -> None:
    await ring.refresh()
    digest = hash_of(database.text)
    assert await ring.find(database.text, digest) is not None
    assert ring.known(digest) is not None
    clock.now += FRESH_S
    await ring.refresh()
    assert ring.known(digest) is not None
    database.revision += 1
    clock.now += FRESH_S
    await ring.refresh()
    assert ring.known(digest) is None


async def test_a_key_that_was_read_before_a_change_is_not_kept_after_it(
    ring: Keyring, database: Database, clock: Clock
) -> None:
    await ring.refresh()
    digest = hash_of(database.text)
    database.lets_go.clear()
    finding = asyncio.create_task(ring.find(database.text, digest))
    await asyncio.sleep(0)  # the row has been read as it was, and is under way
    database.revision, database.revoked_at = 2, 5
    clock.now += FRESH_S
    refreshing = asyncio.create_task(ring.refresh())
    await asyncio.sleep(0)
    database.lets_go.set()
    await refreshing
    await finding
    if (kept := ring.known(digest)) is not None:
        assert kept.revoked_at_us == 5


async def test_a_reading_that_began_before_a_change_here_is_not_believed_after_it(
    ring: Keyring, database: Database, clock: Clock
) -> None:
    database.lets_go.clear()
    early = asyncio.create_task(ring.refresh())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.now += 0.01
    ring.doubt()
    database.lets_go.set()
    await early
    assert (ring.is_fresh(), database.reads) == (True, 2)


async def test_while_the_database_is_away_nothing_counts_and_nobody_waits_for_ever(
    ring: Keyring, database: Database, clock: Clock
) -> None:
    await ring.refresh()
    clock.now += FRESH_S
    database.error = Unavailable("away")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await ring.refresh()
    database.error = None
    await ring.refresh()
    assert ring.is_fresh()


async def test_a_database_that_takes_longer_than_half_a_second_still_answers(
    ring: Keyring, database: Database, clock: Clock
) -> None:
    database.lets_go.clear()
    refreshing = asyncio.create_task(ring.refresh())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.now += 3.0
    database.lets_go.set()
    await asyncio.wait_for(refreshing, 5)
    assert database.reads == 1


async def test_whoever_is_cut_off_does_not_cut_off_the_others(ring: Keyring, database: Database) -> None:
    database.lets_go.clear()
    first, second = asyncio.create_task(ring.refresh()), asyncio.create_task(ring.refresh())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    database.lets_go.set()
    await second
    assert first.cancelled()
    assert ring.is_fresh()


async def test_a_database_without_its_revision_opens_nothing(ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_statement: Any) -> list[Row]:
        return []

    monkeypatch.setattr(ring._tables, "read", nothing)
    with pytest.raises(Unavailable):
        await ring.refresh()


async def test_the_databases_clock_goes_on_between_readings(ring: Keyring, clock: Clock) -> None:
    await ring.refresh()
    clock.now += 0.2
    assert ring.now_us == 1_000 + 200_000
