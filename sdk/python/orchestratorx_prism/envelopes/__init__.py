"""Envelopes: the formats an event is published in. A channel names one; a new format is one file and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from orchestratorx_prism.envelopes import cloudevents
from orchestratorx_prism.v1.event_pb2 import Event

__all__ = ["ENVELOPES", "Envelope"]

Envelope = Callable[[Event], tuple[bytes, dict[str, str]]]
"""Event → body and headers of a message. Pure; raises PayloadRejected for an event that the format cannot hold."""

ENVELOPES: Final[Mapping[str, Envelope]] = MappingProxyType(
    {
        "cloudevents+json": cloudevents.encode_json,
        "cloudevents+protobuf": cloudevents.encode_protobuf,
    }
)
"""Name in a channel → the function that writes it."""
