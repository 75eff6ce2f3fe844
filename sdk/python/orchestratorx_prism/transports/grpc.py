"""The gRPC transport: calls to a server. Retries what it could not deliver; translates every error once, here.

Plaintext goes to this machine only, unless `insecure=True` says otherwise: calls carry API keys and webhook secrets.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import grpc
import grpc.aio
from google.protobuf.message import Message

from orchestratorx_prism.errors import PrismError, RequestRejected, SettingsRejected
from orchestratorx_prism.transports.base import Metadata
from orchestratorx_prism.wire import DETAILS_KEY, from_rpc_error

M = TypeVar("M", bound=Message)

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # A peer that vanished without a word is noticed after 80 s, also on a stream that only listens.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)

LONGEST_S: Final = 366 * 86_400.0
"""Longest time limit that is passed on. Seconds."""

# A proxy named by the environment would carry, in clear, what is meant for this machine.
LOCAL_OPTIONS: Final = (*OPTIONS, ("grpc.enable_http_proxy", 0))

_LOCAL_SCHEMES: Final = ("unix", "unix-abstract", "vsock")
_Loop = asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True)
class Tls:
    """What the connection is secured with. All in PEM form."""

    root_certificates: bytes | None = None
    """Whom to believe; None: the system's roots."""
    client_certificate: bytes | None = field(default=None, repr=False)
    """With `client_key`: who we are, for servers that ask (mTLS)."""
    client_key: bytes | None = field(default=None, repr=False)
    server_name: str = ""
    """The name in the server's certificate, where it is not the target's host."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How a call that could not be delivered (UNAVAILABLE) is tried again: full jitter, within the call's time."""

    attempts: int = 4
    first_delay_s: float = 0.1
    longest_delay_s: float = 2.0

    def delay_s(self, attempt: int, hint_s: float | None) -> float:
        """How long to wait after the failed `attempt` (1 is the first); the server's hint comes first."""
        if hint_s is not None:
            return hint_s
        most = min(self.longest_delay_s, self.first_delay_s * 2 ** (attempt - 1))
        return random.uniform(0, most)  # noqa: S311 - spreads load, keeps no secret


class GrpcTransport:
    """Calls to the server at `target`. Works on any event loop: each has its own channel, made by its first call."""

    loop_bound = False

    def __init__(
        self, target: str, *, tls: Tls | None = None, insecure: bool = False, retry: Retry | None = None
    ) -> None:
        """
        Args:
            target: "host:port", "[::1]:50051", "unix:/path", or another gRPC name.
            tls: None: the system's roots; no TLS where the target is this machine.
            insecure: Send everything in clear, wherever to.

        Raises:
            SettingsRejected: The target is no gRPC name, or `tls` and `insecure` contradict each other.
        """
        if tls is not None and insecure:
            raise SettingsRejected("tls and insecure=True contradict each other", fix="give one of them")
        self.target = _checked(target)
        self._tls = tls
        self._plain = insecure or (tls is None and is_this_machine(target))
        self._retry = retry or Retry()
        self._channels: WeakKeyDictionary[_Loop, _Channel] = WeakKeyDictionary()
        self._closed = False

    async def unary(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> M:
        """One request, one answer. See `Transport.unary`."""
        call = self._channel().unary(f"/{service}/{method}", request, response_type)
        timeout_s = _limit_s(timeout_s)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        attempt = 1
        while True:
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                answer: M = await call(request, timeout=left_s, metadata=metadata)
                return answer
            except grpc.aio.AioRpcError as error:
                failure = self._translated(error)
                delay_s = self._retry.delay_s(attempt, failure.retry_after_s)
                may_retry = error.code() is grpc.StatusCode.UNAVAILABLE and attempt < self._retry.attempts
                if not may_retry or (deadline is not None and time.monotonic() + delay_s >= deadline):
                    raise failure from error
            attempt += 1
            await asyncio.sleep(delay_s)

    async def server_stream(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[M]:
        """One request, many answers. See `Transport.server_stream`. Not retried: the caller knows where to resume."""
        start = self._channel().server_stream(f"/{service}/{method}", request, response_type)
        call = start(request, timeout=_limit_s(timeout_s), metadata=metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._translated(error) from error
        finally:
            call.cancel()

    async def bidi(
        self,
        service: str,
        method: str,
        requests: AsyncIterable[Message],
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[M]:
        """Many requests, many answers. See `Transport.bidi`. What `requests` raises is raised after the last answer."""
        failures: list[Exception] = []

        async def fed() -> AsyncIterator[Message]:
            # gRPC would log what a request iterator raises and cancel the call; ending the requests loses no answer.
            try:
                async for request in requests:
                    yield request
            except Exception as failure:
                failures.append(failure)

        start = self._channel().bidi(f"/{service}/{method}", response_type)
        call = start(fed(), timeout=_limit_s(timeout_s), metadata=metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._translated(error) from error
        finally:
            call.cancel()
        if failures:
            raise failures[0]

    async def close(self) -> None:
        """Ends calls in flight and closes every channel. Closing twice does nothing."""
        self._closed = True
        here = asyncio.get_running_loop()
        for loop, channel in list(self._channels.items()):
            if loop is here:
                await channel.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(channel.close(), loop)
        self._channels.clear()

    def _channel(self) -> _Channel:
        loop = asyncio.get_running_loop()
        channel = self._channels.get(loop)
        if channel is None:
            if self._closed:
                raise RequestRejected("this client is closed", reason="CLIENT_CLOSED", fix="make a new one")
            channel = self._channels[loop] = _Channel(self._open())
        return channel

    def _open(self) -> grpc.aio.Channel:
        if self._plain:
            options = LOCAL_OPTIONS if is_this_machine(self.target) else OPTIONS
            return grpc.aio.insecure_channel(self.target, options=options)
        tls = self._tls or Tls()
        credentials = grpc.ssl_channel_credentials(tls.root_certificates, tls.client_key, tls.client_certificate)
        name = (("grpc.ssl_target_name_override", tls.server_name),) if tls.server_name else ()
        return grpc.aio.secure_channel(self.target, credentials, options=OPTIONS + name)

    def _translated(self, error: grpc.aio.AioRpcError) -> PrismError:
        failure = from_rpc_error(error)
        from_server = any(key == DETAILS_KEY for key, _ in error.trailing_metadata() or ())
        if error.code() is grpc.StatusCode.UNAVAILABLE and not from_server:
            spoken = "plaintext" if self._plain else "TLS (plaintext to another machine takes insecure=True)"
            failure.fix = f"see that a server answers at {self.target} and speaks {spoken}"
        return failure


class _Channel:
    """One event loop's channel, and the callables made of it: making one costs more than calling it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._calls: dict[str, Callable[..., Any]] = {}

    def unary(self, path: str, request: Message, answer: type[Message]) -> Callable[..., Awaitable[Any]]:
        return self._made(path, self._channel.unary_unary, type(request), answer)

    def server_stream(self, path: str, request: Message, answer: type[Message]) -> Callable[..., Any]:
        return self._made(path, self._channel.unary_stream, type(request), answer)

    def bidi(self, path: str, answer: type[Message]) -> Callable[..., Any]:
        return self._made(path, self._channel.stream_stream, Message, answer)

    async def close(self) -> None:
        await self._channel.close()

    def _made(
        self, path: str, make: Callable[..., Any], request_type: type[Message], answer: type[Message]
    ) -> Callable[..., Any]:
        call = self._calls.get(path)
        if call is None:
            serialize = _serialize if request_type is Message else request_type.SerializeToString
            call = make(path, request_serializer=serialize, response_deserializer=answer.FromString)
            self._calls[path] = call
        return call


def _limit_s(timeout_s: float | None) -> float | None:
    """None for what is as good as no limit: gRPC takes a time beyond what it can count for one that is over."""
    return None if timeout_s is None or not timeout_s < LONGEST_S else timeout_s


def is_this_machine(target: str) -> bool:
    """Whether nobody but this machine is on the way to the target. A name that must be looked up is not."""
    scheme, colon, rest = target.partition(":")
    if colon and scheme in _LOCAL_SCHEMES:
        return True
    host = _host(rest.lstrip("/") if scheme in {"ipv4", "ipv6", "dns"} else target)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.rpartition(":")[0] if address.count(":") == 1 else address


def _checked(target: str) -> str:
    if target.startswith(("http://", "https://", "grpc://", "grpcs://")):
        raise SettingsRejected("target is a URL; gRPC wants host:port", fix=f"target={target.split('://')[1]!r}")
    scheme, colon, rest = target.partition(":")
    if not colon or not scheme or not rest:
        raise SettingsRejected("target needs a host and a port", fix='target="127.0.0.1:50051"')
    return target


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
