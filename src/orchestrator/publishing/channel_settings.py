"""From settings to channels: the built-in ones as they are switched and changed, and channels of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from orchestrator.publishing.channels import BUILT_IN, DEFAULT_BROKER, DEFAULT_CHANNEL, Channel, Selection
from orchestrator.settings import Settings
from orchestrator.settings_messaging import ChannelSettings
from orchestratorx_prism.brokers import BrokerSettings
from orchestratorx_prism.config import settings_rejected

_NATS_STEM = "payments."


def configured_channels(settings: Settings) -> list[Channel]:
    """Every channel that is on, checked, `events` first.

    Raises:
        SettingsRejected: Everything that is wrong with any channel, also with those that are off.
    """
    brokers = configured_brokers(settings)
    sections = {DEFAULT_CHANNEL: ChannelSettings(), **settings.channels}
    channels, faults = [], []
    for name, section in sections.items():
        channel = _channel(name, section, settings.sandbox_env)
        found = [*channel.faults(), *_broker_faults(channel, brokers)]
        if not channel.address and (near := get_close_matches(name, BUILT_IN, n=1)):
            found.append(f"name: did you mean {near[0]}?")
        faults += [f"channels.{name}.{fault}" for fault in found]
        if section.enabled:
            channels.append(channel)
    if faults:
        raise settings_rejected(faults)
    return channels


def configured_brokers(settings: Settings) -> dict[str, BrokerSettings]:
    """Settings of every broker by the name that channels use."""
    named = {name: section.broker_settings() for name, section in settings.brokers.items()}
    return {DEFAULT_BROKER: settings.messaging.broker_settings(), **named}


def used_brokers(channels: Iterable[Channel]) -> set[str]:
    """Names of the brokers to open: what channels publish to, and `default`, which consumers look for."""
    return {DEFAULT_BROKER, *(channel.broker for channel in channels)}


def _channel(name: str, section: ChannelSettings, sandbox_env: str) -> Channel:
    said: dict[str, Any] = {
        key: value
        for key, value in section.model_dump(exclude={"enabled", "types", "connectors", "merchants"}).items()
        if value is not None
    }
    selection = Selection(section.types or (), section.connectors or (), section.merchants or ())
    built_in = BUILT_IN.get(name) or Channel(name, address="")
    return replace(built_in, **said, selection=selection, sandbox_env=sandbox_env)


def _broker_faults(channel: Channel, brokers: Mapping[str, BrokerSettings]) -> list[str]:
    broker = brokers.get(channel.broker)
    if broker is None:
        near = get_close_matches(channel.broker, brokers, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(brokers)}"
        return [f"broker: there is no {channel.broker} among the brokers{hint}"]
    fits = not channel.address or channel.address.startswith(_NATS_STEM)
    if broker.broker_type == "nats" and not broker.subject_prefix and not fits:
        # Without a prefix the stream takes what begins so, and nothing acknowledges the rest.
        return [
            f"address: over NATS without subject_prefix it begins with {_NATS_STEM}; set subject_prefix, or change it"
        ]
    return []
