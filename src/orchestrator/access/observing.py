"""What the guard counts."""

from __future__ import annotations

from typing import Protocol


class AccessObserver(Protocol):
    """Whoever counts. The labels come from fixed sets."""

    def authenticated(self, outcome: str) -> None:
        """Somebody came to a door: "success", "missing", "unknown", "expired", "revoked", "scope_denied"."""
        ...

    def rate_limited(self, by: str) -> None:
        """A call was put off because of its "key" or its "address"."""
        ...

    def counted_alone(self) -> None:
        """Redis did not answer: this process counted for itself."""
        ...

    def unrecorded(self, count: int) -> None:
        """So many authentications were too many for the audit log: their number stands there instead of them."""
        ...


class SilentAccess:
    """Implements `AccessObserver`: counts nothing."""

    def authenticated(self, outcome: str) -> None:
        """See `AccessObserver`."""

    def rate_limited(self, by: str) -> None:
        """See `AccessObserver`."""

    def counted_alone(self) -> None:
        """See `AccessObserver`."""

    def unrecorded(self, count: int) -> None:
        """See `AccessObserver`."""
