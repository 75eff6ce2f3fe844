"""Intents: a repeat is the same request, one holder at a time, and nothing that was begun is forgotten."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from orchestrator.ledger.base import Ledger
from orchestrator.ledger.intents import Intent, State, intent_key
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest


def intent(request_id: str = "r-1", **changes: object) -> Intent:
    made = Intent(
        key=intent_key("default", 1, "payment.authorize", request_id),
        merchant_id="default",
        connector="mpesa",
        capability="payment.authorize",
        request_id=request_id,
        request_hash=b"h" * 32,
        request=b"request",
        created_us=time.time_ns() // 1000,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_the_first_holds_it_and_the_second_sees_it_in_flight(ledger: Ledger) -> None:
    first, held = await ledger.intents.begin(intent(), lease_s=60)
    assert held
    assert first.state is State.IN_FLIGHT
    second, held = await ledger.intents.begin(intent(), lease_s=60)
    assert not held
    assert (second.key, second.state, second.request) == (first.key, State.IN_FLIGHT, b"request")


async def test_of_a_hundred_at_once_one_holds_it(ledger: Ledger) -> None:
    begun = await asyncio.gather(*(ledger.intents.begin(intent(), lease_s=60) for _ in range(100)))
    assert sum(held for _, held in begun) == 1


async def test_what_ended_keeps_its_answer(ledger: Ledger) -> None:
    begun, _ = await ledger.intents.begin(intent(), lease_s=60)
    assert await ledger.intents.finish(begun, State.DONE, b"answer")
    again, held = await ledger.intents.begin(intent(), lease_s=60)
    assert not held
    assert (again.state, again.answer) == (State.DONE, b"answer")
    assert await ledger.intents.claim_due(limit=10, lease_s=60) == []
    assert await ledger.intents.unresolved() == (0, 0.0)


async def test_what_was_forgotten_may_be_tried_again(ledger: Ledger) -> None:
    begun, _ = await ledger.intents.begin(intent(), lease_s=60)
    assert await ledger.intents.forget(begun)
    again, held = await ledger.intents.begin(intent(), lease_s=60)
    assert held
    assert again.state is State.IN_FLIGHT


async def test_whoever_lost_the_lease_changes_nothing(ledger: Ledger) -> None:
    slow, _ = await ledger.intents.begin(intent(), lease_s=0)
    taken, held = await ledger.intents.begin(intent(), lease_s=60)
    assert held
    assert taken.state is State.UNKNOWN
    assert not await ledger.intents.finish(slow, State.DONE, b"late")
    assert not await ledger.intents.postpone(slow, delay_s=0)
    assert not await ledger.intents.forget(slow)
    assert await ledger.intents.finish(taken, State.DONE, b"in time")


async def test_one_whose_holder_is_gone_is_due_and_claimed_by_one(ledger: Ledger) -> None:
    await ledger.intents.begin(intent(), lease_s=0)
    claimed = await asyncio.gather(*(ledger.intents.claim_due(limit=10, lease_s=60) for _ in range(5)))
    (due,) = [one for some in claimed for one in some]
    assert (due.request_id, due.state, due.tries) == ("r-1", State.UNKNOWN, 0)


async def test_an_unknown_one_is_due_after_its_delay_and_counts_its_tries(ledger: Ledger) -> None:
    begun, _ = await ledger.intents.begin(intent(), lease_s=60)
    assert await ledger.intents.postpone(begun, delay_s=3_600)
    assert await ledger.intents.claim_due(limit=10, lease_s=60) == []
    count, age_s = await ledger.intents.unresolved()
    assert count == 1
    assert 0 <= age_s < 60
    taken, held = await ledger.intents.begin(intent(), lease_s=60)
    assert held, "its caller repeats it: it is asked about at once"
    assert (taken.state, taken.tries) == (State.UNKNOWN, 1)
    assert await ledger.intents.postpone(taken, delay_s=3_600, counts=False)
    taken, _ = await ledger.intents.begin(intent(), lease_s=60)
    assert taken.tries == 1, "a caller's question is none of the schedule's"
    assert await ledger.intents.postpone(taken, delay_s=0)
    (due,) = await ledger.intents.claim_due(limit=10, lease_s=60)
    assert due.tries == 2


async def test_the_oldest_due_come_first(ledger: Ledger) -> None:
    for name, delay_s in (("r-1", 0.0), ("r-2", -20.0), ("r-3", -10.0)):
        begun, _ = await ledger.intents.begin(intent(name), lease_s=60)
        await ledger.intents.postpone(begun, delay_s=delay_s)
    due = await ledger.intents.claim_due(limit=2, lease_s=60)
    assert sorted(one.request_id for one in due) == ["r-2", "r-3"]


async def test_a_known_request_is_found_by_the_providers_id_of_it(ledger: Ledger) -> None:
    begun, _ = await ledger.intents.begin(intent(), lease_s=60)
    known = KnownRequest(connector_request_id="ws_CO_1", account="600999", merchant_transaction_id="order-1")
    await ledger.intents.finish(begun, State.DONE, b"answer", known)
    assert await ledger.intents.known_request("default", "mpesa", "ws_CO_1") == known
    assert await ledger.intents.known_request("other", "mpesa", "ws_CO_1") is None
    assert await ledger.intents.known_request("default", "mpesa", "ws_CO_2") is None


async def test_a_request_may_be_known_before_its_answer_and_stays_so_without_one(ledger: Ledger) -> None:
    known = KnownRequest(connector_request_id="our-key", account="600999")
    begun, _ = await ledger.intents.begin(intent(), lease_s=60, known=known)
    assert await ledger.intents.known_request("default", "mpesa", "our-key") == known
    await ledger.intents.finish(begun, State.DONE, b"answer")
    assert await ledger.intents.known_request("default", "mpesa", "our-key") == known


async def test_what_is_being_asked_right_now_is_under_way(ledger: Ledger) -> None:
    assert not await ledger.intents.under_way("default", "mpesa")
    begun, _ = await ledger.intents.begin(intent(), lease_s=60)
    assert await ledger.intents.under_way("default", "mpesa")
    assert not await ledger.intents.under_way("other", "mpesa")
    assert not await ledger.intents.under_way("default", "stripe")
    await ledger.intents.postpone(begun, delay_s=60)
    assert not await ledger.intents.under_way("default", "mpesa"), "nobody holds it"


async def test_old_ones_that_ended_are_purged_and_no_others(ledger: Ledger) -> None:
    long_ago = time.time_ns() // 1000 - 40 * 86_400 * 1_000_000
    for name in ("ended", "unknown"):
        begun, _ = await ledger.intents.begin(intent(name, created_us=long_ago), lease_s=60)
        if name == "ended":
            await ledger.intents.finish(begun, State.REFUSED, b"status")
        else:
            await ledger.intents.postpone(begun, delay_s=3_600)
    begun, _ = await ledger.intents.begin(intent("new"), lease_s=60)
    await ledger.intents.finish(begun, State.DONE, b"answer")
    assert await ledger.intents.purge(older_than_s=31 * 86_400, limit=10) == 1
    assert await ledger.intents.purge(older_than_s=31 * 86_400, limit=10) == 0
    _, held = await ledger.intents.begin(intent("ended"), lease_s=60)
    assert held


def test_the_providers_key_is_the_same_for_every_repeat_and_differs_by_scope() -> None:
    one = intent()
    assert one.provider_key == intent().provider_key
    assert len(one.provider_key) == 36
    others = {
        intent_key("other", 1, "payment.authorize", "r-1"),
        intent_key("default", 2, "payment.authorize", "r-1"),
        intent_key("default", 1, "payment.capture", "r-1"),
        intent_key("default", 1, "payment.authorize", "r-2"),
    }
    assert len(others | {one.key}) == 5


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_restart_finds_what_was_in_flight(opened: object) -> None:
    first: Ledger = await opened()  # type: ignore[operator]
    await first.intents.begin(intent(), lease_s=0)
    await first.close()
    second: Ledger = await opened()  # type: ignore[operator]
    (due,) = await second.intents.claim_due(limit=10, lease_s=60)
    assert (due.request, due.request_hash) == (b"request", b"h" * 32)
