"""The relay: everything is published, in order per key, whatever fails and for however long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from relay_waiting import by_key, until
from structlog.testing import capture_logs

from orchestrator.publishing.channels import BUILT_IN, DEFAULT_BROKER, Channel, Selection, built_in_channels
from orchestrator.publishing.relay import Relay, RelayOptions
from orchestratorx_prism.brokers import BrokerUnavailable
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.errors import SettingsRejected
from orchestratorx_prism.v1.event_pb2 import Event

MakeEvent = Callable[..., Event]
Started = Callable[..., Any]


async def test_what_is_recorded_is_published_with_the_time_and_marked_sent(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    await started()
    made = event()
    before = time.time()
    outbox.add(made)

    await until(lambda: outbox.unsent() == 0)

    (message,) = broker.accepted
    published = decode(message)
    assert before <= published.published_at.ToNanoseconds() / 1e9 <= time.time()
    published.ClearField("published_at")
    assert published == made
    assert counts.sums == {"published": 1, "failed": 0}
    assert len(counts.seconds) == 1
    assert 0 <= counts.seconds[0] < 20


async def test_a_backlog_goes_out_in_batches_in_the_order_of_each_key(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    for number in range(1, 301):
        outbox.add(event(f"pay_{number % 7}", number))
    await started(batch_size=50)

    await until(lambda: outbox.unsent() == 0)

    assert max(broker.batches) == 50
    assert all(sequences == sorted(sequences) for sequences in by_key(broker.accepted).values())


async def test_new_work_is_published_without_waiting_for_the_next_poll(
    outbox: Any, started: Started, event: MakeEvent
) -> None:
    await started(poll_s=30.0)
    await asyncio.sleep(0.05)
    outbox.add(event())
    await until(lambda: outbox.unsent() == 0, within_s=25.0)


async def test_an_outage_of_the_broker_loses_nothing_and_is_asked_after_with_growing_pauses(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    broker.down = True
    for number in range(1, 21):
        outbox.add(event(f"pay_{number % 3}", number))
    with capture_logs() as logs:
        await started()
        await until(lambda: broker.health_checks >= 6)
        assert len(broker.batches) == 1, "rows were claimed again before the broker was well"
        outbox.add(event("pay_0", 21))
        broker.down = False
        await until(lambda: outbox.unsent() == 0)

    assert all(sequences == sorted(sequences) for sequences in by_key(broker.accepted).values())
    assert counts.sums == {"published": 21, "failed": 20}
    waits = [entry for entry in logs if entry["event"] == "relay.waiting"]
    assert [entry["failures"] for entry in waits] == list(range(1, len(waits) + 1))
    assert {entry["reason"] for entry in waits} == {"BROKER_UNAVAILABLE"}


async def test_logs_of_failures_hold_no_body(outbox: Any, broker: Any, started: Started, event: MakeEvent) -> None:
    broker.down = True
    outbox.add(event("pay_secret", merchant_transaction_id="order-4711"))
    with capture_logs() as logs:
        await started()
        await until(lambda: broker.health_checks >= 1)
    assert logs
    assert "order-4711" not in str(logs)


async def test_a_refused_event_holds_its_own_key_back_and_no_other(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    broker.refused = {"pay_bad"}
    outbox.add(event("pay_bad", 1))
    outbox.add(event("pay_good", 1))
    outbox.add(event("pay_bad", 2))
    await started()
    await until(lambda: outbox.unsent() == 2)

    # Later events go out without the pauses of an outage.
    for number in range(2, 12):
        outbox.add(event("pay_good", number))
        await until(lambda: outbox.unsent() == 2)
    assert broker.health_checks == 0

    broker.refused = set()
    await until(lambda: outbox.unsent() == 0)
    assert by_key(broker.accepted) == {"pay_bad": [1, 2], "pay_good": list(range(1, 12))}


async def test_a_row_that_cannot_be_read_is_kept_and_blocks_only_its_key(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    outbox.add(b"\xff\xff", key="pay_bad")
    outbox.add(event("pay_bad", 2))
    outbox.add(event("pay_good", 1))
    with capture_logs() as logs:
        await started()
        await until(lambda: outbox.unsent() == 2 and outbox.rows[0].attempts >= 3)

    assert by_key(broker.accepted) == {"pay_good": [1]}
    assert counts.sums["failed"] >= 6
    assert any(entry["event"] == "relay.rows_failed" and entry["reason"] == "INTERNAL" for entry in logs)


@pytest.mark.parametrize("error", [BrokerUnavailable("down"), SettingsRejected("no_ack"), RuntimeError("a defect")])
async def test_whatever_publishing_raises_the_relay_goes_on(
    outbox: Any, broker: Any, started: Started, event: MakeEvent, error: Exception
) -> None:
    broker.raises = error
    outbox.add(event())
    await started(lease_s=0.3)
    await until(lambda: len(broker.batches) >= 2)
    broker.raises = None
    await until(lambda: outbox.unsent() == 0)


async def test_an_outage_of_the_database_is_survived(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    outbox.away = {"claim", "backlog", "wait_for_work", "purge_sent"}
    outbox.add(event())
    await started()
    await asyncio.sleep(0.1)
    assert broker.accepted == []
    outbox.away = set()
    await until(lambda: outbox.unsent() == 0)


async def test_marking_is_tried_again_so_that_an_event_is_published_once(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    outbox.away = {"complete"}
    outbox.add(event())
    await started()
    await until(lambda: len(broker.accepted) == 1)
    await asyncio.sleep(0.05)
    outbox.away = set()
    await until(lambda: outbox.unsent() == 0)
    assert len(broker.accepted) == 1


async def test_what_could_not_be_marked_while_the_lease_held_is_published_again_under_the_same_id(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    outbox.away = {"complete"}
    outbox.add(event())
    await started(lease_s=0.1)
    await until(lambda: len(broker.accepted) >= 2)
    outbox.away = set()
    await until(lambda: outbox.unsent() == 0)
    assert len({message.id for message in broker.accepted}) == 1


async def test_publishing_that_takes_longer_than_the_lease_is_cut_off_before_it_ends(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    broker.slow_s = 60.0
    outbox.add(event())
    began = time.monotonic()
    relay_options = RelayOptions(lease_s=0.4)
    assert relay_options.publish_within_s < relay_options.lease_s
    await started(lease_s=0.4)
    await until(lambda: broker.health_checks >= 1)
    assert relay_options.publish_within_s <= time.monotonic() - began
    broker.slow_s = 0.0
    await until(lambda: outbox.unsent() == 0)


async def test_several_relays_publish_every_event_once_and_keep_the_order(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    broker.slow_s = 0.005
    for number in range(1, 401):
        outbox.add(event(f"pay_{number % 20}", number))
    for _ in range(4):
        await started(batch_size=10)

    await until(lambda: outbox.unsent() == 0)

    assert len(broker.accepted) == 400
    assert all(sequences == sorted(sequences) for sequences in by_key(broker.accepted).values())


async def test_stopping_finishes_the_batch_in_hand_and_claims_no_more(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    broker.slow_s = 0.2
    for number in range(1, 21):
        outbox.add(event(f"pay_{number}"))
    relay = await started(batch_size=10)
    await until(lambda: len(broker.batches) == 1)

    await relay.stop()

    assert (len(broker.accepted), outbox.unsent()) == (10, 10)
    assert all(not row.claim_id for row in outbox.rows[10:])


async def test_stopping_does_not_wait_for_an_outage_or_a_pause_to_end(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    idle = await started(poll_s=30.0)
    broker.down = True
    waiting = await started(backoff_first_s=30.0, backoff_longest_s=30.0)
    outbox.add(event())
    await until(lambda: len(broker.batches) >= 1)
    async with asyncio.timeout(14):  # the shortest of those pauses is of 15 s
        await idle.stop()
        await waiting.stop()


async def test_a_relay_may_be_stopped_twice_and_started_again(outbox: Any, started: Started, event: MakeEvent) -> None:
    relay = await started()
    await relay.start()
    await relay.stop()
    await relay.stop()
    outbox.add(event())
    await asyncio.sleep(0.05)
    assert outbox.unsent() == 1
    await relay.start()
    await until(lambda: outbox.unsent() == 0)


async def test_what_a_channel_does_not_select_is_marked_and_not_published(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    outbox.add(event("pay_1", 1, type="refund.created"))
    outbox.add(event("pay_1", 2))
    await started([Channel("events", address="payments.events", selection=Selection(types=("payment.*",)))])

    await until(lambda: outbox.unsent() == 0)

    assert by_key(broker.accepted) == {"pay_1": [2]}
    assert counts.sums["published"] == 1


async def test_every_channel_publishes_its_own_rows(
    outbox: Any, broker: Any, started: Started, event: MakeEvent
) -> None:
    outbox.add(event("pay_1"), channel="events")
    outbox.add(event("pay_1"), channel="audit")
    await started([*built_in_channels(), Channel("audit", address="audit.{connector}", routing_key="")])
    await until(lambda: outbox.unsent() == 0)
    assert sorted(message.address for message in broker.accepted) == ["audit.stripe", "payments.events"]


async def test_the_age_of_the_oldest_is_reported_while_nothing_can_be_published(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    broker.down = True
    outbox.add(event())
    await started()
    await until(lambda: "events" in counts.last_backlog and counts.last_backlog["events"].unsent == 1)
    assert counts.last_backlog["events"].oldest_age_s == 42.0


async def test_sent_rows_leave_in_batches(outbox: Any, started: Started, event: MakeEvent) -> None:
    for number in range(25):
        outbox.add(event(f"pay_{number}"))
        outbox.rows[-1].sent = True
    await started(purge_batch=10, purge_every_s=30.0)
    await until(lambda: all(row.channel == "purged" for row in outbox.rows))


def test_pauses_grow_to_the_longest_and_no_two_relays_wait_equally_long() -> None:
    options = RelayOptions(backoff_first_s=0.2, backoff_longest_s=30.0)
    for failures in (1, 2, 5, 8, 9, 1_000_000):
        pauses = {options.backoff(failures) for _ in range(50)}
        longest = min(30.0, 0.2 * 2 ** min(failures - 1, 50))
        assert longest / 2 <= min(pauses) <= max(pauses) <= longest
        assert len(pauses) > 40


def test_a_channel_whose_broker_is_not_configured_is_refused(outbox: Any, broker: Any) -> None:
    channel = Channel("audit", address="audit", broker="archive")
    with pytest.raises(SettingsRejected, match="no broker archive"):
        Relay(outbox, [channel], {DEFAULT_BROKER: broker})


REQUESTS = BUILT_IN["payment_requests"]


def payout(event: MakeEvent, key: str, before: int, after: int) -> Event:
    made = event("", 0, type="payout.succeeded", partition_key=key)
    made.payout.payout_id = f"pyo_{key}"
    made.payout.request_status_before, made.payout.request_status = before, after  # type: ignore[assignment]
    return made


async def test_an_event_that_is_two_messages_is_sent_when_both_are(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    outbox.add(payout(event, "a", 0, 3), channel=REQUESTS.name)
    outbox.add(payout(event, "b", 3, 3), channel=REQUESTS.name)
    outbox.add(payout(event, "c", 1, 2), channel=REQUESTS.name)
    await started([REQUESTS])
    await until(lambda: outbox.unsent() == 0)
    kinds = [(message.key, message.headers["event-type"]) for message in broker.accepted]
    assert sorted(kinds) == [
        ("pyo_a", "PaymentRequestCreated"),
        ("pyo_a", "PaymentRequestUpdated"),
        ("pyo_c", "PaymentRequestUpdated"),
    ]
    assert kinds.index(("pyo_a", "PaymentRequestCreated")) < kinds.index(("pyo_a", "PaymentRequestUpdated"))
    assert counts.sums == {"published": 2, "failed": 0}


async def test_an_event_of_which_one_message_is_refused_is_tried_again_whole(
    outbox: Any, broker: Any, counts: Any, started: Started, event: MakeEvent
) -> None:
    refuse_updates = broker.publish
    first = True

    async def publish(messages: Any) -> Any:
        nonlocal first
        outcomes = await refuse_updates(messages)
        if first:
            first = False
            outcomes[-1] = BrokerUnavailable("too large", reason="MESSAGE_REFUSED")
        return outcomes

    broker.publish = publish
    outbox.add(payout(event, "a", 0, 3), channel=REQUESTS.name)
    await started([REQUESTS])
    await until(lambda: outbox.unsent() == 0)
    ids = [message.id for message in broker.accepted]
    assert len(ids) == 4
    assert ids[:2] == ids[2:], "under the same ids"
    assert counts.sums == {"published": 1, "failed": 1}
