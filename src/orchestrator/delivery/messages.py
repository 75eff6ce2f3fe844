"""What is posted: Standard Webhooks' body, made of the recorded event. Pure.

A recorded event never changes, and neither does what is made of it: every attempt of a delivery posts the same bytes.

Source: Standard Webhooks 1.0, "Payload structure".
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import time_text, to_struct

CONTENT_TYPE: Final = "application/json"
PING: Final = "webhook.ping"
_encode = msgspec.json.Encoder().encode


def body_of(message: bytes) -> bytes:
    """{"type", "timestamp", "data"}: `data` is the event as everywhere, `timestamp` when it happened.

    Args:
        message: The recorded event, serialized.
    """
    event = Event.FromString(message)
    happened = event.occurred_at if event.HasField("occurred_at") else event.received_at
    return _encode({"type": event.type, "timestamp": time_text(happened), "data": to_struct(event)})


def ping_body(endpoint_id: str, now_s: float) -> bytes:
    """The body of a test message."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))
    return _encode({"type": PING, "timestamp": moment, "data": {"endpoint_id": endpoint_id}})
