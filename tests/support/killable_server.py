"""`orchestrator serve` as tests that kill use it: started quickly, posted to, and compared with what came out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.spi import SampleWebhook
from orchestratorx_prism import EventClient
from orchestratorx_prism.v1.event_pb2 import Event


@contextlib.contextmanager
def zygote_process(*constants: str) -> Iterator[subprocess.Popen[str]]:
    """A process from which servers are forked quickly. `constants`: see `zygote.py`."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent.parent / "simulation" / "zygote.py"), *constants],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"},
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=10)
        assert process.stdout is not None
        process.stdout.close()


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
    assert wrong == {}, f"out of sequence: {wrong}"
