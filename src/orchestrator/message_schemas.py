"""JSON Schemas of messages as `orchestratorx_prism.values` prints them and `from_values` takes them, from descriptors.

The rules are those of that module: every field that has no presence is there, so it is required; a message that is not
set is left out; constants are upper case without their prefix; times are text. Schemas are closed: they say what this
version publishes, and a name that they do not know is damage.

Only keywords that JSON Schema 2020-12 and the dialect of AsyncAPI share are used, so that one text serves both.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from orchestratorx_prism.v1.comments import COMMENTS
from orchestratorx_prism.values import DATA, TIMESTAMP, enum_prefix

Json = dict[str, Any]
"""A JSON object: a schema, or a part of one."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

CURRENCY_PATTERN: Final = "^[A-Z]{3}$"

TIME: Final[Json] = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.]([0-9]{3}|[0-9]{6}|[0-9]{9}))?Z$",
}
"""RFC 3339 in UTC with 0, 3, 6 or 9 decimals."""

TAKEN_TIME: Final[Json] = {"type": "string", "format": "date-time"}
"""RFC 3339 with any offset."""

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"Money": ("minor_units", "currency")}
"""Message → fields without which nobody can do anything with it, wherever it is taken."""

_ONE_OF_THEM: Final = frozenset({"Instrument", "PayoutDestination"})
"""Messages that are nothing but a oneof."""

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


@dataclass(frozen=True, slots=True)
class Schemas:
    """Writes schemas, and collects those of the messages in them."""

    definitions: Json
    """Name → schema of a message that others refer to. Filled here."""
    place: str = "#/$defs/"
    """Where the definitions will stand."""
    taken: bool = False
    """Schemas of what is taken, as `from_values` reads it, and not of what is given: nothing is required, times have
    any offset, members of a oneof exclude each other. Their names end in "Input", so that both fit in a document."""
    any_data: bool = False
    """A oneof named `data` is said to be any of its members; else nothing is said of it: the caller knows which."""

    def message(self, descriptor: Descriptor, without: Container[str] = ()) -> Json:
        """The message's own schema, without the fields that are named."""
        oneof = descriptor.oneofs_by_name.get(DATA)
        members = set() if oneof is None else {field.name for field in oneof.fields}
        fields = [field for field in descriptor.fields if field.name not in members and field.name not in without]
        schema: Json = {
            "type": "object",
            "description": COMMENTS[descriptor.name],
            "properties": {field.name: self.field(field) for field in fields},
            "required": [field.name for field in fields if not self.taken and _is_always_there(field)],
            "additionalProperties": False,
        }
        if oneof is not None and self.any_data:
            schema["properties"][DATA] = {"anyOf": [self.single(field) for field in oneof.fields]}
        if self.taken:
            schema["required"] = list(_NEEDED.get(descriptor.name, ()))
            if descriptor.name in _ONE_OF_THEM:
                schema |= {"minProperties": 1, "maxProperties": 1}
            if not schema["required"]:
                del schema["required"]
        return schema

    def reference(self, descriptor: Descriptor) -> Json:
        """`{"$ref": …}` to the message's schema, which is put into the definitions."""
        name = f"{descriptor.name}Input" if self.taken else descriptor.name
        if name not in self.definitions:
            self.definitions[name] = {}  # holds the place while its own fields are read: a message may hold itself
            self.definitions[name] = self.message(descriptor)
        return {"$ref": f"{self.place}{name}"}

    def field(self, field: FieldDescriptor) -> Json:
        """The schema of one field, with what the proto says of it."""
        name = _name_of(field)
        return {"description": COMMENTS[name]} | self._plain_field(field) | _NARROWER.get(name, {})

    def _plain_field(self, field: FieldDescriptor) -> Json:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self.single(field.message_type.fields_by_name["value"])}
        one = self.single(field)
        return {"type": "array", "items": one} if field.is_repeated else one

    def single(self, field: FieldDescriptor) -> Json:
        """The schema of one value of the field, of a list's or a map's too."""
        if field.message_type is not None:
            if field.message_type.full_name == TIMESTAMP:
                return dict(TAKEN_TIME if self.taken else TIME)
            return self.reference(field.message_type)
        if field.enum_type is not None:
            return {"type": "string", "enum": constants(field.enum_type)}
        if field.name == "sha256":
            return dict(_DIGEST)
        known: dict[int, Any] = {**_INTEGERS, **_PLAIN}
        return dict(known[field.type])


def message_schema(descriptor: Descriptor, definitions: Json) -> Json:
    """The message's schema; those of the messages in it are put into `definitions` and referred to as `#/$defs/…`."""
    return Schemas(definitions).message(descriptor)


def reference_to(descriptor: Descriptor, definitions: Json) -> Json:
    """`{"$ref": …}` to the message's schema, which is put into `definitions`."""
    return Schemas(definitions).reference(descriptor)


def _is_always_there(field: FieldDescriptor) -> bool:
    return not field.has_presence and _name_of(field) not in ADDED_LATER


def _name_of(field: FieldDescriptor) -> str:
    message = cast(Descriptor, field.containing_type)
    return f"{message.name}.{field.name}"


def constants(enum: EnumDescriptor) -> list[str]:
    """The enum's constants as they are printed: "CAPTURED"."""
    prefix = enum_prefix(enum)
    return [value.name.removeprefix(prefix) for value in enum.values]
