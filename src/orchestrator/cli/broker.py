"""What commands that talk to a broker directly share: which one, and opening and closing it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from orchestrator.settings_loading import load_settings
from orchestratorx_prism.brokers import Broker, BrokerSettings, open_broker
from orchestratorx_prism.consuming.groups import default_group
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def broker_options(command: F) -> F:
    """Adds --config, --broker and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
        click.option("--broker", "broker", default="", help="One of `brokers` in the settings. Default: `messaging`."),
        click.option("--config", "config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML."),
    ):
        command = option(command)
    return command


def group_option(command: F) -> F:
    """Adds --group."""
    return click.option("--group", default="", help="Consumer group. Default: the one in the settings.")(command)


def broker_settings(config: str | None, name: str) -> BrokerSettings:
    """
    Raises:
        SettingsRejected: The settings do not hold together, or name no such broker.
        RequestRejected: It is the memory broker, of which another process sees nothing.
    """
    settings = load_settings(config)
    if name and name not in settings.brokers:
        known = ", ".join(settings.brokers) or "none"
        raise SettingsRejected("there is no broker of this name", fix=f"leave --broker out, or use one of: {known}")
    found = (settings.brokers[name] if name else settings.messaging).broker_settings()
    if found.broker_type == "memory":
        raise RequestRejected(
            "the memory broker lives in the process that uses it: there is nothing to see from here",
            reason="BROKER_IN_PROCESS",
            fix="set messaging.broker_type and messaging.url to the broker that your consumers use",
        )
    return found


def with_broker(settings: BrokerSettings, work: Callable[[Broker], Awaitable[T]]) -> T:
    """Connects, does the work, and disconnects.

    Raises:
        BrokerUnavailable: The broker does not answer.
    """

    async def connected() -> T:
        broker = open_broker(settings)
        try:
            await broker.connect()
            return await work(broker)
        finally:
            await broker.close()

    return asyncio.run(connected())


def group_of(settings: BrokerSettings, group: str) -> str:
    """The group that was asked for, or the settings' own."""
    return group or default_group(settings)
