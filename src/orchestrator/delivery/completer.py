"""Gathers what attempts came to, and has it written many at a time: whoever comes while one is written waits for the
next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from orchestrator.delivery.completing import GivenUp, Note, Outcome, complete
from orchestrator.delivery.endpoint_ids import endpoint_id
from orchestrator.ledger.tables import Tables
from orchestratorx_prism.errors import PrismError

MOST = 200
_RETRY_S = 0.5

_log = structlog.get_logger(__name__)


class Completer:
    """Writes outcomes while it runs."""

    def __init__(
        self,
        tables: Tables,
        note: Note,
        given_up: Callable[[GivenUp], Awaitable[None]],
        *,
        disable_after_s: float,
        patience_s: float,
    ) -> None:
        """`patience_s`: how long to try; after that the lease has ended, and another process has taken over."""
        self._tables = tables
        self._note = note
        self._given_up = given_up
        self._disable_after_us = int(disable_after_s * 1_000_000)
        self._patience_s = patience_s
        self._waiting: list[tuple[Outcome, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, outcome: Outcome) -> None:
        """Returns once it is written, or it is too late for that."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="deliveries completing")
        await future

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._write([outcome for outcome, _ in batch])
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)
        finally:
            self._writing = None

    async def _write(self, outcomes: list[Outcome]) -> None:
        end = asyncio.get_running_loop().time() + self._patience_s
        while True:
            try:
                given_up = await self._tables.transact(
                    lambda: complete(
                        outcomes,
                        random.random,
                        disable_after_us=self._disable_after_us,
                        note=self._note,
                        name_of=endpoint_id,
                    )
                )
                break
            except PrismError as error:
                if asyncio.get_running_loop().time() > end:
                    # Failure policy: another process sends them again, under the same ids.
                    _log.error("delivery.not_written", reason=error.reason, count=len(outcomes))
                    return
                _log.warning("delivery.writing_postponed", reason=error.reason, count=len(outcomes))
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # A defect of ours must not end the sending of everything else.
                _log.error("delivery.not_written", exc_info=True, count=len(outcomes))
                return
        for one in given_up:
            await self._given_up(one)
