"""What a connector's backfill is: the provider's own list of what it sent or booked, fetched page by page.

Each item of a page is what a webhook's body would be, so that the webhook codec reads it, and what is recorded already
has the same id. Where a provider's list has ids of its own (M-Pesa), `Reconciling.matches` says what belongs together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectors.spi import Environment
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import Payment


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the provider's time. Unix seconds."""

    since_s: int
    """Included."""
    until_s: int
    """Not included; a provider that includes it only sends again what is known."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what the provider has of one window, in any order."""

    bodies: Sequence[bytes] = field(default=(), repr=False)
    """Each as a webhook's body would be."""
    cursor: str = ""
    """Of the next page; empty: this was the last."""


class Backfill(Protocol):
    """Fetches for one merchant. Does I/O; holds connections and tokens. Asking changes nothing at the provider."""

    @property
    def account(self) -> str:
        """The account whose list it is, where the items do not name it: M-Pesa's shortcode. Else empty."""
        ...

    async def page(self, window: Window, cursor: str, *, timeout_s: float) -> Page:
        """One page. `cursor`: of the page before; empty: the first.

        Raises:
            ProviderRefused: The provider refused the question: wrong credentials, or not registered.
            ProviderUnavailable: It did not answer, or what came cannot be read as a page.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections."""
        ...


@runtime_checkable
class Registering(Protocol):
    """A backfill whose provider wants to be told once that its list will be asked for (M-Pesa)."""

    async def register(self, merchant_id: str, *, timeout_s: float) -> str:
        """Registers; a repeat changes nothing. Returns what the provider said.

        Raises:
            SettingsRejected: What registering needs is not configured.
            ProviderRefused: The provider refused it.
            ProviderUnavailable: It did not answer; repeat it.
        """
        ...


MakeBackfill = Callable[[Mapping[str, str], Environment.ValueType], Backfill]
"""(provider credentials by config key, environment) → its backfill. SettingsRejected if a credential is missing."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What the orchestrator must know of a provider's list. Seconds."""

    make: MakeBackfill
    needs: Sequence[str]
    """Config keys without which there is nothing to ask with."""
    reach_s: int
    """How far back the list goes."""
    window_s: int
    """How much is fetched before it is recorded: few enough items to be held in memory."""
    overlap_s: int
    """How late an item may appear in the list: what was fetched before is fetched again from so much earlier."""
    settle_s: int
    """What is younger is left to its webhook, which is on its way."""
    matches: Callable[[Event, Payment], bool] | None = None
    """(an item's event, a payment) → whether the item may be that payment's money. Only where items have other ids
    than the webhooks of the same fact. Pure."""
    asks_open: bool = False
    """Whether what the list does not tell (a push that failed, a payout) has to be asked for one by one."""
