"""Blocking twins of the generated clients.

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from orchestratorx_prism.clients import _generated
from orchestratorx_prism.clients._generated import (
    ApiKeyServiceCreateFields,
    ApiKeyServiceGetFields,
    ApiKeyServiceListFields,
    ApiKeyServiceRevokeFields,
    ApiKeyServiceRotateFields,
    AuditServiceListFields,
    AuditServiceVerifyFields,
    CredentialServiceDeleteFields,
    CredentialServiceGetFields,
    CredentialServiceListFields,
    CredentialServicePutFields,
    CustomerServiceCreateFields,
    CustomerServiceDeleteFields,
    CustomerServiceGetFields,
    CustomerServiceUpdateFields,
    DeliveryServiceGetFields,
    DeliveryServiceListFields,
    DeliveryServiceReplayFields,
    DeliveryServiceReplayManyFields,
    DisputeServiceAcceptFields,
    DisputeServiceDefendFields,
    DisputeServiceGetFields,
    DisputeServiceListFields,
    DisputeServiceSubmitEvidenceFields,
    MandateServiceChargeFields,
    MandateServiceRevokeFields,
    MandateServiceSetupFields,
    MerchantServiceCreateFields,
    MerchantServiceGetFields,
    MerchantServiceListFields,
    MerchantServiceUpdateFields,
    PaymentMethodServiceAttachFields,
    PaymentMethodServiceDetachFields,
    PaymentMethodServiceGetFields,
    PaymentMethodServiceListFields,
    PaymentServiceAuthorizeFields,
    PaymentServiceCaptureFields,
    PaymentServiceConfirmRedirectFields,
    PaymentServiceGetFields,
    PaymentServiceIncrementAuthorizationFields,
    PaymentServiceListFields,
    PaymentServiceVoidFields,
    PayoutServiceCreateFields,
    PayoutServiceGetFields,
    PayoutServiceListFields,
    ReconciliationServiceRegisterFields,
    ReconciliationServiceRunFields,
    RefundServiceCreateFields,
    RefundServiceGetFields,
    RefundServiceListFields,
    ReplayEventsFields,
    SubscriptionServiceCancelFields,
    SubscriptionServiceCreateFields,
    SubscriptionServiceGetFields,
    SubscriptionServiceRecordUsageFields,
    SubscriptionServiceUpdateFields,
    WebhookEndpointServiceCreateFields,
    WebhookEndpointServiceDeleteFields,
    WebhookEndpointServiceGetFields,
    WebhookEndpointServiceListFields,
    WebhookEndpointServicePingFields,
    WebhookEndpointServiceRecoverFields,
    WebhookEndpointServiceRotateSecretFields,
    WebhookEndpointServiceUpdateFields,
)
from orchestratorx_prism.clients.blocking import BlockingClient
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
)
from orchestratorx_prism.v1.event_data_pb2 import PaymentMethodData, PayoutData
from orchestratorx_prism.v1.event_service_pb2 import ReplayEventsRequest, ReplayEventsResponse
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
)


class ApiKeyClient(BlockingClient[_generated.ApiKeyClient]):
    """API keys. A key's text is shown once, when it is made; what is kept is its prefix and its SHA-256."""

    _twin = _generated.ApiKeyClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: ApiKeyServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ApiKeyServiceListFields],
    ) -> Iterator[ApiKey]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))

    def rotate(
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
        return self._run(self._client.rotate(request, timeout_s=timeout_s, **fields))

    def revoke(
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
        return self._run(self._client.revoke(request, timeout_s=timeout_s, **fields))


class AuditClient(BlockingClient[_generated.AuditClient]):
    """The audit log: rows are added, never changed."""

    _twin = _generated.AuditClient

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: AuditServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[AuditServiceListFields],
    ) -> Iterator[AuditEntry]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))

    def verify(
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
        return self._run(self._client.verify(request, timeout_s=timeout_s, **fields))


class CredentialClient(BlockingClient[_generated.CredentialClient]):
    """Credentials of providers, encrypted at rest."""

    _twin = _generated.CredentialClient

    def put(
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
        return self._run(self._client.put(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def delete(
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
        return self._run(self._client.delete(request, timeout_s=timeout_s, **fields))


class CustomerClient(BlockingClient[_generated.CustomerClient]):
    """Customers of one connector. Answers come from the provider itself."""

    _twin = _generated.CustomerClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def update(
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
        return self._run(self._client.update(request, timeout_s=timeout_s, **fields))

    def delete(
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
        return self._run(self._client.delete(request, timeout_s=timeout_s, **fields))


class DeliveryClient(BlockingClient[_generated.DeliveryClient]):
    """Deliveries."""

    _twin = _generated.DeliveryClient

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: DeliveryServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[DeliveryServiceListFields],
    ) -> Iterator[Delivery]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))

    def replay(
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
        return self._run(self._client.replay(request, timeout_s=timeout_s, **fields))

    def replay_many(
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
        return self._run(self._client.replay_many(request, timeout_s=timeout_s, **fields))


class DisputeClient(BlockingClient[_generated.DisputeClient]):
    """Disputes. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    _twin = _generated.DisputeClient

    def defend(
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
        return self._run(self._client.defend(request, timeout_s=timeout_s, **fields))

    def submit_evidence(
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
        return self._run(self._client.submit_evidence(request, timeout_s=timeout_s, **fields))

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


class MandateClient(BlockingClient[_generated.MandateClient]):
    """Mandates of one connector."""

    _twin = _generated.MandateClient

    def setup(
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
        return self._run(self._client.setup(request, timeout_s=timeout_s, **fields))

    def charge(
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
        return self._run(self._client.charge(request, timeout_s=timeout_s, **fields))

    def revoke(
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
        return self._run(self._client.revoke(request, timeout_s=timeout_s, **fields))


class MerchantClient(BlockingClient[_generated.MerchantClient]):
    """Merchants. A merchant's own key sees and changes that merchant alone."""

    _twin = _generated.MerchantClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: MerchantServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[MerchantServiceListFields],
    ) -> Iterator[Merchant]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))

    def update(
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
        return self._run(self._client.update(request, timeout_s=timeout_s, **fields))


class PaymentMethodClient(BlockingClient[_generated.PaymentMethodClient]):
    """Saved payment methods of one connector. Answers come from the provider itself."""

    _twin = _generated.PaymentMethodClient

    def attach(
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
        return self._run(self._client.attach(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: PaymentMethodServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentMethodServiceListFields],
    ) -> Iterator[PaymentMethodData]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))

    def detach(
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
        return self._run(self._client.detach(request, timeout_s=timeout_s, **fields))


class PaymentClient(BlockingClient[_generated.PaymentClient]):
    """Payments. What a connector does not declare is refused with UNIMPLEMENTED before any call."""

    _twin = _generated.PaymentClient

    def authorize(
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
        return self._run(self._client.authorize(request, timeout_s=timeout_s, **fields))

    def confirm_redirect(
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
        return self._run(self._client.confirm_redirect(request, timeout_s=timeout_s, **fields))

    def increment_authorization(
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
        return self._run(self._client.increment_authorization(request, timeout_s=timeout_s, **fields))

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
            final_capture: The last capture: what is left of the reservation is released.
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
            refresh: Ask the provider first, and record what it says.
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: PaymentServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PaymentServiceListFields],
    ) -> Iterator[Payment]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))


class PayoutClient(BlockingClient[_generated.PayoutClient]):
    """Payouts."""

    _twin = _generated.PayoutClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: PayoutServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[PayoutServiceListFields],
    ) -> Iterator[PayoutData]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))


class ReconciliationClient(BlockingClient[_generated.ReconciliationClient]):
    """Reconciliation."""

    _twin = _generated.ReconciliationClient

    def run(
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
        return self._run(self._client.run(request, timeout_s=timeout_s, **fields))

    def register(
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
        return self._run(self._client.register(request, timeout_s=timeout_s, **fields))


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


class SubscriptionClient(BlockingClient[_generated.SubscriptionClient]):
    """Subscriptions of one connector: Stripe Billing, PayPal Subscriptions. Answers come from the provider itself."""

    _twin = _generated.SubscriptionClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def update(
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
        return self._run(self._client.update(request, timeout_s=timeout_s, **fields))

    def cancel(
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
        return self._run(self._client.cancel(request, timeout_s=timeout_s, **fields))

    def record_usage(
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
        return self._run(self._client.record_usage(request, timeout_s=timeout_s, **fields))


class WebhookEndpointClient(BlockingClient[_generated.WebhookEndpointClient]):
    """Endpoints."""

    _twin = _generated.WebhookEndpointClient

    def create(
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
        return self._run(self._client.create(request, timeout_s=timeout_s, **fields))

    def get(
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
        return self._run(self._client.get(request, timeout_s=timeout_s, **fields))

    def list(
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
        return self._run(self._client.list(request, timeout_s=timeout_s, **fields))

    def iterate(
        self,
        request: WebhookEndpointServiceListRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[WebhookEndpointServiceListFields],
    ) -> Iterator[WebhookEndpoint]:
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
        return self._drain(self._client.iterate(request, timeout_s=timeout_s, **fields))

    def update(
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
        return self._run(self._client.update(request, timeout_s=timeout_s, **fields))

    def delete(
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
        return self._run(self._client.delete(request, timeout_s=timeout_s, **fields))

    def rotate_secret(
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
        return self._run(self._client.rotate_secret(request, timeout_s=timeout_s, **fields))

    def ping(
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
        return self._run(self._client.ping(request, timeout_s=timeout_s, **fields))

    def recover(
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
        return self._run(self._client.recover(request, timeout_s=timeout_s, **fields))
