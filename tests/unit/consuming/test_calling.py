"""Handlers that end in a way that asyncio takes for something else are failures, and nobody waits for them for ever."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from orchestratorx_prism import RetryPolicy, StreamEvent
from orchestratorx_prism.consuming import StreamConsumer
from orchestratorx_prism.consuming.handling import Handler
from orchestratorx_prism.consuming.names import selector
from orchestratorx_prism.consuming.sessions import open_database

Call = Callable[..., Any]


def runs_out(*_: object) -> None:
    next(iter(()))


def waited_in_vain(*_: object) -> None:
    raise concurrent.futures.CancelledError


async def awaited_in_vain(*_: object) -> None:
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel()
    await cancelled


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def handler(call: Call) -> Handler:
    return Handler("f", selector("*"), call, RetryPolicy())


ODD = pytest.mark.parametrize("call", [runs_out, waited_in_vain, awaited_in_vain])


@ODD
async def test_a_handler_that_ends_oddly_has_failed(executor: ThreadPoolExecutor, call: Call) -> None:
    event: Any = None
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="the function"):
            await handler(call).run(event, executor, timeout_s=4.0)


@ODD
async def test_a_stream_consumer_that_ends_oddly_has_failed(tmp_path: Path, call: Call) -> None:
    consumer = StreamConsumer("payments.events", "orders", call, RetryPolicy())
    database = open_database(f"sqlite:///{tmp_path}/shop.db", consumer, concurrency=1)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(RuntimeError, match="the function"):
                await database.handle(consumer, StreamEvent("a", {}), lambda _: None, 4.0)
            await database.run(lambda session: session.execute(text("SELECT 1")))
    finally:
        await database.close()


async def test_a_handler_that_is_cancelled_by_its_consumer_has_not_failed(executor: ThreadPoolExecutor) -> None:
    async def forever(_: object) -> None:
        await asyncio.Event().wait()

    event: Any = None
    running = asyncio.create_task(handler(forever).run(event, executor, timeout_s=60.0))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
