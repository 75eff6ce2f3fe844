"""A tap on the way to a group's queue, for as long as the group is made.

The addresses go to an exchange, and that to the group's queue and to one of ours: each gets exactly what the other
gets, from the same message on.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from aiormq.abc import DeliveredMessage

from orchestratorx_prism.brokers.rabbitmq_link import Link, translating
from orchestratorx_prism.brokers.rabbitmq_reading import looking_into
from orchestratorx_prism.brokers.rabbitmq_topology import (
    delete_queue,
    ensure_exchange,
    ensure_sources,
    group_queue,
    source_of,
    tap_exchange,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

Place = tuple[str, str]
"""Exchange and id: what makes two messages the same one."""


def place_of(received: DeliveredMessage) -> Place | None:
    """None for a message of others that has no id."""
    message_id = received.header.properties.message_id
    return (received.exchange or "", message_id) if message_id else None


@contextlib.asynccontextmanager
async def tapping(
    link: Link, settings: BrokerSettings, addresses: Sequence[str], group: str
) -> AsyncIterator[Callable[[], Awaitable[frozenset[Place]]]]:
    """Leads what the addresses get to the group's queue, and yields a call that tells what it was until then.

    Whoever wants the queue to get more binds it before this ends. Raises BrokerUnavailable.
    """
    exchange, queue = tap_exchange(settings, group), f"{settings.queue_prefix}.tap-{uuid.uuid4()}"
    await ensure_sources(link, settings, addresses)
    async with link.passing_channel() as channel:
        with translating():
            # One that a crash has left may still lead somewhere.
            await channel.exchange_delete(exchange)
            await ensure_exchange(link, exchange, "fanout")
            await channel.queue_declare(queue, exclusive=True)
        try:
            with translating():
                for end in (queue, group_queue(settings, group)):
                    await channel.queue_bind(end, exchange, "")
                for address in addresses:
                    await channel.exchange_bind(exchange, source_of(settings, address), "#")
            yield lambda: _seen(link, settings, queue)
            with translating():
                await channel.exchange_delete(exchange)
        finally:
            if not link.is_lost:
                await delete_queue(link, queue)


async def _seen(link: Link, settings: BrokerSettings, queue: str) -> frozenset[Place]:
    """What the queue has got: nobody else reads it, and it has all that the history had when it was last asked."""
    async with looking_into(link, settings, queue) as look:
        return frozenset(place for place in map(place_of, look.rows) if place is not None)
