"""A request's body as plain values, read strictly: what two readers could take for different things is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

from google.protobuf.descriptor import Descriptor

from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.values import TIMESTAMP

MOST_LEVELS: Final = 32
"""Of objects and lists in each other. Our deepest message has five."""
_MOST_DIGITS: Final = 20
"""A 64-bit number has no more, its sign counted."""


class _Twice(Exception):
    """A name that stands twice in an object."""


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; of an empty body, an empty one.

    Raises:
        PayloadRejected: PAYLOAD_NOT_UTF8, PAYLOAD_NOT_JSON (NaN and a name given twice, too), PAYLOAD_TOO_DEEP,
            PAYLOAD_NOT_OBJECT.
    """
    if not body:
        return {}
    try:
        values = json.loads(
            body.decode(), object_pairs_hook=_object, parse_int=_whole, parse_constant=_no_number, parse_float=_decimal
        )
    except UnicodeDecodeError:
        raise PayloadRejected("the body is not UTF-8", reason="PAYLOAD_NOT_UTF8", fix="send JSON in UTF-8") from None
    except _Twice as twice:
        raise PayloadRejected(f"the name {twice} stands twice in one object", fix="send each name once") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise PayloadRejected("the body is not JSON", fix="look at its quotes, commas and brackets") from None
    if not isinstance(values, dict):
        raise PayloadRejected("the body is JSON, but no object", reason="PAYLOAD_NOT_OBJECT", fix='send {"…": …}')
    if _levels(values) > MOST_LEVELS:
        raise _too_deep()
    return values


def check_values(values: Mapping[str, Any], descriptor: Descriptor, place: str = "") -> None:
    """Refuses what the SDK's `from_values` would take, and a stranger's JSON should not say.

    That is: null (left out, or to be cleared?), numbers for constants, two members of one oneof (which one?), lists for
    maps, texts with a NUL, which PostgreSQL does not keep. Everything else is left to `from_values`.

    Raises:
        RequestRejected: `metadata["field"]` is its path.
    """
    chosen: dict[str, str] = {}
    for name, value in values.items():
        path = f"{place}{name}"
        if value is None:
            raise _fault(path, "is null", fix="leave the field out")
        if name not in descriptor.fields_by_name:
            continue
        field = descriptor.fields_by_name[name]
        group = field.containing_oneof
        if group is not None and chosen.setdefault(group.name, name) != name:
            raise _fault(path, f"excludes {chosen[group.name]}", fix="send one of the two")
        if _is_map(field):
            _check_map(value, path)
        elif field.is_repeated and isinstance(value, list):
            for index, one in enumerate(value):
                _check_one(one, field, f"{path}.{index}")
        else:
            _check_one(value, field, path)


def _check_one(value: Any, field: Any, path: str) -> None:
    if value is None:
        raise _fault(path, "is null", fix="leave it out")
    if isinstance(value, str):
        if "\0" in value:
            raise _fault(path, "holds a NUL")
    elif field.enum_type is not None and isinstance(value, int):
        raise _fault(path, "takes a constant's name, not a number")
    elif field.message_type is None:
        return
    elif isinstance(value, Mapping) and field.message_type.full_name != TIMESTAMP:
        check_values(value, cast(Descriptor, field.message_type), f"{path}.")


def _is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _check_map(value: Any, path: str) -> None:
    if not isinstance(value, Mapping):
        raise _fault(path, f"takes an object, not {type(value).__name__}")
    for name, text in value.items():
        if not isinstance(text, str):
            raise _fault(f"{path}.{name}"[:128], f"takes text, not {type(text).__name__}")
        if "\0" in name or "\0" in text:
            raise _fault(path, "holds a NUL")


def _fault(path: str, fault: str, *, fix: str = "mend the request") -> RequestRejected:
    return RequestRejected(f"{path}: {fault}", fix=fix, metadata={"field": path})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _Twice(repr(twice[:64]))
    return values


def _whole(digits: str) -> int | float:
    """What no field can hold becomes infinity: a number, so that the refusal names the field that it was for."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float("inf")


def _decimal(digits: str) -> float:
    """Numbers with a point are in no field; how near a float comes to them does not matter."""
    return float(digits)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _levels(values: object) -> int:
    """How deep objects and lists are in each other."""
    deepest, waiting = 0, [(values, 1)]
    while waiting:
        one, level = waiting.pop()
        if isinstance(one, dict | list):
            deepest = max(deepest, level)
            waiting += [(inner, level + 1) for inner in (one.values() if isinstance(one, dict) else one)]
    return deepest


def _too_deep() -> PayloadRejected:
    return PayloadRejected(
        f"the body's objects and lists are more than {MOST_LEVELS} levels deep",
        reason="PAYLOAD_TOO_DEEP",
        fix="send the message as it is documented",
    )
