"""Settings in, a wired application out. The only place where parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from orchestrator.ledger.base import Ledger
from orchestrator.ledger.factory import open_ledger
from orchestrator.publishing.channels import Channel, built_in_channels
from orchestrator.publishing.relay import Relay, RelayMetrics
from orchestrator.services import DisputeService, EventService, PaymentService, RefundService, Services
from orchestrator.services.intake import Intake
from orchestrator.services.merchants import Merchants
from orchestrator.services.observing import Observer
from orchestrator.settings import Settings
from orchestratorx_prism.brokers import BrokerSettings, open_broker
from orchestratorx_prism.brokers.base import Broker


@dataclass(frozen=True)
class Application:
    """Everything that runs behind the front doors."""

    settings: Settings
    ledger: Ledger
    broker: Broker
    services: Services
    merchants: Merchants
    relay: Relay

    async def start(self, *, relay: bool = True) -> None:
        """Opens the ledger; starts to publish, unless another process does.

        Raises:
            Unavailable: The database cannot be reached. A broker that is away does not stop the start.
        """
        await self.ledger.open()
        if relay:
            await self.relay.start()

    async def stop(self) -> None:
        """Finishes what is in hand, then closes in the reverse order."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.ledger.close)
            stack.push_async_callback(self.broker.close)
            stack.push_async_callback(self.merchants.aclose)
            stack.push_async_callback(self.relay.stop)
