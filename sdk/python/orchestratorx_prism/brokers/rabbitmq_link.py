"""One connection to RabbitMQ: channels, and what a broken connection means for them.

By aio-pika, on the channels of aiormq beneath it: the broker must know at once that a connection broke, and a robust
one would consume again by itself, with a new channel that knows none of the deliveries in hand. Foreign errors end
here: what leaves this file is BrokerUnavailable or SettingsRejected.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aio_pika
import aiormq.exceptions
from aiormq import Channel
from yarl import URL

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import SettingsRejected

_log = logging.getLogger(__name__)

HEARTBEAT_S = 10
"""A server or client that vanished is noticed in half a minute, unless the URL says `?heartbeat=`."""


_CLOSE_TIMEOUT_S = 2.0


class Link:
    """One connection. When it breaks it is done with, and the broker opens another at the next call."""

    def __init__(self, connection: aio_pika.abc.AbstractConnection, settings: BrokerSettings) -> None:
        self._connection = connection
        self._settings = settings
        self.on_lost: set[Callable[[], None]] = set()
        """Called once, when the connection breaks."""
        self.locks: dict[str, asyncio.Lock] = {}
        """By group: who makes its queues, among the subscriptions of this connection; and by other locks' names."""
        self.registered: set[str] = set()
        """Groups whose names this connection has seen in the registry."""
        self._closing = False
        self._lost = False
        connection.close_callbacks.add(self._closed)

    @property
    def is_lost(self) -> bool:
        return self._lost or self._connection.is_closed

    async def channel(self, *, confirms: bool = False) -> Channel:
        """A new channel. With `confirms` a message that no queue takes raises. Raises BrokerUnavailable."""
        with translating():
            transport = self._connection.transport
            if self.is_lost or transport is None:
                raise unavailable("the connection broke")
            try:
                async with asyncio.timeout(self._settings.publish_timeout_s):
                    channel = await transport.connection.channel(publisher_confirms=confirms, on_return_raises=True)
            except RuntimeError as closed:
                # What aiormq says while the connection breaks.
                raise unavailable("the connection broke") from closed
        assert isinstance(channel, Channel)  # noqa: S101 - the one kind there is
        return channel

    @contextlib.asynccontextmanager
    async def passing_channel(self, *, confirms: bool = False) -> AsyncIterator[Channel]:
        """A channel for a few calls: a refusal of the server closes the channel that it met."""
        channel = await self.channel(confirms=confirms)
        try:
            yield channel
        finally:
            await close_channel(channel)

    async def close(self) -> None:
        self._closing = True
        with contextlib.suppress(BrokerUnavailable), translating():
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await self._connection.close()

    def _closed(self, *_: Any) -> None:
        if self._lost:
            return
        self._lost = True
        if not self._closing:
            _log.warning("rabbitmq: the connection to %s broke", self._settings.address)
        for call in list(self.on_lost):
            call()


FOREIGN = (aiormq.exceptions.AMQPError, aiormq.exceptions.ChannelInvalidStateError, OSError, TimeoutError)


async def close_channel(channel: Channel) -> None:
    """What it had unacknowledged goes back to its queues."""
    with contextlib.suppress(BrokerUnavailable), translating():
        if not channel.is_closed:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await channel.close()


async def open_link(settings: BrokerSettings) -> Link:
    """Connects. Every server of the URL is tried once.

    Raises:
        BrokerUnavailable: None of them answers, or they refuse the credentials or the virtual host.
        SettingsRejected: The file of certificates cannot be read.
    """
    context = _tls(settings)
    failures: list[BrokerUnavailable] = []
    for server in settings.servers:
        url = URL(server)
        if "heartbeat" not in url.query:
            url = url.update_query(heartbeat=str(HEARTBEAT_S))
        try:
            with translating():
                async with asyncio.timeout(settings.publish_timeout_s):
                    connection = await aio_pika.connect(
                        url, ssl_context=context, client_properties={"connection_name": "orchestratorx"}
                    )
            return Link(connection, settings)
        except BrokerUnavailable as failure:
            failures.append(failure)
    last = failures[-1]
    raise unavailable(f"cannot connect to {settings.address}: {last.message.removeprefix('rabbitmq: ')}") from last


def unavailable(why: str, *, reason: str | None = None, fix: str = "") -> BrokerUnavailable:
    return BrokerUnavailable(f"rabbitmq: {why}", reason=reason, fix=fix)


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Makes refusals of aio-pika and of the server ours.

    aiormq cancels whoever waits for an answer when it gives up a connection whose heartbeats stay away. Nobody has
    cancelled us then.
    """
    try:
        yield
    except FOREIGN as error:
        raise unavailable(_why(error)) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise unavailable("the connection broke") from error


def _why(error: BaseException) -> str:
    if isinstance(error, (aiormq.exceptions.ProbableAuthenticationError, aiormq.exceptions.AuthenticationError)):
        return "the server refused the credentials"
    if isinstance(error, aiormq.exceptions.AMQPConnectionError):
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        return _first_text(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return _first_text(error) or type(error).__name__


def _first_text(error: BaseException) -> str:
    """What the server said. Text that has a URL in it may have its password in it, and is left out."""
    texts = [one for one in error.args if isinstance(one, str) and "://" not in one]
    return texts[0] if texts else ""


def _tls(settings: BrokerSettings) -> ssl.SSLContext | None:
    if not settings.tls_ca_file:
        return None
    if any(not server.startswith("amqps://") for server in settings.servers):
        raise SettingsRejected("tls_ca_file: the URL does not ask for TLS", fix="begin it with amqps://")
    try:
        return ssl.create_default_context(cafile=settings.tls_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsRejected("tls_ca_file: cannot be read as PEM certificates", fix="name a PEM file") from error
