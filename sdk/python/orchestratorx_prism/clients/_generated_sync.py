"""Blocking twins of the generated clients.

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from orchestratorx_prism.clients import _generated
from orchestratorx_prism.clients._generated import (
    DisputeServiceAcceptFields,
    DisputeServiceGetFields,
    DisputeServiceListFields,
    PaymentServiceCaptureFields,
    PaymentServiceGetFields,
    PaymentServiceListFields,
    PaymentServiceVoidFields,
    RefundServiceCreateFields,
    RefundServiceGetFields,
    RefundServiceListFields,
    ReplayEventsFields,
)
from orchestratorx_prism.clients.blocking import BlockingClient
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import (
    DisputeServiceAcceptRequest,
    DisputeServiceAcceptResponse,
    DisputeServiceGetRequest,
    DisputeServiceGetResponse,
    DisputeServiceListRequest,
    DisputeServiceListResponse,
)
from orchestratorx_prism.v1.event_service_pb2 import ReplayEventsRequest, ReplayEventsResponse
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


class DisputeClient(BlockingClient[_generated.DisputeClient]):
    """Disputes. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    _twin = _generated.DisputeClient

    def accept(
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
        return self._run(self._client.accept(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: DisputeServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceListFields],
    ) -> Iterator[Dispute]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))


class EventMethods(BlockingClient[_generated.EventMethods]):
    """Takes raw webhooks; verifies, normalizes, records once, publishes. Lists, replays and streams what was
    recorded."""

    def replay_events(
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
        return self._run(self._client.replay_events(request, timeout_s=timeout_s, **fields))


class PaymentClient(BlockingClient[_generated.PaymentClient]):
    """Payments. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    _twin = _generated.PaymentClient

    def capture(
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
        return self._run(self._client.capture(request, timeout_s=timeout_s, **fields))

    def void(
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
        return self._run(self._client.void(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: PaymentServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceListFields],
    ) -> Iterator[Payment]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))


class RefundClient(BlockingClient[_generated.RefundClient]):
    """Refunds. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    _twin = _generated.RefundClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: RefundServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RefundServiceListFields],
    ) -> Iterator[Refund]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))
