"""The relay beside a bare loop of the same client: the same bytes, the same acknowledgements, as many in flight."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

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

Bare = Callable[[str, Sequence[Message]], Awaitable[float]]
"""Given the URL and the messages: publishes them, as many in flight as the relay. Seconds."""


def throughput(broker_type: str, url: str) -> Result:
    """How much longer the relay takes for an event than a bare loop for the same message: budget 1 / 0.7."""
    messages, relayed = asyncio.run(_relayed(broker_type, url))
    bare = asyncio.run(BARE[broker_type](url, messages))
    name = f"relay over {broker_type}: seconds on the clock, SQLite FULL"
    return Result(name, relayed / COUNT * 1e6, "bare loop", bare / COUNT * 1e6, limit_ratio=1 / 0.7)


async def _relayed(broker_type: str, url: str) -> tuple[list[Message], float]:
    channels = built_in_channels()
    with tempfile.TemporaryDirectory(prefix="orchestratorx-bench-") as folder:
        rules = [ChannelRule(channel.name, channel.selection.takes) for channel in channels]
        ledger = open_ledger(f"sqlite:///{Path(folder) / 'bench.db'}", channels=rules)
        broker = _Noting(open_broker(_settings(broker_type, url)))
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


def _settings(broker_type: str, url: str) -> BrokerSettings:
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


async def _bare_nats(url: str, messages: Sequence[Message]) -> float:
    import nats

    client = await nats.connect(url)
    jetstream = client.jetstream()
    prefix = f"bare{time.time_ns()}"
    await jetstream.add_stream(name=prefix, subjects=[f"{prefix}.>"])
    began = time.perf_counter()
    for at in range(0, len(messages), IN_FLIGHT):
        await asyncio.gather(
            *(
                jetstream.publish(
                    f"{prefix}.{one.address}.{one.routing_key}",
                    one.body,
                    headers={**one.headers, "Nats-Msg-Id": one.id},
                )
                for one in messages[at : at + IN_FLIGHT]
            )
        )
    taken = time.perf_counter() - began
    await jetstream.delete_stream(prefix)
    await client.close()
    return taken


async def _bare_kafka(url: str, messages: Sequence[Message]) -> float:
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    topic, servers = f"bare{time.time_ns()}", url.removeprefix("kafka://")
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", enable_idempotence=True, max_batch_size=512 * 1024
    )
    await producer.start()
    await (await producer.send(topic, b"warm up"))
    began = time.perf_counter()
    for at in range(0, len(messages), IN_FLIGHT):
        sent = [
            await producer.send(
                topic,
                one.body,
                key=one.key.encode(),
                headers=[(name, text.encode()) for name, text in one.headers.items()],
            )
            for one in messages[at : at + IN_FLIGHT]
        ]
        await asyncio.gather(*sent)
    taken = time.perf_counter() - began
    await producer.stop()
    return taken


BARE: dict[str, Bare] = {"nats": _bare_nats, "kafka": _bare_kafka}
