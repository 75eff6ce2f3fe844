"""The NATS broker: JetStream, by nats-py. Every publish waits for the stream's acknowledgement; there is no other way.

A message's subject is `<subject_prefix>.<address>.<routing key>`, without what is empty: an event is on
"payments.events.payment.captured". The event's id travels as Nats-Msg-Id: the stream drops a second publish within its
duplicate window. Dead letters are in the stream `<stream>_DEAD_LETTERS`, on `dead_letters.<stream>.<group>`.

A default server acknowledges before the disk has it: set `jetstream { sync_interval: always }`, or three replicas.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

import nats.errors

from orchestratorx_prism.brokers import nats_dead_letters, nats_groups
from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, GroupLag, Message
from orchestratorx_prism.brokers.nats_consuming import NatsSubscription
from orchestratorx_prism.brokers.nats_link import Link, open_link, unavailable
from orchestratorx_prism.brokers.nats_publishing import publish
from orchestratorx_prism.brokers.nats_streams import ensure_streams, refusal, tell_deleted
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)


class NatsBroker:
    """See `base.Broker`. A broken connection comes back by itself; a client that gave up is replaced at the next."""

    name = "nats"

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._link: Link | None = None
        self._streams_known = False
        self._had_streams = False
        self._connecting = asyncio.Lock()
        self._subscriptions: list[NatsSubscription] = []
        self._publishing = 0
        self._idle = asyncio.Event()
        self._closed = False

    async def connect(self) -> None:
        """Raises BrokerUnavailable; SettingsRejected if the stream that is there cannot be used."""
        self._check_open()
        await self._link_now()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._wait_for_publishing()
        for subscription in self._subscriptions:
            await subscription.close()
        if self._link is not None:
            await self._link.close()

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        """See `base.Broker`. Raises SettingsRejected if the stream that is there cannot be used."""
        self._publishing += 1
        try:
            self._check_open()
            outcomes = await publish(await self._link_now(), self._settings, messages)
        except BrokerUnavailable as away:
            return [away] * len(messages)
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._idle.set()
        if any(outcome is not None and outcome.reason == "NO_STREAM" for outcome in outcomes):
            # Somebody deleted it: the next call makes it again.
            self._streams_known = False
        return outcomes

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> NatsSubscription:
        """See `base.Broker`. Raises RequestRejected for an address that NATS cannot filter by."""
        self._check_open()
        subscription = NatsSubscription(self._link_now, self._settings, addresses, group)
        await subscription.open()
        self._subscriptions = [one for one in self._subscriptions if not one.closed] + [subscription]
        return subscription

    async def dead_letters(self, *, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        self._check_open()
        return await nats_dead_letters.dead_letters(await self._link_now(), self._settings, group, limit)

    async def groups(self) -> Sequence[str]:
        self._check_open()
        return await nats_groups.groups(await self._link_now(), self._settings)

    async def lag(self, group: str) -> GroupLag:
        self._check_open()
        return await nats_groups.lag(await self._link_now(), self._settings, group)

    async def redrive(self, *, group: str, message_ids: Collection[str] = (), limit: int = 100) -> int:
        self._check_open()
        return await nats_dead_letters.redrive(await self._link_now(), self._settings, group, message_ids, limit)

    async def health(self) -> None:
        """Asks JetStream for the stream: a server without JetStream, or a stream without leader, does not pass."""
        self._check_open()
        link = await self._link_now()
        try:
            await link.jetstream.stream_info(self._settings.stream)
        except (nats.errors.Error, TimeoutError) as error:
            raise refusal(error) from error

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
            _log.warning("nats: closing with %d calls still publishing", self._publishing)

    async def _link_now(self) -> Link:
        """The connection, made or replaced if need be, with the streams there."""
        link = self._link
        if link is not None and self._streams_known and not link.client.is_closed:
            return link
        async with self._connecting:
            if self._link is None or self._link.client.is_closed:
                self._check_open()
                self._link, self._streams_known = await open_link(self._settings), False
            if not self._streams_known:
                made = await ensure_streams(self._link, self._settings)
                if self._had_streams:
                    tell_deleted(made)
                self._streams_known = self._had_streams = True
            return self._link
