"""What a broker says about its groups, and how dead letters come back. Over every broker with `GroupQueries`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from orchestratorx_prism.brokers import Broker, BrokerUnavailable, GroupQueries, Message

ADDRESS = "payments.events"
Opened = Callable[..., Broker]
Make = Callable[..., Message]
T = TypeVar("T")


@pytest.fixture
def broker(opened: Opened) -> Any:
    one = opened()
    if not isinstance(one, GroupQueries):
        pytest.skip(f"{one.name} has no GroupQueries yet: see brokers/base.py")
    return one


async def _park(broker: Broker, group: str, count: int) -> None:
    subscription = await broker.subscribe([ADDRESS], group=group)
    parked = 0
    while parked < count:
        for delivery in await subscription.fetch(limit=count - parked, timeout_s=5):
            await delivery.dead_letter("HANDLER_FAILED")
            parked += 1
    await subscription.close()


async def _taken(broker: Broker, group: str, enough: Callable[[list[bytes]], bool]) -> list[bytes]:
    """Bodies of what the group is delivered and acknowledges, until there are enough and nothing comes for a moment."""
    subscription = await _answered(lambda: broker.subscribe([ADDRESS], group=group))
    found: list[bytes] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        deliveries = await _answered(lambda: subscription.fetch(limit=10, timeout_s=0.5))
        for delivery in deliveries:
            found.append(delivery.message.body)
            await delivery.ack()
        if not deliveries and enough(found):
            break
    await subscription.close()
    return found


async def _answered(ask: Callable[[], Awaitable[T]]) -> T:
    """What the broker says as soon as it does."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return await ask()
        except BrokerUnavailable:
            assert time.monotonic() < deadline, "the broker does not answer"
            await asyncio.sleep(0.1)


async def test_a_group_that_there_is_none_of_has_no_lag_and_no_dead_letters(broker: Any) -> None:
    await broker.connect()
    lag = await broker.lag("nobody")
    assert (lag.group, lag.waiting, lag.unfinished, lag.oldest_age_s, lag.dead_letters) == ("nobody", 0, 0, None, 0)
    assert await broker.redrive(group="nobody") == 0


async def test_groups_are_listed_by_name(broker: Any) -> None:
    await broker.subscribe([ADDRESS], group="billing")
    await broker.subscribe([ADDRESS], group="shipping")
    assert sorted(await broker.groups()) == ["billing", "shipping"]


async def test_lag_tells_what_waits_what_is_unfinished_and_what_was_parked(broker: Any, message: Make) -> None:
    subscription = await broker.subscribe([ADDRESS], group="billing")
    await broker.publish([message(f"key-{n}", n) for n in range(5)])
    assert (await broker.lag("billing")).waiting == 5

    one, two, three = [(await subscription.fetch(limit=1, timeout_s=5))[0] for _ in range(3)]
    await one.ack()
    await two.dead_letter("why")
    lag = await broker.lag("billing")
    assert (lag.waiting, lag.unfinished, lag.dead_letters) == (2, 1, 1)
    assert 0 <= lag.oldest_age_s < 60

    await three.ack()
    for delivery in await subscription.fetch(limit=2, timeout_s=5):
        await delivery.ack()
    for delivery in await subscription.fetch(limit=2, timeout_s=0.2):
        await delivery.ack()
    lag = await broker.lag("billing")
    assert (lag.waiting, lag.unfinished, lag.oldest_age_s) == (0, 0, None)


async def test_lag_counts_what_was_there_before_the_group_and_what_waits_for_another_attempt(
    broker: Any, message: Make
) -> None:
    await broker.publish([message(f"key-{n}", n) for n in range(3)])
    subscription = await broker.subscribe([ADDRESS], group="billing")
    assert (await broker.lag("billing")).waiting == 3

    (first,) = await subscription.fetch(limit=1, timeout_s=5)
    await first.nack(delay_s=60)
    lag = await broker.lag("billing")
    assert (lag.waiting, lag.unfinished, lag.dead_letters) == (2, 1, 0)


async def test_groups_and_their_counts_outlive_a_restart_of_the_server(
    broker: Any, message: Make, server: Any, opened: Opened
) -> None:
    await broker.publish([message(f"key-{n}", n) for n in range(3)])
    await _park(broker, "billing", 1)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)

    later: Any = opened()
    deadline = time.monotonic() + 20
    while await _answered(later.groups) != ["billing"]:  # Kafka lists what it has loaded so far
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    # A server may take a moment to count. And its last moment before a kill may not be on its disk: what was parked may
    # wait again.
    while (lag := await _answered(lambda: later.lag("billing"))).waiting + lag.unfinished not in (2, 3):
        assert time.monotonic() < deadline, lag
        await asyncio.sleep(0.1)
    assert lag.dead_letters == 1


async def test_a_redriven_dead_letter_comes_back_whole_and_counts_its_attempts_anew(broker: Any, message: Make) -> None:
    sent = message("key", 7, headers={"content-type": "text/plain"})
    await broker.publish([sent])
    await _park(broker, "billing", 1)

    assert await broker.redrive(group="billing") == 1
    assert await broker.dead_letters(group="billing") == []
    subscription = await broker.subscribe([ADDRESS], group="billing")
    (again,) = await subscription.fetch(limit=1, timeout_s=5)
    found = again.message
    assert (found.id, found.key, found.body, found.address) == (sent.id, "key", b"7", ADDRESS)
    assert found.routing_key == sent.routing_key
    assert dict(found.headers) == {"content-type": "text/plain"}
    assert again.attempt == 1
    await again.ack()


async def test_a_redriven_dead_letter_goes_to_its_own_group_alone(broker: Any, message: Make) -> None:
    await broker.publish([message("key", 1)])
    await _park(broker, "billing", 1)
    other = await broker.subscribe([ADDRESS], group="shipping")
    (first,) = await other.fetch(limit=1, timeout_s=5)
    await first.ack()

    await broker.redrive(group="billing")
    await broker.publish([message("key", 2)])
    (second,) = await other.fetch(limit=5, timeout_s=5)
    assert second.message.body == b"2"
    await second.ack()
    lag = await broker.lag("shipping")
    assert (lag.waiting, lag.unfinished) == (0, 0)


async def test_only_the_named_dead_letters_are_redriven_and_no_more_than_the_limit(broker: Any, message: Make) -> None:
    messages = [message(f"key-{n}", n) for n in range(4)]
    await broker.publish(messages)
    await _park(broker, "billing", 4)

    assert await broker.redrive(group="billing", message_ids=[messages[2].id, "unknown"]) == 1
    assert await broker.redrive(group="billing", limit=2) == 2
    left = await broker.dead_letters(group="billing")
    assert len(left) == 1
    assert left[0].message.id != messages[2].id


async def test_a_dead_letter_that_was_redriven_and_fails_again_is_parked_again(broker: Any, message: Make) -> None:
    sent = message("key", 1)
    await broker.publish([sent])
    for _ in range(2):
        await _park(broker, "billing", 1)
        assert await broker.redrive(group="billing") == 1
    await _park(broker, "billing", 1)
    (dead,) = await broker.dead_letters(group="billing")
    assert (dead.message.id, dead.message.body) == (sent.id, b"1")


async def test_what_waits_for_its_retry_is_unfinished(broker: Any, message: Make) -> None:
    await broker.publish([message("key", 1)])
    subscription = await broker.subscribe([ADDRESS], group="billing")
    (delivery,) = await subscription.fetch(limit=1, timeout_s=5)
    await delivery.nack(delay_s=60)
    lag = await broker.lag("billing")
    assert (lag.waiting, lag.unfinished) == (0, 1)
    assert 0 <= lag.oldest_age_s < 60


async def test_a_consumer_that_parked_a_message_gets_it_again_when_it_is_redriven(broker: Any, message: Make) -> None:
    sent = message("", 1, headers={"ce-type": "payment.captured", "note": "a=b; c, \u00fc"}, routing_key="")
    await broker.publish([sent])
    subscription = await broker.subscribe([ADDRESS], group="billing")
    for _ in range(3):
        (delivery,) = await subscription.fetch(limit=1, timeout_s=10)
        assert delivery.message == sent
        await delivery.dead_letter("HANDLER_FAILED")
        assert await broker.redrive(group="billing") == 1
    (delivery,) = await subscription.fetch(limit=1, timeout_s=10)
    await delivery.ack()
    assert await broker.dead_letters(group="billing") == []


async def test_a_redriven_dead_letter_comes_behind_what_its_key_has_had_since(broker: Any, message: Make) -> None:
    await broker.publish([message("key", 1)])
    await _park(broker, "billing", 1)
    await broker.publish([message("key", 2), message("key", 3)])
    assert await broker.redrive(group="billing") == 1
    assert await _taken(broker, "billing", lambda found: len(found) >= 3) == [b"2", b"3", b"1"]


async def test_of_named_dead_letters_no_more_than_the_limit_are_redriven_oldest_first(
    broker: Any, message: Make
) -> None:
    messages = [message(f"key-{n}", n) for n in range(4)]
    await broker.publish(messages)
    subscription = await broker.subscribe([ADDRESS], group="billing")
    for one in messages:
        (delivery,) = await subscription.fetch(limit=1, timeout_s=5)
        assert delivery.message == one
        await delivery.dead_letter("HANDLER_FAILED")
    await subscription.close()

    named = [messages[3].id, messages[2].id, messages[1].id]
    assert await broker.redrive(group="billing", message_ids=named, limit=2) == 2
    left = await broker.dead_letters(group="billing")
    assert sorted(dead.message.body for dead in left) == [b"0", b"3"]
    assert await broker.redrive(group="billing", limit=0) == 0


async def test_two_that_redrive_at_once_lose_nothing(broker: Any, message: Make, opened: Opened) -> None:
    await broker.publish([message(f"key-{n}", n) for n in range(12)])
    await _park(broker, "billing", 12)
    other: Any = opened()
    await other.connect()
    counts = await asyncio.gather(broker.redrive(group="billing"), other.redrive(group="billing"))
    assert sum(counts) >= 12
    assert await broker.dead_letters(group="billing") == []
    found = await _taken(broker, "billing", lambda found: len(set(found)) == 12)
    assert {int(body) for body in found} == set(range(12))


async def test_a_server_that_dies_while_dead_letters_are_redriven_loses_none(
    broker: Any, message: Make, server: Any, opened: Opened
) -> None:
    await broker.publish([message(f"key-{n}", n) for n in range(12)])
    await _park(broker, "billing", 12)
    redriving = asyncio.create_task(broker.redrive(group="billing"))
    await asyncio.sleep(0.02)
    await asyncio.to_thread(server.stop)
    await asyncio.gather(redriving, return_exceptions=True)
    await asyncio.to_thread(server.start)

    later: Any = opened()
    found: set[bytes] = set()
    deadline = time.monotonic() + 30
    # More than once: what the one that died had in hand may take the server a moment to give back.
    left: Any = None
    while (len(found) < 12 or left != []) and time.monotonic() < deadline:
        await _answered(lambda: later.redrive(group="billing"))
        found.update(await _taken(later, "billing", lambda _: True))
        left = await _answered(lambda: later.dead_letters(group="billing"))
    assert {int(body) for body in found} == set(range(12))
    assert left == []
