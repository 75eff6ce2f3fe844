"""Whose money a pulled transaction is: a push of ours whose callback was lost has no receipt yet. Pure.

A pulled transaction names neither the push nor its CheckoutRequestID. What it has in common with the push is the
amount, the account reference, the payer's phone and the time.
"""

from __future__ import annotations

from typing import Final

from connectors.mpesa.requests import checkouts_of, default_reference
from connectors.spi.operations import REQUEST
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import Payment

EARLY_S: Final = 300
"""How far M-Pesa's clock may be behind ours."""
LATE_S: Final = 24 * 3_600
"""How long after a push its money may still come. M-Pesa gives a prompt up within minutes; callbacks may tell earlier
that it had expired, and be wrong."""


def matches(event: Event, payment: Payment) -> bool:
    """Whether the pulled transaction may be what this payment's push brought in.

    Args:
        event: Of a pulled transaction, as the codec makes it.
        payment: A payment whose receipt is not known.
    """
    if any(reference.kind == "receipt" for reference in payment.references):
        return False
    pushed = bool(checkouts_of(payment)) or any(reference.kind == REQUEST for reference in payment.references)
    if not pushed or event.payment.amount != payment.amount or not payment.HasField("amount"):
        return False
    if event.merchant_transaction_id not in _references(payment):
        return False
    ours, theirs = payment.payment_method.last4, event.payment.payment_method.last4
    if ours and theirs and ours != theirs:
        return False
    after_s = event.occurred_at.seconds - payment.created_at.seconds
    return -EARLY_S <= after_s <= LATE_S


def _references(payment: Payment) -> set[str]:
    """What may stand as its account reference: the merchant's reference, else the beginning of our key."""
    if payment.merchant_transaction_id:
        return {payment.merchant_transaction_id}
    return {default_reference(reference.value) for reference in payment.references if reference.kind == REQUEST}
