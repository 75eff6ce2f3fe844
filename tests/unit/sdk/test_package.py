"""What the SDK's package is to others: its public names, its types, what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import orchestratorx_prism
from orchestratorx_prism import sync

PUBLIC = """
    Config DeadlineExpired DisputeClient DoNotRetry DriverMissing EventClient EventPage HandledEvent Internal NotFound
    NotSupported PayloadRejected PayloadTooLarge PaymentClient PaymentEventConsumer PaymentEventPublisher
    PermissionRefused PrismError PrismEvent ProviderUnavailable RefundClient Rejected RequestRejected RetryPolicy
    SettingsRejected SignatureRejected StreamEvent StreamWorker StreamedEvent Tls Unauthenticated Unavailable
    UnknownConnector __version__ event_from_dict load_config run_stream_consumers setup_default_consumers
    stream_consumer to_dict CustomerClient MandateClient PaymentMethodClient PayoutClient SubscriptionClient
    NothingToRefund OutcomeUnknown ProviderRefused RequestIdReused RequestInFlight ApiKeyClient AuditClient
    CredentialClient DeliveryClient MerchantClient ReconciliationClient TooManyCalls WebhookEndpointClient
""".split()


def _in_fresh_interpreter(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout


def test_the_public_names_are_these() -> None:
    assert sorted(orchestratorx_prism.__all__) == sorted(PUBLIC)
    clients = {name for name in PUBLIC if name.endswith("Client")}
    assert set(sync.__all__) == clients


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(orchestratorx_prism, name) is not None
    assert name in dir(orchestratorx_prism)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        _ = orchestratorx_prism.Nothing


def test_every_error_is_public() -> None:
    from orchestratorx_prism import errors

    classes = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.PrismError)}
    assert classes <= set(PUBLIC)


def test_the_version_is_the_distributions() -> None:
    assert orchestratorx_prism.__version__ == version("orchestratorx-prism")


def test_types_are_shipped() -> None:
    assert (Path(orchestratorx_prism.__file__).parent / "py.typed").exists()


HEAVY = ["grpc", "google.protobuf", "asyncio", "betterproto2", "fastapi", "flask", "django", "nats", "orchestrator"]


def test_importing_the_package_imports_no_driver_and_no_protobuf() -> None:
    code = f"import json, sys, orchestratorx_prism; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    assert json.loads(_in_fresh_interpreter(code)) == []


def test_importing_the_clients_imports_no_framework_no_broker_no_grpc_and_no_dataclasses_of_betterproto() -> None:
    code = (
        "import json, sys; from orchestratorx_prism import EventClient; from orchestratorx_prism import sync;"
        "EventClient.handle_event, sync.EventClient;"
        f"print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert json.loads(_in_fresh_interpreter(code)) == ["google.protobuf", "asyncio"]
