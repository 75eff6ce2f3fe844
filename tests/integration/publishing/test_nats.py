"""The NATS broker where it differs from others: streams, frozen servers, refusals, what nats-py does by itself."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import nats
import pytest

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message
from orchestratorx_prism.brokers.nats import NatsBroker
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

pytestmark = pytest.mark.nats


@pytest.fixture
def settings(nats_server: Any) -> BrokerSettings:
    return BrokerSettings("nats", url=nats_server.url, publish_timeout_s=1.5, ack_wait_s=5.0)


@pytest.fixture
async def opened(settings: BrokerSettings) -> AsyncIterator[Callable[..., NatsBroker]]:
    clients: list[NatsBroker] = []

    def open_one(**changes: Any) -> NatsBroker:
        clients.append(NatsBroker(replace(settings, **changes)))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
async def jetstream(nats_server: Any) -> AsyncIterator[Any]:
    """A bare nats-py client, to look at the server with."""
    client = await nats.connect(nats_server.url)
    yield client.jetstream()
    await client.close()


def message(number: int, key: str | None = None, **fields: Any) -> Message:
    fields = {"address": "payments.events", "routing_key": "payment.captured"} | fields
    key = f"key-{number}" if key is None else key
    return Message(id=str(uuid.uuid4()), key=key, **({"body": str(number).encode()} | fields))


async def until_published(broker: NatsBroker, one: Message) -> None:
    deadline = time.monotonic() + 15
    while (await broker.publish([one]))[0] is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_the_stream_is_made_with_safe_settings(opened: Callable[..., NatsBroker], jetstream: Any) -> None:
    await opened(subject_prefix="acme.live", stream="ACME").connect()

    config = (await jetstream.stream_info("ACME")).config
    assert (config.storage, config.retention, config.discard) == ("file", "limits", "new")
    assert (config.subjects, config.no_ack, config.num_replicas) == (["acme.live.>"], False, 1)
    assert (config.duplicate_window, config.max_age) == (120, 7 * 86_400)
    dead = (await jetstream.stream_info("ACME_DEAD_LETTERS")).config
    assert (dead.storage, dead.max_age, dead.subjects) == ("file", 0, ["dead_letters.ACME.>"])


async def test_an_event_is_on_the_subject_of_its_type_with_its_id(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    sent = message(1, headers={"ce-id": "1"})
    assert await opened(subject_prefix="acme", stream="ACME").publish([sent]) == [None]

    stored = await jetstream.get_last_msg("ACME", "acme.payments.events.payment.captured")
    assert (stored.data, stored.headers["Nats-Msg-Id"], stored.headers["ce-id"]) == (b"1", sent.id, "1")


async def test_two_replicas_that_start_at_once_make_one_stream(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    await asyncio.gather(opened().connect(), opened(max_age_s=3600.0).connect(), opened().connect())
    assert len(await jetstream.streams_info()) == 2


@pytest.mark.parametrize(
    ("existing", "fault"),
    [
        ({"subjects": ["payments.>"], "no_ack": True}, "acknowledges nothing"),
        ({"subjects": ["payments.events.refund.*"]}, "do not cover payments.>"),
    ],
)
async def test_a_stream_that_would_lose_messages_is_refused(
    opened: Callable[..., NatsBroker], jetstream: Any, existing: dict[str, Any], fault: str
) -> None:
    await jetstream.add_stream(name="PAYMENTS", **existing)
    with pytest.raises(SettingsRejected, match=fault):
        await opened().connect()


async def test_an_address_that_no_stream_takes_is_reported_and_others_pass(opened: Callable[..., NatsBroker]) -> None:
    outcomes = await opened().publish([message(1, address="orders.events"), message(2)])
    assert outcomes[0] is not None
    assert (outcomes[0].reason, outcomes[1]) == ("NO_STREAM", None)


async def test_a_message_the_server_would_refuse_fails_alone_and_holds_its_key_back(
    opened: Callable[..., NatsBroker],
) -> None:
    too_large = message(1, key="a", body=b"x" * 2_000_000)
    batch = [too_large, message(2, key="a"), message(3, key="b"), message(4, key="c", address="not a subject")]

    outcomes = await opened().publish(batch)

    assert [None if one is None else one.reason for one in outcomes] == [
        "MESSAGE_REFUSED",
        "ORDER_HELD",
        None,
        "MESSAGE_REFUSED",
    ]


async def test_what_the_client_could_not_write_before_the_break_is_not_sent_after_it(
    opened: Callable[..., NatsBroker], nats_server: Any, jetstream: Any
) -> None:
    broker = opened()
    await broker.connect()
    nats_server.freeze()
    # The first is more than the sockets take. nats-py keeps the second in a buffer of its own meanwhile, and would send
    # it when connected again.
    first = asyncio.create_task(broker.publish([message(n, body=b"x" * 100_000) for n in range(200)]))
    await asyncio.sleep(0.2)
    second = asyncio.create_task(broker.publish([message(n) for n in range(200, 210)]))
    await asyncio.sleep(0.2)
    nats_server.kill()
    assert all(isinstance(outcome, BrokerUnavailable) for outcome in [*await first, *await second])
    nats_server.start()

    last = message(1000)
    await until_published(broker, last)
    await asyncio.sleep(0.3)
    info = await jetstream.stream_info("PAYMENTS")
    assert info.state.messages == 1


async def test_a_frozen_server_fails_publishing_in_time_and_a_repeat_is_stored_once(
    opened: Callable[..., NatsBroker], nats_server: Any, jetstream: Any
) -> None:
    broker = opened()
    await broker.connect()
    batch = [message(n) for n in range(1500)]
    nats_server.freeze()
    async with asyncio.timeout(30):
        outcomes = await broker.publish(batch)
    assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)

    nats_server.thaw()
    waiting = batch
    async with asyncio.timeout(30):
        while waiting:
            outcomes = await broker.publish(waiting)
            waiting = [one for one, outcome in zip(waiting, outcomes, strict=True) if outcome is not None]
    assert await broker.publish(batch[:100]) == [None] * 100
    assert (await jetstream.stream_info("PAYMENTS")).state.messages == 1500


async def test_closing_does_not_wait_long_for_a_frozen_server(
    opened: Callable[..., NatsBroker], nats_server: Any
) -> None:
    broker = opened()
    await broker.connect()
    nats_server.freeze()
    closing = asyncio.create_task(broker.close())
    # The process is to stop within its grace; nats-py by itself would wait for 20 s, and not be interrupted.
    closed, _ = await asyncio.wait({closing}, timeout=15)
    nats_server.thaw()
    await closing
    assert closed


async def test_a_server_that_freezes_while_we_drain_does_not_hold_us_long(
    opened: Callable[..., NatsBroker], nats_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = opened()
    await broker.subscribe(["payments.events"], group="all")
    real, calls = nats.aio.client.Client.flush, 0

    async def flush(client: Any, timeout: int = 10) -> None:  # noqa: ASYNC109 - nats-py's own parameter
        nonlocal calls
        calls += 1
        if calls == 2:  # the first is ours, before the drain
            nats_server.freeze()
        await real(client, timeout)

    monkeypatch.setattr(nats.aio.client.Client, "flush", flush)
    closing = asyncio.create_task(broker.close())
    closed, _ = await asyncio.wait({closing}, timeout=15)
    assert calls >= 2
    nats_server.thaw()
    await closing
    assert closed


async def test_a_stream_deleted_under_us_is_made_again_and_its_readers_go_on(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    broker = opened()
    subscription = await broker.subscribe(["payments.events"], group="all")
    assert await broker.publish([message(1)]) == [None]
    await jetstream.delete_stream("PAYMENTS")

    await until_published(broker, message(2))

    found: list[bytes] = []
    for _ in range(50):
        try:
            found += [d.message.body for d in await subscription.fetch(limit=5, timeout_s=0.5)]
        except BrokerUnavailable:
            await asyncio.sleep(0.05)
        if found:
            break
    assert found == [b"2"]


async def test_a_stream_deleted_where_nobody_publishes_is_made_again_by_its_reader_and_is_told(
    opened: Callable[..., NatsBroker], jetstream: Any, caplog: pytest.LogCaptureFixture
) -> None:
    subscription = await opened().subscribe(["payments.events"], group="all")
    await jetstream.delete_stream("PAYMENTS")
    with pytest.raises(BrokerUnavailable):
        await subscription.fetch(limit=5, timeout_s=5)
    assert await subscription.fetch(limit=5, timeout_s=0.2) == []
    assert (await jetstream.stream_info("PAYMENTS")).state.consumer_count == 1
    assert "stream PAYMENTS was deleted with what was in it; made again" in caplog.text
    assert "the consumer of group all, or its stream, was deleted" in caplog.text


async def test_a_message_that_waits_behind_one_given_back_for_later_does_not_overtake_it_when_its_consumer_closes(
    opened: Callable[..., NatsBroker],
) -> None:
    broker = opened()
    await broker.publish([replace(message(number), key="one-key") for number in (1, 2)])
    leaving = await broker.subscribe(["payments.events"], group="all")
    (first,) = await leaving.fetch(limit=5, timeout_s=5)
    await first.nack(delay_s=1.0)
    assert await leaving.fetch(limit=5, timeout_s=0.1) == []
    await leaving.close()

    staying = await broker.subscribe(["payments.events"], group="all")
    found: list[bytes] = []
    for _ in range(50):
        for delivery in await staying.fetch(limit=5, timeout_s=0.2):
            found.append(delivery.message.body)
            await delivery.ack()
        if len(found) == 2:
            break
    assert found == [b"1", b"2"]


async def test_a_consumer_deleted_under_us_ends_the_fetch_and_the_next_makes_it_again(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    broker = opened()
    subscription = await broker.subscribe(["payments.events"], group="all")
    fetching = asyncio.create_task(subscription.fetch(limit=5, timeout_s=60))
    for _ in range(3_000):
        if (await jetstream.consumer_info("PAYMENTS", "all")).num_waiting:
            break
        await asyncio.sleep(0.01)
    await jetstream.delete_consumer("PAYMENTS", "all")
    with pytest.raises(BrokerUnavailable):
        await fetching

    await broker.publish([message(1)])
    assert [d.message.body for d in await subscription.fetch(limit=5, timeout_s=5)] == [b"1"]


async def test_messages_of_other_publishers_are_delivered_too(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    broker = opened()
    subscription = await broker.subscribe(["payments.events"], group="all")
    await jetstream.publish("payments.events.custom", b"theirs")

    (delivery,) = await subscription.fetch(limit=5, timeout_s=5)
    expected = Message(id="PAYMENTS:1", address="payments.events.custom", key="", body=b"theirs")
    assert delivery.message == expected


async def test_a_group_name_with_dots_and_spaces_makes_one_consumer(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    broker = opened()
    await broker.publish([message(1)])
    subscription = await broker.subscribe(["payments.events"], group="orders v2.0")
    (delivery,) = await subscription.fetch(limit=1, timeout_s=5)
    await delivery.dead_letter("refused")
    assert [info.name for info in await jetstream.consumers_info("PAYMENTS")] == ["orders_v2_0"]
    assert [dead.group for dead in await broker.dead_letters(group="orders v2.0")] == ["orders v2.0"]


@pytest.mark.parametrize("address", ["payments.ev*", "pay ments", "payments.>", ""])
async def test_an_address_that_nats_cannot_filter_by_is_refused(
    opened: Callable[..., NatsBroker], address: str
) -> None:
    with pytest.raises(RequestRejected):
        await opened().subscribe([address], group="all")


async def test_an_address_covered_by_another_is_asked_for_once(
    opened: Callable[..., NatsBroker], jetstream: Any
) -> None:
    broker = opened()
    await broker.publish([message(1)])
    subscription = await broker.subscribe(["payments.events", "payments.*"], group="all")
    assert len(await subscription.fetch(limit=5, timeout_s=5)) == 1
    assert (await jetstream.consumer_info("PAYMENTS", "all")).config.filter_subjects == ["payments.>"]


async def test_a_server_without_jetstream_is_reported_with_the_way_out(
    opened: Callable[..., NatsBroker], nats_server: Any
) -> None:
    nats_server.kill()
    nats_server.options = []
    nats_server.start()
    with pytest.raises(BrokerUnavailable, match="nats-server -js"):
        await opened().connect()


async def test_refused_credentials_are_unavailable_and_are_named_nowhere(
    opened: Callable[..., NatsBroker], nats_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    nats_server.kill()
    nats_server.options = ["-js", "--user", "relay", "--pass", "hush-hush-1"]
    nats_server.start()
    host = nats_server.url.removeprefix("nats://")
    wrong = opened(url=f"nats://relay:open-sesame@{host}")
    # The server may hang up before its refusal is read: what it says is not part of the promise.
    with pytest.raises(BrokerUnavailable, match="cannot connect") as refused:
        await wrong.connect()
    assert await opened(url=f"nats://relay:hush-hush-1@{host}").publish([message(1)]) == [None]
    said = f"{refused.value!s} {refused.value!r} {caplog.text}"
    assert "open-sesame" not in said
    assert "hush-hush" not in said


async def test_a_client_that_gave_up_is_replaced_at_the_next_call(opened: Callable[..., NatsBroker]) -> None:
    broker = opened()
    subscription = await broker.subscribe(["payments.events"], group="all")
    assert broker._link is not None
    # As nats-py does when the server ends the session: account revoked, too many connections.
    await broker._link.client.close()

    assert await broker.publish([message(1)]) == [None]
    (delivery,) = await subscription.fetch(limit=1, timeout_s=5)
    await delivery.ack()


async def test_an_address_where_nobody_listens_is_unavailable_at_once(
    opened: Callable[..., NatsBroker], nats_server: Any
) -> None:
    nats_server.kill()
    async with asyncio.timeout(30):
        with pytest.raises(BrokerUnavailable, match=r"Connection|Connect call failed"):
            await opened(publish_timeout_s=60.0).connect()


async def test_the_second_of_two_servers_is_used_when_the_first_is_away(
    opened: Callable[..., NatsBroker], nats_server: Any
) -> None:
    broker = opened(url=f"nats://127.0.0.1:1, {nats_server.url}")
    assert await broker.publish([message(1)]) == [None]


async def test_a_full_stream_refuses_and_keeps_what_it_has(opened: Callable[..., NatsBroker], jetstream: Any) -> None:
    await jetstream.add_stream(name="PAYMENTS", subjects=["payments.>"], max_msgs=2, discard="new")
    broker = opened()
    outcomes = await broker.publish([message(n) for n in range(3)])
    assert outcomes[:2] == [None, None]
    assert "maximum messages" in str(outcomes[2])
    first = await jetstream.get_msg("PAYMENTS", 1)
    assert json.loads(first.data) == 0
