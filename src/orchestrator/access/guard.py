"""What both front doors ask: who is calling, may they, and whose business is it."""

from __future__ import annotations

from typing import Final, Protocol

from google.protobuf.message import Message

from orchestrator.access.principal import ANYBODY, Principal

ANY_METHOD: Final = ""
"""As a method: whoever is known at all may call it."""


class Guard(Protocol):
    """Asked for each call, before it is carried out. `method` is "PaymentService.Authorize"."""

    async def admit(self, key: str | None, method: str, remote_address: str) -> Principal:
        """Who is calling, if they may call the method.

        Args:
            key: The key's text as it was sent; None: none was sent.
            remote_address: Whence; "" if that is not known.

        Raises:
            Unauthenticated: No key where one is asked for, or one that is unknown, expired or revoked.
            PermissionRefused: The key lacks the method's scope.
            TooManyCalls: The key's limit, or too many failures from this address; says when to come back.
        """
        ...

    async def still(self, principal: Principal) -> None:
        """Asked again and again while a stream lasts, before something is taken from it or given to it: costs nothing.

        Raises:
            Unauthenticated: The key that it was opened with has ended since.
        """
        ...

    def confine(self, principal: Principal, method: str, request: Message) -> None:
        """Makes the request the principal's own merchant's: fills in an empty merchant.

        Raises:
            NotFound: It names another merchant. Said as of a thing that is not there, so that nothing is learned.
            PermissionRefused: The method is the whole installation's business, and the principal a merchant's.
        """
        ...


class Open:
    """Implements `Guard`: lets everybody in."""

    async def admit(self, key: str | None, method: str, remote_address: str) -> Principal:
        """See `Guard`."""
        return ANYBODY

    async def still(self, principal: Principal) -> None:
        """See `Guard`."""

    def confine(self, principal: Principal, method: str, request: Message) -> None:
        """See `Guard`."""
