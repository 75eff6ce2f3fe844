"""Connections to providers that may be given up while somebody still uses them, as when their credentials change.

What is lent is a thin shell. Whoever lends lets go of a shell when it is out of date; calls in flight hold theirs, and
with the last of them the shell goes and the connections behind it are closed.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import structlog

from connectors.spi import Material, Opened, Outside, Webhook
from connectors.spi.operations import Answer, Call, Client
from orchestratorx_prism.v1.event_pb2 import Verification

_log = structlog.get_logger(__name__)


class LentClient:
    """Implements `Client`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def account(self) -> str:
        return self._client.account

    # Coroutines of their own, not the client's: while one runs, it holds the shell.
    async def call(self, call: Call) -> Answer:
        """See `Client`."""
        return await self._client.call(call)

    async def resolve(self, call: Call) -> Answer | None:
        """See `Client`."""
        return await self._client.resolve(call)

    async def aclose(self) -> None:
        """See `Client`."""
        await self._client.aclose()


class LentOutside:
    """Implements `Outside`."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def gather(self, webhook: Webhook, material: Material) -> Material:
        """See `Outside`."""
        return await self._outside.gather(webhook, material)

    async def confirm(self, webhook: Webhook, opened: Opened, material: Material) -> Verification | None:
        """See `Outside`."""
        return await self._outside.confirm(webhook, opened, material)

    async def aclose(self) -> None:
        """See `Outside`."""
        await self._outside.aclose()


class Lending:
    """Every connection that is open."""

    def __init__(self) -> None:
        self._open: dict[int, Client | Outside] = {}
        self._shells: list[weakref.finalize[..., Any]] = []
        self._closing: set[asyncio.Task[None]] = set()

    def client(self, client: Client) -> Client:
        """A shell of it."""
        shell = LentClient(client)
        self._lend(shell, client)
        return shell

    def outside(self, outside: Outside) -> Outside:
        """A shell of it."""
        shell = LentOutside(outside)
        self._lend(shell, outside)
        return shell

    async def aclose(self) -> None:
        """Closes all of them, whoever still holds a shell."""
        for shell in self._shells:
            shell.detach()
        self._shells.clear()
        opened, self._open = list(self._open.values()), {}
        await asyncio.gather(*(one.aclose() for one in opened), *self._closing)

    def _lend(self, shell: object, inner: Client | Outside) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None  # tools that call nobody; closed with everything else, if at all
        self._open[id(inner)] = inner
        self._shells = [one for one in self._shells if one.alive]
        ending = weakref.finalize(shell, self._let_go, loop, id(inner))
        ending.atexit = False
        self._shells.append(ending)

    def _let_go(self, loop: asyncio.AbstractEventLoop | None, key: int) -> None:
        """The last holder has gone: in whatever thread the garbage collector runs."""
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._close, key)

    def _close(self, key: int) -> None:
        inner = self._open.pop(key, None)
        if inner is not None:
            task = asyncio.create_task(_closed(inner), name="close connections to a provider")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def _closed(inner: Client | Outside) -> None:
    try:
        await inner.aclose()
    except Exception as error:  # nobody waits for it; the connections end with the process at the latest
        _log.warning("connection.not_closed", error=type(error).__name__)
