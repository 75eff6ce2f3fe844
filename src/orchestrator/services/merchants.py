"""What is configured for each merchant and connector: secrets, environment, policies, the outside halves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from connectors.spi import Environment, Label, Material, Outside, Trust
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, Settings
from orchestratorx_prism.errors import PayloadTooLarge, RequestRejected, SettingsRejected
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

SYSTEM_ANCHORS = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle of roots; holds PayPal's, which certifi does not."""

_MATERIALS_KEPT = 1_024


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything about one merchant's webhooks of one connector."""

    merchant_id: str
    environment: Environment.ValueType
    material: Material
    merchant_reference_key: str


class Merchants:
    """Reads merchants from the settings. Built once; what it hands out is shared between calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desks: dict[tuple[object, ...], Desk] = {}
        self._outsides: dict[tuple[str, str], Outside | None] = {}
        self._anchors: dict[tuple[str, ...], tuple[bytes, ...]] = {}

    def desk(self, label: Label, request: HandleEventRequest) -> Desk:
        """The desk for one request: its own material where it brings some, else the merchant's configured one.

        Raises:
            RequestRejected: No such merchant.
        """
        key = (
            label.name,
            request.merchant_id,
            request.environment,
            request.webhook_secret,
            tuple(request.webhook_secrets),
            request.webhook_id,
            tuple(request.certificates),
        )
        desk = self._desks.get(key)
        if desk is None:
            desk = self._make_desk(label, request)
            if len(self._desks) >= _MATERIALS_KEPT:
                del self._desks[next(iter(self._desks))]
            self._desks[key] = desk
        if request.HasField("known_request"):
            return replace(desk, material=replace(desk.material, known_request=request.known_request))
        return desk

    def outside(self, label: Label, merchant_id: str) -> Outside | None:
        """The connector's outside half for this merchant; made once."""
        if label.make_outside is None:
            return None
        key = (label.name, merchant_id)
        if key not in self._outsides:
            credentials = _revealed(self._configured(label, merchant_id).credentials)
            self._outsides[key] = label.make_outside(credentials, self._environment(merchant_id))
        return self._outsides[key]

    def requires_confirmation(self, label: Label, merchant_id: str) -> bool:
        """Whether a success is believed only when the provider confirms it."""
        if label.trust == Trust.TRUST_SIGNED:
            return False
        wanted = self._configured(label, merchant_id).require_confirmation
        return label.trust == Trust.TRUST_QUERY_BACK if wanted is None else wanted

    @staticmethod
    def check_size(size: int, limit: int) -> None:
        """Raises PayloadTooLarge if the body is larger than allowed."""
        if size > limit:
            raise PayloadTooLarge(
                f"the body has {size} bytes; the limit is {limit}",
                fix="raise http_max_body_bytes if the provider really sends so much",
            )

    async def aclose(self) -> None:
        """Closes the outside halves."""
        await asyncio.gather(*(outside.aclose() for outside in self._outsides.values() if outside is not None))
        self._outsides.clear()

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
        return Desk(merchant_id, environment, material, configured.merchant_reference_key)

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
