"""Looking at all that waits in a queue. AMQP knows no looking: it is taken, and given back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import aiormq.exceptions
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.rabbitmq_link import Link, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_topology import ready_count
from orchestratorx_prism.brokers.settings import BrokerSettings

_ASK_AGAIN_S = 0.02


class Look:
    """What waited in the queue: `rows`, in the order it came, each unacknowledged until `remove`."""

    def __init__(self, channel: Channel, rows: list[DeliveredMessage]) -> None:
        self._channel = channel
        self.rows = rows
        self.removed = 0

    async def remove(self, rows: Sequence[DeliveredMessage]) -> None:
        """Takes them out of the queue for good. Returns when the server has read that. Raises BrokerUnavailable."""
        with translating():
            for row in rows:
                await self._channel.basic_ack(row.delivery_tag or 0, wait=False)
            await self._channel.flow(active=True)
        self.removed += len(rows)


@contextlib.asynccontextmanager
async def looking_into(
    link: Link,
    settings: BrokerSettings,
    queue: str,
    *,
    most: int | None = None,
    wanted: Callable[[DeliveredMessage], bool] = lambda _: True,
) -> AsyncIterator[Look]:
    """Takes what waits in the queue now, and gives back at the end what was not removed. One look at a time.

    Args:
        most: How many are taken; of a quorum queue 65,535 at most. None: all.
        wanted: Which of them are rows; the others are not kept here.

    Raises:
        BrokerUnavailable: The server does not answer, or somebody else takes from the queue at the same moment.
    """
    waiting = await exact_count(link, settings, queue)
    async with link.passing_channel() as channel:
        count = waiting if most is None else min(waiting, most)
        look = Look(channel, await _taken(channel, settings, queue, count, wanted) if count else [])
        yield look
        if count:
            with translating():
                await channel.basic_cancel("looking")
                await channel.basic_nack(0, multiple=True, requeue=True, wait=False)
            await _until_back(channel, settings, queue, waiting - look.removed)


async def exact_count(link: Link, settings: BrokerSettings, queue: str) -> int:
    """How many messages wait in the queue, 0 only if that is so.

    A quorum queue that has no leader yet, after a restart, tells 0. Taking a message waits for the leader; one that is
    there after all goes back to its place, with one attempt more. So it is not for queues that others consume from:
    the next message of its key might pass it. What somebody had taken who died with the server is back a moment later.

    Raises:
        BrokerUnavailable: The server does not answer, or the queue has no leader.
    """
    async with link.passing_channel() as channel:
        if count := await ready_count(channel, queue):
            return count
        try:
            with translating():
                async with asyncio.timeout(settings.publish_timeout_s):
                    first = await channel.basic_get(queue)
        except BrokerUnavailable as refused:
            if not isinstance(refused.__cause__, aiormq.exceptions.ChannelLockedResource):
                raise
            # With a single active consumer nothing is taken this way. It is the leader who says so.
        else:
            if isinstance(first.delivery, Basic.GetEmpty):
                return 0
            with translating():
                await channel.basic_nack(first.delivery_tag or 0, requeue=True, wait=False)
            await _until_back(channel, settings, queue, 1)
    async with link.passing_channel() as channel:
        return await ready_count(channel, queue)


async def _taken(
    channel: Channel, settings: BrokerSettings, queue: str, count: int, wanted: Callable[[DeliveredMessage], bool]
) -> list[DeliveredMessage]:
    arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    rows: list[DeliveredMessage] = []
    with translating():
        # 0 is without limit.
        await channel.basic_qos(prefetch_count=count if count < 1 << 16 else 0)
        await channel.basic_consume(queue, arrived.put, consumer_tag="looking")
    try:
        for _ in range(count):
            async with asyncio.timeout(settings.publish_timeout_s):
                row = await arrived.get()
            if wanted(row):
                rows.append(row)
    except TimeoutError:
        raise unavailable(f"what waits in {queue} did not come in time") from None
    return rows


async def _until_back(channel: Channel, settings: BrokerSettings, queue: str, count: int) -> None:
    """A quorum queue counts what it was given back a moment later; nothing is lost if that takes longer than this."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.publish_timeout_s):
            while await ready_count(channel, queue) < count:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(_ASK_AGAIN_S)
