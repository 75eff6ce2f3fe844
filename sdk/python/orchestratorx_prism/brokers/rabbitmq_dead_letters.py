"""Dead letters in RabbitMQ: an exchange, and a quorum queue a group, the reason and the attempt in the headers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from aiormq import Channel
from aiormq.abc import DeliveredMessage

from orchestratorx_prism.brokers.base import DeadLetter
from orchestratorx_prism.brokers.rabbitmq_link import Link, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_locks import alone
from orchestratorx_prism.brokers.rabbitmq_messages import dead_letter_of, parked, parked_at, redriven
from orchestratorx_prism.brokers.rabbitmq_publishing import send
from orchestratorx_prism.brokers.rabbitmq_reading import Look, exact_count, looking_into
from orchestratorx_prism.brokers.rabbitmq_topology import (
    dead_letter_exchange,
    dead_letter_queue,
    ensure_quorum_queue,
    group_queue,
    look_queue,
    queue_is_there,
    until_on_disk,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_MOST_LOOKED_AT = 10_000
_MOST_OF_CERTAIN_IDS = 65_535
_AT_ONCE = 100
"""Dead letters on their way back at once."""


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
    """Oldest first, of the first 10,000.

    A queue can only be looked at by taking and giving back, and what is given back lines up behind what was given back
    before: so all are taken, whatever the limit.

    Raises:
        BrokerUnavailable: The server does not answer.
    """
    queue = dead_letter_queue(settings, group)
    if limit < 1 or not await queue_is_there(link, queue):
        return []
    async with (
        alone(link, settings, look_queue(settings, group)),
        looking_into(link, settings, queue, most=_MOST_LOOKED_AT) as look,
    ):
        return [dead_letter_of(one) for one in sorted(look.rows, key=parked_at)[:limit]]


async def parked_count(link: Link, settings: BrokerSettings, group: str) -> int:
    """How many there are. Raises BrokerUnavailable."""
    queue = dead_letter_queue(settings, group)
    if not await queue_is_there(link, queue):
        return 0
    # What somebody looks at is not in the queue meanwhile.
    async with alone(link, settings, look_queue(settings, group)):
        return await exact_count(link, settings, queue)


async def redrive(link: Link, settings: BrokerSettings, group: str, message_ids: Collection[str], limit: int) -> int:
    """See `base.GroupQueries`. Put behind what the group's queue has, then removed: in between a crash doubles some.

    Raises:
        BrokerUnavailable: The server does not answer, or the group has no queue. Those before were redriven, the rest
            is where it was.
    """
    queue = dead_letter_queue(settings, group)
    if limit < 1 or not await queue_is_there(link, queue):
        return 0
    done = 0
    # What is parked again meanwhile is not looked at: a handler that still fails would keep this going for ever.
    most = min(limit, await parked_count(link, settings, group))
    while done < most:
        async with alone(link, settings, look_queue(settings, group)):
            count = await _redrive_some(link, settings, group, message_ids, most - done)
        done += count
        if not count or message_ids:
            break
    return done


async def _redrive_some(
    link: Link, settings: BrokerSettings, group: str, message_ids: Collection[str], limit: int
) -> int:
    """Of the first 65,535 for certain ids, else of the first 10,000."""

    def wanted(row: DeliveredMessage) -> bool:
        return not message_ids or row.header.properties.message_id in message_ids

    queue, most = dead_letter_queue(settings, group), _MOST_OF_CERTAIN_IDS if message_ids else _MOST_LOOKED_AT
    async with (
        looking_into(link, settings, queue, most=most, wanted=wanted) as look,
        link.passing_channel(confirms=True) as sending,
    ):
        chosen = sorted(look.rows, key=parked_at)[:limit]
        if chosen and not await queue_is_there(link, group_queue(settings, group)):
            fix = "start a consumer of the group: it makes the queue again"
            raise unavailable("the queue of the group was deleted", reason="NO_STREAM", fix=fix)
        for start in range(0, len(chosen), _AT_ONCE):
            await _hand_back(sending, settings, look, chosen[start : start + _AT_ONCE], group_queue(settings, group))
        return len(chosen)


async def _hand_back(
    sending: Channel, settings: BrokerSettings, look: Look, rows: Sequence[DeliveredMessage], queue: str
) -> None:
    """In order. What was confirmed leaves the dead letters, whatever becomes of the others."""
    tasks = [
        asyncio.create_task(send(sending, row.body, redriven(row), exchange="", routing_key=queue)) for row in rows
    ]
    _, late = await asyncio.wait(tasks, timeout=settings.publish_timeout_s)
    for task in late:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await look.remove([row for row, outcome in zip(rows, outcomes, strict=True) if outcome is None])
    for outcome in outcomes:
        if isinstance(outcome, asyncio.CancelledError):
            raise unavailable("the group's queue did not confirm in time")
        if isinstance(outcome, BaseException):
            raise outcome
