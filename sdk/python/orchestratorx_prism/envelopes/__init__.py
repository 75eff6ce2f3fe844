"""Envelopes: the formats an event is published in. A channel names one; a new format is one file and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from orchestratorx_prism.envelopes import cloudevents, payment_requests, payments
from orchestratorx_prism.v1.event_pb2 import Event

__all__ = ["ENVELOPES", "FORMATS", "Envelope", "Format"]

Envelope = Callable[[Event], tuple[bytes, dict[str, str]]]
"""Event → body and headers of a message. Pure; raises PayloadRejected for an event that the format cannot hold."""


@dataclass(frozen=True, slots=True)
class Format:
    """How events are written, and which of them can be."""

    encoder: Callable[[str], Callable[[Event], Sequence[tuple[bytes, dict[str, str]]]]]
    """Given what the environment of test money is called ("dev"), the function that writes an event: bodies and headers
    of its messages, in order. One event may be two messages, or none."""
    holds: Callable[[Event], bool] | None = None
    """Whether the format has words for the event; None: for every one."""
    whole_lives: bool = False
    """Whether it tells of things from their beginning on, so that no channel may pick some of their types."""


def _single(envelope: Envelope) -> Format:
    return Format(lambda _: lambda event: (envelope(event),))


def _payments(sandbox_env: str) -> Callable[[Event], Sequence[tuple[bytes, dict[str, str]]]]:
    return lambda event: (payments.encode(event, sandbox_env),)


ENVELOPES: Final[Mapping[str, Envelope]] = MappingProxyType(
    {
        "cloudevents+json": cloudevents.encode_json,
        "cloudevents+protobuf": cloudevents.encode_protobuf,
    }
)
"""Formats that hold every event, one message each: name → the function that writes it."""

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        **{name: _single(envelope) for name, envelope in ENVELOPES.items()},
        "payments": Format(_payments, payments.holds),
        "payment_requests": Format(lambda _: payment_requests.encode, payment_requests.holds, whole_lives=True),
    }
)
"""Name in a channel → format."""
