"""kill -9 at any moment loses no acknowledged event and publishes none under two ids.

A server with a real database and a real NATS is loaded with webhooks and killed, again and again; providers repeat what
was not acknowledged. In the end the ledger and the stream must tell the same story. `--kill-cycles` says how often.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from free_ports import free_port
from killable_server import Connection, Server, check, ledger_events

from connectors.spi import SampleRequest, SampleWebhook
from orchestrator.plugins import connector_named
from orchestratorx_prism.v1.event_pb2 import Event

SECRET = "whsec_killed_under_load"
STORY = ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.dispute.created")
KILL_CYCLES = 15
IN_FLIGHT = 24
DUPLICATE_CHANCE = 0.15

pytestmark = [pytest.mark.slow, pytest.mark.nats, pytest.mark.timeout(1800)]


@dataclass
class Providers:
    """Sends webhooks, repeats what was not acknowledged, and remembers what was."""

    dice: random.Random
    acknowledged: set[str] = field(default_factory=set)
    owed: list[SampleWebhook] = field(default_factory=list)
    payments: int = 0
    posted: int = 0

    def next_webhook(self) -> SampleWebhook:
        if not self.owed:
            self._tell_another_story()
        return self.owed.pop(self.dice.randrange(len(self.owed)))

    def _tell_another_story(self) -> None:
        sample = connector_named("stripe").sample
        assert sample is not None
        for _ in range(20):
            self.payments += 1
            for event_type in STORY:
                made = sample(SampleRequest(event_type, secret=SECRET, now_s=int(time.time()), seed=self.payments))
                self.owed.append(made)
                if self.dice.random() < DUPLICATE_CHANCE:
                    self.owed.append(made)

    async def post(self, connection: Connection, webhook: SampleWebhook) -> bool:
        """Whether it was acknowledged; what was not is owed again."""
        try:
            status = await connection.post("/webhooks/stripe/default", webhook)
        except (OSError, EOFError):
            connection.close()
            self.owed.append(webhook)
            return False
        if status != 200:
            assert status == 503
            self.owed.append(webhook)
            return False
        self.posted += 1
        self.acknowledged.add(json.loads(webhook.body)["id"])
        return True


async def load_until_killed(server: Server, providers: Providers, alive_s: float) -> None:
    """Posts from many connections; kills the server in the middle."""
    stopping = asyncio.Event()

    async def post_on_one() -> None:
        connection = Connection(server.http_port)
        while not stopping.is_set() and await providers.post(connection, providers.next_webhook()):
            pass
        connection.close()

    workers = [asyncio.create_task(post_on_one()) for _ in range(IN_FLIGHT)]
    await asyncio.sleep(alive_s)
    await asyncio.to_thread(server.kill)
    stopping.set()
    await asyncio.gather(*workers)


async def settle(server: Server, providers: Providers) -> None:
    """Everything owed is sent until it is acknowledged."""
    connections = [Connection(server.http_port) for _ in range(IN_FLIGHT)]
    while providers.owed:
        batch = [providers.owed.pop() for _ in range(min(IN_FLIGHT, len(providers.owed)))]
        await asyncio.gather(*(providers.post(*pair) for pair in zip(connections, batch, strict=False)))
    for connection in connections:
        connection.close()


async def published_events(nats_url: str, stream: str, expected: int) -> list[Event]:
    """Every message of the stream, oldest first, once all expected ones are there or time is up."""
    import nats
    from nats.js.api import ConsumerConfig, DeliverPolicy

    from orchestratorx_prism.brokers.base import Message
    from orchestratorx_prism.envelopes.cloudevents import decode

    connection = await nats.connect(nats_url)
    try:
        stream_context = connection.jetstream()
        for _ in range(1_800):  # what a killed relay had in hand waits for its lease to end, 30 s
            info = await stream_context.stream_info(stream)
            if info.state.messages >= expected:
                break
            await asyncio.sleep(0.1)
        count = info.state.messages
        reader = await stream_context.pull_subscribe(
            "", stream=stream, config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        )
        events: list[Event] = []
        while len(events) < count:
            for message in await reader.fetch(min(500, count - len(events)), timeout=10):
                events.append(decode(Message("", message.subject, "", message.data, dict(message.headers or {}))))
                await message.ack()
        return events
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


async def test_no_acknowledged_event_is_lost_and_none_has_two_ids(
    zygote: subprocess.Popen[str], database_url: str, nats_url: str, request: pytest.FixtureRequest
) -> None:
    cycles: int = request.config.getoption("--kill-cycles") or KILL_CYCLES
    stream = f"KILLED_{uuid.uuid4().hex[:8]}"
    http_port, grpc_port = free_port(), free_port()
    environment = {
        "ORCHESTRATOR_DATABASE_URL": database_url,
        "ORCHESTRATOR_HTTP_PORT": str(http_port),
        "ORCHESTRATOR_GRPC_PORT": str(grpc_port),
        "ORCHESTRATOR_MESSAGING__BROKER_TYPE": "nats",
        "ORCHESTRATOR_MESSAGING__URL": nats_url,
        "ORCHESTRATOR_MESSAGING__STREAM": stream,
        "ORCHESTRATOR_MESSAGING__SUBJECT_PREFIX": stream.lower(),
        "ORCHESTRATOR_LOG_LEVEL": "error",
        "STRIPE_WEBHOOK_SECRET": SECRET,
    }
    server = Server(zygote, environment, http_port, grpc_port)
    dice = random.Random(20260101)
    providers = Providers(dice)
    for _ in range(cycles):
        server.start()
        await server.ready()
        await load_until_killed(server, providers, dice.uniform(0.02, 0.35))
    server.start()
    await server.ready()
    await settle(server, providers)
    recorded = [event async for event in ledger_events(server)]
    published = await published_events(nats_url, stream, len(recorded))
    await asyncio.to_thread(server.kill)
    print(
        f"\n{database_url.partition(':')[0]}: {cycles} kills, {providers.posted} acknowledgements, "
        f"{len(recorded)} events recorded, {len(published)} messages published"
    )
    assert len(recorded) >= len(STORY) * cycles
    check(providers.acknowledged, recorded, published)
