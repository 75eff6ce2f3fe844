"""One channel's loop: claim, encode, publish, mark sent or give back. `Relay` runs one a channel.

While there is a backlog, all but publishing happens as the broker has another batch (`ahead.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from orchestrator.ledger.base import Claim, Outbox
from orchestrator.publishing.ahead import Claims, Hold
from orchestrator.publishing.channels import Channel
from orchestrator.publishing.pace import RelayMetrics, RelayOptions
from orchestratorx_prism.brokers.base import Broker, BrokerUnavailable, Message
from orchestratorx_prism.errors import Internal, PrismError

_log = structlog.get_logger(__name__)

_OF_ONE_MESSAGE: Final = {"MESSAGE_REFUSED", "ORDER_HELD"}
"""Reasons that say nothing of other messages; every other one says that the broker is not well."""


class Line:
    """Publishes one channel until `stopping` is set."""

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        broker: Broker,
        metrics: RelayMetrics,
        options: RelayOptions,
        stopping: asyncio.Event,
    ) -> None:
        self.channel = channel
        self._outbox = outbox
        self._broker = broker
        self._metrics = metrics
        self._options = options
        self._stopping = stopping
        self.idle = False
        """Whether it waits for work, with nothing in hand: then it may be cancelled."""
        self._failures = 0
        """Rounds in a row in which the broker or the outbox was not well."""
        self._claims = Claims(outbox, channel, options)

    async def run(self) -> None:
        """Rounds until it is told to stop. Nothing that goes wrong in a round ends it."""
        try:
            await self._rounds()
        finally:
            await self._claims.let_go()

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._round()
            except PrismError as error:
                await self._retreat(error)
            except Exception as error:
                # A defect of ours, or a driver's exception that nobody translated: loud, and tried again.
                _log.error("relay.round_failed", channel=self.channel.name, exc_info=True)
                await self._retreat(Internal(f"a round raised {type(error).__name__}"))

    async def _round(self) -> None:
        if self._failures:
            await self._broker.health()
        hold = await self._claims.next()
        if hold.claim.rows:
            if not self._failures:
                self._claims.look_ahead(behind=hold)
            await self._publish(hold)
            return
        self._failures = 0
        if self._stopping.is_set():
            return
        # In this very task: the outbox remembers by task what was rung since its last look. In a task of its own
        # each wait would be a first one, and a first one never waits.
        self.idle = True
        try:
            await self._outbox.wait_for_work(self._options.poll_s)
        finally:
            self.idle = False

    async def _publish(self, hold: Hold) -> None:
        claim, batch, give_up = hold.claim, hold.batch, hold.taken_at + self._options.lease_s
        outcomes = await self._outcomes(batch.messages, hold.taken_at + self._options.publish_within_s)
        published = batch.answered(outcomes)
        if published:
            self._metrics.published(self.channel.name, published)
        if not batch.failed:
            self._failures = 0
            self._claims.end_behind(self._complete(claim, batch.done, give_up))
            return
        if batch.done:
            await self._complete(claim, batch.done, give_up)
        outage = None if published else next((o for o in outcomes if o and o.reason not in _OF_ONE_MESSAGE), None)
        await self._give_back(claim, batch.failed, outage=outage is not None)
        if outage is not None:
            await self._retreat(outage)
        else:
            self._failures = 0

    async def _outcomes(self, messages: list[Message], until: float) -> Sequence[PrismError | None]:
        """One a message. Cut off while the lease holds: later, another relay may be publishing the same rows."""
        if not messages:
            return []
        began = time.perf_counter()
        try:
            async with asyncio.timeout(until - time.monotonic()):
                return await self._broker.publish(messages)
        except TimeoutError:
            return [BrokerUnavailable("not acknowledged while the lease held")] * len(messages)
        except PrismError as error:
            return [error] * len(messages)
        finally:
            self._metrics.publish_took(self.channel.name, time.perf_counter() - began)

    async def _complete(self, claim: Claim, row_ids: list[int], give_up: float) -> None:
        """Marks rows sent; tries again as long as the lease holds. What is not marked is published again, same id."""
        tries = 0
        while True:
            try:
                marked = await self._outbox.complete(claim, row_ids)
            except PrismError as error:
                tries += 1
                pause = self._options.backoff(tries)
                if time.monotonic() + pause >= give_up:
                    raise
                _log.warning("relay.not_marked_sent", channel=self.channel.name, again_in_s=pause, **_said(error))
                await asyncio.sleep(pause)
                continue
            if marked < len(row_ids):
                _log.warning("relay.lease_lost", channel=self.channel.name, rows=len(row_ids) - marked)
            return

    async def _give_back(self, claim: Claim, failed: Mapping[int, PrismError], *, outage: bool) -> None:
        """In an outage the relay waits, and the rows need not. Otherwise they do, those of one key equally long."""
        self._metrics.failed(self.channel.name, len(failed))
        rows = [row for row in claim.rows if row.row_id in failed]
        if outage:
            await self._outbox.release(claim, [row.row_id for row in rows], delay_s=0.0)
            return
        _log.warning(
            "relay.rows_failed", channel=self.channel.name, rows=len(rows), **_said(next(iter(failed.values())))
        )
        attempts: dict[str, int] = {}
        for row in rows:
            attempts[row.partition_key] = max(attempts.get(row.partition_key, 1), row.attempts)
        for tries in sorted(set(attempts.values())):
            row_ids = [row.row_id for row in rows if attempts[row.partition_key] == tries]
            await self._outbox.release(claim, row_ids, delay_s=self._options.backoff(tries))

    async def _retreat(self, error: PrismError) -> None:
        """Waits, longer after every failure, with nothing in hand."""
        await self._claims.let_go()
        self._failures += 1
        pause = self._options.backoff(self._failures)
        _log.warning(
            "relay.waiting",
            channel=self.channel.name,
            broker=self._broker.name,
            failures=self._failures,
            again_in_s=round(pause, 2),
            **_said(error),
        )
        await pause_until_stopped(self._stopping, pause)


def _said(error: PrismError) -> dict[str, str]:
    return {"reason": error.reason, "error": error.message, "fix": error.fix}


async def pause_until_stopped(stopping: asyncio.Event, seconds: float) -> None:
    """Sleeps, but not through a stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
