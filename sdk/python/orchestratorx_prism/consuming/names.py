"""Which event types a handler is for: today's names, older names, patterns, and names of your own. Pure."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.event_types import DATA_MEMBER, OLDER_NAMES

_log = logging.getLogger(__name__)

_VERY_NEAR: Final = 0.9


@dataclass(frozen=True, slots=True)
class Selector:
    """What `register_handler` was given, ready to be asked."""

    text: str
    exact: frozenset[str]
    beginning: str | None
    """What a type has to begin with; None: it has to be one of `exact`."""

    def takes(self, event_type: str) -> bool:
        return event_type in self.exact or (self.beginning is not None and event_type.startswith(self.beginning))


def selector(text: str) -> Selector:
    """
    Args:
        text: "payment.captured"; its older name "payment.transaction.succeeded"; a pattern that ends in `*`:
            "payment.*", "payment.transaction.*" (today's types of all older names that begin so), "*"; or a type
            that you publish yourself.

    Raises:
        RequestRejected: Empty, or with a `*` elsewhere than at its end.
    """
    if not text or "*" in text[:-1] or any(character.isspace() for character in text):
        raise RequestRejected(
            "the event type of a handler is empty, or has a * elsewhere than at its end",
            reason="PATTERN_INVALID",
            fix='write "payment.captured", "payment.*" or "*"',
        )
    if text.endswith("*"):
        beginning = text[:-1]
        if not any(name.startswith(beginning) for name in (*DATA_MEMBER, *OLDER_NAMES)):
            _warn_of_misspelling(text, [name.partition(".")[0] + ".*" for name in DATA_MEMBER])
        older = (today for name, today in OLDER_NAMES.items() if name.startswith(beginning))
        return Selector(text, frozenset(older), beginning)
    if text not in DATA_MEMBER and text not in OLDER_NAMES:
        _warn_of_misspelling(text, [*DATA_MEMBER, *OLDER_NAMES])
    return Selector(text, frozenset({text, OLDER_NAMES.get(text, text)}), None)


def _warn_of_misspelling(text: str, known: list[str]) -> None:
    """A type of your own may be called anything, so this is no error."""
    near = get_close_matches(text, known, n=1, cutoff=_VERY_NEAR)
    if near:
        _log.warning("handler for %s: there is no such event type of ours; did you mean %s?", text, near[0])
