"""The exchanges and queues that the RabbitMQ broker needs, all durable: made if missing, made again if deleted.

An address is a topic exchange of its own. Whatever it gets goes on to `<prefix>.all`, and for the address
"payments.events" to `<prefix>.all.payments` as well, so that a group can ask for "payments.*" before the exchanges are
there. On `<prefix>.all` is the history: a stream that keeps every message for `max_age_s`, whoever reads it.

The history is why nothing is lost while nobody listens: an exchange without a queue drops what it gets, or returns it
for ever, but there is always this one. A new group begins with its oldest message, and so does one whose queue was
deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import aiormq.exceptions
from aiormq import Channel

from orchestratorx_prism.brokers.rabbitmq_link import Link, translating
from orchestratorx_prism.brokers.settings import BrokerSettings
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

_NO_DELIVERY_LIMIT: Final = 1_000_000
"""Without a limit a message given back goes to the end of a quorum queue, behind later ones of its key; at a low one
the server drops it by itself. Source: RabbitMQ docs, "Quorum Queues", repeated requeues."""
_SEGMENT_BYTES: Final = 50_000_000
"""The history forgets whole segments."""
_LONGEST_NAME: Final = 200
_ON_DISK_AFTER_S: Final = 1.0


def hub(settings: BrokerSettings, words: str = "") -> str:
    """The exchange of every address that begins with these words: of all of them, without."""
    return f"{settings.queue_prefix}.all" + (f".{words}" if words else "")


def history(settings: BrokerSettings) -> str:
    return f"{settings.queue_prefix}.history"


def group_queue(settings: BrokerSettings, group: str) -> str:
    return f"{settings.queue_prefix}.group.{group}"


def backlog_queue(settings: BrokerSettings, group: str) -> str:
    """What was there before the group's own queue was."""
    return f"{settings.queue_prefix}.backlog.{group}"


def ready_queue(settings: BrokerSettings, group: str) -> str:
    """Empty for ever: it is there when the group's backlog is complete, and has a consumer for each member."""
    return f"{settings.queue_prefix}.ready.{group}"


def lock_queue(settings: BrokerSettings, group: str) -> str:
    """There, and another's, while somebody else makes the group."""
    return f"{settings.queue_prefix}.lock.{group}"


def look_queue(settings: BrokerSettings, group: str) -> str:
    """There, and another's, while somebody else looks into the group's dead letters."""
    return f"{settings.queue_prefix}.look.{group}"


def registry_queue(settings: BrokerSettings) -> str:
    """A message a group."""
    return f"{settings.queue_prefix}.groups"


def members_exchange(settings: BrokerSettings) -> str:
    """Through which members of a group are asked what they have in hand."""
    return f"{settings.queue_prefix}.members"


def tap_exchange(settings: BrokerSettings, group: str) -> str:
    """While the group is made: what its queue gets, so that somebody can see what that was."""
    return f"{settings.queue_prefix}.tap.{group}"


def dead_letter_exchange(settings: BrokerSettings) -> str:
    return f"{settings.queue_prefix}.dead_letters"


def dead_letter_queue(settings: BrokerSettings, group: str) -> str:
    return f"{settings.queue_prefix}.dead_letters.{group}"


def check_names(addresses: Sequence[str], group: str) -> None:
    """Raises RequestRejected for what cannot be an exchange or a queue."""
    if not group or len(group.encode()) > _LONGEST_NAME:
        raise RequestRejected("group: 1 to 200 bytes", fix="shorten its name")
    for address in addresses:
        stem = address.removesuffix("*")
        whole_words = address in {"*", stem} or stem.endswith(".")
        if not address or not whole_words or "*" in stem or len(address.encode()) > _LONGEST_NAME:
            raise RequestRejected(
                "address: RabbitMQ filters by whole words", fix='write "payments.events" or "payments.*"'
            )


def wants(addresses: Sequence[str], address: str) -> bool:
    return any(address == one or (one.endswith("*") and address.startswith(one[:-1])) for one in addresses)


def source_of(settings: BrokerSettings, address: str) -> str:
    """The exchange that a group binds to for this address."""
    return hub(settings, address[:-1].removesuffix(".")) if address.endswith("*") else address


async def ensure_base(link: Link, settings: BrokerSettings) -> None:
    """What all addresses share.

    Raises:
        BrokerUnavailable: The server does not answer.
        SettingsRejected: An exchange or queue of the name is there and is another kind.
    """
    await ensure_exchange(link, hub(settings), "fanout")
    await ensure_exchange(link, dead_letter_exchange(settings), "direct")
    arguments: dict[str, Any] = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": _SEGMENT_BYTES}
    if settings.max_age_s:
        arguments["x-max-age"] = f"{max(1, int(settings.max_age_s))}s"
    if await ensure_queue(link, history(settings), arguments, as_it_is=True):
        await until_on_disk()
    async with link.passing_channel() as channel:
        with translating():
            await channel.queue_bind(history(settings), hub(settings), "")
    if settings.exchange_name:
        name, kind = settings.exchange_name, settings.exchange_type
        await ensure_exchange(link, name, kind, durable=settings.exchange_durable)
        async with link.passing_channel() as channel:
            with translating():
                await channel.exchange_bind(name, hub(settings), "")


async def ensure_address(link: Link, settings: BrokerSettings, address: str) -> None:
    """The address's exchange, and those of the words that it begins with. Raises as `ensure_base` does."""
    await ensure_exchange(link, address, "topic")
    words = address.split(".")
    hubs = [hub(settings), *(hub(settings, ".".join(words[:count])) for count in range(1, len(words)))]
    for name in hubs[1:]:
        await ensure_exchange(link, name, "fanout")
    async with link.passing_channel() as channel:
        with translating():
            for name in hubs:
                await channel.exchange_bind(name, address, "#")


async def ensure_sources(link: Link, settings: BrokerSettings, addresses: Sequence[str]) -> None:
    """The exchanges that a group of these addresses binds to. Raises as `ensure_base` does."""
    for address in addresses:
        if address.endswith("*"):
            await ensure_exchange(link, source_of(settings, address), "fanout")
        else:
            await ensure_address(link, settings, address)


async def bind_group(link: Link, settings: BrokerSettings, addresses: Sequence[str], group: str) -> None:
    """Has the group's queue get what the addresses get from now on."""
    await ensure_sources(link, settings, addresses)
    async with link.passing_channel() as channel:
        with translating():
            for address in addresses:
                await channel.queue_bind(group_queue(settings, group), source_of(settings, address), "#")


async def ensure_exchange(link: Link, name: str, kind: str, *, durable: bool = True) -> None:
    async with link.passing_channel() as channel:
        with translating(), _refusing_other_kinds("exchange", name):
            await channel.exchange_declare(name, exchange_type=kind, durable=durable)


async def ensure_queue(link: Link, name: str, arguments: dict[str, Any], *, as_it_is: bool = False) -> bool:
    """Returns whether it is new: `until_on_disk` then. `as_it_is`: one that was made with other limits will do."""
    is_there = await queue_is_there(link, name)
    if is_there and as_it_is:
        return False
    async with link.passing_channel() as channel:
        with translating(), _refusing_other_kinds("queue", name):
            await channel.queue_declare(name, durable=True, arguments=arguments)
    return not is_there


async def until_on_disk() -> None:
    """A new quorum queue or stream may be used after this.

    The server writes down the name under which such a queue keeps its messages half a second after it has told that the
    queue is made. If it crashes before, it begins with an empty queue. Measured with RabbitMQ 3.10.8.
    """
    await asyncio.sleep(_ON_DISK_AFTER_S)


async def ensure_quorum_queue(link: Link, name: str, *, one_at_a_time: bool = False) -> bool:
    """On disk, and on most nodes of a cluster, before it acknowledges. Returns whether it is new."""
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": _NO_DELIVERY_LIMIT}
    if one_at_a_time:
        arguments["x-single-active-consumer"] = True
    return await ensure_queue(link, name, arguments)


async def queue_is_there(link: Link, name: str) -> bool:
    async with link.passing_channel() as channel:
        with translating():
            try:
                await channel.queue_declare(name, passive=True)
            except aiormq.exceptions.ChannelNotFoundEntity as missing:
                if _is_down(missing):
                    raise
                return False
    return True


def _is_down(missing: aiormq.exceptions.ChannelNotFoundEntity) -> bool:
    """The server says NOT_FOUND also of a queue whose node is away or starting: that one is not to be made anew."""
    return "no queue" not in str(missing)


async def ready_count(channel: Channel, name: str) -> int:
    """How many messages of the queue wait to be delivered."""
    with translating():
        return (await channel.queue_declare(name, passive=True)).message_count or 0


async def consumer_count(channel: Channel, name: str) -> int:
    """How many take from the queue; of a quorum queue also those that were cancelled and have messages of it."""
    with translating():
        return (await channel.queue_declare(name, passive=True)).consumer_count or 0


async def delete_queue(link: Link, name: str) -> None:
    async with link.passing_channel() as channel:
        with translating():
            await channel.queue_delete(name)


@contextlib.contextmanager
def _refusing_other_kinds(what: str, name: str) -> Iterator[None]:
    """A declaration that the server refuses is a fault of the settings."""
    try:
        yield
    except aiormq.exceptions.ChannelPreconditionFailed as error:
        raise SettingsRejected(
            f"rabbitmq: the {what} {name} is there and was made with other settings",
            fix="delete it when it is empty, or set another queue_prefix or exchange_name",
        ) from error
    except aiormq.exceptions.ChannelAccessRefused as error:
        raise SettingsRejected(
            f"rabbitmq: the user may not make the {what} {name}",
            fix="give the user permission to configure, write and read",
        ) from error
