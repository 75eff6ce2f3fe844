"""Limits that replicas share, over a real Redis; and what they do while it is away."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import pytest
import structlog.testing

from orchestrator.access.observing import SilentAccess
from orchestrator.access.shared_windows import ANSWERS_WITHIN_S, SharedWindows, open_shared_windows
from orchestrator.access.windows import Rule
from orchestratorx_prism.errors import SettingsRejected


class Counting(SilentAccess):
    """Counts what was counted alone."""

    def __init__(self) -> None:
        self.alone = 0

    def counted_alone(self) -> None:
        self.alone += 1


@pytest.fixture
def rule() -> Rule:
    """A rule of the test's own: ten in a minute."""
    return Rule(uuid.uuid4().hex, 10, 60.0)


@pytest.fixture
async def replicas(redis_url: str) -> AsyncIterator[list[SharedWindows]]:
    """Three, each with connections of its own."""
    opened = [open_shared_windows(redis_url, Counting()) for _ in range(3)]
    yield opened
    for windows in opened:
        await windows.aclose()


@pytest.mark.redis
async def test_replicas_together_allow_what_is_allowed(replicas: list[SharedWindows], rule: Rule) -> None:
    standings = await asyncio.gather(*(windows.hit(rule, "a") for _ in range(20) for windows in replicas))
    allowed = [one for one in standings if one.allowed]
    assert sorted(one.remaining for one in allowed) == list(range(10))
    refused = await replicas[0].look(rule, "a")
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 58.0 <= refused.resets_in_s <= 61.0
    assert (await replicas[1].hit(rule, "b")).allowed


@pytest.mark.redis
async def test_looking_counts_nothing(replicas: list[SharedWindows], rule: Rule) -> None:
    for _ in range(20):
        standing = await replicas[0].look(rule, "a")
    assert (standing.allowed, standing.remaining, standing.resets_in_s) == (True, 10, 0.0)


@pytest.mark.redis
async def test_the_window_moves_by_redis_own_clock_and_leaves_nothing_behind(
    replicas: list[SharedWindows], redis_url: str
) -> None:
    from redis.asyncio import Redis

    rule = Rule(uuid.uuid4().hex, 3, 2.0)
    for _ in range(3):
        assert (await replicas[0].hit(rule, "a")).allowed
    refused = await replicas[0].hit(rule, "a")
    assert not refused.allowed
    await asyncio.sleep(refused.resets_in_s + 0.01)
    assert (await replicas[0].hit(rule, "a")).allowed
    async with Redis.from_url(redis_url) as redis:
        assert 0 < await redis.pttl(f"orchestratorx:limit:{rule.name}:a") <= 2_100


@pytest.mark.redis
async def test_in_a_longer_run_a_window_has_few_fields(replicas: list[SharedWindows], redis_url: str) -> None:
    from redis.asyncio import Redis

    rule = Rule(uuid.uuid4().hex, 100_000, 0.3)
    for _ in range(200):
        await replicas[0].hit(rule, "a")
        await asyncio.sleep(0.002)
    async with Redis.from_url(redis_url) as redis:
        [key] = [key async for key in redis.scan_iter(f"*{rule.name}*")]
        assert 0 < await redis.hlen(key) <= 62


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Takes connections and never answers."""
    writers: list[asyncio.StreamWriter] = []

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("how", ["nobody listens", "nobody answers"])
async def test_while_redis_is_away_each_process_counts_for_itself_and_says_so_once(how: str, rule: Rule) -> None:
    async with silent_server() as silent:
        url = f"redis://127.0.0.1:{1 if how == 'nobody listens' else silent}/0"
        counting = Counting()
        windows = open_shared_windows(url, counting)
        loop = asyncio.get_running_loop()
        with structlog.testing.capture_logs() as logs:
            began = loop.time()
            standings = [await windows.hit(rule, "a") for _ in range(11)]
            took_s = loop.time() - began
        await windows.aclose()
    assert [one.allowed for one in standings] == [True] * 10 + [False]
    assert counting.alone == 11
    assert [log["event"] for log in logs] == ["limits.counted_alone"]
    assert took_s < 10 * ANSWERS_WITHIN_S  # it is not waited for at every call


@pytest.mark.redis
async def test_when_redis_is_back_it_counts_again(redis_url: str, rule: Rule) -> None:
    now = 0.0
    counting = Counting()
    good = open_shared_windows(redis_url, counting)
    windows = SharedWindows(good._redis, counting, clock=lambda: now)
    windows._away_until, windows._away = 1.0, True
    with structlog.testing.capture_logs() as logs:
        await windows.hit(rule, "a")
        assert counting.alone == 1
        now = 1.5
        assert (await windows.hit(rule, "a")).remaining == 9
    assert counting.alone == 1
    assert [log["event"] for log in logs] == ["limits.shared_again"]
    await windows.aclose()


def test_a_url_of_something_else_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsRejected) as refused:
        open_shared_windows("http://user:hunter2@somewhere", SilentAccess())
    assert "hunter2" not in str(refused.value)
