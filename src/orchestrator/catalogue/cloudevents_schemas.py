"""Schemas of the CloudEvents envelopes: of the structured JSON body, and of the headers beside a protobuf body.

The attributes repeat the table of `orchestratorx_prism.envelopes.cloudevents` as a schema; the tests hold the two
together with events of every type.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from google.protobuf.descriptor import Descriptor

from connectors.spi.building import SCHEMA_VERSION
from orchestrator.catalogue.model import Json, MessageShape
from orchestrator.message_schemas import DIALECT, TIME, constants, message_schema, reference_to
from orchestratorx_prism.envelopes.cloudevents import JSON_CONTENT, PROTOBUF_CONTENT, SPEC_VERSION
from orchestratorx_prism.event_types import DATA_MEMBER, EVENT_TYPES
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import DATA

JSON_TYPE: Final = JSON_CONTENT.partition(";")[0]
_EVENT: Final = Event.DESCRIPTOR


def json_shapes(types: Iterable[str]) -> list[MessageShape]:
    """One message a type: the structured JSON body, and the headers that repeat the id and the type."""
    return [
        MessageShape(
            id=type_,
            name=type_,
            event_types=(type_,),
            summary=_summary(type_),
            content_type=JSON_TYPE,
            schema=_body(type_),
            headers=_repeated_headers(type_),
        )
        for type_ in types
    ]


def protobuf_shapes(types: Iterable[str]) -> list[MessageShape]:
    """One message a type: the headers. The body is a serialized `orchestratorx_prism.v1.Event`."""
    return [
        MessageShape(
            id=f"{type_}.protobuf",
            name=type_,
            event_types=(type_,),
            summary=_summary(type_),
            content_type=PROTOBUF_CONTENT,
            schema=_headers(type_),
            is_json=False,
        )
        for type_ in types
    ]


def _summary(type_: str) -> str:
    return EVENT_TYPES[DATA_MEMBER[type_]][type_]


def _body(type_: str) -> Json:
    definitions: Json = {}
    event = message_schema(_EVENT, definitions)
    event["properties"]["type"]["const"] = type_
    event["properties"]["schema_version"] = {
        "description": event["properties"]["schema_version"]["description"],
        "type": "integer",
        "const": SCHEMA_VERSION,
    }
    member = _EVENT.fields_by_name[DATA_MEMBER[type_]]
    data = cast(Descriptor, member.message_type)
    event["properties"][DATA] = {"description": "What happened."} | reference_to(data, definitions)
    event["required"].append(DATA)
    properties = _attributes(type_) | {
        "datacontenttype": {"type": "string", "const": "application/json"},
        "data": {"description": "The event."} | {"$ref": "#/$defs/Event"},
    }
    return {
        "$schema": DIALECT,
        "title": type_,
        "description": _summary(type_),
        "type": "object",
        "properties": properties,
        "required": ["specversion", "id", "source", "type", "dataschema", "datacontenttype", "data"],
        "additionalProperties": False,
        "$defs": {"Event": event, **definitions},
    }


def _headers(type_: str) -> Json:
    attributes = {f"ce-{name}": schema for name, schema in _attributes(type_).items()}
    required = [f"ce-{name}" for name in ("specversion", "id", "source", "type", "dataschema")]
    return {
        "$schema": DIALECT,
        "title": f"{type_} (headers)",
        "description": _summary(type_),
        "type": "object",
        "properties": attributes | {"content-type": {"type": "string", "const": PROTOBUF_CONTENT}},
        "required": [*required, "content-type"],
        "additionalProperties": False,
    }


def _repeated_headers(type_: str) -> Json:
    attributes = _attributes(type_)
    properties = {
        "content-type": {"type": "string", "const": JSON_CONTENT},
        "ce-id": attributes["id"],
        "ce-type": attributes["type"],
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _attributes(type_: str) -> Json:
    """The context attributes, by the names of the specification."""
    environments = "|".join(text.lower() for text in constants(Environment.DESCRIPTOR))
    return {
        "specversion": {"type": "string", "const": SPEC_VERSION},
        "id": {"description": "The event's id: the same for every repeat.", "type": "string", "minLength": 1},
        "source": {
            "description": "Environment, merchant and connector.",
            "type": "string",
            "pattern": f"^/orchestratorx/({environments})/[^/]*/[^/]+$",
        },
        "type": {"type": "string", "const": type_},
        "dataschema": {"type": "string", "const": f"urn:orchestratorx:event:{SCHEMA_VERSION}"},
        "partitionkey": {
            "description": "Messages that share it keep their order.",
            "type": "string",
            "minLength": 1,
        },
        "time": {"description": "When it happened, says the provider."} | TIME,
        "subject": {
            "description": "The payment's id; absent where there is no payment.",
            "type": "string",
            "minLength": 1,
        },
        "sequence": {
            "description": "Position among the payment's events, in ten digits; absent where there is no payment.",
            "type": "string",
            "pattern": "^[0-9]{10,19}$",
        },
        "traceparent": {"description": "W3C trace context.", "type": "string", "minLength": 1},
    }
