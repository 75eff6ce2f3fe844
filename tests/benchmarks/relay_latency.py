"""How long a committed event waits for the broker's acknowledgement, at a steady rate far below the most."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bodies import webhooks
from measuring import Result
from relay_load import settings_of

from connectors.spi import Context, Environment
from orchestrator.ledger.base import ChannelRule, Ledger, Recording
from orchestrator.ledger.factory import open_ledger
from orchestrator.plugins import connector_named
from orchestrator.publishing.channels import DEFAULT_BROKER, built_in_channels
from orchestrator.publishing.relay import Relay
from orchestratorx_prism.brokers import Broker, Message, open_broker

RATE = 500
"""Events a second, committed one by one."""
SECONDS = 8
WARM_UP = RATE
"""Events of the first second are not counted: connections are made and caches filled."""
LIMIT_MS = 20.0


def latency(broker_type: str, url: str) -> Result:
    """From commit to acknowledgement, 99th percentile: budget 20 ms."""
    waits = sorted(asyncio.run(_waits(broker_type, url)))
    middle, late = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
    name = f"commit to {broker_type}'s acknowledgement, p99 at {RATE}/s"
    return Result(name, late * 1e6, "p50", middle * 1e6, most_us=LIMIT_MS * 1e3)


async def _waits(broker_type: str, url: str) -> list[float]:
    channels = built_in_channels()
    with tempfile.TemporaryDirectory(prefix="orchestratorx-bench-") as folder:
        rules = [ChannelRule(channel.name, channel.selection.takes) for channel in channels]
        ledger = open_ledger(f"sqlite:///{Path(folder) / 'bench.db'}", channels=rules)
        await ledger.open()
        broker = _Timing(open_broker(settings_of(broker_type, url)))
        await broker.connect()
        relay = Relay(ledger.outbox, channels, {DEFAULT_BROKER: broker})
        await relay.start()
        committed = await _record(ledger, RATE * SECONDS)
        while len(broker.acknowledged) < len(committed):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
        await relay.stop()
        await broker.close()
        await ledger.close()
    return [broker.acknowledged[name] - at for name, at in list(committed.items())[WARM_UP:]]


async def _record(ledger: Ledger, count: int) -> dict[str, float]:
    """Commits `count` events at the rate. When each was committed, by its id."""
    label = connector_named("stripe")
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, time.time_ns())
    made = [Recording(label.normalize(label.parse(one.body), context, one.body)) for one in webhooks(count)]
    committed: dict[str, float] = {}

    async def one(recording: Recording) -> None:
        await ledger.record(recording)
        now = time.perf_counter()
        committed.update((event.id, now) for event in recording.events)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, recording in enumerate(made):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            tasks.create_task(one(recording))
    return committed


class _Timing:
    """A broker that notes when it was first told that a message is safe."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.acknowledged: dict[str, float] = {}

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(self._broker, name)

    async def publish(self, messages: Sequence[Message]):  # type: ignore[no-untyped-def]
        outcomes = await self._broker.publish(messages)
        now = time.perf_counter()
        for message, outcome in zip(messages, outcomes, strict=True):
            if outcome is None:
                self.acknowledged.setdefault(message.id, now)
        return outcomes
