"""The Redis broker: Streams, by redis-py. An address is a stream; a group is a consumer group on it.

An entry has the fields `id`, `key`, `routing_key`, `headers` (JSON) and `body`. The event's id is remembered for
`duplicate_window_s`, 100,000 of a stream at most: a second publish with it is dropped. `stream_maxlen` bounds a stream
by trimming what every group has ended, oldest first, and nothing else (XTRIM MINID, computed in the same step from the
groups' pending and last-delivered entries); when the oldest is still wanted, publishing waits, then fails BROKER_FULL.
Dead letters are in the stream `orchestratorx:dead_letters:<group>`. One that is redriven goes to the end of its stream
with a field that says for whom: our consumers of other groups pass over it.

An acknowledgement says what the server's `appendfsync` says: `always` is on disk; `everysec`, the default, may lose the
last two seconds with the machine. `wait_replicas` waits for copies (WAIT), `wait_aof` for the disk (WAITAOF, from Redis
7.2). A failover to a replica that lags loses what that replica had not: WAIT makes it rarer, no setting makes it
impossible. One primary, no Redis Cluster.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from orchestratorx_prism.brokers import redis_groups, redis_messages
from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, GroupLag, Message
from orchestratorx_prism.brokers.redis_consuming import RedisSubscription
from orchestratorx_prism.brokers.redis_link import Link, open_link, server_facts, unavailable
from orchestratorx_prism.brokers.redis_publishing import publish
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)


class RedisBroker:
    """See `base.Broker`. Broken connections are replaced one by one, at the next call."""

    name = "redis"

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._link: Link | None = None
        self._connecting = asyncio.Lock()
        self._subscriptions: list[RedisSubscription] = []
        self._publishing = 0
        self._idle = asyncio.Event()
        self._closed = False

    async def connect(self) -> None:
        """Raises BrokerUnavailable; SettingsRejected if the server that is there would lose messages."""
        self._check_open()
        await self._link_now()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._wait_for_publishing()
        await asyncio.gather(*(subscription.close() for subscription in self._subscriptions))
        if self._link is not None:
            await self._link.close()

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        """See `base.Broker`. Raises SettingsRejected if the server that is there would lose messages."""
        self._publishing += 1
        try:
            self._check_open()
            return await publish(await self._link_now(), self._settings, messages)
        except BrokerUnavailable as away:
            return [away] * len(messages)
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._idle.set()

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> RedisSubscription:
        self._check_open()
        subscription = RedisSubscription(self._link_now, self._settings, addresses, group)
        await subscription.open()
        self._subscriptions = [one for one in self._subscriptions if not one.closed] + [subscription]
        return subscription

    async def dead_letters(self, *, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        self._check_open()
        return await redis_messages.dead_letters(await self._link_now(), group, limit)

    async def groups(self) -> Sequence[str]:
        """See `base.GroupQueries`."""
        self._check_open()
        return await redis_groups.groups(await self._link_now())

    async def lag(self, group: str) -> GroupLag:
        """See `base.GroupQueries`."""
        self._check_open()
        return await redis_groups.lag(await self._link_now(), group)

    async def redrive(self, *, group: str, message_ids: Collection[str] = (), limit: int = 100) -> int:
        """See `base.GroupQueries`."""
        self._check_open()
        return await redis_groups.redrive(await self._link_now(), group, message_ids, limit)

    async def health(self) -> None:
        """Asks whether it is a primary that can write: a full disk or a failover does not pass."""
        self._check_open()
        facts = await server_facts(await self._link_now())
        if facts.get("role") != "master":
            raise unavailable("the server is a replica", fix="name the primary")
        if facts.get("aof_enabled") == "1" and facts.get("aof_last_write_status") != "ok":
            raise unavailable("the server cannot write its append-only file", fix="look at its disk")

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
            _log.warning("redis: closing with %d calls still publishing", self._publishing)

    async def _link_now(self) -> Link:
        """The client, made if there is none yet."""
        if self._link is not None:
            return self._link
        async with self._connecting:
            if self._link is None:
                self._check_open()
                self._link = await open_link(self._settings)
            return self._link
