"""Sliding windows that all replicas share, in Redis. One script a look, by Redis' own clock.

Failure policy: open to less. While Redis does not answer, each process counts for itself, from nothing, and tries again
once a second: so the limits then are each process's own, and no call waits for Redis for longer than a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from orchestrator.access.observing import AccessObserver
from orchestrator.access.windows import SLICES, OwnWindows, Rule, Standing
from orchestratorx_prism.errors import DriverMissing, SettingsRejected

ANSWERS_WITHIN_S: Final = 0.25
_AGAIN_S: Final = 1.0
_PREFIX: Final = "orchestratorx:limit:"

_log = structlog.get_logger(__name__)

# KEYS: the window. ARGV: its length in microseconds, how many slices, the most, 1 to count and 0 to look.
# Returns: whether one more is allowed, how many count, microseconds until the oldest leaves (0: none counts).
# Slices are fields of one hash, a bounded number of them; the key goes by itself when all have left.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local slices, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local width = math.floor(tonumber(ARGV[1]) / slices)
local current = math.floor(now / width)
local fields = redis.call('HGETALL', KEYS[1])
local total, oldest = 0, nil
for i = 1, #fields, 2 do
  local slice = tonumber(fields[i])
  if slice < current - slices then
    redis.call('HDEL', KEYS[1], fields[i])
  else
    total = total + tonumber(fields[i + 1])
    if oldest == nil or slice < oldest then oldest = slice end
  end
end
local allowed = total < most and 1 or 0
if allowed == 1 and ARGV[4] == '1' then
  redis.call('HINCRBY', KEYS[1], string.format('%.0f', current), 1)
  redis.call('PEXPIRE', KEYS[1], math.ceil(width * (slices + 1) / 1000))
  total = total + 1
  if oldest == nil then oldest = current end
end
local resets = 0
if oldest ~= nil then resets = (oldest + slices + 1) * width - now end
return {allowed, total, resets}
"""


class SharedWindows:
    """Implements `Windows`."""

    def __init__(
        self,
        redis: Any,
        observer: AccessObserver,
        *,
        own: OwnWindows | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redis`: a redis.asyncio.Redis with timeouts of its own; closed by `aclose`."""
        self._redis = redis
        self._script = redis.register_script(_SCRIPT)
        self._observer = observer
        self._own = own or OwnWindows(clock=clock)
        self._clock = clock
        self._away_until = float("-inf")
        self._away = False

    async def hit(self, rule: Rule, subject: str) -> Standing:
        """See `Windows`."""
        return await self._asked(rule, subject, 1)

    async def look(self, rule: Rule, subject: str) -> Standing:
        """See `Windows`."""
        return await self._asked(rule, subject, 0)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def _asked(self, rule: Rule, subject: str, counts: int) -> Standing:
        if self._clock() >= self._away_until:
            try:
                return await self._of_redis(rule, subject, counts)
            except Exception as error:
                if not _is_failure(error):
                    raise
                self._went_away(error)
        self._observer.counted_alone()
        return self._own.hit_now(rule, subject) if counts else self._own.look_now(rule, subject)

    async def _of_redis(self, rule: Rule, subject: str, counts: int) -> Standing:
        window_us = int(rule.window_s * 1_000_000)
        allowed, total, resets_us = await self._script(
            keys=[f"{_PREFIX}{rule.name}:{subject}"], args=[window_us, SLICES, rule.most, counts]
        )
        if self._away:
            self._away = False
            _log.warning("limits.shared_again")
        return Standing(bool(allowed), max(0, rule.most - total), resets_us / 1_000_000)

    def _went_away(self, error: Exception) -> None:
        self._away_until = self._clock() + _AGAIN_S
        if not self._away:  # said once, and once more when it is back
            self._away = True
            _log.warning("limits.counted_alone", cause=type(error).__name__)


def open_shared_windows(url: str, observer: AccessObserver) -> SharedWindows:
    """Windows in the Redis at `url` (redis://, rediss://, unix://). Connects when first asked.

    Raises:
        DriverMissing: The package `redis` is not installed.
        SettingsRejected: The URL is none of these.
    """
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Disconnected
    except ImportError:
        raise DriverMissing(
            "rate_limit_redis_url is set, and the driver of Redis is not installed",
            fix="pip install 'orchestratorx[redis]'",
        ) from None
    try:
        redis = Redis.from_url(
            url,
            socket_timeout=ANSWERS_WITHIN_S,
            socket_connect_timeout=ANSWERS_WITHIN_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),  # a connection that had become stale
        )
    except ValueError:
        raise SettingsRejected(
            "rate_limit_redis_url is no URL of a Redis", fix="use redis://[:password@]host:6379/0, or rediss://"
        ) from None
    return SharedWindows(redis, observer)


def _is_failure(error: Exception) -> bool:
    """Whether Redis is away or refuses; anything else is a defect of ours."""
    from redis.exceptions import RedisError

    return isinstance(error, (RedisError, OSError, TimeoutError))
