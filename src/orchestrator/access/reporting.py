"""Which authentications get a row of the audit log, so that no caller can fill it.

    auth.success        one for each key, address and hour
    auth.failed         no key, or one that is unknown or revoked: ten for each address and five minutes
    auth.key_expired    together with those
    auth.scope_denied   ten for each key and five minutes
    auth.rate_limited   one for each key or address and five minutes

Each process keeps to this for itself. Metrics count all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.access.addresses import network_of
from orchestrator.access.journal import Happened, Journal, Telling
from orchestrator.access.principal import ANYBODY, Acting, Principal
from orchestrator.access.windows import OwnWindows, Rule

_FEW: Final = Rule("told", 10, 300.0)
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_NOTHING: Final[Mapping[str, str]] = {}


class Reporter:
    """Tells the journal, and not too often."""

    def __init__(self, journal: Journal | None, *, clock: Callable[[], float] = time.time) -> None:
        """`journal`: None where no database keeps one. `clock`: Unix time in seconds."""
        self._journal = journal
        self._clock = clock
        self._told = Telling()
        self._used = Telling()
        self._few = OwnWindows()

    def succeeded(self, principal: Principal, remote_address: str) -> None:
        """Somebody was let in."""
        now = int(self._clock())
        if self._told.first(("auth.success", principal.actor, network_of(remote_address)), now // _HOUR_S):
            self._tell("auth.success", principal.actor, principal, remote_address)

    def used(self, key_id: str) -> None:
        """A key of the database was used."""
        if self._journal is not None and self._used.first((key_id,), int(self._clock()) // _MINUTE_S):
            self._journal.used(key_id)

    def failed(self, action: str, why: str, remote_address: str, principal: Principal = ANYBODY) -> None:
        """Somebody was not let in. `principal`: whose key it was, where that is known."""
        if self._few.hit_now(_FEW, network_of(remote_address)).allowed:
            target = "" if principal is ANYBODY else principal.actor
            self._tell(action, target, principal, remote_address, {"why": why})

    def denied(self, method: str, scope: str, principal: Principal, remote_address: str) -> None:
        """A key was not enough for the method."""
        if self._few.hit_now(_FEW, principal.actor).allowed:
            self._tell("auth.scope_denied", method, principal, remote_address, {"scope": scope})

    def limited(self, subject: str, principal: Principal, remote_address: str) -> None:
        """A call was put off. `subject`: the key's id, or the address, which had too many."""
        if self._told.first(("auth.rate_limited", subject), int(self._clock() // _FEW.window_s)):
            self._tell("auth.rate_limited", subject, principal, remote_address)

    def _tell(
        self, action: str, target: str, principal: Principal, address: str, details: Mapping[str, str] = _NOTHING
    ) -> None:
        if self._journal is not None:
            by = Acting(principal.actor, address, principal)
            self._journal.tell(Happened(action, target, principal.merchant_id, by, details))
