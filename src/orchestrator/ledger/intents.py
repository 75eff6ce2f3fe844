"""Intents: what was asked of a provider, written down before it is asked, and what came of it.

They make a repeat the same request (the answer is kept), and a crash or a lost reply something to ask about, not to
guess at. An intent is held by whoever carries it out, for the time of a lease; after it, by whoever asks what became.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from orchestratorx_prism.v1.event_service_pb2 import KnownRequest


class State(IntEnum):
    """Where an intent stands."""

    IN_FLIGHT = 1
    """Somebody carries it out; if the lease has ended, somebody did, and what came of it is not known."""
    UNKNOWN = 2
    """The provider's answer was lost; it is asked again."""
    DONE = 3
    """`answer` is the rpc's response."""
    REFUSED = 4
    """`answer` is a google.rpc.Status."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One changing call. Times are microseconds since 1970."""

    key: bytes
    """See `intent_key`."""
    merchant_id: str
    connector: str
    capability: str
    request_id: str
    request_hash: bytes
    request: bytes = field(repr=False)
    """The request message, without what must not be kept."""
    created_us: int
    state: State = State.IN_FLIGHT
    answer: bytes = field(default=b"", repr=False)
    claim: bytes = b""
    """Of whoever holds it; empty: nobody does."""
    tries: int = 0
    """How far the schedule of asking what became of it has gone."""

    @property
    def provider_key(self) -> str:
        """The idempotency key that the provider gets: the same for every repeat. A UUID's form, 36 characters."""
        digest = self.key.hex()
        return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def intent_key(merchant_id: str, environment: int, capability: str, request_id: str) -> bytes:
    """What makes two calls the same: DESIGN's scope of a request id. 32 bytes."""
    name = f"intent 1\x1f{merchant_id}\x1f{environment}\x1f{capability}\x1f{request_id}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


def known_key(merchant_id: str, connector: str, connector_request_id: str) -> bytes:
    """Where a `KnownRequest` is found by the provider's id of it. 24 bytes."""
    name = f"known 1\x1f{merchant_id}\x1f{connector}\x1f{connector_request_id}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:24]


class Intents(Protocol):
    """The store. Every method raises `Unavailable` when the database cannot answer; nothing is half done then."""

    async def begin(self, intent: Intent, *, lease_s: float, known: KnownRequest | None = None) -> tuple[Intent, bool]:
        """Writes a new intent and holds it; or returns what there is, and whether it is held now by this call.

        `known`: as a callback may name the request before, or without, an answer of the provider. Held are: new ones;
        ones in flight whose lease has ended, and unknown ones that nobody holds (state UNKNOWN).
        """
        ...

    async def finish(self, intent: Intent, state: State, answer: bytes, known: KnownRequest | None = None) -> bool:
        """DONE or REFUSED, with the answer. False, and nothing changed, if somebody else holds it by now."""
        ...

    async def postpone(self, intent: Intent, *, delay_s: float, counts: bool = True) -> bool:
        """UNKNOWN, to be asked about after `delay_s`. False if somebody else holds it by now.

        `counts`: whether it is one more try; not, where it was a caller who asked, out of turn.
        """
        ...

    async def forget(self, intent: Intent) -> bool:
        """Removes it: nothing was done, and the same request id may try again. False if somebody else holds it."""
        ...

    async def claim_due(self, *, limit: int, lease_s: float) -> list[Intent]:
        """Holds those whose time to be asked about has come, and those whose holder is gone; oldest due first."""
        ...

    async def known_request(self, merchant_id: str, connector: str, connector_request_id: str) -> KnownRequest | None:
        """What a callback answers, by the provider's id of the request."""
        ...

    async def under_way(self, merchant_id: str, connector: str) -> bool:
        """Whether something is asked of the connector's provider right now, so that a known request may follow."""
        ...

    async def unresolved(self) -> tuple[int, float]:
        """How many are UNKNOWN, and the age of the oldest. Seconds; 0 if none."""
        ...

    async def purge(self, *, older_than_s: float, limit: int) -> int:
        """Deletes ended ones that were begun long ago, at most `limit`. Returns how many."""
        ...
