"""How the relay goes about it, and what it tells whoever counts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from orchestrator.ledger.base import Backlog


class RelayMetrics(Protocol):
    """What the relay tells whoever counts. Called from the event loop; must not block."""

    def published(self, channel: str, count: int) -> None:
        """So many events were acknowledged by the broker."""
        ...

    def failed(self, channel: str, count: int) -> None:
        """So many attempts failed, and will be made again."""
        ...

    def publish_took(self, channel: str, seconds: float) -> None:
        """From handing a batch to the broker until all of it was acknowledged or refused."""
        ...

    def backlog(self, channel: str, backlog: Backlog) -> None:
        """What is unsent, and how old the oldest is: the one to alert on."""
        ...


class NoMetrics:
    """Counts nothing."""

    def published(self, channel: str, count: int) -> None: ...

    def failed(self, channel: str, count: int) -> None: ...

    def publish_took(self, channel: str, seconds: float) -> None: ...

    def backlog(self, channel: str, backlog: Backlog) -> None: ...


@dataclass(frozen=True)
class RelayOptions:
    """The relay's pace. Times in seconds."""

    batch_size: int = 384
    """Rows a round. A round commits twice and waits for the broker's disk: with 128 rows the relay took a quarter
    longer over NATS, with 1,000 no less time."""
    lease_s: float = 30.0
    """How long claimed rows are kept from other relays. Publishing a batch is cut off before this ends."""
    poll_s: float = 1.0
    """Longest pause between two looks at the outbox, if nothing says that there is work."""
    backoff_first_s: float = 0.2
    backoff_longest_s: float = 30.0
    report_every_s: float = 5.0
    """How often the backlog is measured."""
    retention_s: float = 7 * 86_400.0
    """How long rows of published events stay."""
    purge_every_s: float = 60.0
    purge_batch: int = 1_000

    def backoff(self, failures: int) -> float:
        """Pause after so many failures in a row: doubles up to the longest, half of it by chance."""
        longest = min(self.backoff_longest_s, self.backoff_first_s * 2.0 ** min(failures - 1, 30))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing

    @property
    def publish_within_s(self) -> float:
        """Time to publish a batch, from its claim on. What remains of the lease is for marking it sent."""
        return self.lease_s * 0.7
