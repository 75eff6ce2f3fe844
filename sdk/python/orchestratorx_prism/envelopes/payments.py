"""The `payments` channel's format: what happened to a payment, under the upper-case names that older consumers read.

    {"eventType", "timestamp", "version", "payload": {"paymentId", "orderId", "amount": {"value", "currency"}, "status",
     "paymentMethod": {"type", "last4", "expiryMonth", "expiryYear", "network"},
     "transactionDetails": {"processorId", "authorizationCode", "captureId"}},
     "metadata": {"correlationId", "merchantId", "source", "environment", "idempotencyKey"}}

Every key is there, always; null where nothing is known. `amount.value` is a number in major units, made from minor
units digit by digit. Read it as a decimal: `PaymentMessage.from_json` does. docs/channels.md says where each field
comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from orchestratorx_prism.currencies import from_decimal, major_units
from orchestratorx_prism.envelopes.shapes import camel_case, decode_object, encode_json, reader_of, writer_of
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.connector_pb2 import ENVIRONMENT_PRODUCTION
from orchestratorx_prism.v1.dispute_pb2 import DisputeStatus
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PaymentData, PaymentStatus
from orchestratorx_prism.v1.refund_pb2 import RefundStatus
from orchestratorx_prism.values import time_text

VERSION: Final = "1.0"
PRODUCTION_ENV: Final = "prod"
SANDBOX_ENV: Final = "dev"

EVENT_TYPES: Final = MappingProxyType(
    {
        "payment.created": "PAYMENT_INITIATED",
        "payment.action_required": "PAYMENT_ACTION_REQUIRED",
        "payment.pending": "PAYMENT_PENDING",
        "payment.authorized": "PAYMENT_AUTHORIZED",
        "payment.authorization_adjusted": "PAYMENT_AUTHORIZATION_ADJUSTED",
        "payment.partially_captured": "PAYMENT_CAPTURED",
        "payment.captured": "PAYMENT_PROCESSED",
        "payment.capture_failed": "PAYMENT_CAPTURE_FAILED",
        "payment.failed": "PAYMENT_FAILED",
        "payment.voided": "PAYMENT_VOIDED",
        "payment.void_failed": "PAYMENT_VOID_FAILED",
        "payment.expired": "PAYMENT_EXPIRED",
        "payment.unknown": "PAYMENT_UNKNOWN",
        "payment.reconciled": "PAYMENT_RECONCILED",
        "payment.anomaly": "PAYMENT_ANOMALY",
        "refund.created": "REFUND_INITIATED",
        "refund.pending": "REFUND_PENDING",
        "refund.succeeded": "REFUND_PROCESSED",
        "refund.failed": "REFUND_FAILED",
        "refund.reversed": "REFUND_REVERSED",
        "dispute.inquiry": "DISPUTE_INQUIRY",
        "dispute.opened": "DISPUTE_OPENED",
        "dispute.evidence_required": "DISPUTE_EVIDENCE_REQUIRED",
        "dispute.evidence_submitted": "DISPUTE_EVIDENCE_SUBMITTED",
        "dispute.accepted": "DISPUTE_ACCEPTED",
        "dispute.won": "DISPUTE_WON",
        "dispute.lost": "DISPUTE_LOST",
        "dispute.reversed": "DISPUTE_REVERSED",
        "dispute.expired": "DISPUTE_EXPIRED",
    }
)
"""Our type → the format's. Types of what is no payment (customers, payouts, …) have no place in the format."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in major units: 10.90 and "USD". Both None where the event says no amount."""

    value: Decimal | None
    currency: str | None

    def __post_init__(self) -> None:
        if self.value is not None and not (isinstance(self.value, Decimal) and self.value.is_finite()):
            raise PayloadRejected("amount.value takes a finite Decimal, never a float", reason="PAYLOAD_FIELD_INVALID")

    def money(self) -> Money | None:
        """The same in minor units; None where there is no amount.

        Raises:
            PayloadRejected: The currency is unknown, or the value has a fraction of its minor unit.
        """
        return None if self.value is None else from_decimal(self.value, self.currency or "")


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """How the payer pays; all None where the event does not say."""

    type: str | None = None
    last4: str | None = None
    expiry_month: int | None = None
    expiry_year: int | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionDetails:
    """The provider's names."""

    processor_id: str | None = None
    """The provider's main id of the payment."""
    authorization_code: str | None = None
    capture_id: str | None = None
    """Of captures, and of refunds where the provider says which capture they return."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The payment."""

    payment_id: str
    order_id: str | None
    """The merchant's own reference."""
    amount: Amount
    """This event's own amount: authorized, captured, refunded, disputed by it."""
    status: str
    """After the event: the payment's, of refunds and disputes their own: "CAPTURED"."""
    payment_method: PaymentMethod
    transaction_details: TransactionDetails


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where the message comes from."""

    correlation_id: str | None
    merchant_id: str
    source: str
    """The connector: "stripe"."""
    environment: str
    """"dev", "sit" or "prod"."""
    idempotency_key: str
    """The event's id: the same each time this event is sent, and no other event's."""


@dataclass(frozen=True, slots=True)
class PaymentMessage:
    """One message of the channel."""

    event_type: str
    """"PAYMENT_PROCESSED"."""
    timestamp: str
    """When it happened, says the provider. RFC 3339 in UTC."""
    version: str
    payload: Payload
    metadata: Metadata

    @classmethod
    def from_json(cls, body: bytes | str) -> PaymentMessage:
        """The message in a body.

        Raises:
            PayloadRejected: Not JSON, or a field that is missing or of another kind; `metadata["field"]` is its path.
        """
        return _read(decode_object(body), "")

    def to_json(self) -> bytes:
        """The body. Numbers keep the digits they have."""
        return encode_json(_write(self))


_write = writer_of(PaymentMessage, camel_case)
_read = reader_of(PaymentMessage, camel_case)


def holds(event: Event) -> bool:
    """Whether the format has a place for the event: it is one of a payment's."""
    return event.type in EVENT_TYPES and bool(event.payment_id)


def env_of(event: Event, sandbox_env: str) -> str:
    """ "prod" for real money, always and only; for test money what the installation says."""
    return PRODUCTION_ENV if event.environment == ENVIRONMENT_PRODUCTION else sandbox_env


def message_of(event: Event, sandbox_env: str = SANDBOX_ENV) -> PaymentMessage:
    """The event as the channel publishes it.

    Args:
        event: As recorded: with its payment's id, and the status after it.
        sandbox_env: "dev" or "sit": what the environment of test money is called.

    Raises:
        PayloadRejected: The format has no place for the event, or a time or currency in it is none.
    """
    if not holds(event):
        raise PayloadRejected("the format payments is for events of payments", reason="ENVELOPE_UNFIT")
    when = event.occurred_at if event.HasField("occurred_at") else event.received_at
    amount, status, method, capture, code = _READ[event.type.partition(".")[0]](event)
    return PaymentMessage(
        EVENT_TYPES[event.type],
        time_text(when),
        VERSION,
        Payload(
            event.payment_id,
            event.merchant_transaction_id or None,
            Amount(None, None) if amount is None else Amount(major_units(amount), amount.currency),
            status,
            method,
            TransactionDetails(event.connector_transaction_id or None, code or None, capture or None),
        ),
        Metadata(
            event.correlation_id or None, event.merchant_id, event.connector, env_of(event, sandbox_env), event.id
        ),
    )


def encode(event: Event, sandbox_env: str = SANDBOX_ENV) -> tuple[bytes, dict[str, str]]:
    """Body and headers. Arguments and errors: `message_of`."""
    message = message_of(event, sandbox_env)
    return message.to_json(), {"content-type": "application/json", "event-type": message.event_type}


_Read = tuple[Money | None, str, PaymentMethod, str, str]
"""Amount, status, payment method, capture's id, authorization code."""

_CAPTURES: Final = frozenset({"payment.partially_captured", "payment.captured", "payment.capture_failed"})


def _payment(event: Event) -> _Read:
    data = event.payment
    found = data.payment_method
    method = PaymentMethod(
        found.type or None,
        found.last4 or None,
        found.expiry_month or None,
        found.expiry_year or None,
        found.network or None,
    )
    status = PaymentStatus.Name(data.status).removeprefix("PAYMENT_STATUS_")
    capture = data.operation_id if event.type in _CAPTURES else ""
    return _amount(event.type, data), status, method, capture, data.authorization_code


def _amount(type: str, data: PaymentData) -> Money | None:
    """The event's own amount, else the total that it is about."""
    if data.HasField("amount"):
        return data.amount
    if type in _CAPTURES:
        return data.captured if data.HasField("captured") else None
    return data.authorized if data.HasField("authorized") else None


def _refund(event: Event) -> _Read:
    data = event.refund
    status = RefundStatus.Name(data.status).removeprefix("REFUND_STATUS_")
    return data.amount if data.HasField("amount") else None, status, PaymentMethod(), data.operation_id, ""


def _dispute(event: Event) -> _Read:
    data = event.dispute
    status = DisputeStatus.Name(data.status).removeprefix("DISPUTE_STATUS_")
    return data.amount if data.HasField("amount") else None, status, PaymentMethod(), "", ""


_READ: Final[dict[str, Callable[[Any], _Read]]] = {"payment": _payment, "refund": _refund, "dispute": _dispute}
"""First word of the type → what its data says."""
