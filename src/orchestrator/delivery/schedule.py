"""When a delivery is tried again, and how long an endpoint that fails is left alone. Pure: dice are an argument.

Two clocks. Each delivery has its schedule: at once, 5 s after the first failure, 5 min after the second, and so on.
And each endpoint has a pause, which grows with its failures in a row and holds back everything for it: an endpoint
that is down gets one request a minute, not one for every event that waits.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_MIN: Final = 60.0
_H: Final = 3_600.0

SCHEDULE_S: Final = (5.0, 5 * _MIN, 30 * _MIN, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H)
"""After the first failure, the second, …; after one more than these no attempt follows."""
JITTER: Final = 0.2
"""Each wait is longer by up to this part, so that what failed together does not come back together."""
MOST_S: Final = 24 * _H
"""An endpoint's Retry-After is believed up to here."""
_FIRST_STRIKES: Final = 2
"""So many failures in a row make no pause: a hiccup."""
_LONGEST_PAUSE_S: Final = 60.0


def next_attempt_s(failures: int, dice: float, retry_after_s: float | None = None) -> float | None:
    """How long after the `failures`-th failure to try again; None: not any more.

    Args:
        failures: 1 or more.
        dice: From 0 to 1.
        retry_after_s: What the endpoint asked for: it is not tried before.
    """
    if failures > len(SCHEDULE_S):
        return None
    wait_s = SCHEDULE_S[failures - 1] * (1.0 + JITTER * dice)
    return max(wait_s, retry_after_s or 0.0)


def pause_s(strikes: int, dice: float, *, overloaded: bool = False, retry_after_s: float | None = None) -> float:
    """How long the whole endpoint is left alone after its `strikes`-th failure in a row.

    Args:
        overloaded: It said so (429, 502, 504): then the first failure counts already.
    """
    counted = strikes if overloaded else strikes - _FIRST_STRIKES
    if counted <= 0:
        return retry_after_s or 0.0
    wait_s: float = min(_LONGEST_PAUSE_S, 2.0 ** min(counted - 1, 10)) * (1.0 + JITTER * dice)
    return max(wait_s, retry_after_s or 0.0)


def retry_after_of(text: str | None, now_s: float) -> float | None:
    """Seconds from now of a Retry-After header, in either form; None: there is none that can be read.

    Source: RFC 9110, 10.2.3.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return min(float(text), MOST_S)
    try:
        moment = parsedate_to_datetime(text)
        at_s = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(0.0, at_s - now_s), MOST_S)
