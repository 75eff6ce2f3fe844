"""Which family each event type belongs to: every type we know, in one place, and who understands it."""

from __future__ import annotations

from typing import Final

from connectors.stripe.mapping import (
    CHARGE,
    CHARGE_REFUNDED,
    CHECKOUT_SESSION,
    DISPUTE,
    FRAUD_WARNING,
    ORDER,
    PAYMENT_INTENT,
    REFUND,
    Meanings,
)
from connectors.stripe.mapping_billing import (
    CUSTOMER,
    CUSTOMER_PART,
    INVOICE,
    INVOICE_PART,
    INVOICE_PAYMENT,
    MANDATE,
    OUTBOUND,
    PAYMENT_METHOD,
    PAYOUT,
    SCHEDULE,
    SETUP_INTENT,
    SOURCE,
    SUBSCRIPTION,
    TRANSFER,
    USAGE,
)
from connectors.stripe.mapping_none import NO_COUNTERPART
from connectors.stripe.mapping_thin import NEVER_THIN, ONLY, ONLY_WITHOUT_WORD, PREFIX, V2, V2_OPEN, V2_WITHOUT_WORD

FAMILIES: Final[dict[str, Meanings]] = {
    "payment_intent": PAYMENT_INTENT,
    "charge": CHARGE,
    "order": ORDER,
    "charge_refunded": CHARGE_REFUNDED,
    "refund": REFUND,
    "dispute": DISPUTE,
    "fraud_warning": FRAUD_WARNING,
    "checkout_session": CHECKOUT_SESSION,
    "setup_intent": SETUP_INTENT,
    "mandate": MANDATE,
    "payment_method": PAYMENT_METHOD,
    "source": SOURCE,
    "customer": CUSTOMER,
    "customer_part": CUSTOMER_PART,
    "subscription": SUBSCRIPTION,
    "schedule": SCHEDULE,
    "invoice": INVOICE,
    "invoice_payment": INVOICE_PAYMENT,
    "invoice_part": INVOICE_PART,
    "payout": PAYOUT,
    "transfer": TRANSFER,
    "outbound": OUTBOUND,
    "usage": USAGE,
}
"""Family → its table. A family is what one decoder and one builder understand."""

FAMILY_OF: Final[dict[str, str]] = {name: family for family, table in FAMILIES.items() for name in table}
"""Snapshot type → family."""

MEANINGS: Final[Meanings] = {name: meaning for table in FAMILIES.values() for name, meaning in table.items()}
"""Snapshot type → meaning, all families together."""

_SNAPSHOT = frozenset(MEANINGS) | NO_COUNTERPART
_THIN_V1 = frozenset(
    PREFIX + name for name in _SNAPSHOT | frozenset(ONLY) | ONLY_WITHOUT_WORD if not name.startswith(NEVER_THIN)
)
_THIN_V2 = frozenset(V2) | V2_OPEN | V2_WITHOUT_WORD

EVENT_TYPES: Final[tuple[str, ...]] = tuple(sorted(_SNAPSHOT | _THIN_V1 | _THIN_V2))
"""Every type that is mapped, or known to have no counterpart."""

__all__ = ["EVENT_TYPES", "FAMILIES", "FAMILY_OF", "MEANINGS", "NO_COUNTERPART"]
