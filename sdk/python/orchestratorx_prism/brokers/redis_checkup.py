"""What makes a Redis lose messages. Sources: Redis docs, "Redis persistence", "Key eviction", "Redis replication"."""

from __future__ import annotations

from typing import Final

from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.brokers.checkup import Finding, Level
from orchestratorx_prism.brokers.redis_link import Link, open_link, server_facts
from orchestratorx_prism.brokers.settings import BrokerSettings

_ASKED: Final = "appendfsync"


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """See `checkup.checkup`."""
    link = await open_link(settings)
    try:
        facts = await server_facts(link)
        facts |= {_ASKED: await _configured(link)}
    finally:
        await link.close()
    return findings_of_server(facts, settings)


async def _configured(link: Link) -> str:
    """`appendfsync`; empty where the server lets nobody ask, as hosted ones do."""
    try:
        answer = await link.command("CONFIG GET", _ASKED)
    except BrokerUnavailable:
        return ""
    values = list(answer.values()) if isinstance(answer, dict) else list(answer or [])[1:]
    return values[0].decode() if values and isinstance(values[0], bytes) else str(values[0]) if values else ""


def findings_of_server(facts: dict[str, str], settings: BrokerSettings) -> list[Finding]:
    """What is wrong with a server. `facts`: as INFO tells them, and `appendfsync`, empty if it is not known."""
    where = f"redis: {settings.address}"
    found = []

    def add(level: Level, what: str, fix: str) -> None:
        found.append(Finding(level, where, what, fix))

    if facts.get("aof_enabled") != "1":
        add(
            "unsafe",
            "without an append-only file a restart loses what came since the last snapshot",
            "appendonly yes",
        )
    elif not facts.get(_ASKED):
        add("advice", "it does not tell its appendfsync", "see to it that it is always")
    elif facts[_ASKED] != "always":
        add("unsafe", f"appendfsync is {facts[_ASKED]}: a crash of the machine loses messages", "appendfsync always")
    limited, policy = facts.get("maxmemory", "0") != "0", facts.get("maxmemory_policy", "noeviction")
    if limited and policy.startswith("volatile"):
        add(
            "advice",
            f"maxmemory-policy is {policy}: it may evict what has a time to live",
            "maxmemory-policy noeviction",
        )
    if facts.get("connected_slaves", "0") == "0":
        add("advice", "it has no replica: the disk of one server is all there is", "add one, and set wait_replicas = 1")
    elif settings.wait_replicas == 0:
        add("advice", "a failover loses what the replica had not yet", "wait_replicas = 1")
    if not settings.is_local and not settings.url.startswith("rediss://"):
        add("advice", "the connection is not encrypted", "rediss:// in the URL")
    return found
