"""Record, relay, publish: the relay over every ledger, with a broker that fails now and then."""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from orchestrator.ledger.base import ChannelRule, Claim, Ledger, Recording
from orchestrator.ledger.factory import open_ledger
from orchestrator.publishing.channels import DEFAULT_BROKER, built_in_channels
from orchestrator.publishing.relay import Relay, RelayOptions
from orchestratorx_prism.brokers import BrokerUnavailable, Message
from orchestratorx_prism.brokers.memory import MemoryBroker
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.v1.event_pb2 import Event

CHANNELS = built_in_channels()
RULES = [ChannelRule(channel.name, channel.selection.takes) for channel in CHANNELS]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A ledger of the test's own; PostgreSQL's is a database that goes with the test."""
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        server, name = request.getfixturevalue("postgres_url"), f"relay_{uuid.uuid4().hex}"
        _execute(server, f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(statement)
        await connection.close()

    # In a thread: the test's own event loop is not to be replaced.
    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    opened = open_ledger(ledger_url, channels=RULES, memory_outbox=True, spanning=())
    await opened.open()
    yield opened
    await opened.close()


class MoodyBroker(MemoryBroker):
    """Accepts a part of what it is given, in the contract's terms; each key in order."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.accepted: list[Message] = []
        self._random = random.Random(seed)

    async def publish(self, messages: Sequence[Message]) -> list[BrokerUnavailable | None]:
        await asyncio.sleep(self._random.uniform(0, 0.01))
        mood = self._random.random()
        failed: set[str] = set()
        outcomes: list[BrokerUnavailable | None] = []
        for message in messages:
            if mood < 0.2 or message.key in failed or self._random.random() < 0.05:
                failed.add(message.key)
                outcomes.append(BrokerUnavailable("not now", reason="MESSAGE_REFUSED" if mood >= 0.2 else None))
            else:
                self.accepted.append(message)
                outcomes.append(None)
        return outcomes


def recording(payment: str) -> Recording:
    event = Event(
        id=str(uuid.uuid4()),
        type="payment.captured",
        schema_version=1,
        connector="stripe",
        environment="ENVIRONMENT_SANDBOX",
        merchant_id="default",
        connector_transaction_id=payment,
    )
    event.references.add(kind="payment_intent", value=payment)
    event.occurred_at.GetCurrentTime()
    event.received_at.GetCurrentTime()
    event.payment.amount.minor_units = 1
    event.payment.amount.currency = "USD"
    return Recording(events=[event])


async def test_everything_recorded_is_published_in_sequence_by_two_relays_over_a_moody_broker(ledger: Ledger) -> None:
    broker = MoodyBroker(seed=7)
    options = RelayOptions(batch_size=16, backoff_first_s=0.005, backoff_longest_s=0.05, poll_s=0.05)
    relays = [Relay(ledger.outbox, CHANNELS, {DEFAULT_BROKER: broker}, options=options) for _ in range(2)]
    for relay in relays:
        await relay.start()

    recorded: set[str] = set()
    for number in range(300):
        made = await ledger.record(recording(f"pi_{number % 12}"))
        recorded |= {event.id for event in made.events}
        if number % 20 == 0:
            await asyncio.sleep(0.005)
    deadline = time.monotonic() + 60
    while (await ledger.outbox.backlog("events")).unsent:
        assert time.monotonic() < deadline, await ledger.outbox.backlog("events")
        await asyncio.sleep(0.01)
    for relay in relays:
        await relay.stop()

    published = [decode(message) for message in broker.accepted]
    assert sorted(event.id for event in published) == sorted(recorded)
    sequences: dict[str, list[int]] = defaultdict(list)
    for event in published:
        sequences[event.payment_id].append(event.sequence)
    assert len(sequences) == 12
    assert all(found == list(range(1, 26)) for found in sequences.values())


async def test_what_was_in_hand_when_a_relay_died_is_published_by_another_after_the_lease(ledger: Ledger) -> None:
    broker = MoodyBroker(seed=1)
    made = await ledger.record(recording("pi_1"))
    dead = await ledger.outbox.claim("events", limit=10, lease_s=0.5)
    assert len(dead.rows) == 1

    relay = Relay(ledger.outbox, CHANNELS, {DEFAULT_BROKER: broker}, options=RelayOptions(poll_s=0.05))
    await relay.start()
    deadline = time.monotonic() + 60
    while not broker.accepted:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await relay.stop()

    assert [message.id for message in broker.accepted] == [made.events[0].id]
    assert await ledger.outbox.complete(dead, [dead.rows[0].row_id]) == 0


async def test_an_idle_relay_does_not_spin(ledger: Ledger) -> None:
    broker = MemoryBroker()
    await broker.connect()
    claims = 0
    claim = ledger.outbox.claim

    async def counted(channel: str, *, limit: int, lease_s: float) -> Claim:
        nonlocal claims
        claims += 1
        return await claim(channel, limit=limit, lease_s=lease_s)

    ledger.outbox.claim = counted  # type: ignore[method-assign]
    relay = Relay(ledger.outbox, CHANNELS, {DEFAULT_BROKER: broker}, options=RelayOptions(poll_s=0.2))
    await relay.start()
    await asyncio.sleep(1.0)
    await relay.stop()
    await broker.close()
    assert claims <= 10
