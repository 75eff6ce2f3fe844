"""What services tell whoever counts. Telemetry implements it; embedded use counts nothing."""

from __future__ import annotations

from typing import Protocol

from orchestrator.ledger.base import Recorded
from orchestratorx_prism.errors import PrismError


class Observer(Protocol):
    """Called on hot paths: must not block, must not raise."""

    def handled(self, connector: str, recorded: Recorded) -> None:
        """A webhook was recorded."""
        ...

    def refused(self, connector: str, error: PrismError) -> None:
        """A webhook was refused."""
        ...

    def called(self, connector: str, operation: str, outcome: str, seconds: float) -> None:
        """A provider was called. `outcome`: "answered", or the reason of the error."""
        ...

    def unresolved(self, count: int, oldest_age_s: float) -> None:
        """So many operations have an outcome that is not known: the age is the one to alert on."""
        ...


class SilentObserver:
    """Counts nothing."""

    def handled(self, connector: str, recorded: Recorded) -> None:
        return

    def refused(self, connector: str, error: PrismError) -> None:
        return

    def called(self, connector: str, operation: str, outcome: str, seconds: float) -> None:
        return

    def unresolved(self, count: int, oldest_age_s: float) -> None:
        return
