"""Which events a caller wants: `EventFilter` made ready, for matching here or in SQL. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from orchestratorx_prism.event_types import OLDER_NAMES
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

DEFAULT_MERCHANT: Final = "default"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An `EventFilter`, made ready. Empty members do not filter."""

    merchant_id: str
    types: tuple[str, ...]
    """Today's names of types."""
    patterns: tuple[str, ...]
    """Types with stars in them."""
    connectors: tuple[str, ...]
    payment_id: str
    from_us: int | None
    until_us: int | None

    def takes(self, event: Event) -> bool:
        """Whether the event is wanted; its payment is the caller's to compare, for payments have aliases."""
        if event.merchant_id != self.merchant_id:
            return False
        if not self._takes_type(event.type):
            return False
        if self.connectors and event.connector not in self.connectors:
            return False
        received_us = received_us_of(event)
        return (self.from_us is None or received_us >= self.from_us) and (
            self.until_us is None or received_us < self.until_us
        )

    def _takes_type(self, name: str) -> bool:
        if not self.types and not self.patterns:
            return True
        return name in self.types or any(_expression(pattern).fullmatch(name) for pattern in self.patterns)


def wanted(where: EventFilter, *, times: bool = True) -> Wanted:
    """Makes a filter ready. `times`: whether its times apply (they do not to streams)."""
    names = [OLDER_NAMES.get(name, name) for name in where.types]
    timed = times and where.HasField("received_from")
    until = times and where.HasField("received_until")
    return Wanted(
        merchant_id=where.merchant_id or DEFAULT_MERCHANT,
        types=tuple(name for name in names if "*" not in name),
        patterns=tuple(name for name in names if "*" in name),
        connectors=tuple(where.connectors),
        payment_id=where.payment_id,
        from_us=where.received_from.ToMicroseconds() if timed else None,
        until_us=where.received_until.ToMicroseconds() if until else None,
    )


def received_us_of(event: Event) -> int:
    """When the event was received. Microseconds since 1970."""
    received = event.received_at
    return received.seconds * 1_000_000 + received.nanos // 1000


def like_pattern(pattern: str) -> str:
    """The pattern for SQL's LIKE with `\\` as its escape."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    # Stars in a row are one star: as many `.*` would be tried in every combination.
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)))
