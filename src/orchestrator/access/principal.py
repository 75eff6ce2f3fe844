"""Who is calling, and what they may do."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

EVERYBODY = "*"
"""As a merchant: all of them. As a scope: every one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much more a caller may do now, for the rate-limit headers."""

    per_minute: int
    remaining: int
    resets_in_s: float
    """When calls are allowed again that are not now. Seconds."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that has been let in."""

    actor: str
    """As in the audit log: "key_…", "settings", "cli", "anonymous"."""
    merchant_id: str
    """The one merchant it acts for; EVERYBODY: any."""
    scopes: frozenset[str] = field(default_factory=frozenset)
    limit: Limit | None = None

    def may(self, scope: str) -> bool:
        """Whether it has the scope."""
        return scope in self.scopes or EVERYBODY in self.scopes


ANYBODY = Principal("anonymous", EVERYBODY, frozenset({EVERYBODY}))
"""Callers of a server that asks for no keys: on loopback, for development."""


@dataclass(frozen=True, slots=True)
class Acting:
    """On whose behalf something is done, for the audit log."""

    actor: str
    """As `Principal.actor`; "system": the server itself."""
    remote_address: str = ""


SYSTEM: Final = Acting("system")
acting: ContextVar[Acting] = ContextVar("acting", default=SYSTEM)
"""Set by a front door for each call, and by a command to "cli"."""
