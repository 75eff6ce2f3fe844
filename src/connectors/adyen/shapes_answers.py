"""The shapes of Adyen's answers, as far as they are read, and their decoders. No meaning here.

Source: Adyen API Explorer, "Checkout" v71, "Disputes" v30, "Transfers" v4.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import field

from connectors.adyen.shapes import AdditionalData, Amount, Shape


class Action(Shape, rename="camel"):
    """What the payer has to do."""

    type: Any = None
    url: Any = None
    method: Any = None
    expires_at: Any = None
    download_url: Any = None


class Method(Shape):
    """How the payer pays."""

    type: Any = None
    brand: Any = None


class PaymentAnswer(Shape, rename="camel"):
    """Of /payments and /payments/details."""

    result_code: str
    psp_reference: Any = None
    merchant_reference: Any = None
    amount: Amount | None = None
    refusal_reason: Any = None
    refusal_reason_code: Any = None
    action: Action | None = None
    payment_method: Method | None = None
    additional_data: AdditionalData | None = None


class ModificationAnswer(Shape, rename="camel"):
    """Of captures, cancels, reversals, amountUpdates and refunds. It decides nothing: a webhook does."""

    psp_reference: str
    status: str
    payment_psp_reference: Any = None
    reference: Any = None
    amount: Amount | None = None


class ErrorAnswer(Shape, rename="camel"):
    """Every answer that is no 2xx: Checkout's and Disputes' form, and the newer one of Transfers (RFC 7807)."""

    error_code: Any = None
    message: Any = None
    detail: Any = None
    title: Any = None


class StoredMethod(Shape, rename="camel"):
    """One saved payment method."""

    id: str
    type: Any = None
    brand: Any = None
    last_four: Any = None
    expiry_month: Any = None
    expiry_year: Any = None


class StoredMethods(Shape, rename="camel"):
    """Of GET /storedPaymentMethods."""

    stored_payment_methods: list[StoredMethod] = field(default_factory=list)


class DisputeResult(Shape, rename="camel"):
    """How a call about a dispute ended."""

    success: bool
    error_message: Any = None


class DisputeAnswer(Shape, rename="camel"):
    """Of every endpoint of the Disputes API: a refusal is a 200, too."""

    dispute_service_result: DisputeResult


PAYMENT: Final[msgspec.json.Decoder[PaymentAnswer]] = msgspec.json.Decoder(PaymentAnswer)
MODIFICATION: Final[msgspec.json.Decoder[ModificationAnswer]] = msgspec.json.Decoder(ModificationAnswer)
ERROR: Final[msgspec.json.Decoder[ErrorAnswer]] = msgspec.json.Decoder(ErrorAnswer)
STORED_METHOD: Final[msgspec.json.Decoder[StoredMethod]] = msgspec.json.Decoder(StoredMethod)
STORED_METHODS: Final[msgspec.json.Decoder[StoredMethods]] = msgspec.json.Decoder(StoredMethods)
DISPUTE: Final[msgspec.json.Decoder[DisputeAnswer]] = msgspec.json.Decoder(DisputeAnswer)
