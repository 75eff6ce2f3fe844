"""Which scope each rpc asks for: the one table of it. An rpc that is not here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orchestrator.access.principal import EVERYBODY

_RPCS: Final[Mapping[str, Mapping[str, str]]] = {
    "payments:read": {"PaymentService": "Get List"},
    "payments:write": {"PaymentService": "Authorize ConfirmRedirect IncrementAuthorization Capture Void"},
    "refunds:read": {"RefundService": "Get List"},
    "refunds:write": {"RefundService": "Create"},
    "disputes:read": {"DisputeService": "Get List"},
    "disputes:write": {"DisputeService": "Defend SubmitEvidence Accept"},
    "payouts:read": {"PayoutService": "Get List"},
    "payouts:write": {"PayoutService": "Create"},
    "customers:read": {"CustomerService": "Get"},
    "customers:write": {"CustomerService": "Create Update Delete"},
    "payment_methods:read": {"PaymentMethodService": "Get List"},
    "payment_methods:write": {"PaymentMethodService": "Attach Detach"},
    "mandates:write": {"MandateService": "Setup Charge Revoke"},
    "subscriptions:read": {"SubscriptionService": "Get"},
    "subscriptions:write": {"SubscriptionService": "Create Update Cancel RecordUsage"},
    "events:read": {"EventService": "GetEvent ListEvents SubscribeEvents"},
    "events:replay": {"EventService": "ReplayEvents"},
    "events:write": {"EventService": "HandleEvent HandleEvents BatchHandleEvents ParseEvent"},
    "webhooks:read": {"WebhookEndpointService": "Get List", "DeliveryService": "Get List"},
    "webhooks:write": {
        "WebhookEndpointService": "Create Update Delete RotateSecret Ping Recover",
        "DeliveryService": "Replay ReplayMany",
    },
    "merchant:read": {"MerchantService": "Get List", "CredentialService": "Get List"},
    "merchant:write": {"MerchantService": "Create Update", "CredentialService": "Put Delete"},
    "keys:write": {"ApiKeyService": "Create Get List Rotate Revoke"},
    "audit:read": {"AuditService": "List Verify"},
    "reconciliation:write": {"ReconciliationService": "Run Register"},
}

SCOPE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{service}.{rpc}": scope
        for scope, services in _RPCS.items()
        for service, rpcs in services.items()
        for rpc in rpcs.split()
    }
)
"""rpc, as "PaymentService.Authorize", → scope."""

SCOPES: Final = frozenset({*_RPCS, "mandates:read", EVERYBODY})
"""Every scope that a key can have. "mandates:read" is of no rpc yet: providers have none that reads one."""

INSTALLATION_ONLY: Final = frozenset({"MerchantService.Create", "AuditService.Verify"})
"""The whole installation's business: for keys that are of no single merchant."""
