"""What a broker is. One file beside this one for each; all pass one conformance suite.

A broker publishes with a durable acknowledgement and delivers to consumer groups with ack and nack.
It is at least once; the event id lets everybody drop the second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from orchestratorx_prism.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to a broker, or from it."""

    id: str
    """The event's id; brokers that can, drop a second publish with the same id."""
    address: str
    """Topic, stream or exchange; the beginning of a NATS subject: "payments.events"."""
    key: str
    """Partition key: messages with the same key keep their order. Empty: no order is asked for."""
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in ASCII without spaces; values without line breaks, nor spaces at either end."""
    routing_key: str = ""
    """What brokers that route add to the address: "payment.captured" makes the NATS subject
    "payments.events.payment.captured". Brokers of topics and streams publish to the address alone."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message parked for good, with the reason."""

    message: Message
    group: str
    """The group that could not handle it."""
    reason: str
    attempt: int
    """Which delivery it was when it was parked; 1 is the first."""


@dataclass(frozen=True, slots=True)
class GroupLag:
    """How far a group is behind."""

    group: str
    waiting: int
    """Messages that no consumer of the group has been handed."""
    unfinished: int
    """Messages that were handed out and are not ended, those given back for later among them."""
    oldest_age_s: float | None
    """How long ago the oldest of either was published. Seconds; None: there is none, or the broker cannot say."""
    dead_letters: int
    """Messages that the group has parked."""


class BrokerUnavailable(Unavailable):
    """The broker did not acknowledge. Nothing is known to be published; publish again.

    Reasons: BROKER_UNAVAILABLE, BROKER_FULL (its limit is reached and the oldest messages are still wanted),
    NO_STREAM (nothing keeps messages of this address), MESSAGE_REFUSED (this one message: too large, or a name that the
    broker does not take; others may pass), ORDER_HELD (not tried: an earlier message of the key failed in this call).
    """

    default_reason = "BROKER_UNAVAILABLE"
    default_fix = "see that the broker runs, and that messaging.url names it; then try again"


class Delivery(Protocol):
    """A message handed to one consumer of a group. End it by exactly one of `ack`, `nack`, `dead_letter`.

    A delivery that is not ended in time goes to another consumer. Each of the three raises BrokerUnavailable if the
    broker cannot be told; the message comes again then.
    """

    @property
    def message(self) -> Message: ...

    @property
    def attempt(self) -> int:
        """1 on first delivery."""
        ...

    async def ack(self) -> None:
        """Handled: never to be delivered again to this group."""
        ...

    async def nack(self, *, delay_s: float = 0.0) -> None:
        """Not handled: deliver again, no sooner than after `delay_s`."""
        ...

    async def dead_letter(self, reason: str) -> None:
        """Parks the message with the reason, where it can be listed and redriven, and ends the delivery."""
        ...


class Subscription(Protocol):
    """A consumer's place in a group. It holds no more than one unfinished delivery of a key, the oldest."""

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[Delivery]:
        """Up to `limit` deliveries, as soon as there is one; empty after `timeout_s` without. One call at a time.

        Raises:
            BrokerUnavailable: The broker does not answer. Call again: the subscription finds its place by itself.
        """
        ...

    async def close(self) -> None:
        """Leaves the group; unfinished deliveries go to others."""
        ...


@runtime_checkable
class Succession(Protocol):
    """Who comes after a member that died. A part of `Subscription` that one may lack.

    For brokers that give what a dead member had in hand to the next as soon as they notice: not always at once.
    """

    async def alone(self) -> bool:
        """Whether no other member of the group has anything in hand, or takes anything. To be asked before `fetch`.

        Whoever begins before that is so gets later messages of a key before earlier ones. Raises BrokerUnavailable.
        """
        ...


class Broker(Protocol):
    """Connection to one broker."""

    @property
    def name(self) -> str:
        """As in the settings: "memory", "redis", "nats", "kafka", "rabbitmq"."""
        ...

    async def connect(self) -> None:
        """Connects and makes what is missing (stream, topic, exchange). Raises BrokerUnavailable."""
        ...

    async def close(self) -> None:
        """Waits for what is being published, then disconnects."""
        ...

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        """Publishes in order. One entry a message: None once durably acknowledged, else why not.

        After a failure of one message, later ones with the same key in this call are not attempted ahead of it:
        they fail too, so that order per key is kept. Connects if need be. Bounded in time by the broker's settings.
        """
        ...

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> Subscription:
        """Joins a group; a new group begins with the oldest message kept. An address may end in `*`.

        An address brings all its routing keys. Members of one group name the same addresses: the last to come decides.
        """
        ...

    async def dead_letters(self, *, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        """What a group has parked, oldest first."""
        ...

    async def health(self) -> None:
        """Returns if the broker answers. Raises BrokerUnavailable."""
        ...


@runtime_checkable
class GroupQueries(Protocol):
    """What a broker can say about its groups, and the way back of dead letters. A part of `Broker` that one may lack.

    All raise BrokerUnavailable. A group that there is none of has no lag and no dead letters.
    """

    async def groups(self) -> Sequence[str]:
        """The groups that have a place at this broker, by name; in the spelling of the broker."""
        ...

    async def lag(self, group: str) -> GroupLag:
        """How far the group is behind, as of now."""
        ...

    async def redrive(self, *, group: str, message_ids: Collection[str] = (), limit: int = 100) -> int:
        """Hands dead letters to the group again, oldest first; returns how many.

        Each goes to this group alone, with its id, key, body and headers, its attempts counted from 1, behind what
        waits already; and it leaves the dead letters only when the group is certain to get it. A crash in between may
        bring one twice.

        Args:
            message_ids: Only these. Empty: all, up to `limit`.
        """
        ...
