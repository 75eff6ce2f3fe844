"""All three channels at once, over two brokers, fed by signed webhooks of every provider."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.bootstrap import Application, build
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.brokers import open_broker
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.envelopes.payment_requests import STREAM, PaymentRequestEvent
from orchestratorx_prism.envelopes.payments import PaymentMessage
from orchestratorx_prism.from_values import from_dict
from orchestratorx_prism.testing import signed_webhook
from orchestratorx_prism.v1.event_service_pb2 import EventFilter, HandleEventRequest, ReplayEventsRequest

SECRETS = {"stripe": "whsec_test", "adyen": "44" * 32, "paypal": "WH-1", "mpesa": "a-token-of-16-and-more"}

ALL = pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])


@pytest.fixture
def settings(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> dict[str, Any]:
    url = f"sqlite:///{tmp_path / 'x.db'}" if database == "sqlite" else request.getfixturevalue("fresh_postgres_url")
    return {
        "database_url": url,
        "sandbox_env": "sit",
        "messaging": {"url": f"memory://{tmp_path.name}"},
        "brokers": {"requests": {"url": f"memory://{tmp_path.name}-requests"}},
        "channels": {"payments": {}, "payment_requests": {"broker": "requests"}},
    }


@pytest_asyncio.fixture
async def application(settings: dict[str, Any]) -> AsyncIterator[Application]:
    made = build(settings_from(settings))
    await made.start()
    yield made
    await made.stop()


async def post(application: Application, connector: str, *types: str, **more: Any) -> None:
    for step, name in enumerate(types):
        webhook = signed_webhook(
            connector, name, secret=SECRETS[connector], now_s=int(time.time()), **({"step": step} | more)
        )
        values = {name: value for name, value in webhook.request().items() if value}
        await application.services.events.handle_event(from_dict(HandleEventRequest, values))


async def drained(
    application: Application, address: str, broker: str, channel: str, *, expect: int, group: str = "test"
) -> list[Any]:
    """As many messages of the address as are expected, and whatever comes besides once all is published."""
    while (await application.ledger.outbox.backlog(channel)).unsent:  # noqa: ASYNC110 - the outbox has no event for it
        await asyncio.sleep(0.01)
    section = application.settings.messaging if broker == "default" else application.settings.brokers[broker]
    reader = open_broker(section.broker_settings())
    await reader.connect()
    subscription = await reader.subscribe([address], group=f"{group}-{channel}")
    found: list[Any] = []
    end = time.monotonic() + 20
    while True:
        wanting = len(found) < expect and time.monotonic() < end
        deliveries = await subscription.fetch(limit=100, timeout_s=1.0 if wanting else 0.05)
        if not deliveries and not wanting:
            break
        for delivery in deliveries:
            found.append(delivery.message)
            await delivery.ack()
    await subscription.close()
    await reader.close()
    return found


def lives(messages: Sequence[Any]) -> dict[str, list[tuple[str, str]]]:
    """Payment request → what was told of it, in order."""
    found: dict[str, list[tuple[str, str]]] = {}
    for message in messages:
        event = PaymentRequestEvent.from_json(message.body)
        assert message.key == event.payment_request_id
        found.setdefault(event.payment_request_id, []).append((event.EVENT_TYPE, event.status))
    return found


CREATED = ("PaymentRequestCreated", "submitted")


def updated(status: str) -> tuple[str, str]:
    return ("PaymentRequestUpdated", status)


@ALL
@pytest.mark.parametrize(
    ("connector", "types", "told"),
    [
        ("stripe", ("payout.created", "payout.paid"), [CREATED, updated("succeeded")]),
        (
            "stripe",
            ("payout.created", "payout.paid", "payout.failed"),
            [CREATED, updated("succeeded"), ("PaymentRequestRefunded", "succeeded")],
        ),
        ("stripe", ("payout.failed", "payout.created"), [CREATED, updated("failed")]),
        (
            "paypal",
            ("PAYMENT.PAYOUTS-ITEM.HELD", "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "PAYMENT.PAYOUTS-ITEM.REFUNDED"),
            [CREATED, updated("pending"), updated("succeeded"), ("PaymentRequestRefunded", "succeeded")],
        ),
        (
            "paypal",
            ("PAYMENT.PAYOUTS-ITEM.UNCLAIMED", "PAYMENT.PAYOUTS-ITEM.RETURNED"),
            [CREATED, updated("pending"), updated("failed")],
        ),
        ("paypal", ("PAYMENT.PAYOUTSBATCH.PROCESSING", "PAYMENT.PAYOUTSBATCH.SUCCESS"), None),
        ("adyen", ("PAYOUT_THIRDPARTY",), [CREATED, updated("succeeded")]),
        ("mpesa", ("b2c.accepted", "b2c.success"), [CREATED, updated("pending"), updated("succeeded")]),
        ("mpesa", ("b2c.accepted", "b2c.failed"), [CREATED, updated("pending"), updated("failed")]),
        ("mpesa", ("b2c.timeout", "b2c.success"), [CREATED, updated("pending"), updated("succeeded")]),
    ],
)
async def test_payouts_of_every_provider_are_told_as_payment_requests(
    application: Application, connector: str, types: tuple[str, ...], told: list[tuple[str, str]] | None
) -> None:
    same_payout = {"step": 0} if connector == "mpesa" else {}
    for place, name in enumerate(types):
        # Stripe's ids of webhooks hang on the step, M-Pesa's of payouts too.
        await post(application, connector, name, **(same_payout or {"step": place}))
    messages = await drained(application, STREAM, "requests", "payment_requests", expect=len(told or ()))
    found = list(lives(messages).values())
    assert found == ([told] if told else [])


@ALL
async def test_one_webhook_reaches_every_channel_that_takes_it(application: Application) -> None:
    await post(application, "stripe", "payment_intent.succeeded", "payout.paid", "customer.created")
    messages = await drained(application, "payments.events", "default", "events", expect=3)
    events = [decode(message).type for message in messages]
    assert sorted(events) == ["customer.created", "payment.captured", "payout.succeeded"]
    (payment,) = await drained(application, "payments.sit.events", "default", "payments", expect=1)
    message = PaymentMessage.from_json(payment.body)
    assert (message.event_type, message.payload.order_id) == ("PAYMENT_PROCESSED", "order-1")
    amount = message.payload.amount.money()
    assert amount is not None
    assert (amount.minor_units, amount.currency) == (1099, "USD")
    assert payment.key == message.payload.payment_id
    requests = await drained(application, STREAM, "requests", "payment_requests", expect=2)
    assert list(lives(requests).values()) == [[CREATED, updated("succeeded")]]
    ids = {m.id for m in requests} | {payment.id}
    assert len(ids) == 3


@ALL
async def test_a_channel_that_is_switched_on_later_tells_the_past_by_a_replay(settings: dict[str, Any]) -> None:
    before = build(settings_from(settings | {"channels": {}}))
    await before.start()
    await post(before, "stripe", "payout.created")
    await before.stop()
    after = build(settings_from(settings))
    await after.start()
    try:
        await post(after, "stripe", "payout.paid", step=1)
        (told,) = lives(await drained(after, STREAM, "requests", "payment_requests", expect=1)).values()
        assert told == [updated("succeeded")]
        request = ReplayEventsRequest(channel="payment_requests", filter=EventFilter(types=["payout.*"]))
        await after.services.events.replay_events(request)
        # What was published a moment ago has the same id again, and the broker drops it.
        (told,) = lives(await drained(after, STREAM, "requests", "payment_requests", expect=1)).values()
        assert told == [CREATED]
    finally:
        await after.stop()


@pytest.mark.nats
async def test_all_channels_over_one_real_broker(tmp_path: Path, nats_url: str) -> None:
    prefix = f"t{uuid.uuid4().hex[:12]}"
    settings = {
        "database_url": f"sqlite:///{tmp_path / 'x.db'}",
        "messaging": {
            "broker_type": "nats",
            "url": nats_url,
            "subject_prefix": prefix,
            "stream": prefix.upper(),
        },
        "channels": {"payments": {}, "payment_requests": {}},
    }
    application = build(settings_from(settings))
    await application.start()
    try:
        await post(application, "stripe", "payment_intent.succeeded", "payout.paid")
        payments = await drained(application, "payments.dev.events", "default", "payments", expect=1)
        assert [PaymentMessage.from_json(m.body).event_type for m in payments] == ["PAYMENT_PROCESSED"]
        requests = await drained(application, STREAM, "default", "payment_requests", expect=2)
        assert list(lives(requests).values()) == [[CREATED, updated("succeeded")]]
        await application.check_brokers()
    finally:
        await application.stop()
