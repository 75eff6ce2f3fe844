"""Who is calling, and what they may do."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from orchestratorx_prism.errors import PermissionRefused

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


INSTALLATION: Final = Principal("system", EVERYBODY, frozenset({EVERYBODY}))
"""The server itself, its commands, and programs that it is embedded in."""


@dataclass(frozen=True, slots=True)
class Acting:
    """On whose behalf something is done."""

    actor: str
    """As `Principal.actor`; "system": the server itself."""
    remote_address: str = ""
    principal: Principal | None = None
    """Whom a front door let in; None: nobody came through a door."""


SYSTEM: Final = Acting("system")
CLI: Final = Acting("cli")
acting: ContextVar[Acting] = ContextVar("acting", default=SYSTEM)
"""Set by a front door for each call (`enter`), and by a command to CLI."""


def enter(principal: Principal, remote_address: str) -> None:
    """From here on, the current task acts on the caller's behalf."""
    acting.set(Acting(principal.actor, remote_address, principal))


def authority() -> Principal:
    """What may be done here and now: for services whose answer depends on who asks.

    Raises:
        PermissionRefused: Somebody acts, and no front door has said what they may do.
    """
    who = acting.get()
    if who.principal is not None:
        return who.principal
    if who in (SYSTEM, CLI):
        return INSTALLATION
    # Failure policy: closed. A door that forgets to say what its caller may do gives it nothing.
    raise PermissionRefused("nobody has said what this caller may do", fix="report it: a defect of the server")
