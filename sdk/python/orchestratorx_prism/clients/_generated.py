"""Clients of every service, and what their requests may be made of.

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypedDict, Unpack

from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism.clients.base import ServiceClient
from orchestratorx_prism.v1.customer_service_pb2 import (
    CustomerProfile,
    CustomerServiceCreateRequest,
    CustomerServiceCreateResponse,
    CustomerServiceDeleteRequest,
    CustomerServiceDeleteResponse,
    CustomerServiceGetRequest,
    CustomerServiceGetResponse,
    CustomerServiceUpdateRequest,
    CustomerServiceUpdateResponse,
)
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import (
    DisputeServiceAcceptRequest,
    DisputeServiceAcceptResponse,
    DisputeServiceDefendRequest,
    DisputeServiceDefendResponse,
    DisputeServiceGetRequest,
    DisputeServiceGetResponse,
    DisputeServiceListRequest,
    DisputeServiceListResponse,
    DisputeServiceSubmitEvidenceRequest,
    DisputeServiceSubmitEvidenceResponse,
    EvidenceFile,
)
from orchestratorx_prism.v1.event_data_pb2 import PaymentMethodData
from orchestratorx_prism.v1.event_service_pb2 import (
    EventFilter,
    HandleEventRequest,
    KnownRequest,
    ReplayEventsRequest,
    ReplayEventsResponse,
)
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.mandate_service_pb2 import (
    MandateServiceChargeRequest,
    MandateServiceChargeResponse,
    MandateServiceRevokeRequest,
    MandateServiceRevokeResponse,
    MandateServiceSetupRequest,
    MandateServiceSetupResponse,
)
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_method_service_pb2 import (
    PaymentMethodServiceAttachRequest,
    PaymentMethodServiceAttachResponse,
    PaymentMethodServiceDetachRequest,
    PaymentMethodServiceDetachResponse,
    PaymentMethodServiceGetRequest,
    PaymentMethodServiceGetResponse,
    PaymentMethodServiceListRequest,
    PaymentMethodServiceListResponse,
)
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceAuthorizeRequest,
    PaymentServiceAuthorizeResponse,
    PaymentServiceCaptureRequest,
    PaymentServiceCaptureResponse,
    PaymentServiceConfirmRedirectRequest,
    PaymentServiceConfirmRedirectResponse,
    PaymentServiceGetRequest,
    PaymentServiceGetResponse,
    PaymentServiceIncrementAuthorizationRequest,
    PaymentServiceIncrementAuthorizationResponse,
    PaymentServiceListRequest,
    PaymentServiceListResponse,
    PaymentServiceVoidRequest,
    PaymentServiceVoidResponse,
)
from orchestratorx_prism.v1.payout_service_pb2 import (
    PayoutDestination,
    PayoutServiceCreateRequest,
    PayoutServiceCreateResponse,
    PayoutServiceGetRequest,
    PayoutServiceGetResponse,
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
from orchestratorx_prism.v1.subscription_service_pb2 import (
    SubscriptionServiceCancelRequest,
    SubscriptionServiceCancelResponse,
    SubscriptionServiceCreateRequest,
    SubscriptionServiceCreateResponse,
    SubscriptionServiceGetRequest,
    SubscriptionServiceGetResponse,
    SubscriptionServiceRecordUsageRequest,
    SubscriptionServiceRecordUsageResponse,
    SubscriptionServiceUpdateRequest,
    SubscriptionServiceUpdateResponse,
)


class CustomerServiceCreateFields(TypedDict, total=False):
    """Who to make."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # What is known of them.
    profile: CustomerProfile | Mapping[str, Any]


class CustomerServiceGetFields(TypedDict, total=False):
    """Which customer."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer.
    connector_customer_id: str


class CustomerServiceUpdateFields(TypedDict, total=False):
    """What to change."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer.
    connector_customer_id: str
    # Fields that are set are changed; others stay.
    profile: CustomerProfile | Mapping[str, Any]


class CustomerServiceDeleteFields(TypedDict, total=False):
    """Who to remove."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer.
    connector_customer_id: str


class DisputeServiceDefendFields(TypedDict, total=False):
    """Which dispute to contest."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours.
    dispute_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # The provider's word for the ground of defence, where it asks for one: Adyen defenseReasonCode.
    defense_reason: str


class DisputeServiceSubmitEvidenceFields(TypedDict, total=False):
    """What to hand in."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours.
    dispute_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Documents.
    files: Iterable[EvidenceFile | Mapping[str, Any]]
    # Texts by the provider's name of the field: Stripe "uncategorized_text".
    texts: Mapping[str, str] | Iterable[tuple[str, str]]


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


class MandateServiceSetupFields(TypedDict, total=False):
    """Whose consent, for what."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer; Adyen: the shopperReference.
    connector_customer_id: str
    # What will be charged.
    instrument: Instrument | Mapping[str, Any]
    # The merchant's own reference.
    merchant_transaction_id: str
    # Where the provider sends the payer back to.
    return_url: str
    # ISO 4217, where the provider needs it for a check of zero.
    currency: str


class MandateServiceChargeFields(TypedDict, total=False):
    """What to charge."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the mandate.
    connector_mandate_id: str
    # How much. Minor units.
    amount: Money | Mapping[str, Any]
    # The merchant's own reference.
    merchant_transaction_id: str
    # The provider's id of the customer; Adyen: the shopperReference. Only where the provider needs it.
    connector_customer_id: str
    # What it is for, in a few words.
    description: str


class MandateServiceRevokeFields(TypedDict, total=False):
    """Which mandate to end."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the mandate.
    connector_mandate_id: str
    # The provider's id of the customer; Adyen: the shopperReference. Only where the provider needs it.
    connector_customer_id: str


class PaymentMethodServiceAttachFields(TypedDict, total=False):
    """What to save."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer; Adyen: the shopperReference.
    connector_customer_id: str
    # A token of what the payer entered.
    instrument: Instrument | Mapping[str, Any]


class PaymentMethodServiceGetFields(TypedDict, total=False):
    """Which method."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the saved method.
    connector_payment_method_id: str
    # The provider's id of the customer; Adyen: the shopperReference. Only where the provider needs it.
    connector_customer_id: str


class PaymentMethodServiceListFields(TypedDict, total=False):
    """Whose methods."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer; Adyen: the shopperReference.
    connector_customer_id: str
    # How many at most; 0 means 50; 100 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class PaymentMethodServiceDetachFields(TypedDict, total=False):
    """Which method to forget."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the saved method.
    connector_payment_method_id: str
    # The provider's id of the customer; Adyen: the shopperReference. Only where the provider needs it.
    connector_customer_id: str


class PaymentServiceAuthorizeFields(TypedDict, total=False):
    """What to ask the provider for."""

    # The caller's idempotency key: a repeat is the same request, and charges nobody twice. A UUID is best
    # (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector: "stripe". Empty: the router of the settings chooses.
    connector: str
    # How much. Minor units.
    amount: Money | Mapping[str, Any]
    # The merchant's own reference; shown to the payer by some providers. At most 80 characters.
    merchant_transaction_id: str
    # How the payer pays.
    instrument: Instrument | Mapping[str, Any]
    # When the money is taken.
    capture_mode: str | int
    # Where the provider sends the payer back to, after a redirect or 3-D Secure.
    return_url: str
    # The provider's id of the customer, for saved instruments and for saving this one.
    connector_customer_id: str
    # What it is for, in a few words, for the payer.
    description: str
    # The payer is not there: a saved instrument is charged by earlier consent.
    off_session: bool
    # Keep the instrument with the provider for later payments.
    save_instrument: bool
    # The payer's country, ISO 3166-1 alpha-2; routers and some payment methods need it.
    country: str
    # The payer's e-mail address, where a payment method needs it.
    payer_email: str
    # The merchant's own data, sent to providers that keep such.
    metadata: Mapping[str, str] | Iterable[tuple[str, str]]


class PaymentServiceConfirmRedirectFields(TypedDict, total=False):
    """What the payer came back with."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours.
    payment_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # The query parameters of the return URL, as they came: Adyen redirectResult, PayPal token.
    parameters: Mapping[str, str] | Iterable[tuple[str, str]]


class PaymentServiceIncrementAuthorizationFields(TypedDict, total=False):
    """How much more to reserve."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Ours.
    payment_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # By how much. Minor units.
    amount: Money | Mapping[str, Any]


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
    # The last capture: what is left of the reservation is released.
    final_capture: bool


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
    # Ask the provider first, and record what it says.
    refresh: bool


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


class PayoutServiceCreateFields(TypedDict, total=False):
    """What to send."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # How much. Minor units.
    amount: Money | Mapping[str, Any]
    # Where to.
    destination: PayoutDestination | Mapping[str, Any]
    # The merchant's own reference.
    merchant_payout_id: str
    # What for, in a few words, for who gets it.
    description: str


class PayoutServiceGetFields(TypedDict, total=False):
    """Which payout."""

    # Ours.
    payout_id: str
    # Which merchant. Empty: "default".
    merchant_id: str


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


class SubscriptionServiceCreateFields(TypedDict, total=False):
    """What to begin."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer; PayPal has none.
    connector_customer_id: str
    # The provider's id of the plan or price: "price_…", "P-…".
    connector_plan_id: str
    # How many of it; 0 means 1.
    quantity: int
    # The merchant's own reference of the subscription.
    merchant_subscription_id: str
    # Days before the first bill.
    trial_days: int
    # Where the provider sends the payer back to.
    return_url: str
    # What is charged; empty: the customer's default.
    connector_payment_method_id: str


class SubscriptionServiceGetFields(TypedDict, total=False):
    """Which subscription."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the subscription.
    connector_subscription_id: str


class SubscriptionServiceUpdateFields(TypedDict, total=False):
    """What to change."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the subscription.
    connector_subscription_id: str
    # The new plan or price; empty: as it is.
    connector_plan_id: str
    # How many; 0: as it is.
    quantity: int


class SubscriptionServiceCancelFields(TypedDict, total=False):
    """Which to end."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the subscription.
    connector_subscription_id: str
    # At the end of what is paid for; else at once.
    at_period_end: bool
    # Why, in a few words.
    cancel_reason: str


class SubscriptionServiceRecordUsageFields(TypedDict, total=False):
    """What was used."""

    # The caller's idempotency key (AIP-155).
    request_id: str
    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # The provider's id of the customer.
    connector_customer_id: str
    # The provider's name of the meter: Stripe's event_name.
    meter: str
    # How much, in the meter's own unit, as a decimal number in text.
    quantity: str
    # When; unset: now.
    used_at: Timestamp | datetime | str


class CustomerClient(ServiceClient):
    """Customers of one connector. Answers come from the provider itself."""

    service: ClassVar[str] = "orchestratorx_prism.v1.CustomerService"

    async def create(
        self,
        request: CustomerServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CustomerServiceCreateFields],
    ) -> CustomerServiceCreateResponse:
        """Makes a customer at the provider.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            profile: What is known of them.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CustomerServiceCreateRequest, request, fields)
        return await self._unary("Create", message, CustomerServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: CustomerServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CustomerServiceGetFields],
    ) -> CustomerServiceGetResponse:
        """What the provider knows.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CustomerServiceGetRequest, request, fields)
        return await self._unary("Get", message, CustomerServiceGetResponse, timeout_s)

    async def update(
        self,
        request: CustomerServiceUpdateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CustomerServiceUpdateFields],
    ) -> CustomerServiceUpdateResponse:
        """Changes what is set in the request.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer.
            profile: Fields that are set are changed; others stay.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CustomerServiceUpdateRequest, request, fields)
        return await self._unary("Update", message, CustomerServiceUpdateResponse, timeout_s)

    async def delete(
        self,
        request: CustomerServiceDeleteRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CustomerServiceDeleteFields],
    ) -> CustomerServiceDeleteResponse:
        """Removes the customer, with what is saved for them.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CustomerServiceDeleteRequest, request, fields)
        return await self._unary("Delete", message, CustomerServiceDeleteResponse, timeout_s)


class DisputeClient(ServiceClient):
    """Disputes. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    service: ClassVar[str] = "orchestratorx_prism.v1.DisputeService"

    async def defend(
        self,
        request: DisputeServiceDefendRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceDefendFields],
    ) -> DisputeServiceDefendResponse:
        """Contests the claim with what was submitted.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            dispute_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            defense_reason: The provider's word for the ground of defence, where it asks for one: Adyen
                defenseReasonCode.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DisputeServiceDefendRequest, request, fields)
        return await self._unary("Defend", message, DisputeServiceDefendResponse, timeout_s)

    async def submit_evidence(
        self,
        request: DisputeServiceSubmitEvidenceRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DisputeServiceSubmitEvidenceFields],
    ) -> DisputeServiceSubmitEvidenceResponse:
        """Hands evidence to the provider; where it tells the two apart, Defend sends it to the bank.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            dispute_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            files: Documents.
            texts: Texts by the provider's name of the field: Stripe "uncategorized_text".
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DisputeServiceSubmitEvidenceRequest, request, fields)
        return await self._unary("SubmitEvidence", message, DisputeServiceSubmitEvidenceResponse, timeout_s)

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


class MandateClient(ServiceClient):
    """Mandates of one connector."""

    service: ClassVar[str] = "orchestratorx_prism.v1.MandateService"

    async def setup(
        self,
        request: MandateServiceSetupRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MandateServiceSetupFields],
    ) -> MandateServiceSetupResponse:
        """Asks for the consent.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference.
            instrument: What will be charged.
            merchant_transaction_id: The merchant's own reference.
            return_url: Where the provider sends the payer back to.
            currency: ISO 4217, where the provider needs it for a check of zero.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MandateServiceSetupRequest, request, fields)
        return await self._unary("Setup", message, MandateServiceSetupResponse, timeout_s)

    async def charge(
        self,
        request: MandateServiceChargeRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MandateServiceChargeFields],
    ) -> MandateServiceChargeResponse:
        """Charges by it, without the payer.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_mandate_id: The provider's id of the mandate.
            amount: How much. Minor units.
            merchant_transaction_id: The merchant's own reference.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference. Only where the
                provider needs it.
            description: What it is for, in a few words.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MandateServiceChargeRequest, request, fields)
        return await self._unary("Charge", message, MandateServiceChargeResponse, timeout_s)

    async def revoke(
        self,
        request: MandateServiceRevokeRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MandateServiceRevokeFields],
    ) -> MandateServiceRevokeResponse:
        """Ends it.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_mandate_id: The provider's id of the mandate.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference. Only where the
                provider needs it.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MandateServiceRevokeRequest, request, fields)
        return await self._unary("Revoke", message, MandateServiceRevokeResponse, timeout_s)


class PaymentMethodClient(ServiceClient):
    """Saved payment methods of one connector. Answers come from the provider itself."""

    service: ClassVar[str] = "orchestratorx_prism.v1.PaymentMethodService"

    async def attach(
        self,
        request: PaymentMethodServiceAttachRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentMethodServiceAttachFields],
    ) -> PaymentMethodServiceAttachResponse:
        """Saves a payment method for a customer.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference.
            instrument: A token of what the payer entered.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentMethodServiceAttachRequest, request, fields)
        return await self._unary("Attach", message, PaymentMethodServiceAttachResponse, timeout_s)

    async def get(
        self,
        request: PaymentMethodServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentMethodServiceGetFields],
    ) -> PaymentMethodServiceGetResponse:
        """One saved method.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_payment_method_id: The provider's id of the saved method.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference. Only where the
                provider needs it.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentMethodServiceGetRequest, request, fields)
        return await self._unary("Get", message, PaymentMethodServiceGetResponse, timeout_s)

    async def list(
        self,
        request: PaymentMethodServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentMethodServiceListFields],
    ) -> PaymentMethodServiceListResponse:
        """A customer's saved methods.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference.
            page_size: How many at most; 0 means 50; 100 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentMethodServiceListRequest, request, fields)
        return await self._unary("List", message, PaymentMethodServiceListResponse, timeout_s)

    def iterate(
        self,
        request: PaymentMethodServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentMethodServiceListFields],
    ) -> AsyncIterator[PaymentMethodData]:
        """As `list`, page after page, one by one.

        A customer's saved methods.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference.
            page_size: How many at most; 0 means 50; 100 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentMethodServiceListRequest, request, fields)
        return self._pages("List", message, PaymentMethodServiceListResponse, "payment_methods", timeout_s)

    async def detach(
        self,
        request: PaymentMethodServiceDetachRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentMethodServiceDetachFields],
    ) -> PaymentMethodServiceDetachResponse:
        """Forgets a saved method.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_payment_method_id: The provider's id of the saved method.
            connector_customer_id: The provider's id of the customer; Adyen: the shopperReference. Only where the
                provider needs it.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentMethodServiceDetachRequest, request, fields)
        return await self._unary("Detach", message, PaymentMethodServiceDetachResponse, timeout_s)


class PaymentClient(ServiceClient):
    """Payments. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    service: ClassVar[str] = "orchestratorx_prism.v1.PaymentService"

    async def authorize(
        self,
        request: PaymentServiceAuthorizeRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceAuthorizeFields],
    ) -> PaymentServiceAuthorizeResponse:
        """Reserves or takes money. A refusal by the issuer is an answer: the payment's status is FAILED.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key: a repeat is the same request, and charges nobody twice. A UUID
                is best (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector: "stripe". Empty: the router of the settings chooses.
            amount: How much. Minor units.
            merchant_transaction_id: The merchant's own reference; shown to the payer by some providers. At most 80
                characters.
            instrument: How the payer pays.
            capture_mode: When the money is taken.
            return_url: Where the provider sends the payer back to, after a redirect or 3-D Secure.
            connector_customer_id: The provider's id of the customer, for saved instruments and for saving this one.
            description: What it is for, in a few words, for the payer.
            off_session: The payer is not there: a saved instrument is charged by earlier consent.
            save_instrument: Keep the instrument with the provider for later payments.
            country: The payer's country, ISO 3166-1 alpha-2; routers and some payment methods need it.
            payer_email: The payer's e-mail address, where a payment method needs it.
            metadata: The merchant's own data, sent to providers that keep such.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceAuthorizeRequest, request, fields)
        return await self._unary("Authorize", message, PaymentServiceAuthorizeResponse, timeout_s)

    async def confirm_redirect(
        self,
        request: PaymentServiceConfirmRedirectRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceConfirmRedirectFields],
    ) -> PaymentServiceConfirmRedirectResponse:
        """Goes on after the payer came back from `next_action`.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            payment_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            parameters: The query parameters of the return URL, as they came: Adyen redirectResult, PayPal token.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceConfirmRedirectRequest, request, fields)
        return await self._unary("ConfirmRedirect", message, PaymentServiceConfirmRedirectResponse, timeout_s)

    async def increment_authorization(
        self,
        request: PaymentServiceIncrementAuthorizationRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceIncrementAuthorizationFields],
    ) -> PaymentServiceIncrementAuthorizationResponse:
        """Reserves more for an authorized payment.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            payment_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            amount: By how much. Minor units.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PaymentServiceIncrementAuthorizationRequest, request, fields)
        return await self._unary(
            "IncrementAuthorization", message, PaymentServiceIncrementAuthorizationResponse, timeout_s
        )

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
            final_capture: The last capture: what is left of the reservation is released.
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
            refresh: Ask the provider first, and record what it says.
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


class PayoutClient(ServiceClient):
    """Payouts."""

    service: ClassVar[str] = "orchestratorx_prism.v1.PayoutService"

    async def create(
        self,
        request: PayoutServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PayoutServiceCreateFields],
    ) -> PayoutServiceCreateResponse:
        """Sends money.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            amount: How much. Minor units.
            destination: Where to.
            merchant_payout_id: The merchant's own reference.
            description: What for, in a few words, for who gets it.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PayoutServiceCreateRequest, request, fields)
        return await self._unary("Create", message, PayoutServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: PayoutServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PayoutServiceGetFields],
    ) -> PayoutServiceGetResponse:
        """One payout's current state.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            payout_id: Ours.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PayoutServiceGetRequest, request, fields)
        return await self._unary("Get", message, PayoutServiceGetResponse, timeout_s)


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


class SubscriptionClient(ServiceClient):
    """Subscriptions of one connector: Stripe Billing, PayPal Subscriptions. Answers come from the provider itself."""

    service: ClassVar[str] = "orchestratorx_prism.v1.SubscriptionService"

    async def create(
        self,
        request: SubscriptionServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[SubscriptionServiceCreateFields],
    ) -> SubscriptionServiceCreateResponse:
        """Begins one.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer; PayPal has none.
            connector_plan_id: The provider's id of the plan or price: "price_…", "P-…".
            quantity: How many of it; 0 means 1.
            merchant_subscription_id: The merchant's own reference of the subscription.
            trial_days: Days before the first bill.
            return_url: Where the provider sends the payer back to.
            connector_payment_method_id: What is charged; empty: the customer's default.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(SubscriptionServiceCreateRequest, request, fields)
        return await self._unary("Create", message, SubscriptionServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: SubscriptionServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[SubscriptionServiceGetFields],
    ) -> SubscriptionServiceGetResponse:
        """What the provider knows.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_subscription_id: The provider's id of the subscription.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(SubscriptionServiceGetRequest, request, fields)
        return await self._unary("Get", message, SubscriptionServiceGetResponse, timeout_s)

    async def update(
        self,
        request: SubscriptionServiceUpdateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[SubscriptionServiceUpdateFields],
    ) -> SubscriptionServiceUpdateResponse:
        """Changes its plan or quantity.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_subscription_id: The provider's id of the subscription.
            connector_plan_id: The new plan or price; empty: as it is.
            quantity: How many; 0: as it is.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(SubscriptionServiceUpdateRequest, request, fields)
        return await self._unary("Update", message, SubscriptionServiceUpdateResponse, timeout_s)

    async def cancel(
        self,
        request: SubscriptionServiceCancelRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[SubscriptionServiceCancelFields],
    ) -> SubscriptionServiceCancelResponse:
        """Ends it.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_subscription_id: The provider's id of the subscription.
            at_period_end: At the end of what is paid for; else at once.
            cancel_reason: Why, in a few words.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(SubscriptionServiceCancelRequest, request, fields)
        return await self._unary("Cancel", message, SubscriptionServiceCancelResponse, timeout_s)

    async def record_usage(
        self,
        request: SubscriptionServiceRecordUsageRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[SubscriptionServiceRecordUsageFields],
    ) -> SubscriptionServiceRecordUsageResponse:
        """Reports metered use.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            request_id: The caller's idempotency key (AIP-155). Made here if it is empty.
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            connector_customer_id: The provider's id of the customer.
            meter: The provider's name of the meter: Stripe's event_name.
            quantity: How much, in the meter's own unit, as a decimal number in text.
            used_at: When; unset: now.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(SubscriptionServiceRecordUsageRequest, request, fields)
        return await self._unary("RecordUsage", message, SubscriptionServiceRecordUsageResponse, timeout_s)
