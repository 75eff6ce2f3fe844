"""Posts one message to one endpoint. Never raises for what comes back.

HTTP/1.1, connections kept for the next message to the same endpoint, no redirects, a cap on the whole time and on how
much of the answer is read.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import Final

import httpx

from orchestrator.delivery.connecting import Connection, Failed, connect, proxy_of
from orchestrator.delivery.egress import Guard, Target
from orchestrator.delivery.verdicts import TIMEOUT, Answer
from orchestratorx_prism.errors import RequestRejected

READ_BYTES: Final = 64 * 1024
"""So much of an answer's body is read; then the connection is closed."""
KEPT_BYTES: Final = 4 * 1024
"""So much of it is kept."""
_KEPT_HEADERS: Final = 32
_KEPT_CHARACTERS: Final = 256
_IDLE_S: Final = 3.0
"""Servers close idle connections after 5 s and more: ours are closed before, so that none is used while it dies."""
_MOST_IDLE: Final = 4
"""Idle connections of one endpoint."""
_SECRET_HEADERS: Final = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "authorization"})

_Place = tuple[int, str]
"""An endpoint, and where it is now."""


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
        self._proxy = proxy_of(proxy_url) if proxy_url else None
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()
        self._idle: dict[_Place, list[Connection]] = {}

    async def post(self, endpoint: int, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came back. `endpoint`: whose connections to use."""
        try:
            target = self._guard.check_url(url)
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange((endpoint, f"{target.scheme}://{target.authority}"), target, headers, body)
        except RequestRejected as refused:
            return Answer(reason=refused.reason, detail=refused.message, refused=True)
        except TimeoutError:
            return Answer(reason=TIMEOUT, detail=f"no answer within {self._timeout_s:g} s")
        except Failed as failed:
            return Answer(reason=failed.reason, detail=failed.detail)

    async def sweep(self) -> None:
        """Closes connections that nobody has used for a while."""
        since = time.monotonic() - _IDLE_S
        for place, connections in list(self._idle.items()):
            kept = [one for one in connections if one.idle_since >= since]
            for one in connections:
                if one.idle_since < since:
                    one.close()
            if kept:
                self._idle[place] = kept
            else:
                del self._idle[place]

    async def aclose(self) -> None:
        """Closes all of them."""
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for one in connections:
                one.close()
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn

    async def _exchange(self, place: _Place, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = self._take(place) or await connect(self._guard, target, self._tls, self._proxy)
        kept = False
        try:
            response = await connection.post(target, headers, body, READ_BYTES)
            kept = self._put_back(place, connection)
        finally:
            if not kept:
                connection.close()
        return Answer(response.status, _kept(response.headers), response.body[:KEPT_BYTES])

    def _take(self, place: _Place) -> Connection | None:
        connections = self._idle.get(place, [])
        since = time.monotonic() - _IDLE_S
        while connections:
            connection = connections.pop()
            if connection.usable and connection.idle_since >= since:
                return connection
            connection.close()
        return None

    def _put_back(self, place: _Place, connection: Connection) -> bool:
        connections = self._idle.setdefault(place, [])
        if not connection.usable or len(connections) >= _MOST_IDLE:
            return False
        connection.idle_since = time.monotonic()
        connections.append(connection)
        return True


def _kept(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    kept = []
    for name, value in headers[:_KEPT_HEADERS]:
        key = name.decode("latin-1").lower()[:_KEPT_CHARACTERS]
        kept.append((key, "····" if key in _SECRET_HEADERS else value.decode("latin-1")[:_KEPT_CHARACTERS]))
    return tuple(kept)
