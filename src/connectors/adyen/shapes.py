"""The shapes of Adyen's webhooks, as far as they are read, and their decoders. No meaning here.

Fields that are only passed on are `Any`: whatever is sent there, a webhook is never refused for it. `text` reads them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType, field

METADATA_NAME: Final = "orchestratorx_key"
"""Under this name payments carry our key in Adyen's `metadata`, whose names have at most 20 characters."""

TERMINAL: Final = "SaleToPOIRequest"

Flag = bool | str | None
"""Adyen sends "true" and "false" as strings; booleans are tolerated."""


def text(value: Any) -> str:
    """A field that is only passed on: its text, or nothing if it is no text."""
    return value if isinstance(value, str) else ""


class Shape(msgspec.Struct, gc=False):
    """Base of all. Its `repr` shows nothing: signatures and card data are inside."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Amount(Shape):
    """Adyen's minor units and an ISO 4217 code."""

    value: int | None = None
    currency: str | None = None


class AdditionalData(Shape):
    """Of `additionalData`: the signature, and what is worth recording. Nothing in it is covered by the signature."""

    signature: Any = field(default=None, name="hmacSignature")
    auth_code: Any = field(default=None, name="authCode")
    method: Any = field(default=None, name="paymentMethod")
    variant: Any = field(default=None, name="paymentMethodVariant")
    card_summary: Any = field(default=None, name="cardSummary")
    expiry_date: Any = field(default=None, name="expiryDate")
    refusal_raw: Any = field(default=None, name="refusalReasonRaw")
    shopper: Any = field(default=None, name="shopperReference")
    recurring_shopper: Any = field(default=None, name="recurring.shopperReference")
    recurring_detail: Any = field(default=None, name="recurring.recurringDetailReference")
    token_shopper: Any = field(default=None, name="tokenization.shopperReference")
    token: Any = field(default=None, name="tokenization.storedPaymentMethodId")
    action: Any = field(default=None, name="modification.action")
    dispute_status: Any = field(default=None, name="disputeStatus")
    defense_ends_at: Any = field(default=None, name="defensePeriodEndsAt")
    chargeback_reason: Any = field(default=None, name="chargebackReasonCode")
    fraud_reason: Any = field(default=None, name="nofReasonCode")
    inquiry_reason: Any = field(default=None, name="rfiReasonCode")
    request: Any = field(default=None, name=f"metadata.{METADATA_NAME}")


class Item(Shape, rename="camel"):
    """NotificationRequestItem. Source: Adyen docs, "Webhook structure and types"."""

    psp_reference: str | None = None
    original_reference: str | None = None
    merchant_account_code: str | None = None
    merchant_reference: str | None = None
    amount: Amount | None = None
    event_code: str | None = None
    success: Flag = None
    event_date: Any = None
    reason: Any = None
    payment_method: Any = None
    additional_data: AdditionalData | None = None


class Wrapper(Shape):
    """One element of `notificationItems`."""

    item: Item | None = field(default=None, name="NotificationRequestItem")


class Envelope(Shape, rename="camel"):
    """The outside of every webhook: enough to tell the families apart. `data` and `content` stay bytes until needed."""

    notification_items: list[Wrapper] | UnsetType | None = UNSET
    item: Item | None = field(default=None, name="NotificationRequestItem")
    terminal: msgspec.Raw = field(default_factory=msgspec.Raw, name=TERMINAL)
    live: Flag = None
    event_code: str | None = None
    type: str | None = None
    event_type: str | None = None
    environment: str | None = None
    timestamp: Any = None
    created_at: Any = None
    event_date: Any = None
    event_id: Any = None
    version: Any = None
    psp_reference: Any = None
    data: msgspec.Raw = field(default_factory=msgspec.Raw)
    content: msgspec.Raw = field(default_factory=msgspec.Raw)


class Batch(Shape):
    """A decoded standard webhook, or a bare item. Each item must carry its own signature."""

    items: list[Item]
    live: Flag = None
    soap: bool = False
    """Sent as SOAP, and so to be answered."""


class Message(Shape):
    """A decoded webhook of platforms, management, tokenization, …: signed as a whole by a header."""

    type: str
    envelope: Envelope
    classic: bool = False
    """True: classic platforms (`eventType`, `content`, `live`)."""


class Reference(Shape):
    """Any object of which only the id matters."""

    id: Any = None


class CategoryData(Shape, rename="camel"):
    """`categoryData` of a transfer that books an acquired payment."""

    type: Any = None
    psp_payment_reference: Any = None
    modification_psp_reference: Any = None
    payment_merchant_reference: Any = None
    modification_merchant_reference: Any = None


class Tracking(Shape, rename="camel"):
    """When a transfer is expected to arrive."""

    estimated_arrival_time: Any = None


class Balance(Shape):
    """How a transfer changed one balance account, so far."""

    received: Any = None
    reserved: Any = None
    balance: Any = None


class Transfer(Shape, rename="camel"):
    """`data` of `balancePlatform.transfer.*`. Source: Adyen API Explorer, "Transfer webhooks"."""

    id: str | None = None
    type: str | None = None
    category: str | None = None
    category_data: CategoryData | None = None
    direction: str | None = None
    status: str | None = None
    reason: Any = None
    amount: Amount | None = None
    reference: Any = None
    sequence_number: int | None = None
    event_id: Any = None
    balance_platform: Any = None
    creation_date: Any = None
    created_at: Any = None
    updated_at: Any = None
    tracking: Tracking | None = None
    balances: list[Balance] | None = None


class TransactionTransfer(Shape, rename="camel"):
    """`transfer` inside a transaction."""

    id: Any = None
    reference: Any = None
    category_data: CategoryData | None = None


class Transaction(Shape, rename="camel"):
    """`data` of `balancePlatform.transaction.created`. Source: Adyen API Explorer, "Transaction webhooks"."""

    id: str | None = None
    amount: Amount | None = None
    status: str | None = None
    transfer: TransactionTransfer | None = None
    balance_platform: Any = None
    creation_date: Any = None


class Modification(Shape):
    """What changed an older platform payment."""

    type: Any = None
    amount: Amount | None = None


class Movement(Shape, rename="camel"):
    """`data` of `balancePlatform.{payment,incomingTransfer,outgoingTransfer}.*`.

    Source: Adyen API Explorer, "Payment webhooks (deprecated)".
    """

    id: str | None = None
    payment_id: Any = None
    status: str | None = None
    amount: Amount | None = None
    original_amount: Amount | None = None
    modification: Modification | None = None
    payment_instrument: Reference | None = None
    platform_payment: CategoryData | None = None
    """The acquired payment that it books, if it does."""
    reference: Any = None
    balance_platform: Any = None
    creation_date: Any = None
    value_date: Any = None


class PlatformDispute(Shape, rename="camel"):
    """`data` of `balancePlatform.dispute.*`. Source: Adyen API Explorer, "Dispute webhooks"."""

    id: str | None = None
    status: str | None = None
    type: Any = None
    disputed_amount: Amount | None = None
    transaction_id: Any = None
    balance_platform: Any = None
    creation_date: Any = None


class Mandate(Shape, rename="camel"):
    """The mandate itself."""

    id: str | None = None
    status: str | None = None
    payment_instrument_id: Any = None
    created_at: Any = None
    updated_at: Any = None


class MandateData(Shape, rename="camel"):
    """`data` of `balancePlatform.mandate.*`. Source: Adyen API Explorer, "Configuration webhooks"."""

    mandate: Mandate | None = None
    balance_platform: Any = None


class Change(Shape, rename="camel"):
    """New bank details of a payer."""

    new_bank_account_number: Any = None
    reason_code: Any = None


class IssuedCard(Shape):
    """`card` of an issued payment instrument; its `expiration` is an object of `month` and `year`, both text."""

    brand: Any = None
    last_four: Any = field(default=None, name="lastFour")
    expiration: Any = None


class Instrument(Shape, rename="camel"):
    """`paymentInstrument`: an issued card or a business bank account."""

    id: Any = None
    status: Any = None
    type: Any = None
    card: IssuedCard | None = None


class MethodData(Shape, rename="camel"):
    """`data` of tokenization, payment method, payment instrument, network token and notice-of-change webhooks."""

    id: Any = None
    status: Any = None
    result: Any = None
    """`paymentMethod.created` before version 3: SUCCESS, FAILURE, in place of `status`."""
    type: Any = None
    merchant_account: Any = None
    merchant_id: Any = None
    balance_platform: Any = None
    stored_payment_method_id: Any = None
    shopper_reference: Any = None
    psp_reference: Any = None
    token_last_four: Any = None
    payment_instrument_id: Any = None
    payment_instrument: Instrument | None = None
    notification_of_change: Change | None = None
    creation_date: Any = None


class Execution(Shape, rename="camel"):
    """`data` of `balancePlatform.balanceAccountPayoutScheduleExecution.*`."""

    balance_account_payout_schedule_id: Any = None
    balance_platform: Any = None
    result: Any = None
    triggered_at: Any = None


ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)
ITEM: Final[msgspec.json.Decoder[Item]] = msgspec.json.Decoder(Item)
TRANSFER: Final[msgspec.json.Decoder[Transfer]] = msgspec.json.Decoder(Transfer)
TRANSACTION: Final[msgspec.json.Decoder[Transaction]] = msgspec.json.Decoder(Transaction)
MOVEMENT: Final[msgspec.json.Decoder[Movement]] = msgspec.json.Decoder(Movement)
PLATFORM_DISPUTE: Final[msgspec.json.Decoder[PlatformDispute]] = msgspec.json.Decoder(PlatformDispute)
MANDATE: Final[msgspec.json.Decoder[MandateData]] = msgspec.json.Decoder(MandateData)
METHOD: Final[msgspec.json.Decoder[MethodData]] = msgspec.json.Decoder(MethodData)
EXECUTION: Final[msgspec.json.Decoder[Execution]] = msgspec.json.Decoder(Execution)
