"""What one run of reconciliation came to. Values only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.money_pb2 import Money


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Money that the provider has booked, and that no payment of ours announced. It is recorded as a payment."""

    payment_id: str
    reference: str
    """The provider's name of it: M-Pesa's receipt."""
    merchant_transaction_id: str
    """The account that the payer named."""
    amount: Money
    why: str
    """`UNANNOUNCED`: nothing of ours fits. `AMBIGUOUS`: several payments fit, and the provider does not say which."""


@dataclass(slots=True)
class Report:
    """Counts are of the list's items. Times are Unix seconds."""

    connector: str
    merchant_id: str
    since_s: int
    until_s: int
    reached_s: int
    """Everything from `since_s` until here was fetched and recorded."""
    fetched: int = 0
    recorded: int = 0
    """Missing before."""
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Reason → how many items could not be read."""
    matched: int = 0
    """Of `recorded`: money of payments of ours that waited for it."""
    unmatched: list[Unmatched] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    """Ids of the `payment.anomaly` events that were recorded."""
    asked: int = 0
    """Payments and payouts that the list does not tell of, and that were asked about."""
    resolved: int = 0
    """Of `asked`: those that are decided now."""
    open: list[str] = field(default_factory=list)
    """Our ids of those that are not, and of refunds that wait. A payout's answer comes by callback."""
    stopped_by: PrismError | None = None
    """Why it ended before `until_s`."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "connector": self.connector,
            "merchant_id": self.merchant_id,
            "since": _iso(self.since_s),
            "until": _iso(self.reached_s),
            "fetched": self.fetched,
            "recorded": self.recorded,
            "known": self.known,
            "refused": dict(self.refused),
            "matched": self.matched,
            "unmatched": [
                {
                    "payment_id": one.payment_id,
                    "reference": one.reference,
                    "merchant_transaction_id": one.merchant_transaction_id,
                    "minor_units": one.amount.minor_units,
                    "currency": one.amount.currency,
                    "why": one.why,
                }
                for one in self.unmatched
            ],
            "anomalies": self.anomalies,
            "asked": self.asked,
            "resolved": self.resolved,
            "open": self.open,
            "stopped_by": None if self.stopped_by is None else self.stopped_by.reason,
        }


class Tally(Protocol):
    """Whoever counts what runs came to. Must not block, must not raise."""

    def reconciled(self, report: Report) -> None:
        """A run has ended."""
        ...

    def reconciled_until(self, connector: str, merchant_id: str, until_s: int) -> None:
        """The watermark stands here."""
        ...


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
