"""The rows a line holds, and those it claims ahead.

A claim is a commit, and so is marking its rows sent; publishing waits for the broker. Claimed ahead, the next rows are
there when the broker has acknowledged. A claim keeps its keys from every other, so that order holds.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog

from orchestrator.ledger.base import Claim, Outbox
from orchestrator.publishing.pace import RelayOptions
from orchestratorx_prism.errors import PrismError

_log = structlog.get_logger(__name__)

_ROWS_A_KEY = 8


@dataclass(slots=True)
class Hold:
    """Rows held by this line; none if there was nothing to do."""

    claim: Claim
    taken_at: float
    """Before the claim was made: monotonic clock, seconds."""


class Claims:
    """Claims rows of one channel, at most one claim ahead."""

    def __init__(self, outbox: Outbox, channel: str, options: RelayOptions) -> None:
        self._outbox = outbox
        self._channel = channel
        self._options = options
        self._ahead: asyncio.Task[Hold] | None = None

    def look_ahead(self, *, behind: Hold) -> None:
        """Begins to claim what `next` will return, if there is likely to be something behind these rows.

        A full claim says that there is more. Where few keys share it, what follows is theirs, too, and held back.
        """
        keys = {row.partition_key for row in behind.claim.rows}
        if len(behind.claim.rows) >= self._options.batch_size and len(keys) * _ROWS_A_KEY >= len(behind.claim.rows):
            self._ahead = asyncio.create_task(self._take())

    async def next(self) -> Hold:
        """The rows claimed ahead, else a claim made now.

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
        """Gives back what was claimed ahead: it is not to be published now."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return
        try:
            await self._release(await ahead)
        except PrismError as error:  # the end of its lease gives it back
            _log.warning("relay.not_released", channel=self._channel, reason=error.reason, error=error.message)

    async def _take(self) -> Hold:
        options, taken_at = self._options, time.monotonic()
        claim = await self._outbox.claim(self._channel, limit=options.batch_size, lease_s=options.lease_s)
        return Hold(claim, taken_at)

    async def _release(self, hold: Hold) -> None:
        if hold.claim.rows:
            await self._outbox.release(hold.claim, [row.row_id for row in hold.claim.rows], delay_s=0.0)
