"""HTTP/1.1 connections: uvicorn's protocol with limits on how long and how large a request may be while it arrives.

uvicorn waits for ever for the rest of a request, and keeps every header of it. What a stranger can hold of us is
bounded here, before any of our other code runs: time, bytes, headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from orchestrator.http_api.answers import refuse
from orchestrator.http_api.bodies import BodyTooSlow
from orchestratorx_prism.errors import PrismError, RequestRejected, Unavailable
from orchestratorx_prism.wire import to_problem

MAX_HEADERS = 100
MAX_HEAD_BYTES = 32 * 1024
"""Largest request line and headers together, while they arrive in pieces. One read brings at most 256 KiB."""

MAX_CONNECTIONS = 4_096
"""Open connections of one process; one more is told to come again."""
PATIENCE_BYTES = 8 * 1024 * 1024
"""How much of a body that was refused is still taken in and thrown away, so that its sender reads the refusal instead
of a reset connection."""


class HeadTooLarge(RequestRejected):
    """More headers, or longer ones, than any provider sends."""

    default_reason = "HEADERS_TOO_LARGE"
    http_status = 431


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    whole_within_s: float
    """From a request's first byte (of the first request: from the connection) to its last. Seconds."""
    max_body_bytes: int
    on_refusal: Callable[[PrismError], None]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arriving = False  # whether a request has begun and is not whole
        self._head_done = False
        self._begun = 0  # requests that began in the read in hand
        self._received = 0  # bytes of the request that arrives
        self._deaf = False  # whether what still comes is thrown away
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self.whole_within_s, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        fresh = not self._arriving
        self._begun = 0
        super().data_received(data)
        if not self._arriving and (self._begun or not fresh):
            self._disarm()
            return
        if self.transport.is_closing():
            return
        if not self._begun:
            self._received += len(data)
        else:  # of several requests in one read, how much is the last one's is not known, and cannot be much
            self._received = len(data) if fresh and self._begun == 1 else 0
        if self._is_too_large():
            self._cut_off(HeadTooLarge(f"more than {MAX_HEAD_BYTES} bytes before the body, or after it"))
        elif self._timer is None:
            self._timer = self.loop.call_later(self.whole_within_s, self._too_slow)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun += 1
        self._arriving = True
        self._head_done = False

    def on_headers_complete(self) -> None:
        self._head_done = True
        refusal = self._refusal()
        if refusal is not None:
            self.on_refusal(refusal)
            self.app = partial(_refuse, refusal)
        super().on_headers_complete()
        # What follows the body as trailers is no header: it came past whatever the proxies in front checked or set.
        self.headers = []

    def on_message_complete(self) -> None:
        self._arriving = False
        super().on_message_complete()

    def _refusal(self) -> PrismError | None:
        if self.parser.should_upgrade() and any(map(_announces_body, self.headers)):
            # The parser would take the body for the other protocol's, and its second read for a request.
            self._deaf = True
            return RequestRejected(
                "a request that has a body and asks for another protocol",
                reason="UPGRADE_REFUSED",
                fix="send it without the Upgrade header",
            )
        if len(self.headers) > MAX_HEADERS:
            return HeadTooLarge(f"more than {MAX_HEADERS} headers")
        if len(self.connections) > MAX_CONNECTIONS:
            return Unavailable("too many connections", reason="TOO_MANY_CONNECTIONS", fix="send it again later")
        return None

    def _is_too_large(self) -> bool:
        if not self._head_done:
            return self._received > MAX_HEAD_BYTES
        most = self.max_body_bytes + PATIENCE_BYTES + MAX_HEAD_BYTES
        return self._received > most or len(self.headers) > MAX_HEADERS

    def _too_slow(self) -> None:
        self._timer = None
        if self._arriving:
            refusal = BodyTooSlow(f"the request was not whole within {self.whole_within_s:g} s", fix="send it again")
            self._cut_off(refusal)
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()  # nothing was asked, nothing is answered

    def _cut_off(self, refusal: PrismError) -> None:
        """Answers, unless another answer is on its way, and ends the connection."""
        self.on_refusal(refusal)
        if not self._is_answering():
            self.transport.write(_raw_response(refusal))
        self.transport.close()

    def _is_answering(self) -> bool:
        if self.cycle is None:
            return False
        # While a head arrives, `cycle` is the request before; then it is the one whose body arrives.
        begun = self.cycle.response_started if self._head_done else not self.cycle.response_complete
        return begun or bool(self.pipeline)

    def _disarm(self) -> None:
        timer = getattr(self, "_timer", None)
        if timer is not None:
            timer.cancel()
            self._timer = None


def _announces_body(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")


def _raw_response(refusal: PrismError) -> bytes:
    body = _problem(refusal)
    return b"".join(
        (
            STATUS_LINE[refusal.http_status],
            b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body),
            body,
        )
    )


async def _refuse(refusal: PrismError, _scope: Any, _receive: Any, send: Any) -> None:
    await refuse(send, refusal, close=True)


def _problem(refusal: PrismError) -> bytes:
    return msgspec.json.encode(to_problem(refusal) | {"fix": refusal.fix})
