"""In which order what came back from a consumer is handed out."""

from __future__ import annotations

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.brokers.rabbitmq_inlet import in_order
from orchestratorx_prism.brokers.rabbitmq_messages import PUBLISHED, properties_of


def received(word: str, *, at: int | None, again: bool = False) -> DeliveredMessage:
    """`word`: the key, and which of its messages. `at`: when it was published, if that is said."""
    message = Message(id=word, address="orders", key=word[0], body=b"")
    properties = properties_of(message)
    assert properties.headers is not None
    del properties.headers[PUBLISHED]
    if at is not None:
        properties.headers[PUBLISHED] = at
    return DeliveredMessage(
        delivery=Basic.Deliver(redelivered=again), header=ContentHeader(properties=properties), body=b"", channel=None
    )


def words(arrived: list[DeliveredMessage]) -> list[str | None]:
    return [one.header.properties.message_id for one in in_order(arrived)]


def test_what_a_dead_consumer_left_goes_first_in_the_order_of_publishing() -> None:
    left = [received("a3", at=30, again=True), received("b2", at=20, again=True), received("a1", at=10, again=True)]

    assert words([*left, received("a4", at=40), received("c1", at=5)]) == ["a1", "b2", "a3", "a4", "c1"]


def test_what_left_a_cancelled_consumer_stays_behind_what_that_one_got() -> None:
    """It was on its way, and comes with the next one, marked as given before."""
    before = [received("a1", at=10), received("b1", at=11)]
    on_its_way = received("a2", at=12, again=True)

    assert words([*before, on_its_way, received("a3", at=13)]) == ["a1", "a2", "a3", "b1"]


def test_keys_of_which_nothing_came_back_stay_as_the_queue_has_them() -> None:
    """Their publishers' clocks may differ."""
    assert words([received("b1", at=30), received("b2", at=10), received("a1", at=20, again=True)]) == [
        "a1",
        "b1",
        "b2",
    ]


def test_without_a_time_what_came_back_is_taken_for_the_older() -> None:
    assert words([received("a2", at=None), received("a1", at=None, again=True)]) == ["a1", "a2"]
