"""The same calls in this process and over gRPC, with the same results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from orchestratorx_prism import (
    CustomerClient,
    DisputeClient,
    EventClient,
    HandledEvent,
    NotFound,
    NotSupported,
    PayloadRejected,
    PayloadTooLarge,
    PaymentClient,
    PrismError,
    PrismEvent,
    RefundClient,
    RequestRejected,
    SettingsRejected,
    SignatureRejected,
    UnknownConnector,
    sync,
)
from orchestratorx_prism.testing import SignedWebhook, signed_webhook
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED

SECRET = "whsec_test_secret"
SECRETS = {
    "stripe": SECRET,
    "adyen": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    "paypal": "WH-2WR32451HC0233532-67976317FL4543714",
    "mpesa": "a-long-token-in-the-url",
}
CAPTURES = [
    ("stripe", "payment_intent.succeeded", "payment.captured"),
    ("adyen", "CAPTURE", "payment.captured"),
    ("paypal", "PAYMENT.CAPTURE.COMPLETED", "payment.captured"),
    ("mpesa", "stk.success", "payment.captured"),
]


def stripe(event_type: str = "payment_intent.succeeded", **values: Any) -> SignedWebhook:
    return signed_webhook("stripe", event_type, secret=SECRET, **values)


@pytest.fixture
async def client(where: dict[str, Any]) -> AsyncIterator[EventClient]:
    async with EventClient(connector="stripe", **where) as made:
        yield made


async def test_the_snippet_of_the_readme_runs(client: EventClient) -> None:
    webhook = stripe(merchant_transaction_id="order-7")
    raw, headers = webhook.body, webhook.headers
    event = await client.handle_event({"payload": raw, "headers": dict(headers), "webhook_secret": SECRET})
    assert event["type"] == "payment.captured"
    assert event["data"]["merchant_transaction_id"] == "order-7"
    assert event.type == "payment.captured"
    assert event.data.amount.minor_units == 1099
    assert [one.id for one in event.events] == [event.id]
    assert event.to_dict()["data"]["status"] == "CAPTURED"
    assert event.verification.method == "HMAC"
    assert event.acknowledgement.status == 200


def _comparable(event: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run: our clock, and ids that the ledger made."""
    for name in ("received_at", "published_at", "payment_id", "partition_key", "correlation_id"):
        event.pop(name, None)
    event.get("data", {}).pop("payment_id", None)
    return event


@pytest.mark.parametrize(("connector", "event_type", "expected"), CAPTURES)
async def test_every_connectors_webhook_gives_the_same_event_both_ways(
    reached: Any, connector: str, event_type: str, expected: str
) -> None:
    webhook = signed_webhook(connector, event_type, secret=SECRETS[connector])
    results = []
    for way in ("embedded", "grpc"):
        async with reached(way) as where, EventClient(**where) as client:
            handled = await client.handle_event(webhook.request())
            answer = handled.acknowledgement
            shown = [_comparable(event.to_dict()) for event in handled.events]
            results.append((shown, handled.duplicates, handled.verification.to_dict(), answer))
    assert results[0] == results[1]
    assert expected in {event["type"] for event in results[0][0]}
    assert {event["connector"] for event in results[0][0]} == {connector}


async def test_a_second_delivery_is_a_duplicate_of_the_same_event(client: EventClient) -> None:
    webhook = stripe()
    first = await client.handle_event(webhook.request())
    second = await client.handle_event(webhook.request())
    assert (first.duplicates, second.duplicates) == ((), (first.id,))
    assert _unpublished(second) == _unpublished(first)
    assert second.fresh == ()


def _unpublished(event: PrismEvent) -> dict[str, Any]:
    """As it was when it was recorded: the relay may have published it since."""
    shown = event.to_dict()
    shown.pop("published_at", None)
    return shown


@pytest.mark.parametrize("timeout_s", [float("inf"), 1e12])
async def test_a_time_limit_without_end_is_none(client: EventClient, timeout_s: float) -> None:
    assert (await client.handle_event(stripe().request(), timeout_s=timeout_s)).type == "payment.captured"
    outcomes = [one async for one in client.handle_events([stripe().request()], timeout_s=timeout_s)]
    assert [isinstance(one, HandledEvent) for one in outcomes] == [True]


REFUSED: list[tuple[str, dict[str, Any], type[PrismError], str]] = [
    ("forged", {"payload": b'{"id": "evt_1"}'}, SignatureRejected, "SIGNATURE_MISMATCH"),
    ("another secret", {"webhook_secret": "whsec_another"}, SignatureRejected, "SIGNATURE_MISMATCH"),
    ("no secret", {"webhook_secret": ""}, SignatureRejected, "SECRET_MISSING"),
    ("no signature", {"headers": {}}, SignatureRejected, "SIGNATURE_MISSING"),
    ("empty", {"payload": b""}, PayloadRejected, "PAYLOAD_EMPTY"),
    ("too large", {"payload": b" " * (1024 * 1024 + 1)}, PayloadTooLarge, "PAYLOAD_TOO_LARGE"),
    ("unknown connector", {"connector": "strype"}, UnknownConnector, "CONNECTOR_UNKNOWN"),
    ("unknown merchant", {"merchant_id": "nobody"}, RequestRejected, "MERCHANT_UNKNOWN"),
    ("parsed body", {"payload": {"id": "evt_1"}}, RequestRejected, "PAYLOAD_ALREADY_PARSED"),
]


@pytest.mark.parametrize(("changes", "kind", "reason"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
async def test_bad_input_is_refused_by_class_and_reason(
    client: EventClient, changes: dict[str, Any], kind: type[PrismError], reason: str
) -> None:
    with pytest.raises(PrismError) as caught:
        await client.handle_event({**stripe().request(), **changes})
    assert (type(caught.value), caught.value.reason) == (kind, reason)
    assert caught.value.fix
    assert not caught.value.retryable
    assert "whsec" not in str(caught.value).replace("whsec_…", "")


async def test_a_batch_and_a_stream_answer_each_in_order(client: EventClient) -> None:
    webhooks = [stripe(seed=1).request(), {**stripe(seed=2).request(), "payload": b"{}"}, stripe(seed=3).request()]
    batch = await client.batch_handle_events(webhooks)
    assert [type(outcome) for outcome in batch] == [HandledEvent, SignatureRejected, HandledEvent]
    streamed = [outcome async for outcome in client.handle_events(webhooks)]
    assert [type(outcome) for outcome in streamed] == [HandledEvent, SignatureRejected, HandledEvent]
    for first, second in zip(batch, streamed, strict=True):
        if isinstance(first, HandledEvent):
            assert isinstance(second, HandledEvent)
            assert second.duplicates == (first.id,)


async def test_what_is_no_request_is_refused_in_its_place(client: EventClient) -> None:
    given: Any = [stripe(seed=1).request(), {"body": b"x"}, stripe(seed=2).request()]
    for outcomes in (await client.batch_handle_events(given), [one async for one in client.handle_events(given)]):
        assert [type(outcome) for outcome in outcomes] == [HandledEvent, RequestRejected, HandledEvent]
        assert "body" in str(outcomes[1])


async def test_a_body_is_parsed_without_a_secret(client: EventClient) -> None:
    webhook = stripe(merchant_transaction_id="order-9")
    (parsed,) = await client.parse_event(payload=webhook.body, headers=webhook.headers)
    assert (parsed.type, parsed.merchant_transaction_id) == ("payment.captured", "order-9")
    assert parsed.provider_event_type == "payment_intent.succeeded"


@pytest.fixture
async def ledger(durable: dict[str, Any]) -> AsyncIterator[EventClient]:
    async with EventClient(connector="stripe", **durable) as made:
        yield made


async def test_recorded_events_are_got_listed_and_iterated(ledger: EventClient) -> None:
    recorded = [await ledger.handle_event(stripe(seed=seed).request()) for seed in range(5)]
    refund = await ledger.handle_event(stripe("charge.refunded", seed=0).request())
    assert _unpublished(await ledger.get_event(recorded[0].id)) == _unpublished(recorded[0])
    with pytest.raises(NotFound):
        await ledger.get_event("00000000-0000-8000-8000-000000000000")
    page = await ledger.list_events(types=["payment.*"], page_size=3)
    assert len(page.events) == 3
    assert page.next_page_token
    listed = [event.id async for event in ledger.iterate_events(types=["payment.*"], page_size=2)]
    assert listed == [event.id for event in reversed(recorded)]
    assert refund.id not in listed
    with pytest.raises(RequestRejected):
        await ledger.list_events(page_token="not one of ours")


async def test_recorded_events_can_be_replayed(ledger: EventClient) -> None:
    event = await ledger.handle_event(stripe().request())
    assert (await ledger.replay_events(event_ids=[event.id])).replayed == 1
    with pytest.raises(RequestRejected):
        await ledger.replay_events()


async def test_a_subscription_gives_what_was_recorded_and_what_comes(ledger: EventClient) -> None:
    before = await ledger.handle_event(stripe(seed=1).request())
    events = ledger.subscribe_events(cursor="0")
    first = await asyncio.wait_for(anext(events), 10)
    assert _unpublished(first) == _unpublished(before)
    after = await ledger.handle_event(stripe(seed=2).request())
    second = await asyncio.wait_for(anext(events), 10)
    assert _unpublished(second) == _unpublished(after)
    await events.aclose()  # type: ignore[attr-defined]
    resumed = ledger.subscribe_events(cursor=first.cursor)
    assert (await asyncio.wait_for(anext(resumed), 10)).id == after.id
    await resumed.aclose()  # type: ignore[attr-defined]


async def test_in_memory_subscribers_are_served_too(client: EventClient) -> None:
    recorded = await client.handle_event(stripe().request())
    events = client.subscribe_events(cursor="0")
    assert _unpublished(await asyncio.wait_for(anext(events), 10)) == _unpublished(recorded)
    await events.aclose()  # type: ignore[attr-defined]


async def test_payments_refunds_and_disputes_are_read_from_the_ledger(ledger: EventClient) -> None:
    paid = await ledger.handle_event(stripe(seed=4).request())
    await ledger.handle_event(stripe("refund.created", seed=4).request())
    await ledger.handle_event(stripe("charge.dispute.created", seed=4).request())
    payments = PaymentClient(transport=ledger.transport)
    payment = (await payments.get(payment_id=paid.payment_id)).payment
    assert payment.status == PAYMENT_STATUS_CAPTURED
    assert payment.captured.minor_units == 1099
    same = await payments.get({"connector": "stripe", "reference": paid.connector_transaction_id})
    assert same.payment == payment
    assert [one.id async for one in payments.iterate(statuses=["CAPTURED"])] == [payment.id]
    refunds = [one async for one in RefundClient(transport=ledger.transport).iterate(payment_id=payment.id)]
    assert [refund.payment_id for refund in refunds] == [payment.id]
    disputes = [one async for one in DisputeClient(transport=ledger.transport).iterate(payment_id=payment.id)]
    assert [dispute.payment_id for dispute in disputes] == [payment.id]
    with pytest.raises(NotFound):
        await payments.get(payment_id="pay_none")


async def test_an_operation_without_credentials_says_which_are_missing_and_where_they_are_found(
    ledger: EventClient,
) -> None:
    payments = PaymentClient(transport=ledger.transport)
    paid = await ledger.handle_event(stripe().request())
    with pytest.raises(SettingsRejected) as caught:
        await payments.capture(payment_id=paid.payment_id)
    assert "STRIPE_API_KEY" in str(caught.value)


async def test_an_operation_that_the_connector_does_not_declare_names_those_that_do(ledger: EventClient) -> None:
    with pytest.raises(NotSupported) as caught:
        await CustomerClient(transport=ledger.transport, connector="mpesa").create(profile={"name": "A"})
    assert caught.value.reason == "OPERATION_NOT_SUPPORTED"
    assert "stripe" in caught.value.metadata["connectors"]


async def test_a_blocking_client_gives_the_same(where: dict[str, Any]) -> None:
    webhook = stripe()

    def handle() -> tuple[HandledEvent, HandledEvent]:
        with sync.EventClient(connector="stripe", **where) as client:
            return client.handle_event(webhook.request()), client.handle_event(webhook.request())

    first, second = await asyncio.to_thread(handle)
    assert first["data"]["merchant_transaction_id"] == "order-1"
    assert second.duplicates == (first.id,)


async def test_an_api_key_is_asked_for_and_sent(reached: Any) -> None:
    async with reached("grpc", {"database_url": "memory:", "api_keys": ["a-key-of-the-server"]}) as where:
        async with EventClient(connector="stripe", api_key="a-key-of-the-server", **where) as client:
            assert await client.handle_event(stripe().request())
        async with EventClient(connector="stripe", api_key="another", **where) as client:
            with pytest.raises(PrismError) as caught:
                await client.handle_event(stripe().request())
    assert caught.value.reason == "CREDENTIALS_REFUSED"
    assert "another" not in str(caught.value)
