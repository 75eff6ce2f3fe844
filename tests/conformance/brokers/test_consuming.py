"""What a broker promises to those who consume. Runs over every broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from orchestratorx_prism.brokers import Broker, BrokerUnavailable, Delivery, Message, Subscription

ADDRESS = "payments.events"
Opened = Callable[..., Broker]
Make = Callable[..., Message]


def bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    return [delivery.message.body for delivery in deliveries]


async def gathered(subscription: Subscription, count: int, *, within_s: float = 10.0) -> list[Delivery]:
    """`count` deliveries, none of them ended; less if no more come."""
    found: list[Delivery] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        try:
            found += await subscription.fetch(limit=count - len(found), timeout_s=left)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
    return found


async def test_consumers_of_one_group_share_the_messages(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish([message(f"key-{n}", n) for n in range(40)])
    one = await broker.subscribe([ADDRESS], group="shared")
    two = await opened().subscribe([ADDRESS], group="shared")

    found: list[bytes] = []
    deadline = time.monotonic() + 20
    while len(found) < 40 and time.monotonic() < deadline:
        for subscription in (one, two):
            deliveries = await subscription.fetch(limit=2, timeout_s=0.2)
            found += bodies(deliveries)
            for delivery in deliveries:
                await delivery.ack()

    assert sorted(found, key=int) == [str(n).encode() for n in range(40)]
    assert await one.fetch(limit=1, timeout_s=0.3) == []


async def test_every_group_gets_every_message_and_a_new_one_begins_with_the_oldest(
    opened: Opened, message: Make
) -> None:
    broker = opened()
    early = await broker.subscribe([ADDRESS], group="early")
    await broker.publish([message(f"key-{n}", n) for n in range(5)])
    late = await broker.subscribe([ADDRESS], group="late")

    expected = [str(n).encode() for n in range(5)]
    assert bodies(await gathered(early, 5)) == expected
    assert bodies(await gathered(late, 5)) == expected


async def test_fetch_waits_for_a_message_and_returns_as_soon_as_one_is_there(opened: Opened, message: Make) -> None:
    broker = opened()
    subscription = await broker.subscribe([ADDRESS], group="all")
    began = time.monotonic()
    assert await subscription.fetch(limit=10, timeout_s=0.3) == []
    assert 0.25 <= time.monotonic() - began < 2.5

    fetching = asyncio.create_task(subscription.fetch(limit=10, timeout_s=10))
    await asyncio.sleep(0.2)
    sent_at = time.monotonic()
    await broker.publish([message("k", 1)])
    assert bodies(await fetching) == [b"1"]
    assert time.monotonic() - sent_at < 2


async def test_a_subscription_gets_the_addresses_it_names_and_no_others(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish(
        [
            message("a", 1),
            message("b", 2, address="payments.eventsandmore"),
            message("c", 3, address="payments.other", routing_key=""),
        ]
    )
    exact = await broker.subscribe([ADDRESS], group="exact")
    several = await broker.subscribe([ADDRESS, "payments.other"], group="several")
    whole = await broker.subscribe(["payments.*"], group="whole")

    # In any order: addresses have none between them.
    assert bodies(await gathered(exact, 1)) == [b"1"]
    assert sorted(bodies(await gathered(several, 2))) == [b"1", b"3"]
    assert sorted(bodies(await gathered(whole, 3))) == [b"1", b"2", b"3"]
    for subscription in (exact, several):
        assert await gathered(subscription, 1, within_s=0.5) == []


async def test_an_acknowledged_message_never_comes_again(opened: Opened, message: Make, server: Any) -> None:
    broker = opened(ack_wait_s=0.5)
    await broker.publish([message("a", 1), message("b", 2)])
    subscription = await broker.subscribe([ADDRESS], group="all")
    for delivery in await gathered(subscription, 2):
        assert delivery.attempt == 1
        await delivery.ack()

    assert await gathered(subscription, 1, within_s=1.2) == []
    server.stop()
    server.start()
    assert await gathered(subscription, 1, within_s=2.0) == []


async def test_a_message_given_back_comes_again_after_the_delay_and_not_before(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish([message("k", 1)])
    subscription = await broker.subscribe([ADDRESS], group="all")
    (delivery,) = await gathered(subscription, 1)

    began = time.monotonic()
    await delivery.nack(delay_s=0.8)
    (again,) = await gathered(subscription, 1)

    assert time.monotonic() - began >= 0.75
    assert (again.message, again.attempt) == (delivery.message, 2)
    await again.nack()
    assert (await gathered(subscription, 1, within_s=3))[0].attempt == 3


async def test_a_message_whose_consumer_dies_goes_to_another(opened: Opened, message: Make) -> None:
    broker = opened(ack_wait_s=1.0)
    dying = await opened(ack_wait_s=1.0).subscribe([ADDRESS], group="all")
    await broker.publish([message("k", 1)])
    assert bodies(await gathered(dying, 1)) == [b"1"]

    began = time.monotonic()
    alive = await broker.subscribe([ADDRESS], group="all")
    (again,) = await gathered(alive, 1)

    assert time.monotonic() - began >= 0.7
    assert (again.message.body, again.attempt) == (b"1", 2)
    await again.ack()


async def test_closing_a_subscription_gives_its_messages_to_others_at_once(opened: Opened, message: Make) -> None:
    broker = opened()
    leaving = await opened().subscribe([ADDRESS], group="all")
    # Of one key, so that the second waits behind the first on the leaving consumer's side.
    await broker.publish([message("k", 1), message("k", 2)])
    assert bodies(await gathered(leaving, 1)) == [b"1"]
    assert await gathered(leaving, 1, within_s=0.5) == []
    staying = await broker.subscribe([ADDRESS], group="all")

    await leaving.close()

    first = await gathered(staying, 1, within_s=3)
    assert bodies(first) == [b"1"]
    await first[0].ack()
    assert bodies(await gathered(staying, 1, within_s=3)) == [b"2"]
    with pytest.raises(BrokerUnavailable):
        await leaving.fetch(limit=1, timeout_s=0.1)


async def test_an_unfinished_message_holds_back_its_own_key_and_no_other(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish([message("a", 1), message("a", 2), message("b", 3), message("", 4), message("", 5)])
    subscription = await broker.subscribe([ADDRESS], group="all")

    first = await gathered(subscription, 4)
    assert await gathered(subscription, 1, within_s=0.5) == []
    assert bodies(first) == [b"1", b"3", b"4", b"5"]
    for delivery in first:
        await delivery.ack()
    assert bodies(await gathered(subscription, 1)) == [b"2"]


async def test_a_message_given_back_comes_before_later_ones_of_its_key(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish([message("a", 1), message("a", 2), message("b", 3)])
    subscription = await broker.subscribe([ADDRESS], group="all")
    first, other = await gathered(subscription, 2)
    await first.nack(delay_s=0.5)
    await other.ack()
    await broker.publish([message("a", 4)])

    order: list[bytes] = []
    for _ in range(3):
        (delivery,) = await gathered(subscription, 1)
        order.append(delivery.message.body)
        await delivery.ack()
    assert order == [b"1", b"2", b"4"]


async def test_messages_behind_an_unfinished_one_are_not_given_to_others_meanwhile(
    opened: Opened, message: Make
) -> None:
    broker = opened(ack_wait_s=0.9)
    await broker.publish([message("a", 1), message("a", 2)])
    subscription = await broker.subscribe([ADDRESS], group="all")
    (first,) = await gathered(subscription, 1)
    assert await gathered(subscription, 1, within_s=0.5) == []
    await first.ack()
    (second,) = await gathered(subscription, 1)
    assert (second.message.body, second.attempt) == (b"2", 1)


async def test_a_dead_letter_is_listed_with_its_reason_and_frees_its_key(opened: Opened, message: Make) -> None:
    broker = opened(ack_wait_s=0.5)
    bad, good = message("a", 1, headers={"ce-id": "1"}), message("a", 2)
    await broker.publish([bad, good])
    subscription = await broker.subscribe([ADDRESS], group="all")
    (delivery,) = await gathered(subscription, 1)
    await delivery.nack()
    (delivery,) = await gathered(subscription, 1)

    await delivery.dead_letter("no handler took it: KeyError")

    (after,) = await gathered(subscription, 1)
    assert after.message == good
    await after.ack()
    assert await gathered(subscription, 1, within_s=1.0) == []
    (dead,) = await broker.dead_letters(group="all")
    assert dead.message == bad
    assert (dead.group, dead.reason, dead.attempt) == ("all", "no handler took it: KeyError", 2)
    assert await broker.dead_letters(group="another") == []


@pytest.mark.parametrize("end", ["ack", "dead_letter"])
async def test_a_message_that_comes_while_its_group_is_made_is_delivered_once(
    opened: Opened, message: Make, end: str
) -> None:
    broker, publisher = opened(), opened()
    sent = [b"0"]
    await publisher.publish([message("key-0", 0)])
    joining = asyncio.create_task(broker.subscribe([ADDRESS], group="all"))
    while not joining.done() or len(sent) < 20:
        one = message(f"key-{len(sent)}", len(sent))
        assert await publisher.publish([one]) == [None]
        sent.append(one.body)
        await asyncio.sleep(0.01)
    first = await joining
    # Ended at once by one member, and looked for by another that knows nothing of the first.
    found: list[bytes] = []
    while deliveries := await first.fetch(limit=1, timeout_s=1.0):
        (delivery,) = deliveries
        found.append(delivery.message.body)
        await (delivery.ack() if end == "ack" else delivery.dead_letter("refused"))
        if len(found) == len(sent) // 2:
            await first.close()
            first = await opened().subscribe([ADDRESS], group="all")
    assert sorted(found, key=int) == sent


async def test_dead_letters_are_listed_oldest_first_up_to_the_limit(opened: Opened, message: Make) -> None:
    broker = opened()
    await broker.publish([message("", n) for n in range(4)])
    subscription = await broker.subscribe([ADDRESS], group="all")
    for delivery in await gathered(subscription, 4):
        await delivery.dead_letter("refused")
    listed = await broker.dead_letters(group="all", limit=3)
    assert [dead.message.body for dead in listed] == [b"0", b"1", b"2"]


async def test_a_consumer_holds_no_more_unfinished_messages_than_allowed(opened: Opened, message: Make) -> None:
    broker = opened(max_unacked=4)
    await broker.publish([message(f"key-{n}", n) for n in range(10)])
    subscription = await broker.subscribe([ADDRESS], group="all")

    held = await gathered(subscription, 4)
    assert await subscription.fetch(limit=10, timeout_s=0.3) == []
    for delivery in held:
        await delivery.ack()
    assert len(await gathered(subscription, 4)) == 4
    assert await subscription.fetch(limit=10, timeout_s=0.3) == []


async def test_a_group_holds_no_more_unfinished_messages_than_allowed(
    opened: Opened, message: Make, server: Any
) -> None:
    if server.limits_each_consumer:
        pytest.skip("here the limit is each consumer's own: see the test before")
    broker = opened(max_unacked=4)
    await broker.publish([message(f"key-{n}", n) for n in range(10)])
    one = await broker.subscribe([ADDRESS], group="all")
    two = await opened(max_unacked=4).subscribe([ADDRESS], group="all")

    held = [*await gathered(one, 3), *await gathered(two, 10, within_s=0.7)]
    assert len(held) == 4
    assert await one.fetch(limit=10, timeout_s=0.3) == []
    for delivery in held:
        await delivery.ack()
    assert len(await gathered(two, 10, within_s=0.7)) == 4


async def test_a_consumer_goes_on_after_the_server_restarted(opened: Opened, message: Make, server: Any) -> None:
    broker = opened(ack_wait_s=1.0)
    subscription = await broker.subscribe([ADDRESS], group="all")
    await broker.publish([message("a", 1), message("b", 2)])
    one, two = await gathered(subscription, 2)
    await one.ack()

    fetching = asyncio.create_task(subscription.fetch(limit=1, timeout_s=5))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(server.stop)
    with pytest.raises(BrokerUnavailable):
        await fetching
    with pytest.raises(BrokerUnavailable):
        await two.ack()
    await asyncio.to_thread(server.start)

    (again,) = await gathered(subscription, 1)
    assert again.message.body == b"2"
    await again.ack()
    assert await gathered(subscription, 1, within_s=1.5) == []
