"""What becomes of a delivery that comes again and again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orchestratorx_prism import RetryPolicy
from orchestratorx_prism.consuming import ConsumerCounters
from orchestratorx_prism.consuming.dispatching import Dispatcher
from orchestratorx_prism.consuming.handling import Handler
from orchestratorx_prism.consuming.names import selector
from orchestratorx_prism.consuming.publisher import custom_message

MESSAGE = custom_message("shop.scored", {"score": 7}, address="a", source="/shop", key="k", event_id="e-1")


class Delivery:
    """One that remembers how it was ended."""

    message = MESSAGE

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.ended = ""

    async def ack(self) -> None:
        self.ended = "ack"

    async def nack(self, *, delay_s: float = 0.0) -> None:
        self.ended = f"nack {delay_s:g}"

    async def dead_letter(self, reason: str) -> None:
        self.ended = f"dead {reason.split(maxsplit=1)[0]}"


def dispatcher(call: Any, attempts: int | None) -> Dispatcher:
    handler = Handler("f", selector("*"), call, RetryPolicy(attempts=attempts, jitter=0.0))
    return Dispatcher(
        "orders",
        handlers=lambda _: (handler,),
        metrics=ConsumerCounters(),
        executor=ThreadPoolExecutor(1),
        timeout_s=5.0,
        max_deliveries=100,
        remember_s=60.0,
    )


async def fails(event: Any) -> None:
    raise OSError


async def passes(event: Any) -> None: ...


@pytest.mark.parametrize(
    ("attempts", "delivery", "ended"),
    [
        (5, 105, "ack"),
        (5, 106, "dead DELIVERED_TOO_OFTEN:"),
        (None, 1_000_000, "ack"),
    ],
)
async def test_a_message_that_kills_its_consumers_is_parked_but_not_one_that_is_retried_for_ever(
    attempts: int | None, delivery: int, ended: str
) -> None:
    one = Delivery(delivery)
    await dispatcher(passes, attempts).handle(one)
    assert one.ended == ended


async def test_a_delivery_that_was_in_the_hands_of_dying_consumers_is_still_tried_as_often_as_any() -> None:
    retried = dispatcher(fails, 2)
    first, second = Delivery(40), Delivery(41)
    await retried.handle(first)
    await retried.handle(second)
    assert (first.ended, second.ended) == ("nack 1", "dead HANDLER_FAILED")


async def test_a_message_that_comes_again_after_a_lost_acknowledgement_is_not_handled_again() -> None:
    calls: list[str] = []

    async def handle(event: Any) -> None:
        calls.append(event.id)

    both = dispatcher(handle, 2)
    for attempt in (1, 2):
        again = Delivery(attempt)
        await both.handle(again)
        assert again.ended == "ack"
    assert calls == ["e-1"]
