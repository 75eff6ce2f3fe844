"""What a group has handled of one partition, beyond what one committed offset can say. Pure.

Kafka keeps one offset a partition and group: everything before it is handled. With several messages in work at a time
later ones end before earlier ones, and a message that waits for its retry would hold back the offset for all behind it.
Kafka also keeps a note beside the offset, 4,096 bytes of anything. Here it says which messages behind the offset are
handled, and how often the others were handed out:

    ox1|<base64 of bits: bit n is set if message offset + n is handled>|<n>:<times>,<n>:<times>

So an acknowledgement holds whatever was acknowledged before it, and attempts are counted on by whoever comes next.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass

WINDOW: int = 4096
"""How far beyond the oldest unfinished message a partition is read, in offsets."""
MOST_BITS: int = 2 * WINDOW
"""Of the note. More than the window, because offsets have gaps: compaction, transactions."""
LONGEST_NOTE: int = 4000
"""Characters; the server's own limit is `offset.metadata.max.bytes`, 4096 by default."""
_MARK = "ox1"


class PartitionLog:
    """One partition in the hands of one member. An offset that is never `add`ed does not exist, or was handled before.

    Args:
        committed: The group's offset; None if it has none yet.
        note: What was committed beside it. Notes of others are not read.
    """

    def __init__(self, committed: int | None, note: str = "", *, suspects: int = 0) -> None:
        self.position: int | None = committed
        """The next offset to come."""
        self.suspects = suspects
        """How many of the next hand-outs are recorded before they are made: whoever had the partition before may
        have died of one of them."""
        self._unfinished: dict[int, int] = {}
        """Offset, oldest first, and how often it was handed out."""
        self._handled, self._handed_out = (set[int](), dict[int, int]()) if committed is None else read(committed, note)

    @property
    def has_room(self) -> bool:
        """Whether more may be read before the oldest unfinished one ends."""
        return self.position is None or self.position - self._oldest(self.position) < WINDOW

    def add(self, offset: int) -> int | None:
        """A message was read. Returns how often it was handed out before; None if it was handled before."""
        self.position = offset + 1
        attempts = self._handed_out.pop(offset, 0)
        if offset in self._handled:
            self._handled.discard(offset)
            return None
        self._unfinished[offset] = attempts
        return attempts

    def count(self, offset: int, attempts: int) -> None:
        """The message was handed out so often, the last time included."""
        if offset in self._unfinished:
            self._unfinished[offset] = attempts

    def finish(self, offset: int) -> None:
        """The message is handled, and that is committed."""
        self._unfinished.pop(offset, None)

    def state(self, ending: Collection[int] = ()) -> tuple[int, str] | None:
        """Offset and note to commit, with those of `ending` handled. None before anything was read."""
        if self.position is None:
            return None
        left = {offset: attempts for offset, attempts in self._unfinished.items() if offset not in ending}
        offset = next(iter(left), self.position)
        # What an earlier note said of messages that were not read again yet still holds.
        handled = [one for one in self._handled if one >= offset]
        tried = left | {one: times for one, times in self._handed_out.items() if one >= offset}
        return offset, write(offset, self.position, left, handled, tried)

    def _oldest(self, otherwise: int) -> int:
        return next(iter(self._unfinished), otherwise)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a group has not ended of a partition."""

    waiting: int
    """Messages that nobody was handed, as far as the note tells."""
    unfinished: int
    begin: int
    """Offset of the oldest of both, if there is one."""
    end: int
    """Offset of the next message to come."""


def backlog(first: int, end: int, place: tuple[int, str] | None, *, from_the_end: bool) -> Backlog:
    """What is left of a partition that has offsets from `first` to before `end`.

    Args:
        place: Offset and note of the group; None: it has none.
        from_the_end: Where a group begins that has none, or one that is not kept any more: at the end, or the first.
    """
    offset, note = place or (-1, "")
    if not 0 <= offset <= end or (offset < first and from_the_end):
        offset, note = (end if from_the_end else first), ""
    handled, attempts = read(offset, note)
    begin = max(offset, first)
    left = range(begin, end)
    ended = sum(one in left for one in handled)
    unfinished = sum(one in left and times > 0 and one not in handled for one, times in attempts.items())
    return Backlog(len(left) - ended - unfinished, unfinished, begin, end)


def write(
    offset: int, position: int, unfinished: Mapping[int, int], handled: Collection[int], attempts: Mapping[int, int]
) -> str:
    """The note beside `offset`: all between it and `position` is handled but `unfinished`; so are `handled`."""
    span = min(max([position, *(one + 1 for one in handled)]) - offset, MOST_BITS)
    bits = bytearray(span // 8 + 1)
    if len(unfinished) < position - offset:
        for n in range(min(position - offset, span)):
            if offset + n not in unfinished:
                bits[n // 8] |= 1 << n % 8
    for one in handled:
        n = one - offset
        if 0 <= n < span:
            bits[n // 8] |= 1 << n % 8
    encoded = base64.b64encode(bytes(bits).rstrip(b"\0")).decode()
    room = LONGEST_NOTE - len(encoded) - len(_MARK) - 2
    # The highest counts first: where the note has no room for all, those that were tried least are forgotten.
    told: list[str] = []
    for one, times in sorted(attempts.items(), key=lambda entry: -entry[1]):
        text = f"{one - offset}:{times}"
        if not times or room < len(text) + 1:
            break
        room -= len(text) + 1
        told.append(text)
    return f"{_MARK}|{encoded}|{','.join(told)}" if encoded or told else ""


def read(offset: int, note: str) -> tuple[set[int], dict[int, int]]:
    """Offsets that are handled, and how often others were handed out. Empty for a note that is not ours."""
    handled: set[int] = set()
    attempts: dict[int, int] = {}
    parts = note.split("|")
    if len(parts) != 3 or parts[0] != _MARK:
        return handled, attempts
    try:
        bits = base64.b64decode(parts[1], validate=True)
        handled = {offset + n for n in range(len(bits) * 8) if bits[n // 8] >> n % 8 & 1}
        for entry in filter(None, parts[2].split(",")):
            n, _, times = entry.partition(":")
            attempts[offset + int(n)] = int(times)
    except (binascii.Error, ValueError):
        # A damaged note is none: the messages come again, which is what a group without notes does.
        return set(), {}
    return handled, attempts
