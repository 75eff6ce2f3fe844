"""Stripe's objects of payments, refunds and disputes, as far as they are read.

All API versions: nearly every field may be absent or null.
Source: Stripe API reference, one page an object; older fields: its changelog. `shapes_billing.py` has the others.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

Small = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
"""What fits in a uint32: months, years, counts."""


class Named(msgspec.Struct, gc=False):
    """An expanded object where usually only its id stands."""

    id: str = ""
    metadata: Any = None


Id = str | Named | None
"""Stripe's "expandable" fields: an id, or the object itself."""


def ident(value: Id) -> str:
    """The id of an expandable field; empty for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else value.id


def customer_of(customer: Id, account: str | None) -> str:
    """The customer's id; for one kept as a v2 Account, the account's."""
    return ident(customer) or account or ""


class Card(msgspec.Struct, gc=False):
    """What is read of a card or bank account: never its number."""

    brand: str | None = None
    network: str | None = None
    last4: str | None = None
    iban_last4: str | None = None
    """What `last4` is called where the payer chose a bank: iDEAL, Bancontact, Sofort."""
    exp_month: Small | None = None
    exp_year: Small | None = None
    amount_authorized: int | None = None
    authorization_code: str | None = None
    capture_before: int | None = None


class MethodDetails(msgspec.Struct, gc=False):
    """`payment_method_details` of a charge, and the PaymentMethod object: the same inner names."""

    id: str = ""
    type: str | None = None
    customer: Id = None
    customer_account: str | None = None
    metadata: Any = None
    card: Card | None = None
    card_present: Card | None = None
    interac_present: Card | None = None
    us_bank_account: Card | None = None
    ach_debit: Card | None = None
    sepa_debit: Card | None = None
    bacs_debit: Card | None = None
    au_becs_debit: Card | None = None
    nz_bank_account: Card | None = None
    acss_debit: Card | None = None
    kr_card: Card | None = None
    ideal: Card | None = None
    bancontact: Card | None = None
    sofort: Card | None = None

    def instrument(self) -> Card | None:
        """The card or account inside, whichever there is."""
        return (
            self.card
            or self.card_present
            or self.interac_present
            or self.us_bank_account
            or self.ach_debit
            or self.sepa_debit
            or self.bacs_debit
            or self.au_becs_debit
            or self.nz_bank_account
            or self.acss_debit
            or self.kr_card
            or self.ideal
            or self.bancontact
            or self.sofort
        )


class Source(msgspec.Struct, gc=False):
    """Where older charges came from, and what older customers saved: a card, a bank account, or a Source object."""

    id: str = ""
    object: str | None = None
    type: str | None = None
    """Of a Source object: "ideal". Of very old cards: the brand."""
    customer: Id = None
    metadata: Any = None
    status: str | None = None
    brand: str | None = None
    last4: str | None = None
    exp_month: Small | None = None
    exp_year: Small | None = None
    card: Card | None = None
    sepa_debit: Card | None = None


class Outcome(msgspec.Struct, gc=False):
    """What the issuer or Radar said of a charge."""

    type: str | None = None
    reason: str | None = None
    network_decline_code: str | None = None
    seller_message: str | None = None


class RefundInList(msgspec.Struct, gc=False):
    """A refund in `charge.refunds.data` (by default before 2022-11-15)."""

    id: str = ""
    amount: int | None = None
    created: int | None = None
    status: str | None = None
    reason: str | None = None
    metadata: Any = None


class Refunds(msgspec.Struct, gc=False):
    data: list[RefundInList] = []


class Charge(msgspec.Struct, gc=False):
    id: str = ""
    object: str | None = None
    amount: int | None = None
    amount_captured: int | None = None
    """Absent before 2020."""
    amount_refunded: int | None = None
    """Cumulative. Includes what a partial capture released, and all of a released authorization."""
    captured: bool | None = None
    paid: bool | None = None
    refunded: bool | None = None
    currency: str | None = None
    status: str | None = None
    payment_intent: Id = None
    customer: Id = None
    customer_account: str | None = None
    invoice: Id = None
    payment_method: Id = None
    payment_method_details: MethodDetails | None = None
    source: Source | str | None = None
    card: Source | None = None
    """What `source` was called before 2015-02-18."""
    failure_code: str | None = None
    failure_message: str | None = None
    outcome: Outcome | None = None
    authorization_code: str | None = None
    metadata: Any = None
    refunds: Refunds | list[RefundInList] | None = None


class PaymentError(msgspec.Struct, gc=False):
    """`last_payment_error`, `last_setup_error`, `last_finalization_error`."""

    code: str | None = None
    decline_code: str | None = None
    network_decline_code: str | None = None
    message: str | None = None
    type: str | None = None
    charge: Id = None
    payment_method: MethodDetails | str | None = None
    source: Source | str | None = None
    """What was tried, in versions before PaymentMethods."""


class Attempt(msgspec.Struct, gc=False):
    """A charge inside a PaymentIntent: which attempt, and how it was paid."""

    id: str = ""
    paid: bool | None = None
    payment_method_details: MethodDetails | None = None


class Attempts(msgspec.Struct, gc=False):
    """`payment_intent.charges`, newest first; absent from 2022-11-15."""

    data: list[Attempt] = []


class PaymentIntent(msgspec.Struct, gc=False):
    """Fields in the order in which Stripe sends them: the decoder expects the next field next."""

    id: str = ""
    amount: int | None = None
    amount_capturable: int | None = None
    amount_received: int | None = None
    cancellation_reason: str | None = None
    charges: Attempts | list[Attempt] | None = None
    currency: str | None = None
    customer: Id = None
    customer_account: str | None = None
    invoice: Id = None
    last_payment_error: PaymentError | None = None
    latest_charge: Attempt | str | None = None
    metadata: Any = None
    next_action: Any = None
    next_source_action: Any = None
    """What `next_action` was called before 2019-02-11."""
    payment_method: MethodDetails | str | None = None
    payment_method_types: list[str] | None = None
    status: str | None = None


class CheckoutSession(msgspec.Struct, gc=False):
    id: str = ""
    amount_total: int | None = None
    currency: str | None = None
    mode: str | None = None
    """payment, subscription or setup; null before 2019-10."""
    payment_status: str | None = None
    status: str | None = None
    payment_intent: Id = None
    setup_intent: Id = None
    subscription: Id = None
    invoice: Id = None
    customer: Id = None
    customer_account: str | None = None
    client_reference_id: str | None = None
    metadata: Any = None
    payment_method_types: list[str] | None = None


class Refund(msgspec.Struct, gc=False):
    id: str = ""
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    reason: str | None = None
    charge: Id = None
    payment_intent: Id = None
    failure_reason: str | None = None
    metadata: Any = None


class BalanceMove(msgspec.Struct, gc=False):
    """A balance transaction of a dispute: money taken (negative) or given back, in the account's own currency."""

    amount: int | float | None = None
    currency: str | None = None
    created: int | None = None


class DisputedCard(msgspec.Struct, gc=False):
    network_reason_code: str | None = None
    case_type: str | None = None


class DisputedMethod(msgspec.Struct, gc=False):
    card: DisputedCard | None = None


class EvidenceDetails(msgspec.Struct, gc=False):
    due_by: int | None = None


class Dispute(msgspec.Struct, gc=False):
    id: str = ""
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    reason: str | None = None
    network_reason_code: str | None = None
    charge: Id = None
    payment_intent: Id = None
    evidence_details: EvidenceDetails | None = None
    evidence_due_by: int | None = None
    """What `evidence_details.due_by` was called until 2014."""
    payment_method_details: DisputedMethod | None = None
    balance_transactions: list[BalanceMove | str] | None = None
    metadata: Any = None


class FraudWarning(msgspec.Struct, gc=False):
    """radar.early_fraud_warning: the issuer fears fraud; no dispute yet."""

    id: str = ""
    charge: Id = None
    payment_intent: Id = None
    fraud_type: str | None = None
    actionable: bool | None = None


CHARGE: Final = msgspec.json.Decoder(Charge)
PAYMENT_INTENT: Final = msgspec.json.Decoder(PaymentIntent)
CHECKOUT_SESSION: Final = msgspec.json.Decoder(CheckoutSession)
REFUND: Final = msgspec.json.Decoder(Refund)
DISPUTE: Final = msgspec.json.Decoder(Dispute)
FRAUD_WARNING: Final = msgspec.json.Decoder(FraudWarning)
METHOD: Final = msgspec.json.Decoder(MethodDetails)
SOURCE: Final = msgspec.json.Decoder(Source)
