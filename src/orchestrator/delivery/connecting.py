"""Connections that only go where the guard lets them, and HTTP/1.1 over them.

The name is resolved and checked here, and the connection is made to an address that was checked; nobody resolves again.
TLS and the Host header keep the name. Through a proxy, too: it is told the address, not the name, so that it cannot be
led elsewhere. h11 reads the answers: it is strict, and holds no socket.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import h11

from orchestrator.delivery.egress import Guard, Target
from orchestrator.delivery.verdicts import ANSWER_BROKEN, CONNECT_FAILED, PROXY_FAILED, TLS_FAILED
from orchestratorx_prism.errors import SettingsRejected

_READ: Final = 65_536
_LONGEST_HEAD: Final = 16_384


class Failed(Exception):
    """Nothing came back. `reason` as in `verdicts`; the message has no secret."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that connects us."""

    host: str
    port: int
    authorization: str = field(repr=False)
    """A header line, or ""."""


@dataclass(frozen=True, slots=True)
class Response:
    """What was read of an answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    """Names in lower case."""
    body: bytes


class Connection:
    """One connection to an endpoint. Whoever uses it has it alone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another message may go over it, as far as can be seen."""
        idle = self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE
        return idle and not self._writer.is_closing() and not self._reader.at_eof()

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes, most: int) -> Response:
        """Sends, and reads the answer, `most` bytes of its body at most; `usable` says whether all of it was read.

        Raises:
            Failed: ANSWER_BROKEN.
        """
        request = h11.Request(
            method="POST",
            target=target.target,
            headers=[("Host", target.authority), ("Content-Length", str(len(body))), *headers.items()],
        )
        http = self._http
        sent = (http.send(request), http.send(h11.Data(body)), http.send(h11.EndOfMessage()))
        try:
            self._writer.write(b"".join(part for part in sent if part))
            await self._writer.drain()
            return await self._answer(most)
        except (OSError, EOFError, h11.RemoteProtocolError):
            raise Failed(ANSWER_BROKEN, "the connection ended before the answer, or it was not HTTP") from None

    async def _answer(self, most: int) -> Response:
        status, headers, read = 0, [], bytearray()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Response):
                status, headers = event.status_code, list(event.headers)
            elif isinstance(event, h11.Data):
                read += event.data
                if len(read) >= most:
                    break
            elif isinstance(event, h11.EndOfMessage):
                if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                    self._http.start_next_cycle()
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError
        return Response(status, headers, bytes(read[:most]))

    async def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ))
        return event

    def close(self) -> None:
        """At once: nobody waits for a goodbye."""
        self._writer.transport.abort()


async def connect(guard: Guard, target: Target, tls: ssl.SSLContext, proxy: Proxy | None) -> Connection:
    """To one of the host's addresses, each of them checked.

    Raises:
        RequestRejected: The guard refuses the host.
        Failed: CONNECT_FAILED, TLS_FAILED or PROXY_FAILED.
    """
    addresses = await guard.resolve(target.host, target.port)
    context = tls if target.scheme == "https" else None
    try:
        if proxy is not None:
            return Connection(*(await _through(proxy, addresses[0], target, context)))
        for address in addresses[:-1]:
            try:
                return Connection(*(await _open(address, target, context)))
            except ssl.SSLError:
                raise
            except OSError:
                continue  # the next address may answer
        return Connection(*(await _open(addresses[-1], target, context)))
    except ssl.SSLCertVerificationError as error:
        raise Failed(TLS_FAILED, error.verify_message) from None
    except ssl.SSLError:
        raise Failed(TLS_FAILED, "the handshake failed") from None
    except OSError:
        raise Failed(CONNECT_FAILED, "the connection was refused, or lost") from None


async def _open(
    address: str, target: Target, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    name = target.host if context is not None else None
    return await asyncio.open_connection(address, target.port, ssl=context, server_hostname=name)


async def _through(
    proxy: Proxy, address: str, target: Target, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    except OSError:
        raise Failed(PROXY_FAILED, "the egress proxy does not answer") from None
    try:
        place = f"[{address}]:{target.port}" if ":" in address else f"{address}:{target.port}"
        writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{proxy.authorization}\r\n".encode())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, EOFError, asyncio.LimitOverrunError):
            raise Failed(PROXY_FAILED, "the egress proxy's answer cannot be read") from None
        words = head[:_LONGEST_HEAD].split(b"\r\n", 1)[0].split(b" ")
        status = words[1].decode("latin-1")[:3] if len(words) > 1 else ""
        if status != "200":
            raise Failed(PROXY_FAILED, f"the egress proxy answered {status or 'what is no HTTP'}")
        if context is not None:
            await writer.start_tls(context, server_hostname=target.host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


def proxy_of(url: str) -> Proxy:
    """The proxy that a URL names.

    Raises:
        SettingsRejected: It is not of the form http://user:password@host:port; it is not repeated.
    """
    parts: Any = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme != "http" or not host:
        raise SettingsRejected("egress_proxy: not of the form http://user:password@host:port", reason="PROXY_INVALID")
    if parts.username is None:
        return Proxy(host, port or 3128, "")
    both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    line = f"Proxy-Authorization: Basic {base64.b64encode(both.encode()).decode()}\r\n"
    return Proxy(host, port or 3128, line)
