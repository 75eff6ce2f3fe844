"""A worker that hangs in the middle of a transaction of its own: PostgreSQL ends it, and another takes the lease."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from orchestratorx_prism import StreamEvent, stream_consumer
from orchestratorx_prism.consuming import leases
from orchestratorx_prism.consuming.leases import Lease
from orchestratorx_prism.consuming.postgres_bounds import end_hanging
from orchestratorx_prism.consuming.sessions import Database, create_tables, open_database
from orchestratorx_prism.consuming.streams import consumer_of

pytestmark = pytest.mark.postgres

LEASE_S = 0.2


@stream_consumer("payments.events", name="orders-of-who-hangs")
def _handle(event: StreamEvent, session: Session) -> None:
    raise AssertionError("nothing is delivered here")


@stream_consumer("payments.events", name="coroutine-of-who-hangs")
async def _handle_in_coroutine(event: StreamEvent, session: AsyncSession) -> None:
    raise AssertionError("nothing is delivered here")


async def taken(database: Database, owner: str) -> Lease | None:
    return await database.run(lambda session: leases.acquire(session, "orders", owner, LEASE_S))


async def test_who_hangs_while_it_renews_its_lease_loses_it(
    fresh_postgres_url: str,
) -> None:
    database = open_database(fresh_postgres_url, consumer_of(_handle), concurrency=1)
    goes_on = threading.Event()

    def renew_and_hang(session: Session) -> None:
        assert leases.renew(session, hers, LEASE_S)
        assert goes_on.wait(timeout=30)

    try:
        await create_tables(database)
        hers = await taken(database, "first")
        assert hers is not None
        hanging = asyncio.create_task(database.run(renew_and_hang, longest_s=0.5))
        async with asyncio.timeout(20):
            while (lease := await taken(database, "second")) is None:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.05)
        assert (lease.owner, lease.inherited, lease.token) == ("second", True, hers.token + 1)
        goes_on.set()
        with pytest.raises(DBAPIError):
            await hanging
    finally:
        goes_on.set()
        await database.close()


async def test_who_hangs_between_preparing_a_statement_and_executing_it_loses_its_lease(
    fresh_postgres_url: str,
) -> None:
    """asyncpg asks for no end of the request after it has prepared: for PostgreSQL such a session is not idle."""
    database = open_database(fresh_postgres_url, consumer_of(_handle_in_coroutine), concurrency=1)
    goes_on = asyncio.Event()

    def renew_and_hang(session: Session) -> None:
        assert leases.renew(session, hers, LEASE_S)
        driver: Any = session.connection().connection.driver_connection
        await_only(driver.prepare("SELECT 1"))
        await_only(goes_on.wait())
        session.execute(text("SELECT 1"))

    try:
        await create_tables(database)
        hers = await taken(database, "first")
        assert hers is not None
        hanging = asyncio.create_task(database.run(renew_and_hang))
        await asyncio.sleep(0.2)  # it is in the middle of it, or comes too late and is refused
        lease: Lease | None = None
        async with asyncio.timeout(15):
            while lease is None:
                await database.run(partial(end_hanging, after_s=0.5))
                with contextlib.suppress(DBAPIError):
                    lease = await taken(database, "second")
                await asyncio.sleep(0.05)
        assert (lease.owner, lease.inherited, lease.token) == ("second", True, hers.token + 1)
        goes_on.set()
        with pytest.raises(DBAPIError):
            await hanging
    finally:
        goes_on.set()
        await database.close()
