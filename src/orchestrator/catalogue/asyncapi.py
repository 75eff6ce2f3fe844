"""The catalogue as an AsyncAPI 3.0 document: channels, messages, schemas, and who sends and reads them.

What AsyncAPI has no word for stands in extensions: `x-version`, `x-owner`, `x-producers`, `x-consumers`, `x-guarantee`.

Source: AsyncAPI 3.0.0, specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from orchestrator.catalogue.model import (
    Catalogue,
    CatalogueChannel,
    CatalogueEvent,
    Consumer,
    Json,
    Parameter,
    Producer,
    Server,
)
from orchestrator.catalogue.texts import json_text

SPECIFICATION: Final = "3.0.0"
FILE: Final = "asyncapi.json"
_DEFINITIONS: Final = "#/$defs/"
_PROTOBUF_PAYLOAD: Final[Json] = {
    "description": "A serialized message of the protos: orchestratorx_prism.v1.Event.",
    "x-protobuf-message": "orchestratorx_prism.v1.Event",
}


def asyncapi_files(catalogue: Catalogue) -> dict[str, str]:
    """Path → text."""
    return {FILE: json_text(asyncapi_document(catalogue))}


def asyncapi_document(catalogue: Catalogue) -> Json:
    """The document as plain values."""
    schemas = _Schemas(event.shape.schema for event in catalogue.events)
    messages = {event.shape.id: _message(event, catalogue, schemas) for event in catalogue.events}
    document: Json = {
        "asyncapi": SPECIFICATION,
        "id": "urn:orchestratorx:events",
        "info": {
            "title": "OrchestratorX events",
            "version": catalogue.version,
            "description": "What happens to payments, refunds, disputes and payouts at all providers, in one shape.",
            "license": {"name": "Apache-2.0"},
            "x-owner": catalogue.owner,
        },
        "defaultContentType": "application/json",
    }
    if catalogue.servers:
        document["servers"] = {name: value for server in catalogue.servers for name, value in _servers(server).items()}
    document["channels"] = {channel.name: _channel(channel, catalogue) for channel in catalogue.channels}
    document["operations"] = {f"publish-{channel.name}": _operation(channel) for channel in catalogue.channels}
    document["components"] = {"messages": messages, "schemas": schemas.shared}
    return document


def _servers(server: Server) -> Json:
    several = len(server.hosts) > 1
    return {
        f"{server.name}-{number}" if several else server.name: {"host": host, "protocol": server.protocol}
        for number, host in enumerate(server.hosts, 1)
    }


def _channel(channel: CatalogueChannel, catalogue: Catalogue) -> Json:
    described: Json = {
        "address": channel.address,
        "title": channel.name,
        "description": channel.guarantee,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.events},
    }
    if channel.parameters:
        described["parameters"] = _parameters(channel.parameters)
    servers = [name for server in catalogue.servers if server.name == channel.server for name in _servers(server)]
    if servers:
        described["servers"] = [{"$ref": f"#/servers/{name}"} for name in servers]
    described["x-guarantee"] = channel.guarantee
    described["x-partition-key"] = channel.key
    if channel.routing_key:
        described["x-routing-key"] = channel.routing_key
        described["x-routing-key-parameters"] = _parameters(channel.routing_parameters)
    return described


def _parameters(parameters: Mapping[str, Parameter]) -> Json:
    return {name: _parameter(parameter) for name, parameter in parameters.items()}


def _parameter(parameter: Parameter) -> Json:
    values: Json = {"enum": list(parameter.values)} if parameter.values else {}
    return {"description": parameter.description} | values


def _operation(channel: CatalogueChannel) -> Json:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "title": f"Publish to {channel.name}",
        "summary": "Every event that the channel selects, in the order of each partition key.",
    }


def _message(event: CatalogueEvent, catalogue: Catalogue, schemas: _Schemas) -> Json:
    shape = event.shape
    described: Json = {
        "name": shape.name,
        "title": shape.name,
        "summary": shape.summary,
        "contentType": shape.content_type,
        "tags": [{"name": shape.name.partition(".")[0]}],
    }
    if shape.is_json:
        if shape.headers is not None:
            described["headers"] = schemas.of(shape.id, shape.headers)
        described["payload"] = schemas.of(shape.id, shape.schema)
    else:
        described["headers"] = schemas.of(shape.id, shape.schema)
        described["payload"] = dict(_PROTOBUF_PAYLOAD)
    if event.example is not None:
        summary = "Adapted from another event: no simulator makes this one." if event.is_made_up else "As published."
        part = "payload" if shape.is_json else "headers"
        described["examples"] = [{"name": "published", "summary": summary, part: event.example}]
    described["bindings"] = {"kafka": {"key": {"type": "string", "description": "The partition key."}}}
    described["x-version"] = event.version
    described["x-owner"] = event.owner
    described["x-event-types"] = list(shape.event_types)
    described["x-producers"] = [_producer(producer) for producer in event.producers]
    described["x-consumers"] = [_consumer(consumer) for consumer in catalogue.consumers_of(event)]
    guarantees = {channel.guarantee for channel in catalogue.channels if channel.name in event.channels}
    described["x-guarantee"] = sorted(guarantees)
    return described


def _producer(producer: Producer) -> Json:
    return {"name": producer.name, "title": producer.title, "provider_types": list(producer.provider_types)}


def _consumer(consumer: Consumer) -> Json:
    return {"name": consumer.name, "title": consumer.title, "owner": consumer.owner}


class _Schemas:
    """The document's shared schemas: a definition that all messages have alike is there once, others once a message."""

    def __init__(self, schemas: Iterable[Json]) -> None:
        """Given every schema of the document."""
        self.shared: Json = {}
        self._own = _differing(list(schemas))

    def of(self, message: str, schema: Json) -> Json:
        """The schema as AsyncAPI takes it; its `$defs` are put among the shared ones."""
        definitions: Json = schema.get("$defs", {})
        names = {name: f"{message}.{name}" if name in self._own else name for name in definitions}
        for name, definition in definitions.items():
            self.shared[names[name]] = _moved(definition, names)
        moved: Json = _moved({key: part for key, part in schema.items() if key not in {"$schema", "$defs"}}, names)
        return moved


def _differing(schemas: list[Json]) -> set[str]:
    """Names of definitions that are not the same everywhere, or refer to one that is not."""
    first: Json = {}
    own: set[str] = set()
    for schema in schemas:
        for name, definition in schema.get("$defs", {}).items():
            if first.setdefault(name, definition) != definition:
                own.add(name)
    while True:
        more = {name for name, definition in first.items() if name not in own and _referred(definition) & own}
        if not more:
            return own
        own |= more


def _referred(part: Any) -> set[str]:
    if isinstance(part, dict):
        here = {part["$ref"].removeprefix(_DEFINITIONS)} if "$ref" in part else set()
        return here.union(*(_referred(value) for value in part.values()))
    return set().union(*(_referred(value) for value in part)) if isinstance(part, list) else set()


def _moved(part: Any, names: Mapping[str, str]) -> Any:
    """With references to where the definitions are now. What stands beside one is ignored there: it gets an `allOf`."""
    if isinstance(part, list):
        return [_moved(value, names) for value in part]
    if not isinstance(part, dict):
        return part
    if "$ref" not in part:
        return {key: _moved(value, names) for key, value in part.items()}
    reference = {"$ref": f"#/components/schemas/{names[part['$ref'].removeprefix(_DEFINITIONS)]}"}
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return beside | {"allOf": [reference]} if beside else reference
