"""What the members of a group have in hand. The server tells only what waits in queues; so the members are asked.

The question goes through the exchange `<queue_prefix>.members`, with the group as routing key, to a queue of each
member's connection. Each member also has a consumer on the group's queue `ready`, in which nothing ever comes: how many
these are the server does tell, so that nobody who is alive is overlooked.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

import msgspec
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from orchestratorx_prism.brokers.rabbitmq_link import FOREIGN, Link, close_channel, translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_topology import (
    consumer_count,
    ensure_exchange,
    members_exchange,
    queue_is_there,
    ready_queue,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_ASK_AGAIN_S = 0.5


class InHand(msgspec.Struct, frozen=True):
    """What one member has of the group's queues."""

    waiting: int
    """Not handed out yet."""
    unfinished: int
    oldest_s: float | None
    """When the oldest of both was published. Seconds since 1970; None: it has nothing, or that is not known."""


class Member:
    """Answers for one subscription, for as long as its connection lasts."""

    def __init__(self, settings: BrokerSettings, group: str, in_hand: Callable[[], InHand]) -> None:
        self._settings = settings
        self._group = group
        self._in_hand = in_hand
        self._name = uuid.uuid4().hex
        self._channel: Channel | None = None
        self._uncounted = False
        """Somebody deleted a queue that it consumes from."""

    async def join(self, link: Link) -> None:
        """Raises BrokerUnavailable."""
        await self.leave()
        exchange, queue = members_exchange(self._settings), f"{self._settings.queue_prefix}.member-{self._name}"
        await ensure_exchange(link, exchange, "direct")
        self._channel = channel = await link.channel()
        self._uncounted = False
        channel.on_consumer_cancel_callbacks.add(self._cancelled)
        with translating():
            await channel.queue_declare(queue, exclusive=True, auto_delete=True)
            await channel.queue_bind(queue, exchange, self._group)
            await channel.basic_consume(queue, self._answer, no_ack=True)
            # Last: whoever is counted can be asked.
            await channel.basic_consume(ready_queue(self._settings, self._group), self._answer, no_ack=True)

    async def stay(self, link: Link) -> None:
        """Joins again where that has come to an end, and there is a group to join. Raises BrokerUnavailable."""
        if (self._uncounted or self._channel is None or self._channel.is_closed) and await queue_is_there(
            link, ready_queue(self._settings, self._group)
        ):
            await self.join(link)

    async def leave(self) -> None:
        if self._channel is not None:
            await close_channel(self._channel)

    def _cancelled(self, _: object) -> None:
        self._uncounted = True

    async def _answer(self, question: DeliveredMessage) -> None:
        reply_to, channel = question.header.properties.reply_to, self._channel
        if channel is None or not reply_to:
            return
        properties = Basic.Properties(message_id=self._name)
        # Who asked may be gone; if it is us who are, the server counts one member less.
        with contextlib.suppress(*FOREIGN):
            body = msgspec.json.encode(self._in_hand())
            await channel.basic_publish(body, exchange="", routing_key=reply_to, properties=properties, wait=False)


async def ask(link: Link, settings: BrokerSettings, group: str) -> list[InHand]:
    """One answer of each member there is.

    Raises:
        BrokerUnavailable: The server does not answer, or a member does not in time: its event loop is kept busy.
    """
    ready = ready_queue(settings, group)
    if not await queue_is_there(link, ready):
        return []
    exchange, queue = members_exchange(settings), f"{settings.queue_prefix}.answers-{uuid.uuid4().hex}"
    await ensure_exchange(link, exchange, "direct")
    arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    answers: dict[str, InHand] = {}
    async with link.passing_channel() as channel:
        with translating():
            await channel.queue_declare(queue, exclusive=True, auto_delete=True)
            await channel.basic_consume(queue, arrived.put, no_ack=True)
        try:
            async with asyncio.timeout(settings.publish_timeout_s):
                while len(answers) < await consumer_count(channel, ready):
                    # Again, too: somebody may have joined since. A second answer takes the place of the first.
                    with translating():
                        properties = Basic.Properties(reply_to=queue)
                        await channel.basic_publish(
                            b"", exchange=exchange, routing_key=group, properties=properties, wait=False
                        )
                    await _gather(arrived, answers, await consumer_count(channel, ready))
        except TimeoutError:
            raise unavailable("a consumer of the group does not say what it has in hand") from None
    return list(answers.values())


async def _gather(arrived: asyncio.Queue[DeliveredMessage], answers: dict[str, InHand], count: int) -> None:
    """Until there are so many answers, or it is time to ask again."""
    try:
        async with asyncio.timeout(_ASK_AGAIN_S):
            while len(answers) < count:
                one = await arrived.get()
                answers[one.header.properties.message_id or ""] = msgspec.json.decode(one.body, type=InHand)
    except TimeoutError:
        return
