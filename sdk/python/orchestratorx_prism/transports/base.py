"""What a transport is: how a client's call reaches a service. gRPC to a server, or a direct call in this process.

Errors never leave a transport in any other form than `PrismError`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

Metadata = Sequence[tuple[str, str]]
"""Call metadata: names in lower case. `x-api-key` carries the caller's key."""


class Transport(Protocol):
    """Carries calls to the services of `orchestratorx_prism.v1`.

    `service` is the full name ("orchestratorx_prism.v1.EventService"), `method` the rpc's ("HandleEvent").
    `timeout_s` covers the whole call, retries included; None waits for ever.
    """

    @property
    def loop_bound(self) -> bool:
        """Whether it must be used on one event loop only: the one it was first used on.

        False promises more: calls may come from several loops in several threads at once.
        """
        ...

    async def unary(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> M:
        """One request, one answer.

        Raises:
            PrismError: The call was refused, or its outcome is not known (DeadlineExpired).
        """
        ...

    def server_stream(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[M]:
        """One request, many answers. Errors as of `unary`, raised by the iterator. `aclose()` ends the call."""
        ...

    def bidi(
        self,
        service: str,
        method: str,
        requests: AsyncIterable[Message],
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[M]:
        """Many requests, many answers, in order. Errors as of `unary`, raised by the iterator."""
        ...

    async def close(self) -> None:
        """Ends calls in flight and releases connections. Closing twice does nothing."""
        ...
