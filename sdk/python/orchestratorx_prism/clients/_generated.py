"""Clients of every service, and what their requests may be made of.

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypedDict, Unpack

from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism.clients.base import ServiceClient
from orchestratorx_prism.v1.api_key_service_pb2 import (
    ApiKey,
    ApiKeyServiceCreateRequest,
    ApiKeyServiceCreateResponse,
    ApiKeyServiceGetRequest,
    ApiKeyServiceGetResponse,
    ApiKeyServiceListRequest,
    ApiKeyServiceListResponse,
    ApiKeyServiceRevokeRequest,
    ApiKeyServiceRevokeResponse,
    ApiKeyServiceRotateRequest,
    ApiKeyServiceRotateResponse,
)
from orchestratorx_prism.v1.audit_service_pb2 import (
    AuditEntry,
    AuditServiceListRequest,
    AuditServiceListResponse,
    AuditServiceVerifyRequest,
    AuditServiceVerifyResponse,
)
from orchestratorx_prism.v1.credential_service_pb2 import (
    CredentialServiceDeleteRequest,
    CredentialServiceDeleteResponse,
    CredentialServiceGetRequest,
    CredentialServiceGetResponse,
    CredentialServiceListRequest,
    CredentialServiceListResponse,
    CredentialServicePutRequest,
    CredentialServicePutResponse,
)
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
from orchestratorx_prism.v1.delivery_service_pb2 import (
    Delivery,
    DeliveryFilter,
    DeliveryServiceGetRequest,
    DeliveryServiceGetResponse,
    DeliveryServiceListRequest,
    DeliveryServiceListResponse,
    DeliveryServiceReplayManyRequest,
    DeliveryServiceReplayManyResponse,
    DeliveryServiceReplayRequest,
    DeliveryServiceReplayResponse,
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
from orchestratorx_prism.v1.event_data_pb2 import PaymentMethodData, PayoutData
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
from orchestratorx_prism.v1.merchant_pb2 import Merchant
from orchestratorx_prism.v1.merchant_service_pb2 import (
    MerchantServiceCreateRequest,
    MerchantServiceCreateResponse,
    MerchantServiceGetRequest,
    MerchantServiceGetResponse,
    MerchantServiceListRequest,
    MerchantServiceListResponse,
    MerchantServiceUpdateRequest,
    MerchantServiceUpdateResponse,
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
    PayoutServiceListRequest,
    PayoutServiceListResponse,
)
from orchestratorx_prism.v1.reconciliation_service_pb2 import (
    ReconciliationServiceRegisterRequest,
    ReconciliationServiceRegisterResponse,
    ReconciliationServiceRunRequest,
    ReconciliationServiceRunResponse,
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
from orchestratorx_prism.v1.webhook_endpoint_service_pb2 import (
    WebhookEndpoint,
    WebhookEndpointServiceCreateRequest,
    WebhookEndpointServiceCreateResponse,
    WebhookEndpointServiceDeleteRequest,
    WebhookEndpointServiceDeleteResponse,
    WebhookEndpointServiceGetRequest,
    WebhookEndpointServiceGetResponse,
    WebhookEndpointServiceListRequest,
    WebhookEndpointServiceListResponse,
    WebhookEndpointServicePingRequest,
    WebhookEndpointServicePingResponse,
    WebhookEndpointServiceRecoverRequest,
    WebhookEndpointServiceRecoverResponse,
    WebhookEndpointServiceRotateSecretRequest,
    WebhookEndpointServiceRotateSecretResponse,
    WebhookEndpointServiceUpdateRequest,
    WebhookEndpointServiceUpdateResponse,
    WebhookEventTypes,
    WebhookHeaders,
)


class ApiKeyServiceCreateFields(TypedDict, total=False):
    """The key to make."""

    # Whose. Empty: "default". "*": for every merchant.
    merchant_id: str
    # For people.
    name: str
    # What it may do. At least one; none that the caller does not have.
    scopes: Iterable[str]
    # When it ends; unset: never.
    expires_at: Timestamp | datetime | str
    # The most calls a minute; 0: the installation's limit.
    calls_per_minute: int


class ApiKeyServiceGetFields(TypedDict, total=False):
    """Which key."""

    # Its id.
    key_id: str
    # Whose. Empty: "default".
    merchant_id: str


class ApiKeyServiceListFields(TypedDict, total=False):
    """Whose keys, and which page."""

    # Whose. Empty: "default".
    merchant_id: str
    # Also those that are expired or revoked.
    ended: bool
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class ApiKeyServiceRotateFields(TypedDict, total=False):
    """Which key to make anew."""

    # Its id.
    key_id: str
    # Whose. Empty: "default".
    merchant_id: str
    # How long the old one still works; unset: 24 hours; at most 30 days. Seconds.
    overlap_s: int


class ApiKeyServiceRevokeFields(TypedDict, total=False):
    """Which key to end."""

    # Its id.
    key_id: str
    # Whose. Empty: "default".
    merchant_id: str


class AuditServiceListFields(TypedDict, total=False):
    """Which entries, and which page; empty fields do not filter."""

    # Whose. Empty: "default". "*": everybody's; for keys of the installation.
    merchant_id: str
    # Actions; "auth.*" is every one that begins so.
    actions: Iterable[str]
    # Who.
    actor: str
    # At or after.
    occurred_from: Timestamp | datetime | str
    # Before.
    occurred_until: Timestamp | datetime | str
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str
    # From the oldest on.
    oldest_first: bool


class AuditServiceVerifyFields(TypedDict, total=False):
    """The whole chain; for keys of the installation."""

    # A head that was kept elsewhere: the log must still have the entry whose hash it is. Empty: nothing to compare.
    known_head: bytes | str


class CredentialServicePutFields(TypedDict, total=False):
    """What to keep."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector: "stripe".
    connector: str
    # Of which of the provider's worlds. Unspecified: the merchant's own.
    environment: str | int
    # The provider's own names → values, as `orchestrator connectors` lists them: STRIPE_API_KEY → "sk_test_…".
    # Those of  webhook secrets (STRIPE_WEBHOOK_SECRET, several separated by commas) and of the webhook's id may
    # stand here too.
    values: Mapping[str, str] | Iterable[tuple[str, str]]
    # Every webhook secret in use, newest first; two while the provider rotates.
    webhook_secrets: Iterable[str]
    # PayPal: the webhook's id.
    webhook_id: str
    # Keep what is there and not named here, in place of putting all anew.
    keep_others: bool
    # With keep_others: how many of the webhook secrets that are kept stay valid, newest first, behind those given.
    # Unset:  all if none are given, else none. So a provider's rotation takes two calls: the new secret and 1, then
    # 1 alone.
    keep_webhook_secrets: int


class CredentialServiceGetFields(TypedDict, total=False):
    """Which credentials."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # Unspecified: the merchant's own.
    environment: str | int


class CredentialServiceListFields(TypedDict, total=False):
    """Whose credentials."""

    # Which merchant. Empty: "default".
    merchant_id: str


class CredentialServiceDeleteFields(TypedDict, total=False):
    """Which credentials to forget."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # Unspecified: the merchant's own.
    environment: str | int


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


class DeliveryServiceGetFields(TypedDict, total=False):
    """Which delivery."""

    # Its id.
    delivery_id: str
    # Whose. Empty: "default".
    merchant_id: str


class DeliveryServiceListFields(TypedDict, total=False):
    """Which deliveries, and which page."""

    # Which.
    filter: DeliveryFilter | Mapping[str, Any]
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str
    # Whose. Empty: "default".
    merchant_id: str
    # To which endpoint.
    endpoint_id: str
    # States.
    states: Iterable[str | int]
    # Types of events; "payment.*" is every one that begins so.
    event_types: Iterable[str]
    # Of which event.
    event_id: str
    # Of which payment.
    payment_id: str
    # Put in line at or after.
    created_from: Timestamp | datetime | str
    # Put in line before.
    created_until: Timestamp | datetime | str


class DeliveryServiceReplayFields(TypedDict, total=False):
    """Which delivery to send again."""

    # Its id.
    delivery_id: str
    # Whose. Empty: "default".
    merchant_id: str


class DeliveryServiceReplayManyFields(TypedDict, total=False):
    """What to send again."""

    # Which. States that are not named: FAILED and CANCELED.
    filter: DeliveryFilter | Mapping[str, Any]
    # Whose. Empty: "default".
    merchant_id: str
    # To which endpoint.
    endpoint_id: str
    # States.
    states: Iterable[str | int]
    # Types of events; "payment.*" is every one that begins so.
    event_types: Iterable[str]
    # Of which event.
    event_id: str
    # Of which payment.
    payment_id: str
    # Put in line at or after.
    created_from: Timestamp | datetime | str
    # Put in line before.
    created_until: Timestamp | datetime | str


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


class MerchantServiceCreateFields(TypedDict, total=False):
    """The merchant to make."""

    # Its id.
    merchant_id: str
    # For people. Empty: the id.
    display_name: str
    # Unspecified: the installation's.
    environment: str | int


class MerchantServiceGetFields(TypedDict, total=False):
    """Which merchant."""

    # Empty: "default".
    merchant_id: str


class MerchantServiceListFields(TypedDict, total=False):
    """Which page."""

    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class MerchantServiceUpdateFields(TypedDict, total=False):
    """What to change; fields that are not set stay."""

    # Empty: "default".
    merchant_id: str
    # For people.
    display_name: str
    # In which of the providers' worlds it works from now on.
    environment: str | int
    # Whether it is closed.
    disabled: bool


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
    # The payment's amount at least. Minor units; wants `currency`.
    amount_from: int
    # The payment's amount at most. Minor units; wants `currency`.
    amount_until: int
    # In which order.
    order: str | int


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


class PayoutServiceListFields(TypedDict, total=False):
    """Which payouts, and which page; empty fields do not filter."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Statuses.
    statuses: Iterable[str | int]
    # Connectors.
    connectors: Iterable[str]
    # First recorded at or after.
    created_from: Timestamp | datetime | str
    # First recorded before.
    created_until: Timestamp | datetime | str
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class ReconciliationServiceRunFields(TypedDict, total=False):
    """Whose list, and of when."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str
    # From when on; unset: from where the last run ended.
    since: Timestamp | datetime | str
    # Until when; unset: what is not so new that it may still come.
    until: Timestamp | datetime | str


class ReconciliationServiceRegisterFields(TypedDict, total=False):
    """Whose account."""

    # Which merchant. Empty: "default".
    merchant_id: str
    # Which connector.
    connector: str


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


class WebhookEndpointServiceCreateFields(TypedDict, total=False):
    """The endpoint to make."""

    # Whose. Empty: "default".
    merchant_id: str
    # Where to.
    url: str
    # For people.
    description: str
    # Which events. Empty: all.
    event_types: Iterable[str]
    # Headers of the merchant's own.
    headers: Mapping[str, str] | Iterable[tuple[str, str]]
    # The most requests under way at once; 0: 16.
    max_in_flight: int
    # The most requests a second; 0: no limit.
    per_second: int
    # A payment's events one after the other.
    ordered: bool
    # Also send X-Payments-Signature, X-Payments-Timestamp and X-Event-Type.
    payments_headers: bool
    # Also sign with an ed25519 key.
    asymmetric: bool


class WebhookEndpointServiceGetFields(TypedDict, total=False):
    """Which endpoint."""

    # Its id.
    endpoint_id: str
    # Whose. Empty: "default".
    merchant_id: str


class WebhookEndpointServiceListFields(TypedDict, total=False):
    """Whose endpoints, and which page."""

    # Whose. Empty: "default".
    merchant_id: str
    # How many at most; 0 means 50; 1,000 at most.
    page_size: int
    # The page, as given by the answer before; empty: the first.
    page_token: str


class WebhookEndpointServiceUpdateFields(TypedDict, total=False):
    """What to change; fields that are not set stay."""

    # Its id.
    endpoint_id: str
    # Whose. Empty: "default".
    merchant_id: str
    # Where to.
    url: str
    # For people.
    description: str
    # Which events, in place of those before.
    event_types: WebhookEventTypes | Mapping[str, Any]
    # Headers, in place of those before.
    headers: WebhookHeaders | Mapping[str, Any]
    # The most requests under way at once.
    max_in_flight: int
    # The most requests a second; 0: no limit.
    per_second: int
    # A payment's events one after the other.
    ordered: bool
    # Also send X-Payments-Signature, X-Payments-Timestamp and X-Event-Type.
    payments_headers: bool
    # Switch it on or off.
    enabled: bool


class WebhookEndpointServiceDeleteFields(TypedDict, total=False):
    """Which endpoint to forget."""

    # Its id.
    endpoint_id: str
    # Whose. Empty: "default".
    merchant_id: str


class WebhookEndpointServiceRotateSecretFields(TypedDict, total=False):
    """Whose secret to make anew."""

    # Its id.
    endpoint_id: str
    # Whose. Empty: "default".
    merchant_id: str
    # How long messages are signed with the old one too; unset: 24 hours; at most 30 days. Seconds.
    overlap_s: int


class WebhookEndpointServicePingFields(TypedDict, total=False):
    """Which endpoint to try."""

    # Its id.
    endpoint_id: str
    # Whose. Empty: "default".
    merchant_id: str


class WebhookEndpointServiceRecoverFields(TypedDict, total=False):
    """What to send again."""

    # Its id.
    endpoint_id: str
    # Whose. Empty: "default".
    merchant_id: str
    # Recorded at or after.
    since: Timestamp | datetime | str


class ApiKeyClient(ServiceClient):
    """API keys. A key's text is shown once, when it is made; what is kept is its prefix and its SHA-256."""

    service: ClassVar[str] = "orchestratorx_prism.v1.ApiKeyService"

    async def create(
        self,
        request: ApiKeyServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceCreateFields],
    ) -> ApiKeyServiceCreateResponse:
        """Makes a key.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". "*": for every merchant. The client's own if it is empty.
            name: For people.
            scopes: What it may do. At least one; none that the caller does not have.
            expires_at: When it ends; unset: never.
            calls_per_minute: The most calls a minute; 0: the installation's limit.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ApiKeyServiceCreateRequest, request, fields)
        return await self._unary("Create", message, ApiKeyServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: ApiKeyServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceGetFields],
    ) -> ApiKeyServiceGetResponse:
        """One key, without its text.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            key_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ApiKeyServiceGetRequest, request, fields)
        return await self._unary("Get", message, ApiKeyServiceGetResponse, timeout_s)

    async def list(
        self,
        request: ApiKeyServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceListFields],
    ) -> ApiKeyServiceListResponse:
        """A merchant's keys, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            ended: Also those that are expired or revoked.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ApiKeyServiceListRequest, request, fields)
        return await self._unary("List", message, ApiKeyServiceListResponse, timeout_s)

    def iterate(
        self,
        request: ApiKeyServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceListFields],
    ) -> AsyncIterator[ApiKey]:
        """As `list`, page after page, one by one.

        A merchant's keys, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            ended: Also those that are expired or revoked.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ApiKeyServiceListRequest, request, fields)
        return self._pages("List", message, ApiKeyServiceListResponse, "api_keys", timeout_s)

    async def rotate(
        self,
        request: ApiKeyServiceRotateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceRotateFields],
    ) -> ApiKeyServiceRotateResponse:
        """Makes another key with the same rights, and as long a life from now on; the old one ends after the overlap.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            key_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            overlap_s: How long the old one still works; unset: 24 hours; at most 30 days. Seconds.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ApiKeyServiceRotateRequest, request, fields)
        return await self._unary("Rotate", message, ApiKeyServiceRotateResponse, timeout_s)

    async def revoke(
        self,
        request: ApiKeyServiceRevokeRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceRevokeFields],
    ) -> ApiKeyServiceRevokeResponse:
        """Ends a key, within a second on every server.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            key_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ApiKeyServiceRevokeRequest, request, fields)
        return await self._unary("Revoke", message, ApiKeyServiceRevokeResponse, timeout_s)


class AuditClient(ServiceClient):
    """The audit log: rows are added, never changed."""

    service: ClassVar[str] = "orchestratorx_prism.v1.AuditService"

    async def list(
        self,
        request: AuditServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[AuditServiceListFields],
    ) -> AuditServiceListResponse:
        """Entries, newest first; oldest first to keep them elsewhere.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". "*": everybody's; for keys of the installation. The client's own
                if it is empty.
            actions: Actions; "auth.*" is every one that begins so.
            actor: Who.
            occurred_from: At or after.
            occurred_until: Before.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            oldest_first: From the oldest on.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(AuditServiceListRequest, request, fields)
        return await self._unary("List", message, AuditServiceListResponse, timeout_s)

    def iterate(
        self,
        request: AuditServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[AuditServiceListFields],
    ) -> AsyncIterator[AuditEntry]:
        """As `list`, page after page, one by one.

        Entries, newest first; oldest first to keep them elsewhere.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". "*": everybody's; for keys of the installation. The client's own
                if it is empty.
            actions: Actions; "auth.*" is every one that begins so.
            actor: Who.
            occurred_from: At or after.
            occurred_until: Before.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            oldest_first: From the oldest on.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(AuditServiceListRequest, request, fields)
        return self._pages("List", message, AuditServiceListResponse, "entries", timeout_s)

    async def verify(
        self,
        request: AuditServiceVerifyRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[AuditServiceVerifyFields],
    ) -> AuditServiceVerifyResponse:
        """Computes the chain anew.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            known_head: A head that was kept elsewhere: the log must still have the entry whose hash it is. Empty:
                nothing to compare.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(AuditServiceVerifyRequest, request, fields)
        return await self._unary("Verify", message, AuditServiceVerifyResponse, timeout_s)


class CredentialClient(ServiceClient):
    """Credentials of providers, encrypted at rest."""

    service: ClassVar[str] = "orchestratorx_prism.v1.CredentialService"

    async def put(
        self,
        request: CredentialServicePutRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CredentialServicePutFields],
    ) -> CredentialServicePutResponse:
        """Puts a merchant's credentials for one connector and environment in place of what was there.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector: "stripe".
            environment: Of which of the provider's worlds. Unspecified: the merchant's own.
            values: The provider's own names → values, as `orchestrator connectors` lists them: STRIPE_API_KEY →
                "sk_test_…". Those of  webhook secrets (STRIPE_WEBHOOK_SECRET, several separated by commas) and of
                the webhook's id may stand here too.
            webhook_secrets: Every webhook secret in use, newest first; two while the provider rotates.
            webhook_id: PayPal: the webhook's id.
            keep_others: Keep what is there and not named here, in place of putting all anew.
            keep_webhook_secrets: With keep_others: how many of the webhook secrets that are kept stay valid, newest
                first, behind those given. Unset:  all if none are given, else none. So a provider's rotation takes
                two calls: the new secret and 1, then 1 alone.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CredentialServicePutRequest, request, fields)
        return await self._unary("Put", message, CredentialServicePutResponse, timeout_s)

    async def get(
        self,
        request: CredentialServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CredentialServiceGetFields],
    ) -> CredentialServiceGetResponse:
        """What is kept, masked.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            environment: Unspecified: the merchant's own.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CredentialServiceGetRequest, request, fields)
        return await self._unary("Get", message, CredentialServiceGetResponse, timeout_s)

    async def list(
        self,
        request: CredentialServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CredentialServiceListFields],
    ) -> CredentialServiceListResponse:
        """All of a merchant's, masked.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CredentialServiceListRequest, request, fields)
        return await self._unary("List", message, CredentialServiceListResponse, timeout_s)

    async def delete(
        self,
        request: CredentialServiceDeleteRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[CredentialServiceDeleteFields],
    ) -> CredentialServiceDeleteResponse:
        """Forgets them.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            environment: Unspecified: the merchant's own.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(CredentialServiceDeleteRequest, request, fields)
        return await self._unary("Delete", message, CredentialServiceDeleteResponse, timeout_s)


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


class DeliveryClient(ServiceClient):
    """Deliveries."""

    service: ClassVar[str] = "orchestratorx_prism.v1.DeliveryService"

    async def get(
        self,
        request: DeliveryServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DeliveryServiceGetFields],
    ) -> DeliveryServiceGetResponse:
        """One delivery with its attempts.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            delivery_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DeliveryServiceGetRequest, request, fields)
        return await self._unary("Get", message, DeliveryServiceGetResponse, timeout_s)

    async def list(
        self,
        request: DeliveryServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DeliveryServiceListFields],
    ) -> DeliveryServiceListResponse:
        """Deliveries, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            filter: Which.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            endpoint_id: To which endpoint.
            states: States.
            event_types: Types of events; "payment.*" is every one that begins so.
            event_id: Of which event.
            payment_id: Of which payment.
            created_from: Put in line at or after.
            created_until: Put in line before.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DeliveryServiceListRequest, request, fields)
        return await self._unary("List", message, DeliveryServiceListResponse, timeout_s)

    def iterate(
        self,
        request: DeliveryServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DeliveryServiceListFields],
    ) -> AsyncIterator[Delivery]:
        """As `list`, page after page, one by one.

        Deliveries, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            filter: Which.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            endpoint_id: To which endpoint.
            states: States.
            event_types: Types of events; "payment.*" is every one that begins so.
            event_id: Of which event.
            payment_id: Of which payment.
            created_from: Put in line at or after.
            created_until: Put in line before.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DeliveryServiceListRequest, request, fields)
        return self._pages("List", message, DeliveryServiceListResponse, "deliveries", timeout_s)

    async def replay(
        self,
        request: DeliveryServiceReplayRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DeliveryServiceReplayFields],
    ) -> DeliveryServiceReplayResponse:
        """Sends one again, under the same webhook id.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            delivery_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DeliveryServiceReplayRequest, request, fields)
        return await self._unary("Replay", message, DeliveryServiceReplayResponse, timeout_s)

    async def replay_many(
        self,
        request: DeliveryServiceReplayManyRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DeliveryServiceReplayManyFields],
    ) -> DeliveryServiceReplayManyResponse:
        """Sends again everything that a filter chooses.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            filter: Which. States that are not named: FAILED and CANCELED.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            endpoint_id: To which endpoint.
            states: States.
            event_types: Types of events; "payment.*" is every one that begins so.
            event_id: Of which event.
            payment_id: Of which payment.
            created_from: Put in line at or after.
            created_until: Put in line before.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(DeliveryServiceReplayManyRequest, request, fields)
        return await self._unary("ReplayMany", message, DeliveryServiceReplayManyResponse, timeout_s)


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


class MerchantClient(ServiceClient):
    """Merchants. A merchant's own key sees and changes that merchant alone."""

    service: ClassVar[str] = "orchestratorx_prism.v1.MerchantService"

    async def create(
        self,
        request: MerchantServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MerchantServiceCreateFields],
    ) -> MerchantServiceCreateResponse:
        """Makes a merchant.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Its id. The client's own if it is empty.
            display_name: For people. Empty: the id.
            environment: Unspecified: the installation's.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MerchantServiceCreateRequest, request, fields)
        return await self._unary("Create", message, MerchantServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: MerchantServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MerchantServiceGetFields],
    ) -> MerchantServiceGetResponse:
        """One merchant.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MerchantServiceGetRequest, request, fields)
        return await self._unary("Get", message, MerchantServiceGetResponse, timeout_s)

    async def list(
        self,
        request: MerchantServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MerchantServiceListFields],
    ) -> MerchantServiceListResponse:
        """Merchants, by id; with a merchant's own key that one alone.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MerchantServiceListRequest, request, fields)
        return await self._unary("List", message, MerchantServiceListResponse, timeout_s)

    def iterate(
        self,
        request: MerchantServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MerchantServiceListFields],
    ) -> AsyncIterator[Merchant]:
        """As `list`, page after page, one by one.

        Merchants, by id; with a merchant's own key that one alone.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MerchantServiceListRequest, request, fields)
        return self._pages("List", message, MerchantServiceListResponse, "merchants", timeout_s)

    async def update(
        self,
        request: MerchantServiceUpdateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MerchantServiceUpdateFields],
    ) -> MerchantServiceUpdateResponse:
        """Changes a merchant.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Empty: "default". The client's own if it is empty.
            display_name: For people.
            environment: In which of the providers' worlds it works from now on.
            disabled: Whether it is closed.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(MerchantServiceUpdateRequest, request, fields)
        return await self._unary("Update", message, MerchantServiceUpdateResponse, timeout_s)


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
        """Payments, newest first or in another order.

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
            amount_from: The payment's amount at least. Minor units; wants `currency`.
            amount_until: The payment's amount at most. Minor units; wants `currency`.
            order: In which order.
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

        Payments, newest first or in another order.

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
            amount_from: The payment's amount at least. Minor units; wants `currency`.
            amount_until: The payment's amount at most. Minor units; wants `currency`.
            order: In which order.
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

    async def list(
        self,
        request: PayoutServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PayoutServiceListFields],
    ) -> PayoutServiceListResponse:
        """Payouts, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            statuses: Statuses.
            connectors: Connectors.
            created_from: First recorded at or after.
            created_until: First recorded before.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PayoutServiceListRequest, request, fields)
        return await self._unary("List", message, PayoutServiceListResponse, timeout_s)

    def iterate(
        self,
        request: PayoutServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PayoutServiceListFields],
    ) -> AsyncIterator[PayoutData]:
        """As `list`, page after page, one by one.

        Payouts, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            statuses: Statuses.
            connectors: Connectors.
            created_from: First recorded at or after.
            created_until: First recorded before.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(PayoutServiceListRequest, request, fields)
        return self._pages("List", message, PayoutServiceListResponse, "payouts", timeout_s)


class ReconciliationClient(ServiceClient):
    """Reconciliation."""

    service: ClassVar[str] = "orchestratorx_prism.v1.ReconciliationService"

    async def run(
        self,
        request: ReconciliationServiceRunRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ReconciliationServiceRunFields],
    ) -> ReconciliationServiceRunResponse:
        """Fetches the provider's own list from where the last run ended, and records what is missing.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            since: From when on; unset: from where the last run ended.
            until: Until when; unset: what is not so new that it may still come.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ReconciliationServiceRunRequest, request, fields)
        return await self._unary("Run", message, ReconciliationServiceRunResponse, timeout_s)

    async def register(
        self,
        request: ReconciliationServiceRegisterRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ReconciliationServiceRegisterFields],
    ) -> ReconciliationServiceRegisterResponse:
        """Registers the account for the provider's list, where that has to be done once: M-Pesa's Pull Transactions.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Which merchant. Empty: "default". The client's own if it is empty.
            connector: Which connector.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(ReconciliationServiceRegisterRequest, request, fields)
        return await self._unary("Register", message, ReconciliationServiceRegisterResponse, timeout_s)


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


class WebhookEndpointClient(ServiceClient):
    """Endpoints."""

    service: ClassVar[str] = "orchestratorx_prism.v1.WebhookEndpointService"

    async def create(
        self,
        request: WebhookEndpointServiceCreateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceCreateFields],
    ) -> WebhookEndpointServiceCreateResponse:
        """Makes an endpoint; it gets what is recorded from then on.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            url: Where to.
            description: For people.
            event_types: Which events. Empty: all.
            headers: Headers of the merchant's own.
            max_in_flight: The most requests under way at once; 0: 16.
            per_second: The most requests a second; 0: no limit.
            ordered: A payment's events one after the other.
            payments_headers: Also send X-Payments-Signature, X-Payments-Timestamp and X-Event-Type.
            asymmetric: Also sign with an ed25519 key.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceCreateRequest, request, fields)
        return await self._unary("Create", message, WebhookEndpointServiceCreateResponse, timeout_s)

    async def get(
        self,
        request: WebhookEndpointServiceGetRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceGetFields],
    ) -> WebhookEndpointServiceGetResponse:
        """One endpoint.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            endpoint_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceGetRequest, request, fields)
        return await self._unary("Get", message, WebhookEndpointServiceGetResponse, timeout_s)

    async def list(
        self,
        request: WebhookEndpointServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceListFields],
    ) -> WebhookEndpointServiceListResponse:
        """A merchant's endpoints, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceListRequest, request, fields)
        return await self._unary("List", message, WebhookEndpointServiceListResponse, timeout_s)

    def iterate(
        self,
        request: WebhookEndpointServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceListFields],
    ) -> AsyncIterator[WebhookEndpoint]:
        """As `list`, page after page, one by one.

        A merchant's endpoints, newest first.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            page_size: How many at most; 0 means 50; 1,000 at most.
            page_token: The page, as given by the answer before; empty: the first.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceListRequest, request, fields)
        return self._pages("List", message, WebhookEndpointServiceListResponse, "endpoints", timeout_s)

    async def update(
        self,
        request: WebhookEndpointServiceUpdateRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceUpdateFields],
    ) -> WebhookEndpointServiceUpdateResponse:
        """Changes an endpoint.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            endpoint_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            url: Where to.
            description: For people.
            event_types: Which events, in place of those before.
            headers: Headers, in place of those before.
            max_in_flight: The most requests under way at once.
            per_second: The most requests a second; 0: no limit.
            ordered: A payment's events one after the other.
            payments_headers: Also send X-Payments-Signature, X-Payments-Timestamp and X-Event-Type.
            enabled: Switch it on or off.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceUpdateRequest, request, fields)
        return await self._unary("Update", message, WebhookEndpointServiceUpdateResponse, timeout_s)

    async def delete(
        self,
        request: WebhookEndpointServiceDeleteRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceDeleteFields],
    ) -> WebhookEndpointServiceDeleteResponse:
        """Forgets an endpoint; what was not delivered to it is not.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            endpoint_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceDeleteRequest, request, fields)
        return await self._unary("Delete", message, WebhookEndpointServiceDeleteResponse, timeout_s)

    async def rotate_secret(
        self,
        request: WebhookEndpointServiceRotateSecretRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceRotateSecretFields],
    ) -> WebhookEndpointServiceRotateSecretResponse:
        """Makes a new secret; messages are signed with both until the overlap ends.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            endpoint_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            overlap_s: How long messages are signed with the old one too; unset: 24 hours; at most 30 days. Seconds.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceRotateSecretRequest, request, fields)
        return await self._unary("RotateSecret", message, WebhookEndpointServiceRotateSecretResponse, timeout_s)

    async def ping(
        self,
        request: WebhookEndpointServicePingRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServicePingFields],
    ) -> WebhookEndpointServicePingResponse:
        """Sends a test message now, and says what came back.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            endpoint_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServicePingRequest, request, fields)
        return await self._unary("Ping", message, WebhookEndpointServicePingResponse, timeout_s)

    async def recover(
        self,
        request: WebhookEndpointServiceRecoverRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceRecoverFields],
    ) -> WebhookEndpointServiceRecoverResponse:
        """Sends again everything recorded since a time that the endpoint has not got.

        Args:
            request: All fields at once, as a dict or a message. Or as keywords:
            endpoint_id: Its id.
            merchant_id: Whose. Empty: "default". The client's own if it is empty.
            since: Recorded at or after.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            PrismError: The call was refused; `reason` says why.
        """
        message = self._request(WebhookEndpointServiceRecoverRequest, request, fields)
        return await self._unary("Recover", message, WebhookEndpointServiceRecoverResponse, timeout_s)
