"""One at a time, over all connections: an exclusive queue, which the server removes with the connection that has it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiormq.exceptions
from aiormq import Channel

from orchestratorx_prism.brokers.rabbitmq_link import Link, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_topology import delete_queue
from orchestratorx_prism.brokers.settings import BrokerSettings

_ASK_AGAIN_S = 0.05


@contextlib.asynccontextmanager
async def alone(link: Link, settings: BrokerSettings, queue: str) -> AsyncIterator[None]:
    """Nobody else is inside with the same name. Raises BrokerUnavailable after `publish_timeout_s` of waiting."""
    until = time.monotonic() + settings.publish_timeout_s
    # One connection gets its own exclusive queue a second time.
    async with link.locks.setdefault(queue, asyncio.Lock()):
        while True:
            async with link.passing_channel() as channel:
                if await gets(channel, queue):
                    try:
                        yield
                    finally:
                        if not link.is_lost:
                            await delete_queue(link, queue)
                    return
            if time.monotonic() >= until:
                raise unavailable("somebody else is at it, for too long", fix="try again")
            await asyncio.sleep(_ASK_AGAIN_S)


async def gets(channel: Channel, queue: str) -> bool:
    """Whether the exclusive queue is this connection's now. Raises BrokerUnavailable."""
    with translating():
        try:
            await channel.queue_declare(queue, exclusive=True, auto_delete=True)
        except aiormq.exceptions.ChannelLockedResource:
            return False
    return True
