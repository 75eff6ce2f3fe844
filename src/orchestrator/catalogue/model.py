"""What the catalogue holds, as plain values. Built by `gathering`, turned into files by the formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
"""A JSON object: a schema, a message, a part of a document."""


@dataclass(frozen=True, slots=True)
class MessageShape:
    """One kind of message of an envelope: what its body is like. Made by `envelope_schemas`."""

    id: str
    """Unique among all envelopes: "payment.captured", "payment.captured.protobuf"."""
    name: str
    """What consumers know it by: "payment.captured"."""
    event_types: tuple[str, ...]
    """Our types that are published as it."""
    summary: str
    """One sentence."""
    content_type: str
    schema: Json = field(repr=False)
    """JSON Schema 2020-12 of the body, on its own: what it refers to is in its `$defs`. Of a body that is not JSON: of
    the headers."""
    is_json: bool = True
    """Whether the schema is of the body."""
    headers: Json | None = field(default=None, repr=False)
    """Schema of the headers beside a JSON body."""


@dataclass(frozen=True, slots=True)
class Producer:
    """Who makes an event."""

    name: str
    """A connector's name, or "orchestrator" for what no provider sends."""
    title: str
    provider_types: tuple[str, ...] = ()
    """The provider's types that it is made of, of those the simulator knows."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who reads events, as far as somebody wrote it down (`about`)."""

    name: str
    title: str
    summary: str
    owner: str
    reads: tuple[str, ...]
    """Names of events, or patterns that end in `*`."""
    channels: tuple[str, ...]
    """On which channels; empty: on all."""


@dataclass(frozen=True, slots=True)
class Team:
    """Who owns events or consumers."""

    name: str
    title: str
    summary: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueEvent:
    """One kind of message that consumers can meet. It is known by the id of its shape."""

    version: str
    """Of its schema: "1.2.0". Major: breaks consumers; minor: more than before; patch: words."""
    shape: MessageShape
    owner: str
    producers: tuple[Producer, ...]
    """Empty: nothing of this version makes it."""
    channels: tuple[str, ...]
    example: Json | None = field(repr=False)
    """A body as published, from a simulator's webhook; of a body that is not JSON, its headers."""
    is_made_up: bool = False
    """Whether no simulator makes it, and the example was adapted from another type's."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One variable part of an address."""

    description: str
    values: tuple[str, ...] = ()
    """All there are; empty: any."""


@dataclass(frozen=True, slots=True)
class Server:
    """One broker. Never with user or password."""

    name: str
    protocol: str
    """As AsyncAPI spells it: "amqp", "kafka", "nats", "redis"."""
    hosts: tuple[str, ...]
    """ "host:port"."""


@dataclass(frozen=True, slots=True)
class CatalogueChannel:
    """Where events are published."""

    name: str
    address: str
    routing_key: str
    key: str
    """Template of the partition key."""
    parameters: Mapping[str, Parameter]
    """Of the address."""
    routing_parameters: Mapping[str, Parameter]
    """Of the routing key."""
    guarantee: str
    """What consumers may rely on."""
    events: tuple[str, ...]
    """Ids of the events on it."""
    server: str
    """Name of the broker; empty if it is in the process itself."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it. Every list is in a fixed order."""

    version: str
    """Of this software."""
    channels: tuple[CatalogueChannel, ...]
    events: tuple[CatalogueEvent, ...]
    consumers: tuple[Consumer, ...]
    teams: tuple[Team, ...]
    owner: str
    """The team that owns what nobody else does."""
    servers: tuple[Server, ...]

    def event(self, event_id: str) -> CatalogueEvent:
        """Raises KeyError: there is none."""
        for event in self.events:
            if event.shape.id == event_id:
                return event
        raise KeyError(event_id)

    def consumers_of(self, event: CatalogueEvent) -> list[Consumer]:
        """Those who said that they read it."""
        return [consumer for consumer in self.consumers if reads(consumer, event.shape.name, event.channels)]


def reads(consumer: Consumer, name: str, channels: tuple[str, ...]) -> bool:
    """Whether the consumer reads the events of this name on any of these channels."""
    if consumer.channels and not set(consumer.channels) & set(channels):
        return False
    return any(matches(pattern, name) for pattern in consumer.reads)


def matches(pattern: str, name: str) -> bool:
    """Whether a name, or a pattern that ends in `*`, takes this name."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
