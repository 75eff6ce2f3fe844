"""The brokers of an installation, as the catalogue wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from orchestrator.catalogue.model import Server
from orchestrator.publishing.channel_settings import configured_brokers
from orchestrator.settings import Settings
from orchestratorx_prism.brokers import BrokerSettings

_PROTOCOLS: Final[Mapping[str, str]] = {"nats": "nats", "redis": "redis", "kafka": "kafka", "rabbitmq": "amqp"}
"""Broker type → its name in AsyncAPI's bindings. Memory has no address."""


def configured_servers(settings: Settings) -> dict[str, Server]:
    """Brokers by the name that channels call them by, without users and passwords."""
    found = {name: server_of(name, broker) for name, broker in configured_brokers(settings).items()}
    return {name: server for name, server in found.items() if server is not None}


def server_of(name: str, broker: BrokerSettings) -> Server | None:
    """The broker's protocol and addresses; None for one that has none."""
    protocol = _PROTOCOLS.get(broker.broker_type)
    if protocol is None or not broker.servers:
        return None
    hosts = tuple(urlsplit(address).netloc for address in broker.address.split(","))
    return Server(name, protocol, hosts)
