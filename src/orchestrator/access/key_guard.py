"""The guard of both front doors: keys, scopes, limits.

The usual call costs a SHA-256, a look into a dictionary, and a count. A few times a second the database is asked
whether keys have changed (`Keyring`); Redis, where there is one, is asked at each call for the count.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from google.protobuf.message import Message

from orchestrator.access.addresses import network_of
from orchestrator.access.confining import Confiner
from orchestrator.access.guard import ANY_METHOD
from orchestrator.access.keyring import Keyring
from orchestrator.access.keys import Key, hash_of
from orchestrator.access.observing import AccessObserver
from orchestrator.access.principal import ANYBODY, EVERYBODY, Limit, Principal
from orchestrator.access.reporting import Reporter
from orchestrator.access.scopes import SCOPE_OF
from orchestrator.access.windows import Rule, Standing, Windows
from orchestratorx_prism.errors import PermissionRefused, TooManyCalls, Unauthenticated

FAILURES: Final = Rule("failures", 10, 300.0)
"""Wrong keys from one address."""
MINUTE_S: Final = 60.0
SETTINGS: Final = Principal("settings", EVERYBODY, frozenset({EVERYBODY}))
"""Whoever has one of the settings' keys."""
_FIX: Final = "send a key as x-api-key, or as a bearer token; `orchestrator keys create` makes one"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say."""

    keys: Collection[str]
    """The installation's own: good for everything, without limit."""
    asked: bool | None
    """Whether a key is asked for; None: from the first one in the database on."""
    calls_per_minute: int
    """Of keys that have no limit of their own; 0: none."""


class KeyGuard:
    """Implements `Guard`. For one event loop."""

    def __init__(
        self,
        terms: Terms,
        ring: Keyring | None,
        windows: Windows,
        reporter: Reporter,
        observer: AccessObserver,
        is_closed: Callable[[str], bool],
    ) -> None:
        """`ring`: None where no database keeps keys. `is_closed`: whether a merchant's keys are refused."""
        self._terms = terms
        self._own = [hash_of(key) for key in terms.keys]
        self._ring = ring
        self._windows = windows
        self._reporter = reporter
        self._observer = observer
        self._is_closed = is_closed
        self._confiner = Confiner()

    async def admit(self, key: str | None, method: str, remote_address: str) -> Principal:
        """See `Guard`. A wrong address is put off before its key is looked for; a key that is known is let in from
        there all the same: one wrong client must not lock out others behind the same proxy."""
        if not key:
            if await self._asks():
                raise self._refused("missing", remote_address)
            return ANYBODY
        digest = hash_of(key)
        if self._is_own(digest):
            principal = SETTINGS
        elif not await self._knows_keys() and not await self._asks():
            return ANYBODY
        else:
            principal = await self._holder(key, digest, remote_address)
        self._check_scope(principal, method, remote_address)
        self._observer.authenticated("success")
        self._reporter.succeeded(principal, remote_address)
        return principal

    async def still(self, principal: Principal) -> None:
        """See `Guard`."""
        if principal is SETTINGS:
            return
        if principal is ANYBODY:
            if await self._asks():
                raise Unauthenticated("keys are asked for since this stream began", fix=_FIX)
            return
        assert self._ring is not None  # noqa: S101 - whoever else was let in has a key of the database
        await self._ring.refresh()
        key = await self._ring.by_id(principal.actor)
        if key is None or key.has_ended(self._ring.now_us) or self._is_closed(key.merchant_id):
            raise Unauthenticated("the key has ended since this stream began", reason="KEY_ENDED", fix=_FIX)

    def confine(self, principal: Principal, method: str, request: Message) -> None:
        """See `Guard`."""
        self._confiner.confine(principal, method, request)

    async def _asks(self) -> bool:
        if self._terms.asked is None:
            return await self._has_kept_keys()
        return self._terms.asked

    async def _knows_keys(self) -> bool:
        return bool(self._own) or await self._has_kept_keys()

    async def _has_kept_keys(self) -> bool:
        ring = self._ring
        if ring is None:
            return False
        if not ring.is_fresh():
            await ring.refresh()
        return ring.has_keys

    def _is_own(self, digest: bytes) -> bool:
        matches = [hmac.compare_digest(digest, own) for own in self._own]
        return any(matches)

    async def _holder(self, text: str, digest: bytes, remote_address: str) -> Principal:
        """Whose key of the database it is, if it is good and within its limit."""
        ring = self._ring
        key = None
        if ring is not None:
            if not ring.is_fresh():
                await ring.refresh()
            key = ring.known(digest) or await self._looked_for(ring, text, digest, remote_address)
        if ring is None or key is None:
            raise await self._wrong("unknown", remote_address)
        if key.has_ended(ring.now_us):
            raise await self._wrong("revoked" if key.revoked_at_us else "expired", remote_address, key)
        if self._is_closed(key.merchant_id):
            raise self._refused("closed", remote_address, _principal(key, None))
        self._reporter.used(key.key_id)
        return await self._within_limit(key, remote_address)

    async def _looked_for(self, ring: Keyring, text: str, digest: bytes, remote_address: str) -> Key | None:
        subject = network_of(remote_address)
        standing = await self._windows.look(FAILURES, subject)
        if not standing.allowed:
            raise self._put_off(standing, "address", subject, ANYBODY, remote_address)
        return await ring.find(text, digest)

    async def _within_limit(self, key: Key, remote_address: str) -> Principal:
        most = key.calls_per_minute or self._terms.calls_per_minute
        if not most:
            return _principal(key, None)
        standing = await self._windows.hit(_calls(most), key.key_id)
        principal = _principal(key, Limit(most, standing.remaining, standing.resets_in_s))
        if not standing.allowed:
            raise self._put_off(standing, "key", key.key_id, principal, remote_address)
        return principal

    def _check_scope(self, principal: Principal, method: str, remote_address: str) -> None:
        if method == ANY_METHOD:
            return
        scope = SCOPE_OF.get(method)
        if scope is not None and principal.may(scope):
            return
        self._observer.authenticated("scope_denied")
        self._reporter.denied(method, scope or "", principal, remote_address)
        if scope is None:
            # Failure policy: closed. What nobody has named a scope for, nobody may call.
            raise PermissionRefused(f"no scope is named for {method}", fix="report it: a defect of the server")
        raise PermissionRefused(
            f"the key lacks the scope {scope}",
            reason="SCOPE_MISSING",
            fix=f"use a key that has {scope}",
            metadata={"scope": scope},
        )

    async def _wrong(self, outcome: str, remote_address: str, key: Key | None = None) -> Unauthenticated | TooManyCalls:
        """Counts a wrong key against its address."""
        subject = network_of(remote_address)
        principal = ANYBODY if key is None else _principal(key, None)
        standing = await self._windows.hit(FAILURES, subject)
        if not standing.allowed:
            return self._put_off(standing, "address", subject, principal, remote_address)
        return self._refused(outcome, remote_address, principal)

    def _refused(self, outcome: str, remote_address: str, principal: Principal = ANYBODY) -> Unauthenticated:
        self._observer.authenticated(outcome)
        action = "auth.key_expired" if outcome == "expired" else "auth.failed"
        self._reporter.failed(action, outcome, remote_address, principal)
        return Unauthenticated("the call carries no valid API key", reason=_REASONS[outcome], fix=_FIX)

    def _put_off(
        self, standing: Standing, by: str, subject: str, principal: Principal, remote_address: str
    ) -> TooManyCalls:
        self._observer.rate_limited(by)
        self._reporter.limited(subject, principal, remote_address)
        limit = principal.limit.per_minute if principal.limit else FAILURES.most
        what = "calls with this key" if by == "key" else "wrong keys from this address"
        return TooManyCalls(
            f"too many {what}",
            fix="wait, then call again" if by == "key" else "send a good key; wait before trying another",
            retry_after_s=standing.resets_in_s,
            metadata={"by": by, "limit": str(limit)},
        )


_REASONS: Final = {
    "missing": "CREDENTIALS_REFUSED",
    "unknown": "CREDENTIALS_REFUSED",
    "expired": "KEY_EXPIRED",
    "revoked": "KEY_REVOKED",
    "closed": "MERCHANT_CLOSED",
}
"""Whoever learns that a key has ended had the whole of it."""


@lru_cache(maxsize=1_000)
def _calls(most: int) -> Rule:
    return Rule("calls", most, MINUTE_S)


def _principal(key: Key, limit: Limit | None) -> Principal:
    return Principal(key.key_id, key.merchant_id, key.scopes, limit)
