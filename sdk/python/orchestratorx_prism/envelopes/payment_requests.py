"""The `payment_requests` channel's format: how a payout that somebody asked for goes on.

    {"event_type": "PaymentRequestUpdated", "payload": {"occurred_at", "workspace_key", "payment_request_id",
     "account_id", "bank_transfer_id", "transfer_update_id", "reference", "status", "failure_reason_code",
     "failure_status"}}

A request is told as Created once, with the status submitted (or submission_failed), then as Updated with each new
status, by the transitions below only. Money that comes back later is told as Refunded, and changes no status. Which
message an event is, the ledger has settled when it recorded it (`PayoutData.request_status_before` and the fields
beside it); here it is only written down, so that a replay says the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, TypeVar

from orchestratorx_prism.envelopes.shapes import as_is, decode_object, encode_json, reader_of, writer_of
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1 import event_data_pb2 as pb
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import time_text

STREAM: Final = "stream:payment_gateway:payment_request_events"

STATUSES: Final[Mapping[int, str]] = MappingProxyType(
    {
        pb.PAYMENT_REQUEST_STATUS_SUBMITTED: "submitted",
        pb.PAYMENT_REQUEST_STATUS_PENDING: "pending",
        pb.PAYMENT_REQUEST_STATUS_SUCCEEDED: "succeeded",
        pb.PAYMENT_REQUEST_STATUS_FAILED: "failed",
        pb.PAYMENT_REQUEST_STATUS_SUBMISSION_FAILED: "submission_failed",
    }
)
TRANSITIONS: Final[Mapping[int, frozenset[int]]] = MappingProxyType(
    {
        pb.PAYMENT_REQUEST_STATUS_SUBMITTED: frozenset(
            {
                pb.PAYMENT_REQUEST_STATUS_PENDING,
                pb.PAYMENT_REQUEST_STATUS_SUCCEEDED,
                pb.PAYMENT_REQUEST_STATUS_FAILED,
            }
        ),
        pb.PAYMENT_REQUEST_STATUS_PENDING: frozenset(
            {pb.PAYMENT_REQUEST_STATUS_SUCCEEDED, pb.PAYMENT_REQUEST_STATUS_FAILED}
        ),
        pb.PAYMENT_REQUEST_STATUS_SUCCEEDED: frozenset(),
        pb.PAYMENT_REQUEST_STATUS_FAILED: frozenset(),
        pb.PAYMENT_REQUEST_STATUS_SUBMISSION_FAILED: frozenset(),
    }
)
"""Status → those that may follow it. Everything that publishes goes by this table."""

_FAILED: Final = frozenset({"payout.failed", "payout.expired"})
_KNOWN: Final = frozenset(STATUSES.values())
_Self = TypeVar("_Self", bound="PaymentRequestEvent")


@dataclass(frozen=True, slots=True)
class PaymentRequestEvent:
    """What all three have in common."""

    EVENT_TYPE: ClassVar[str] = ""

    occurred_at: str
    """When it happened, says the provider. RFC 3339 in UTC."""
    workspace_key: str
    """The merchant."""
    payment_request_id: str
    """Ours: the payout's id in the ledger."""
    account_id: str | None
    """The provider's account that pays, where the provider names it: M-Pesa's shortcode, Adyen's merchant account."""
    bank_transfer_id: str | None
    """The provider's id of the payout."""
    transfer_update_id: str | None
    """The event's id: the same each time this message is sent. None in Created."""
    reference: str | None
    """The merchant's own reference of the payout, else of the transaction."""
    status: str
    """submitted, pending, succeeded, failed or submission_failed."""
    failure_reason_code: str | None
    """Our code of the failure, "insufficient_funds", where the message tells of one."""
    failure_status: str | None
    """The provider's status word of the failure, as sent."""

    def __post_init__(self) -> None:
        if self.status not in _KNOWN:
            raise PayloadRejected(
                f"status: one of {', '.join(STATUSES.values())}",
                reason="PAYLOAD_FIELD_INVALID",
                metadata={"field": "payload.status"},
            )

    @classmethod
    def from_json(cls: type[_Self], body: bytes | str) -> _Self:
        """The message in a body: of this class, or of one below it.

        Raises:
            PayloadRejected: Not JSON, another kind of message, or a field that is missing or of another kind.
        """
        document = decode_object(body)
        return cls.from_payload(document.get("event_type"), document.get("payload"))

    @classmethod
    def from_payload(cls: type[_Self], event_type: object, payload: object) -> _Self:
        """The message of its two parts, as stream consumers get them.

        Raises:
            PayloadRejected: As `from_json`.
        """
        kind = KINDS.get(event_type) if isinstance(event_type, str) else None
        if kind is None or not issubclass(kind, cls):
            expected = cls.EVENT_TYPE or ", ".join(KINDS)
            raise PayloadRejected(f"event_type: takes {expected}", reason="ENVELOPE_UNKNOWN")
        return _READ[kind](payload, "payload")  # type: ignore[return-value]  # the reader of this very class

    def to_json(self) -> bytes:
        """The body."""
        return encode_json({"event_type": self.EVENT_TYPE, "payload": _write(self)})


@dataclass(frozen=True, slots=True)
class PaymentRequestCreated(PaymentRequestEvent):
    """The request was handed to the provider, or refused by it at once (submission_failed)."""

    EVENT_TYPE: ClassVar[str] = "PaymentRequestCreated"


@dataclass(frozen=True, slots=True)
class PaymentRequestUpdated(PaymentRequestEvent):
    """The request has a new status."""

    EVENT_TYPE: ClassVar[str] = "PaymentRequestUpdated"


@dataclass(frozen=True, slots=True)
class PaymentRequestRefunded(PaymentRequestEvent):
    """Money of the request came back, all or part of it. `status` is the one it has had before, and keeps."""

    EVENT_TYPE: ClassVar[str] = "PaymentRequestRefunded"


KINDS: Final[Mapping[str, type[PaymentRequestEvent]]] = MappingProxyType(
    {kind.EVENT_TYPE: kind for kind in (PaymentRequestCreated, PaymentRequestUpdated, PaymentRequestRefunded)}
)
_write = writer_of(PaymentRequestEvent, as_is)
_READ: Final = {kind: reader_of(kind, as_is) for kind in KINDS.values()}


def holds(event: Event) -> bool:
    """Whether there is anything to tell: a new request, a new status, or money that came back."""
    if event.WhichOneof("data") != "payout":
        return False
    payout = event.payout
    return payout.request_status != payout.request_status_before or payout.returned


def messages_of(event: Event) -> list[PaymentRequestEvent]:
    """What the channel tells by the event: nothing, one message, or Created and another behind it.

    Args:
        event: As recorded: the ledger has settled what was told before it, and what is to be told.

    Raises:
        PayloadRejected: A time in the event is outside the years 1 to 9999.
    """
    if not holds(event):
        return []
    payout = event.payout
    before, after = payout.request_status_before, payout.request_status
    found: list[PaymentRequestEvent] = []
    if not before:
        refused = after == pb.PAYMENT_REQUEST_STATUS_SUBMISSION_FAILED
        begins = after if refused else pb.PAYMENT_REQUEST_STATUS_SUBMITTED
        found.append(_message(PaymentRequestCreated, event, begins))
        before = begins
    if after != before:
        found.append(_message(PaymentRequestUpdated, event, after))
    if payout.returned:
        found.append(_message(PaymentRequestRefunded, event, after))
    return found


def encode(event: Event) -> list[tuple[bytes, dict[str, str]]]:
    """Bodies and headers, in order. Errors: `messages_of`."""
    return [
        (message.to_json(), {"content-type": "application/json", "event-type": message.EVENT_TYPE})
        for message in messages_of(event)
    ]


def _message(kind: type[PaymentRequestEvent], event: Event, status: int) -> PaymentRequestEvent:
    payout = event.payout
    created = kind is PaymentRequestCreated
    fails = event.type in _FAILED and not (created and status == pb.PAYMENT_REQUEST_STATUS_SUBMITTED)
    failure = payout.failure
    code = failure.code or failure.provider_code or event.type.partition(".")[2]
    return kind(
        occurred_at=time_text(event.occurred_at if event.HasField("occurred_at") else event.received_at),
        workspace_key=event.merchant_id,
        payment_request_id=payout.payout_id,
        account_id=event.account or None,
        bank_transfer_id=payout.connector_payout_id or None,
        transfer_update_id=None if created else event.id,
        reference=payout.merchant_payout_id or payout.merchant_transaction_id or None,
        status=STATUSES[status],
        failure_reason_code=code if fails else None,
        failure_status=(payout.provider_status or None) if fails else None,
    )
