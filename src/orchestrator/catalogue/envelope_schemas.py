"""Which messages each envelope makes of which events, with their schemas.

A new format in `orchestratorx_prism.envelopes.FORMATS` is one function and one line here. The function is given the
types that a channel selects and returns the messages that they become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from orchestrator.catalogue import cloudevents_schemas, payment_requests_schemas, payments_schemas
from orchestrator.catalogue.model import MessageShape
from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.errors import Internal

Shapes = Callable[[Iterable[str]], list[MessageShape]]
"""Our event types → the messages that they are published as, in a fixed order. Types without one are left out."""

SHAPES: Final[Mapping[str, Shapes]] = MappingProxyType(
    {
        "cloudevents+json": cloudevents_schemas.json_shapes,
        "cloudevents+protobuf": cloudevents_schemas.protobuf_shapes,
        "payments": payments_schemas.payments_shapes,
        "payment_requests": payment_requests_schemas.payment_requests_shapes,
    }
)
"""Envelope → what it publishes."""


_NAME_HEADERS: Final = ("event-type", "ce-type")


def name_of(message: Message) -> str:
    """What consumers know the message by: every format repeats it in a header."""
    return next((message.headers[header] for header in _NAME_HEADERS if header in message.headers), "")


def shapes_of(envelope: str, types: Iterable[str]) -> list[MessageShape]:
    """The messages that these types become in this envelope.

    Raises:
        Internal: Nobody has described the envelope yet.
    """
    shapes = SHAPES.get(envelope)
    if shapes is None:
        raise Internal(
            f"the envelope {envelope} is not described in the catalogue",
            fix="add a function that describes it to orchestrator.catalogue.envelope_schemas.SHAPES",
        )
    return shapes(types)
