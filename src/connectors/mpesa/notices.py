"""What one body says of one transaction, in one form for every family: the step between shapes and events."""

from __future__ import annotations

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.mpesa.codes import Decline
from orchestratorx_prism.v1.money_pb2 import Money


class Notice(msgspec.Struct, gc=False, kw_only=True):
    """One transaction as one body tells of it. Empty text and None: the body does not say."""

    provider_type: str
    """`family.variant`, as in `mapping.TYPES`."""
    dedup_key: str
    """The same for a repeated delivery, another for another outcome of the same transaction: success may follow."""
    ids: tuple[str, ...] = ()
    """Names by which a request of ours may be known."""
    references: tuple[tuple[str, str], ...] = ()
    """Kind and value of every name of the payment."""
    payment_name: str = ""
    """The main name of the payment: CheckoutRequestID, or the receipt where there was no push."""
    receipt: str = ""
    """The receipt of the movement of money that this is about: MpesaReceiptNumber, TransID, OriginalTransactionID."""
    own_id: str = ""
    """Of a refund, payout or mandate: the provider's id of it."""
    originator_id: str = ""
    """Of a payout: the id under which it was asked for."""
    account: str = ""
    """Our shortcode, where the body states it. It is part of the event's id."""
    amount: Money | None = None
    fee: Money | None = None
    occurred_at: Timestamp | None = None
    merchant_reference: str = ""
    payer_last4: str = ""
    status_word: str = ""
    """The result code, or the status word, as sent."""
    sentence: str = ""
    """The provider's description, as sent."""
    decline: Decline | None = None
