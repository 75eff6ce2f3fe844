"""Order per key, for brokers that know no keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestratorx_prism.brokers.key_order import KeyOrder


def test_a_key_waits_for_its_unfinished_item_and_others_do_not() -> None:
    order: KeyOrder[str] = KeyOrder()
    for position, key in enumerate(["a", "a", "b", "", ""]):
        order.add(key, position, f"{key}{position}")

    assert order.take(10, 0.0, until_s=100.0) == ["a0", "b2", "3", "4"]
    assert order.take(10, 0.0, until_s=100.0) == []
    order.ended("a", 0)
    assert order.take(10, 0.0, until_s=100.0) == ["a1"]


def test_it_is_known_how_long_a_key_waits_for_an_item_given_back() -> None:
    order: KeyOrder[str] = KeyOrder()
    order.add("a", 1, "first")
    order.take(10, 0.0, until_s=100.0)
    assert order.expected_in_s("a", 1.0) == order.expected_in_s("unknown", 1.0) == 0.0
    order.given_back("a", 1, until_s=5.0)
    assert order.expected_in_s("a", 1.0) == 4.0
    assert order.expected_in_s("a", 6.0) == 0.0


def test_an_item_given_back_comes_before_the_later_ones_of_its_key() -> None:
    order: KeyOrder[str] = KeyOrder()
    order.add("a", 1, "first")
    order.add("a", 2, "second")
    assert order.take(10, 0.0, until_s=100.0) == ["first"]
    order.given_back("a", 1, until_s=5.0)
    assert order.take(10, 1.0, until_s=100.0) == []

    order.add("a", 1, "first again")
    assert order.take(10, 1.0, until_s=100.0) == ["first again"]


def test_a_key_does_not_wait_for_ever_for_an_item_that_went_elsewhere() -> None:
    order: KeyOrder[str] = KeyOrder()
    order.add("a", 1, "first")
    order.take(10, 0.0, until_s=100.0)
    order.given_back("a", 1, until_s=5.0)
    order.add("a", 2, "second")

    assert order.next_change_s(1.0) == 5.0
    assert order.take(10, 4.9, until_s=100.0) == []
    assert order.take(10, 5.0, until_s=100.0) == ["second"]


def test_an_item_that_comes_again_while_it_is_in_hand_replaces_it() -> None:
    order: KeyOrder[str] = KeyOrder()
    order.add("a", 1, "lost")
    assert order.take(1, 0.0, until_s=100.0) == ["lost"]
    order.add("a", 1, "again")
    assert order.take(1, 0.0, until_s=100.0) == ["again"]
    order.ended("a", 1)
    assert order.take(1, 0.0, until_s=100.0) == []


def test_an_item_that_is_never_ended_holds_its_key_for_a_time_only() -> None:
    order: KeyOrder[str] = KeyOrder()
    order.add("a", 1, "first")
    order.add("a", 2, "second")
    assert order.take(10, 0.0, until_s=7.0) == ["first"]
    assert order.next_change_s(1.0) == 7.0
    assert order.take(10, 6.9, until_s=20.0) == []
    assert order.take(10, 7.0, until_s=20.0) == ["second"]
    order.ended("a", 1)
    assert order.unfinished() == ["second"]


def test_what_is_unfinished_is_listed_oldest_first_and_ended_keys_leave_nothing() -> None:
    order: KeyOrder[str] = KeyOrder()
    for position, key in [(4, "b"), (1, "a"), (3, ""), (2, "a")]:
        order.add(key, position, f"item {position}")
    order.take(1, 0.0, until_s=100.0)
    assert order.unfinished() == ["item 1", "item 2", "item 3", "item 4"]
    assert order.waiting() == ["item 1", "item 2", "item 3"]

    order.ended("b", 4)
    for key, position in [("a", 1), ("", 3)]:
        order.take(10, 0.0, until_s=100.0)
        order.ended(key, position)
    order.take(10, 0.0, until_s=100.0)
    order.ended("a", 2)
    assert order.take(10, 0.0, until_s=100.0) == []
    assert order._lanes == {}


def test_the_limit_leaves_the_rest_for_later() -> None:
    order: KeyOrder[int] = KeyOrder()
    for position in range(5):
        order.add(f"key-{position}", position, position)
    assert order.take(2, 0.0, until_s=100.0) == [0, 1]
    assert sorted(order.waiting()) == [2, 3, 4]
    assert order.take(5, 0.0, until_s=100.0) == [2, 3, 4]


@given(
    keys=st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30),
    verdicts=st.lists(st.booleans(), min_size=200, max_size=200),
    limit=st.integers(1, 5),
)
def test_whatever_is_given_back_every_key_ends_in_order(keys: list[str], verdicts: list[bool], limit: int) -> None:
    order: KeyOrder[tuple[str, int]] = KeyOrder()
    for position, key in enumerate(keys):
        order.add(key, position, (key, position))
    ended: list[tuple[str, int]] = []
    for good in [*verdicts, *([True] * (len(keys) + 1))]:
        for key, position in order.take(limit, 0.0, until_s=100.0):
            if good:
                order.ended(key, position)
                ended.append((key, position))
            else:
                order.given_back(key, position, until_s=1e9)
                order.add(key, position, (key, position))

    assert len(ended) == len(keys)
    for key in ("a", "b", "c"):
        positions = [position for name, position in ended if name == key]
        assert positions == sorted(positions)
