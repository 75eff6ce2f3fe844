"""Stream workers in processes of their own, what they handle, and what came of it."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import asyncpg

from orchestratorx_prism.brokers import BrokerSettings, Message

_PROCESS = Path(__file__).with_name("stream_worker_process.py")
_SETTLE_S = 60.0
"""Longest that nothing happens."""


class Worker:
    """A process that runs one worker at a time, each a fork of it."""

    def __init__(self, messaging: BrokerSettings, database_url: str, *, handler_timeout_s: float = 10.0) -> None:
        order = {"database_url": database_url, "handler_timeout_s": handler_timeout_s}
        self._order = json.dumps({"messaging": dataclasses.asdict(messaging), **order})
        self._zygote = subprocess.Popen(
            [sys.executable, str(_PROCESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._pid = 0

    def start(self) -> None:
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(self._order + "\n")
        self._zygote.stdin.flush()
        self._pid = int(self._read())

    def end(self, number: signal.Signals) -> int:
        """Sends the signal; returns the exit status once the worker is gone."""
        os.kill(self._pid, number)
        self._pid = 0
        return int(self._read())

    def send(self, number: signal.Signals) -> None:
        """A signal that does not end it."""
        os.kill(self._pid, number)

    def close(self) -> None:
        if self._pid:
            self.end(signal.SIGKILL)
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.wait(timeout=10)
        self._zygote.stdout.close()

    def _read(self) -> str:
        assert self._zygote.stdout is not None
        return self._zygote.stdout.readline()


class Effects:
    """The table that the handlers write to. It would take every row twice."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._one = asyncio.Lock()

    async def create(self) -> None:
        await self._connection.execute(
            "CREATE TABLE effects (place BIGSERIAL PRIMARY KEY, message_id TEXT, payment TEXT, number INT)"
        )

    async def count(self) -> int:
        async with self._one:
            found: int = await self._connection.fetchval("SELECT count(*) FROM effects")
            return found

    async def at_least(self, count: int) -> None:
        """Returns once there are so many."""
        deadline = time.monotonic() + _SETTLE_S
        while (found := await self.count()) < count:
            assert time.monotonic() < deadline, f"{found} effects, and no more of them"
            await asyncio.sleep(0.02)

    async def by_payment(self) -> dict[str, list[int]]:
        """Payment → its numbers, in the order in which they were written."""
        found: dict[str, list[int]] = defaultdict(list)
        for row in await self._connection.fetch("SELECT payment, number FROM effects ORDER BY place"):
            found[row["payment"]].append(row["number"])
        return found


def out_of_order(found: dict[str, list[int]], wanted: dict[str, list[int]]) -> list[str]:
    """Each payment whose effects are not as they must be, with what is around the first place that is not."""
    wrong = []
    for payment in sorted({*found, *wanted}):
        got, must = found.get(payment, []), wanted.get(payment, [])
        place = next((n for n, pair in enumerate(itertools.zip_longest(got, must)) if pair[0] != pair[1]), None)
        if place is not None:
            around = slice(max(0, place - 3), place + 8)
            wrong.append(f"{payment}: {got[around]} instead of {must[around]}; {len(got)} of {len(must)}")
    return wrong


def stream_message(message_id: str, payment: str, number: int) -> Message:
    body = f'{{"event_type": "PaymentRequestUpdated", "payload": {{"number": {number}}}}}'.encode()
    return Message(message_id, "payments.events", payment, body, {"content-type": "application/json"})
