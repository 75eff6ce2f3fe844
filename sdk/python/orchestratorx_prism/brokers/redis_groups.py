"""What Redis says about its groups: who there is, how far each is behind; and the way back of dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from orchestratorx_prism.brokers.base import GroupLag
from orchestratorx_prism.brokers.redis_group_scripts import GIVEN_BACK
from orchestratorx_prism.brokers.redis_link import Link
from orchestratorx_prism.brokers.redis_query_scripts import LAG, REDRIVE
from orchestratorx_prism.brokers.redis_scripts import GROUPS, STREAMS, dead_letters_key, redriven_key

_PAGE = 500
"""Entries that are read at once."""
_AT_ONCE = 100
"""Dead letters that one script hands back. Bounds how long the server does nothing else: about 2 ms."""


async def groups(link: Link) -> list[str]:
    """Raises BrokerUnavailable."""
    return sorted(name.decode(errors="replace") for name in await link.command("HKEYS", GROUPS))


async def lag(link: Link, group: str) -> GroupLag:
    """See `base.GroupQueries`. Raises BrokerUnavailable."""
    waiting = unfinished = 0
    oldest_age_s: float | None = None
    for stream in [one.decode() for one in await link.command("SMEMBERS", STREAMS)]:
        answer = await link.run(LAG, [stream, redriven_key(stream)], [group, GIVEN_BACK])
        if answer is None:
            continue
        behind, last_read, for_others, undelivered, in_hand, oldest, now_ms = answer
        if behind < 0:
            behind = await _counted(link, stream, last_read)
        waiting += behind - for_others + undelivered
        unfinished += in_hand
        if oldest:
            age_s = max(0.0, (now_ms - int(oldest.partition(b"-")[0])) / 1000)
            oldest_age_s = max(age_s, oldest_age_s or 0.0)
    parked = await link.command("XLEN", dead_letters_key(group))
    return GroupLag(group, waiting, unfinished, oldest_age_s, parked)


async def redrive(link: Link, group: str, message_ids: Collection[str], limit: int) -> int:
    """See `base.GroupQueries`. A dead letter goes back in one step: two that do this at once hand it back once.

    Raises:
        BrokerUnavailable: Those before were redriven, the rest is where it was.
    """
    done = 0
    chosen: list[bytes] = []
    async for entry, message_id in _parked(link, group):
        if limit - done - len(chosen) <= 0:
            break
        if message_ids and message_id not in message_ids:
            continue
        chosen.append(entry)
        if len(chosen) == _AT_ONCE:
            done += await _hand_back(link, group, chosen)
            chosen = []
    return done + (await _hand_back(link, group, chosen) if chosen else 0)


async def _hand_back(link: Link, group: str, entries: list[bytes]) -> int:
    done: int = await link.run_durably(REDRIVE, [STREAMS, GROUPS, dead_letters_key(group)], [group, *entries])
    return done


async def _parked(link: Link, group: str) -> AsyncIterator[tuple[bytes, str]]:
    """Entry and message id of every dead letter that is there now, oldest first."""
    newest = await link.command("XREVRANGE", dead_letters_key(group), "+", "-", "COUNT", 1)
    if not newest:
        return
    # What is parked again meanwhile is not looked at: a handler that still fails would keep this going for ever.
    last, start = newest[0][0], b"-"
    while page := await link.command("XRANGE", dead_letters_key(group), start, last, "COUNT", _PAGE):
        for entry, fields in page:
            start = b"(" + entry
            yield entry, fields.get(b"id", b"").decode(errors="replace")


async def _counted(link: Link, stream: str, after: bytes) -> int:
    """How many entries there are behind this one, where the server does not know."""
    count, start = 0, b"(" + after
    while page := await link.command("XRANGE", stream, start, "+", "COUNT", _PAGE):
        count += len(page)
        start = b"(" + page[-1][0]
    return count
