"""Rows claimed while others are published: a backlog's waits overlap, and nothing is held that is not published."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from relay_waiting import by_key, until

from orchestrator.publishing.relay import Relay, RelayOptions

Started = Callable[..., Awaitable[Relay]]
MakeEvent = Callable[..., Any]


def held(outbox: Any) -> int:
    return sum(1 for row in outbox.rows if row.claim_id and not row.sent)


async def test_the_next_rows_are_claimed_while_the_broker_has_the_first(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    answer = asyncio.Event()
    publish = broker.publish

    async def waiting(messages: Any) -> Any:
        await answer.wait()
        return await publish(messages)

    broker.publish = waiting
    for number in range(25):
        outbox.add(event(f"pay_{number}"))
    await started(batch_size=10, lease_s=600.0)
    await until(lambda: held(outbox) == 20)
    answer.set()
    await until(lambda: outbox.unsent() == 0)
    assert broker.batches == [10, 10, 5]


async def test_nothing_is_claimed_ahead_when_the_last_claim_was_not_full(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    claims = 0
    claim = outbox.claim

    async def counted(*arguments: Any, **more: Any) -> Any:
        nonlocal claims
        claims += 1
        return await claim(*arguments, **more)

    outbox.claim = counted
    outbox.add(event())
    await started(poll_s=600.0)
    await until(lambda: outbox.unsent() == 0)
    await until(lambda: claims == 2)


async def test_a_long_backlog_keeps_the_order_of_every_key(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    for sequence in range(1, 101):
        for payment in range(3):
            outbox.add(event(f"pay_{payment}", sequence))
    await started(batch_size=12)
    await until(lambda: outbox.unsent() == 0)
    assert by_key(broker.accepted) == {f"pay_{n}": list(range(1, 101)) for n in range(3)}


async def test_an_outage_gives_back_what_was_claimed_ahead(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    broker.down = True
    for number in range(25):
        outbox.add(event(f"pay_{number}"))
    await started(batch_size=10, lease_s=600.0, backoff_first_s=600.0, backoff_longest_s=600.0)
    await until(lambda: broker.batches == [10] and held(outbox) == 0)


async def test_rows_claimed_ahead_too_long_ago_are_claimed_again(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    """Publishing must end within their lease, and the broker took most of it for those before."""
    options = RelayOptions(lease_s=0.5)
    broker.slow_s = options.publish_within_s * 0.7
    for number in range(20):
        outbox.add(event(f"pay_{number}"))
    await started(batch_size=10, lease_s=0.5)
    await until(lambda: len(broker.accepted) >= 10)
    broker.slow_s = 0.0
    await until(lambda: outbox.unsent() == 0)
    assert len({message.id for message in broker.accepted}) == 20


async def test_rows_are_marked_sent_while_the_broker_has_the_next(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    second_is_out, mark = asyncio.Event(), asyncio.Event()
    publish, complete = broker.publish, outbox.complete

    async def noting(messages: Any) -> Any:
        if broker.batches:
            second_is_out.set()
        return await publish(messages)

    async def waiting(*arguments: Any) -> Any:
        await mark.wait()
        return await complete(*arguments)

    broker.publish, outbox.complete = noting, waiting
    for number in range(20):
        outbox.add(event(f"pay_{number}"))
    await started(batch_size=10, lease_s=600.0)
    await asyncio.wait_for(second_is_out.wait(), 10)
    assert outbox.unsent() == 20
    mark.set()
    await until(lambda: outbox.unsent() == 0)


async def test_stopping_waits_until_what_was_published_is_marked_sent(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    complete, slow = outbox.complete, asyncio.Event()

    async def waiting(*arguments: Any) -> Any:
        slow.set()
        await asyncio.sleep(0.05)
        return await complete(*arguments)

    outbox.complete = waiting
    outbox.add(event())
    relay = await started(poll_s=600.0)
    await asyncio.wait_for(slow.wait(), 10)
    await relay.stop()
    assert outbox.unsent() == 0
