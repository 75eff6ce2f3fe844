"""Whether an answer was given before, for the front door that wants to say so."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Repeat:
    """What became of one call."""

    seen: bool = False
    """Whether its request had been carried out before, and its answer is that one's."""


watched: ContextVar[Repeat | None] = ContextVar("watched", default=None)
"""Set for each call by a front door that wants to know. Tasks that the call starts share it."""


def note_repeat() -> None:
    """The call in hand is a repeat."""
    repeat = watched.get()
    if repeat is not None:
        repeat.seen = True
