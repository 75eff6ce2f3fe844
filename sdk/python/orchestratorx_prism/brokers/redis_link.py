"""One client of a Redis server: scripts, their replies, and what a server must be to keep messages.

Foreign errors end here: what leaves this file is BrokerUnavailable or SettingsRejected.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.redis_scripts import Script
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import SettingsRejected

_log = logging.getLogger(__name__)

OLDEST_VERSION = 7
"""Before, a claim of an entry that was deleted gives nothing to go by."""
_MOST_CONNECTIONS = 10_000
"""As many as a server takes by default. Each call has one for its time, and handlers may end hundreds of messages at
once; redis-py would let a hundred, and fail the others."""
Argument = str | bytes | int


class Link:
    """A pool of connections. A broken one is replaced at the next call; a call that failed is not repeated here."""

    def __init__(self, client: Redis, settings: BrokerSettings) -> None:
        self.client = client
        self._settings = settings

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Runs the script; its reply, text as bytes. Raises BrokerUnavailable."""
        with translating():
            try:
                return await self._execute("EVALSHA", script.sha, len(keys), *keys, *arguments)
            except redis.exceptions.NoScriptError:
                # A restarted server has forgotten it.
                return await self._execute("EVAL", script.text, len(keys), *keys, *arguments)

    async def run_durably(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """As `run`, and waits for as many copies as the settings ask for. Raises BrokerUnavailable."""
        if not self._settings.wait_replicas and not self._settings.wait_aof:
            return await self.run(script, keys, arguments)
        with translating():
            async with self.client.pipeline(transaction=False) as pipe:
                # Both on one connection: WAIT is about the writes of its own.
                pipe.execute_command("EVAL", script.text, len(keys), *keys, *arguments)
                pipe.execute_command(*self._wait_command())
                reply, copies = await pipe.execute()
        self._check_copies(copies)
        return reply

    async def command(self, *words: Argument) -> Any:
        """One plain command. Raises BrokerUnavailable."""
        with translating():
            return await self._execute(*words)

    async def _execute(self, *words: Argument) -> Any:
        return await self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        with contextlib.suppress(redis.exceptions.RedisError, OSError):
            await self.client.aclose()

    def _wait_command(self) -> tuple[Argument, ...]:
        timeout_ms = max(1, int(self._settings.publish_timeout_s * 900))
        if self._settings.wait_aof:
            return "WAITAOF", 1, self._settings.wait_replicas, timeout_ms
        return "WAIT", self._settings.wait_replicas, timeout_ms

    def _check_copies(self, copies: Any) -> None:
        on_disk, replicas = copies if self._settings.wait_aof else (1, copies)
        if not on_disk or replicas < self._settings.wait_replicas:
            raise unavailable(
                f"written, but only {replicas} of {self._settings.wait_replicas} replicas confirmed in time"
            )


async def open_link(settings: BrokerSettings) -> Link:
    """Connects, and looks at how the server keeps what it is given.

    Raises:
        BrokerUnavailable: It does not answer, refuses the credentials, or is a replica.
        SettingsRejected: It would lose messages, or is too old.
    """
    client = Redis.from_url(
        settings.url,
        client_name="orchestratorx",
        max_connections=_MOST_CONNECTIONS,
        socket_timeout=settings.publish_timeout_s,
        socket_connect_timeout=settings.publish_timeout_s,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),  # the caller tries again, and knows that it does
        protocol=2,
        **_security(settings),
    )
    link = Link(client, settings)
    try:
        await _check_server(link, settings)
    except BaseException:
        await link.close()
        raise
    return link


def _security(settings: BrokerSettings) -> dict[str, Any]:
    if not settings.tls_ca_file:
        return {}
    if not settings.url.startswith("rediss://"):
        raise SettingsRejected("tls_ca_file: the URL does not ask for TLS", fix="begin it with rediss://")
    if not Path(settings.tls_ca_file).is_file():
        raise SettingsRejected("tls_ca_file: there is no such file", fix="name a PEM file")
    return {"ssl_ca_certs": settings.tls_ca_file}


async def server_facts(link: Link) -> dict[str, str]:
    """What INFO says, by name. Raises BrokerUnavailable."""
    with translating():
        text: dict[str, Any] = await link.client.info()
    return {name: str(value) for name, value in text.items()}


async def _check_server(link: Link, settings: BrokerSettings) -> None:
    facts = await server_facts(link)
    faults = []
    if int(facts.get("redis_version", "0").partition(".")[0]) < OLDEST_VERSION:
        faults.append(f"it is older than Redis {OLDEST_VERSION}: upgrade it")
    if facts.get("cluster_enabled") == "1":
        faults.append("it is a Redis Cluster: name one primary, with replicas if you like")
    if facts.get("maxmemory", "0") != "0" and facts.get("maxmemory_policy", "").startswith("allkeys"):
        faults.append("it evicts messages when memory is full: set maxmemory-policy noeviction")
    if settings.wait_aof and not await _knows_waitaof(link):
        faults.append("it does not know WAITAOF: use Redis 7.2 or later, or set wait_aof to false")
    if settings.wait_aof and facts.get("aof_enabled") != "1":
        faults.append("wait_aof needs its append-only file: set appendonly yes")
    if faults:
        raise SettingsRejected(f"redis: the server cannot be used: {'; '.join(faults)}", fix="see each of them")
    if facts.get("role") != "master":
        raise unavailable("the server is a replica", fix="name the primary")
    if facts.get("aof_enabled") != "1":
        _log.warning("redis: without an append-only file a restart loses messages: set appendonly yes")


async def _knows_waitaof(link: Link) -> bool:
    return any(await link.command("COMMAND INFO", "WAITAOF"))


def unavailable(why: str, *, reason: str | None = None, fix: str = "") -> BrokerUnavailable:
    return BrokerUnavailable(f"redis: {why}", reason=reason, fix=fix)


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Makes refusals of redis-py and of the server ours."""
    try:
        yield
    except redis.exceptions.OutOfMemoryError as error:
        raise unavailable(
            "the server's memory is full",
            reason="BROKER_FULL",
            fix="consume faster, set stream_maxlen, or raise maxmemory",
        ) from error
    except redis.exceptions.RedisError as error:
        raise unavailable(_why(error)) from error
    except OSError as error:
        raise unavailable(error.strerror or type(error).__name__) from error


def _why(error: redis.exceptions.RedisError) -> str:
    text = str(error).partition("\n")[0]
    if isinstance(error, redis.exceptions.AuthenticationError):
        return "the server refused the credentials"
    return text or type(error).__name__
