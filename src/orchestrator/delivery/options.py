"""How a dispatcher is set up, and whom it tells what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.delivery.completing import GivenUp

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """Everything that can be set. Times in seconds."""

    slots: int = 256
    """Requests under way at once, of this process."""
    timeout_s: float = 15.0
    """An attempt's whole time."""
    lease_margin_s: float = 15.0
    """What a process has besides to write down what came of it. After both, another process tries again."""
    disable_after_s: float = 5 * _DAY_S
    """An endpoint whose every attempt has failed for so long is given up."""
    retention_s: float = 30 * _DAY_S
    """How long deliveries and their attempts are kept."""
    poll_s: float = 0.5
    """Looks for what is due at least so often; hints wake it sooner."""
    pause_s: float = 0.01
    """Shortest time between two claims."""
    batch: int = 128
    """Deliveries of one claim, at most."""
    drain_s: float = 10.0
    """How long attempts under way may take to end when it stops."""
    housekeeping_s: float = 5.0
    purge_every_s: float = 600.0

    @property
    def lease_s(self) -> float:
        return self.timeout_s + self.lease_margin_s


@dataclass(frozen=True, slots=True)
class Standing:
    """How deliveries stand, over all processes."""

    waiting: int
    """In line, those that wait for their next attempt too. Counted up to 10,000."""
    oldest_age_s: float
    """Since the oldest of them was put in line."""
    throttled_lag_s: float
    """How long ago the longest waiting first attempt was due: its endpoint's limits hold it back, or nobody sends."""
    failing_endpoints: int
    """Every attempt of theirs fails now."""
    failed_endpoints: int
    """They were given up."""


class DeliveryMetrics(Protocol):
    """Whoever counts."""

    def attempted(self, verdict: str, seconds: float) -> None:
        """An attempt has ended."""
        ...

    def delivered(self, age_s: float) -> None:
        """A first attempt was taken, so long after its event was recorded."""
        ...

    def deliveries_stand(self, standing: Standing) -> None: ...

    def endpoint_failed(self) -> None:
        """An endpoint was given up."""
        ...


class NoDeliveryMetrics:
    """Implements `DeliveryMetrics`: counts nothing."""

    def attempted(self, verdict: str, seconds: float) -> None: ...

    def delivered(self, age_s: float) -> None: ...

    def deliveries_stand(self, standing: Standing) -> None: ...

    def endpoint_failed(self) -> None: ...


Alert = Callable[[GivenUp], Awaitable[None]]
"""Tells people that an endpoint was given up. Must not raise."""


async def no_alert(_given_up: GivenUp) -> None:
    """Tells nobody."""
