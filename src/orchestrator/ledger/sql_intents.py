"""What both databases' intents share: the columns in order, and rows to and from intents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from orchestrator.ledger.intents import Intent, State, known_key
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest

COLUMNS: Final = (
    "key, merchant_id, connector, capability, request_id, request_hash, request, created_at, state, answer, claim, "
    "tries"
)
WAITING: Final = f"({int(State.IN_FLIGHT)}, {int(State.UNKNOWN)})"
ENDED: Final = f"({int(State.DONE)}, {int(State.REFUSED)})"


def intent_of(row: Sequence[Any]) -> Intent:
    """A row of `COLUMNS`."""
    key, merchant_id, connector, capability, request_id, hash_, request, created, state, answer, claim, tries = row
    return Intent(
        bytes(key),
        merchant_id,
        connector,
        capability,
        request_id,
        bytes(hash_),
        bytes(request),
        created,
        State(state),
        bytes(answer or b""),
        bytes(claim or b""),
        tries,
    )


def values_of(intent: Intent) -> tuple[Any, ...]:
    """The columns up to `created_at`."""
    return (
        intent.key,
        intent.merchant_id,
        intent.connector,
        intent.capability,
        intent.request_id,
        intent.request_hash,
        intent.request,
        intent.created_us,
    )


def known_columns(intent: Intent, known: KnownRequest | None) -> tuple[bytes | None, bytes | None]:
    """`known_key`, `known`."""
    if known is None:
        return None, None
    key = known_key(intent.merchant_id, intent.connector, known.connector_request_id)
    return key, known.SerializeToString()
