"""Webhooks over HTTP, a fixed number in flight, from bare sockets, so that the load costs little."""

from __future__ import annotations

import asyncio

from bodies import webhooks
from measuring import Result
from serving import floor, orchestrator

from connectors.spi import SampleWebhook

IN_FLIGHT = 64
COUNT = 12_000
WARM_UP = 1_000


class _Postman(asyncio.Protocol):
    """One connection: posts the next webhook as soon as the last was answered with 200."""

    def __init__(self, waiting: list[bytes], done: asyncio.Future[None], left: list[int]) -> None:
        self._waiting, self._done, self._left = waiting, done, left
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._post()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail(RuntimeError(head.decode() + body.decode()))
            return
        self._answer = b""
        self._left[0] -= 1
        if not self._left[0] and not self._done.done():
            self._done.set_result(None)
        self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._left[0]:
            self._fail(exc or ConnectionError("the server closed the connection"))

    def _post(self) -> None:
        if self._waiting:
            self._transport.write(self._waiting.pop())

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def request_bytes(webhook: SampleWebhook, path: str) -> bytes:
    """A complete HTTP/1.1 request."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in webhook.headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(webhook.body)}\r\n{headers}\r\n"
    return head.encode() + webhook.body


async def post_all(port: int, requests: list[bytes], in_flight: int = IN_FLIGHT) -> None:
    """Posts every request; returns when all were answered with 200.

    Raises:
        RuntimeError: Another answer.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = [len(requests)]
    waiting = list(requests)
    connections = [
        await loop.create_connection(lambda: _Postman(waiting, done, left), "127.0.0.1", port) for _ in range(in_flight)
    ]
    await done
    for transport, _ in connections:
        transport.abort()


def floor_us() -> float:
    """CPU microseconds of a server that takes the same requests in and does nothing."""
    made = [request_bytes(one, "/") for one in webhooks(64)] * (COUNT // 64)
    with floor("http") as server:
        asyncio.run(post_all(server.http_port, made[:WARM_UP]))
        began = server.cpu_s()
        asyncio.run(post_all(server.http_port, made))
        return (server.cpu_s() - began) / len(made) * 1e6


def ingress(
    bare_us: float,
    database_url: str | None = None,
    database: str = "SQLite FULL",
    *,
    relay: bool = False,
    pinned: bool = False,
) -> Result:
    """HTTP ingress, verified and committed, 64 in flight. CPU of the server process, all threads."""
    made = [request_bytes(one, "/webhooks/stripe/default") for one in webhooks(COUNT + WARM_UP)]
    with orchestrator(database_url, relay=relay, pinned=pinned) as server:
        asyncio.run(post_all(server.http_port, made[:WARM_UP]))
        began = server.cpu_s()
        asyncio.run(post_all(server.http_port, made[WARM_UP:]))
        us = (server.cpu_s() - began) / COUNT * 1e6
    how = (", publishing too" if relay else "") + (", on one CPU" if pinned else "")
    name = f"HTTP ingress, {database}, 64 in flight{how}"
    return Result(name, us, "bare ASGI POST", bare_us, limit_us=None if relay else 110)
