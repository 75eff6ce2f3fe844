"""The names of the groups. AMQP lists no queues, so there is one that has a message a group: `<queue_prefix>.groups`.

A group is put into it when it is made, and by each connection that joins it. One whose queue was deleted is passed
over.
"""

from __future__ import annotations

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from orchestratorx_prism.brokers.rabbitmq_link import Link
from orchestratorx_prism.brokers.rabbitmq_locks import alone
from orchestratorx_prism.brokers.rabbitmq_messages import attempt_of
from orchestratorx_prism.brokers.rabbitmq_publishing import send
from orchestratorx_prism.brokers.rabbitmq_reading import Look, looking_into
from orchestratorx_prism.brokers.rabbitmq_topology import (
    ensure_quorum_queue,
    group_queue,
    queue_is_there,
    registry_queue,
    until_on_disk,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_WORN_AFTER = 1_000
"""A message that was looked at so often is replaced: the queue drops it after a million times."""


async def register(link: Link, settings: BrokerSettings, group: str) -> None:
    """Puts the name into the registry, if it is not there. Raises BrokerUnavailable."""
    queue = registry_queue(settings)
    if group in link.registered:
        return
    async with alone(link, settings, f"{queue}.lock"):
        if await ensure_quorum_queue(link, queue):
            await until_on_disk()
        async with looking_into(link, settings, queue) as look:
            if group not in {_name(row) for row in look.rows}:
                await _put(link, queue, group)
    link.registered.add(group)


async def groups(link: Link, settings: BrokerSettings) -> list[str]:
    """Sorted. Raises BrokerUnavailable."""
    queue = registry_queue(settings)
    if not await queue_is_there(link, queue):
        return []
    async with alone(link, settings, f"{queue}.lock"), looking_into(link, settings, queue) as look:
        await _mend(link, queue, look)
        names = {_name(row) for row in look.rows}
    return [name for name in sorted(names) if await queue_is_there(link, group_queue(settings, name))]


async def _mend(link: Link, queue: str, look: Look) -> None:
    """Replaces what is worn, and drops what a crash has left twice."""
    kept: set[str] = set()
    for row in look.rows:
        name = _name(row)
        if name not in kept and attempt_of(row) > _WORN_AFTER:
            await _put(link, queue, name)
        if name in kept or attempt_of(row) > _WORN_AFTER:
            await look.remove([row])
        kept.add(name)


async def _put(link: Link, queue: str, group: str) -> None:
    async with link.passing_channel(confirms=True) as channel:
        await send(channel, group.encode(), Basic.Properties(delivery_mode=2), exchange="", routing_key=queue)


def _name(row: DeliveredMessage) -> str:
    return row.body.decode(errors="replace")
