"""Which endpoints get an event, and the rows that owe it to them: for both databases. No I/O.

The writers read the enabled endpoints of a batch's merchants inside its own transaction: whatever endpoint was
committed before the batch began gets its events, on every replica. No endpoints: one look into an index a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from orchestrator.ledger.changes import Fresh
from orchestrator.ledger.references import column_word
from orchestrator.ledger.rows import Prepared
from orchestratorx_prism.event_types import OLDER_NAMES

PENDING: Final = 1
"""As in the API."""

Subscriber = tuple[int, str, str, int]
"""(endpoint, merchant_id, JSON list of patterns, whether its payments are in order)"""
DeliveryRow = tuple[bytes, str, int, int, str, int, int | None]
"""(key, merchant_id, endpoint, event, type, line, line if the order is to be kept)"""

_decode_patterns = msgspec.json.Decoder(list[str]).decode
_decode_subscribers = msgspec.json.Decoder(list[tuple[int, str, str, int]]).decode


class Patterns:
    """Which types are wanted: "payment.captured", an older name of it, or "payment.*". None at all: every type."""

    __slots__ = ("_beginnings", "_exact", "_known")

    def __init__(self, patterns: Iterable[str]) -> None:
        names = list(patterns)
        self._exact = frozenset(OLDER_NAMES.get(name, name) for name in names)
        self._beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
        self._known: dict[str, bool] = {}

    def take(self, event_type: str) -> bool:
        """Whether the type is among them. Types are few: each is looked at once."""
        known = self._known.get(event_type)
        if known is None:
            known = not self._exact or event_type in self._exact or event_type.startswith(self._beginnings)
            self._known[event_type] = known
        return known


@lru_cache(maxsize=4_096)
def patterns_of(text: str) -> Patterns:
    """Of a JSON list, as it is kept."""
    return Patterns(_decode_patterns(text))


@lru_cache(maxsize=64)
def subscribers_of(text: str) -> tuple[Subscriber, ...]:
    """Of a JSON list of lists, as PostgreSQL gives it. The same text comes again and again."""
    return tuple(_decode_subscribers(text))


def merchants_of(batch: Sequence[Prepared]) -> set[str]:
    """Whose events a batch has, as columns hold them."""
    merchants = {one.event.merchant_id for prepared in batch for one in prepared.events}
    return {column_word(merchant) for merchant in merchants}


def delivery_rows(
    fresh: Sequence[Fresh], numbers: Sequence[int], subscribers: Sequence[Subscriber]
) -> list[DeliveryRow]:
    """One for each fresh event and endpoint that wants it, in the order of the events.

    Args:
        numbers: Of the fresh events' rows.
    """
    by_merchant: dict[str, list[tuple[int, Patterns, int]]] = {}
    for endpoint, merchant_id, text, ordered in subscribers:
        by_merchant.setdefault(merchant_id, []).append((endpoint, patterns_of(text), ordered))
    rows: list[DeliveryRow] = []
    for one, number in zip(fresh, numbers, strict=True):
        event = one.event
        merchant_id = column_word(event.merchant_id)
        wanting = by_merchant.get(merchant_id)
        if not wanting:
            continue
        line = line_of(event.partition_key)
        for endpoint, patterns, ordered in wanting:
            if patterns.take(event.type):
                key = delivery_key(endpoint, event.id)
                kept = line if ordered else None
                rows.append((key, merchant_id, endpoint, number, column_word(event.type), line, kept))
    return rows


def delivery_key(endpoint: int, event_id: str) -> bytes:
    """16 bytes: one event for one endpoint. The webhook id is this, in another form."""
    return hashlib.blake2b(
        endpoint.to_bytes(8, "big") + event_id.encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()


def line_of(partition_key: str) -> int:
    """What an ordered endpoint's deliveries wait for each other by. Two payments of one number only wait needlessly."""
    digest = hashlib.blake2b(partition_key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
