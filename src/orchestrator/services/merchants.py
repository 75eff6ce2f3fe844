"""What is in force for each merchant and connector: secrets, environment, policies, the outside halves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import SecretStr

from connectors.spi import Context, Environment, Label, Material, Outside, Trust
from connectors.spi.operations import Client
from orchestrator.ledger.tables import NoTables
from orchestrator.plugins import connector_named
from orchestrator.services.directory import Directory
from orchestrator.services.lending import Lending
from orchestrator.services.trust_anchors import TrustAnchors
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, Settings
from orchestrator.vault import Vault
from orchestratorx_prism.errors import PermissionRefused, RequestRejected
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

_NOTHING = ConnectorSettings()
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
    """Reads merchants from the settings and from the database's directory; what it hands out is shared between calls.

    Where both name the same, the settings win: a merchant that they name is what they say, and a connector for which
    they hold secrets or credentials has no others. What depends on a merchant is made anew when the directory learns
    of a change; calls in flight end with what they began with.
    """

    def __init__(self, settings: Settings, directory: Directory | None = None) -> None:
        """`directory`: None: there is nothing but the settings.

        Raises:
            SettingsRejected: A file of trust anchors cannot be read.
        """
        self._settings = settings
        self._directory = directory or Directory(NoTables(), Vault({}))
        self._directory.on_change = self._forget
        self._desks: dict[tuple[object, ...], Desk] = {}
        self._outsides: dict[tuple[str, str], Outside] = {}
        self._clients: dict[tuple[str, str], Client] = {}
        self._lending = Lending()
        self._anchors = TrustAnchors()
        for merchant in settings.merchants.values():
            for connector in merchant.connectors.values():
                if connector.trust_anchor_files:
                    self._anchors.of(connector.trust_anchor_files)

    def desk(self, request: HandleEventRequest) -> Desk:
        """The desk for one request: its own material where it brings some, else the merchant's configured one.

        Raises:
            UnknownConnector: No such connector is installed.
            RequestRejected: No such merchant, or a closed one, or the wrong environment.
            SettingsRejected, Unavailable: The merchant's secrets cannot be decrypted.
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
            PermissionRefused: The merchant is closed.
            SettingsRejected: A credential is missing, and the fix says where it is found; or cannot be decrypted.
        """
        self._check_open(merchant_id)
        environment = self.environment(merchant_id)
        key = (label.name, merchant_id)
        client = self._clients.get(key)
        if client is None:
            assert label.make_client is not None  # noqa: S101 - who asks has checked what is declared
            config = _config(label, self._configured(label, merchant_id))
            client = self._clients[key] = self._lending.client(label.make_client(config, environment))
        return client, environment

    def ids(self) -> list[str]:
        """Every merchant that is open; the default one is, unless it was closed."""
        known = {DEFAULT_MERCHANT, *self._settings.merchants, *self._directory.merchants}
        return sorted(merchant_id for merchant_id in known if not self.is_closed(merchant_id))

    def exists(self, merchant_id: str) -> bool:
        """Whether there is such a merchant, open or closed."""
        return self._settings.merchant(merchant_id) is not None or self._directory.merchant(merchant_id) is not None

    def is_closed(self, merchant_id: str) -> bool:
        """Whether the merchant's webhooks, operations and keys are refused."""
        known = None if merchant_id in self._settings.merchants else self._directory.merchant(merchant_id)
        return known is not None and known.disabled

    def environment(self, merchant_id: str) -> Environment.ValueType:
        """In which of the providers' worlds the merchant works now; of an unknown one, the installation's."""
        named = self._settings.merchants.get(merchant_id or DEFAULT_MERCHANT)
        known = None if named is not None else self._directory.merchant(merchant_id or DEFAULT_MERCHANT)
        if known is not None:
            return known.environment
        name = (named and named.environment) or self._settings.environment
        return Environment.Value(f"ENVIRONMENT_{name}")

    def credentials(self, label: Label, merchant_id: str) -> tuple[dict[str, str], Environment.ValueType]:
        """The merchant's own keys for the provider's API, and of which environment they are.

        Raises:
            RequestRejected: No such merchant.
            PermissionRefused: The merchant is closed.
            SettingsRejected, Unavailable: They cannot be decrypted.
        """
        self._check_open(merchant_id)
        return _config(label, self._configured(label, merchant_id)), self.environment(merchant_id)

    def takes_card_numbers(self, label: Label, merchant_id: str) -> bool:
        """Whether the merchant has switched raw cards on for the connector."""
        return self._named(label, merchant_id).raw_cards

    def context(
        self, label: Label, merchant_id: str, at_ns: int, environment: Environment.ValueType | None = None
    ) -> Context:
        """Where an operation's events will belong. Never refused: an operation that was begun is recorded.

        Args:
            at_ns: When it was begun.
            environment: In which it was begun. None: the merchant's.
        """
        reference_key = self._named(label, merchant_id).merchant_reference_key
        return Context(merchant_id, environment or self.environment(merchant_id), at_ns, reference_key)

    async def aclose(self) -> None:
        """Closes the outside halves and the clients."""
        self._outsides.clear()
        self._clients.clear()
        self._desks.clear()
        await self._lending.aclose()

    def _forget(self, merchant_ids: set[str]) -> None:
        """Makes the next calls of these merchants begin with what is known now."""
        for desk_key in [key for key in self._desks if (key[1] or DEFAULT_MERCHANT) in merchant_ids]:
            del self._desks[desk_key]
        for lent in (self._outsides, self._clients):
            for key in [key for key in lent if (key[1] or DEFAULT_MERCHANT) in merchant_ids]:
                del lent[key]

    def _make_desk(self, label: Label, request: HandleEventRequest) -> Desk:
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        if self.is_closed(merchant_id):
            # Whoever posts webhooks has not said who they are: to them a closed merchant is like none.
            raise _unknown_merchant()
        given = tuple(s for s in (request.webhook_secret, *request.webhook_secrets) if s)
        environment = self._agreed_environment(request.environment, merchant_id)
        configured = self._configured(label, merchant_id)
        material = Material(
            secrets=given or tuple(secret.get_secret_value() for secret in configured.webhook_secrets),
            webhook_id=request.webhook_id or configured.webhook_id,
            certificates=tuple(request.certificates),
            trust_anchors=self._anchors.of(configured.trust_anchor_files) if label.webhook_id_key else (),
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
        outside = self._outsides.get(key)
        if outside is None:
            made = label.make_outside(_config(label, configured), self.environment(merchant_id))
            outside = self._outsides[key] = self._lending.outside(made)
        return outside

    def _configured(self, label: Label, merchant_id: str) -> ConnectorSettings:
        """What is in force: the settings', with the secrets of the database where the settings have none."""
        merchant_id = merchant_id or DEFAULT_MERCHANT
        if not self.exists(merchant_id):
            raise _unknown_merchant()
        named = self._named(label, merchant_id)
        if holds_secrets(named):
            return named
        known = self._directory.credentials(merchant_id, label.name, self.environment(merchant_id))
        if known is None:
            return named
        if known.secrets is None:
            assert known.fault is not None  # noqa: S101 - one of both is there
            raise known.fault
        kept = known.secrets
        return named.model_copy(
            update={
                "webhook_secrets": tuple(SecretStr(secret) for secret in kept.webhook_secrets),
                "webhook_id": kept.webhook_id,
                "credentials": {name: SecretStr(value) for name, value in kept.values.items()},
            }
        )

    def _named(self, label: Label, merchant_id: str) -> ConnectorSettings:
        """What the settings say."""
        merchant = self._settings.merchants.get(merchant_id or DEFAULT_MERCHANT)
        return (merchant and merchant.connectors.get(label.name)) or _NOTHING

    def _check_open(self, merchant_id: str) -> None:
        if self.is_closed(merchant_id or DEFAULT_MERCHANT):
            raise PermissionRefused(
                "the merchant is closed: its history can be read, and nothing can be done for it",
                reason="MERCHANT_CLOSED",
                fix="let an administrator open it again: `orchestrator merchants update MERCHANT --enable`",
            )

    def _agreed_environment(self, asked: Environment.ValueType, merchant_id: str) -> Environment.ValueType:
        """What the call asks for, else what is configured. A call must not turn production into a sandbox."""
        configured = self.environment(merchant_id)
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


def holds_secrets(named: ConnectorSettings) -> bool:
    """Whether the settings hold something for which the database's would be left aside."""
    return bool(named.webhook_secrets or named.webhook_id or named.credentials)


def _unknown_merchant() -> RequestRejected:
    return RequestRejected(
        "no such merchant is configured",
        reason="MERCHANT_UNKNOWN",
        fix="make it with `orchestrator merchants create`, add it under `merchants` in the settings, or leave "
        "merchant_id empty",
        metadata={"field": "merchant_id"},
    )


def _size_of_what_it_brings(request: HandleEventRequest) -> int:
    brought = (request.webhook_secret, *request.webhook_secrets, request.webhook_id, *request.certificates)
    return sum(len(one) + _OVERHEAD for one in brought)


def _requires_confirmation(label: Label, configured: ConnectorSettings) -> bool:
    if label.trust == Trust.TRUST_SIGNED:
        return False
    wanted = configured.require_confirmation
    return label.trust == Trust.TRUST_QUERY_BACK if wanted is None else wanted


def _config(label: Label, configured: ConnectorSettings) -> dict[str, str]:
    """The provider's own keys → values; those of webhooks too, which some clients tell the provider."""
    config = {key: secret.get_secret_value() for key, secret in configured.credentials.items()}
    secrets = ",".join(secret.get_secret_value() for secret in configured.webhook_secrets)
    for key, value in ((label.webhook_secret_key, secrets), (label.webhook_id_key, configured.webhook_id)):
        if key and value:
            config.setdefault(key, value)
    return config
