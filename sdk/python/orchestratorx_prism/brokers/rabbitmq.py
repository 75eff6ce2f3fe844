"""The RabbitMQ broker, by aio-pika: quorum queues, persistent messages, publisher confirms, mandatory.

| what | name |
|---|---|
| an address: a topic exchange; the routing key is the event's type | `payments.events` |
| a group: a quorum queue | `<queue_prefix>.group.<group>` |
| its dead letters: a quorum queue, behind `<queue_prefix>.dead_letters` | `<queue_prefix>.dead_letters.<group>` |
| the history: a stream of all messages, for `max_age_s` | `<queue_prefix>.history` |
| the names of the groups: a quorum queue | `<queue_prefix>.groups` |
| who asks members what they have in hand: an exchange | `<queue_prefix>.members` |
| an exchange of your own that gets everything as well | `exchange_name` |

A publish is acknowledged when the history and the queue of every group of its address have confirmed. A quorum queue
confirms what most of its nodes have on disk; the history, a stream, what most of them have, without waiting for disks.
So with one node and no group yet, losing the machine's power may lose the last moments: the ledger can publish them
again.

RabbitMQ does not know repeats. Each publisher here remembers what was confirmed, and each subscription what it ended,
for `duplicate_window_s`, 100,000 at most; between them a second copy may pass. The event id lets a consumer drop it. A
delay of `nack` is kept by the consumer, for 15 minutes at most; if that ends before, the message comes sooner.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Sequence

from aiormq import Channel

from orchestratorx_prism.brokers import rabbitmq_dead_letters, rabbitmq_queries, rabbitmq_registry
from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, GroupLag, Message
from orchestratorx_prism.brokers.rabbitmq_consuming import RabbitSubscription
from orchestratorx_prism.brokers.rabbitmq_link import Link, close_channel, open_link, unavailable
from orchestratorx_prism.brokers.rabbitmq_publishing import RecentIds, publish
from orchestratorx_prism.brokers.rabbitmq_topology import ensure_address, ensure_base, history, queue_is_there
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

_MAKE_SURE_EVERY_S = 10.0
"""How often a publisher looks whether exchanges and history are still there."""


class RabbitBroker:
    """See `base.Broker`. A broken connection is replaced at the next call."""

    name = "rabbitmq"

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._link: Link | None = None
        self._connecting = asyncio.Lock()
        self._sending: Channel | None = None
        self._preparing = asyncio.Lock()
        self._sure_of: dict[str, float] = {}
        """By address: when its exchange was last seen."""
        self._published = RecentIds(settings.duplicate_window_s)
        self._subscriptions: list[RabbitSubscription] = []
        self._publishing = 0
        self._idle = asyncio.Event()
        self._closed = False

    async def connect(self) -> None:
        """Raises BrokerUnavailable; SettingsRejected if an exchange or queue that is there cannot be used."""
        self._check_open()
        await ensure_base(await self._link_now(), self._settings)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._wait_for_publishing()
        await asyncio.gather(*(subscription.close() for subscription in self._subscriptions))
        if self._link is not None:
            await self._link.close()

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        """See `base.Broker`. Raises SettingsRejected if an exchange or queue that is there cannot be used."""
        if not messages:
            return []
        self._publishing += 1
        try:
            self._check_open()
            channel = await self._prepared({message.address for message in messages if message.address})
            outcomes = await publish(channel, self._settings, messages, self._published)
        except BrokerUnavailable as away:
            return [away] * len(messages)
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._idle.set()
        reasons = {outcome.reason for outcome in outcomes if outcome is not None}
        if "NO_STREAM" in reasons:
            # The next call makes it again, and repeats may be wanted.
            _log.error(
                "rabbitmq: an exchange or the history was deleted; running consumers bind their groups again within "
                "10 s, and what is published meanwhile is only in the history"
            )
            self._sure_of.clear()
            self._published.forget()
        elif "BROKER_UNAVAILABLE" in reasons:
            # A confirmation that comes late must not be taken for that of what is sent next.
            await close_channel(channel)
            self._sending = None
        return outcomes

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> RabbitSubscription:
        """See `base.Broker`. Raises RequestRejected for an address that RabbitMQ cannot filter by."""
        self._check_open()
        subscription = RabbitSubscription(self._link_now, self._settings, addresses, group)
        await subscription.open()
        self._subscriptions = [one for one in self._subscriptions if not one.closed] + [subscription]
        return subscription

    async def dead_letters(self, *, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        self._check_open()
        return await rabbitmq_dead_letters.dead_letters(await self._link_now(), self._settings, group, limit)

    async def groups(self) -> Sequence[str]:
        """See `base.GroupQueries`."""
        self._check_open()
        return await rabbitmq_registry.groups(await self._link_now(), self._settings)

    async def lag(self, group: str) -> GroupLag:
        """See `base.GroupQueries`."""
        self._check_open()
        return await rabbitmq_queries.lag(await self._link_now(), self._settings, group)

    async def redrive(self, *, group: str, message_ids: Collection[str] = (), limit: int = 100) -> int:
        """See `base.GroupQueries`."""
        self._check_open()
        link = await self._link_now()
        return await rabbitmq_dead_letters.redrive(link, self._settings, group, message_ids, limit)

    async def health(self) -> None:
        """Asks for the history: a virtual host that is down, or a stream without leader, does not pass."""
        self._check_open()
        link = await self._link_now()
        if not await queue_is_there(link, history(self._settings)):
            await ensure_base(link, self._settings)

    def _check_open(self) -> None:
        if self._closed:
            raise unavailable("the broker was closed here")

    async def _wait_for_publishing(self) -> None:
        """What is being published gets its acknowledgements, or is told that there are none."""
        try:
            async with asyncio.timeout(2 * self._settings.publish_timeout_s):
                while self._publishing:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            _log.warning("rabbitmq: closing with %d calls still publishing", self._publishing)

    async def _prepared(self, addresses: set[str]) -> Channel:
        """A channel to publish on, with the exchanges of the addresses there."""
        async with self._preparing:
            link = await self._link_now()
            since = time.monotonic() - _MAKE_SURE_EVERY_S
            stale = [address for address in sorted(addresses) if self._sure_of.get(address, 0.0) <= since]
            if stale:
                await ensure_base(link, self._settings)
            for address in stale:
                await ensure_address(link, self._settings, address)
                self._sure_of[address] = time.monotonic()
            if self._sending is None or self._sending.is_closed:
                self._sending = await link.channel(confirms=True)
            return self._sending

    async def _link_now(self) -> Link:
        """The connection, made or replaced if need be."""
        if self._link is not None and not self._link.is_lost:
            return self._link
        async with self._connecting:
            if self._link is None or self._link.is_lost:
                self._check_open()
                self._link = await open_link(self._settings)
                self._sure_of.clear()
                self._sending = None
            return self._link
