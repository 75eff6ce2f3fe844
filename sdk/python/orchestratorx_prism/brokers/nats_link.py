"""One connection to NATS: requests and their replies, and what a broken connection means for them.

Foreign errors end here: what leaves this file is BrokerUnavailable or SettingsRejected.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import SettingsRejected

_log = logging.getLogger(__name__)

PING_EVERY_S = 10
"""Two without an answer and the connection counts as broken: a server that vanished is noticed in 30 s."""
RECONNECT_EVERY_S = 0.5
FLUSH_TIMEOUT_S = 2
"""How long closing waits for the server to have read everything."""


class Link:
    """One nats-py client, which reconnects by itself. A request in flight when the connection breaks has failed.

    nats-py keeps what it could not write and sends it after a reconnect. Here it is thrown away instead: its sender was
    told that it failed, and will send it again.
    """

    def __init__(self, client: Client, settings: BrokerSettings) -> None:
        self.client = client
        self.jetstream: JetStreamContext = client.jetstream(timeout=settings.publish_timeout_s)
        self.on_lost: set[Callable[[], None]] = set()
        """Called whenever the connection breaks."""
        self._inbox = f"{client.new_inbox()}."
        self._numbers = itertools.count()
        self._replies: dict[str, asyncio.Future[Msg | None]] = {}
        self.closing = False

    async def listen(self) -> None:
        """Makes replies arrive. To be called once, when connected."""
        await self.client.subscribe(f"{self._inbox}*", cb=self._replied)

    async def request(
        self, subject: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> asyncio.Future[Msg | None]:
        """Sends a message; the future becomes its reply, or None if the connection breaks first.

        Drop it with `forget` when you no longer wait.

        Raises:
            BrokerUnavailable: Nothing was sent.
        """
        if not self.client.is_connected:
            raise unavailable("not connected")
        token = str(next(self._numbers))
        reply: asyncio.Future[Msg | None] = asyncio.get_running_loop().create_future()
        self._replies[token] = reply
        reply.add_done_callback(lambda _: self._replies.pop(token, None))
        try:
            await self.client.publish(subject, body, self._inbox + token, None if headers is None else dict(headers))
        except BaseException as error:
            reply.cancel()
            if isinstance(error, nats.errors.Error):
                raise translated(error) from error
            raise
        return reply

    async def send(self, subject: str, body: bytes, reply: str = "") -> None:
        """Sends a message that asks for no acknowledgement. Raises BrokerUnavailable when not connected."""
        try:
            await self.client.publish(subject, body, reply)
        except nats.errors.Error as error:
            raise translated(error) from error

    def lost(self) -> None:
        """The connection broke."""
        # nats-py has no public way to empty this buffer; a conformance test notices if it moves.
        self.client._pending.clear()
        self.client._pending_data_size = 0
        for reply in list(self._replies.values()):
            if not reply.done():
                reply.set_result(None)
        for call in list(self.on_lost):
            call()

    async def close(self) -> None:
        """Drains if connected: what was handed over is written, what was received is handled."""
        client = self.client
        self.closing = True
        try:
            if client.is_connected:
                await client.flush(FLUSH_TIMEOUT_S)
                await self._drain()
            elif not client.is_closed:
                await client.close()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            _log.info("nats: closing the connection failed: %s", type(error).__name__)
            await client.close()

    async def _drain(self) -> None:
        """nats-py's drain waits up to 20 s for a server that does not answer, and does not let itself be interrupted.

        Raises:
            TimeoutError: Not drained in time.
        """
        draining = asyncio.create_task(self.client.drain())
        done, _ = await asyncio.wait({draining}, timeout=2 * FLUSH_TIMEOUT_S)
        if done:
            draining.result()
            return
        await self.client.close()
        draining.cancel()
        # What it still says is about a connection that is closed by now.
        await asyncio.gather(draining, return_exceptions=True)
        raise TimeoutError

    async def _replied(self, message: Msg) -> None:
        reply = self._replies.get(message.subject[len(self._inbox) :])
        if reply is not None and not reply.done():
            reply.set_result(message)


async def open_link(settings: BrokerSettings) -> Link:
    """Connects. Every server of the URL is tried once.

    Raises:
        BrokerUnavailable: None of them answers, or they refuse the credentials.
        SettingsRejected: The files or the URL cannot be read.
    """
    # In a dict because nats-py declares whole seconds, and waits for parts of them as well.
    options = {"reconnect_time_wait": RECONNECT_EVERY_S, **_security(settings)}
    client = Client()
    link: Link | None = None
    failures: list[BaseException] = []
    all_failed = asyncio.Event()

    async def disconnected() -> None:
        if link is not None:
            if not link.closing:
                _log.warning("nats: the connection to %s broke", settings.address)
            link.lost()

    async def reconnected() -> None:
        _log.info("nats: connected to %s again", settings.address)

    async def failed(error: Exception) -> None:
        _log.debug("nats: %s", type(error).__name__)
        failures.append(error)
        if len(failures) >= len(settings.servers):
            all_failed.set()

    connecting = asyncio.ensure_future(
        client.connect(
            servers=settings.servers,
            name="orchestratorx",
            connect_timeout=max(1, int(settings.publish_timeout_s)),
            max_reconnect_attempts=-1,
            ping_interval=PING_EVERY_S,
            max_outstanding_pings=2,
            pending_size=0,  # nothing is buffered while there is no connection
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            error_cb=failed,
            **options,
        )
    )
    giving_up = asyncio.ensure_future(all_failed.wait())
    try:
        await asyncio.wait(
            {connecting, giving_up}, timeout=settings.publish_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        giving_up.cancel()
        if not connecting.done():
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            await _abandon(client)
    error = None if connecting.cancelled() else connecting.exception()
    if connecting.cancelled() or error is not None:
        # What a server said tells more than that it then hung up.
        causes = sorted([*failures, *([error] if error else [])], key=lambda e: not isinstance(e, nats.errors.Error))
        cause = causes[0] if causes else None
        raise unavailable(f"cannot connect to {settings.address}: {_why(cause)}") from cause
    link = Link(client, settings)
    failures.clear()
    await link.listen()
    return link


def unavailable(why: str, *, reason: str | None = None, fix: str = "") -> BrokerUnavailable:
    return BrokerUnavailable(f"nats: {why}", reason=reason, fix=fix)


def translated(error: nats.errors.Error) -> BrokerUnavailable:
    """A refusal of nats-py or of the server, as ours."""
    refused = (nats.errors.MaxPayloadError, nats.errors.BadSubjectError, nats.errors.BadHeaderError)
    if isinstance(error, refused):
        return unavailable(_why(error), reason="MESSAGE_REFUSED")
    return unavailable(_why(error))


def _why(error: BaseException | None) -> str:
    if error is None:
        return "no answer in time"
    if isinstance(error, nats.errors.Error):
        return str(error).removeprefix("nats: ") or type(error).__name__
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


async def _abandon(client: Client) -> None:
    try:
        await client.close()
    except (nats.errors.Error, OSError, AssertionError) as error:
        # nats-py asserts that it was connected once; there is nothing to close then.
        _log.debug("nats: %s while giving up", type(error).__name__)


def _security(settings: BrokerSettings) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if settings.credentials_file:
        if not Path(settings.credentials_file).is_file():
            raise SettingsRejected("credentials_file: there is no such file", fix="name the .creds file of the user")
        options["user_credentials"] = settings.credentials_file
    if settings.tls_ca_file:
        try:
            options["tls"] = ssl.create_default_context(cafile=settings.tls_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsRejected("tls_ca_file: cannot be read as PEM certificates", fix="name a PEM file") from error
    return options
