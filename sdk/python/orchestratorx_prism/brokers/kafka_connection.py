"""How to reach the cluster: what aiokafka's clients are told, and what their errors are as ours.

Foreign errors end in the files named kafka_*: what leaves them is BrokerUnavailable or SettingsRejected.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable
from typing import Any
from urllib.parse import unquote, urlsplit

import aiokafka.errors as kafka_errors

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import SettingsRejected

_log = logging.getLogger(__name__)

CLIENT_ID = "orchestratorx"
DEFAULT_PORT = 9092
RETRY_EVERY_MS = 100
METADATA_MAX_AGE_MS = 3_000
"""How soon a client sees what nobody told it: a topic that was deleted and made again, new ones that match `*`."""

CLIENT_ERRORS = (
    kafka_errors.KafkaError,
    kafka_errors.ConsumerStoppedError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
"""What aiokafka raises when the cluster does not answer, or answers no."""

_REFUSED = {
    "MessageSizeTooLargeError": "raise max.message.bytes of the topic, or publish less",
    "RecordListTooLargeError": "raise segment.bytes of the topic, or publish less",
    "InvalidTimestampError": "set the clock",
    "CorruptRecordException": "the topic is compacted, and takes no message without key",
}
"""Errors that are about the message, not the broker, with what may help."""

_FIXES = {
    "TopicAuthorizationFailedError": "let this user read, write and describe the topic",
    "GroupAuthorizationFailedError": "let this user read the group",
    "ClusterAuthorizationFailedError": "let this user write idempotently (IDEMPOTENT_WRITE on the cluster)",
    "InvalidSessionTimeoutError": "set session_timeout_s within the server's group.{min,max}.session.timeout.ms",
    "InconsistentGroupProtocolError": "consumers of another kind are in this group: take another group",
    "OffsetMetadataTooLargeError": "set offset.metadata.max.bytes of the server to 4096 or more",
    "NotEnoughReplicasError": "fewer replicas are in sync than min.insync.replicas: start the missing servers",
    "UnsupportedCodecError": "messages of another publisher are compressed: pip install cramjam",
    "SaslAuthenticationFailed": "check the user and the password",
}


def names_only(record: logging.LogRecord) -> bool:
    """aiokafka's debug log quotes every request and answer: passwords, and the messages. Their names have to do."""
    if record.levelno <= logging.DEBUG and isinstance(record.args, tuple):
        plain = (str, int, float, type(None))
        record.args = tuple(arg if isinstance(arg, plain) else type(arg).__name__ for arg in record.args)
    return True


logging.getLogger("aiokafka.conn").addFilter(names_only)


def unavailable(why: str, *, reason: str | None = None, fix: str = "") -> BrokerUnavailable:
    return BrokerUnavailable(f"kafka: {why}", reason=reason, fix=fix)


def translated(error: BaseException) -> BrokerUnavailable:
    """A refusal of aiokafka or of the server, as ours. Names the error's class alone: its text may quote anything."""
    name = type(error).__name__
    if name in _REFUSED:
        return unavailable(f"the broker refuses the message: {name}", reason="MESSAGE_REFUSED", fix=_REFUSED[name])
    if isinstance(error, TimeoutError) or name in ("KafkaTimeoutError", "RequestTimedOutError"):
        return unavailable("no answer in time")
    return unavailable(name, fix=_FIXES.get(name, ""))


async def ended(closing: Awaitable[None], timeout_s: float) -> None:
    """Waits for the end of something of aiokafka's, but not for ever. It is a task of its own: what is cancelled inside
    of it must not look as if we were."""
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.wait([task], timeout=timeout_s)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=timeout_s)
    if not task.done() or task.cancelled() or task.exception() is not None:
        _log.info("kafka: closing a connection did not end well")


async def stopped(consumer: Any, timeout_s: float) -> None:
    """Stops a consumer of aiokafka's. It lets the cancellation of its own fetches pass for its caller's, and ends
    half-way then, with connections open."""
    await ended(consumer.stop(), 2 * timeout_s)
    await ended(consumer._client.close(), timeout_s)


def options_of(settings: BrokerSettings) -> dict[str, Any]:
    """Keywords that every client of aiokafka takes.

    Raises:
        SettingsRejected: A file cannot be read.
    """
    user, password = _credentials(settings)
    encrypted = bool(settings.tls_ca_file or settings.tls_certificate_file) or any(
        server.startswith("kafka+ssl://") for server in settings.servers
    )
    options: dict[str, Any] = {
        "bootstrap_servers": [_host_and_port(server) for server in settings.servers],
        "client_id": CLIENT_ID,
        "retry_backoff_ms": RETRY_EVERY_MS,
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
        "security_protocol": ("SASL_" if user else "") + ("SSL" if encrypted else "PLAINTEXT"),
    }
    if options["security_protocol"] == "SASL_PLAINTEXT" or user:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism or "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    if encrypted:
        options["ssl_context"] = _ssl_context(settings)
    return options


def _credentials(settings: BrokerSettings) -> tuple[str, str]:
    if settings.sasl_username:
        return settings.sasl_username, settings.sasl_password
    for server in settings.servers:
        parts = _split(server)
        if parts.username:
            return unquote(parts.username), unquote(parts.password or "")
    return "", ""


def _host_and_port(server: str) -> str:
    parts = _split(server)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or DEFAULT_PORT}"


def _split(server: str) -> Any:
    return urlsplit(server if "://" in server else f"//{server}")


def _ssl_context(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsRejected("tls_ca_file: cannot be read as PEM certificates", fix="name a PEM file") from error
    if settings.tls_certificate_file:
        try:
            context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file or None)
        except (OSError, ssl.SSLError) as error:
            raise SettingsRejected(
                "tls_certificate_file, tls_key_file: cannot be read as a certificate with its key",
                fix="name PEM files that belong together; the key without a passphrase",
            ) from error
    return context
