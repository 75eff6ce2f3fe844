"""Posts one message to one endpoint: the only file of the folder with HTTP in it. Never raises for what comes back.

HTTP/1.1, connections kept for the next message to the same endpoint, no redirects, a cap on the whole time and on how
much of the answer is read. Errors of httpcore end here.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from orchestrator.delivery.connecting import GuardedBackend, ProxyFailed
from orchestrator.delivery.egress import Guard, Target
from orchestrator.delivery.verdicts import ANSWER_BROKEN, CONNECT_FAILED, PROXY_FAILED, TIMEOUT, TLS_FAILED, Answer
from orchestratorx_prism.errors import RequestRejected

READ_BYTES: Final = 64 * 1024
"""So much of an answer's body is read; then the connection is closed."""
KEPT_BYTES: Final = 4 * 1024
"""So much of it is kept."""
_KEPT_HEADERS: Final = 32
_KEPT_CHARACTERS: Final = 256
_IDLE_CONNECTION_S: Final = 3.0
"""Servers close idle connections after 5 s and more: ours are closed before, so that none is used while it dies."""
_SECRET_HEADERS: Final = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "authorization"})


@dataclass(slots=True)
class _Line:
    """One endpoint's connections."""

    pool: httpcore.AsyncConnectionPool
    using: int = 0
    used_at: float = 0.0


class Poster:
    """Keeps connections to endpoints, and posts."""

    def __init__(self, guard: Guard, *, timeout_s: float, proxy_url: str = "", ca_file: str = "") -> None:
        """
        Args:
            timeout_s: For everything: resolving, connecting, TLS, sending, the answer.
            proxy_url: Connections go through it. "": directly.
            ca_file: PEM bundle of roots that are trusted in place of the usual ones.

        Raises:
            SettingsRejected: The proxy's URL is wrong.
        """
        self._guard = guard
        self._timeout_s = timeout_s
        self._backend = GuardedBackend(guard, proxy_url)
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
        self._lines: dict[tuple[int, str], _Line] = {}

    async def post(self, endpoint: int, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came back. `endpoint`: whose connections to use."""
        try:
            target = self._guard.check_url(url)
        except RequestRejected as refused:
            return Answer(reason=refused.reason, detail=refused.message, refused=True)
        place = (endpoint, f"{target.scheme}://{target.authority}")
        line = self._lines.get(place)
        if line is None:
            line = self._lines[place] = _Line(self._new_pool())
        line.using += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _exchange(line.pool, target, headers, body)
        except RequestRejected as refused:
            return Answer(reason=refused.reason, detail=refused.message, refused=True)
        except Exception as error:
            return _failure(error, self._timeout_s)
        finally:
            line.using -= 1
            line.used_at = time.monotonic()

    async def sweep(self) -> None:
        """Closes connections that nobody has used for a while."""
        idle_since = time.monotonic() - _IDLE_CONNECTION_S
        gone = [place for place, line in self._lines.items() if not line.using and line.used_at < idle_since]
        for place in gone:
            await self._lines.pop(place).pool.aclose()

    async def aclose(self) -> None:
        """Closes all of them."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            await line.pool.aclose()

    def _new_pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=None,
            max_keepalive_connections=4,
            keepalive_expiry=_IDLE_CONNECTION_S,
            network_backend=self._backend,
        )


async def _exchange(
    pool: httpcore.AsyncConnectionPool, target: Target, headers: Mapping[str, str], body: bytes
) -> Answer:
    host = f"[{target.host}]" if ":" in target.host else target.host
    request = httpcore.Request(
        "POST",
        httpcore.URL(
            scheme=target.scheme.encode(), host=host.encode(), port=target.port, target=target.target.encode()
        ),
        headers=[
            (b"Host", target.authority.encode()),
            (b"Content-Length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ],
        content=body,
    )
    response = await pool.handle_async_request(request)
    read = bytearray()
    try:
        async for part in response.aiter_stream():
            read += part
            if len(read) >= READ_BYTES:
                break  # closing before the end closes the connection too
    finally:
        await response.aclose()
    return Answer(response.status, _kept(response.headers), bytes(read[:KEPT_BYTES]))


def _kept(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    kept = []
    for name, value in headers[:_KEPT_HEADERS]:
        key = name.decode("latin-1").lower()[:_KEPT_CHARACTERS]
        kept.append((key, "····" if key in _SECRET_HEADERS else value.decode("latin-1")[:_KEPT_CHARACTERS]))
    return tuple(kept)


def _failure(error: Exception, timeout_s: float) -> Answer:
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return Answer(reason=TIMEOUT, detail=f"no answer within {timeout_s:g} s")
    if isinstance(error, ProxyFailed):
        return Answer(reason=PROXY_FAILED, detail=str(error))
    if isinstance(error, httpcore.ConnectError):
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Answer(reason=TLS_FAILED, detail=cause.verify_message)
        if cause is not None:
            return Answer(reason=TLS_FAILED, detail="the handshake failed")
        return Answer(reason=CONNECT_FAILED, detail="the connection was refused, or lost")
    if isinstance(error, httpcore.NetworkError | httpcore.ProtocolError):
        return Answer(reason=ANSWER_BROKEN, detail="the connection ended before the answer, or it was not HTTP")
    raise error
