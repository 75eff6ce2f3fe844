"""What the ledger remembers of one payment: small, serializable, and the same for every order of the same facts.

Every field is joined by an operation that is commutative, associative and idempotent: maximum, minimum, union, "or".
So the state is a join-semilattice, and folding facts into it, in any order, any grouping and any number of times, ends
the same. What a person wants to know (status, totals) is computed from it in `money.py` and `views.py`.

Nothing in here refers back, so the garbage collector leaves it alone (`gc=False`).

A register is a tuple whose greater (or lesser) value wins; its first member says by what: usually the provider's time.
Times are microseconds since 1970, UTC. New fields go to the end, with a default: older rows are read with it.
"""

from __future__ import annotations

from typing import Final

import msgspec

NEVER: Final = 1 << 62
"""Later than any time."""

OK: Final = 1
FAILED: Final = 2
FINAL: Final = 4
WHOLE: Final = 8
"""Flags of an operation: it was announced as successful; as failed; as the last capture; by `payment.captured`, not
`payment.partially_captured`."""

Minor = dict[str, int]
"""Currency → minor units; the greatest that was stated."""


class Capture(msgspec.Struct, array_like=True, gc=False):
    """One capture, by the provider's id of it; "" is the payment as a whole, where the provider names no capture."""

    flags: int = 0
    first_us: int = NEVER
    """When it first succeeded, says the provider."""
    amounts: Minor = {}


class RefundState(msgspec.Struct, array_like=True, gc=False):
    """One refund."""

    status: int = 0
    """Greatest RefundStatus: reversed > failed > succeeded > pending > created."""
    created_us: int = NEVER
    updated_us: int = -NEVER
    amount: tuple[int, str, int] | None = None
    """Latest (time, currency, minor units)."""
    failure: tuple[int, bytes] | None = None
    """Latest (time, Failure, serialized)."""
    reason: tuple[int, str] | None = None
    """Latest (time, why it was made)."""


class DisputeState(msgspec.Struct, array_like=True, gc=False):
    """One dispute."""

    status: tuple[int, int, int] | None = None
    """Latest (time, rank, DisputeStatus); an inquiry, of rank 0, only while there is nothing else."""
    created_us: int = NEVER
    amount: tuple[int, str, int] | None = None
    """Latest (time, currency, minor units)."""
    reason: tuple[int, str] | None = None
    network_code: tuple[int, str] | None = None
    due: tuple[int, int] | None = None
    """Latest (time, until when evidence is taken)."""


class PaymentState(msgspec.Struct, array_like=True, gc=False):
    """One payment with its refunds and disputes."""

    references: dict[str, str] = {}
    """Provider's name → its kind, in the provider's words; of several kinds the first by alphabet."""
    account: str = ""
    known: bool = False
    """Whether the payment itself was told of, not only a child."""
    created: tuple[int, int] = (1, NEVER)
    """Earliest (0 for a payment's own fact, 1 for a child's; time)."""
    updated_us: int = -NEVER
    currencies: dict[str, int] = {}
    """Every currency of the payment and its refunds → 1: a set in a shape that garbage collection need not follow."""
    currency: tuple[int, int, str] | None = None
    """Earliest (0 or 1 as above, time, currency): the one that totals are in."""
    merchant_transaction_id: tuple[int, int, str] | None = None
    """Earliest (0 or 1, time, id)."""
    connector_transaction_id: tuple[int, int, str] | None = None
    """Earliest (0 or 1, time, id)."""
    waiting: tuple[int, int, int, bytes] | None = None
    """Latest (time, rank, PaymentStatus, Failure serialized) of the facts that decide nothing for good."""
    method: tuple[int, int, int, bytes] | None = None
    """Best (1 if it succeeded, 1 if it names the card, time, PaymentMethodDetails serialized)."""
    asked: Minor = {}
    authorized_us: int = NEVER
    """When it was first authorized."""
    authorized: dict[str, tuple[int, int, int]] = {}
    """Currency → latest (time, rank, total in minor units)."""
    adjustments: dict[str, tuple[int, str, int]] = {}
    """Event id → (time, currency, change of the authorized amount), where the new total was not stated."""
    captures: dict[str, Capture] = {}
    captured: Minor = {}
    """Cumulative total as stated by the provider."""
    voids: dict[str, int] = {}
    """Provider's id of the release → flags."""
    voided_us: int = NEVER
    """When it was first released."""
    expired_us: int = NEVER
    denied_us: int = -NEVER
    """When the provider, asked, last said that the payment had failed."""
    refunds: dict[str, RefundState] = {}
    disputes: dict[str, DisputeState] = {}
    refunded: Minor = {}
    """Cumulative total as stated by the provider."""
    loose_refunds: dict[str, tuple[str, int]] = {}
    """Event id → (currency, minor units) of successful refunds that have neither an id nor a stated total."""
    told_refunds: dict[str, tuple[str, int]] = {}
    """The same of those that have a stated total, and no id: others may tell of them with their id."""
