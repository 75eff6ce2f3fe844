"""Events as applications see them: items and attributes over the protobuf message, converted only where looked at.

`event["type"]`, `event.type`, `event["data"]["merchant_transaction_id"]`, `event.data.amount.minor_units`: values are
those of `values.to_dict`. An item that is not set raises KeyError, as in that dict; such an attribute is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import HandleEventResponse
from orchestratorx_prism.values import DATA, TIMESTAMP, field_reader, to_dict


class _Field(NamedTuple):
    optional: bool
    convert: Callable[[Any], Any] | None
    """None: as it is."""
    shown: bool
    """Whether `repr` may show the value."""


class MessageView(Mapping[str, Any]):  # noqa: PLW1641 - equal to dicts, so unhashable like them
    """A message of the API as a read-only mapping with attributes. `message` is the protobuf message itself."""

    __slots__ = ("_message",)

    def __init__(self, message: Message) -> None:
        self._message = message

    @property
    def message(self) -> Message:
        """The protobuf message."""
        return self._message

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; docs/event-shape.md shows them."""
        return to_dict(self._message)

    def __getitem__(self, name: str) -> Any:
        message: Any = self._message
        fields = _fields_of(message.DESCRIPTOR)
        found = fields[name]
        if name == DATA and found.optional:
            member = message.WhichOneof(DATA)
            if member is None:
                raise KeyError(name)
            return MessageView(getattr(message, member))
        if found.optional and not message.HasField(name):
            raise KeyError(name)
        value = getattr(message, name)
        return value if found.convert is None else found.convert(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        fields = _fields_of(cast(Descriptor, self._message.DESCRIPTOR))
        if name not in fields:
            near = get_close_matches(name, fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise AttributeError(f"{self._message.DESCRIPTOR.name} has no field {name}{hint}")
        try:
            return self[name]
        except KeyError:
            return None

    def __iter__(self) -> Iterator[str]:
        message: Any = self._message
        for name, found in _fields_of(message.DESCRIPTOR).items():
            if not found.optional or _is_set(message, name):
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MessageView):
            return self._message == other._message
        return self.to_dict() == other if isinstance(other, Mapping) else NotImplemented

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_fields_of(cast(Descriptor, self._message.DESCRIPTOR))]

    def __repr__(self) -> str:
        descriptor = cast(Descriptor, self._message.DESCRIPTOR)
        fields = _fields_of(descriptor)
        parts = [f"{name}={value!r}" if fields[name].shown else f"{name}=…" for name, value in self.items() if value]
        return f"<{' '.join([descriptor.name, *parts])}>"


class PrismEvent(MessageView):
    """One normalized event. Two are equal if they say the same; sets and dicts go by the event's id."""

    __slots__ = ()
    _message: Event

    def __init__(self, message: Event) -> None:
        self._message = message

    @property
    def message(self) -> Event:
        """The protobuf message."""
        return self._message

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._message.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._summary()}>"

    def _summary(self) -> str:
        event = self._message
        reference = f" {event.merchant_transaction_id}" if event.merchant_transaction_id else ""
        return f"{event.type} from {event.connector}{reference} id={event.id}"


class StreamedEvent(PrismEvent):
    """An event of a subscription. `cursor` is where to resume after it; keep it with the event's effect."""

    __slots__ = ("cursor",)

    def __init__(self, message: Event, cursor: str) -> None:
        super().__init__(message)
        self.cursor = cursor


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What to send back to the provider."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class HandledEvent(PrismEvent):
    """What became of one webhook. Reads as its first event; `events` has them all.

    A body without events (an empty batch) is false, and asking it for a field raises KeyError or AttributeError.
    """

    __slots__ = ("_events", "_response")

    def __init__(self, response: HandleEventResponse) -> None:
        events = response.events
        self._message = events[0] if events else _NO_EVENT
        self._response = response
        self._events: tuple[PrismEvent, ...] | None = None

    @property
    def response(self) -> HandleEventResponse:
        """The protobuf answer."""
        return self._response

    @property
    def events(self) -> tuple[PrismEvent, ...]:
        """All events of the body, in its order; duplicates as first recorded."""
        if self._events is None:
            self._events = tuple(PrismEvent(event) for event in self._response.events)
        return self._events

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Ids of those events that were recorded before."""
        return tuple(self._response.duplicate_event_ids)

    @property
    def fresh(self) -> tuple[PrismEvent, ...]:
        """The events that were not recorded before."""
        known = set(self._response.duplicate_event_ids)
        return tuple(event for event in self.events if event.message.id not in known)

    @property
    def verification(self) -> MessageView:
        """How the source was verified: `method` ("HMAC") and `detail`."""
        return MessageView(self._response.verification)

    @property
    def acknowledgement(self) -> Acknowledgement:
        """What to send back to the provider."""
        answer = self._response.acknowledgement
        return Acknowledgement(answer.status, dict(answer.headers), answer.body)

    def __getitem__(self, name: str) -> Any:
        if not self._response.events:
            raise KeyError(f"{name}: this webhook carried no event")
        return super().__getitem__(name)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and not self._response.events:
            raise AttributeError(f"{name}: this webhook carried no event")
        return super().__getattr__(name)

    def __iter__(self) -> Iterator[str]:
        return iter(()) if not self._response.events else super().__iter__()

    def to_dict(self) -> dict[str, Any]:
        """The first event's plain values; empty if there is no event. `values.to_dict(handled.response)` has all."""
        return {} if not self._response.events else super().to_dict()

    def _summary(self) -> str:
        if not self._response.events:
            return "without events"
        known, total = len(self._response.duplicate_event_ids), len(self._response.events)
        more = f" and {total - 1} more" if total > 1 else ""
        return f"{super()._summary()}{more}{f', {known} recorded before' if known else ''}"


_NO_EVENT = Event()

_fields: dict[Descriptor, dict[str, _Field]] = {}


def _fields_of(descriptor: Descriptor) -> dict[str, _Field]:
    """Name → how to read it, in proto order; the members of a oneof `data` as one."""
    found = _fields.get(descriptor)
    if found is None:
        oneof = descriptor.oneofs_by_name.get(DATA)
        members = set() if oneof is None else {f.name for f in oneof.fields}
        found = {f.name: _field(f) for f in descriptor.fields if f.name not in members}
        if members:
            found[DATA] = _Field(optional=True, convert=None, shown=True)
        _fields[descriptor] = found
    return found


def _field(descriptor: FieldDescriptor) -> _Field:
    hidden = descriptor.GetOptions().debug_redact or descriptor.type == FieldDescriptor.TYPE_BYTES
    return _Field(descriptor.has_presence, _converter(descriptor), not hidden and not descriptor.name.endswith("_url"))


def _converter(descriptor: FieldDescriptor) -> Callable[[Any], Any] | None:
    kind = descriptor.message_type
    if kind is None or kind.full_name == TIMESTAMP or kind.GetOptions().map_entry:
        return field_reader(descriptor)
    return _views if descriptor.is_repeated else MessageView


def _views(messages: Any) -> list[MessageView]:
    return [MessageView(message) for message in messages]


def _is_set(message: Any, name: str) -> bool:
    if name == DATA:
        return message.WhichOneof(DATA) is not None
    return bool(message.HasField(name))
