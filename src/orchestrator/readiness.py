"""Whether this process can take work: asked by load balancers over HTTP and gRPC, answered from one place."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orchestratorx_prism.errors import PrismError

_log = logging.getLogger("orchestrator.readiness")

OK = "ok"
TIMED_OUT = "TIMED_OUT"
FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class State:
    """How things stand. `database` and `broker` are "ok" or the reason why not; neither holds an address."""

    draining: bool
    database: str
    broker: str

    @property
    def ready(self) -> bool:
        """Whether to send work here. A broker that is away does not count: events wait in the outbox."""
        return not self.draining and self.database == OK

    @property
    def word(self) -> str:
        """One word for people."""
        if self.draining:
            return "draining"
        if self.database != OK:
            return "unavailable"
        return "ready" if self.broker == OK else "degraded"


class Readiness:
    """Asks the database and the broker when somebody wants to know, and not more often than `max_age_s`."""

    def __init__(
        self,
        database: Callable[[], Awaitable[None]],
        broker: Callable[[], Awaitable[None]],
        *,
        timeout_s: float = 2.0,
        max_age_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`database` and `broker` return if they are well, and raise if not."""
        self._database = database
        self._broker = broker
        self._timeout_s = timeout_s
        self._max_age_s = max_age_s
        self._clock = clock
        self._draining = asyncio.Event()
        self._looking = asyncio.Lock()
        self._seen: tuple[float, str, str] | None = None

    @property
    def draining(self) -> bool:
        """Whether the process is stopping."""
        return self._draining.is_set()

    def drain(self) -> None:
        """From now on: not ready."""
        self._draining.set()

    async def look(self) -> State:
        """How things stand now, or stood at most `max_age_s` ago."""
        async with self._looking:
            seen = self._seen
            if seen is None or self._clock() - seen[0] > self._max_age_s:
                database, broker = await asyncio.gather(self._ask(self._database), self._ask(self._broker))
                if seen is None or seen[1:] != (database, broker):
                    _log.info("dependencies", extra={"database": database, "broker": broker})
                self._seen = seen = (self._clock(), database, broker)
        return State(self.draining, seen[1], seen[2])

    async def wait(self, timeout_s: float) -> None:
        """Returns when the process begins to stop, or after `timeout_s`."""
        try:
            await asyncio.wait_for(self._draining.wait(), timeout_s)
        except TimeoutError:
            return

    async def _ask(self, question: Callable[[], Awaitable[None]]) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                await question()
        except PrismError as error:
            return error.reason
        except TimeoutError:
            return TIMED_OUT
        except Exception as error:  # whatever it is, it did not answer
            _log.warning("dependency failed", extra={"exception": type(error).__qualname__})
            return FAILED
        return OK
