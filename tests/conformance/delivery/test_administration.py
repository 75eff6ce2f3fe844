"""Endpoints and deliveries as merchants administer them: faults, secrets, pages, and whose is whose."""

from __future__ import annotations

from typing import Any

import pytest
from receivers import Receiver, Reply
from sqlalchemy import select

from orchestrator.access.principal import Acting, acting
from orchestrator.delivery.registry import Registry
from orchestrator.ledger.factory import open_ledger
from orchestrator.ledger.schema_access import audit_log
from orchestrator.ledger.schema_delivery import endpoint_secrets, endpoints
from orchestrator.services.administration.sealed import SEALED
from orchestrator.vault import Rotation, Vault
from orchestratorx_prism.errors import NotFound, RequestRejected, SettingsRejected
from orchestratorx_prism.v1 import delivery_service_pb2 as dpb
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb

URL = "http://127.0.0.1:8099/"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"event_types": ["payment.captred"]}, "event_types"),
        ({"event_types": ["paymnt.*"]}, "event_types"),
        ({"event_types": ["*.captured"]}, "event_types"),
        ({"event_types": ["payment.captured"] * 201}, "event_types"),
        ({"description": "x" * 501}, "description"),
        ({"description": "\x00"}, "description"),
        ({"headers": {"Host": "evil"}}, "headers"),
        ({"headers": {"webhook-id": "1"}}, "headers"),
        ({"headers": {"X-Payments-Signature": "1"}}, "headers"),
        ({"headers": {"Content-Length": "1"}}, "headers"),
        ({"headers": {"a b": "1"}}, "headers"),
        ({"headers": {"a": "1\r\nx: y"}}, "headers"),
        ({"headers": {"a": ""}}, "headers"),
        ({"headers": {"a": "x" * 1_001}}, "headers"),
        ({"headers": {"A": "1", "a": "2"}}, "headers"),
        ({"headers": {f"a{n}": "1" for n in range(21)}}, "headers"),
        ({"max_in_flight": 101}, "max_in_flight"),
        ({"max_in_flight": -1}, "max_in_flight"),
        ({"per_second": 1_001}, "per_second"),
        ({"per_second": -1}, "per_second"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(desk: Any, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        await desk.endpoint(**{"url": URL, **fields})
    assert refused.value.metadata["field"] == field
    assert not (await desk.endpoints.list(pb.WebhookEndpointServiceListRequest())).endpoints


async def test_without_a_key_no_endpoint_is_made(desk: Any) -> None:
    desk.endpoints._vault = Vault({})
    with pytest.raises(SettingsRejected, match="VAULT_KEY_NEEDED"):
        await desk.endpoint(URL)


async def test_nobody_reaches_anothers_endpoints_and_deliveries(desk: Any) -> None:
    made = await desk.endpoint(URL)
    await desk.tell()
    [delivery] = await desk.listed()
    ids = {"endpoint_id": made.endpoint.endpoint_id, "merchant_id": "other"}
    event = await desk.tell()
    for call, request in (
        (desk.endpoints.get, pb.WebhookEndpointServiceGetRequest(**ids)),
        (desk.endpoints.update, pb.WebhookEndpointServiceUpdateRequest(**ids, enabled=False)),
        (desk.endpoints.delete, pb.WebhookEndpointServiceDeleteRequest(**ids)),
        (desk.endpoints.rotate_secret, pb.WebhookEndpointServiceRotateSecretRequest(**ids)),
        (desk.endpoints.ping, pb.WebhookEndpointServicePingRequest(**ids)),
        (desk.endpoints.recover, pb.WebhookEndpointServiceRecoverRequest(**ids, since=event.received_at)),
        (desk.deliveries.get, dpb.DeliveryServiceGetRequest(delivery_id=delivery.delivery_id, merchant_id="other")),
        (
            desk.deliveries.replay,
            dpb.DeliveryServiceReplayRequest(delivery_id=delivery.delivery_id, merchant_id="other"),
        ),
    ):
        with pytest.raises(NotFound):
            await call(request)
    assert await desk.listed(merchant_id="other") == []
    assert await desk.listed(merchant_id="other", endpoint_id=made.endpoint.endpoint_id) == []
    assert await desk.listed(merchant_id="other", event_id=event.id) == []
    assert await desk.listed(merchant_id="other", payment_id=event.payment_id) == []
    assert (await desk.endpoints.get(pb.WebhookEndpointServiceGetRequest(endpoint_id=ids["endpoint_id"]))).endpoint


@pytest.mark.parametrize("text", ["", "we_", "we_xyz", "we_" + "f" * 16, "we_" + "\u0661" * 16, "x" * 500])
async def test_ids_that_are_none_are_not_found(desk: Any, text: str) -> None:
    with pytest.raises(NotFound):
        await desk.endpoints.get(pb.WebhookEndpointServiceGetRequest(endpoint_id=text))
    with pytest.raises(NotFound):
        await desk.deliveries.get(dpb.DeliveryServiceGetRequest(delivery_id=text))
    assert await desk.listed(endpoint_id=text or "x", event_id=text, payment_id=text) == []


async def test_lists_come_in_pages_newest_first(desk: Any) -> None:
    made = [(await desk.endpoint(URL)).endpoint.endpoint_id for _ in range(5)]
    await desk.tell()
    seen: list[str] = []
    request = pb.WebhookEndpointServiceListRequest(page_size=2)
    while True:
        page = await desk.endpoints.list(request)
        seen += [one.endpoint_id for one in page.endpoints]
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert sorted(seen) == sorted(made)
    found: list[str] = []
    asked = dpb.DeliveryServiceListRequest(page_size=2)
    while True:
        answer = await desk.deliveries.list(asked)
        found += [one.delivery_id for one in answer.deliveries]
        asked.page_token = answer.next_page_token
        if not asked.page_token:
            break
    assert len(found) == len(set(found)) == 5
    asked.page_token, asked.filter.event_id = page.next_page_token or "rubbish", "other"
    with pytest.raises(RequestRejected):
        await desk.deliveries.list(asked)


async def test_headers_of_the_merchants_own_go_along_and_are_never_shown(desk: Any, receiver: Receiver) -> None:
    made = await desk.endpoint(receiver.url, headers={"Authorization": "Bearer hunter2"})
    assert dict(made.endpoint.masked_headers) == {"authorization": "····"}
    desk.dispatcher().start()
    await desk.tell()
    await desk.until(lambda found: [one.state for one in found] == [2])
    assert receiver.received[0].headers["authorization"] == "Bearer hunter2"
    [delivery] = await desk.listed()
    shown = await desk.deliveries.get(dpb.DeliveryServiceGetRequest(delivery_id=delivery.delivery_id))
    assert "hunter2" not in str(shown)
    stored = await desk.ledger.tables.read(select(endpoints.c.headers, endpoint_secrets.c.sealed))
    secret = made.secret.removeprefix("whsec_").encode()
    assert not any(b"hunter2" in bytes(value) or secret in bytes(value) for row in stored for value in row)


async def test_a_change_counts_from_the_next_claim_on(desk: Any) -> None:
    async with Receiver() as first, Receiver() as second:
        made = await desk.endpoint(first.url)
        desk.dispatcher().start()
        await desk.tell()
        await first.until(lambda: len(first.received) == 1)
        update = pb.WebhookEndpointServiceUpdateRequest(endpoint_id=made.endpoint.endpoint_id, url=second.url)
        update.event_types.patterns.append("payment.*")
        await desk.endpoints.update(update)
        await desk.tell()
        await second.until(lambda: len(second.received) == 1)
        assert len(first.received) == 1


async def test_a_ping_says_what_came_back_and_is_no_delivery(desk: Any, receiver: Receiver) -> None:
    receiver.behaviour = lambda _: Reply(418, body=b"teapot")
    made = await desk.endpoint(receiver.url)
    answer = await desk.endpoints.ping(pb.WebhookEndpointServicePingRequest(endpoint_id=made.endpoint.endpoint_id))
    assert (answer.succeeded, answer.status_code, answer.response_body) == (False, 418, "teapot")
    assert answer.error == "STATUS: HTTP 418"
    assert await desk.listed() == []


async def test_every_act_is_in_the_audit_log_with_who_did_it_and_no_secret(desk: Any) -> None:
    token = acting.set(Acting("key_1", "192.0.2.1"))
    made = await desk.endpoint(URL, headers={"x": "hunter2"})
    endpoint_id = made.endpoint.endpoint_id
    await desk.endpoints.update(pb.WebhookEndpointServiceUpdateRequest(endpoint_id=endpoint_id, per_second=5))
    await desk.endpoints.rotate_secret(pb.WebhookEndpointServiceRotateSecretRequest(endpoint_id=endpoint_id))
    await desk.tell()
    [delivery] = await desk.listed()
    await desk.deliveries.replay(dpb.DeliveryServiceReplayRequest(delivery_id=delivery.delivery_id))
    await desk.endpoints.delete(pb.WebhookEndpointServiceDeleteRequest(endpoint_id=endpoint_id))
    acting.reset(token)
    c = audit_log.c
    found = await desk.ledger.tables.read(select(c.action, c.target, c.actor, c.details).order_by(c.n))
    assert [row[0] for row in found] == [
        "endpoint.created",
        "endpoint.updated",
        "endpoint.secret_rotated",
        "delivery.replayed",
        "endpoint.deleted",
    ]
    assert {row[1] for row in found} == {endpoint_id, delivery.delivery_id}
    assert {row[2] for row in found} == {"key_1"}
    assert "hunter2" not in str(found)
    assert made.secret not in str(found)


async def test_secrets_are_brought_to_the_newest_key_of_the_vault(desk: Any) -> None:
    made = await desk.endpoint(URL, headers={"x": "y"}, asymmetric=True)
    both = Vault({"k": b"k" * 32, "new": b"n" * 32})
    rotated = await Rotation(desk.ledger.tables, both, SEALED).run()
    assert rotated.resealed == 3
    [(number, version)] = await desk.ledger.tables.read(select(endpoints.c.n, endpoints.c.version))
    opened = await Registry(desk.ledger.tables, Vault({"new": b"n" * 32})).get(number, version)
    assert opened is not None
    assert opened.headers == {"x": "y"}
    assert len(opened.secrets) == 2
    assert made.endpoint.public_key.startswith("whpk_")


async def test_several_processes_share_the_work_and_none_sends_twice(desk: Any, url: str, receiver: Receiver) -> None:
    for number in range(5):
        await desk.endpoint(f"{receiver.url}/{number}")
    other = open_ledger(url, spanning=())
    await other.open()
    replica = type(desk)(other, desk.vault, desk.poster._guard)
    for one in (desk, replica):
        one.dispatcher(poll_s=0.1).start()
    for _ in range(20):
        await desk.tell()
    await desk.until(lambda found: len(found) == 100 and all(one.state == 2 for one in found))
    for dispatcher in replica.dispatchers:
        await dispatcher.stop()
    await replica.poster.aclose()
    await other.close()
    assert len(receiver.received) == len({one.id for one in receiver.received}) == 100
