"""Puts the catalogue together: channels, what their envelopes publish, who makes it, who reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as distribution_version

from orchestrator.catalogue.about import About, check_about
from orchestrator.catalogue.addresses import parameters_of
from orchestrator.catalogue.envelope_schemas import name_of, shapes_of
from orchestrator.catalogue.model import (
    Catalogue,
    CatalogueChannel,
    CatalogueEvent,
    Json,
    MessageShape,
    Producer,
    Server,
)
from orchestrator.catalogue.samples import Samples, take_samples
from orchestrator.catalogue.versions import FIRST, recorded_versions
from orchestrator.plugins import installed_connectors
from orchestrator.publishing.channels import Channel
from orchestratorx_prism.errors import Internal
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event


@dataclass
class _Found:
    """One kind of message, and the channels that it was found on."""

    shape: MessageShape
    channels: list[Channel] = field(default_factory=list)


async def gather(
    channels: Sequence[Channel],
    about: About,
    *,
    servers: Mapping[str, Server] | None = None,
    versions: Mapping[str, str] | None = None,
) -> Catalogue:
    """The catalogue of these channels.

    Args:
        channels: As configured, checked.
        about: Owners and consumers.
        servers: By the name that channels call their broker by; none for one inside the process.
        versions: Id of an event → its version; None: as recorded.

    Raises:
        SettingsRejected: `about` speaks of events or channels that there are none of.
        Internal: An envelope, a part of an address or a type that the catalogue does not know.
    """
    servers = servers or {}
    versions = recorded_versions() if versions is None else versions
    samples = await take_samples(installed_connectors())
    found: dict[str, _Found] = {}
    described = []
    for channel in channels:
        selected = _selected(channel, samples)
        shapes = shapes_of(channel.envelope, selected)
        for shape in shapes:
            found.setdefault(shape.id, _Found(shape)).channels.append(channel)
        described.append(_channel(channel, selected, shapes, servers.get(channel.broker)))
    events = tuple(_event(each, samples, about, versions.get(event_id, FIRST)) for event_id, each in found.items())
    check_about(about, events, described)
    return Catalogue(
        version=distribution_version("orchestratorx"),
        channels=tuple(described),
        events=events,
        consumers=about.all_consumers(),
        teams=about.all_teams(),
        owner=about.owner,
        servers=tuple(dict.fromkeys(servers[c.broker] for c in channels if c.broker in servers)),
    )


def _selected(channel: Channel, samples: Samples) -> tuple[str, ...]:
    """The types that the channel takes, of connectors and merchants of its choice."""
    return tuple(type_ for type_ in DATA_MEMBER if channel.takes(_sample_for(channel, type_, samples)))


def _sample_for(channel: Channel, type_: str, samples: Samples) -> Event:
    """The sample of the type, as if it came through a connector and for a merchant that the channel takes."""
    event = Event()
    event.CopyFrom(samples.events[type_])
    selection = channel.selection
    if selection.connectors and event.connector not in selection.connectors:
        event.connector = selection.connectors[0]
    if selection.merchants and event.merchant_id not in selection.merchants:
        event.merchant_id = selection.merchants[0]
    return event


def _channel(
    channel: Channel, selected: tuple[str, ...], shapes: Sequence[MessageShape], server: Server | None
) -> CatalogueChannel:
    where = "" if server is not None else " While its broker is in the process itself: only while the process lives."
    return CatalogueChannel(
        name=channel.name,
        address=channel.address,
        routing_key=channel.routing_key,
        key=channel.key,
        parameters=parameters_of(channel.address, selected),
        routing_parameters=parameters_of(channel.routing_key, selected),
        guarantee=(
            "At least once: an event is published until the broker has acknowledged that it keeps it, and every repeat"
            " carries the same id. Messages that share their partition key keep their order." + where
        ),
        events=tuple(shape.id for shape in shapes),
        server="" if server is None else server.name,
    )


def _event(found: _Found, samples: Samples, about: About, version: str) -> CatalogueEvent:
    shape, channel = found.shape, found.channels[0]
    types = sorted(shape.event_types, key=lambda type_: type_ in samples.made_up)
    return CatalogueEvent(
        version=version,
        shape=shape,
        owner=about.owner_of(shape.name),
        producers=_producers(found, samples),
        channels=tuple(each.name for each in found.channels),
        example=_example(channel, shape, _sample_for(channel, types[0], samples)),
        is_made_up=types[0] in samples.made_up,
    )


def _producers(found: _Found, samples: Samples) -> tuple[Producer, ...]:
    """Of all its types, on all its channels; several types of one connector are one producer."""
    merged: dict[str, Producer] = {}
    for type_ in found.shape.event_types:
        for producer in samples.producers[type_]:
            if not any(_may_make(channel, producer) for channel in found.channels):
                continue
            before = merged.get(producer.name, Producer(producer.name, producer.title))
            provider_types = tuple(dict.fromkeys(before.provider_types + producer.provider_types))
            merged[producer.name] = Producer(producer.name, producer.title, provider_types)
    return tuple(merged[name] for name in sorted(merged))


def _may_make(channel: Channel, producer: Producer) -> bool:
    """What the orchestrator makes itself, it makes of any connector's events."""
    connectors = channel.selection.connectors
    return not connectors or not producer.provider_types or producer.name in connectors


def _example(channel: Channel, shape: MessageShape, event: Event) -> Json:
    """The body as the channel publishes it; of a body that is not JSON, its headers."""
    message = next((each for each in channel.messages_of(event) if name_of(each) == shape.name), None)
    if message is None:
        raise Internal(
            f"the sample of {event.type} is not published as {shape.name}",
            fix="mend the types of its shape in orchestrator.catalogue",
        )
    example: Json = json.loads(message.body) if shape.is_json else dict(message.headers)
    return example
