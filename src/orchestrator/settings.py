"""Settings: environment over file over default. Read once, by `bootstrap`; nothing else reads the environment.

Environment variables are `ORCHESTRATOR_` and the field's name in upper case, `__` between levels:
`ORCHESTRATOR_GRPC_PORT`, `ORCHESTRATOR_MESSAGING__URL`. The default merchant's webhook secrets and provider
credentials may also stand under the provider's own names (`STRIPE_WEBHOOK_SECRET`); see `orchestrator connectors`.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretBytes, SecretStr, field_validator, model_validator

from orchestrator.settings_delivery import DeliverySettings
from orchestrator.settings_messaging import ChannelSettings, MessagingSettings, Section
from orchestrator.settings_routing import RoutingSettings
from orchestratorx_prism.config import DEFAULT_BROKER

DEFAULT_MERCHANT = "default"
SCHEDULE_S = (5.0, 30.0, 300.0, 3_600.0)
"""When the provider is asked what became of an operation whose answer was lost."""
_LOOPBACK_NAMES = {"localhost"}

Port = Annotated[int, Field(ge=0, le=65_535)]
"""0: a free port, chosen at start and printed."""
Seconds = Annotated[float, Field(allow_inf_nan=False)]
ApiKey = Annotated[SecretStr, Field(min_length=1)]
"""Not empty: whoever sends no key sends the empty one."""


class ConnectorSettings(Section):
    """One merchant's settings of one connector."""

    webhook_secrets: tuple[SecretStr, ...] = ()
    """Every secret in use, newest first. Stripe whsec_…, Adyen hex keys, M-Pesa URL tokens (16 characters or more)."""
    webhook_id: str = ""
    """PayPal: the webhook's id."""
    credentials: dict[str, SecretStr] = Field(default_factory=dict)
    """The provider's own keys by the names that `orchestrator connectors` lists."""
    allowed_addresses: tuple[str, ...] = ()
    """M-Pesa: networks that callbacks may come from, in CIDR form. Empty: any. Leave empty behind unknown proxies."""
    trust_anchor_files: tuple[str, ...] = ()
    """PayPal: PEM bundles of trusted roots. Empty: the system's."""
    tolerance_s: Annotated[int, Field(ge=1)] | None = None
    """How far a signed time may be from now. Seconds. Unset: the connector's default."""
    merchant_reference_key: str = "merchant_transaction_id"
    """Stripe: the metadata key that carries the merchant's reference."""
    raw_cards: bool = False
    """Whether card numbers may be sent to the provider: the account and the installation must be assessed for that
    (PCI DSS SAQ D). They are passed on and never kept; without this they are refused."""
    require_confirmation: bool | None = None
    """Whether a success is believed only when the provider confirms it. Unset: yes for unsigned webhooks (M-Pesa)."""

    @field_validator("allowed_addresses")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value


class MerchantSettings(Section):
    """One merchant."""

    environment: Literal["SANDBOX", "PRODUCTION"] | None = None
    """Unset: the installation's."""
    connectors: dict[str, ConnectorSettings] = Field(default_factory=dict)


class TlsSettings(Section):
    """TLS of the gRPC and HTTP servers. Both files or neither."""

    certificate_file: str = ""
    key_file: str = Field(default="", repr=False)
    client_ca_file: str = ""
    """Set: clients of gRPC must show a certificate signed by it (mTLS)."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> TlsSettings:
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file go together; set both or neither")
        if self.client_ca_file and not self.on:
            raise ValueError("client_ca_file asks for TLS: set certificate_file and key_file too")
        return self

    @property
    def on(self) -> bool:
        return bool(self.certificate_file)


class Settings(DeliverySettings):
    """Everything that can be set. Build it with `settings_from`, which reports every fault at once."""

    environment: Literal["SANDBOX", "PRODUCTION"] = "SANDBOX"
    """Which of the providers' worlds. PRODUCTION refuses webhooks of test money."""
    database_url: SecretStr = SecretStr("sqlite:///orchestratorx.db")
    """`memory:`, `sqlite:///file.db` or `postgresql://user:password@host/name`."""
    database_migrate: bool = True
    """Whether the server brings the database's schema up to date when it starts."""
    raw_keys: dict[str, SecretBytes] = Field(default_factory=dict)
    """Key id → 32 bytes in base64: raw bodies are kept, encrypted with the last one. Empty: bodies are not kept."""
    vault_keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Key id → 32 bytes in base64: merchants' credentials and other secrets are encrypted with the last one, and read
    with any. Empty, and no file or key service either: none can be kept in the database."""
    vault_keys_file: str = ""
    """JSON, key id → 32 bytes in base64: more of them, behind those of `vault_keys`. Only its owner may write it."""
    vault_kms: str = ""
    """A key service in place of keys: "package.module:factory" of a `orchestrator.vault.KeyService`."""
    raw_retention_days: Annotated[int, Field(ge=1)] = 90
    outbox_retention_hours: Annotated[int, Field(ge=1)] = 168
    """How long rows of published events stay in the outbox."""
    provider_timeout_s: Annotated[float, Field(gt=0, le=300)] = 15.0
    """How long a provider has for one operation, all attempts together."""
    operation_margin_s: Annotated[float, Field(gt=0, le=300)] = 30.0
    """What a process has besides to write down what came of it. After both, another one asks the provider about it."""
    resolve_after_s: Annotated[tuple[Annotated[Seconds, Field(gt=0)], ...], Field(min_length=1)] = SCHEDULE_S
    """After a lost answer the provider is asked what became of the operation at these intervals, then daily."""
    reconcile_every_s: Annotated[Seconds, Field(ge=0)] = 900.0
    """How often the server fetches the providers' own lists of what they sent, to find what never came; 0: never."""

    grpc_host: str = "127.0.0.1"
    grpc_port: Port = 50_051
    grpc_max_message_bytes: Annotated[int, Field(ge=1_024)] = 8 * 1024 * 1024
    http_host: str = "127.0.0.1"
    http_port: Port = 8_080
    http_max_body_bytes: Annotated[int, Field(ge=1_024)] = 1024 * 1024
    """Largest webhook body, as received and as decoded. Larger: 413."""
    http_body_timeout_s: Annotated[Seconds, Field(gt=0)] = 10.0
    """A body that takes longer to arrive is cut off with 408."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed, right to left. Empty: the peer's own address counts."""
    request_timeout_s: Annotated[Seconds, Field(gt=0)] = 20.0
    """Longest time one call may take, if the caller sets no shorter deadline."""
    shutdown_grace_s: Annotated[Seconds, Field(ge=0)] = 10.0
    """How long calls in flight may take to finish when the server stops."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes that share the ports. More than one wants a core each, and PostgreSQL."""
    relay: bool = True
    """Whether this process publishes what the outbox holds. If not, another process over the same database must."""
    insecure: bool = False
    """Allow an address that is not loopback without TLS and API keys."""
    api_keys: tuple[ApiKey, ...] = ()
    """The installation's own keys, good for everything; callers send them as `x-api-key`. Others are made with
    `orchestrator keys`."""
    require_api_keys: bool | None = None
    """Whether callers must send a key. Unset: where a key is set here or made, and on addresses beyond this machine."""
    calls_per_minute: Annotated[int, Field(ge=0)] = 6_000
    """How often a key that was made may call, unless it has a limit of its own; 0: as often as it likes."""
    rate_limit_redis_url: SecretStr = SecretStr("")
    """redis://…: where all servers count calls together. Empty: each process counts for itself."""
    tls: TlsSettings = TlsSettings()

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    messaging: MessagingSettings = MessagingSettings()
    """The broker that channels publish to."""
    brokers: dict[str, MessagingSettings] = Field(default_factory=dict)
    """Further brokers by name, for channels that say so."""
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    """What is published, where and how: `events`, `payments`, `payment_requests`, and channels of your own."""
    sandbox_env: Literal["dev", "sit"] = "dev"
    """What {env} is in addresses for test money. For real money it is "prod", always."""
    merchants: dict[str, MerchantSettings] = Field(default_factory=dict)
    routing: RoutingSettings = RoutingSettings()
    """Which connector gets a payment whose caller names none."""
    duplicate_window: Annotated[int, Field(ge=1)] = 10_000
    """`memory:` only: how many events are remembered."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value

    @field_validator("brokers")
    @classmethod
    def _own_names(cls, value: dict[str, MessagingSettings]) -> dict[str, MessagingSettings]:
        if DEFAULT_BROKER in value:
            raise ValueError(f"the broker named {DEFAULT_BROKER} is `messaging`; choose another name")
        return value

    @field_validator("raw_keys")
    @classmethod
    def _aes_keys(cls, value: dict[str, SecretBytes]) -> dict[str, SecretBytes]:
        keys: dict[str, SecretBytes] = {}
        for key_id, secret in value.items():
            raw = secret.get_secret_value()
            try:
                key = raw if len(raw) == 32 else aes_key(raw.decode())
            except ValueError:
                raise ValueError(
                    f"raw_keys.{key_id} must be 32 bytes in base64: `openssl rand -base64 32` makes one"
                ) from None
            keys[key_id] = SecretBytes(key)
        return keys

    @field_validator("vault_keys")
    @classmethod
    def _vault_keys(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for key_id, secret in value.items():
            try:
                aes_key(secret.get_secret_value())
            except ValueError:
                raise ValueError(
                    f"vault_keys.{key_id} must be 32 bytes in base64: `openssl rand -base64 32` makes one"
                ) from None
        return value

    @model_validator(mode="after")
    def _exposed_servers_are_guarded(self) -> Settings:
        host = self._exposed_host
        if self.insecure or not host:
            return self
        if not self.tls.on:
            raise ValueError(
                f"{host} is not a loopback address: set tls.certificate_file and tls.key_file, "
                "or start with --insecure if something in front of it does TLS and asks for keys"
            )
        if self.require_api_keys is False:
            raise ValueError(f"{host} is not a loopback address: require_api_keys cannot be false without --insecure")
        if not self.api_keys and self.database_url.get_secret_value().startswith("memory:"):
            raise ValueError(
                f"{host} is not a loopback address, and a database in memory keeps no keys: set api_keys, "
                "or start with --insecure if something in front of it asks for keys"
            )
        return self

    @property
    def asks_for_keys(self) -> bool | None:
        """Whether callers must send a key; None: from the first one that is made on."""
        if self.require_api_keys is not None:
            return self.require_api_keys
        return True if self.api_keys or (self._exposed_host and not self.insecure) else None

    @property
    def _exposed_host(self) -> str:
        """The first address that is not this machine's alone; "": none."""
        return next((host for host in (self.grpc_host, self.http_host) if not is_loopback(host)), "")

    def merchant(self, merchant_id: str) -> MerchantSettings | None:
        """The merchant's settings; the default merchant always exists."""
        found = self.merchants.get(merchant_id)
        return MerchantSettings() if found is None and merchant_id == DEFAULT_MERCHANT else found


def aes_key(text: str) -> bytes:
    """32 bytes of their base64. Raises ValueError if they are not, and does not repeat them."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise ValueError("not base64") from None
    if len(key) != 32:
        raise ValueError("not 32 bytes")
    return key


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def plain(settings: Settings) -> Mapping[str, Any]:
    """For people: every setting, secrets hidden."""
    return settings.model_dump(mode="json")
