"""From a recorded event to an endpoint, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from receivers import Receiver, Reply
from standardwebhooks import Webhook

from orchestratorx_prism.v1 import delivery_service_pb2 as dpb
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb

PENDING, DELIVERED, FAILED, CANCELED = 1, 2, 3, 4


async def test_an_event_is_delivered_signed_to_the_endpoints_that_want_it(desk: Any, receiver: Receiver) -> None:
    wants = await desk.endpoint(receiver.url + "/a", event_types=["payment.*"])
    await desk.endpoint(receiver.url + "/b", event_types=["refund.succeeded"])
    other = await desk.endpoint(receiver.url + "/c", merchant_id="other")
    event = await desk.tell()
    desk.dispatcher().start()
    await receiver.until(lambda: len(receiver.received) >= 1)
    await desk.until(lambda found: [one.state for one in found] == [DELIVERED])

    [received] = receiver.received
    assert received.path == "/a"
    verified = Webhook(wants.secret).verify(received.body, received.headers)
    assert verified["type"] == "payment.captured"
    assert verified["data"]["id"] == event.id
    assert verified["timestamp"] == json.loads(received.body)["data"]["occurred_at"]
    [delivery] = await desk.listed()
    assert received.id == delivery.delivery_id
    assert delivery.event_id == event.id
    assert delivery.payment_id == event.payment_id
    assert (delivery.attempts, delivery.last_status_code) == (1, 200)
    assert not delivery.HasField("next_attempt_at")
    shown = await desk.deliveries.get(dpb.DeliveryServiceGetRequest(delivery_id=delivery.delivery_id))
    assert shown.request_body == received.body
    [attempt] = shown.attempts
    assert (attempt.number, attempt.status_code, attempt.response_body, attempt.error) == (1, 200, "ok", "")
    assert attempt.request_headers["webhook-signature"] == "····"
    assert not await desk.listed(merchant_id="other"), other.endpoint.endpoint_id


async def test_a_failed_attempt_is_repeated_under_the_same_id_with_the_same_bytes(
    desk: Any, receiver: Receiver
) -> None:
    answers = iter([500, 200])
    receiver.behaviour = lambda _: Reply(next(answers))
    await desk.endpoint(receiver.url)
    await desk.tell()
    desk.dispatcher().start()
    await desk.until(lambda found: found[0].attempts == 1)
    [waiting] = await desk.listed()
    assert waiting.state == PENDING
    assert waiting.HasField("next_attempt_at")
    await desk.deliveries.replay(dpb.DeliveryServiceReplayRequest(delivery_id=waiting.delivery_id))
    await desk.until(lambda found: found[0].state == DELIVERED)
    first, second = receiver.received
    assert first.id == second.id
    assert first.body == second.body
    shown = await desk.deliveries.get(dpb.DeliveryServiceGetRequest(delivery_id=waiting.delivery_id))
    assert [(one.number, one.status_code) for one in shown.attempts] == [(1, 500), (2, 200)]


async def test_gone_switches_the_endpoint_off_and_cancels_what_waits(desk: Any, receiver: Receiver) -> None:
    receiver.behaviour = lambda _: Reply(410)
    told = []

    async def alert(given_up: Any) -> None:
        told.append(given_up)

    made = await desk.endpoint(receiver.url)
    for _ in range(5):
        await desk.tell()
    desk.dispatcher(alert=alert).start()
    await desk.until(lambda found: all(one.state in (FAILED, CANCELED) for one in found))
    shown = await desk.endpoints.get(pb.WebhookEndpointServiceGetRequest(endpoint_id=made.endpoint.endpoint_id))
    assert shown.endpoint.state == pb.WEBHOOK_ENDPOINT_STATE_FAILED
    assert "410" in shown.endpoint.state_reason
    assert CANCELED in {one.state for one in await desk.listed()}
    assert len(told) == 1
    after = await desk.tell()
    assert after.id not in {one.event_id for one in await desk.listed()}


async def test_an_endpoint_that_only_fails_for_too_long_is_given_up(desk: Any, receiver: Receiver) -> None:
    receiver.behaviour = lambda _: Reply(500)
    made = await desk.endpoint(receiver.url)
    await desk.tell()
    desk.dispatcher(disable_after_s=0.0).start()
    get = pb.WebhookEndpointServiceGetRequest(endpoint_id=made.endpoint.endpoint_id)
    async with asyncio.timeout(20):
        while (await desk.endpoints.get(get)).endpoint.state != 3:  # noqa: ASYNC110 - it is a database
            await asyncio.sleep(0.02)
    shown = (await desk.endpoints.get(get)).endpoint
    assert "STATUS" in shown.state_reason
    assert shown.HasField("failing_since")


async def test_recover_sends_what_was_missed_and_switching_on_forgives(desk: Any, receiver: Receiver) -> None:
    made = await desk.endpoint(receiver.url, event_types=["payment.*"])
    endpoint_id = made.endpoint.endpoint_id
    update = pb.WebhookEndpointServiceUpdateRequest
    first = await desk.tell()
    await desk.endpoints.update(update(endpoint_id=endpoint_id, enabled=False))
    missed = [await desk.tell() for _ in range(3)]
    desk.dispatcher().start()
    await desk.until(lambda found: [one.state for one in found] == [CANCELED])
    await desk.endpoints.update(update(endpoint_id=endpoint_id, enabled=True))
    recover = pb.WebhookEndpointServiceRecoverRequest(endpoint_id=endpoint_id, since=first.received_at)
    assert (await desk.endpoints.recover(recover)).count == 4
    await desk.until(lambda found: len(found) == 4 and all(one.state == DELIVERED for one in found))
    assert {json.loads(one.body)["data"]["id"] for one in receiver.received} == {first.id, *(e.id for e in missed)}
    assert (await desk.endpoints.recover(recover)).count == 0


async def test_ordered_endpoints_get_one_payments_events_one_after_the_other(desk: Any, receiver: Receiver) -> None:
    failing = {"left": 1}

    def behave(received: Any) -> Reply:
        if failing["left"]:
            failing["left"] -= 1
            return Reply(500)
        return Reply(delay_s=0.01)

    receiver.behaviour = behave
    await desk.endpoint(receiver.url, ordered=True, max_in_flight=16)
    for _ in range(2):
        desk.dispatcher().start()
    told = [await desk.tell("payment.pending", payment="p", at=place) for place in range(6)]
    await desk.until(lambda found: any(one.attempts for one in found))
    await asyncio.sleep(0.3)
    assert len(receiver.received) == 1, "the others wait for the first, which failed"
    [waiting] = [one for one in await desk.listed() if one.attempts]
    assert waiting.event_id == told[0].id
    await desk.deliveries.replay(dpb.DeliveryServiceReplayRequest(delivery_id=waiting.delivery_id))
    await desk.until(lambda found: all(one.state == DELIVERED for one in found))
    order = [json.loads(one.body)["data"]["id"] for one in receiver.received]
    assert order == [told[0].id, *(event.id for event in told)]
    assert receiver.most_under_way == 1


async def test_an_endpoint_that_was_deleted_gets_nothing_more_and_its_secrets_are_gone(
    desk: Any, receiver: Receiver
) -> None:
    made = await desk.endpoint(receiver.url, headers={"X-Mine": "value"})
    await desk.tell()
    forget = pb.WebhookEndpointServiceDeleteRequest(endpoint_id=made.endpoint.endpoint_id)
    await desk.endpoints.delete(forget)
    desk.dispatcher().start()
    await desk.until(lambda found: [one.state for one in found] == [CANCELED])
    assert receiver.connections == 0
    from sqlalchemy import select

    from orchestrator.ledger.schema_delivery import endpoint_secrets

    assert await desk.ledger.tables.read(select(endpoint_secrets)) == []
