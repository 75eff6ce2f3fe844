"""The same ledger suite over memory, SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.ledger.base import ChannelRule, Ledger, Recorded, Recording
from orchestrator.ledger.factory import open_ledger
from orchestratorx_prism.v1.event_pb2 import Event

ALL = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
EVERYTHING = ChannelRule("events", lambda event: True)

Opener = Callable[..., Awaitable[Ledger]]


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    """A database of the test's own."""
    if kind == "memory":
        return "memory:"
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest.fixture(params=ALL)
def kind(request: pytest.FixtureRequest) -> str:
    """Which ledger. Tests that need a disk name theirs: `@pytest.mark.parametrize("kind", …, indirect=True)`."""
    return str(request.param)


@pytest_asyncio.fixture
async def opened(url: str) -> AsyncIterator[Opener]:
    """Opens ledgers over the test's database; they are closed when it ends."""
    ledgers: list[Ledger] = []

    async def opener(**options: Any) -> Ledger:
        options.setdefault("channels", [EVERYTHING])
        options.setdefault("spanning", {"mpesa"})
        ledger = open_ledger(url, memory_outbox=True, **options)
        await ledger.open()
        ledgers.append(ledger)
        return ledger

    yield opener
    for ledger in ledgers:
        await ledger.close()


@pytest_asyncio.fixture
async def ledger(opened: Opener) -> Ledger:
    """One open ledger with the channel `events`."""
    return await opened()


@pytest.fixture
def tell() -> Callable[[Ledger, Sequence[Event]], Awaitable[list[Recorded]]]:
    """Records copies of events, one webhook each."""

    async def teller(ledger: Ledger, events: Sequence[Event]) -> list[Recorded]:
        return [await ledger.record(Recording([copy_of(event)])) for event in events]

    return teller


def copy_of(event: Event) -> Event:
    """As a second delivery of the same webhook makes it."""
    copy = Event()
    copy.CopyFrom(event)
    return copy


@pytest.fixture
def fresh_key() -> Callable[[], str]:
    """Texts that make the ids of one permutation differ from all others'."""
    numbers = itertools.count()
    return lambda: f"k{next(numbers)}"
