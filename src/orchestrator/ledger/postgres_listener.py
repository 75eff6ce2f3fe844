"""Tells other replicas that something was recorded, and hears it from them. Only a hint: polling is enough without.

Outside the recording transactions, and not more often than needed: a commit that notifies takes a lock of the whole
server.

It also ends the sessions of replicas that hang in the middle of a statement. asyncpg prepares one, and executes it with
another message, when a connection has not had it for some minutes. In between a session is not idle to the server,
which lets it keep its locks.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

from orchestrator.ledger.hints import Bell

CHANNEL: Final = "orchestratorx_recorded"
_PAUSE_S: Final = 0.02
"""Shortest time between two announcements."""
_RETRY_S: Final = 1.0
_LOOK_EVERY_S: Final = 10.0
_HANGS_AFTER_S: Final = 30.0
_END_HANGING: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND application_name = current_setting('application_name') "
    "AND pid <> pg_backend_pid() AND state = 'active' AND wait_event = 'ClientRead' AND query NOT ILIKE 'copy %' "
    "AND state_change < now() - make_interval(secs => $1)"
)
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Listener:
    """One connection of its own, for listening and for announcing."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], bell: Bell) -> None:
        self._connect = connect
        self._bell = bell
        self._recorded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to listen."""
        self._task = asyncio.create_task(self._run(), name="ledger listener")

    async def stop(self) -> None:
        """Ends that."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def announce(self) -> None:
        """Something was recorded here."""
        self._recorded.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(*_FAILURES):
                connection = await self._connect()
                try:
                    await self._serve(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(_RETRY_S)

    async def _serve(self, connection: Any) -> None:
        """Until the connection breaks: then the next announcement, or the wait for one, raises."""
        own = connection.get_server_pid()
        connection.add_termination_listener(lambda _: self._recorded.set())
        await connection.add_listener(CHANNEL, lambda _, pid, *__: None if pid == own else self._bell.ring())
        self._bell.ring()  # what was recorded while nobody listened
        look_at = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(look_at - time.monotonic()):
                    await self._recorded.wait()
            if self._recorded.is_set():
                self._recorded.clear()
                await connection.execute(f"NOTIFY {CHANNEL}")
                await asyncio.sleep(_PAUSE_S)
            if time.monotonic() >= look_at:
                await connection.execute(_END_HANGING, _HANGS_AFTER_S)
                look_at = time.monotonic() + _LOOK_EVERY_S
