"""Use cases: what every front door calls, under the names of the rpcs in snake case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.services.administration.api_keys import ApiKeyService
from orchestrator.services.administration.audit import AuditService
from orchestrator.services.administration.credentials import CredentialService
from orchestrator.services.administration.deliveries import DeliveryService
from orchestrator.services.administration.endpoints import WebhookEndpointService
from orchestrator.services.administration.merchants import MerchantService
from orchestrator.services.disputes import DisputeService
from orchestrator.services.events import EventService
from orchestrator.services.payments import PaymentService
from orchestrator.services.payouts import PayoutService
from orchestrator.services.provider_held import ProviderHeld
from orchestrator.services.refunds import RefundService
from orchestratorx_prism.v1 import (
    api_key_service_pb2,
    audit_service_pb2,
    credential_service_pb2,
    customer_service_pb2,
    delivery_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    mandate_service_pb2,
    merchant_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
    payout_service_pb2,
    reconciliation_service_pb2,
    refund_service_pb2,
    subscription_service_pb2,
    webhook_endpoint_service_pb2,
)

__all__ = [
    "ApiKeyService",
    "AuditService",
    "CredentialService",
    "DeliveryService",
    "DisputeService",
    "EventService",
    "MerchantService",
    "PaymentService",
    "PayoutService",
    "ProviderHeld",
    "RefundService",
    "Services",
    "WebhookEndpointService",
]


@dataclass(frozen=True, slots=True)
class Services:
    """The wired services of one application."""

    events: EventService
    payments: PaymentService
    refunds: RefundService
    disputes: DisputeService
    payouts: PayoutService
    customers: ProviderHeld
    payment_methods: ProviderHeld
    mandates: ProviderHeld
    subscriptions: ProviderHeld
    merchants: MerchantService
    credentials: CredentialService
    reconciliation: object
    """`orchestrator.reconciliation`'s, which is built upon these."""
    api_keys: ApiKeyService
    audit: AuditService
    webhook_endpoints: WebhookEndpointService
    deliveries: DeliveryService

    def by_descriptor(self) -> Mapping[Any, object]:
        """protobuf ServiceDescriptor → the object whose methods, in snake case, are its rpcs.

        The one list that both the gRPC server and the embedded transport dispatch by.
        """
        return {
            event_service_pb2.DESCRIPTOR.services_by_name["EventService"]: self.events,
            payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]: self.payments,
            refund_service_pb2.DESCRIPTOR.services_by_name["RefundService"]: self.refunds,
            dispute_service_pb2.DESCRIPTOR.services_by_name["DisputeService"]: self.disputes,
            payout_service_pb2.DESCRIPTOR.services_by_name["PayoutService"]: self.payouts,
            customer_service_pb2.DESCRIPTOR.services_by_name["CustomerService"]: self.customers,
            payment_method_service_pb2.DESCRIPTOR.services_by_name["PaymentMethodService"]: self.payment_methods,
            mandate_service_pb2.DESCRIPTOR.services_by_name["MandateService"]: self.mandates,
            subscription_service_pb2.DESCRIPTOR.services_by_name["SubscriptionService"]: self.subscriptions,
            api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"]: self.api_keys,
            audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"]: self.audit,
            merchant_service_pb2.DESCRIPTOR.services_by_name["MerchantService"]: self.merchants,
            credential_service_pb2.DESCRIPTOR.services_by_name["CredentialService"]: self.credentials,
            reconciliation_service_pb2.DESCRIPTOR.services_by_name["ReconciliationService"]: self.reconciliation,
            webhook_endpoint_service_pb2.DESCRIPTOR.services_by_name["WebhookEndpointService"]: self.webhook_endpoints,
            delivery_service_pb2.DESCRIPTOR.services_by_name["DeliveryService"]: self.deliveries,
        }
