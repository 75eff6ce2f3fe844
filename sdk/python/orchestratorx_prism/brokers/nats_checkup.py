"""What makes a JetStream lose messages. Sources: NATS docs, "JetStream model deep dive", "Streams", "Clustering"."""

from __future__ import annotations

from typing import Any

import nats.errors
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamInfo
from nats.js.errors import NotFoundError

from orchestratorx_prism.brokers.checkup import Finding, Level
from orchestratorx_prism.brokers.nats_link import Link, open_link
from orchestratorx_prism.brokers.nats_streams import dead_letter_stream, refusal
from orchestratorx_prism.brokers.settings import BrokerSettings

_SAFE_REPLICAS = 3
_OF_THREE = "run three servers, and `nats stream edit --replicas 3`"
_LEAST_AGE_S = 86_400.0


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """See `checkup.checkup`."""
    link = await open_link(settings)
    try:
        found = _of_connection(link, settings)
        for name in (settings.stream, dead_letter_stream(settings)):
            found += await _of_stream(link, name)
        return found
    except (nats.errors.Error, TimeoutError) as error:
        raise refusal(error) from error
    finally:
        await link.close()


def _of_connection(link: Link, settings: BrokerSettings) -> list[Finding]:
    info: dict[str, Any] = link.client._server_info  # nats-py tells it in no other way
    where = f"nats: {settings.address}"
    found = [
        Finding(
            "advice",
            where,
            "whether it writes to disk before it acknowledges cannot be seen; by default it does not, for up to two "
            "minutes",
            "set `jetstream { sync_interval: always }` in the server's configuration, or keep three replicas in three "
            "places",
        )
    ]
    if not info.get("auth_required"):
        level: Level = "advice" if settings.is_local else "unsafe"
        found.append(Finding(level, where, "anybody who reaches it may publish", "set users or credentials on it"))
    if not info.get("tls_required") and not settings.is_local:
        found.append(Finding("advice", where, "connections are not encrypted", "set `tls` on the server; tls:// here"))
    return found


async def _of_stream(link: Link, name: str) -> list[Finding]:
    where = f"nats: stream {name}"
    try:
        stream: StreamInfo = await link.jetstream.stream_info(name)
    except NotFoundError:
        return [Finding("advice", where, "it is not there yet", "nothing: it is made when something is published")]
    config = stream.config
    found = []

    def add(level: Level, what: str, fix: str) -> None:
        found.append(Finding(level, where, what, fix))

    if config.storage != StorageType.FILE:
        add("unsafe", "it is kept in memory: a restart of the server loses it", "make it again with storage file")
    if config.retention != RetentionPolicy.LIMITS:
        add("unsafe", "what one group acknowledged is gone for the others", "make it again with retention limits")
    if config.discard != DiscardPolicy.NEW:
        add("unsafe", "at its limits it drops the oldest, read or not", "nats stream edit --discard new")
    if config.num_replicas is not None and config.num_replicas < _SAFE_REPLICAS:
        add("advice", f"it has {config.num_replicas} replica: the disk of one server is all there is", _OF_THREE)
    if config.max_age and config.max_age < _LEAST_AGE_S:
        add("unsafe", f"messages end after {config.max_age:g} s, read or not", "nats stream edit --max-age 7d")
    for limit, value in (("max_msgs_per_subject", config.max_msgs_per_subject),):
        if value is not None and value > 0:
            add("unsafe", f"{limit} is {value}: older messages of a subject are dropped", f"set {limit} to -1")
    return found
