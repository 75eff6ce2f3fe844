"""The catalogue as folders for EventCatalog: put them into the root of an EventCatalog project.

    domains/payments/index.mdx
    services/orchestratorx/index.mdx                    publishes everything
    services/connector-stripe/index.mdx                 what each provider's webhooks become
    services/consumer-order-service/index.mdx           consumers, as far as they are known
    channels/channel-events/index.mdx
    events/payment.captured/index.mdx  schema.json  example.json
    events/payment.captured/versioned/1.0.0/…           made by `writing` when a newer version takes the place
    teams/payments.mdx

Folders of channels and consumers have a word before their name: EventCatalog takes whatever is below a folder `events`
for an event, also where a channel is called so.

Source: EventCatalog docs, "Creating events", "Channel frontmatter API", "Versioning".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from orchestrator.catalogue.about import CONNECTOR_PREFIX, PUBLISHER
from orchestrator.catalogue.json_schemas import json_schema
from orchestrator.catalogue.model import (
    Catalogue,
    CatalogueChannel,
    CatalogueEvent,
    Consumer,
    Parameter,
    Producer,
    Team,
    reads,
)
from orchestrator.catalogue.texts import front_matter, json_text, mdx_text

DOMAIN: Final = "payments"
SERVICE_VERSION: Final = "1.0.0"
"""Of pages that have no schema: domain, services, channels."""
_SHOWN_TYPES: Final = 20


def eventcatalog_files(catalogue: Catalogue) -> dict[str, str]:
    """Path → text."""
    files = {f"domains/{DOMAIN}/index.mdx": _domain(catalogue)}
    files[f"services/{PUBLISHER}/index.mdx"] = _publisher(catalogue)
    for producer in _connectors(catalogue):
        files[f"services/{_service_of(producer)}/index.mdx"] = _connector(producer, catalogue)
    for consumer in catalogue.consumers:
        files[f"services/consumer-{consumer.name}/index.mdx"] = _consumer(consumer, catalogue)
    for channel in catalogue.channels:
        files[f"channels/channel-{channel.name}/index.mdx"] = _channel(channel, catalogue)
    for event in catalogue.events:
        files |= _event_files(event, catalogue)
    for team in catalogue.teams:
        files[f"teams/{team.name}.mdx"] = _team(team)
    return files


def _event_files(event: CatalogueEvent, catalogue: Catalogue) -> dict[str, str]:
    folder = f"events/{event.shape.id}"
    files = {f"{folder}/index.mdx": _event(event, catalogue), f"{folder}/schema.json": json_text(json_schema(event))}
    if event.example is not None:
        files[f"{folder}/example.json"] = json_text(event.example)
    return files


def _event(event: CatalogueEvent, catalogue: Catalogue) -> str:
    shape = event.shape
    head = front_matter(
        {
            "id": shape.id,
            "name": shape.name,
            "version": event.version,
            "summary": shape.summary,
            "owners": [event.owner],
            "schemaPath": "schema.json",
            "channels": [{"id": name, "version": SERVICE_VERSION} for name in event.channels],
        }
    )
    lines = [head, mdx_text(shape.summary), "", *_table("fact", "value", _facts(event, catalogue)), ""]
    lines += ["## Producers", "", *_producers(event), "", "<NodeGraph />", "", "## Schema", ""]
    lines += [f"Of the {'body' if shape.is_json else 'headers; the body is a serialized `Event` of the protos'}."]
    lines += ["", '<SchemaViewer file="schema.json" maxHeight="600" />', ""]
    if event.example is not None:
        origin = (
            "adapted from another event, because no simulator makes this one" if event.is_made_up else "as published"
        )
        lines += [
            "## Example",
            "",
            f"{origin.capitalize()}.",
            "",
            "```json",
            json_text(event.example).rstrip(),
            "```",
            "",
        ]
    return "\n".join(lines)


def _facts(event: CatalogueEvent, catalogue: Catalogue) -> list[tuple[str, str]]:
    shape = event.shape
    rows = [
        ("content type", f"`{shape.content_type}`"),
        ("made of", ", ".join(f"`{type_}`" for type_ in shape.event_types)),
        ("owner", event.owner),
        ("consumers", ", ".join(mdx_text(c.title) for c in catalogue.consumers_of(event)) or "none is written down"),
    ]
    for channel in catalogue.channels:
        if channel.name in event.channels:
            rows += [(f"address on {channel.name}", f"`{channel.address}`"), *_keys(channel)]
            rows.append(("guarantee", mdx_text(channel.guarantee)))
    return rows


def _keys(channel: CatalogueChannel) -> list[tuple[str, str]]:
    rows = [("partition key", f"`{channel.key}`")]
    return [("routing key", f"`{channel.routing_key}`"), *rows] if channel.routing_key else rows


def _producers(event: CatalogueEvent) -> list[str]:
    if not event.producers:
        return ["Nothing in this version makes it; the name is kept for what is to come."]
    rows = []
    for producer in event.producers:
        shown = [f"`{name}`" for name in producer.provider_types[:_SHOWN_TYPES]]
        rest = len(producer.provider_types) - len(shown)
        if rest:
            shown.append(f"and {rest} more (`orchestrator trigger {producer.name} --list`)")
        rows.append((mdx_text(producer.title), ", ".join(shown) or "made of other events"))
    return _table("producer", "of the provider's types", rows)


def _channel(channel: CatalogueChannel, catalogue: Catalogue) -> str:
    protocols = [server.protocol for server in catalogue.servers if server.name == channel.server]
    values: dict[str, object] = {
        "id": channel.name,
        "name": channel.name,
        "version": SERVICE_VERSION,
        "summary": channel.guarantee,
        "owners": [catalogue.owner],
        "address": channel.address,
    }
    if protocols:
        values["protocols"] = protocols
    if channel.parameters:
        values["parameters"] = {name: _parameter(each) for name, each in channel.parameters.items()}
    lines = [front_matter(values), mdx_text(channel.guarantee), "", *_table("part", "template", _parts(channel)), ""]
    described = {**channel.parameters, **channel.routing_parameters}
    if described:
        rows = [(f"`{{{name}}}`", _parameter_text(each)) for name, each in described.items()]
        lines += [*_table("variable", "meaning", rows), ""]
    return "\n".join([*lines, "<ChannelInformation />", ""])


def _parts(channel: CatalogueChannel) -> list[tuple[str, str]]:
    return [("address", f"`{channel.address}`"), *_keys(channel)]


def _parameter(parameter: Parameter) -> dict[str, object]:
    values: dict[str, object] = {"enum": list(parameter.values)} if parameter.values else {}
    return values | {"description": parameter.description}


def _parameter_text(parameter: Parameter) -> str:
    if not parameter.values or len(parameter.values) > _SHOWN_TYPES:
        return mdx_text(parameter.description)
    return f"{mdx_text(parameter.description)} {', '.join(f'`{value}`' for value in parameter.values)}"


def _domain(catalogue: Catalogue) -> str:
    services = [PUBLISHER, *(_service_of(p) for p in _connectors(catalogue)), *(c.name for c in catalogue.consumers)]
    summary = "What happens to payments, refunds, disputes and payouts at all providers."
    return _page(
        DOMAIN,
        "Payments",
        summary,
        catalogue.owner,
        services=[{"id": name, "version": SERVICE_VERSION} for name in services],
    )


def _publisher(catalogue: Catalogue) -> str:
    summary = "Verifies, normalizes and records providers' webhooks, and publishes their events."
    return _page(PUBLISHER, "OrchestratorX", summary, catalogue.owner, sends=_pointers(catalogue.events))


def _connector(producer: Producer, catalogue: Catalogue) -> str:
    made = [event for event in catalogue.events if any(each.name == producer.name for each in event.producers)]
    summary = f"The connector of {producer.title}: what its webhooks become."
    return _page(_service_of(producer), f"{producer.title} connector", summary, catalogue.owner, sends=_pointers(made))


def _consumer(consumer: Consumer, catalogue: Catalogue) -> str:
    read = [event for event in catalogue.events if reads(consumer, event.shape.name, event.channels)]
    return _page(consumer.name, consumer.title, consumer.summary, consumer.owner, receives=_pointers(read))


def _page(name: str, title: str, summary: str, owner: str, **lists: list[dict[str, str]]) -> str:
    head: dict[str, object] = {
        "id": name,
        "name": title,
        "version": SERVICE_VERSION,
        "summary": summary,
        "owners": [owner],
    }
    return "\n".join([front_matter(head | lists), mdx_text(summary), "", "<NodeGraph />", ""])


def _team(team: Team) -> str:
    values: dict[str, object] = {"id": team.name, "name": team.title, "summary": team.summary}
    if team.email:
        values["email"] = team.email
    return front_matter(values) + "\n" + mdx_text(team.summary or team.title) + "\n"


def _connectors(catalogue: Catalogue) -> list[Producer]:
    """Every connector that makes something, once, by name."""
    found = {p.name: p for event in catalogue.events for p in event.producers if p.provider_types}
    return [found[name] for name in sorted(found)]


def _service_of(producer: Producer) -> str:
    return f"{CONNECTOR_PREFIX}{producer.name}"


def _pointers(events: Iterable[CatalogueEvent]) -> list[dict[str, str]]:
    return [{"id": event.shape.id, "version": event.version} for event in events]


def _table(left: str, right: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    cells = [(_cell(a), _cell(b)) for a, b in rows]
    return [f"| {left} | {right} |", "|---|---|", *(f"| {a} | {b} |" for a, b in cells)]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
