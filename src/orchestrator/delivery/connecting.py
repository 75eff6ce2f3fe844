"""Connections that only go where the guard lets them: the network side of httpcore, pinned to checked addresses.

httpcore asks for a connection to a name. Here the name is resolved and checked, and the connection is made to an
address that was checked; nobody resolves again. TLS and the Host header keep the name. Through a proxy, too: it is
told the address, not the name, so that it cannot be led elsewhere.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpcore
from httpcore import AnyIOBackend

from orchestrator.delivery.egress import Guard
from orchestratorx_prism.errors import SettingsRejected

_LONGEST_HEAD: Final = 16_384


class ProxyFailed(Exception):
    """The egress proxy cannot be reached, or does not connect us. The message has no secret."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Implements httpcore's network."""

    def __init__(self, guard: Guard, proxy_url: str = "") -> None:
        """
        Raises:
            SettingsRejected: `proxy_url` is not of the form http://user:password@host:port.
        """
        self._guard = guard
        self._inner = AnyIOBackend()
        self._proxy = _proxy_of(proxy_url) if proxy_url else None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To one of the host's addresses, each of them checked.

        Raises:
            RequestRejected: The guard refuses the host.
            ProxyFailed: The proxy does not connect us.
        """
        addresses = await self._guard.resolve(host, port)
        if self._proxy is not None:
            return await self._through_proxy(addresses[0], port, timeout)
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next address may answer
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def _through_proxy(self, address: str, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
        assert self._proxy is not None  # noqa: S101 - for the type checker; the caller has looked
        host, proxy_port, authorization = self._proxy
        try:
            stream = await self._inner.connect_tcp(host, proxy_port, timeout_s)
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            raise ProxyFailed("the egress proxy does not answer") from None
        try:
            place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{authorization}\r\n"
            await stream.write(head.encode(), timeout_s)
            status = await _status(stream, timeout_s)
        except (httpcore.NetworkError, httpcore.TimeoutException):
            await stream.aclose()
            raise ProxyFailed("the egress proxy closed the connection") from None
        except BaseException:
            await stream.aclose()
            raise
        if status != 200:
            await stream.aclose()
            raise ProxyFailed(f"the egress proxy answered HTTP {status}")
        return stream


async def _status(stream: httpcore.AsyncNetworkStream, timeout_s: float | None) -> int:
    head = b""
    while b"\r\n\r\n" not in head:
        part = await stream.read(_LONGEST_HEAD, timeout_s)
        head += part
        if not part or len(head) > _LONGEST_HEAD:
            raise ProxyFailed("the egress proxy's answer cannot be read")
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[1].isdigit():
        raise ProxyFailed("the egress proxy's answer cannot be read")
    return int(words[1])


def _proxy_of(url: str) -> tuple[str, int, str]:
    """(host, port, a header line or "")"""
    parts: Any = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme != "http" or not host:
        raise SettingsRejected("egress_proxy: not of the form http://user:password@host:port", reason="PROXY_INVALID")
    if parts.username is None:
        return host, port or 3128, ""
    both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return host, port or 3128, f"Proxy-Authorization: Basic {base64.b64encode(both.encode()).decode()}\r\n"
