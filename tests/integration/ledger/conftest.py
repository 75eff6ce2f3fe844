"""A ledger in a PostgreSQL database of the test's own, and a connection beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio

from orchestrator.ledger.base import ChannelRule
from orchestrator.ledger.postgres import PostgresLedger


@pytest_asyncio.fixture
async def ledger(fresh_postgres_url: str) -> AsyncIterator[PostgresLedger]:
    opened = PostgresLedger(fresh_postgres_url, channels=[ChannelRule("events", lambda event: True)])
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def admin(fresh_postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(fresh_postgres_url)
    yield connection
    await connection.close()
