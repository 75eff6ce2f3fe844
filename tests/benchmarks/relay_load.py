"""The relay beside a bare loop of the same client: the same bytes, the same acknowledgements, as many in flight."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bare_loops import BARE
from bodies import webhooks
from measuring import Result

from connectors.spi import Context, Environment
from orchestrator.ledger.base import ChannelRule, Ledger, Recording
from orchestrator.ledger.factory import open_ledger
from orchestrator.plugins import connector_named
from orchestrator.publishing.channels import DEFAULT_BROKER, built_in_channels
from orchestrator.publishing.relay import Relay, RelayOptions
from orchestratorx_prism.brokers import BrokerSettings, Message, open_broker

COUNT = 6_000
IN_FLIGHT = RelayOptions().batch_size


def throughput(broker_type: str, url: str) -> Result:
    """How much longer the relay takes for an event than a bare loop for the same message: budget 1 / 0.7."""
    messages, relayed = asyncio.run(_relayed(broker_type, url))
    bare = asyncio.run(BARE[broker_type](url, messages, IN_FLIGHT))
    name = f"relay over {broker_type}: seconds on the clock, SQLite FULL"
    return Result(name, relayed / COUNT * 1e6, "bare loop", bare / COUNT * 1e6, limit_ratio=1 / 0.7)


async def _relayed(broker_type: str, url: str) -> tuple[list[Message], float]:
    channels = built_in_channels()
    with tempfile.TemporaryDirectory(prefix="orchestratorx-bench-") as folder:
        rules = [ChannelRule(channel.name, channel.selection.takes) for channel in channels]
        ledger = open_ledger(f"sqlite:///{Path(folder) / 'bench.db'}", channels=rules)
        broker = _Noting(open_broker(settings_of(broker_type, url)))
        await ledger.open()
        await _fill(ledger)
        await broker.connect()
        relay = Relay(ledger.outbox, channels, {DEFAULT_BROKER: broker})
        began = time.perf_counter()
        await relay.start()
        while (await ledger.outbox.backlog(channels[0].name)).unsent:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
        taken = time.perf_counter() - began
        await relay.stop()
        await broker.close()
        await ledger.close()
    return broker.published, taken


async def _fill(ledger: Ledger) -> None:
    label = connector_named("stripe")
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, time.time_ns())
    made = [Recording(label.normalize(label.parse(one.body), context, one.body)) for one in webhooks(COUNT)]
    await ledger.record_many(made)


def settings_of(broker_type: str, url: str) -> BrokerSettings:
    """Of a place of its own at the server, where the broker has such a thing."""
    name = f"bench{time.time_ns()}"
    return BrokerSettings(broker_type, url=url, subject_prefix=name, stream=name, topic_prefix=name, partitions=1)


class _Noting:
    """A broker that remembers what it was given."""

    def __init__(self, broker) -> None:  # type: ignore[no-untyped-def]
        self._broker = broker
        self.published: list[Message] = []

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(self._broker, name)

    async def publish(self, messages: Sequence[Message]):  # type: ignore[no-untyped-def]
        self.published += messages
        return await self._broker.publish(messages)
