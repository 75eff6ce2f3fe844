"""What a person should know when the server starts: where it listens, what it uses, and what is unwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from connectors.spi import Label
from orchestrator.listening import join_host_port
from orchestrator.plugins import installed_connectors
from orchestrator.publishing.channel_settings import configured_channels
from orchestrator.serving import Addresses
from orchestrator.settings import DEFAULT_MERCHANT, Settings, is_loopback
from orchestrator.settings_messaging import MessagingSettings
from orchestrator.workers import usable_cpus


@dataclass(frozen=True, slots=True)
class Report:
    """A started server, for people and for programs. Holds no secret."""

    version: str
    environment: str
    workers: int
    grpc: str
    http: str
    database: str
    broker: str
    channels: list[str]
    """Those that are on."""
    connectors: Mapping[str, list[str]]
    """Connector → merchants that have a webhook secret for it."""
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def as_text(self) -> str:
        """One block for people."""
        count = "1 process" if self.workers == 1 else f"{self.workers} processes"
        lines = [
            f"orchestrator {self.version} is ready: {self.environment}, {count}",
            f"  grpc        {self.grpc}",
            f"  webhooks    {self.http}/webhooks/{{connector}}/{{merchant}}[/{{token}}]",
            f"  rest        {self.http}/v1/…; what there is: {self.http}/docs",
            f"  probes      {self.http}/livez  /readyz  /metrics",
            f"  database    {self.database}",
            f"  broker      {self.broker}",
            f"  channels    {', '.join(self.channels) or 'none'}",
            f"  connectors  {'; '.join(_connector_line(name, m) for name, m in self.connectors.items())}",
        ]
        return "\n".join([*lines, *(f"  warning     {text}" for text in self.warnings)])


def report(settings: Settings, addresses: Addresses) -> Report:
    """What the settings and the addresses come to."""
    scheme = "https" if settings.tls.on else "http"
    labels = installed_connectors()
    return Report(
        version=version("orchestratorx"),
        environment=settings.environment,
        workers=settings.workers,
        grpc=join_host_port(addresses.grpc_host, addresses.grpc_port),
        http=f"{scheme}://{join_host_port(addresses.http_host, addresses.http_port)}",
        database=without_password(settings.database_url.get_secret_value()),
        broker=_broker(settings),
        channels=[channel.name for channel in configured_channels(settings)],
        connectors={name: list(_merchants_with_secret(settings, label)) for name, label in labels.items()},
        warnings=warnings(settings, labels),
    )


def warnings(settings: Settings, labels: Mapping[str, Label]) -> list[str]:
    """What is unwise, each with what to do. None of it keeps the server from starting."""
    return [*_storage_warnings(settings), *settings_warnings(settings, labels)]


def settings_warnings(settings: Settings, labels: Mapping[str, Label]) -> list[str]:
    """Those about the settings alone, not about what database and broker they name."""
    found = []
    if not any(any(_merchants_with_secret(settings, label)) for label in labels.values()):
        keys = ", ".join(filter(None, (label.webhook_secret_key or label.webhook_id_key for label in labels.values())))
        found.append(
            "the settings hold no webhook secret, and webhooks of merchants without one in the database are refused: "
            f"set one of {keys}, or keep merchants' own (`orchestrator credentials put`)"
        )
    if not settings.raw_keys:
        found.append("raw bodies are not kept: set raw_keys to keep them, encrypted")
    if not settings.asks_for_keys:
        found.append(
            "callers need no API key, until one is made: set api_keys or require_api_keys"
            if settings.asks_for_keys is None
            else "callers need no API key, because require_api_keys is false: leave it out"
        )
    if settings.insecure and not (is_loopback(settings.grpc_host) and is_loopback(settings.http_host)):
        found.append(
            "insecure is set, and the server listens beyond this machine without TLS or without API keys: see that "
            "what is in front of it has both"
        )
    cpus = len(usable_cpus())
    if settings.workers > cpus:
        found.append(
            f"{settings.workers} workers on {cpus} CPUs, and more than one each gains nothing: set workers = {cpus}"
        )
    return [*found, *_refused_urls(settings, labels)]


def _storage_warnings(settings: Settings) -> list[str]:
    found = []
    database, broker = settings.database_url.get_secret_value(), settings.messaging.broker_type
    if database.startswith("memory:"):
        found.append("the database is in memory: a restart forgets everything; set database_url")
    elif database.startswith("sqlite") and settings.workers > 1:
        found.append("workers share one SQLite file and wait for each other: use PostgreSQL")
    if broker == "memory" and settings.messaging.url.get_secret_value():
        found.append("messaging.url is set, but the broker is memory: set messaging.broker_type too")
    elif broker == "memory" and all(section.broker_type == "memory" for section in settings.brokers.values()):
        found.append("broker memory: events leave only by SubscribeEvents; set messaging.broker_type and url")
    return found


def without_password(url: str) -> str:
    """A database or broker URL for people: without password, and without parameters, which may hold one."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    if rest.startswith("/"):  # a file
        return url.partition("?")[0]
    # Nothing before the last "@" is shown but a name: whoever wrote the password may not have escaped what is in it.
    account, _, address = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    shown = f"{user}@" if user and colon else ""  # a name alone may be a token (NATS)
    return f"{scheme}{separator}{shown}{address.partition('?')[0]}"


def _broker(settings: Settings) -> str:
    """The one of `messaging`, then the others with their names."""
    named = [f"{name}: {_address(section)}" for name, section in settings.brokers.items()]
    return "; ".join([_address(settings.messaging), *named])


def _address(messaging: MessagingSettings) -> str:
    servers = messaging.url.get_secret_value().split(",")
    shown = ",".join(without_password(server.strip()) for server in servers)
    return f"{messaging.broker_type} {shown}".strip()


def _merchants_with_secret(settings: Settings, label: Label) -> Iterable[str]:
    for merchant_id, merchant in settings.merchants.items():
        connector = merchant.connectors.get(label.name)
        if connector is not None and (connector.webhook_secrets or connector.webhook_id):
            yield merchant_id


def _refused_urls(settings: Settings, labels: Mapping[str, Label]) -> Iterable[str]:
    """Merchants whose webhook URLs a provider would refuse to register, because of a word in them."""
    for name, label in labels.items():
        for merchant_id in _merchants_with_secret(settings, label):
            tokens = settings.merchants[merchant_id].connectors[name].webhook_secrets
            parts = [merchant_id.lower(), *(token.get_secret_value().lower() for token in tokens)]
            word = next((word for word in label.refused_in_urls if any(word in part for part in parts)), None)
            if word is not None:
                yield f'{name}: URLs of merchant {merchant_id} hold "{word}", which {label.title} refuses: change it'


def _connector_line(name: str, merchants: list[str]) -> str:
    if not merchants:
        return f"{name} (no secret)"
    return name if merchants == [DEFAULT_MERCHANT] else f"{name} ({', '.join(merchants)})"
