"""The asynchronous clients, over a real gRPC server with a fake behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from orchestratorx_prism import (
    DeadlineExpired,
    EventClient,
    HandledEvent,
    NotFound,
    PaymentClient,
    PrismError,
    RequestRejected,
    SettingsRejected,
    SignatureRejected,
    Unavailable,
)
from orchestratorx_prism.transports.grpc import GrpcTransport, Retry
from orchestratorx_prism.v1.connector_pb2 import ENVIRONMENT_PRODUCTION, ENVIRONMENT_SANDBOX
from orchestratorx_prism.v1.event_service_pb2 import EventFilter, HandleEventRequest, ListEventsRequest


@pytest.fixture
async def client(fake: Any) -> AsyncIterator[EventClient]:
    async with EventClient(connector="stripe", target=fake.target, api_key="key-1", merchant_id="m1") as made:
        yield made


async def test_a_webhook_is_sent_with_the_clients_connector_environment_merchant_and_key(
    client: EventClient, fake: Any
) -> None:
    event = await client.handle_event({"payload": b"id-1", "headers": {"A": "b"}, "webhook_secret": "whsec_1"})
    assert event["type"] == "payment.captured"
    assert event["data"]["merchant_transaction_id"] == "order-1"
    assert fake.requests == [
        HandleEventRequest(
            connector="stripe",
            payload=b"id-1",
            headers={"A": "b"},
            webhook_secret="whsec_1",
            merchant_id="m1",
            environment=ENVIRONMENT_SANDBOX,
        )
    ]
    assert fake.metadata[0]["x-api-key"] == "key-1"


async def test_a_webhook_may_be_a_dict_keywords_or_a_message_and_say_its_own(client: EventClient, fake: Any) -> None:
    own: Any = {"payload": b"id-1", "connector": "adyen", "merchant_id": "m2", "environment": "production"}
    await client.handle_event(own)
    await client.handle_event(**own)
    await client.handle_event({"payload": b"id-1", "connector": "adyen"}, merchant_id="m2", environment="PRODUCTION")
    sent = HandleEventRequest(payload=b"id-1", connector="adyen", merchant_id="m2", environment=ENVIRONMENT_PRODUCTION)
    await client.handle_event(sent)
    assert fake.requests == [sent] * 4


async def test_a_message_is_filled_in_a_copy(client: EventClient, fake: Any) -> None:
    given = HandleEventRequest(payload=b"id-1")
    await client.handle_event(given)
    assert given == HandleEventRequest(payload=b"id-1")
    assert (fake.requests[0].connector, fake.requests[0].merchant_id) == ("stripe", "m1")
    with pytest.raises(RequestRejected):
        await client.handle_event(given, connector="adyen")


async def test_a_refusal_arrives_as_its_class(client: EventClient) -> None:
    with pytest.raises(SignatureRejected) as caught:
        await client.handle_event({"payload": b"forged"})
    assert caught.value.reason == "SIGNATURE_MISMATCH"
    assert caught.value.fix == "check the secret"
    with pytest.raises(NotFound):
        await client.get_event("none")


async def test_what_a_server_could_not_take_is_sent_again(
    client: EventClient, fake: Any, away: Callable[[int], list[PrismError]]
) -> None:
    fake.failures = away(3)
    assert await client.handle_event({"payload": b"id-1"})
    assert len(fake.requests) == 4


async def test_sending_again_is_bounded(
    client: EventClient, fake: Any, away: Callable[[int], list[PrismError]]
) -> None:
    fake.failures = away(9)
    with pytest.raises(Unavailable, match="away"):
        await client.handle_event({"payload": b"id-1"})
    assert len(fake.requests) == 4


async def test_a_refusal_is_not_sent_again(client: EventClient, fake: Any) -> None:
    with pytest.raises(SignatureRejected):
        await client.handle_event({"payload": b"forged"})
    assert len(fake.requests) == 1


async def test_no_retry_outlasts_the_calls_time(client: EventClient, fake: Any) -> None:
    fake.failures = [Unavailable("away", retry_after_s=30.0)]
    with pytest.raises(Unavailable):
        await client.handle_event({"payload": b"id-1"}, timeout_s=1.0)
    assert len(fake.requests) == 1


async def test_a_server_that_is_not_there_is_unavailable_and_the_fix_names_it() -> None:
    transport = GrpcTransport("127.0.0.1:1", retry=Retry(attempts=2, first_delay_s=0.001))
    async with EventClient(connector="stripe", transport=transport) as client:
        with pytest.raises(Unavailable) as caught:
            await client.handle_event({"payload": b"x"})
    await transport.close()
    assert "127.0.0.1:1" in caught.value.fix


async def test_a_call_that_takes_too_long_is_cut_off(client: EventClient, fake: Any) -> None:
    fake.delay_s = 5.0
    with pytest.raises(DeadlineExpired):
        await client.handle_event({"payload": b"x"}, timeout_s=0.1)


async def test_a_batch_answers_each_in_order(client: EventClient, fake: Any) -> None:
    results = await client.batch_handle_events([{"payload": b"a"}, {"payload": b"forged"}, {"payload": b"c"}])
    first, second, third = results
    assert isinstance(first, HandledEvent)
    assert first.id == "a"
    assert isinstance(second, SignatureRejected)
    assert isinstance(third, HandledEvent)
    assert all(request.connector == "stripe" for request in fake.requests[0].requests)


async def test_a_stream_answers_each_in_order_and_survives_a_refusal(client: EventClient) -> None:
    async def webhooks() -> AsyncIterator[dict[str, bytes]]:
        for body in (b"a", b"forged", b"c"):
            yield {"payload": body}

    answers = [answer async for answer in client.handle_events(webhooks())]
    assert [type(answer) for answer in answers] == [HandledEvent, SignatureRejected, HandledEvent]
    listed = [answer async for answer in client.handle_events([{"payload": b"x"}])]
    assert isinstance(listed[0], HandledEvent)


async def test_what_is_no_request_is_refused_in_its_place_and_the_rest_of_the_stream_goes_on(
    client: EventClient,
) -> None:
    given: Any = [{"payload": b"a"}, {"pay": b"b"}, {"payload": {"id": 1}}, None, {"payload": b"c"}]
    first, unknown, parsed, nothing, last = [answer async for answer in client.handle_events(given)]
    assert [answer.id for answer in (first, last) if isinstance(answer, HandledEvent)] == ["a", "c"]
    reasons = [answer.reason for answer in (unknown, parsed, nothing) if isinstance(answer, RequestRejected)]
    assert reasons == ["REQUEST_INVALID", "PAYLOAD_ALREADY_PARSED", "REQUEST_INVALID"]


async def test_what_a_stream_of_requests_raises_itself_is_raised_after_the_answers(client: EventClient) -> None:
    async def webhooks() -> AsyncIterator[dict[str, bytes]]:
        yield {"payload": b"a"}
        raise OSError("the queue is gone")

    answers = client.handle_events(webhooks())
    assert isinstance(await anext(answers), HandledEvent)
    with pytest.raises(OSError, match="queue"):
        await anext(answers)


async def test_what_is_no_request_is_refused_in_its_place_and_the_rest_of_the_batch_is_sent(
    client: EventClient, fake: Any
) -> None:
    given: Any = [{"pay": b"b"}, {"payload": b"a"}, {"payload": None}, {"payload": b"forged"}]
    unknown, handled, nothing, forged = await client.batch_handle_events(given)
    assert isinstance(handled, HandledEvent)
    assert handled.id == "a"
    assert isinstance(forged, SignatureRejected)
    assert [type(answer) for answer in (unknown, nothing)] == [RequestRejected, RequestRejected]
    assert [request.payload for request in fake.requests[0].requests] == [b"a", b"forged"]


async def test_a_batch_of_nothing_that_is_a_request_is_not_sent(client: EventClient, fake: Any) -> None:
    (refused,) = await client.batch_handle_events([{"payload": None}])
    assert isinstance(refused, RequestRejected)
    assert fake.requests == []


async def test_parsing_needs_no_secret_and_takes_text(client: EventClient, fake: Any) -> None:
    (parsed,) = await client.parse_event(payload='{"id": "evt_1"}', headers=[("A", "b")])
    assert (parsed.type, parsed["account"]) == ("payment.captured", "acct_1")
    assert fake.requests[0].connector == "stripe"
    assert fake.requests[0].payload == b'{"id": "evt_1"}'
    with pytest.raises(RequestRejected):
        await client.parse_event({"payload": {"id": "evt_1"}})


async def test_events_are_got_by_id_and_listed_by_page(client: EventClient, fake: Any) -> None:
    assert (await client.get_event("id-7")).id == "id-7"
    fake.pages = {"": (["a", "b"], "t1"), "t1": (["c"], "")}
    page = await client.list_events(types=["payment.*"], page_size=2)
    assert [event.id for event in page.events] == ["a", "b"]
    assert page.next_page_token == "t1"
    sent = fake.requests[-1]
    assert sent.filter == EventFilter(types=["payment.*"], merchant_id="m1")
    assert sent.page_size == 2


async def test_iterating_reads_every_page(client: EventClient, fake: Any) -> None:
    fake.pages = {"": (["a", "b"], "t1"), "t1": (["c"], "t2"), "t2": ([], "")}
    given = ListEventsRequest(filter=EventFilter(types=["refund.*"]))
    assert [event.id async for event in client.iterate_events(given)] == ["a", "b", "c"]
    assert given.page_token == ""
    assert [request.page_token for request in fake.requests] == ["", "t1", "t2"]


async def test_a_filter_is_given_whole_or_by_its_fields(client: EventClient, fake: Any) -> None:
    fake.pages = {"": ([], "")}
    await client.list_events({"filter": {"types": ["a.*"]}}, connectors=["stripe"])
    assert fake.requests[0].filter == EventFilter(types=["a.*"], connectors=["stripe"], merchant_id="m1")
    with pytest.raises(RequestRejected):
        await client.list_events(filter=EventFilter(), types=["a.*"])
    with pytest.raises(RequestRejected, match="typos"):
        await client.list_events(typos=["a.*"])  # type: ignore[call-arg]


async def test_replay_is_generated_and_takes_keywords(client: EventClient) -> None:
    assert (await client.replay_events(event_ids=["a", "b"])).replayed == 2


async def test_a_subscription_swallows_heartbeats_and_resumes_where_it_broke(client: EventClient, fake: Any) -> None:
    fake.subscriptions = [
        [("a", "1"), (None, "5"), Unavailable("the server stops")],
        [Unavailable("still away")],
        [("b", "6")],
    ]
    seen = [(event.id, event.cursor) async for event in client.subscribe_events(types=["payment.*"])]
    assert seen == [("a", "1"), ("b", "6")]
    assert [request.cursor for request in fake.requests] == ["", "5", "5"]
    assert all(list(request.filter.types) == ["payment.*"] for request in fake.requests)


async def test_a_subscription_that_broke_before_its_first_cursor_is_not_begun_again(
    client: EventClient, fake: Any
) -> None:
    fake.subscriptions = [[Unavailable("away")]]
    with pytest.raises(Unavailable):
        _ = [event async for event in client.subscribe_events()]
    fake.subscriptions = [[("a", "1"), Unavailable("away")]]
    with pytest.raises(Unavailable):
        _ = [event async for event in client.subscribe_events(reconnect=False)]


async def test_leaving_a_subscription_ends_its_call(client: EventClient, fake: Any) -> None:
    fake.subscriptions = [[("a", "1"), ("b", "2")]]
    events = client.subscribe_events(cursor="0")
    async for event in events:
        assert event.id == "a"
        break
    await events.aclose()  # type: ignore[attr-defined]


async def test_payments_come_by_the_same_transport(client: EventClient, fake: Any) -> None:
    payments = PaymentClient(transport=client.transport, merchant_id="m1")
    answer = await payments.get(payment_id="pay_1")
    assert answer.payment.id == "pay_1"
    assert fake.requests[0].merchant_id == "m1"
    fake.pages = {"": (["a"], "t"), "t": (["b"], "")}
    assert [payment.id async for payment in payments.iterate(statuses=["captured"])] == ["a", "b"]
    await payments.aclose()
    assert await client.get_event("the transport is still open")


async def test_writes_carry_an_idempotency_key_that_a_retry_keeps(
    fake: Any, away: Callable[[int], list[PrismError]]
) -> None:
    async with PaymentClient(target=fake.target) as payments:
        fake.failures = away(1)
        await payments.capture(payment_id="pay_1", amount={"minor_units": 500, "currency": "USD"})
        first, second = fake.requests
        assert first.request_id == second.request_id != ""
        await payments.capture({"payment_id": "pay_1", "request_id": "mine"})
        assert fake.requests[-1].request_id == "mine"


async def test_a_closed_client_says_so(fake: Any) -> None:
    client = EventClient(connector="stripe", target=fake.target)
    await client.aclose()
    await client.aclose()
    with pytest.raises(RequestRejected) as caught:
        await client.handle_event({"payload": b"x"})
    assert caught.value.reason == "CLIENT_CLOSED"


async def test_one_client_works_on_several_event_loops(fake: Any) -> None:
    client = EventClient(connector="stripe", target=fake.target)
    assert await client.get_event("here")
    assert await asyncio.to_thread(asyncio.run, _got(client))
    assert await asyncio.to_thread(asyncio.run, _got(client))
    await client.aclose()


async def _got(client: EventClient) -> bool:
    return bool((await client.get_event("there")).id == "there")


@pytest.mark.parametrize("target", ["http://127.0.0.1:5", "127.0.0.1", "", "localhost:"])
def test_a_target_that_is_no_address_is_refused_at_once(target: str) -> None:
    with pytest.raises(SettingsRejected):
        EventClient(connector="stripe", target=target)


def test_arguments_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingsRejected):
        EventClient(target="127.0.0.1:5", settings={})
    with pytest.raises(SettingsRejected):
        EventClient(insecure=True)
    with pytest.raises(SettingsRejected):
        EventClient(target="127.0.0.1:5", api_key="key\n")
    with pytest.raises(RequestRejected):
        EventClient(target="127.0.0.1:5", environment="TEST")


def test_a_client_shows_where_it_goes_and_no_key() -> None:
    assert repr(EventClient(target="127.0.0.1:5", api_key="key-1")) == "<EventClient at 127.0.0.1:5>"
