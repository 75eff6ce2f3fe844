"""The rows a line holds: those it claims ahead, and those it is still marking sent.

A claim is a commit, and so is marking its rows sent; publishing waits for the broker. While the broker has a batch, the
one before is marked sent, then the next is claimed and encoded: it is there when the broker has acknowledged. A claim
keeps its keys from every other, so that order holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass

import structlog

from orchestrator.ledger.base import Claim, Outbox
from orchestrator.publishing.batch import Batch, encoded
from orchestrator.publishing.channels import Channel
from orchestrator.publishing.pace import RelayOptions
from orchestratorx_prism.errors import PrismError

_log = structlog.get_logger(__name__)

_ROWS_A_KEY = 8


@dataclass(slots=True)
class Hold:
    """Rows held by this line; none if there was nothing to do."""

    claim: Claim
    batch: Batch
    taken_at: float
    """Before the claim was made: monotonic clock, seconds."""


class Claims:
    """Claims rows of one channel, at most one claim ahead of the one in hand and one behind it."""

    def __init__(self, outbox: Outbox, channel: Channel, options: RelayOptions) -> None:
        self._outbox = outbox
        self._channel = channel
        self._options = options
        self._ahead: asyncio.Task[Hold] | None = None
        self._behind: asyncio.Task[None] | None = None

    def look_ahead(self, *, behind: Hold) -> None:
        """Begins to claim what `next` will return, if there is likely to be something behind these rows.

        A full claim says that there is more. Where few keys share it, what follows is theirs, too, and held back.
        """
        keys = {row.partition_key for row in behind.claim.rows}
        if len(behind.claim.rows) >= self._options.batch_size and len(keys) * _ROWS_A_KEY >= len(behind.claim.rows):
            self._ahead = asyncio.create_task(self._take())

    def end_behind(self, ending: Coroutine[None, None, None]) -> None:
        """Begins to end a hold, while the next is published. What this raises, the next claim does."""
        self._behind = asyncio.create_task(_one_after_the_other(self._behind, ending))

    async def next(self) -> Hold:
        """The rows claimed ahead, else a claim made now, when the keys of the last are free.

        Raises:
            Unavailable: The database does not answer.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return await self._take()
        hold = await ahead
        if hold.claim.rows and time.monotonic() - hold.taken_at < self._options.publish_within_s / 2:
            return hold
        # Nothing was free while other rows were in hand, or too little is left of the lease: a new look.
        await self._release(hold)
        return await self._take()

    async def let_go(self) -> None:
        """Ends what is behind, and gives back what was claimed ahead: it is not to be published now."""
        ahead, self._ahead = self._ahead, None
        try:
            if ahead is not None:
                await self._release(await ahead)
            await self._settle()
        except PrismError as error:  # the end of its lease gives it back
            _log.warning("relay.not_released", channel=self._channel.name, reason=error.reason, error=error.message)

    async def _take(self) -> Hold:
        await self._settle()
        options, taken_at = self._options, time.monotonic()
        claim = await self._outbox.claim(self._channel.name, limit=options.batch_size, lease_s=options.lease_s)
        return Hold(claim, await encoded(claim.rows, self._channel), taken_at)

    async def _settle(self) -> None:
        behind, self._behind = self._behind, None
        if behind is not None:
            await behind

    async def _release(self, hold: Hold) -> None:
        if hold.claim.rows:
            await self._outbox.release(hold.claim, [row.row_id for row in hold.claim.rows], delay_s=0.0)


async def _one_after_the_other(first: asyncio.Task[None] | None, second: Coroutine[None, None, None]) -> None:
    """Both, whatever becomes of the first."""
    try:
        if first is not None:
            await first
    finally:
        await second
