"""Consuming from JetStream: a durable pull consumer a group, pulled only when somebody fetches.

Order per key: within one `Subscription`, a message is handed out when the one before it of the same key is ended.
Between several subscriptions of one group JetStream deals messages out regardless of key: two consumers can then work
on two messages of one key at a time. Where that matters, run one consumer a group, or set `max_unacked=1`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from orchestratorx_prism.brokers.base import BrokerUnavailable, DeadLetter, Message
from orchestratorx_prism.brokers.key_order import KeyOrder
from orchestratorx_prism.brokers.nats_dead_letters import park
from orchestratorx_prism.brokers.nats_link import Link, translated, unavailable
from orchestratorx_prism.brokers.nats_publishing import (
    ID_HEADER,
    KEY_HEADER,
    MESSAGE_ID_HEADER,
    ONLY_FOR_HEADER,
    OWN_HEADERS,
    ROUTING_KEY_HEADER,
)
from orchestratorx_prism.brokers.nats_streams import consumer_is_there, ensure_consumer
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

_ACK = b"+ACK"
_TERM = b"+TERM"
_IN_PROGRESS = b"+WPI"
_NO_MESSAGES = {"404", "408"}
"""Statuses that end a pull without a fault: nothing there, and time is up. Source: NATS docs, "Pull consumers"."""
_ANSWER_GRACE_S = 1.0
"""How long after its time a pull may still be answered."""
_BEHIND_S = 0.2
"""How much later than the message before it the server is to deliver one of the same key."""
_HELD_FOR = 1.5
"""A delivery that is not ended and has not come again after so many times `ack_wait_s` was ended after all."""


def message_of(message: Msg, settings: BrokerSettings, *, fallback_id: str) -> Message:
    """Also of what others publish into the stream: it has no key, and the stream's position as its id."""
    headers = message.headers or {}
    routing_key = headers.get(ROUTING_KEY_HEADER, "")
    address = message.subject.removeprefix(f"{settings.subject_prefix}." if settings.subject_prefix else "")
    if routing_key:
        address = address.removesuffix(f".{routing_key}")
    return Message(
        id=headers.get(MESSAGE_ID_HEADER) or headers.get(ID_HEADER) or fallback_id,
        address=address,
        key=headers.get(KEY_HEADER, ""),
        body=message.data,
        headers={name: value for name, value in headers.items() if name not in OWN_HEADERS},
        routing_key=routing_key,
    )


def _nak(delay_s: float) -> bytes:
    return b"-NAK" + (b" " + json.dumps({"delay": int(delay_s * 1e9)}).encode() if delay_s > 0 else b"")


class NatsDelivery:
    """See `base.Delivery`. `ack` and `dead_letter` return when the server has confirmed."""

    def __init__(self, subscription: NatsSubscription, received: Msg, settings: BrokerSettings) -> None:
        metadata = received.metadata
        self._subscription = subscription
        self.reply = received.reply
        """Where verdicts go."""
        self.position = metadata.sequence.stream
        """In the stream."""
        self._attempt = metadata.num_delivered
        self._message = message_of(received, settings, fallback_id=f"{metadata.stream}:{self.position}")

    @property
    def message(self) -> Message:
        return self._message

    @property
    def attempt(self) -> int:
        return self._attempt

    async def ack(self) -> None:
        await self._subscription.end(self, _ACK)

    async def nack(self, *, delay_s: float = 0.0) -> None:
        await self._subscription.give_back(self, delay_s)

    async def dead_letter(self, reason: str) -> None:
        await self._subscription.park(self, reason)


class NatsSubscription:
    """See `base.Subscription`."""

    def __init__(
        self,
        link_now: Callable[[], Awaitable[Link]],
        settings: BrokerSettings,
        addresses: Sequence[str],
        group: str,
    ) -> None:
        self._link_now = link_now
        self._settings = settings
        self._addresses = tuple(addresses)
        self.group = group
        self._order: KeyOrder[NatsDelivery] = KeyOrder()
        self._foreign: list[str] = []
        """Where to acknowledge what is for another group alone."""
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._link: Link | None = None
        self._inbox = ""
        self._receiving: Subscription | None = None
        self._pull_subject = ""
        self._pulls = 0
        self._keeping: asyncio.Task[None] | None = None
        self._had_consumer = False
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    async def open(self) -> None:
        """Makes the group's consumer and listens. Raises BrokerUnavailable, SettingsRejected, RequestRejected."""
        await self._bind(await self._link_now())

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[NatsDelivery]:
        if self._closed:
            raise unavailable("the subscription is closed")
        link = await self._link_now()
        if link is not self._link:
            await self._bind(link)
        deadline = time.monotonic() + timeout_s
        while True:
            self._sort_arrived()
            await self._drop_foreign()
            now = time.monotonic()
            ready = self._order.take(limit, now, until_s=now + _HELD_FOR * self._settings.ack_wait_s)
            if ready:
                return ready
            next_change = self._order.next_change_s(now)
            until = deadline if next_change is None else min(deadline, next_change)
            if now >= deadline:
                return []
            await self._pull(link, limit, until)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self._sort_arrived()
        # Others need not wait for the deliveries to time out. If they cannot be told, that is what happens.
        with contextlib.suppress(BrokerUnavailable):
            now = time.monotonic()
            for delivery in self._order.unfinished():
                # Behind one that was given back for later: not before that one.
                held_s = self._order.expected_in_s(delivery.message.key, now) - self._settings.ack_wait_s
                await self._tell(delivery.reply, _nak(held_s + _BEHIND_S if held_s > 0 else 0.0))
        await self._unbind()

    async def end(self, delivery: NatsDelivery, verdict: bytes) -> None:
        link = await self._link_now()
        reply = await link.request(delivery.reply, verdict)
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                confirmed = await reply
        except TimeoutError:
            raise unavailable("the server did not confirm in time") from None
        if confirmed is None:
            raise unavailable("the connection broke before the confirmation")
        self._order.ended(delivery.message.key, delivery.position)

    async def give_back(self, delivery: NatsDelivery, delay_s: float) -> None:
        await self._tell(delivery.reply, _nak(delay_s))
        until_s = time.monotonic() + delay_s + self._settings.ack_wait_s
        self._order.given_back(delivery.message.key, delivery.position, until_s=until_s)

    async def park(self, delivery: NatsDelivery, reason: str) -> None:
        # In this order: a crash in between brings the message again, and the second copy is dropped as a duplicate.
        dead = DeadLetter(delivery.message, self.group, reason, delivery.attempt)
        await park(await self._link_now(), self._settings, dead, position=delivery.position)
        await self.end(delivery, _TERM)

    async def _pull(self, link: Link, limit: int, until: float) -> None:
        """Takes what is there; if that is nothing, waits for one message, and takes what came with it."""
        if await self._request(link, limit, wait_s=0.0):
            return
        wait_s = until - time.monotonic()
        if wait_s > 0 and await self._request(link, 1, wait_s=wait_s) and limit > 1:
            await self._request(link, limit - 1, wait_s=0.0)

    async def _request(self, link: Link, count: int, *, wait_s: float) -> int:
        """One pull, until it is answered in full or the server ends it. Returns how many messages came."""
        self._pulls += 1
        inbox = f"{self._inbox}.{self._pulls}"
        terms: dict[str, object] = {"batch": count, "no_wait": True}
        if wait_s > 0:
            terms = {"batch": count, "expires": max(int(wait_s * 1e9), 1_000_000)}
        await link.send(self._pull_subject, json.dumps(terms).encode(), inbox)
        came = 0
        give_up = time.monotonic() + wait_s + _ANSWER_GRACE_S
        while came < count:
            try:
                async with asyncio.timeout(give_up - time.monotonic()):
                    message = await self._arrived.get()
            except TimeoutError:
                return came
            if message is None:
                raise unavailable("the connection broke")
            if message.reply:
                came += 1
                self._sort(message)
            elif message.subject == inbox and await self._ends(message):
                return came
        return came

    async def _ends(self, status: Msg) -> bool:
        """Whether the pull is over. Raises BrokerUnavailable when it is because something is wrong."""
        headers = status.headers or {}
        code = headers.get("Status", "")
        if code == "100":
            return False
        if code not in _NO_MESSAGES:
            # The consumer or the stream is gone or has moved: the next fetch finds or makes it again.
            await self._unbind()
            raise unavailable(f"the group's consumer does not answer: {headers.get('Description', code)}")
        return True

    def _sort_arrived(self) -> None:
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is not None and message.reply:
                self._sort(message)

    async def _drop_foreign(self) -> None:
        while self._foreign:
            await self._tell(self._foreign[-1], _ACK)
            self._foreign.pop()

    def _sort(self, message: Msg) -> None:
        if (message.headers or {}).get(ONLY_FOR_HEADER, self.group) != self.group:
            self._foreign.append(message.reply)
            return
        delivery = NatsDelivery(self, message, self._settings)
        self._order.add(delivery.message.key, delivery.position, delivery)

    async def _bind(self, link: Link) -> None:
        await self._unbind()
        if self._had_consumer and not await consumer_is_there(link, self._settings, self.group):
            self._had_consumer = False
            _log.error(
                "nats: the consumer of group %s, or its stream, was deleted; made again, it begins with the oldest "
                "message kept",
                self.group,
            )
        consumer = await ensure_consumer(link, self._settings, self._addresses, self.group)
        self._had_consumer = True
        self._pull_subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._settings.stream}.{consumer}"
        self._inbox = link.client.new_inbox()
        try:
            self._receiving = await link.client.subscribe(f"{self._inbox}.*", cb=self._arrived.put)
        except nats.errors.Error as error:
            raise translated(error) from error
        link.on_lost.add(self._wake)
        self._link = link
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_waiting_ones())

    async def _unbind(self) -> None:
        if self._link is not None:
            self._link.on_lost.discard(self._wake)
            self._link = None
        if self._receiving is not None:
            receiving, self._receiving = self._receiving, None
            with contextlib.suppress(nats.errors.Error):
                await receiving.unsubscribe()

    def _wake(self) -> None:
        self._arrived.put_nowait(None)

    async def _keep_waiting_ones(self) -> None:
        """Deliveries that wait behind another of their key must not go to somebody else meanwhile."""
        while True:
            await asyncio.sleep(self._settings.ack_wait_s / 3)
            with contextlib.suppress(BrokerUnavailable):
                for delivery in self._order.waiting():
                    await self._tell(delivery.reply, _IN_PROGRESS)

    async def _tell(self, subject: str, verdict: bytes) -> None:
        await (await self._link_now()).send(subject, verdict)
