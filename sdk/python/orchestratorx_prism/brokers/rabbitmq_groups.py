"""Making a group: its queue, and what the history has kept for it.

The backlog has a queue of its own, which the group reads first: copied behind what the group's own queue already
gets, old messages would come after new ones of the same key. What comes while the group is made is in the history and
in the group's own queue: a tap on the way there tells which that is, and the backlog goes without. One consumer makes
the group; an exclusive queue, which the server removes when that consumer's connection ends, keeps the others waiting.
The backlog is complete when the queue `ready` is there: whoever finds the group without it begins again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from aiormq import Channel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from orchestratorx_prism.brokers.rabbitmq_link import Link, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_locks import gets
from orchestratorx_prism.brokers.rabbitmq_messages import copied
from orchestratorx_prism.brokers.rabbitmq_publishing import send
from orchestratorx_prism.brokers.rabbitmq_registry import register
from orchestratorx_prism.brokers.rabbitmq_tap import Place, place_of, tapping
from orchestratorx_prism.brokers.rabbitmq_topology import (
    backlog_queue,
    bind_group,
    dead_letter_queue,
    delete_queue,
    ensure_base,
    ensure_queue,
    ensure_quorum_queue,
    group_queue,
    history,
    lock_queue,
    queue_is_there,
    ready_queue,
    registry_queue,
    until_on_disk,
    wants,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

_BATCH = 200
"""Messages of the history that are copied at once."""
_ASK_AGAIN_S = 0.2


async def ensure_group(link: Link, settings: BrokerSettings, addresses: Sequence[str], group: str) -> bool:
    """The group's queues, bound to the addresses. Returns whether the group was there and had lost its queue.

    Raises:
        BrokerUnavailable: The server does not answer, or went away meanwhile. Whoever calls next begins again.
        SettingsRejected: A queue of the name is there and is another kind.
    """
    async with link.locks.setdefault(group, asyncio.Lock()):
        while True:
            is_there = await queue_is_there(link, group_queue(settings, group))
            is_ready = await queue_is_there(link, ready_queue(settings, group))
            if is_there and is_ready:
                await ensure_quorum_queue(link, group_queue(settings, group), one_at_a_time=settings.max_unacked == 1)
                await bind_group(link, settings, addresses, group)
                await register(link, settings, group)
                return False
            async with link.passing_channel() as holding:
                if await gets(holding, lock_queue(settings, group)):
                    await _make(link, settings, addresses, group)
                    return is_ready
            await asyncio.sleep(_ASK_AGAIN_S)


async def _make(link: Link, settings: BrokerSettings, addresses: Sequence[str], group: str) -> None:
    try:
        await ensure_base(link, settings)
        for left_over in (ready_queue(settings, group), backlog_queue(settings, group)):
            await delete_queue(link, left_over)
        await ensure_quorum_queue(link, backlog_queue(settings, group))
        await ensure_quorum_queue(link, group_queue(settings, group), one_at_a_time=settings.max_unacked == 1)
        await ensure_quorum_queue(link, dead_letter_queue(settings, group))
        await ensure_quorum_queue(link, registry_queue(settings))
        end = f"end-{uuid.uuid4()}"
        async with tapping(link, settings, addresses, group) as seen:
            # Long enough, too, for what was routed before the binding to be in the history.
            await until_on_disk()
            await _mark(link, settings, end)
            known = await seen()
            # In place of the way through the tap. A queue that two ways lead to gets a message once.
            await bind_group(link, settings, addresses, group)
        count = await _copy_history(link, settings, Wanted(addresses, known), backlog_queue(settings, group), end=end)
        if not count:
            await delete_queue(link, backlog_queue(settings, group))
        await register(link, settings, group)
        await ensure_queue(link, ready_queue(settings, group), {})
        _log.info("rabbitmq: group %s begins with %d messages of the history", group, count)
    finally:
        if not link.is_lost:
            await delete_queue(link, lock_queue(settings, group))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the history belongs into a group's backlog."""

    addresses: Sequence[str]
    but: Collection[Place]
    """What the group's own queue has."""

    def has(self, row: DeliveredMessage) -> bool:
        return bool(row.exchange) and wants(self.addresses, row.exchange or "") and place_of(row) not in self.but


async def _copy_history(link: Link, settings: BrokerSettings, wanted: Wanted, queue: str, *, end: str) -> int:
    """Copies what is wanted of what is before the mark. Returns how many there were."""
    arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
    copies = 0

    def lost() -> None:
        arrived.put_nowait(None)

    async with link.passing_channel(confirms=True) as sending, link.passing_channel() as reading:
        link.on_lost.add(lost)
        reading.closing.add_done_callback(lambda _: lost())
        try:
            with translating():
                await reading.basic_qos(prefetch_count=2 * _BATCH)
                await reading.basic_consume(
                    history(settings), arrived.put, arguments={"x-stream-offset": "first"}, consumer_tag="history"
                )
            batch: list[DeliveredMessage] = []
            at_the_end = False
            while not at_the_end:
                one = await arrived.get()
                if one is None:
                    raise unavailable("the connection broke while the history was read")
                at_the_end = one.header.properties.message_id == end
                batch.append(one)
                if at_the_end or len(batch) >= _BATCH:
                    rows = [row for row in batch if wanted.has(row)]
                    await _copy(sending, settings, rows, queue)
                    copies += len(rows)
                    with translating():
                        await reading.basic_ack(batch[-1].delivery_tag or 0, multiple=True)
                    batch = []
        finally:
            link.on_lost.discard(lost)
    return copies


async def _mark(link: Link, settings: BrokerSettings, end: str) -> None:
    """Puts a mark at the end of the history, and nowhere else: readers of addresses never see it."""
    properties = Basic.Properties(message_id=end)
    async with link.passing_channel(confirms=True) as sending, _in_time(settings):
        await send(sending, b"", properties, exchange="", routing_key=history(settings))


async def _copy(sending: Channel, settings: BrokerSettings, batch: Sequence[DeliveredMessage], queue: str) -> None:
    """In order; returns when the queue has confirmed all."""
    tasks = [asyncio.create_task(send(sending, row.body, copied(row), exchange="", routing_key=queue)) for row in batch]
    async with _in_time(settings):
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome


@contextlib.asynccontextmanager
async def _in_time(settings: BrokerSettings) -> AsyncIterator[None]:
    """Raises BrokerUnavailable when the queues take too long to confirm."""
    try:
        async with asyncio.timeout(settings.publish_timeout_s):
            yield
    except TimeoutError:
        raise unavailable("the queues did not confirm in time") from None
