"""What a broker is. One file beside this one for each; all pass one conformance suite.

A broker publishes with a durable acknowledgement and delivers to consumer groups with ack and nack.
It is at least once; the event id lets everybody drop the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orchestratorx_prism.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to a broker, or from it."""

    id: str
    """The event's id; brokers that can, drop a second publish with the same id."""
    address: str
    """Topic, subject, stream or routing key."""
    key: str
    """Partition key: messages with the same key keep their order."""
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


class BrokerUnavailable(Unavailable):
    """The broker did not acknowledge. Nothing is known to be published; publish again."""

    default_reason = "BROKER_UNAVAILABLE"


class Delivery(Protocol):
    """A message handed to one consumer of a group. End it by exactly one of `ack`, `nack`, `dead_letter`."""

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
    """A consumer's place in a group."""

    async def fetch(self, *, limit: int, timeout_s: float) -> Sequence[Delivery]:
        """Up to `limit` deliveries; empty after `timeout_s` without one."""
        ...

    async def close(self) -> None:
        """Leaves the group; unfinished deliveries go to others."""
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
        they fail too, so that order per key is kept.
        """
        ...

    async def subscribe(self, addresses: Sequence[str], *, group: str) -> Subscription:
        """Joins a group; a new group begins with the oldest message kept. An address may end in `*`."""
        ...

    async def health(self) -> None:
        """Returns if the broker answers. Raises BrokerUnavailable."""
        ...
