"""Dead letters in JetStream: a stream of their own, one subject a group, the reason in the headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import nats.errors
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from orchestratorx_prism.brokers.base import DeadLetter, Message
from orchestratorx_prism.brokers.nats_link import Link
from orchestratorx_prism.brokers.nats_publishing import (
    ID_HEADER,
    KEY_HEADER,
    MESSAGE_ID_HEADER,
    ONLY_FOR_HEADER,
    OWN_HEADERS,
    ROUTING_KEY_HEADER,
    STREAM_HEADER,
    Parcel,
    headers_of,
    send_all,
)
from orchestratorx_prism.brokers.nats_streams import dead_letter_stream, dead_letter_subject, refusal, subject_of
from orchestratorx_prism.brokers.settings import BrokerSettings

_ADDRESS = "Orchestratorx-Address"
_GROUP = "Orchestratorx-Group"
_REASON = "Orchestratorx-Reason"
_ATTEMPT = "Orchestratorx-Attempt"
_OWN = {_ADDRESS, _GROUP, _REASON, _ATTEMPT} | OWN_HEADERS
_REASON_LENGTH = 1_000
_GONE = "no message found"
"""What the server says, as a failure of its own, of a message that is to be deleted and is not there."""


async def park(link: Link, settings: BrokerSettings, dead: DeadLetter, *, position: int) -> None:
    """Keeps the message that was at this position of the stream; returns when that is acknowledged.

    Raises:
        BrokerUnavailable: It did not.
    """
    headers = headers_of(dead.message) | {
        # Not the event's id: when it is published anew and parked again, that is another dead letter.
        ID_HEADER: f"{settings.stream}:{position}:{dead.group}",
        STREAM_HEADER: dead_letter_stream(settings),
        _ADDRESS: dead.message.address,
        MESSAGE_ID_HEADER: dead.message.id,
        _GROUP: dead.group,
        _REASON: dead.reason[:_REASON_LENGTH],
        _ATTEMPT: str(dead.attempt),
    }
    parcel = Parcel(dead_letter_subject(settings, dead.group), dead.message.body, headers)
    (failure,) = await send_all(link, [parcel], settings.publish_timeout_s)
    if failure is not None:
        raise failure


async def dead_letters(link: Link, settings: BrokerSettings, group: str, limit: int) -> list[DeadLetter]:
    """Oldest first. Raises BrokerUnavailable."""
    return [dead async for _, dead in _parked(link, settings, group, limit)]


async def redrive(link: Link, settings: BrokerSettings, group: str, message_ids: Collection[str], limit: int) -> int:
    """See `base.GroupQueries`. Published first, then deleted: a crash in between may bring it twice, and loses nothing.

    Raises:
        BrokerUnavailable: Those before were redriven, the rest is where it was.
    """
    done = 0
    everything = limit if not message_ids else None
    async for position, dead in _parked(link, settings, group, everything):
        if done == limit:
            break
        if message_ids and dead.message.id not in message_ids:
            continue
        await _hand_back(link, settings, dead, position)
        done += 1
    return done


async def _hand_back(link: Link, settings: BrokerSettings, dead: DeadLetter, position: int) -> None:
    headers = headers_of(dead.message) | {
        # Under its own id the stream might drop it as a duplicate; under this one only a second redrive of it.
        ID_HEADER: f"redrive:{dead_letter_stream(settings)}:{position}",
        STREAM_HEADER: settings.stream,
        MESSAGE_ID_HEADER: dead.message.id,
        ONLY_FOR_HEADER: dead.group,
    }
    parcel = Parcel(subject_of(settings, dead.message), dead.message.body, headers)
    (failure,) = await send_all(link, [parcel], settings.publish_timeout_s)
    if failure is not None:
        raise failure
    try:
        await link.jetstream.delete_msg(dead_letter_stream(settings), position)
    except (nats.errors.Error, TimeoutError) as error:
        if isinstance(error, NotFoundError) or getattr(error, "description", "") == _GONE:
            return  # somebody else has redriven it in this moment
        raise refusal(error) from error


async def _parked(
    link: Link, settings: BrokerSettings, group: str, limit: int | None
) -> AsyncIterator[tuple[int, DeadLetter]]:
    """Position and dead letter, oldest first. Raises BrokerUnavailable."""
    position, found = 1, 0
    while limit is None or found < limit:
        try:
            raw = await link.jetstream.get_msg(
                dead_letter_stream(settings),
                seq=position,
                subject=dead_letter_subject(settings, group),
                direct=True,
                next=True,
            )
        except NotFoundError:
            break
        except (nats.errors.Error, TimeoutError) as error:
            raise refusal(error) from error
        found += 1
        yield raw.seq or position, _dead_letter(raw)
        position = (raw.seq or position) + 1


def _dead_letter(raw: RawStreamMsg) -> DeadLetter:
    headers = raw.headers or {}
    message = Message(
        id=headers.get(MESSAGE_ID_HEADER, ""),
        address=headers.get(_ADDRESS, ""),
        key=headers.get(KEY_HEADER, ""),
        body=raw.data or b"",
        headers={name: value for name, value in headers.items() if name not in _OWN and not name.startswith("Nats-")},
        routing_key=headers.get(ROUTING_KEY_HEADER, ""),
    )
    return DeadLetter(message, headers.get(_GROUP, ""), headers.get(_REASON, ""), int(headers.get(_ATTEMPT, "0")))
