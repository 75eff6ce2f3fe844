"""Blocking twins of the generated clients.

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from orchestratorx_prism.clients import _generated
from orchestratorx_prism.clients._generated import (
    CustomerServiceCreateFields,
    CustomerServiceDeleteFields,
    CustomerServiceGetFields,
    CustomerServiceUpdateFields,
    DisputeServiceAcceptFields,
    DisputeServiceDefendFields,
    DisputeServiceGetFields,
    DisputeServiceListFields,
    DisputeServiceSubmitEvidenceFields,
    MandateServiceChargeFields,
    MandateServiceRevokeFields,
    MandateServiceSetupFields,
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
    RefundServiceCreateFields,
    RefundServiceGetFields,
    RefundServiceListFields,
    ReplayEventsFields,
    SubscriptionServiceCancelFields,
    SubscriptionServiceCreateFields,
    SubscriptionServiceGetFields,
    SubscriptionServiceRecordUsageFields,
    SubscriptionServiceUpdateFields,
)
from orchestratorx_prism.clients.blocking import BlockingClient
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
from orchestratorx_prism.v1.event_data_pb2 import PaymentMethodData
from orchestratorx_prism.v1.event_service_pb2 import ReplayEventsRequest, ReplayEventsResponse
from orchestratorx_prism.v1.mandate_service_pb2 import (
    MandateServiceChargeRequest,
    MandateServiceChargeResponse,
    MandateServiceRevokeRequest,
    MandateServiceRevokeResponse,
    MandateServiceSetupRequest,
    MandateServiceSetupResponse,
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
