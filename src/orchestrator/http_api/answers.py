"""Answers: what is sent back over HTTP, and how a refusal looks."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement
from orchestratorx_prism.wire import to_problem

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

RETRY_AFTER_S = 5
"""What a sender is told to wait when nothing better is known. Seconds."""

_STATUS_BY_REASON: Mapping[str, int] = {"MERCHANT_UNKNOWN": 404}
"""Where a part of the URL is at fault, though the class says otherwise."""
_EMPTY: Headers = [(b"content-length", b"0")]
_PROBLEM = (b"content-type", b"application/problem+json")


async def answer(send: Send, status: int, body: bytes = b"", headers: Headers | None = None) -> None:
    """One whole response."""
    sent = _EMPTY if headers is None and not body else [*(headers or ()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def acknowledge(send: Send, acknowledgement: Acknowledgement) -> int:
    """What the connector wants its provider to hear. Returns the status."""
    status = acknowledgement.status or 200
    named = acknowledgement.headers
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()] if named else None
    await answer(send, status, acknowledgement.body, headers)
    return status


async def refuse(send: Send, error: PrismError, *, headers: Headers | None = None, close: bool = False) -> int:
    """A refusal as a problem document with `reason` and `fix`: providers show it to who set up the webhook.

    Args:
        close: Whether the connection ends with it, because part of the request was not read.

    Returns:
        The status.
    """
    status = _STATUS_BY_REASON.get(error.reason, error.http_status)
    problem = to_problem(error) | {"status": status, "fix": error.fix}
    sent = [_PROBLEM, *(headers or ())]
    if error.retryable:
        sent.append((b"retry-after", b"%d" % math.ceil(error.retry_after_s or RETRY_AFTER_S)))
    if close:
        sent.append((b"connection", b"close"))
    await answer(send, status, msgspec.json.encode(problem), sent)
    return status
