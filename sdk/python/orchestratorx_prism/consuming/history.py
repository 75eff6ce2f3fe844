"""What became of a message that could not be handled: each attempt, and the text that goes to the dead letters. Pure.

    HANDLER_FAILED on_captured: ValueError: no such order | 1 2026-01-31T12:00:00Z ValueError: no such order | 2 …

Brokers keep a thousand characters of it; the text is made to fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from orchestratorx_prism.errors import PrismError

MAX_LENGTH: Final = 1_000
_REASON_LENGTH: Final = 300
_ERROR_LENGTH: Final = 160
_SEPARATOR: Final = " | "
_SECRETS: Final = re.compile(
    r"""(?x)
      whsec_[A-Za-z0-9+/=_-]+
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]+
    | \bAQE[A-Za-z0-9+/=_.-]{20,}
    | \b(?:Bearer|Basic)\s+[A-Za-z0-9+/=_.~-]{6,}
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)
    | (?<=password=)\S+ | (?<=secret=)\S+ | (?<=token=)\S+
    | (?<![\w.])\d(?:[ -]?\d){11,18}(?!\w)
    """
)
"""What may stand in an error's text and must not leave the process: keys, passwords in URLs, card numbers."""
_ATTEMPT = re.compile(r"(\d+) (\S+) (.*)")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a handler failed."""

    number: int
    """1 is the first."""
    at: datetime
    error: str
    """Type and text, without secrets: "ValueError: no such order"."""


@dataclass(frozen=True, slots=True)
class DeathNote:
    """Why a message was parked."""

    reason: str
    """"HANDLER_FAILED on_captured: …", "PAYLOAD_NOT_JSON …"; the first word is constant."""
    attempts: tuple[Attempt, ...] = ()
    """Oldest first. Those of other processes are not known."""

    def text(self) -> str:
        """For `Delivery.dead_letter`. If it gets too long, the errors are cut, then attempts in the middle left out."""
        reason = _clean(self.reason, _REASON_LENGTH)
        length = _ERROR_LENGTH
        while length > 10 and len(text := _text(reason, self.attempts, length)) > MAX_LENGTH:
            length //= 2
        if len(text) <= MAX_LENGTH:
            return text
        first, last = self.attempts[:1], self.attempts[-10:]
        return _text(reason, (*first, *last), 20)[:MAX_LENGTH]


def read_note(text: str) -> DeathNote:
    """What `DeathNote.text` wrote; of any other text, a note with that reason."""
    reason, *rest = text.split(_SEPARATOR)
    found = []
    for part in rest:
        match = _ATTEMPT.fullmatch(part)
        if match is None:
            return DeathNote(text)
        try:
            found.append(Attempt(int(match[1]), datetime.fromisoformat(match[2]), match[3]))
        except ValueError:
            return DeathNote(text)
    return DeathNote(reason, tuple(found))


def error_text(error: BaseException) -> str:
    """Type and text of an error on one line, without secrets and card numbers."""
    if isinstance(error, PrismError):
        return _clean(f"{error.reason}: {error.message}", _ERROR_LENGTH)
    # The first line: behind it, database errors repeat the statement with its values.
    first_line = next(iter(str(error).splitlines()), "")
    return _clean(f"{type(error).__name__}: {first_line}".rstrip(": "), _ERROR_LENGTH)


def attempt_now(number: int, error: BaseException) -> Attempt:
    """By this machine's clock."""
    return Attempt(number, datetime.now(UTC), error_text(error))


def _text(reason: str, attempts: Sequence[Attempt], length: int) -> str:
    parts = [f"{a.number} {a.at.strftime('%Y-%m-%dT%H:%M:%SZ')} {_clean(a.error, length)}" for a in attempts]
    return _SEPARATOR.join([reason, *parts])


def _clean(text: str, length: int) -> str:
    """One line of ASCII, fit for a header of every broker."""
    hidden = _SECRETS.sub("[hidden]", text[: 20 * length])
    line = " ".join(hidden.replace("|", "/").split())
    line = line.encode("ascii", "backslashreplace").decode()
    return (line if len(line) <= length else f"{line[: length - 3]}...").strip()
