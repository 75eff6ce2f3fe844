"""What is unsafe about the memory broker: all of it."""

from __future__ import annotations

from orchestratorx_prism.brokers.checkup import Finding
from orchestratorx_prism.brokers.settings import BrokerSettings


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """See `checkup.checkup`."""
    return [
        Finding(
            "unsafe",
            "memory: the broker",
            "messages are in this process alone, and end with it; other processes never see them",
            "set broker_type to rabbitmq, kafka, nats or redis; memory is for development and tests",
        )
    ]
