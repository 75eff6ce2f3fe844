"""What is handled beyond the committed offset, and the note that says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestratorx_prism.brokers.kafka_offsets import (
    LONGEST_NOTE,
    WINDOW,
    Backlog,
    PartitionLog,
    backlog,
    read,
    write,
)


def log_of(offsets: range, committed: int | None = None) -> PartitionLog:
    log = PartitionLog(committed)
    for offset in offsets:
        assert log.add(offset) == 0
    return log


def test_nothing_is_committed_before_anything_was_read() -> None:
    assert PartitionLog(None).state() is None


def test_the_offset_is_that_of_the_oldest_unfinished_message() -> None:
    log = log_of(range(10, 15))
    assert log.state() == (10, "")
    log.finish(10)
    log.finish(11)
    assert log.state() == (12, "")


def test_what_is_handled_behind_an_unfinished_message_is_in_the_note() -> None:
    log = log_of(range(10, 15))
    log.finish(12)
    offset, note = log.state(ending={14}) or (0, "")
    assert (offset, read(offset, note)) == (10, ({12, 14}, {}))
    # It is not ended before it is committed.
    assert log.state() != (offset, note)


def test_who_comes_next_skips_what_is_handled_and_counts_on() -> None:
    before = log_of(range(10, 15))
    before.count(10, 3)
    before.count(13, 1)
    before.finish(11)
    after = PartitionLog(*(before.state() or (0, "")))
    assert [after.add(offset) for offset in range(10, 15)] == [3, None, 0, 1, 0]


def test_a_note_holds_for_messages_that_were_not_read_again_yet() -> None:
    before = log_of(range(10, 20))
    before.finish(18)
    before.count(17, 2)
    between = PartitionLog(*(before.state() or (0, "")))
    between.add(10)
    between.finish(10)
    offset, note = between.state() or (0, "")
    assert (offset, read(offset, note)) == (11, ({18}, {17: 2}))


def test_offsets_that_do_not_exist_hold_nothing_back() -> None:
    log = PartitionLog(5)
    for offset in (7, 9, 12):
        log.add(offset)
    log.finish(7)
    assert (log.state() or (0, ""))[0] == 9
    log.finish(9)
    log.finish(12)
    assert log.state() == (13, "")


def test_reading_stops_at_the_window_and_goes_on_when_the_oldest_ends() -> None:
    log = log_of(range(WINDOW - 1))
    assert log.has_room
    log.add(WINDOW - 1)
    assert not log.has_room
    log.finish(0)
    assert log.has_room


@pytest.mark.parametrize("note", ["", "theirs", "ox1|", "ox1|@@|", "ox1||x:1", "ox2|AQ==|", "ox1|AQ==|1:"])
def test_a_note_of_others_or_a_damaged_one_says_nothing(note: str) -> None:
    assert read(5, note) == (set(), {})


def test_the_note_fits_and_keeps_the_highest_counts() -> None:
    unfinished = dict.fromkeys(range(0, WINDOW, 2), 1) | {WINDOW - 2: 9}
    note = write(0, WINDOW, unfinished, (), unfinished)
    assert len(note) <= LONGEST_NOTE
    handled, attempts = read(0, note)
    assert handled == set(range(1, WINDOW, 2))
    assert attempts[WINDOW - 2] == 9


@given(st.integers(0, 10**12), st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 12)), max_size=60))
def test_every_state_comes_back_as_it_was(first: int, messages: list[tuple[int, bool, int]]) -> None:
    log = PartitionLog(first)
    unfinished: dict[int, int] = {}
    offset = first
    for gap, handled, attempts in messages:
        offset += gap
        log.add(offset)
        log.count(offset, attempts)
        if handled:
            log.finish(offset)
        else:
            unfinished[offset] = attempts
    committed, note = log.state() or (first, "")

    assert committed == next(iter(unfinished), log.position)
    after = PartitionLog(committed, note)
    position = log.position or first
    came = {one: after.add(one) for one in range(committed, position)}
    assert {one: times for one, times in came.items() if times is not None} == unfinished


def test_the_backlog_is_what_neither_the_offset_nor_the_note_says_is_handled() -> None:
    log = log_of(range(10, 15))
    log.count(10, 3)
    log.count(13, 1)
    log.finish(12)
    assert backlog(0, 20, log.state(), from_the_end=False) == Backlog(waiting=7, unfinished=2, begin=10, end=20)
    log.finish(10)
    log.finish(11)
    assert backlog(0, 20, log.state(), from_the_end=False) == Backlog(waiting=6, unfinished=1, begin=13, end=20)


@pytest.mark.parametrize(
    ("place", "earliest", "latest"),
    [
        (None, Backlog(10, 0, 10, 20), Backlog(0, 0, 20, 20)),
        ((20, ""), Backlog(0, 0, 20, 20), Backlog(0, 0, 20, 20)),
        # Its oldest expired.
        ((5, ""), Backlog(10, 0, 10, 20), Backlog(0, 0, 20, 20)),
        # The topic was made anew.
        ((21, ""), Backlog(10, 0, 10, 20), Backlog(0, 0, 20, 20)),
    ],
)
def test_a_group_without_a_place_that_is_kept_begins_where_the_settings_say(
    place: tuple[int, str] | None, earliest: Backlog, latest: Backlog
) -> None:
    assert backlog(10, 20, place, from_the_end=False) == earliest
    assert backlog(10, 20, place, from_the_end=True) == latest


def test_what_expired_is_not_in_the_backlog_though_the_note_tells_of_it() -> None:
    note = write(5, 12, dict.fromkeys([5, 6, 11], 1), (), {5: 1, 6: 1, 11: 1})
    assert backlog(10, 13, (5, note), from_the_end=False) == Backlog(waiting=1, unfinished=1, begin=10, end=13)
