"""Clients of every service, and what their requests may be made of.

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypedDict, Unpack

from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism.clients.base import ServiceClient
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import (
    DisputeServiceAcceptRequest,
    DisputeServiceAcceptResponse,
    DisputeServiceGetRequest,
    DisputeServiceGetResponse,
    DisputeServiceListRequest,
    DisputeServiceListResponse,
)
from orchestratorx_prism.v1.event_service_pb2 import (
    EventFilter,
    HandleEventRequest,
    KnownRequest,
    ReplayEventsRequest,
    ReplayEventsResponse,
)
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceCaptureRequest,
    PaymentServiceCaptureResponse,
    PaymentServiceGetRequest,
    PaymentServiceGetResponse,
    PaymentServiceListRequest,
    PaymentServiceListResponse,
    PaymentServiceVoidRequest,
    PaymentServiceVoidResponse,
)
from orchestratorx_prism.v1.refund_pb2 import Refund
from orchestratorx_prism.v1.refund_service_pb2 import (
    RefundServiceCreateRequest,
    RefundServiceCreateResponse,
    RefundServiceGetRequest,
    RefundServiceGetResponse,
    RefundServiceListRequest,
    RefundServiceListResponse,
)


class DisputeServiceAcceptFields(TypedDict, total=False):
    """Which dispute to accept."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours.
    dispute_id: str
    # Which merchant. Empty: "default".
    merchant_id: str


class DisputeServiceGetFields(TypedDict, total=False):
    """Which dispute."""

    # Ours.
    dispute_id: str
    # Which merchant. Empty: "default".
    merchant_id: str


class DisputeServiceListFields(TypedDict, total=False):
    """Which disputes, and which page; empty fields do not filter."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Ours: the payment.
    payment_id: str
    # Statuses.
    statuses: Iterable[str | int]
    # Connectors.
    connectors: Iterable[str]
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class HandleEventFields(TypedDict, total=False):
    """A raw webhook, as received, and what verifies it."""

    # Which connector: "stripe".
    connector: str
    # The body's bytes as received; never re-serialized JSON.
    payload: bytes | str
    # The HTTP headers as received; names in any case.
    headers: Mapping[str, str] | Iterable[tuple[str, str]]
    # The secret that verifies it: Stripe whsec_…, Adyen HMAC key in hex, M-Pesa URL token. Empty: the server's
    # configured ones.
    webhook_secret: str
    # More secrets in use, during rotation. Any that matches passes.
    webhook_secrets: Iterable[str]
    # PayPal: the webhook's id.
    webhook_id: str
    # PayPal: certificates in PEM form, leaf first, for a check without network. Empty: fetched from the header's
    # URL.
    certificates: Iterable[bytes | str]
    # M-Pesa: the token found in the callback's URL.
    url_token: str
    # The sender's address, as seen by the front door.
    remote_address: str
    # M-Pesa: the request it answers, if the caller keeps its own requests.
    known_request: KnownRequest | Mapping[str, Any]
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which environment. Unspecified: the server's default.
    environment: str | int
    # Ties together what one request caused. Empty: made by the server.
    correlation_id: str
    # W3C trace context.
    traceparent: str
    # What the URL was registered for, where the body cannot tell (M-Pesa): "validation", "timeout". Else empty.
    purpose: str


class BatchHandleEventsFields(TypedDict, total=False):
    """Many webhooks."""

    # The webhooks; 1,000 at most.
    requests: Iterable[HandleEventRequest | Mapping[str, Any]]


class ParseEventFields(TypedDict, total=False):
    """A raw webhook whose type is asked."""

    # Which connector.
    connector: str
    # The body's bytes as received.
    payload: bytes | str
    # The HTTP headers as received.
    headers: Mapping[str, str] | Iterable[tuple[str, str]]


class GetEventFields(TypedDict, total=False):
    """Which event."""

    # Its id.
    event_id: str
    # Which merchant. Empty: "default".
    merchant_id: str


class ListEventsFields(TypedDict, total=False):
    """Which events, and which page."""

    # Which events.
    filter: EventFilter | Mapping[str, Any]
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str
    # Types, or patterns with a star: "payment.*".
    types: Iterable[str]
    # Connectors.
    connectors: Iterable[str]
    # Which merchant. Empty: "default".
    merchant_id: str
    # Ours: the payment.
    payment_id: str
    # Received at or after.
    received_from: Timestamp | datetime | str
    # Received before.
    received_until: Timestamp | datetime | str


class ReplayEventsFields(TypedDict, total=False):
    """Which events to publish again."""

    # Which events; at least one field besides merchant_id must be set, or event_ids.
    filter: EventFilter | Mapping[str, Any]
    # These events; 1,000 at most.
    event_ids: Iterable[str]
    # Which channel. Empty: all that select the event.
    channel: str
    # Types, or patterns with a star: "payment.*".
    types: Iterable[str]
    # Connectors.
    connectors: Iterable[str]
    # Which merchant. Empty: "default".
    merchant_id: str
    # Ours: the payment.
    payment_id: str
    # Received at or after.
    received_from: Timestamp | datetime | str
    # Received before.
    received_until: Timestamp | datetime | str


class SubscribeEventsFields(TypedDict, total=False):
    """Which events, and from where on."""

    # Which events; its times do not apply.
    filter: EventFilter | Mapping[str, Any]
    # The cursor after which to begin, as given by the stream. Empty: only events recorded from now on. "0": from
    # the first.
    cursor: str
    # Types, or patterns with a star: "payment.*".
    types: Iterable[str]
    # Connectors.
    connectors: Iterable[str]
    # Which merchant. Empty: "default".
    merchant_id: str
    # Ours: the payment.
    payment_id: str
    # Received at or after.
    received_from: Timestamp | datetime | str
    # Received before.
    received_until: Timestamp | datetime | str


class PaymentServiceCaptureFields(TypedDict, total=False):
    """What to capture."""

    # The caller's idempotency key: a repeat is the same request. A UUID is best (AIP-155).
    request_id: str
    # Ours.
    payment_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # How much. Unset: all that is left. Minor units.
    amount: Money | Mapping[str, Any]


class PaymentServiceVoidFields(TypedDict, total=False):
    """What to release."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours.
    payment_id: str
    # Which merchant. Empty: "default".
    merchant_id: str


class PaymentServiceGetFields(TypedDict, total=False):
    """Which payment: by our id, or by connector and reference."""

    # Ours.
    payment_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # With reference: which connector.
    connector: str
    # With connector: one of the provider's names of it, of any kind.
    reference: str


class PaymentServiceListFields(TypedDict, total=False):
    """Which payments, and which page; empty fields do not filter."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Statuses.
    statuses: Iterable[str | int]
    # Connectors.
    connectors: Iterable[str]
    # Currency, upper case.
    currency: str
    # The merchant's own reference.
    merchant_transaction_id: str
    # First recorded at or after.
    created_from: Timestamp | datetime | str
    # First recorded before.
    created_until: Timestamp | datetime | str
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class RefundServiceCreateFields(TypedDict, total=False):
    """What to refund."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours: the payment.
    payment_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # How much. Unset: all that is left. Minor units.
    amount: Money | Mapping[str, Any]
    # Why, in a few words.
    refund_reason: str
    # The merchant's own reference of the refund.
    merchant_refund_id: str


class RefundServiceGetFields(TypedDict, total=False):
    """Which refund."""

    # Ours.
    refund_id: str
    # Which merchant. Empty: "default".
    merchant_id: str


class RefundServiceListFields(TypedDict, total=False):
    """Which refunds, and which page; empty fields do not filter."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Ours: the payment.
    payment_id: str
    # Statuses.
    statuses: Iterable[str | int]
    # Connectors.
    connectors: Iterable[str]
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class DisputeClient(ServiceClient):
    """Disputes. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    service: ClassVar[str] = "orchestratorx_prism.v1.DisputeService"

    async def accept(
        self,
        request: DisputeServiceAcceptRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceAcceptFields],
    ) -> DisputeServiceAcceptResponse:
        """Accepts the claim: the merchant will not fight it.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            dispute_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DisputeServiceAcceptRequest, request, fields)
        return await self._unary("Accept", message, DisputeServiceAcceptResponse, timeout_s)

    async def get(
        self,
        request: DisputeServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceGetFields],
    ) -> DisputeServiceGetResponse:
        """One dispute's current state.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            dispute_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DisputeServiceGetRequest, request, fields)
        return await self._unary("Get", message, DisputeServiceGetResponse, timeout_s)

    async def list(
        self,
        request: DisputeServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceListFields],
    ) -> DisputeServiceListResponse:
        """Disputes, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            payment_id: Ours: the payment.
            statuses: Statuses.
            connectors: Connectors.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DisputeServiceListRequest, request, fields)
        return await self._unary("List", message, DisputeServiceListResponse, timeout_s)

    def iterate(
        self,
        request: DisputeServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceListFields],
    ) -> AsyncIterator[Dispute]:
        """As `list`, page after page, one by one.

        Disputes, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            payment_id: Ours: the payment.
            statuses: Statuses.
            connectors: Connectors.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DisputeServiceListRequest, request, fields)
        return self._pages("List", message, DisputeServiceListResponse, "disputes", timeout_s)


class EventMethods(ServiceClient):
    """Takes raw webhooks; verifies, normalizes, records once, publishes. Lists, replays and streams what was
    recorded."""

    service: ClassVar[str] = "orchestratorx_prism.v1.EventService"

    async def replay_events(
        self,
        request: ReplayEventsRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ReplayEventsFields],
    ) -> ReplayEventsResponse:
        """Publishes recorded events again, under their own ids.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            filter: Which events; at least one field besides merchant_id must be set, or event_ids.
            event_ids: These events; 1,000 at most.
            channel: Which channel. Empty: all that select the event.
            types: Types, or patterns with a star: "payment.*".
            connectors: Connectors.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            payment_id: Ours: the payment.
            received_from: Received at or after.
            received_until: Received before.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ReplayEventsRequest, request, fields)
        return await self._unary("ReplayEvents", message, ReplayEventsResponse, timeout_s)


class PaymentClient(ServiceClient):
    """Payments. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    service: ClassVar[str] = "orchestratorx_prism.v1.PaymentService"

    async def capture(
        self,
        request: PaymentServiceCaptureRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceCaptureFields],
    ) -> PaymentServiceCaptureResponse:
        """Takes part or all of an authorized payment.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key: a repeat is the same request. A UUID is best (AIP-155). Made
                here if it is empty.
            payment_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            amount: How much. Unset: all that is left. Minor units.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceCaptureRequest, request, fields)
        return await self._unary("Capture", message, PaymentServiceCaptureResponse, timeout_s)

    async def void(
        self,
        request: PaymentServiceVoidRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceVoidFields],
    ) -> PaymentServiceVoidResponse:
        """Releases an authorized payment before capture.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            payment_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceVoidRequest, request, fields)
        return await self._unary("Void", message, PaymentServiceVoidResponse, timeout_s)

    async def get(
        self,
        request: PaymentServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceGetFields],
    ) -> PaymentServiceGetResponse:
        """One payment's current state, by our id or by a provider's reference.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            payment_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: With reference: which connector.
            reference: With connector: one of the provider's names of it, of any kind.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceGetRequest, request, fields)
        return await self._unary("Get", message, PaymentServiceGetResponse, timeout_s)

    async def list(
        self,
        request: PaymentServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceListFields],
    ) -> PaymentServiceListResponse:
        """Payments, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            statuses: Statuses.
            connectors: Connectors.
            currency: Currency, upper case.
            merchant_transaction_id: The merchant's own reference.
            created_from: First recorded at or after.
            created_until: First recorded before.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceListRequest, request, fields)
        return await self._unary("List", message, PaymentServiceListResponse, timeout_s)

    def iterate(
        self,
        request: PaymentServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceListFields],
    ) -> AsyncIterator[Payment]:
        """As `list`, page after page, one by one.

        Payments, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            statuses: Statuses.
            connectors: Connectors.
            currency: Currency, upper case.
            merchant_transaction_id: The merchant's own reference.
            created_from: First recorded at or after.
            created_until: First recorded before.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceListRequest, request, fields)
        return self._pages("List", message, PaymentServiceListResponse, "payments", timeout_s)


class RefundClient(ServiceClient):
    """Refunds. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    service: ClassVar[str] = "orchestratorx_prism.v1.RefundService"

    async def create(
        self,
        request: RefundServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RefundServiceCreateFields],
    ) -> RefundServiceCreateResponse:
        """Returns captured money.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            payment_id: Ours: the payment.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            amount: How much. Unset: all that is left. Minor units.
            refund_reason: Why, in a few words.
            merchant_refund_id: The merchant's own reference of the refund.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(RefundServiceCreateRequest, request, fields)
        return await self._unary("Create", message, RefundServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: RefundServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RefundServiceGetFields],
    ) -> RefundServiceGetResponse:
        """One refund's current state.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            refund_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(RefundServiceGetRequest, request, fields)
        return await self._unary("Get", message, RefundServiceGetResponse, timeout_s)

    async def list(
        self,
        request: RefundServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RefundServiceListFields],
    ) -> RefundServiceListResponse:
        """Refunds, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            payment_id: Ours: the payment.
            statuses: Statuses.
            connectors: Connectors.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(RefundServiceListRequest, request, fields)
        return await self._unary("List", message, RefundServiceListResponse, timeout_s)

    def iterate(
        self,
        request: RefundServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RefundServiceListFields],
    ) -> AsyncIterator[Refund]:
        """As `list`, page after page, one by one.

        Refunds, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            payment_id: Ours: the payment.
            statuses: Statuses.
            connectors: Connectors.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(RefundServiceListRequest, request, fields)
        return self._pages("List", message, RefundServiceListResponse, "refunds", timeout_s)
