"""kill -9 of the worker at any moment: every effect happens exactly once, and each payment's in order. On every broker.

Messages are published while workers are killed, many of them twice under one id, and some of them are poison.
`--kill-cycles` says how often to kill; there are a hundred events to each time.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from broker_servers import REAL, BrokerServer, broker_server
from stream_workers import Effects, Worker, out_of_order, stream_message

from orchestratorx_prism.brokers import Broker, Message, open_broker
from orchestratorx_prism.consuming.history import read_note

KILL_CYCLES = 8
EVENTS_PER_KILL = 100
PAYMENTS = 12
POISON_EVERY = 20
"""Rounds: one of the payments has a poison message in it."""
DUPLICATE_CHANCE = 0.2
BACKLOG = 120
"""Publishing waits while so many messages are not handled, so that there is work at each kill."""
ACK_WAIT_S = 1.0
SETTLE_S = 120.0
"""Longest that the last worker takes for what is left."""

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(1800)]


@dataclass
class Story:
    """What is published: numbers of all payments by turns; some again, in the next round, under the same id."""

    broker: Broker
    dice: random.Random
    handled_at_least: Callable[[int], Awaitable[None]]
    wanted: int
    """So many events at least."""
    effects: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Payment → the numbers that must have their effect, in order."""
    poison: set[str] = field(default_factory=set)
    published: int = 0
    repeated: int = 0
    done: int = 0

    async def tell(self, enough: asyncio.Event) -> None:
        """Until there is enough of it."""
        number, again = 0, list[Message]()
        while not enough.is_set() or self.done < self.wanted:
            number += 1
            batch = self._round(number)
            await self._publish([*batch, *again])
            self.published += len(batch)
            self.repeated += len(again)
            again = [one for one in batch if self.dice.random() < DUPLICATE_CHANCE]
            await self.handled_at_least(self.done - BACKLOG)
        # Behind every repeat there is something else of its payment.
        batch = self._round(number + 1)
        await self._publish([*again, *batch])
        self.published += len(batch)

    def _round(self, number: int) -> list[Message]:
        made = []
        for payment in (f"pay-{place}" for place in range(PAYMENTS)):
            made.append(stream_message(f"{payment}:{number}", payment, number))
            self.effects[payment].append(number)
        self.done += PAYMENTS
        if number % POISON_EVERY == POISON_EVERY // 2:
            place = self.dice.randrange(PAYMENTS)
            made.insert(place, stream_message(f"pay-{place}:poison-{number}", f"pay-{place}", -number))
            self.poison.add(f"pay-{place}:poison-{number}")
        return made

    async def _publish(self, messages: list[Message]) -> None:
        assert await self.broker.publish(messages) == [None] * len(messages)


@pytest.fixture(params=REAL)
def server(request: pytest.FixtureRequest) -> BrokerServer:
    return broker_server(request.param, request)


@pytest.fixture
def worker(server: BrokerServer, fresh_postgres_url: str) -> Iterator[Worker]:
    made = Worker(server.settings(ack_wait_s=ACK_WAIT_S), fresh_postgres_url)
    yield made
    made.close()


async def kill_again_and_again(worker: Worker, effects: Effects, dice: random.Random, cycles: int) -> None:
    """Kills the worker so often, at a random moment after its first effect, while there is more to do."""
    for _ in range(cycles):
        before = await effects.count()
        worker.start()
        await effects.at_least(before + 1)
        await asyncio.sleep(dice.uniform(0.0, 0.4))
        assert await asyncio.to_thread(worker.end, signal.SIGKILL) == -signal.SIGKILL, "it had ended by itself"


async def until_handled(story: Story, effects: Effects, broker: Broker) -> list[Any]:
    """Returns the dead letters, once every effect and all that is poison is there."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        done = await effects.count()
        dead = list(await broker.dead_letters(group="orders", limit=10_000))
        if done >= story.done and story.poison <= {one.message.id for one in dead}:
            return dead
        assert time.monotonic() < deadline, f"{done} of {story.done} effects, {len(dead)} dead letters"
        await asyncio.sleep(0.2)


async def test_every_effect_happens_once_and_in_order_however_often_the_worker_is_killed(
    request: pytest.FixtureRequest, server: BrokerServer, worker: Worker, fresh_postgres_url: str
) -> None:
    cycles: int = request.config.getoption("--kill-cycles") or KILL_CYCLES
    seed = random.randrange(2**32)
    print(f"\n{server.name}: seed {seed}")
    dice = random.Random(seed)
    connection = await asyncpg.connect(fresh_postgres_url)
    effects = Effects(connection)
    await effects.create()
    # The broker forgets ids at once: what is published twice is delivered twice.
    broker = open_broker(server.settings(duplicate_window_s=0.1, ack_wait_s=ACK_WAIT_S))
    try:
        story = Story(broker, random.Random(seed), effects.at_least, EVENTS_PER_KILL * cycles)
        enough = asyncio.Event()
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(story.tell(enough))
            await kill_again_and_again(worker, effects, dice, cycles)
            enough.set()
            worker.start()
            await telling
        dead = await until_handled(story, effects, broker)
        assert await asyncio.to_thread(worker.end, signal.SIGTERM) == 0
        print(
            f"{server.name}: {cycles} kills, {story.published} events, {story.repeated} of them twice, "
            f"{await effects.count()} effects, {len(story.poison)} poison, {len(dead)} dead letters, "
            f"{time.monotonic() - began:.0f} s"
        )
        assert out_of_order(await effects.by_payment(), story.effects) == []
        assert {one.message.id for one in dead} == story.poison
        for one in dead:
            attempts = read_note(one.reason).attempts
            assert len(attempts) >= 3
            assert {attempt.error for attempt in attempts} == {"ValueError: poison"}
    finally:
        await broker.close()
        await connection.close()
