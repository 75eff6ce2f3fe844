"""An endpoint that was given up is an event: for the merchant's other endpoints, and once, whatever is killed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from receivers import Receiver, Reply

from orchestrator.delivery.telling import Telling
from orchestrator.ledger.tables import Tables
from orchestratorx_prism.errors import Unavailable
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb
from orchestratorx_prism.v1.event_pb2 import CAUSE_UNSPECIFIED
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

TYPE = "webhook_endpoint.failed"


def gone(receiver: Receiver) -> None:
    receiver.behaviour = lambda received: Reply(410 if received.path == "/gone" else 200)


async def events_of(desk: Any, merchant_id: str = "default") -> list[Any]:
    where = EventFilter(merchant_id=merchant_id, types=["webhook_endpoint.*"])
    found, _ = await desk.ledger.list_events(where, page_size=10, page_token="")
    return list(found)


async def test_other_endpoints_of_the_merchant_are_told(desk: Any, receiver: Receiver) -> None:
    gone(receiver)
    made = await desk.endpoint(receiver.url + "/gone")
    await desk.endpoint(receiver.url + "/told", event_types=["webhook_endpoint.*"])
    await desk.endpoint(receiver.url + "/others", merchant_id="other")
    await desk.tell()
    desk.dispatcher().start()
    await receiver.until(lambda: any(one.path == "/told" for one in receiver.received))

    [told] = [json.loads(one.body) for one in receiver.received if one.path == "/told"]
    assert told["type"] == TYPE
    assert told["data"]["data"] == {
        "endpoint_id": made.endpoint.endpoint_id,
        "url": receiver.url + "/gone",
        "state_reason": "it answered 410 Gone",
    }
    [event] = await events_of(desk)
    assert (event.type, event.merchant_id, event.cause) == (TYPE, "default", CAUSE_UNSPECIFIED)
    assert not event.payment_id
    assert await events_of(desk, "other") == []
    assert {one.path for one in receiver.received} == {"/gone", "/told"}


async def test_it_is_recorded_once_though_the_process_dies_in_between(desk: Any, receiver: Receiver) -> None:
    gone(receiver)
    made = await desk.endpoint(receiver.url + "/gone")
    await desk.tell()

    class DiesAfterRecording:
        """The row that says what is to be told stays."""

        def __init__(self, tables: Tables) -> None:
            self.read = tables.read

        async def transact(self, work: Any) -> Any:
            raise Unavailable("the process was killed")

    dispatcher = desk.dispatcher(housekeeping_s=3_600.0)
    dispatcher.start()
    get = pb.WebhookEndpointServiceGetRequest(endpoint_id=made.endpoint.endpoint_id)
    await receiver.until(lambda: bool(receiver.received))
    while (await desk.endpoints.get(get)).endpoint.state != pb.WEBHOOK_ENDPOINT_STATE_FAILED:
        await desk.ledger.outbox.wait_for_work(0.02)
    telling = desk.telling()
    dying = Telling(DiesAfterRecording(desk.ledger.tables), telling._record, telling._environment_of)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await dying.tell()
    assert len(await events_of(desk)) == 1
    assert await telling.tell() == 1
    assert await telling.tell() == 0
    assert len(await events_of(desk)) == 1


async def test_an_endpoint_that_fails_again_is_another_event(desk: Any, receiver: Receiver) -> None:
    gone(receiver)
    made = await desk.endpoint(receiver.url + "/gone")
    desk.dispatcher().start()
    update = pb.WebhookEndpointServiceUpdateRequest(endpoint_id=made.endpoint.endpoint_id, enabled=True)
    for times in (1, 2):
        await desk.endpoints.update(update)
        await desk.tell()
        while len(await events_of(desk)) < times:
            await desk.ledger.outbox.wait_for_work(0.02)
    assert len({event.id for event in await events_of(desk)}) == 2
