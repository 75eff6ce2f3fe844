"""JSON Schemas of messages as `orchestratorx_prism.values` prints them, from their descriptors.

The rules are those of that module: every field that has no presence is there, so it is required; a message that is not
set is left out; constants are upper case without their prefix; times are text. Schemas are closed: they say what this
version publishes, and a name that they do not know is damage.

Only keywords that JSON Schema 2020-12 and the dialect of AsyncAPI share are used, so that one text serves both.
"""

from __future__ import annotations

from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from orchestrator.catalogue.model import Json
from orchestratorx_prism.v1.comments import COMMENTS
from orchestratorx_prism.values import DATA, TIMESTAMP, enum_prefix

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

CURRENCY_PATTERN: Final = "^[A-Z]{3}$"

TIME: Final[Json] = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.]([0-9]{3}|[0-9]{6}|[0-9]{9}))?Z$",
}
"""RFC 3339 in UTC with 0, 3, 6 or 9 decimals."""

ADDED_LATER: Final[frozenset[str]] = frozenset()
""" "Message.field" of fields younger than the first committed catalogue. No schema requires them: messages that are
still in a broker, from before the upgrade, do not have them."""

_NARROWER: Final[dict[str, Json]] = {
    "Money.currency": {"pattern": CURRENCY_PATTERN},
    "PaymentMethodDetails.last4": {"maxLength": 4},
    "PaymentMethodDetails.expiry_month": {"maximum": 12},
    "PaymentMethodDetails.expiry_year": {"maximum": 9999},
}
"""Field → what its values keep to, beyond their type."""

_INTEGERS: Final[dict[int, Json]] = {
    FieldDescriptor.TYPE_INT32: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    FieldDescriptor.TYPE_INT64: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    FieldDescriptor.TYPE_UINT64: {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
}
_PLAIN: Final[dict[int, Json]] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"},
}
_DIGEST: Final[Json] = {"type": "string", "pattern": "^([0-9a-f]{64})?$"}


def message_schema(descriptor: Descriptor, definitions: Json) -> Json:
    """The message's schema; those of the messages in it are put into `definitions` and referred to as `#/$defs/…`.

    A oneof named `data` is one property, of which nothing is said here: the caller knows which member it is.
    """
    oneof = descriptor.oneofs_by_name.get(DATA)
    members = set() if oneof is None else {field.name for field in oneof.fields}
    fields = [field for field in descriptor.fields if field.name not in members]
    properties: Json = {field.name: _described(field, definitions) for field in fields}
    return {
        "type": "object",
        "description": COMMENTS[descriptor.name],
        "properties": properties,
        "required": [field.name for field in fields if _is_always_there(field)],
        "additionalProperties": False,
    }


def reference_to(descriptor: Descriptor, definitions: Json) -> Json:
    """`{"$ref": …}` to the message's schema, which is put into `definitions`."""
    name = descriptor.name
    if name not in definitions:
        definitions[name] = {}  # holds the place while its own fields are read: a message may hold itself
        definitions[name] = message_schema(descriptor, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _is_always_there(field: FieldDescriptor) -> bool:
    return not field.has_presence and _name_of(field) not in ADDED_LATER


def _name_of(field: FieldDescriptor) -> str:
    message = cast(Descriptor, field.containing_type)
    return f"{message.name}.{field.name}"


def _described(field: FieldDescriptor, definitions: Json) -> Json:
    name = _name_of(field)
    return {"description": COMMENTS[name]} | _field_schema(field, definitions) | _NARROWER.get(name, {})


def _field_schema(field: FieldDescriptor, definitions: Json) -> Json:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _single(field.message_type.fields_by_name["value"], {})}
    one = _single(field, definitions)
    return {"type": "array", "items": one} if field.is_repeated else one


def _single(field: FieldDescriptor, definitions: Json) -> Json:
    if field.message_type is not None:
        is_time = field.message_type.full_name == TIMESTAMP
        return dict(TIME) if is_time else reference_to(field.message_type, definitions)
    if field.enum_type is not None:
        return {"type": "string", "enum": constants(field.enum_type)}
    if field.name == "sha256":
        return dict(_DIGEST)
    known: dict[int, Any] = {**_INTEGERS, **_PLAIN}
    return dict(known[field.type])


def constants(enum: EnumDescriptor) -> list[str]:
    """The enum's constants as they are printed: "CAPTURED"."""
    prefix = enum_prefix(enum)
    return [value.name.removeprefix(prefix) for value in enum.values]
