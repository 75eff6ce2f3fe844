"""Refusals in the log: the first of each kind at once, then a count, so that a flood of them is no flood of lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from orchestratorx_prism.errors import PrismError

QUIET_S = 10.0
"""After a line about one kind of refusal: so long only counted. Seconds."""
_KINDS_KEPT = 1_024


class RefusalLog:
    """Logs refusals by connector and reason."""

    def __init__(self, door: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = logging.getLogger(f"orchestrator.{door}")
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        """Kind → when it was last logged, and how many since were not."""

    def refused(self, connector: str, error: PrismError) -> None:
        """One refusal."""
        kind = (connector, error.reason)
        now = self._clock()
        since, unlogged = self._seen.get(kind, (-QUIET_S, 0))
        if now - since < QUIET_S:
            self._seen[kind] = (since, unlogged + 1)
            return
        if len(self._seen) >= _KINDS_KEPT:
            self._seen.clear()
        self._seen[kind] = (now, 0)
        fields = {"connector": connector, "reason": error.reason, "detail": error.message, "unlogged_before": unlogged}
        self._log.warning("refused", extra=fields)
