"""Dataclasses as JSON objects and back, for formats whose shape somebody else has settled. Compiled once a class.

Every field is written, null where it is None. Decimal numbers are JSON numbers with the digits they have. Reading skips
names that it does not know, takes a missing name for null, and refuses whatever is of another kind, by its path.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

from orchestratorx_prism.errors import PayloadRejected

T = TypeVar("T")
Rename = Callable[[str], str]
"""From a field's name to the object's."""

encode_json: Final = msgspec.json.Encoder(decimal_format="number").encode
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_KINDS: Final = {str: "text", int: "a whole number", Decimal: "a number"}


def camel_case(name: str) -> str:
    """payment_id → paymentId"""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def as_is(name: str) -> str:
    return name


def writer_of(shape: type[T], rename: Rename) -> Callable[[T], dict[str, Any]]:
    """What makes plain values of such a dataclass, in the order of its fields. It has two fields or more."""
    names = [field.name for field in dataclasses.fields(shape)]  # type: ignore[arg-type]
    keys = [rename(name) for name in names]
    get = attrgetter(*names)
    inner = [
        (key, writer_of(hint, rename))
        for key, hint in zip(keys, _hints(shape), strict=True)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type)
    ]

    def write(value: T) -> dict[str, Any]:
        plain = dict(zip(keys, get(value)))  # noqa: B905 - as long by construction
        for key, write_inner in inner:
            plain[key] = write_inner(plain[key])
        return plain

    return write


def reader_of(shape: type[T], rename: Rename) -> Callable[[object, str], T]:
    """What makes such a dataclass of plain values. Given the values, and their path for faults.

    It raises PayloadRejected, PAYLOAD_FIELD_MISSING or PAYLOAD_FIELD_INVALID.
    """
    fields = [
        (field.name, rename(field.name), _value_reader(hint, rename))
        for field, hint in zip(dataclasses.fields(shape), _hints(shape), strict=True)  # type: ignore[arg-type]
    ]

    def read(values: object, path: str) -> T:
        if not isinstance(values, Mapping):
            raise _invalid(path, "takes an object")
        inside = f"{path}." if path else ""
        return shape(**{name: reader(values.get(key), inside + key) for name, key, reader in fields})

    return read


def decode_object(body: bytes | str) -> dict[str, Any]:
    """The JSON object in a body; numbers with a point are Decimals, digit by digit as they stand there.

    Raises:
        PayloadRejected: PAYLOAD_NOT_JSON, PAYLOAD_NOT_OBJECT or PAYLOAD_TOO_DEEP.
    """
    try:
        values = _decode(body)
    except RecursionError:
        raise PayloadRejected("the message is nested too deep", reason="PAYLOAD_TOO_DEEP") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise PayloadRejected("the message is not readable JSON", reason="PAYLOAD_NOT_JSON") from error
    if not isinstance(values, dict):
        raise PayloadRejected("the message is no JSON object", reason="PAYLOAD_NOT_OBJECT")
    return values


def _hints(shape: type) -> list[Any]:
    hints = get_type_hints(shape)
    return [hints[field.name] for field in dataclasses.fields(shape)]


def _value_reader(hint: Any, rename: Rename) -> Callable[[object, str], Any]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return reader_of(hint, rename)
    optional = isinstance(hint, types.UnionType)
    kind = next(each for each in get_args(hint) if each is not types.NoneType) if optional else hint

    def read(value: object, path: str) -> Any:
        if value is None:
            if optional:
                return None
            raise PayloadRejected(f"{path}: missing", reason="PAYLOAD_FIELD_MISSING", metadata={"field": path})
        if kind is Decimal and type(value) is int:
            return Decimal(value)
        if type(value) is not kind:
            raise _invalid(path, f"takes {_KINDS[kind]}")
        return value

    return read


def _invalid(path: str, fault: str) -> PayloadRejected:
    what = f"{path}: {fault}" if path else fault
    return PayloadRejected(what, reason="PAYLOAD_FIELD_INVALID", metadata={"field": path} if path else None)
