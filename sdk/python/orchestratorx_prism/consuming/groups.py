"""A consumer group's name in the settings of each broker, and how far it is behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from orchestratorx_prism.brokers.base import Broker, BrokerUnavailable, GroupLag, GroupQueries
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import NotSupported

_log = logging.getLogger(__name__)

LAG_EVERY_S: Final = 15.0
_GROUP_KEYS: Final = {"kafka": "group_id", "redis": "consumer_group"}
"""Broker → which key of its settings is the group; of the others it is `queue_group`."""


def default_group(settings: BrokerSettings) -> str:
    """The consumer group of those who name none."""
    key = _GROUP_KEYS.get(settings.broker_type, "queue_group")
    group: str = getattr(settings, key, settings.queue_group)
    return group


def queries_of(broker: Broker) -> GroupQueries:
    """The broker, if it can say how far groups are behind.

    Raises:
        NotSupported: It cannot.
    """
    if isinstance(broker, GroupQueries):
        return broker
    raise NotSupported(
        f"the broker {broker.name} tells nothing about its groups in this version", fix="use the broker's own tools"
    )


async def watch_lag(broker: GroupQueries, group: str, tell: Callable[[GroupLag], None]) -> None:
    """Asks for ever, every 15 seconds; an outage is waited through."""
    while True:
        try:
            tell(await broker.lag(group))
        except BrokerUnavailable as away:
            _log.info("how far %s is behind is not known: %s", group, away.message)
        await asyncio.sleep(LAG_EVERY_S)
