"""What one member has read, between two rebalances. No server, no clock."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition

from orchestratorx_prism.brokers import BrokerUnavailable, Message
from orchestratorx_prism.brokers.kafka_assignment import Assignment, Handed
from orchestratorx_prism.brokers.kafka_commits import Commits, Offsets
from orchestratorx_prism.brokers.kafka_offsets import WINDOW, read

ONE, TWO = TopicPartition("t", 0), TopicPartition("t", 1)


def assignment_of(*partitions: TopicPartition, max_unacked: int = 10, **committed: tuple[int, str]) -> Assignment:
    assignment = Assignment(partitions or (ONE,), max_unacked=max_unacked, ack_wait_s=30.0)
    assignment.load({ONE: committed["one"]} if "one" in committed else {})
    return assignment


def add(assignment: Assignment, *keys: str, partition: TopicPartition = ONE, first: int = 0) -> None:
    for offset, key in enumerate(keys, first):
        assignment.add(partition, offset, Message(f"{offset}", "t", key, b""))


def offsets_of(taken: list[Handed]) -> list[int]:
    return [handed.place.offset for handed in taken]


def test_nothing_is_read_or_handed_out_before_the_groups_place_is_known() -> None:
    assignment = Assignment((ONE,), max_unacked=10, ack_wait_s=30.0)
    assert (assignment.wanted(), assignment.take(5, 0.0)) == ([], [])


def test_the_first_messages_after_a_rebalance_are_suspects_and_later_ones_are_not() -> None:
    assignment = assignment_of(max_unacked=2)
    add(assignment, "a", "b", "c")
    first = assignment.take(5, 0.0)
    assert [handed.suspect for handed in first] == [True, True]
    assignment.end(first[0])
    assert [handed.suspect for handed in assignment.take(5, 0.0)] == [False]


def test_attempts_go_on_where_the_last_member_stopped() -> None:
    before = assignment_of()
    add(before, "a", "b", "c")
    taken = before.take(2, 0.0)
    before.end(taken[1])
    after = assignment_of(one=before.offsets({ONE: ()})[ONE])
    add(after, "a", "b", "c")
    assert [(handed.place.offset, handed.attempt) for handed in after.take(5, 0.0)] == [(0, 2), (2, 1)]


def test_what_was_not_delivered_after_all_does_not_count() -> None:
    assignment = assignment_of()
    add(assignment, "a")
    (handed,) = assignment.take(1, 0.0)
    assignment.untake(handed, 0.0)
    (again,) = assignment.take(1, 0.0)
    assert (again.attempt, again.suspect) == (1, True)


def test_a_full_hand_or_a_full_window_stops_reading() -> None:
    assignment = assignment_of(ONE, TWO, max_unacked=2)
    add(assignment, *("k" for _ in range(WINDOW)))
    assert assignment.wanted() == [TWO]
    add(assignment, "x", partition=TWO)
    taken = assignment.take(5, 0.0)
    assert len(taken) == 2
    assert assignment.wanted() == []
    assignment.end(taken[0])
    assert set(assignment.wanted()) == {ONE, TWO}


def test_draining_hands_out_nothing_and_lets_what_is_out_be_ended() -> None:
    assignment = assignment_of()
    add(assignment, "a", "b")
    (handed,) = assignment.take(1, 0.0)
    assignment.draining = True
    assert (assignment.take(5, 0.0), assignment.wanted(), assignment.in_hand(0.0)) == ([], [], 1)
    assert assignment.holds(handed)
    assignment.end(handed)
    assert assignment.in_hand(0.0) == 0
    assert not assignment.holds(handed)


def test_a_delivery_whose_time_is_over_is_no_longer_in_hand() -> None:
    assignment = assignment_of()
    add(assignment, "a")
    assignment.take(1, 0.0)
    assert (assignment.in_hand(29.9), assignment.in_hand(30.0)) == (1, 0)
    assert assignment.take(1, 30.0)[0].attempt == 2


def test_offsets_that_begin_anew_are_a_new_topic_and_nothing_of_the_old_one_is_left() -> None:
    assignment = assignment_of(one=(5, ""))
    add(assignment, "a", "a", "b", first=5)
    old = assignment.take(5, 0.0)
    assert offsets_of(old) == [5, 7]
    add(assignment, "a", "b", "c")

    assert not any(assignment.holds(handed) for handed in old)
    # Two of the keys wait until nobody works on their old messages.
    assert offsets_of(assignment.take(5, 0.0)) == [2]
    for handed in old:
        assignment.put_back(handed, 0.0)
    assert sorted(offsets_of(assignment.take(5, 0.0))) == [0, 1]


class Server:
    """Keeps what is committed; `answer` is set when it may."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.answer.set()
        self.commits: list[Offsets] = []
        self.refusal: Exception | None = None

    async def commit(self, offsets: Offsets) -> None:
        await self.answer.wait()
        if self.refusal is not None:
            raise self.refusal
        self.commits.append(offsets)


async def test_acknowledgements_that_wait_for_a_commit_share_the_next_one() -> None:
    server = Server()
    commits = Commits(server.commit)
    assignment = assignment_of()
    add(assignment, *"abcdef")
    taken = assignment.take(6, 0.0)
    server.answer.clear()
    first = asyncio.create_task(commits.end(assignment, taken[0]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(commits.end(assignment, handed)) for handed in taken[1:]]
    await asyncio.sleep(0)
    server.answer.set()
    await asyncio.gather(first, *others)
    assert [offsets[ONE][0] for offsets in server.commits] == [1, 6]
    await commits.idle()


async def test_a_refused_commit_ends_nothing_and_the_next_one_does_not_claim_it() -> None:
    server = Server()
    commits = Commits(server.commit)
    assignment = assignment_of()
    add(assignment, "a", "b")
    one, two = assignment.take(2, 0.0)
    server.refusal = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        await commits.end(assignment, one)
    assert assignment.holds(one)

    server.refusal = None
    await commits.end(assignment, two)
    offset, note = server.commits[-1][ONE]
    assert (offset, read(offset, note)) == (0, ({1}, {0: 1}))


async def test_a_defect_in_committing_ends_nothing_and_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    server.refusal = ZeroDivisionError()
    commits = Commits(server.commit)
    assignment = assignment_of()
    add(assignment, "a")
    (handed,) = assignment.take(1, 0.0)
    with pytest.raises(BrokerUnavailable, match="ZeroDivisionError"):
        await commits.end(assignment, handed)
    assert assignment.holds(handed)
    assert "nobody foresaw" in caplog.text


async def test_a_message_that_was_taken_away_before_the_commit_is_not_committed() -> None:
    server = Server()
    commits = Commits(server.commit)
    assignment = assignment_of()
    add(assignment, "a")
    (handed,) = assignment.take(1, 0.0)
    ending = asyncio.ensure_future(commits.end(assignment, handed))
    assignment.lost = True
    with pytest.raises(BrokerUnavailable, match="another member"):
        await ending
    assert server.commits == []
