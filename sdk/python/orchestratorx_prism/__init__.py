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
    NotSupported,
    PayloadRejected,
    PayloadTooLarge,
    PermissionRefused,
    PrismError,
    ProviderUnavailable,
    Rejected,
    RequestRejected,
    SettingsRejected,
    SignatureRejected,
    Unauthenticated,
    Unavailable,
    UnknownConnector,
)

if TYPE_CHECKING:
    from orchestratorx_prism.clients._generated import DisputeClient, PaymentClient, RefundClient
    from orchestratorx_prism.clients.events import EventClient, EventPage
    from orchestratorx_prism.config import Config, load_config
    from orchestratorx_prism.from_values import event_from_dict
    from orchestratorx_prism.transports.grpc import Tls
    from orchestratorx_prism.values import to_dict
    from orchestratorx_prism.wrappers import HandledEvent, PrismEvent, StreamedEvent

    __version__: str

__all__ = [
    "Config",
    "DeadlineExpired",
    "DisputeClient",
    "DriverMissing",
    "EventClient",
    "EventPage",
    "HandledEvent",
    "Internal",
    "NotFound",
    "NotSupported",
    "PayloadRejected",
    "PayloadTooLarge",
    "PaymentClient",
    "PermissionRefused",
    "PrismError",
    "PrismEvent",
    "ProviderUnavailable",
    "RefundClient",
    "Rejected",
    "RequestRejected",
    "SettingsRejected",
    "SignatureRejected",
    "StreamedEvent",
    "Tls",
    "Unauthenticated",
    "Unavailable",
    "UnknownConnector",
    "__version__",
    "event_from_dict",
    "load_config",
    "to_dict",
]

_LAZY: Final = {
    "Config": "config",
    "DisputeClient": "clients._generated",
    "EventClient": "clients.events",
    "EventPage": "clients.events",
    "HandledEvent": "wrappers",
    "PaymentClient": "clients._generated",
    "PrismEvent": "wrappers",
    "RefundClient": "clients._generated",
    "StreamedEvent": "wrappers",
    "Tls": "transports.grpc",
    "event_from_dict": "from_values",
    "load_config": "config",
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
