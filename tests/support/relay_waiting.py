"""What tests of the relay wait for, and look at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from orchestratorx_prism.brokers import Message
from orchestratorx_prism.envelopes.cloudevents import decode


async def until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.005)


def by_key(messages: list[Message]) -> dict[str, list[int]]:
    """Sequences per key, in the order they were accepted."""
    found: dict[str, list[int]] = {}
    for message in messages:
        found.setdefault(message.key, []).append(decode(message).sequence)
    return found
