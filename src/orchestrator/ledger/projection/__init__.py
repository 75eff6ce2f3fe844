"""The projection: a payment's state as a pure function of the set of its facts, whatever order they came in.

- state.py: what is remembered of one payment
- payment_axis.py: what a payment's own facts add to it
- children.py: what facts about its refunds and disputes add to it
- joining.py: two states of one payment become one
- money.py: status, totals, contradictions: computed from the state
- views.py: Payment, Refund and Dispute messages
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from orchestrator.ledger.projection.children import DISPUTE_RANKS, REFUND_STATUSES, apply_dispute, apply_refund
from orchestrator.ledger.projection.joining import join
from orchestrator.ledger.projection.money import LASTING, Standing, standing
from orchestrator.ledger.projection.payment_axis import MEANINGS, apply_payment
from orchestrator.ledger.projection.state import PaymentState
from orchestrator.ledger.projection.views import Identity, amount_of, dispute_of, payment_of, refund_of
from orchestratorx_prism.v1.event_pb2 import Event

__all__ = [
    "AXES",
    "LASTING",
    "Identity",
    "PaymentState",
    "Standing",
    "amount_of",
    "apply",
    "dispute_of",
    "join",
    "note_fact",
    "note_references",
    "payment_of",
    "refund_of",
    "standing",
]

AXES: Final[dict[str, Callable[[PaymentState, Event, int], None]]] = {
    **dict.fromkeys(MEANINGS, apply_payment),
    **dict.fromkeys(REFUND_STATUSES, apply_refund),
    **dict.fromkeys(DISPUTE_RANKS, apply_dispute),
}
"""Type → what it adds to the payment it is about. Other types only name it."""


def apply(state: PaymentState, event: Event) -> None:
    """Adds one fact to a payment's state. In any order, and however often, facts end in the same state.

    Args:
        event: As the connector made it: with the provider's totals, not the ledger's.
    """
    note_references(state, [(reference.value, reference.kind) for reference in event.references])
    note_fact(state, event)


def note_references(state: PaymentState, references: Iterable[tuple[str, str]]) -> None:
    """Adds the provider's (name, kind) pairs of the payment."""
    known = state.references
    for value, kind in references:
        if value not in known or kind < known[value]:
            known[value] = kind


def note_fact(state: PaymentState, event: Event) -> None:
    """Adds what the fact says; its references are the caller's."""
    axis = AXES.get(event.type)
    if axis is None:
        return
    when = event.occurred_at if event.HasField("occurred_at") else event.received_at
    us = when.seconds * 1_000_000 + when.nanos // 1000
    place = 0 if axis is apply_payment else 1
    # Comparisons where max() and min() would read better: half the cost, on the hottest path of all.
    if event.account > state.account:  # noqa: PLR1730
        state.account = event.account
    if us > state.updated_us:  # noqa: PLR1730
        state.updated_us = us
    if (place, us) < state.created:  # noqa: PLR1730
        state.created = (place, us)
    if reference := event.merchant_transaction_id:
        fact, known = (place, us, reference), state.merchant_transaction_id
        if known is None or fact < known:
            state.merchant_transaction_id = fact
    if transaction := event.connector_transaction_id:
        fact, known = (place, us, transaction), state.connector_transaction_id
        if known is None or fact < known:
            state.connector_transaction_id = fact
    axis(state, event, us)
