"""What `orchestrator doctor` asks a live broker: which of its settings lose messages, and how to mend each.

One file a broker (`nats_checkup.py`, …) with one function that is given the settings and asks the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, cast

from orchestratorx_prism.brokers import open_broker
from orchestratorx_prism.brokers.settings import BrokerSettings

Level = Literal["unsafe", "advice"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that should be otherwise."""

    level: Level
    """"unsafe": messages can be lost. "advice": only if something else fails too, or it cannot be seen from here."""
    where: str
    """What it is about: "nats: stream PAYMENTS"."""
    what: str
    """As it is, and what follows from that."""
    fix: str
    """What to do."""


Checkup = Callable[[BrokerSettings], Awaitable[list[Finding]]]


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """Everything that is not as it should be; empty if all is well. Changes nothing.

    Raises:
        BrokerUnavailable: The broker cannot be asked.
        SettingsRejected: It cannot be used at all, or the settings do not hold together.
        DriverMissing: Its driver is not installed; the fix is the install command.
    """
    open_broker(settings)  # which connects to nothing, and refuses what cannot be asked
    asked = cast(Checkup, import_module(f"orchestratorx_prism.brokers.{settings.broker_type}_checkup").checkup)
    return await asked(settings)
