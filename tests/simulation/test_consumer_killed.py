"""kill -9 of the worker at any moment: every effect happens exactly once, and each payment's in order.

Messages are published while workers are killed, many of them twice under one id, and one of them is poison.
`--kill-cycles` says how often to kill.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from orchestratorx_prism.brokers import BrokerSettings, Message, open_broker
from orchestratorx_prism.consuming.history import read_note

LAST_ROUNDS = 20
"""Rounds of messages after the last kill: 3 s, in which the last worker has certainly begun."""
PAYMENTS = 12
DUPLICATE_CHANCE = 0.2
PROCESS = Path(__file__).with_name("stream_worker_process.py")

pytestmark = [pytest.mark.slow, pytest.mark.nats, pytest.mark.postgres, pytest.mark.timeout(1800)]


def message(payment: str, number: int) -> Message:
    body = f'{{"event_type": "PaymentRequestUpdated", "payload": {{"number": {number}}}}}'.encode()
    return Message(f"{payment}:{number}", "payments.events", payment, body, {"content-type": "application/json"})


async def publish_story(
    settings: BrokerSettings, dice: random.Random, killed: asyncio.Event, published: set[str]
) -> int:
    """Messages of all payments by turns, until the killing is over and a bit longer; returns their last number.

    Some are published again, under the same id, when the stream has forgotten it.
    """
    broker = open_broker(settings)
    again: list[Message] = []
    try:
        number, left = 0, LAST_ROUNDS
        while left:
            number += 1
            left -= killed.is_set()
            batch = [message(f"pay-{payment}", number) for payment in range(PAYMENTS)]
            if number == 5:
                batch.insert(0, message("poisoned", -1))
            assert await broker.publish([*batch, *again]) == [None] * (len(batch) + len(again))
            published |= {one.id for one in batch}
            again = [one for one in batch if dice.random() < DUPLICATE_CHANCE]
            await asyncio.sleep(0.15)
        return number
    finally:
        await broker.close()


async def effects(connection: asyncpg.Connection) -> dict[str, list[int]]:
    """Payment → its numbers, in the order in which they were committed."""
    found: dict[str, list[int]] = defaultdict(list)
    for row in await connection.fetch("SELECT payment, number FROM effects ORDER BY place"):
        found[row["payment"]].append(row["number"])
    return found


async def kill_again_and_again(
    start: Callable[[], subprocess.Popen[bytes]], connection: asyncpg.Connection, dice: random.Random, cycles: int
) -> None:
    """Kills the worker so often, at a random moment after its first effect, while there is more to do."""
    for _ in range(cycles):
        worker = start()
        before = await connection.fetchval("SELECT count(*) FROM effects")
        try:
            async with asyncio.timeout(30):
                while await connection.fetchval("SELECT count(*) FROM effects") == before:
                    assert worker.poll() is None, "the worker ended by itself"
                    await asyncio.sleep(0.02)
            await asyncio.sleep(dice.uniform(0.0, 0.4))
        finally:
            worker.kill()
            await asyncio.to_thread(worker.wait, 10)


async def test_every_effect_happens_once_and_in_order_however_often_the_worker_is_killed(
    request: pytest.FixtureRequest, nats_url: str, fresh_postgres_url: str
) -> None:
    cycles: int = request.config.getoption("--kill-cycles")
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    stream = f"KILL-{uuid.uuid4().hex[:8]}"
    # The stream forgets ids at once: what is published twice is delivered twice.
    settings = BrokerSettings(
        broker_type="nats", url=nats_url, stream=stream, subject_prefix=stream, duplicate_window_s=0.1
    )
    connection = await asyncpg.connect(fresh_postgres_url)
    await connection.execute("CREATE TABLE effects (place BIGSERIAL, message_id TEXT, payment TEXT, number INT)")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(PROCESS), nats_url, stream, fresh_postgres_url])

    published: set[str] = set()
    killed = asyncio.Event()
    publishing = asyncio.create_task(publish_story(settings, dice, killed, published))
    await kill_again_and_again(start, connection, dice, cycles)
    killed.set()
    worker = start()
    broker = open_broker(settings)
    try:
        last = await publishing
        wanted = len(published) - 1
        deadline = time.monotonic() + 120
        while True:
            done = await connection.fetchval("SELECT count(*) FROM effects")
            dead = await broker.dead_letters(group="orders")
            if done >= wanted and dead:
                break
            assert time.monotonic() < deadline, f"seed {seed}: {done} of {wanted} effects, {len(dead)} dead letters"
            assert worker.poll() is None, "the worker ended by itself"
            await asyncio.sleep(0.2)

        found = await effects(connection)
        expected = {f"pay-{payment}": list(range(1, last + 1)) for payment in range(PAYMENTS)}
        assert found == expected, f"seed {seed}"
        # Once for each time that it was published.
        assert {one.message.id for one in dead} == {"poisoned:-1"}
        assert {one.error for one in read_note(dead[0].reason).attempts} == {"ValueError: poison"}
    finally:
        worker.terminate()
        assert worker.wait(timeout=20) == 0
        await broker.close()
        await connection.close()
