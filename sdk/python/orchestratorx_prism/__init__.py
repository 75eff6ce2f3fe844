"""OrchestratorX Prism: the Python SDK of OrchestratorX. Raw payment webhooks in, one event shape out.

    from orchestratorx_prism import EventClient

Blocking twins are in `orchestratorx_prism.sync`. Names are loaded when they are first used: importing this is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from orchestratorx_prism.errors import (
    DeadlineExpired,
    DriverMissing,
    Internal,
    NotFound,
    NothingToRefund,
    NotSupported,
    OutcomeUnknown,
    PayloadRejected,
    PayloadTooLarge,
    PermissionRefused,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
    Rejected,
    RequestIdReused,
    RequestInFlight,
    RequestRejected,
    SettingsRejected,
    SignatureRejected,
    TooManyCalls,
    Unauthenticated,
    Unavailable,
    UnknownConnector,
)

if TYPE_CHECKING:
    from orchestratorx_prism.clients._generated import (
        ApiKeyClient,
        AuditClient,
        CredentialClient,
        CustomerClient,
        DeliveryClient,
        DisputeClient,
        MandateClient,
        MerchantClient,
        PaymentClient,
        PaymentMethodClient,
        PayoutClient,
        ReconciliationClient,
        RefundClient,
        SubscriptionClient,
        WebhookEndpointClient,
    )
    from orchestratorx_prism.clients.events import EventClient, EventPage
    from orchestratorx_prism.config import Config, load_config
    from orchestratorx_prism.consuming import (
        DoNotRetry,
        PaymentEventConsumer,
        PaymentEventPublisher,
        RetryPolicy,
        StreamEvent,
        StreamWorker,
        run_stream_consumers,
        setup_default_consumers,
        stream_consumer,
    )
    from orchestratorx_prism.from_values import event_from_dict
    from orchestratorx_prism.transports.grpc import Tls
    from orchestratorx_prism.values import to_dict
    from orchestratorx_prism.wrappers import HandledEvent, PrismEvent, StreamedEvent

    __version__: str

__all__ = [
    "ApiKeyClient",
    "AuditClient",
    "Config",
    "CredentialClient",
    "CustomerClient",
    "DeadlineExpired",
    "DeliveryClient",
    "DisputeClient",
    "DoNotRetry",
    "DriverMissing",
    "EventClient",
    "EventPage",
    "HandledEvent",
    "Internal",
    "MandateClient",
    "MerchantClient",
    "NotFound",
    "NotSupported",
    "NothingToRefund",
    "OutcomeUnknown",
    "PayloadRejected",
    "PayloadTooLarge",
    "PaymentClient",
    "PaymentEventConsumer",
    "PaymentEventPublisher",
    "PaymentMethodClient",
    "PayoutClient",
    "PermissionRefused",
    "PrismError",
    "PrismEvent",
    "ProviderRefused",
    "ProviderUnavailable",
    "ReconciliationClient",
    "RefundClient",
    "Rejected",
    "RequestIdReused",
    "RequestInFlight",
    "RequestRejected",
    "RetryPolicy",
    "SettingsRejected",
    "SignatureRejected",
    "StreamEvent",
    "StreamWorker",
    "StreamedEvent",
    "SubscriptionClient",
    "Tls",
    "TooManyCalls",
    "Unauthenticated",
    "Unavailable",
    "UnknownConnector",
    "WebhookEndpointClient",
    "__version__",
    "event_from_dict",
    "load_config",
    "run_stream_consumers",
    "setup_default_consumers",
    "stream_consumer",
    "to_dict",
]

_LAZY: Final = {
    "ApiKeyClient": "clients._generated",
    "AuditClient": "clients._generated",
    "CredentialClient": "clients._generated",
    "DeliveryClient": "clients._generated",
    "MerchantClient": "clients._generated",
    "ReconciliationClient": "clients._generated",
    "WebhookEndpointClient": "clients._generated",
    "SubscriptionClient": "clients._generated",
    "PayoutClient": "clients._generated",
    "PaymentMethodClient": "clients._generated",
    "MandateClient": "clients._generated",
    "CustomerClient": "clients._generated",
    "Config": "config",
    "DisputeClient": "clients._generated",
    "DoNotRetry": "consuming",
    "EventClient": "clients.events",
    "EventPage": "clients.events",
    "HandledEvent": "wrappers",
    "PaymentClient": "clients._generated",
    "PaymentEventConsumer": "consuming",
    "PaymentEventPublisher": "consuming",
    "PrismEvent": "wrappers",
    "RefundClient": "clients._generated",
    "RetryPolicy": "consuming",
    "StreamEvent": "consuming",
    "StreamWorker": "consuming",
    "StreamedEvent": "wrappers",
    "Tls": "transports.grpc",
    "event_from_dict": "from_values",
    "load_config": "config",
    "run_stream_consumers": "consuming",
    "setup_default_consumers": "consuming",
    "stream_consumer": "consuming",
    "to_dict": "values",
}
"""Name → the module of this package that has it."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("orchestratorx-prism")
    elif name in _LAZY:
        value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
