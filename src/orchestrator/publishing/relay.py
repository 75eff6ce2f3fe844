"""The relay: publishes what the outbox holds, for ever. It never gives up on an event.

One round of a channel: claim rows, encode them, publish, mark sent those that were acknowledged, give the others back.
Several relays work side by side: a claim holds rows for one of them, and keeps the keys of those rows from the others.
A crash between publishing and marking publishes again, under the same id.

The pace of failure: when nothing could be published, the broker is asked for its health, at growing intervals with
jitter, before more rows are claimed. When only some rows fail, those wait, longer every time, and the rest goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from orchestrator.ledger.base import Outbox
from orchestrator.publishing.channels import Channel
from orchestrator.publishing.line import Line, pause_until_stopped
from orchestrator.publishing.pace import NoMetrics, RelayMetrics, RelayOptions
from orchestratorx_prism.brokers.base import Broker
from orchestratorx_prism.errors import PrismError, SettingsRejected

__all__ = ["NoMetrics", "Relay", "RelayMetrics", "RelayOptions"]

_log = structlog.get_logger(__name__)


class Relay:
    """Publishes every channel of one outbox, from `start` to `stop`."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        brokers: Mapping[str, Broker],
        *,
        metrics: RelayMetrics | None = None,
        options: RelayOptions | None = None,
    ) -> None:
        """`brokers`: by the name that channels use; `channels.DEFAULT_BROKER` for the one of the settings.

        Raises:
            SettingsRejected: A channel is wrong, or names a broker that is not among `brokers`.
        """
        self._outbox = outbox
        self._options = options or RelayOptions()
        self._metrics = metrics or NoMetrics()
        self._stopping = asyncio.Event()
        self._lines: list[Line] = []
        self._tasks: list[asyncio.Task[None]] = []
        for channel in channels:
            channel.check()
            if channel.broker not in brokers:
                raise SettingsRejected(
                    f"channel {channel.name}: there is no broker {channel.broker}", fix=f"one of: {', '.join(brokers)}"
                )
            broker = brokers[channel.broker]
            self._lines.append(Line(outbox, channel, broker, self._metrics, self._options, self._stopping))

    async def start(self) -> None:
        """Begins to publish. A broker that is away does not matter: it is tried until it is there."""
        if self._tasks:
            return
        self._stopping.clear()
        self._tasks = [asyncio.create_task(line.run(), name=f"relay {line.channel.name}") for line in self._lines]
        self._tasks.append(asyncio.create_task(self._every(self._options.report_every_s, self._report)))
        self._tasks.append(asyncio.create_task(self._every(self._options.purge_every_s, self._purge)))

    async def stop(self) -> None:
        """Finishes the batches in hand, then returns. A second call changes nothing."""
        self._stopping.set()
        tasks, self._tasks = self._tasks, []
        for line, task in zip(self._lines, tasks, strict=False):
            if line.idle:
                task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):  # a line that was idle ends as cancelled, which is none
                raise outcome

    async def _every(self, interval_s: float, act: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            try:
                await act()
            except PrismError as error:
                _log.warning("relay.housekeeping_failed", reason=error.reason, error=error.message)
            except Exception:
                # As in a round: a defect must not end what alerts depend on.
                _log.error("relay.housekeeping_failed", exc_info=True)
            await pause_until_stopped(self._stopping, interval_s)

    async def _report(self) -> None:
        for line in self._lines:
            self._metrics.backlog(line.channel.name, await self._outbox.backlog(line.channel.name))

    async def _purge(self) -> None:
        """In batches, with a breath in between: others want the database too."""
        options = self._options
        while not self._stopping.is_set():
            purged = await self._outbox.purge_sent(older_than_s=options.retention_s, limit=options.purge_batch)
            if purged < options.purge_batch:
                return
            await asyncio.sleep(0)
