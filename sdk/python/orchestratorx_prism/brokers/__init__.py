"""Brokers: where events go and come from. One file each; `open_broker` finds the one that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Final

from orchestratorx_prism.brokers.base import (
    Broker,
    BrokerUnavailable,
    DeadLetter,
    Delivery,
    GroupLag,
    GroupQueries,
    Message,
    Subscription,
    Succession,
)
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import DriverMissing, SettingsRejected

__all__ = [
    "Broker",
    "BrokerSettings",
    "BrokerUnavailable",
    "DeadLetter",
    "Delivery",
    "GroupLag",
    "GroupQueries",
    "Message",
    "Subscription",
    "Succession",
    "open_broker",
]


def _memory(settings: BrokerSettings) -> Broker:
    from orchestratorx_prism.brokers.memory import MemoryBroker

    return MemoryBroker.shared(settings)


def _nats(settings: BrokerSettings) -> Broker:
    try:
        from orchestratorx_prism.brokers.nats import NatsBroker
    except ModuleNotFoundError as missing:
        raise _driver_missing(missing, "NATS", "nats", "nats") from missing
    return NatsBroker(settings)


def _kafka(settings: BrokerSettings) -> Broker:
    try:
        from orchestratorx_prism.brokers.kafka import KafkaBroker
    except ModuleNotFoundError as missing:
        raise _driver_missing(missing, "Kafka", "kafka", "aiokafka") from missing
    return KafkaBroker(settings)


def _redis(settings: BrokerSettings) -> Broker:
    try:
        from orchestratorx_prism.brokers.redis import RedisBroker
    except ModuleNotFoundError as missing:
        raise _driver_missing(missing, "Redis", "redis", "redis") from missing
    return RedisBroker(settings)


def _rabbitmq(settings: BrokerSettings) -> Broker:
    try:
        from orchestratorx_prism.brokers.rabbitmq import RabbitBroker
    except ModuleNotFoundError as missing:
        raise _driver_missing(missing, "RabbitMQ", "rabbitmq", "aio_pika", "aiormq", "pamqp") from missing
    return RabbitBroker(settings)


def _driver_missing(missing: ModuleNotFoundError, broker: str, extra: str, *modules: str) -> Exception:
    """What to raise: the install command if it is one of the driver's modules that is missing, else what was raised."""
    if missing.name is None or missing.name.partition(".")[0] not in modules:
        return missing
    return DriverMissing(f"the driver of {broker} is not installed", fix=f'pip install "orchestratorx-prism[{extra}]"')


_OPENERS: Final[dict[str, Callable[[BrokerSettings], Broker]]] = {
    "memory": _memory,
    "nats": _nats,
    "kafka": _kafka,
    "redis": _redis,
    "rabbitmq": _rabbitmq,
}


def open_broker(settings: BrokerSettings) -> Broker:
    """The broker that the settings name, not connected yet. There is no fallback to another one.

    Raises:
        SettingsRejected: No such broker, or settings that do not hold together.
        DriverMissing: Its driver is not installed; the fix is the install command.
    """
    name = settings.broker_type
    available = ", ".join(_OPENERS)
    opener = _OPENERS.get(name)
    if opener is None:
        near = get_close_matches(name.lower(), list(_OPENERS), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingsRejected(
            "there is no broker of this name", reason="BROKER_UNKNOWN", fix=f"{hint}broker_type is one of: {available}"
        )
    faults = settings.faults()
    if faults:
        raise SettingsRejected(f"settings of the broker {name}: " + "; ".join(faults))
    return opener(settings)
