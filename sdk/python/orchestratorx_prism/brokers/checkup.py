"""What `orchestrator doctor` asks a live broker: which of its settings lose messages, and how to mend each.

One file a broker (`nats_checkup.py`, …) with one function that is given the settings and asks the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal, cast

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

_CHECKUPS: Final = {
    "memory": "orchestratorx_prism.brokers.memory_checkup",
    "nats": "orchestratorx_prism.brokers.nats_checkup",
    "kafka": "orchestratorx_prism.brokers.kafka_checkup",
}


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """Everything that is not as it should be; empty if all is well. Changes nothing.

    Raises:
        BrokerUnavailable: The broker cannot be asked.
        SettingsRejected: It cannot be used at all.
    """
    asked = cast(Checkup, import_module(_CHECKUPS[settings.broker_type]).checkup)
    return await asked(settings)
