"""How far a RabbitMQ group is behind: what its queues say, and what its members have in hand."""

from __future__ import annotations

import time

from orchestratorx_prism.brokers.base import GroupLag
from orchestratorx_prism.brokers.rabbitmq_census import ask
from orchestratorx_prism.brokers.rabbitmq_dead_letters import parked_count
from orchestratorx_prism.brokers.rabbitmq_link import Link
from orchestratorx_prism.brokers.rabbitmq_topology import backlog_queue, group_queue, queue_is_there, ready_count
from orchestratorx_prism.brokers.settings import BrokerSettings


async def lag(link: Link, settings: BrokerSettings, group: str) -> GroupLag:
    """See `base.GroupQueries`. What went back to its queue counts as waiting, whatever its attempts.

    A queue without leader, in the moment after a restart, is told to be empty. The age is that of the oldest message in
    a member's hand: they come in order. AMQP shows nothing of one that waits.

    Raises:
        BrokerUnavailable: The server or a member does not answer.
    """
    parked = await parked_count(link, settings, group)
    if not await queue_is_there(link, group_queue(settings, group)):
        return GroupLag(group, 0, 0, None, parked)
    waiting = 0
    for queue in (group_queue(settings, group), backlog_queue(settings, group)):
        if await queue_is_there(link, queue):
            async with link.passing_channel() as channel:
                waiting += await ready_count(channel, queue)
    members = await ask(link, settings, group)
    oldest_s = min((one.oldest_s for one in members if one.oldest_s is not None), default=None)
    return GroupLag(
        group,
        waiting + sum(one.waiting for one in members),
        sum(one.unfinished for one in members),
        None if oldest_s is None else max(0.0, time.time() - oldest_s),
        parked,
    )
