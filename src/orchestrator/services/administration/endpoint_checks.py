"""What an endpoint may be told to be: faults of requests. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from orchestrator.services.checks import field_fault
from orchestratorx_prism.event_types import DATA_MEMBER, OLDER_NAMES

DEFAULT_IN_FLIGHT: Final = 16
MOST_IN_FLIGHT: Final = 100
MOST_PER_SECOND: Final = 1_000
MOST_ENDPOINTS: Final = 1_000
"""Of one merchant."""
_MOST_HEADERS: Final = 20
_MOST_PATTERNS: Final = 200
_LONGEST_VALUE: Final = 1_000
_LONGEST_TEXT: Final = 500
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?", re.ASCII)
_OURS: Final = frozenset(
    "accept-encoding connection content-encoding content-length content-type expect host keep-alive "
    "proxy-authorization proxy-connection te trailer transfer-encoding upgrade x-event-type".split()
)
_OUR_BEGINNINGS: Final = ("webhook-", "x-payments-")


def check_description(text: str) -> None:
    """Raises RequestRejected if it cannot be kept."""
    if len(text) > _LONGEST_TEXT or "\x00" in text:
        raise field_fault("description", f"at most {_LONGEST_TEXT} characters")


def checked_types(names: Sequence[str]) -> list[str]:
    """The patterns, each once.

    Raises:
        RequestRejected: One of them is no type, and no pattern of one.
    """
    if len(names) > _MOST_PATTERNS:
        raise field_fault("event_types", f"at most {_MOST_PATTERNS}")
    for name in names:
        if name.endswith("*") and "*" not in name[:-1]:
            known = any(one.startswith(name[:-1]) for one in DATA_MEMBER)
        else:
            known = name in DATA_MEMBER or name in OLDER_NAMES
        if not known:
            near = get_close_matches(name[:100], [*DATA_MEMBER, *OLDER_NAMES], 1)
            raise field_fault("event_types", f"there is no {name[:100]}{f'; did you mean {near[0]}?' if near else ''}")
    return list(dict.fromkeys(names))


def checked_headers(values: Mapping[str, str]) -> dict[str, str]:
    """Headers of the merchant's own, names in lower case. Values are never repeated in a fault.

    Raises:
        RequestRejected: One cannot be sent, or is ours.
    """
    if len(values) > _MOST_HEADERS:
        raise field_fault("headers", f"at most {_MOST_HEADERS}")
    checked: dict[str, str] = {}
    for name, value in values.items():
        key = name.lower()
        if not _NAME.fullmatch(name) or key in checked:
            raise field_fault("headers", "each name once: 1 to 100 letters, digits and hyphens")
        if key in _OURS or key.startswith(_OUR_BEGINNINGS):
            raise field_fault("headers", f"{key} is set by us")
        if len(value) > _LONGEST_VALUE or not _VALUE.fullmatch(value):
            raise field_fault("headers", f"{key}: 1 to {_LONGEST_VALUE} printable ASCII characters")
        checked[key] = value
    return checked


def checked_in_flight(number: int) -> int:
    """The most requests at once; 0 is the default."""
    if not 0 <= number <= MOST_IN_FLIGHT:
        raise field_fault("max_in_flight", f"from 1 to {MOST_IN_FLIGHT}; 0: {DEFAULT_IN_FLIGHT}")
    return number or DEFAULT_IN_FLIGHT


def checked_per_second(number: int) -> int:
    """The most requests a second; 0 is no limit."""
    if not 0 <= number <= MOST_PER_SECOND:
        raise field_fault("per_second", f"from 1 to {MOST_PER_SECOND}; 0: no limit")
    return number


def names_of(changes: Iterable[str]) -> dict[str, str]:
    """Details for the audit log: which fields were changed, never to what."""
    return {"fields": ", ".join(sorted(changes))}
