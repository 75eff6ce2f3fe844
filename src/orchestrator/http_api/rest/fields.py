"""Which field of a row's request stands where, and how a request is made of path, query, body and header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from orchestrator.http_api.rest.json_reading import check_values
from orchestrator.http_api.rest.rows import Row
from orchestrator.services.naming import snake_case
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.from_values import from_dict
from orchestratorx_prism.values import TIMESTAMP

REQUEST_ID: Final = "request_id"
MOST_PARAMETERS: Final = 500
"""Of one query."""
_SINGULAR: Final[Mapping[str, str]] = {
    "statuses": "status",
    "connectors": "connector",
    "types": "type",
    "states": "state",
    "event_types": "event_type",
    "actions": "action",
}
"""Lists of a request → what one of them is called in a query: `?status=CAPTURED&status=FAILED`."""
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_TRUTHS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Place:
    """A field that stands in the path or the query."""

    name: str
    """As callers write it."""
    path: tuple[str, ...]
    """From the request: ("filter", "types")."""
    field: FieldDescriptor

    @property
    def dotted(self) -> str:
        """As a row names it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where everything of a row's request stands."""

    row: Row
    request: type[Message]
    response: type[Message]
    in_path: tuple[Place, ...]
    in_query: tuple[Place, ...]
    body: Mapping[str, FieldDescriptor]
    """Name here → top-level field. Empty of rows without a body."""
    takes_request_id: bool

    @property
    def left_out(self) -> frozenset[str]:
        """Top-level fields that a body cannot give."""
        given = {field.name for field in self.body.values()}
        return frozenset(set(_descriptor(self.request).fields_by_name) - given)


@lru_cache(maxsize=256)
def method_of(rpc: str) -> Any:
    """The protobuf MethodDescriptor of "PaymentService.Authorize"."""
    service, _, method = rpc.partition(".")
    described: Any = import_module(f"orchestratorx_prism.v1.{snake_case(service)}_pb2").DESCRIPTOR
    return described.services_by_name[service].methods_by_name[method]


def inputs_of(row: Row) -> Inputs:
    """Reads the row against its rpc's descriptors. A row that names what is not there is a defect, found at start."""
    method = method_of(row.rpc)
    request: Any = GetMessageClass(method.input_type)
    leaves = [leaf for leaf in _leaves(method.input_type, ()) if _is_open(row, leaf)]
    places = [Place(_name(row, leaf), tuple(f.name for f in leaf), leaf[-1]) for leaf in leaves]
    in_path = tuple(place for name in row.places for place in places if place.name == name)
    if tuple(place.name for place in in_path) != row.places:
        raise ValueError(f"{row.path} has a place that no field of {row.rpc} fills")
    others = [place for place in places if place not in in_path and place.dotted != REQUEST_ID]
    filled = {place.path[0] for place in in_path} | set(row.fixed)
    body = (
        {}
        if row.in_query
        else {
            row.names.get(f.name, f.name): f
            for f in method.input_type.fields
            if f.name not in filled and _is_open(row, [f])
        }
    )
    return Inputs(
        row,
        request,
        GetMessageClass(method.output_type),
        in_path,
        tuple(others) if row.in_query else (),
        body,
        REQUEST_ID in method.input_type.fields_by_name and REQUEST_ID not in row.fixed,
    )


def build_request(
    inputs: Inputs, path: Mapping[str, str], query: bytes, body: Mapping[str, Any], idempotency_key: str
) -> Message:
    """The rpc's request.

    Args:
        path: What stands in the path's places.
        query: As it came.
        body: As it was read; empty of rows without one.
        idempotency_key: The header's value; "" if there was none.

    Raises:
        RequestRejected: An unknown name, a value that does not fit, or something that is said twice.
    """
    row = inputs.row
    values: dict[str, Any] = _from_body(inputs, body)
    for place in inputs.in_path:
        _put(values, place.path, _text(path[place.name], place))
    for name, texts in _parameters(query, inputs):
        place = next(place for place in inputs.in_query if place.name == name)
        _put(values, place.path, _read(texts, place))
    values |= row.fixed
    if idempotency_key:
        _take_key(inputs, values, idempotency_key)
    if inputs.takes_request_id and not values.get(REQUEST_ID):
        raise RequestRejected(
            "the call has no idempotency key",
            reason="IDEMPOTENCY_KEY_MISSING",
            fix="send the header Idempotency-Key: a UUID, and the same one with every repeat of this call",
            metadata={"field": "Idempotency-Key"},
        )
    for needed in row.needs:
        if not _is_given(values, needed.split(".")):
            raise _fault(_name_of(row, needed), "is needed")
    try:
        return from_dict(inputs.request, values)
    except RequestRejected as refused:
        raise _by_its_own_name(refused, inputs) from None


def _by_its_own_name(refused: RequestRejected, inputs: Inputs) -> RequestRejected:
    """The refusal of a parameter, under the name that the caller gave it: the message's own may be another."""
    field = refused.metadata.get("field", "")
    for place in (*inputs.in_path, *inputs.in_query):
        if field == place.dotted or field.startswith(f"{place.dotted}."):
            fault = refused.message.removeprefix(f"{field}: ")
            return RequestRejected(f"{place.name}: {fault}", fix=refused.fix, metadata={"field": place.name})
    return refused


def _from_body(inputs: Inputs, body: Mapping[str, Any]) -> dict[str, Any]:
    if not body:
        return {}
    row = inputs.row
    known = [*inputs.body, *row.adapted]
    for name in body:
        if name not in known:
            raise _unknown(name, known, "field", "it stands in the path" if name in row.places else "")
    given = row.adapt(dict(body)) if row.adapt is not None else body
    values = {inputs.body[name].name if name in inputs.body else name: value for name, value in given.items()}
    check_values(values, _descriptor(inputs.request))
    return values


def _parameters(query: bytes, inputs: Inputs) -> Iterator[tuple[str, list[str]]]:
    """Each name of the query with all its values."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:  # UnicodeDecodeError is one
        raise RequestRejected("the query is not what a URL may hold", fix="escape it: %C3%A9 for é") from None
    known = [place.name for place in inputs.in_query]
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        if name not in known:
            raise _unknown(name, known, "query parameter")
        found.setdefault(name, []).append(text)
    yield from found.items()


def _read(texts: Sequence[str], place: Place) -> Any:
    if place.field.is_repeated:
        return [_one(text, place) for text in texts]
    if len(texts) > 1:
        raise _fault(place.name, "is given more than once", fix="give it once")
    return _one(texts[0], place)


def _one(text: str, place: Place) -> Any:
    field = place.field
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text not in _TRUTHS:
            raise _fault(place.name, "takes true or false")
        return _TRUTHS[text]
    if field.cpp_type in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT32}:
        if not _WHOLE.fullmatch(text):
            raise _fault(place.name, "takes a whole number")
        return int(text)
    return _text(text, place)


def _text(text: str, place: Place) -> str:
    if "\0" in text:
        raise _fault(place.name, "holds a NUL")
    return text


def _take_key(inputs: Inputs, values: dict[str, Any], key: str) -> None:
    if not inputs.takes_request_id:
        if inputs.row.method == "POST":
            raise RequestRejected(
                "this call takes no Idempotency-Key: a repeat would be carried out again",
                reason="IDEMPOTENCY_KEY_NOT_TAKEN",
                fix="leave the header out, and look before you repeat the call",
                metadata={"field": "Idempotency-Key"},
            )
        return  # the same call again changes nothing more: the key's promise holds by itself
    if (values.get(REQUEST_ID) or key) != key:
        raise RequestRejected(
            "the header Idempotency-Key and the body's request_id differ",
            reason="IDEMPOTENCY_KEY_MISMATCH",
            fix="send one of the two",
            metadata={"field": REQUEST_ID},
        )
    values[REQUEST_ID] = key


def _leaves(descriptor: Descriptor, above: tuple[FieldDescriptor, ...]) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Every field that a query can hold, with those it is in."""
    for field in descriptor.fields:
        inner = field.message_type
        if inner is None or inner.full_name == TIMESTAMP:
            yield (*above, field)
        elif not field.is_repeated:
            yield from _leaves(inner, (*above, field))


def _is_open(row: Row, leaf: Sequence[FieldDescriptor]) -> bool:
    dotted = ".".join(field.name for field in leaf)
    return dotted not in row.fixed and (not row.only or dotted in row.only or dotted == REQUEST_ID)


def _name(row: Row, leaf: Sequence[FieldDescriptor]) -> str:
    dotted = ".".join(field.name for field in leaf)
    own = leaf[-1].name
    return row.names.get(dotted) or (_SINGULAR.get(own, own) if row.in_query else own)


def _name_of(row: Row, dotted: str) -> str:
    return row.names.get(dotted, dotted)


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _is_given(values: Any, path: Iterable[str]) -> bool:
    for name in path:
        if not isinstance(values, Mapping) or name not in values:
            return False
        values = values[name]
    return values not in ("", [], {})


def _descriptor(message: type[Message]) -> Descriptor:
    return cast(Descriptor, message.DESCRIPTOR)


def _fault(name: str, fault: str, *, fix: str = "mend the request") -> RequestRejected:
    return RequestRejected(f"{name}: {fault}", fix=fix, metadata={"field": name})


def _unknown(name: str, known: Sequence[str], kind: str, why: str = "") -> RequestRejected:
    near = get_close_matches(name, known, n=1)
    fix = why or (f"did you mean {near[0]}?" if near else f"it takes: {', '.join(known)}" if known else "it takes none")
    return _fault(name[:64], f"there is no such {kind}", fix=fix)
