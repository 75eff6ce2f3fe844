"""Claims: leases, fencing, limits that count over all processes, fairness, and what is taken first."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from receivers import Receiver, Reply
from sqlalchemy import func, select, update

from orchestrator.access import audit
from orchestrator.delivery.claims import FIND, Claimed, claim
from orchestrator.delivery.completing import Outcome, complete
from orchestrator.delivery.endpoint_ids import endpoint_id, endpoint_number
from orchestrator.delivery.housekeeping import purge, release, standing
from orchestrator.delivery.sharing import Pace, Slots
from orchestrator.delivery.verdicts import Answer, judge
from orchestrator.ledger.schema_delivery import attempts, deliveries, delivery_queue, endpoint_states
from orchestrator.ledger.tables import now_us
from orchestratorx_prism.v1 import delivery_service_pb2 as dpb
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb

LONG_US = 60_000_000
DEAD = "http://127.0.0.1:9999/"


def eager(*numbers: int) -> dict[int, Pace]:
    """Endpoints that have earned all they may have."""
    return {number: Pace(window=100) for number in numbers}


async def take(
    desk: Any,
    mark: bytes = b"a",
    *,
    lease_us: int = LONG_US,
    most: int = 100,
    paces: Any = None,
    slow: int | None = None,
) -> Claimed:
    slots = Slots(most, most if slow is None else slow)
    found = await desk.ledger.tables.read(FIND)
    claimed: Claimed = await desk.ledger.tables.transact(
        lambda: claim(found, mark * 16, lease_us, slots, paces or {}, random.Random(1).shuffle)
    )
    return claimed


async def end(desk: Any, claimed: Claimed, status: int) -> None:
    outcomes = []
    for owed in claimed.owed:
        answer = Answer(status)
        outcomes.append(Outcome(owed, answer, judge(answer, 0.0), 1, 2, "https://x", "{}", "{}"))
    await desk.ledger.tables.transact(
        lambda: complete(outcomes, lambda: 0.0, disable_after_us=LONG_US, note=audit.append, name_of=endpoint_id)
    )


async def number_of(desk: Any, url: str = DEAD, **fields: Any) -> int:
    made = await desk.endpoint(url, **fields)
    number = endpoint_number(made.endpoint.endpoint_id)
    assert number is not None
    return number


async def test_what_one_process_holds_no_other_takes_until_its_lease_ends(desk: Any) -> None:
    number = await number_of(desk)
    await desk.tell()
    first = await take(desk, lease_us=300_000)
    assert len(first.owed) == 1
    assert (await take(desk, b"b")).owed == []
    await asyncio.sleep(0.4)
    second = await take(desk, b"b", paces=eager(number))
    assert [one.key for one in second.owed] == [first.owed[0].key]


async def test_whoever_comes_back_after_its_lease_has_ended_changes_nothing(desk: Any) -> None:
    await number_of(desk)
    await desk.tell()
    late = await take(desk, lease_us=1)
    await asyncio.sleep(0.01)
    holding = await take(desk, b"b")
    await end(desk, late, 500)
    [waiting] = await desk.listed()
    assert (waiting.state, waiting.attempts) == (1, 0)
    await desk.ledger.tables.transact(lambda: release(late.owed))
    assert (await take(desk, b"c")).owed == [], "the second still holds it"
    await end(desk, holding, 200)
    [delivered] = await desk.listed()
    assert (delivered.state, delivered.attempts) == (2, 1)


async def test_the_limit_of_requests_at_once_counts_over_all_processes(desk: Any) -> None:
    number = await number_of(desk, max_in_flight=3)
    for _ in range(10):
        await desk.tell()
    assert len((await take(desk, b"a", most=2, paces=eager(number))).owed) == 2
    assert len((await take(desk, b"b", paces=eager(number))).owed) == 1
    assert (await take(desk, b"c", paces=eager(number))).owed == []


async def test_the_limit_of_requests_a_second_counts_over_all_processes(desk: Any) -> None:
    number = await number_of(desk, per_second=5, max_in_flight=100)
    for _ in range(30):
        await desk.tell()
    taken = 0
    began = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began < 1.0:
        for mark in (b"a", b"b"):
            taken += len((await take(desk, mark, paces=eager(number))).owed)
        await asyncio.sleep(0.02)
    span = asyncio.get_running_loop().time() - began
    assert 3 <= taken <= 5 * (span + 0.3) + 1
    found = await take(desk, b"c", paces=eager(number))
    assert found.owed or found.next_look_s is not None, "it is known when to look again"


async def test_slots_are_shared_fairly_and_a_backlog_takes_no_more_than_its_part(desk: Any) -> None:
    busy = await number_of(desk, event_types=["payment.*"])
    quiet = await number_of(desk, event_types=["payment.authorized"])
    for _ in range(30):
        await desk.tell("payment.created")
    await desk.tell("payment.authorized")
    claimed = await take(desk, most=10, paces=eager(busy, quiet))
    assert sum(one.endpoint == quiet for one in claimed.owed) == 1
    assert 5 <= sum(one.endpoint == busy for one in claimed.owed) <= 9


async def test_first_attempts_have_slots_that_repeats_cannot_take(desk: Any) -> None:
    failing = await number_of(desk, event_types=["refund.*"])
    well = await number_of(desk, event_types=["payment.*"])
    for _ in range(10):
        await desk.tell("refund.succeeded", connector_refund_id="r")
    await end(desk, await take(desk, paces=eager(failing)), 500)
    tables = desk.ledger.tables
    await tables.transact(_all_due)
    await desk.tell("payment.created")
    claimed = await take(desk, most=8, slow=3, paces=eager(failing, well))
    assert sum(one.again for one in claimed.owed) <= 3
    assert sum(one.endpoint == well for one in claimed.owed) == 1


def _all_due() -> Any:
    yield update(delivery_queue).values(due_at=now_us() - 1)
    yield update(endpoint_states).values(slowed_until=0)


async def test_after_failures_in_a_row_the_whole_endpoint_is_left_alone_for_a_while(desk: Any) -> None:
    number = await number_of(desk)
    for _ in range(8):
        await desk.tell()
    await end(desk, await take(desk, most=4, paces=eager(number)), 500)
    resting = await take(desk, b"b", paces=eager(number))
    assert resting.owed == []
    assert resting.next_look_s is not None
    assert 0 < resting.next_look_s <= 60
    [(strikes, since)] = await desk.ledger.tables.read(
        select(endpoint_states.c.strikes, endpoint_states.c.failing_since)
    )
    assert strikes == 4
    assert since is not None


async def test_an_endpoint_that_says_it_is_overloaded_is_left_alone_at_once(desk: Any) -> None:
    number = await number_of(desk)
    for _ in range(3):
        await desk.tell()
    await end(desk, await take(desk, most=1, paces=eager(number)), 429)
    assert (await take(desk, b"b", paces=eager(number))).owed == []


async def test_an_endpoint_gets_what_is_recorded_after_it_was_made(desk: Any) -> None:
    await desk.tell()
    await number_of(desk)
    event = await desk.tell()
    assert [one.event_id for one in await desk.listed()] == [event.id]


async def test_a_webhook_that_comes_twice_is_owed_once(desk: Any) -> None:
    from ledger_events import make, money

    from orchestrator.ledger.base import Recording

    await number_of(desk)
    for _ in range(2):
        event = make("payment.captured", "same", amount=money(5), operation_id="c")
        await desk.ledger.record(Recording([event]))
    assert len(await desk.listed()) == 1


async def test_old_deliveries_go_with_their_attempts_and_what_is_owed_stays(desk: Any, receiver: Receiver) -> None:
    await desk.endpoint(receiver.url, event_types=["payment.captured"])
    await number_of(desk, event_types=["refund.*"])
    desk.dispatcher().start()
    await desk.tell()
    await desk.until(lambda found: [one.state for one in found] == [2])
    await desk.dispatchers[0].stop()
    await desk.tell("refund.succeeded", connector_refund_id="r")
    tables = desk.ledger.tables
    assert await tables.transact(lambda: purge(LONG_US)) == 0
    await tables.transact(_aged)
    assert await tables.transact(lambda: purge(LONG_US)) == 1
    assert (await tables.read(select(func.count()).select_from(attempts)))[0][0] == 0
    assert [one.state for one in await desk.listed()] == [1]


def _aged() -> Any:
    yield update(deliveries).values(created_at=deliveries.c.created_at - 2 * LONG_US)


async def test_it_is_told_how_deliveries_stand(desk: Any) -> None:
    assert (await standing(desk.ledger.tables)).waiting == 0
    await number_of(desk)
    await desk.tell()
    await asyncio.sleep(0.05)
    stands = await standing(desk.ledger.tables)
    assert stands.waiting == 1
    assert 0.0 < stands.oldest_age_s < 60
    assert 0.0 < stands.throttled_lag_s < 60
    assert (stands.failing_endpoints, stands.failed_endpoints) == (0, 0)


async def test_a_slow_endpoint_does_not_delay_another(desk: Any) -> None:
    async with Receiver(lambda _: Reply(hang=True)) as hanging, Receiver() as well:
        for _ in range(5):
            await desk.endpoint(hanging.url)
        await desk.endpoint(well.url)
        desk.dispatcher(slots=16).start()
        for _ in range(40):
            await desk.tell()
        await well.until(lambda: len({one.id for one in well.received}) == 40, 15.0)
        assert len({one.id for one in hanging.received}) < 200


async def test_a_stop_lets_what_is_under_way_end_and_gives_back_what_does_not(desk: Any) -> None:
    async with Receiver(lambda received: Reply(delay_s=0.3, hang="slow" in received.path)) as receiver:
        await desk.endpoint(receiver.url + "/quick")
        await desk.endpoint(receiver.url + "/slow")
        dispatcher = desk.dispatcher(drain_s=0.8, timeout_s=30.0)
        dispatcher.start()
        await desk.tell()
        await receiver.until(lambda: receiver.under_way == 2)
        await dispatcher.stop()
        states = sorted((one.state, one.attempts) for one in await desk.listed())
        assert states == [(1, 0), (2, 1)]
        assert len((await take(desk, b"z")).owed) == 1, "the other may be claimed at once"


async def test_a_rotation_while_deliveries_flow_fails_no_verification(desk: Any, receiver: Receiver) -> None:
    from orchestratorx_prism import webhooks

    made = await desk.endpoint(receiver.url, asymmetric=True)
    number = made.endpoint.endpoint_id
    known = [made.secret]
    refused: list[str] = []

    def check(received: Any) -> Reply:
        # A receiver knows the newest secret it was told of, or still the one before.
        for secret in known[-2:]:
            try:
                webhooks.verify(received.body, received.headers, secret)
            except Exception as error:
                refused.append(repr(error))
        return Reply()

    receiver.behaviour = check
    desk.dispatcher().start()
    for turn in range(6):
        for _ in range(5):
            await desk.tell()
        if turn in (1, 3):
            # Both are signed with from the next claim on; the receiver is told only after that.
            rotated = await desk.endpoints.rotate_secret(
                pb.WebhookEndpointServiceRotateSecretRequest(endpoint_id=number, overlap_s=600)
            )
            await desk.until(lambda found: all(one.state == 2 for one in found))
            known.append(rotated.secret)
    await desk.until(lambda found: len(found) == 30 and all(one.state == 2 for one in found))
    assert refused == []
    shown = (await desk.endpoints.get(pb.WebhookEndpointServiceGetRequest(endpoint_id=number))).endpoint
    assert len(shown.masked_secrets) == 3
    assert all(secret not in str(shown) for secret in known)


async def test_replay_many_sends_what_the_filter_chooses_and_asks_the_merchant(desk: Any, receiver: Receiver) -> None:
    first = await desk.endpoint(receiver.url + "/1")
    await desk.endpoint(receiver.url + "/2")
    desk.dispatcher().start()
    for _ in range(3):
        await desk.tell()
    await desk.until(lambda found: len(found) == 6 and all(one.state == 2 for one in found))
    where = dpb.DeliveryFilter(endpoint_id=first.endpoint.endpoint_id, states=[2])
    many = dpb.DeliveryServiceReplayManyRequest
    assert (await desk.deliveries.replay_many(many(filter=where))).count == 3
    await receiver.until(lambda: len(receiver.received) == 9)
    assert sum(one.path == "/1" for one in receiver.received) == 6
    where.merchant_id = "other"
    assert (await desk.deliveries.replay_many(many(filter=where))).count == 0


async def test_without_endpoints_recordings_are_no_reason_to_look(desk: Any) -> None:
    """What is recorded a thousand times a second must cost nothing where nobody is to be sent to."""
    looked = 0
    read = desk.ledger.tables.read

    async def counted(statement: Any) -> Any:
        nonlocal looked
        looked += statement is FIND
        return await read(statement)

    dispatcher = desk.dispatcher(poll_s=30.0)
    dispatcher._tables = type("Counted", (), {"read": staticmethod(counted)})()
    dispatcher.start()
    await asyncio.sleep(0.2)
    first = looked
    for _ in range(20):
        await desk.tell()
    await asyncio.sleep(0.2)
    assert first == looked == 1
