"""What a provider's simulator is: an ASGI app that answers as the provider does, keeps the truth, and posts webhooks.

It is built from the provider's documentation, not from our client. `Faulty` around it loses replies, cuts connections,
answers late and with 500, by chance but repeatably.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.spi import SampleWebhook

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Deliver = Callable[[SampleWebhook], Awaitable[None]]
"""Posts one webhook to whoever listens."""


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How a simulator behaves besides what magic values of a request ask for. Chances are 0 to 1."""

    seed: int = 0
    """Makes ids and chances: the same seed and the same requests make the same ids and webhooks."""
    deliver: Deliver | None = None
    """None: no webhook is sent."""
    webhook_secret: str = field(default="", repr=False)
    """As in `SampleRequest.secret`."""
    callback_delay_s: float = 0.0
    lost_callbacks: float = 0.0
    """Chance that a webhook is never sent."""
    duplicate_callbacks: float = 0.0
    """Chance that it is sent twice."""
    raw_cards: bool = False
    """Whether the account may send card numbers."""
    now_s: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Truth:
    """What one payment came to, as the provider knows it."""

    merchant_transaction_id: str
    connector_transaction_id: str
    key: str
    """The idempotency key it was made with; empty where the provider takes none."""
    status: str
    """As `PaymentStatus` without its prefix: "CAPTURED"."""
    currency: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int


class Simulator(Protocol):
    """One provider's API, in memory."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def config(self, base_url: str) -> Mapping[str, str]:
        """Credentials under the connector's config keys, with which its client talks to this simulator at that URL."""
        ...

    def truths(self) -> Sequence[Truth]:
        """Every payment that was made here."""
        ...

    async def aclose(self) -> None:
        """Sends what callbacks are due, then stops."""
        ...


MakeSimulator = Callable[[SimulatorOptions], Simulator]


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong with requests that change something. Chances are 0 to 1, tried in this order, one a request."""

    lost_replies: float = 0.0
    """The request is carried out; the connection breaks before the answer."""
    cut_requests: float = 0.0
    """The connection breaks before anything is done."""
    errors: float = 0.0
    """500, and nothing is done."""
    errors_after: float = 0.0
    """500, and it is done."""
    delays: float = 0.0
    delay_s: float = 5.0


class Faulty:
    """An app between a client and a simulator, on which things go wrong."""

    def __init__(self, app: App, faults: Faults, *, seed: int = 0) -> None:
        self._app = app
        self.faults = faults
        self._chance = random.Random(seed)  # noqa: S311 - tests want to repeat it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        # Read first: of a client that goes away meanwhile servers would hand out no body any more, or a part of it.
        body = await _whole(receive)
        if body is None:
            return
        receive = _again(body, receive)
        match self._fate():
            case "lost_replies":
                await self._app(scope, receive, _nowhere)
                await _break_off(send)
            case "cut_requests":
                await _break_off(send)
            case "errors":
                await _fail(send)
            case "errors_after":
                await self._app(scope, receive, _nowhere)
                await _fail(send)
            case "delays":
                await asyncio.sleep(self.faults.delay_s)
                await self._app(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    def _fate(self) -> str:
        drawn = self._chance.random()
        for name in ("lost_replies", "cut_requests", "errors", "errors_after", "delays"):
            drawn -= getattr(self.faults, name)
            if drawn < 0:
                return name
        return ""


async def _whole(receive: Receive) -> bytes | None:
    """The request's body; None if the client went away in the middle of it."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands out a body that was read already."""
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def handed_out() -> Message:
        return rest.pop() if rest else await receive()

    return handed_out


async def _nowhere(_message: Message) -> None:
    """An answer that nobody gets."""


async def _break_off(send: Send) -> None:
    """An answer that ends before it is whole: servers close the connection, clients see a protocol error."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})
    await send({"type": "http.response.body", "body": b"", "more_body": True})


async def _fail(send: Send) -> None:
    await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
