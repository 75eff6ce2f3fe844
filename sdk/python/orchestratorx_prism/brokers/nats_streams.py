"""The JetStream streams and consumers that the NATS broker needs: made if missing, checked if there."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType
from nats.js.api import StreamConfig as Config
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from orchestratorx_prism.brokers.base import BrokerUnavailable, Message
from orchestratorx_prism.brokers.nats_link import Link, translated, unavailable
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

_log = logging.getLogger(__name__)

DEFAULT_SUBJECTS = "payments.>"
_DEAD_LETTERS = "dead_letters"
_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")
_TOKEN_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def subject_of(settings: BrokerSettings, message: Message) -> str:
    """`<prefix>.<address>.<routing key>`, without what is empty.

    Raises:
        BrokerUnavailable: The message's address cannot be a subject; reason MESSAGE_REFUSED.
    """
    subject = ".".join(part for part in (settings.subject_prefix, message.address, message.routing_key) if part)
    if not _SUBJECT.fullmatch(subject):
        raise unavailable("address and routing key do not make a subject", reason="MESSAGE_REFUSED")
    return subject


def consumer_name(group: str) -> str:
    """The group as one word of a subject."""
    return _TOKEN_UNSAFE.sub("_", group)


def dead_letter_stream(settings: BrokerSettings) -> str:
    return f"{settings.stream}_DEAD_LETTERS"


def dead_letter_subject(settings: BrokerSettings, group: str) -> str:
    """Outside of the stream's own subjects, so that no consumer of those gets a dead letter."""
    return f"{_DEAD_LETTERS}.{settings.stream}.{group if group == '>' else consumer_name(group)}"


def filters_of(settings: BrokerSettings, addresses: Sequence[str]) -> list[str]:
    """The consumer's subjects. An address brings what is routed below it; `payments.*` whatever begins so.

    Raises:
        RequestRejected: An address that NATS cannot filter by.
    """
    found: list[str] = []
    for address in addresses:
        stem = address.removesuffix("*").removesuffix(".")
        whole_words = address in {stem, "*", f"{stem}.*"} and address != ""
        subject = ".".join(part for part in (settings.subject_prefix, stem) if part)
        if not whole_words or (subject and not _SUBJECT.fullmatch(subject)):
            raise RequestRejected("address: NATS filters by whole words", fix='write "payments.events" or "payments.*"')
        if not subject:
            return []
        found += [f"{subject}.>"] if address.endswith("*") else [subject, f"{subject}.>"]
    # The server refuses filters of which one covers another.
    return [one for one in dict.fromkeys(found) if not any(_covers(other, one) for other in found if other != one)]


async def ensure_streams(link: Link, settings: BrokerSettings) -> list[str]:
    """The stream and its dead letters; returns the names of those that had to be made.

    Raises:
        BrokerUnavailable: The server does not answer, or JetStream is off.
        SettingsRejected: A stream of the name is there and cannot be used.
    """
    subjects = f"{settings.subject_prefix}.>" if settings.subject_prefix else DEFAULT_SUBJECTS
    dead = dead_letter_stream(settings)
    made = {
        settings.stream: await _ensure(link, settings, settings.stream, subjects, max_age_s=settings.max_age_s),
        dead: await _ensure(link, settings, dead, dead_letter_subject(settings, ">"), max_age_s=0),
    }
    return [name for name, missing in made.items() if missing]


def tell_deleted(streams: Sequence[str]) -> None:
    """Of streams that were there before."""
    for name in streams:
        _log.error("nats: stream %s was deleted with what was in it; made again, it is empty", name)


async def consumer_is_there(link: Link, settings: BrokerSettings, group: str) -> bool:
    """Whether the group has its durable consumer. Raises BrokerUnavailable."""
    try:
        await link.jetstream.consumer_info(settings.stream, consumer_name(group))
    except NotFoundError:
        return False
    except (nats.errors.Error, TimeoutError) as error:
        raise refusal(error) from error
    return True


async def ensure_consumer(link: Link, settings: BrokerSettings, addresses: Sequence[str], group: str) -> str:
    """The group's durable consumer; returns its name. A new one begins with the oldest message kept."""
    name = consumer_name(group)
    config = ConsumerConfig(
        name=name,
        durable_name=name,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=settings.ack_wait_s,
        max_deliver=-1,
        max_ack_pending=settings.max_unacked,
        filter_subjects=filters_of(settings, addresses) or None,
    )
    try:
        try:
            await link.jetstream.add_consumer(settings.stream, config)
        except NotFoundError:
            # Somebody deleted the stream, and nobody publishes who would make it again.
            tell_deleted(await ensure_streams(link, settings))
            await link.jetstream.add_consumer(settings.stream, config)
    except (nats.errors.Error, TimeoutError) as error:
        raise refusal(error) from error
    return name


async def _ensure(link: Link, settings: BrokerSettings, name: str, subjects: str, *, max_age_s: float) -> bool:
    """Whether it had to be made."""
    try:
        found = await _stream(link, name)
        missing = found is None
        if missing:
            await _make(link, settings, name, subjects, max_age_s)
            found = await _stream(link, name)
    except (nats.errors.Error, TimeoutError) as error:
        raise refusal(error) from error
    if found is None:
        raise unavailable(f"the stream {name} was made and is not there")
    _check(found, name, subjects)
    return missing


async def _stream(link: Link, name: str) -> Config | None:
    try:
        return (await link.jetstream.stream_info(name)).config
    except NotFoundError:
        return None


async def _make(link: Link, settings: BrokerSettings, name: str, subjects: str, max_age_s: float) -> None:
    """Safe: on disk, and a publish fails when a limit is reached, instead of pushing out what nobody has read yet."""
    config = Config(
        name=name,
        subjects=[subjects],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        num_replicas=settings.replicas,
        max_age=max_age_s,
        duplicate_window=settings.duplicate_window_s,
        allow_direct=True,  # how dead letters are read
        description="Made by OrchestratorX",
    )
    try:
        await link.jetstream.add_stream(config)
    except APIError as error:
        # Another replica may have made it in this moment, with other limits.
        if await _stream(link, name) is None:
            raise
        _log.info("nats: stream %s was there already: %s", name, error.description)


def _check(found: Config, name: str, subjects: str) -> None:
    """Refuses a stream that would lose messages or not take them; says aloud what is only unwise."""
    faults = []
    if found.no_ack:
        faults.append("it acknowledges nothing (no_ack)")
    if found.sealed or found.mirror is not None:
        faults.append("it takes no messages (sealed, or a mirror)")
    if not any(_covers(own, subjects) for own in found.subjects or []):
        faults.append(f"its subjects do not cover {subjects}")
    if faults:
        raise SettingsRejected(
            f"nats: the stream {name} cannot be used: {'; '.join(faults)}",
            fix="change the stream, or set another stream or subject_prefix",
        )
    if found.storage == StorageType.MEMORY:
        _log.warning("nats: stream %s is kept in memory: a restart of the server loses it", name)


def _covers(wide: str, narrow: str) -> bool:
    """Whether every subject that matches `narrow` matches `wide`."""
    wide_words, narrow_words = wide.split("."), narrow.split(".")
    for index, word in enumerate(wide_words):
        if word == ">":
            return len(narrow_words) > index
        if index >= len(narrow_words) or narrow_words[index] == ">":
            return False
        if word not in ("*", narrow_words[index]):
            return False
    return len(wide_words) == len(narrow_words)


def refusal(error: Exception) -> BrokerUnavailable:
    """A failure of the JetStream API, as ours."""
    if isinstance(error, ServiceUnavailableError):
        return unavailable(
            "JetStream does not answer", fix="start the server with JetStream: nats-server -js, and wait for its leader"
        )
    if isinstance(error, nats.errors.Error):
        return translated(error)
    return unavailable("no answer in time")
