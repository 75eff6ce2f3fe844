"""Plain values as messages: the way back of `values.to_dict`, and how requests are built from dicts and keywords.

It takes what `to_dict` gives, and besides: bytes for bytes, datetimes with an offset for times, messages for messages,
constants in any case, with or without their prefix, or as numbers. None means not set. What it refuses it names by path
("data.amount.minor_units"), never by value: values may be secrets.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeVar, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism.errors import PayloadRejected, Rejected, RequestRejected
from orchestratorx_prism.event_types import DATA_MEMBER, EVENT_TYPES
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import DATA, TIMESTAMP, enum_prefix

M = TypeVar("M", bound=Message)

Write = Callable[[Any], Any]
"""Plain value → what the message's constructor takes. Raises _Unfit."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIN_SECONDS: Final = -62_135_596_800
_MAX_SECONDS: Final = 253_402_300_799
_NO_TIME: Final = "is text, but not a time of the form 2026-01-31T12:00:00Z"
_TIME: Final = 'write it as RFC 3339 has it: "2026-01-31T12:00:00Z"'
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_INTEGER_BITS: Final = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}


_MINOR_UNITS: Final = "money is in minor units, as a whole number: 1099 with USD is $10.99"
_WHOLE: Final = "send a whole number that fits, without quotes and without a fraction"
_OBJECT: Final = 'send {"…": …}'
_OBJECTS: Final = {"Money": 'send {"minor_units": 1099, "currency": "USD"}, which is $10.99'}


class _Unfit(Exception):
    """A value that does not fit its field; `path` grows on the way out."""

    def __init__(self, fault: str, path: str = "", fix: str = "") -> None:
        super().__init__(fault)
        self.fault, self.path, self.fix = fault, path, fix

    def inside(self, name: str) -> _Unfit:
        self.path = f"{name}.{self.path}" if self.path else name
        return self


def from_dict(message_type: type[M], values: Mapping[str, Any]) -> M:
    """A message of plain values, for a request.

    Raises:
        RequestRejected: An unknown name (the fix says the nearest right one) or a value that does not fit;
            `metadata["field"]` is its path.
    """
    try:
        return cast(M, _builder_of(message_type.DESCRIPTOR, lenient=False)(values))
    except _Unfit as unfit:
        raise _refusal(RequestRejected, "REQUEST_INVALID", unfit) from None


def event_from_dict(values: Mapping[str, Any]) -> Event:
    """The event that `to_dict` was given. The first word of its type decides which member of `Event.data` is filled.

    Names that this version does not know are skipped: a newer server may send more.

    Raises:
        PayloadRejected: Not an object, a value that does not fit, or `data` with a type of no known kind.
    """
    try:
        return cast(Event, _builder_of(Event.DESCRIPTOR, lenient=True)(values))
    except _Unfit as unfit:
        raise _refusal(PayloadRejected, "PAYLOAD_FIELD_INVALID", unfit) from None


def enum_number(enum: EnumDescriptor, value: str | int) -> int:
    """Number of "SANDBOX", "sandbox", "ENVIRONMENT_SANDBOX" or 1; RequestRejected if there is none such."""
    try:
        return _enum_writer(enum)(value)
    except _Unfit as unfit:
        raise _refusal(RequestRejected, "REQUEST_INVALID", unfit.inside(enum.name)) from None


def _refusal(kind: type[Rejected], reason: str, unfit: _Unfit) -> Rejected:
    path = unfit.path
    return kind(
        f"{path}: {unfit.fault}" if path else unfit.fault,
        reason=reason,
        fix=unfit.fix,
        metadata={"field": path} if path else None,
    )


_builders: dict[tuple[Descriptor, bool], Callable[[Any], Message]] = {}


def _builder_of(descriptor: Any, *, lenient: bool) -> Callable[[Any], Message]:
    builder = _builders.get((descriptor, lenient))
    if builder is None:
        builder = _builders[descriptor, lenient] = _compile_builder(descriptor, lenient)
    return builder


def _compile_builder(descriptor: Descriptor, lenient: bool) -> Callable[[Any], Message]:
    make = GetMessageClass(descriptor)
    oneof = descriptor.oneofs_by_name.get(DATA)
    members = set() if oneof is None else {f.name for f in oneof.fields}
    writers = {f.name: _field_writer(f, lenient) for f in descriptor.fields}
    known = [name for name in writers if name not in members] + ([DATA] if members else [])

    def build(values: Any) -> Message:
        if isinstance(values, make):
            return values
        if not isinstance(values, Mapping):
            raise _Unfit(f"takes an object, not {type(values).__name__}", fix=_OBJECTS.get(descriptor.name, _OBJECT))
        fields: dict[str, Any] = {}
        for name, value in values.items():
            target = name
            if members and name == DATA:
                target = _data_member(values)
            elif name not in writers or name in members:
                if lenient:
                    continue
                raise _unknown_name(name, known)
            if value is None:
                continue
            try:
                fields[target] = writers[target](value)
            except _Unfit as unfit:
                raise unfit.inside(name) from None
        return make(**fields)

    return build


def _data_member(values: Mapping[str, Any]) -> str:
    kind = values.get("type")
    if not isinstance(kind, str):
        raise _Unfit("needs a type to tell what kind of data it is", DATA)
    if kind in DATA_MEMBER:
        return DATA_MEMBER[kind]
    first_word = kind.partition(".")[0]
    if first_word not in EVENT_TYPES:
        raise _Unfit("its first word names no kind of event that this version knows", "type", "upgrade the SDK")
    return first_word


def _unknown_name(name: object, known: Iterable[str]) -> _Unfit:
    near = get_close_matches(str(name), known, n=1)
    fix = f"did you mean {near[0]}?" if near else f"it takes: {', '.join(known)}"
    return _Unfit("there is no such field", str(name)[:64], fix)


def _field_writer(field: FieldDescriptor, lenient: bool) -> Write:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _text_map
    one = _single_writer(field, lenient)
    if not field.is_repeated:
        return one

    def many(values: Any) -> list[Any]:
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
            raise _Unfit(f"takes a list, not {type(values).__name__}", fix="put it in brackets: [ … ]")
        out = []
        for index, value in enumerate(values):
            try:
                out.append(one(value))
            except _Unfit as unfit:
                raise unfit.inside(str(index)) from None
        return out

    return many


def _single_writer(field: FieldDescriptor, lenient: bool) -> Write:
    if field.message_type is not None:
        is_time = field.message_type.full_name == TIMESTAMP
        return _timestamp if is_time else _builder_of(field.message_type, lenient=lenient)
    if field.enum_type is not None:
        return _enum_writer(field.enum_type)
    if field.type in _INTEGER_BITS:
        least, most = _INTEGER_BITS[field.type]
        fix = _MINOR_UNITS if field.name == "minor_units" else _WHOLE
        return lambda value: _integer(value, least, most, fix)
    if field.name == "sha256":
        return _digest
    return _WRITERS[field.type]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unfit(f"takes text, not {type(value).__name__}", fix='put it in quotes: " … "')
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Unfit("is text with half of a surrogate pair", fix="send whole characters") from None
    return value


def _text_map(value: Any) -> dict[str, str]:
    try:
        return {_text(name): _text(text) for name, text in dict(value).items()}
    except (TypeError, ValueError):
        raise _Unfit(f"takes an object, not {type(value).__name__}", fix=_OBJECT) from None


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Unfit(f"takes true or false, not {type(value).__name__}", fix="write it without quotes")
    return value


def _integer(value: Any, least: int, most: int, fix: str = "") -> int:
    # What is too large for JSON's reader comes as a float: it is out of range, and not broken.
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer() and not least <= value <= most)
    if isinstance(value, bool) or not whole:
        raise _Unfit(f"takes a whole number, not {type(value).__name__}", fix=fix or _WHOLE)
    if not least <= value <= most:
        raise _Unfit(f"is outside {least} to {most}", fix=fix or _WHOLE)
    return int(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise _Unfit(f"takes bytes or base64 text, not {type(value).__name__}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _Unfit("is text, but not base64", fix="encode the bytes as base64 (RFC 4648, section 4)") from None


def _digest(value: Any) -> bytes:
    if not isinstance(value, str):
        return _bytes(value)
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise _Unfit("is text, but not hex") from None


def _enum_writer(enum: EnumDescriptor) -> Callable[[Any], int]:
    prefix = enum_prefix(enum)
    short = {v.name.removeprefix(prefix): v.number for v in enum.values}
    numbers = short | {v.name: v.number for v in enum.values}

    def write(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return _integer(value, -(2**31), 2**31 - 1)
        if not isinstance(value, str):
            raise _Unfit(f"takes a constant's name, not {type(value).__name__}")
        try:
            return numbers[value.upper()]
        except KeyError:
            raise _Unfit("is no constant that it takes", fix=f"it takes: {', '.join(short)}") from None

    return write


def _timestamp(value: Any) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    moment, nanos = value, 0
    if isinstance(value, str):
        moment, nanos = _parsed_time(value)
    elif isinstance(value, datetime):
        nanos = value.microsecond * 1000
    else:
        raise _Unfit(f"takes a time as RFC 3339 text or datetime, not {type(value).__name__}", fix=_TIME)
    if moment.tzinfo is None:
        raise _Unfit("is a time without an offset from UTC", fix="add one: 2026-01-31T12:00:00Z")
    since = moment - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        raise _Unfit("is outside the years 1 to 9999 in UTC", fix=_TIME)
    return Timestamp(seconds=seconds, nanos=nanos)


def _parsed_time(text: str) -> tuple[datetime, int]:
    """The time to the second, and its nanoseconds, which datetime cannot hold."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise _Unfit(_NO_TIME, fix=_TIME)
    try:
        return datetime.fromisoformat(match[1] + match[3].upper()), int((match[2] or "").ljust(9, "0"))
    except ValueError:
        raise _Unfit(_NO_TIME, fix=_TIME) from None


_WRITERS: Final[dict[int, Write]] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_BOOL: _truth,
}
