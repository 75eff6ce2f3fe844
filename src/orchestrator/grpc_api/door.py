"""Who is calling over gRPC: the key in the metadata, the peer's address, and what the guard says to both."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, Final
from urllib.parse import unquote

from google.protobuf.message import Message

from orchestrator.access.guard import Guard
from orchestrator.access.principal import Principal, enter

API_KEY: Final = "x-api-key"
AUTHORIZATION: Final = "authorization"
_BEARER: Final = "bearer "


class Door:
    """The way into one method."""

    __slots__ = ("_guard", "_method")

    def __init__(self, guard: Guard, method: str) -> None:
        """`method`: as the guard knows it."""
        self._guard = guard
        self._method = method

    async def enter(self, context: Any) -> Principal:
        """From here on, the current task acts on the caller's behalf. Raises as `Guard.admit`."""
        address = address_of(context.peer())
        principal = await self._guard.admit(key_in(context.invocation_metadata()), self._method, address)
        enter(principal, address)
        return principal

    def confine(self, principal: Principal, request: Message) -> None:
        """See `Guard.confine`."""
        self._guard.confine(principal, self._method, request)

    async def confined(self, principal: Principal, requests: AsyncGenerator[Message, None]) -> AsyncIterator[Message]:
        """Each message of a stream of requests, confined, for as long as the key is good."""
        async with contextlib.aclosing(requests):
            async for request in requests:
                await self._guard.still(principal)
                self._guard.confine(principal, self._method, request)
                yield request

    async def lasting(self, principal: Principal, answers: AsyncIterator[Message]) -> AsyncIterator[Message]:
        """The answers of a stream, for as long as the key is good."""
        try:
            async for answer in answers:
                await self._guard.still(principal)
                yield answer
        finally:
            close = getattr(answers, "aclose", None)
            if close is not None:
                await close()


def key_in(metadata: Iterable[tuple[str, str | bytes]] | None) -> str | None:
    """The key that was sent, as x-api-key or as a bearer token. None: none."""
    given = None
    for name, value in metadata or ():
        if name == API_KEY:
            sent = value
        elif name == AUTHORIZATION and value[: len(_BEARER)].lower() == _BEARER:
            sent = value[len(_BEARER) :]
        else:
            continue
        if given is not None:
            return None  # Failure policy: closed. A key sent twice is no key.
        given = sent if isinstance(sent, str) else sent.decode("latin-1")
    return given


def address_of(peer: str) -> str:
    """The IP address in what gRPC calls a peer: "ipv4:192.0.2.1:50000", "ipv6:%5B::1%5D:50000". "" of others."""
    kind, _, rest = peer.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    return unquote(rest.rpartition(":")[0]).strip("[]")
