"""The outbox: oldest first, one claim a key, leases, fencing, delays, replay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from ledger_events import make, money

from orchestrator.ledger import replaying
from orchestrator.ledger.base import ChannelRule, Claim, Ledger, Recording
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter


async def pend(ledger: Ledger, *keys: str) -> list[Event]:
    """Events "payment:place": those of one payment have one partition key."""
    events = []
    for place, key in enumerate(keys):
        event = make("payment.pending", key, at=place, refs=(f"pi_{key.partition(':')[0]}",), amount=money(1))
        await ledger.record(Recording([event]))
        events.append(event)
    return events


def keys_of(claim: Claim) -> list[str]:
    return [Event.FromString(row.event).provider_event_id for row in claim.rows]


def ids(claim: Claim) -> list[int]:
    return [row.row_id for row in claim.rows]


async def test_rows_come_oldest_first_with_what_they_need(ledger: Ledger) -> None:
    events = await pend(ledger, "a:1", "b:1", "a:2")
    claim = await ledger.outbox.claim("events", limit=2, lease_s=30)
    assert keys_of(claim) == ["a:1", "b:1"]
    assert [(row.channel, row.partition_key, row.attempts) for row in claim.rows] == [
        ("events", events[0].payment_id, 1),
        ("events", events[1].payment_id, 1),
    ]
    assert Event.FromString(claim.rows[0].event) == events[0]


async def test_a_key_that_a_claim_holds_is_kept_from_others(ledger: Ledger) -> None:
    await pend(ledger, "a:1", "a:2", "b:1")
    first = await ledger.outbox.claim("events", limit=1, lease_s=30)
    second = await ledger.outbox.claim("events", limit=10, lease_s=30)
    assert (keys_of(first), keys_of(second)) == (["a:1"], ["b:1"])
    assert (await ledger.outbox.claim("events", limit=10, lease_s=30)).rows == []
    assert await ledger.outbox.complete(first, ids(first)) == 1
    assert keys_of(await ledger.outbox.claim("events", limit=10, lease_s=30)) == ["a:2"]


async def claimed(ledger: Ledger, limit: int) -> Claim:
    """As soon as there is something."""
    for _ in range(3_000):
        claim = await ledger.outbox.claim("events", limit=limit, lease_s=30)
        if claim.rows:
            return claim
        await asyncio.sleep(0.01)
    pytest.fail("nothing can be claimed")


async def test_what_is_released_waits_and_holds_its_key_back(ledger: Ledger) -> None:
    await pend(ledger, "a:1", "a:2", "b:1")
    claim = await ledger.outbox.claim("events", limit=1, lease_s=30)
    await ledger.outbox.release(claim, ids(claim), delay_s=600)
    assert keys_of(await ledger.outbox.claim("events", limit=10, lease_s=30)) == ["b:1"]


async def test_what_was_released_comes_back_with_what_waited_for_it(ledger: Ledger) -> None:
    await pend(ledger, "a:1", "a:2")
    claim = await ledger.outbox.claim("events", limit=1, lease_s=30)
    await ledger.outbox.release(claim, ids(claim), delay_s=0.1)
    again = await claimed(ledger, 10)
    assert keys_of(again) == ["a:1", "a:2"]
    assert [row.attempts for row in again.rows] == [2, 1]


async def test_when_the_lease_ends_another_takes_over_and_the_first_is_fenced_off(ledger: Ledger) -> None:
    await pend(ledger, "a:1")
    slow = await ledger.outbox.claim("events", limit=1, lease_s=0.1)
    quick = await claimed(ledger, 1)
    assert ids(quick) == ids(slow)
    assert await ledger.outbox.complete(slow, ids(slow)) == 0
    await ledger.outbox.release(slow, ids(slow), delay_s=0)
    assert (await ledger.outbox.claim("events", limit=1, lease_s=30)).rows == []
    assert await ledger.outbox.complete(quick, ids(quick)) == 1
    assert await ledger.outbox.complete(quick, ids(quick)) == 0


async def test_a_published_event_says_when(ledger: Ledger) -> None:
    (event,) = await pend(ledger, "a:1")
    unsent = await ledger.get_event("default", event.id)
    assert unsent is not None
    assert not unsent.HasField("published_at")
    claim = await ledger.outbox.claim("events", limit=1, lease_s=30)
    await ledger.outbox.complete(claim, ids(claim))
    sent = await ledger.get_event("default", event.id)
    listed, _ = await ledger.list_events(EventFilter(), page_size=1, page_token="")
    streamed, _ = await ledger.events_after("0", EventFilter(), limit=1)
    assert sent is not None
    assert abs(sent.published_at.ToMicroseconds() / 1e6 - time.time()) < 60
    assert sent == listed[0] == streamed[0][0]
    sent.ClearField("published_at")
    assert sent == event


async def test_a_channel_gets_what_it_selects(opened: Any) -> None:
    rules = [
        ChannelRule("all", lambda event: True),
        ChannelRule("money", lambda event: event.type == "payment.captured" and bool(event.payment_id)),
    ]
    ledger = await opened(channels=rules)
    await ledger.record(Recording([make("payment.created", "1"), make("payment.captured", "2", at=1)]))
    assert keys_of(await ledger.outbox.claim("all", limit=10, lease_s=9)) == ["1", "2"]
    assert keys_of(await ledger.outbox.claim("money", limit=10, lease_s=9)) == ["2"]
    assert (await ledger.outbox.claim("nothing", limit=10, lease_s=9)).rows == []


async def test_the_backlog_counts_what_is_unsent_and_how_old_it_is(ledger: Ledger) -> None:
    assert await ledger.outbox.backlog("events") == await ledger.outbox.backlog("none")
    await pend(ledger, "a:1", "b:1")
    await asyncio.sleep(0.15)
    backlog = await ledger.outbox.backlog("events")
    assert backlog.unsent == 2
    assert 0.1 < backlog.oldest_age_s < 30
    claim = await ledger.outbox.claim("events", limit=1, lease_s=30)
    await ledger.outbox.complete(claim, ids(claim))
    assert (await ledger.outbox.backlog("events")).unsent == 1


async def test_replay_puts_events_behind_what_waits(ledger: Ledger) -> None:
    events = await pend(ledger, "a:1", "b:1", "a:2")
    claim = await ledger.outbox.claim("events", limit=2, lease_s=30)
    await ledger.outbox.complete(claim, ids(claim))
    assert await ledger.replay(EventFilter(), [events[1].id, events[0].id], channel="events") == 2
    assert keys_of(await ledger.outbox.claim("events", limit=10, lease_s=30)) == ["a:2", "a:1", "b:1"]
    await pend(ledger, "c:1")
    assert keys_of(await ledger.outbox.claim("events", limit=10, lease_s=30)) == ["c:1"]
    found = EventFilter(payment_id=events[0].payment_id)
    assert await ledger.replay(found, [], channel="") == 2
    assert await ledger.replay(EventFilter(types=["refund.*"]), [], channel="") == 0
    assert await ledger.replay(EventFilter(types=["payment.*"]), [], channel="") == 4
    with pytest.raises(RequestRejected):
        await ledger.replay(EventFilter(), [], channel="unheard of")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_replay_ends_though_events_keep_coming(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "SLICE", 2)
    await pend(ledger, "a:1", "a:2", "a:3")
    put, slices = ledger._put, 0

    async def put_while_more_comes(chosen: Sequence[tuple[str, int, str]]) -> None:
        nonlocal slices
        slices += 1
        assert slices < 10, "it runs after what comes meanwhile"
        await put(chosen)
        await pend(ledger, f"b:{slices}", f"c:{slices}")

    monkeypatch.setattr(ledger, "_put", put_while_more_comes)
    assert await ledger.replay(EventFilter(types=["payment.*"]), [], channel="") == 3


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
@pytest.mark.postgres
async def test_a_replay_leaves_out_nothing_that_commits_while_it_looks(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "SLICE", 2)
    ledger, replica = await opened(), await opened()
    await pend(ledger, "a:1", "b:1", "c:1")
    late = "UPDATE events SET n = (SELECT min(n) + 1 FROM events) WHERE n = (SELECT max(n) FROM events)"
    fetch, looked = ledger._fetch, 0

    async def fetch_while_one_commits(query: str, values: Sequence[Any]) -> list[Any]:
        nonlocal looked
        found = await fetch(query, values)
        looked += "SELECT max(n)" in query
        if looked == 1:
            looked += 1
            await pend(replica, "d:1")
            await replica._transact(lambda connection: connection.fetch(late))  # a number that was free, as of one slow
        return found

    monkeypatch.setattr(ledger, "_fetch", fetch_while_one_commits)
    assert await ledger.replay(EventFilter(types=["payment.*"]), [], channel="") == 4


async def test_sent_rows_are_forgotten_in_batches(ledger: Ledger) -> None:
    await pend(ledger, "a:1", "b:1", "c:1")
    claim = await ledger.outbox.claim("events", limit=3, lease_s=30)
    await ledger.outbox.complete(claim, ids(claim))
    assert await ledger.outbox.purge_sent(older_than_s=60, limit=10) == 0
    await asyncio.sleep(0.01)
    assert await ledger.outbox.purge_sent(older_than_s=0, limit=2) == 2
    assert await ledger.outbox.purge_sent(older_than_s=0, limit=2) == 1
    assert await ledger.outbox.purge_sent(older_than_s=0, limit=2) == 0


async def test_whoever_waits_for_work_wakes_when_something_is_recorded(ledger: Ledger) -> None:
    await ledger.outbox.wait_for_work(0.01)

    async def wait() -> None:
        await ledger.outbox.wait_for_work(0.0)  # the first wait of a task may return at once
        await ledger.outbox.wait_for_work(600)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    await pend(ledger, "a:1")
    async with asyncio.timeout(30):
        await waiting


async def test_while_nothing_is_recorded_waiting_takes_its_time(ledger: Ledger) -> None:
    took = 0.0
    for _ in range(10):  # it is a hint: a connection that comes up may ring, too
        began = time.monotonic()
        await ledger.outbox.wait_for_work(0.1)
        took = max(took, time.monotonic() - began)
    assert took > 0.09


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_many_relays_of_two_replicas_send_everything_once_and_each_payment_in_order(opened: Any) -> None:
    replicas = [await opened(), await opened()]
    recordings = [
        Recording([make("payment.pending", f"{payment}:{place}", at=place, refs=(f"pi_{payment}",))])
        for place in range(6)
        for payment in range(12)
    ]
    sent: list[Event] = []

    async def relay(number: int) -> None:
        while len(sent) < len(recordings) or (await replicas[0].outbox.backlog("events")).unsent:
            claim = await replicas[number % 2].outbox.claim("events", limit=5, lease_s=600)
            if not claim.rows:
                await asyncio.sleep(0.01)
                continue
            sent.extend(Event.FromString(row.event) for row in claim.rows)
            if number == 3 and len(sent) % 3 == 0:
                del sent[len(sent) - len(claim.rows) :]
                await replicas[1].outbox.release(claim, ids(claim), delay_s=0.01)
                continue
            assert await replicas[number % 2].outbox.complete(claim, ids(claim)) == len(claim.rows)

    await asyncio.gather(
        *(relay(number) for number in range(4)),
        *(replicas[place % 2].record(recording) for place, recording in enumerate(recordings)),
    )
    assert len(sent) == len({event.id for event in sent}) == len(recordings)
    for payment_id in {event.payment_id for event in sent}:
        assert [event.sequence for event in sent if event.payment_id == payment_id] == [1, 2, 3, 4, 5, 6]
