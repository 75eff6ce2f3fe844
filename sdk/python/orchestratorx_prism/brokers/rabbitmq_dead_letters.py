"""Dead letters in RabbitMQ: an exchange, and a quorum queue a group, the reason and the attempt in the headers."""

from __future__ import annotations

import asyncio

from orchestratorx_prism.brokers.base import DeadLetter
from orchestratorx_prism.brokers.rabbitmq_link import Link, translating
from orchestratorx_prism.brokers.rabbitmq_messages import dead_letter_of, parked, parked_at
from orchestratorx_prism.brokers.rabbitmq_publishing import send
from orchestratorx_prism.brokers.rabbitmq_reading import looking_into
from orchestratorx_prism.brokers.rabbitmq_topology import (
    dead_letter_exchange,
    dead_letter_queue,
    ensure_quorum_queue,
    queue_is_there,
    until_on_disk,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_MOST_LOOKED_AT = 10_000


async def park(link: Link, settings: BrokerSettings, dead: DeadLetter) -> None:
    """Keeps the message; returns when the queue has confirmed. Raises BrokerUnavailable."""
    queue, exchange = dead_letter_queue(settings, dead.group), dead_letter_exchange(settings)
    if await ensure_quorum_queue(link, queue):
        await until_on_disk()
    async with link.passing_channel(confirms=True) as channel:
        with translating():
            async with asyncio.timeout(settings.publish_timeout_s):
                await channel.queue_bind(queue, exchange, dead.group)
                await send(channel, dead.message.body, parked(dead), exchange=exchange, routing_key=dead.group)


async def dead_letters(link: Link, settings: BrokerSettings, group: str, limit: int) -> list[DeadLetter]:
    """Oldest first, of the first 10,000. A second list at the same moment may miss some.

    A queue can only be looked at by taking and giving back, and what is given back lines up behind what was given back
    before: so all are taken, whatever the limit.

    Raises:
        BrokerUnavailable: The server does not answer.
    """
    queue = dead_letter_queue(settings, group)
    if limit < 1 or not await queue_is_there(link, queue):
        return []
    async with looking_into(link, settings, queue, most=_MOST_LOOKED_AT) as look:
        return [dead_letter_of(one) for one in sorted(look.rows, key=parked_at)[:limit]]
