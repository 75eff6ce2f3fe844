"""Messages as plain values: the dict that CloudEvents JSON, REST and the command line print (docs/event-shape.md).

Here: message → plain values. The way back is `from_values`. Both are compiled from the descriptor, once a message type.

The rules: every field is there under its proto name, in proto order, also when it is empty; only a message that is not
set is left out (no amount is not an amount of zero). Constants are upper case, without the prefix that protobuf wants:
"CAPTURED", "SANDBOX"; one that this version does not know stays a number. Integers stay integers. Times are RFC 3339
in UTC: "2026-01-31T12:00:00.250Z". Bytes are base64, digests (`sha256`) hex. Event's payment, refund, … is `data`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism.errors import PayloadRejected

DATA: Final = "data"
"""The oneof whose active member appears under the oneof's own name."""
TIMESTAMP: Final = "google.protobuf.Timestamp"

_EPOCH = datetime(1970, 1, 1)
"""In UTC, and naive on purpose: half the cost of an aware one."""

Read = Callable[[Any], Any]


def to_dict(message: Message) -> dict[str, Any]:
    """The message as plain values, ready for JSON. The rules are at the top of this file.

    Raises:
        PayloadRejected: A time in it is outside the years 1 to 9999.
    """
    return cast(dict[str, Any], msgspec.to_builtins(to_struct(message)))


def to_struct(message: Message) -> Any:
    """What msgspec encodes as it does `to_dict(message)`, made in half the time.

    Raises:
        PayloadRejected: A time in it is outside the years 1 to 9999.
    """
    return reader_of(cast(Descriptor, message.DESCRIPTOR))(message)


def time_text(moment: Timestamp) -> str:
    """RFC 3339 in UTC with 0, 3, 6 or 9 decimals: "2026-01-31T12:00:00.250Z".

    Raises:
        PayloadRejected: Outside the years 1 to 9999.
    """
    text = _second_text(moment.seconds)
    nanos = moment.nanos
    if not nanos:
        return text + "Z"
    if nanos % 1_000_000 == 0:
        return f"{text}.{nanos // 1_000_000:03}Z"
    return f"{text}.{nanos // 1000:06}Z" if nanos % 1000 == 0 else f"{text}.{nanos:09}Z"


@lru_cache(maxsize=1_024)
def _second_text(seconds: int) -> str:
    """Events that come together have their seconds in common."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        raise PayloadRejected("a time is outside the years 1 to 9999", reason="PAYLOAD_FIELD_INVALID") from None


def enum_prefix(enum: EnumDescriptor) -> str:
    """What protobuf wants before every constant of the enum: "PAYMENT_STATUS_"."""
    return enum.values[0].name.removesuffix("UNSPECIFIED")


_enum_texts: dict[EnumDescriptor, dict[int, str | int]] = {}
_readers: dict[Descriptor, Read] = {}


def reader_of(descriptor: Descriptor) -> Read:
    """The function that turns messages of this type into structs."""
    reader = _readers.get(descriptor)
    if reader is None:
        reader = _readers[descriptor] = _compile_reader(descriptor)
    return reader


def field_reader(field: FieldDescriptor) -> Read | None:
    """What turns the field's value into a plain one; None where it is plain already."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict
    one = _single_reader(field)
    if not field.is_repeated:
        return one
    if one is None:
        return list
    return lambda values: [one(value) for value in values]


def _single_reader(field: FieldDescriptor) -> Read | None:
    if field.message_type is not None:
        return time_text if field.message_type.full_name == TIMESTAMP else reader_of(field.message_type)
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex if field.name == "sha256" else _base64_text
    return None


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


class _EnumTexts(dict[int, Any]):
    """Number → constant without its prefix. A number from a newer version is passed on as it is, not guessed at."""

    def __missing__(self, number: int) -> int:
        return number


def _enum_reader(enum: EnumDescriptor) -> Read:
    texts = _enum_texts.get(enum)
    if texts is None:
        prefix = enum_prefix(enum)
        texts = _enum_texts[enum] = _EnumTexts((v.number, v.name.removeprefix(prefix)) for v in enum.values)
    return texts.__getitem__


def _compile_reader(descriptor: Descriptor) -> Read:
    """Writes the function out, one expression a field: half the time of a loop over them.

    All that goes into it are names of fields.
    """
    oneof = descriptor.oneofs_by_name.get(DATA)
    members = {} if oneof is None else {f.name: _reader_or_as_is(f) for f in oneof.fields}
    fields = [f for f in descriptor.fields if f.name not in members]
    known: dict[str, Any] = {f"read_{f.name}": field_reader(f) for f in fields}
    known |= {"absent": msgspec.UNSET, "members": members}
    values = [_expression(f, plain=known[f"read_{f.name}"] is None) for f in fields]
    names = [f.name for f in fields]
    if members:
        names.append(DATA)
        values.append("absent if member is None else members[member](getattr(message, member))")
    known["struct"] = msgspec.defstruct(descriptor.name, [(name, Any) for name in names], gc=False)
    lines = ["def read(message):", " has = message.HasField"]
    lines += [f" member = message.WhichOneof({DATA!r})"] if members else []
    lines += [f" return struct({', '.join(values)})"]
    exec("\n".join(lines), known)  # noqa: S102 - of names in our own descriptors
    return cast(Read, known["read"])


def _expression(field: FieldDescriptor, *, plain: bool) -> str:
    value = f"message.{field.name}"
    read = value if plain else f"read_{field.name}({value})"
    return f"({read} if has({field.name!r}) else absent)" if field.has_presence else read


def _reader_or_as_is(field: FieldDescriptor) -> Read:
    return field_reader(field) or _as_is


def _as_is(value: Any) -> Any:
    return value
