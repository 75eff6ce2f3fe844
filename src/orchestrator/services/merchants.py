"""What is configured for each merchant and connector: secrets, environment, policies, the outside halves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from connectors.spi import Context, Environment, Label, Material, Outside, Trust
from connectors.spi.operations import Client
from orchestrator.plugins import connector_named
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, Settings
from orchestratorx_prism.errors import RequestRejected, SettingsRejected
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

SYSTEM_ANCHORS = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle of roots; holds PayPal's, which certifi does not."""

_DESKS_KEPT = 1_024
_MOST_BROUGHT = 64 * 1024
"""Of secrets and certificates that a call brings: with more, its desk is not kept. Bytes, roughly."""
_OVERHEAD = 64
"""What one of them takes besides what is in it. Bytes, roughly."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything about one merchant's webhooks of one connector. Made once, used by every call like it."""

    label: Label
    merchant_id: str
    environment: Environment.ValueType
    material: Material
    merchant_reference_key: str
    requires_confirmation: bool
    """Whether a success is believed only when the provider confirms it."""
    outside: Outside | None
    """The connector's half that does I/O, shared by all desks of the merchant."""


class Merchants:
    """Reads merchants from the settings. Built once; what it hands out is shared between calls."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            SettingsRejected: A file of trust anchors cannot be read.
        """
        self._settings = settings
        self._desks: dict[tuple[object, ...], Desk] = {}
        self._outsides: dict[tuple[str, str], Outside] = {}
        self._clients: dict[tuple[str, str], Client] = {}
        self._anchors: dict[tuple[str, ...], tuple[bytes, ...]] = {}
        for merchant in settings.merchants.values():
            for connector in merchant.connectors.values():
                if connector.trust_anchor_files:
                    self._trust_anchors(connector.trust_anchor_files)

    def desk(self, request: HandleEventRequest) -> Desk:
        """The desk for one request: its own material where it brings some, else the merchant's configured one.

        Raises:
            UnknownConnector: No such connector is installed.
            RequestRejected: No such merchant, or the wrong environment.
        """
        key = (
            request.connector,
            request.merchant_id,
            request.environment,
            request.webhook_secret,
            *request.webhook_secrets,
            None,
            request.webhook_id,
            *request.certificates,
        )
        desk = self._desks.get(key)
        if desk is None:
            desk = self._make_desk(connector_named(request.connector), request)
            if _size_of_what_it_brings(request) <= _MOST_BROUGHT:
                if len(self._desks) >= _DESKS_KEPT:
                    del self._desks[next(iter(self._desks))]
                self._desks[key] = desk
        if request.HasField("known_request"):
            return replace(desk, material=replace(desk.material, known_request=request.known_request))
        return desk

    def client(self, label: Label, merchant_id: str) -> tuple[Client, Environment.ValueType]:
        """What carries out the connector's operations for a merchant, and in which environment.

        Raises:
            RequestRejected: No such merchant.
            SettingsRejected: A credential is missing; the fix says where it is found.
        """
        configured = self._configured(label, merchant_id)
        environment = self._environment(merchant_id)
        key = (label.name, merchant_id)
        if key not in self._clients:
            assert label.make_client is not None  # noqa: S101 - who asks has checked what is declared
            self._clients[key] = label.make_client(_revealed(configured.credentials), environment)
        return self._clients[key], environment

    def ids(self) -> list[str]:
        """Every merchant; the default one is always there."""
        return sorted({DEFAULT_MERCHANT, *self._settings.merchants})

    def credentials(self, label: Label, merchant_id: str) -> tuple[dict[str, str], Environment.ValueType]:
        """The merchant's own keys for the provider's API, and of which environment they are.

        Raises:
            RequestRejected: No such merchant.
        """
        configured = self._configured(label, merchant_id)
        return _revealed(configured.credentials), self._environment(merchant_id)

    def context(self, label: Label, merchant_id: str, at_ns: int) -> Context:
        """Where an operation's events will belong. `at_ns`: when it was begun."""
        reference_key = self._configured(label, merchant_id).merchant_reference_key
        return Context(merchant_id, self._environment(merchant_id), at_ns, reference_key)

    async def aclose(self) -> None:
        """Closes the outside halves and the clients."""
        opened: list[Outside | Client] = [*self._outsides.values(), *self._clients.values()]
        await asyncio.gather(*(one.aclose() for one in opened))
        self._outsides.clear()
        self._clients.clear()
        self._desks.clear()

    def _make_desk(self, label: Label, request: HandleEventRequest) -> Desk:
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        configured = self._configured(label, merchant_id)
        given = tuple(s for s in (request.webhook_secret, *request.webhook_secrets) if s)
        environment = self._agreed_environment(request.environment, merchant_id)
        material = Material(
            secrets=given or tuple(secret.get_secret_value() for secret in configured.webhook_secrets),
            webhook_id=request.webhook_id or configured.webhook_id,
            certificates=tuple(request.certificates),
            trust_anchors=self._trust_anchors(configured.trust_anchor_files) if label.webhook_id_key else (),
            allowed_addresses=configured.allowed_addresses,
            tolerance_s=configured.tolerance_s,
            environment=environment,
        )
        return Desk(
            label,
            merchant_id,
            environment,
            material,
            configured.merchant_reference_key,
            _requires_confirmation(label, configured),
            self._outside(label, merchant_id, configured),
        )

    def _outside(self, label: Label, merchant_id: str, configured: ConnectorSettings) -> Outside | None:
        if label.make_outside is None:
            return None
        key = (label.name, merchant_id)
        if key not in self._outsides:
            self._outsides[key] = label.make_outside(_revealed(configured.credentials), self._environment(merchant_id))
        return self._outsides[key]

    def _configured(self, label: Label, merchant_id: str) -> ConnectorSettings:
        merchant = self._settings.merchant(merchant_id or DEFAULT_MERCHANT)
        if merchant is None:
            raise RequestRejected(
                "no such merchant is configured",
                reason="MERCHANT_UNKNOWN",
                fix="add the merchant under `merchants` in the settings, or leave merchant_id empty",
                metadata={"field": "merchant_id"},
            )
        return merchant.connectors.get(label.name) or ConnectorSettings()

    def _agreed_environment(self, asked: Environment.ValueType, merchant_id: str) -> Environment.ValueType:
        """What the call asks for, else what is configured. A call must not turn production into a sandbox."""
        configured = self._environment(merchant_id)
        if asked not in Environment.values():
            raise RequestRejected(
                "no such environment", fix="pass SANDBOX or PRODUCTION, or none", metadata={"field": "environment"}
            )
        if configured == Environment.ENVIRONMENT_PRODUCTION and asked == Environment.ENVIRONMENT_SANDBOX:
            raise RequestRejected(
                "the call says SANDBOX, and this merchant's environment is PRODUCTION",
                reason="ENVIRONMENT_MISMATCH",
                fix='pass environment="PRODUCTION", or use a merchant whose environment is SANDBOX',
                metadata={"field": "environment"},
            )
        return asked or configured

    def _environment(self, merchant_id: str) -> Environment.ValueType:
        merchant = self._settings.merchant(merchant_id or DEFAULT_MERCHANT)
        name = (merchant and merchant.environment) or self._settings.environment
        return Environment.Value(f"ENVIRONMENT_{name}")

    def _trust_anchors(self, files: tuple[str, ...]) -> tuple[bytes, ...]:
        if files not in self._anchors:
            self._anchors[files] = tuple(_read_anchors(name) for name in files) or _system_anchors()
        return self._anchors[files]


def _size_of_what_it_brings(request: HandleEventRequest) -> int:
    brought = (request.webhook_secret, *request.webhook_secrets, request.webhook_id, *request.certificates)
    return sum(len(one) + _OVERHEAD for one in brought)


def _requires_confirmation(label: Label, configured: ConnectorSettings) -> bool:
    if label.trust == Trust.TRUST_SIGNED:
        return False
    wanted = configured.require_confirmation
    return label.trust == Trust.TRUST_QUERY_BACK if wanted is None else wanted


def _system_anchors() -> tuple[bytes, ...]:
    # Failure policy: closed. Without the system's bundle there are no anchors, and certificates are refused.
    path = Path(SYSTEM_ANCHORS)
    return (path.read_bytes(),) if path.exists() else ()


def _read_anchors(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SettingsRejected(
            f"trust_anchor_files: {name}: {error.strerror}", fix="name a readable PEM file"
        ) from None


def _revealed(credentials: Mapping[str, SecretStr]) -> dict[str, str]:
    return {key: secret.get_secret_value() for key, secret in credentials.items()}
