"""What makes a RabbitMQ lose messages, as far as AMQP tells. Sources: RabbitMQ docs, "Quorum Queues", "Alarms".

AMQP has no question for a queue's kind or a cluster's size. What is there was made by us, as it should be: the broker
refuses a queue of its name that is anything else.
"""

from __future__ import annotations

from typing import Any

import aiormq.exceptions

from orchestratorx_prism.brokers.checkup import Finding, Level
from orchestratorx_prism.brokers.rabbitmq_link import Link, open_link, translating
from orchestratorx_prism.brokers.rabbitmq_topology import history, hub
from orchestratorx_prism.brokers.settings import BrokerSettings


async def checkup(settings: BrokerSettings) -> list[Finding]:
    """See `checkup.checkup`."""
    link = await open_link(settings)
    try:
        found = _of_access(settings)
        found += await _of_exchange(link, hub(settings))
        if settings.exchange_name:
            found += await _of_exchange(link, settings.exchange_name)
            if not settings.exchange_durable:
                what = "it ends with the server: bindings of consumers of your own are gone then"
                found.append(Finding("unsafe", f"rabbitmq: {settings.exchange_name}", what, "exchange_durable = true"))
        return found + await _of_history(link, settings)
    finally:
        await link.close()


def _of_access(settings: BrokerSettings) -> list[Finding]:
    where = f"rabbitmq: {settings.address}"
    found = [
        Finding(
            "advice",
            where,
            "how many nodes it has cannot be seen from here; with one, its disk is all there is",
            "run three nodes: quorum queues and the history then have three copies",
        )
    ]
    level: Level = "advice" if settings.is_local else "unsafe"
    if any("//guest:guest@" in server or "@" not in server for server in settings.servers):
        found.append(Finding(level, where, "the user is guest, whom everybody knows", "make a user of its own"))
    if not settings.is_local and any(server.startswith("amqp://") for server in settings.servers):
        found.append(Finding("advice", where, "the connection is not encrypted", "amqps:// in the URL"))
    return found


async def _of_exchange(link: Link, name: str) -> list[Finding]:
    if await _is_there(link, "exchange", name):
        return []
    fix = "nothing: it is made when something is published"
    return [Finding("advice", f"rabbitmq: exchange {name}", "it is not there yet", fix)]


async def _of_history(link: Link, settings: BrokerSettings) -> list[Finding]:
    name = history(settings)
    if await _is_there(link, "queue", name):
        return []
    what, fix = "it is not there: nobody keeps what no group listens to", "it is made when something is published"
    level: Level = "unsafe" if await _is_there(link, "exchange", hub(settings)) else "advice"
    return [Finding(level, f"rabbitmq: stream {name}", what, fix)]


async def _is_there(link: Link, kind: str, name: str) -> bool:
    """Asked for passively: made by nobody. A refusal closes the channel that it met."""
    with translating():
        async with link.passing_channel() as channel:
            ask: Any = channel.exchange_declare if kind == "exchange" else channel.queue_declare
            try:
                await ask(name, passive=True)
            except aiormq.exceptions.ChannelNotFoundEntity:
                return False
    return True
