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


class SilentObserver:
    """Counts nothing."""

    def handled(self, connector: str, recorded: Recorded) -> None:
        return

    def refused(self, connector: str, error: PrismError) -> None:
        return
