"""kill -9 at any moment loses no acknowledged event and publishes none under two ids.

A server with a real database and a real NATS is loaded with webhooks and killed, again and again; providers repeat what
was not acknowledged. In the end the ledger and the stream must tell the same story. `--kill-cycles` says how often.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors.spi import SampleRequest, SampleWebhook
from orchestrator.plugins import connector_named
from orchestratorx_prism import EventClient
from orchestratorx_prism.v1.event_pb2 import Event

SECRET = "whsec_killed_under_load"
STORY = ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.dispute.created")
KILL_CYCLES = 15
IN_FLIGHT = 24
DUPLICATE_CHANCE = 0.15

pytestmark = [pytest.mark.slow, pytest.mark.nats, pytest.mark.timeout(1800)]


@dataclass
class Server:
    """`orchestrator serve`, to be killed. Its ports stay the same."""

    zygote: subprocess.Popen[str]
    environment: dict[str, str]
    http_port: int
    grpc_port: int
    pid: int = 0

    def start(self) -> None:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(self.environment) + "\n")
        self.zygote.stdin.flush()
        self.pid = int(self.zygote.stdout.readline())

    def kill(self) -> None:
        assert self.zygote.stdout is not None
        os.kill(self.pid, signal.SIGKILL)
        assert self.zygote.stdout.readline() == "gone\n"

    async def ready(self) -> None:
        """Returns when it takes connections."""
        for _ in range(2_000):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.http_port)
                writer.close()
                return
            await asyncio.sleep(0.01)
        pytest.fail("the server does not come up")


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


@dataclass
class Connection:
    """One HTTP connection, kept alive, as cheap as it can be: the load is not to be limited by the client."""

    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, webhook: SampleWebhook) -> int:
        """The answer's status. Raises OSError or EOFError if there is none."""
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        headers = "".join(f"{name}: {value}\r\n" for name, value in webhook.headers.items())
        head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(webhook.body)}\r\n{headers}\r\n"
        self.writer.write(head.encode() + webhook.body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        lines = answer.decode().lower().split("\r\n")
        length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
        await self.reader.readexactly(length)
        return int(lines[0].split()[1])

    def close(self) -> None:
        """The next post opens another one."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


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


async def ledger_events(server: Server) -> AsyncIterator[Event]:
    """Everything recorded, in commit order, from the running server."""
    async with EventClient(connector="stripe", target=f"127.0.0.1:{server.grpc_port}") as client:
        head = await _count(client)
        seen = 0
        async for event in client.subscribe_events(cursor="0"):
            seen += 1
            yield event.message
            if seen >= head:
                return


async def _count(client: EventClient) -> int:
    token, count = "", 0
    while True:
        page = await client.list_events(page_size=1000, page_token=token)
        count += len(page.events)
        token = page.next_page_token
        if not token:
            return count


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


def check(acknowledged: set[str], recorded: list[Event], published: list[Event]) -> None:
    """Nothing acknowledged is lost; nothing has two ids; every payment's events are in sequence."""
    ids_of = defaultdict(set)
    for event in [*recorded, *published]:
        ids_of[event.provider_event_id].add(event.id)
    recorded_provider_ids = {event.provider_event_id for event in recorded}
    assert acknowledged - recorded_provider_ids == set(), "acknowledged, but not recorded"
    assert {key: ids for key, ids in ids_of.items() if len(ids) > 1} == {}, "published under two ids"
    assert len({event.id for event in recorded}) == len(recorded), "recorded twice"
    assert {event.id for event in recorded} == {event.id for event in published}, "recorded and published differ"
    sequences: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for event in published:
        if event.id not in seen:
            seen.add(event.id)
            sequences[event.payment_id].append(event.sequence)
    wrong = {payment: order for payment, order in sequences.items() if order != list(range(1, len(order) + 1))}
    assert wrong == {}, "out of sequence"


@pytest.fixture(scope="module")
def zygote() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "zygote.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"},
    )
    yield process
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=10)
    assert process.stdout is not None
    process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
