"""Publishing to RabbitMQ: many messages in flight, one of each key, and every one confirmed by all of its queues."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence

import aiormq.exceptions
from aiormq import Channel
from pamqp.commands import Basic

from orchestratorx_prism.brokers.base import BrokerUnavailable, Message
from orchestratorx_prism.brokers.rabbitmq_link import translating, unavailable
from orchestratorx_prism.brokers.rabbitmq_messages import properties_of
from orchestratorx_prism.brokers.settings import BrokerSettings

MAX_IN_FLIGHT = 256
"""Messages on the way at once. Bounds memory, and how long the loop is kept from other work."""
MAX_IDS = 100_000

Outcome = BrokerUnavailable | None


class RecentIds:
    """Ids of the last minutes, bounded by time and number."""

    def __init__(self, window_s: float, *, most: int = MAX_IDS) -> None:
        self._window_s = window_s
        self._most = most
        self._seen: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def add(self, message: Message, redriven_as: str = "") -> None:
        """`redriven_as`: what makes another message of one with the same id."""
        now = time.monotonic()
        self._seen[message.address, message.id, redriven_as] = now
        while self._seen and (len(self._seen) > self._most or next(iter(self._seen.values())) < now - self._window_s):
            self._seen.popitem(last=False)

    def has(self, message: Message, redriven_as: str = "") -> bool:
        seen_at = self._seen.get((message.address, message.id, redriven_as))
        return seen_at is not None and seen_at >= time.monotonic() - self._window_s

    def forget(self) -> None:
        self._seen.clear()


async def publish(
    channel: Channel, settings: BrokerSettings, messages: Sequence[Message], published: RecentIds
) -> list[Outcome]:
    """One outcome a message. The second message of a key goes out when the first is confirmed, and not before:

    a queue may refuse the first and take the second. Messages of different keys travel together.
    """
    outcomes: list[Outcome] = [unavailable("not tried: the broker does not answer")] * len(messages)
    failed: set[str] = set()
    for wave in _waves(messages):
        ready = [i for i in wave if messages[i].key not in failed]
        for i in set(wave).difference(ready):
            outcomes[i] = unavailable("an earlier message of the key failed", reason="ORDER_HELD")
        for start in range(0, len(ready), MAX_IN_FLIGHT):
            part = ready[start : start + MAX_IN_FLIGHT]
            results = await _send_all(channel, settings, [messages[i] for i in part], published)
            for i, outcome in zip(part, results, strict=True):
                outcomes[i] = outcome
                if outcome is not None and messages[i].key:
                    failed.add(messages[i].key)
            if all(outcome is not None and outcome.reason == "BROKER_UNAVAILABLE" for outcome in results):
                return outcomes
    return outcomes


async def send(channel: Channel, body: bytes, properties: Basic.Properties, *, exchange: str, routing_key: str) -> None:
    """One message, to be taken by a queue and confirmed. No time limit of its own. Raises BrokerUnavailable."""
    with translating():
        try:
            await channel.basic_publish(
                body, exchange=exchange, routing_key=routing_key, properties=properties, mandatory=True, wait=False
            )
        except aiormq.exceptions.PublishError as error:
            raise unavailable(
                "no queue takes this message", reason="NO_STREAM", fix="the history was deleted; it is made again"
            ) from error
        except aiormq.exceptions.ChannelNotFoundEntity as error:
            raise unavailable(
                "the exchange was deleted", reason="NO_STREAM", fix="it is made again at the next publish"
            ) from error
        except aiormq.exceptions.DeliveryError as error:
            raise unavailable("a queue refused the message: it is full, or has no leader") from error


async def _send_all(
    channel: Channel, settings: BrokerSettings, messages: Sequence[Message], published: RecentIds
) -> list[Outcome]:
    sending: dict[tuple[str, str], asyncio.Task[None]] = {}
    for message in messages:
        place = (message.address, message.id)
        if place not in sending and not published.has(message):
            sending[place] = asyncio.create_task(_send_one(channel, message))
    try:
        if sending:
            await asyncio.wait(sending.values(), timeout=settings.publish_timeout_s)
    finally:
        late = [task for task in sending.values() if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    outcomes = [_outcome(sending.get((message.address, message.id))) for message in messages]
    for message, outcome in zip(messages, outcomes, strict=True):
        if outcome is None:
            published.add(message)
    return outcomes


async def _send_one(channel: Channel, message: Message) -> None:
    properties = properties_of(message)
    await send(channel, message.body, properties, exchange=message.address, routing_key=message.routing_key)


def _outcome(task: asyncio.Task[None] | None) -> Outcome:
    """Of one that was sent; None for one that was confirmed before."""
    if task is None:
        return None
    if task.cancelled():
        return unavailable("the queues did not confirm in time")
    error = task.exception()
    if error is None or isinstance(error, BrokerUnavailable):
        return error
    raise error


def _waves(messages: Sequence[Message]) -> list[list[int]]:
    """Indexes of the first message of every key, then of the second ones, and so on; without a key, of the first."""
    waves: list[list[int]] = []
    seen: Counter[str] = Counter()
    for index, message in enumerate(messages):
        number = seen[message.key] if message.key else 0
        seen[message.key] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(index)
    return waves
