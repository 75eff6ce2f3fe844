"""What JetStream says about its groups: who there is, and how far each is behind."""

from __future__ import annotations

from datetime import UTC, datetime

import nats.errors
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from orchestratorx_prism.brokers.base import GroupLag
from orchestratorx_prism.brokers.nats_link import Link
from orchestratorx_prism.brokers.nats_streams import consumer_name, dead_letter_stream, dead_letter_subject, refusal
from orchestratorx_prism.brokers.settings import BrokerSettings

_PAGE = 256
"""Consumers that the server lists in one answer."""


async def groups(link: Link, settings: BrokerSettings) -> list[str]:
    """Names of the stream's durable consumers. Raises BrokerUnavailable."""
    found: list[str] = []
    try:
        while True:
            page = await link.jetstream.consumers_info(settings.stream, offset=len(found))
            found += [one.name for one in page]
            if len(page) < _PAGE:
                return found
    except (nats.errors.Error, TimeoutError) as error:
        raise refusal(error) from error


async def lag(link: Link, settings: BrokerSettings, group: str) -> GroupLag:
    """See `base.GroupQueries`. Raises BrokerUnavailable."""
    try:
        parked = await _parked(link, settings, group)
        try:
            info = await link.jetstream.consumer_info(settings.stream, consumer_name(group))
        except NotFoundError:
            return GroupLag(group, 0, 0, None, parked)
        waiting, unfinished = info.num_pending or 0, info.num_ack_pending or 0
        age_s = await _oldest_age_s(link, settings, info) if waiting or unfinished else None
    except (nats.errors.Error, TimeoutError) as error:
        raise refusal(error) from error
    return GroupLag(group, waiting, unfinished, age_s, parked)


async def _parked(link: Link, settings: BrokerSettings, group: str) -> int:
    subject = dead_letter_subject(settings, group)
    info = await link.jetstream.stream_info(dead_letter_stream(settings), subjects_filter=subject)
    return (info.state.subjects or {}).get(subject, 0)


async def _oldest_age_s(link: Link, settings: BrokerSettings, info: ConsumerInfo) -> float | None:
    """By the first message of the consumer's subjects behind what it has acknowledged without a gap."""
    floor = info.ack_floor.stream_seq if info.ack_floor is not None else 0
    config = info.config
    subjects = config.filter_subjects or ([config.filter_subject] if config.filter_subject else [">"])
    times = [await _published_at(link, settings, subject, floor + 1) for subject in subjects]
    oldest = min((one for one in times if one is not None), default=None)
    return None if oldest is None else max((datetime.now(UTC) - oldest).total_seconds(), 0.0)


async def _published_at(link: Link, settings: BrokerSettings, subject: str, position: int) -> datetime | None:
    """When the first message of the subject at or behind the position was published."""
    try:
        raw = await link.jetstream.get_msg(settings.stream, seq=position, subject=subject, direct=True, next=True)
    except NotFoundError:
        return None
    return raw.time
