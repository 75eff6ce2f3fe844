"""What lists, streams and replays are asked to select by: refused where nothing can be, before the ledger is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from orchestrator.ledger.memory import MemoryLedger
from orchestrator.services.disputes import DisputeService
from orchestrator.services.events import EventService
from orchestrator.services.payments import PaymentService
from orchestrator.services.refunds import RefundService
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1 import dispute_service_pb2, payment_service_pb2, refund_service_pb2
from orchestratorx_prism.v1 import event_service_pb2 as pb

NO_TIME = Timestamp(seconds=10**15)
FILTERS = {
    "filter.types": [{"types": ["payment.\x00"]}, {"types": [""]}, {"types": ["a*" * 60]}, {"types": ["a"] * 201}],
    "filter.connectors": [{"connectors": [f"c{n}" for n in range(201)]}],
    "filter.received_from": [{"received_from": NO_TIME}],
    "filter.received_until": [{"received_until": Timestamp(seconds=-(10**15))}],
}


async def listed(events: EventService, where: pb.EventFilter) -> Any:
    return await events.list_events(pb.ListEventsRequest(filter=where))


async def replayed(events: EventService, where: pb.EventFilter) -> Any:
    return await events.replay_events(pb.ReplayEventsRequest(filter=where))


async def subscribed(events: EventService, where: pb.EventFilter) -> Any:
    return await anext(events.subscribe_events(pb.SubscribeEventsRequest(filter=where)))


NOBODY: Any = None
"""Reading calls no provider."""


@pytest.mark.parametrize("call", [listed, replayed, subscribed])
@pytest.mark.parametrize(("field", "filters"), FILTERS.items())
async def test_a_filter_that_selects_by_the_impossible_is_refused(
    call: Callable[[EventService, pb.EventFilter], Awaitable[Any]], field: str, filters: list[dict[str, Any]]
) -> None:
    events = EventService(None, MemoryLedger())  # type: ignore[arg-type]  # no webhook comes in
    for fields in filters:
        with pytest.raises(RequestRejected) as refused:
            await call(events, pb.EventFilter(**fields))
        assert refused.value.metadata == {"field": field}


@pytest.mark.parametrize("call", [listed, replayed, subscribed])
async def test_a_filter_by_all_that_there_is_is_taken(
    call: Callable[[EventService, pb.EventFilter], Awaitable[Any]],
) -> None:
    from orchestratorx_prism.event_types import DATA_MEMBER, OLDER_NAMES

    events = EventService(None, MemoryLedger())  # type: ignore[arg-type]
    await call(events, pb.EventFilter(types=[*DATA_MEMBER, *OLDER_NAMES, "payment.*", "*"], received_from=Timestamp()))


@pytest.mark.parametrize(
    ("field", "refusing"),
    [
        (
            "created_from",
            lambda ledger: PaymentService(ledger, NOBODY, NOBODY).list(
                payment_service_pb2.PaymentServiceListRequest(created_from=NO_TIME)
            ),
        ),
        (
            "statuses",
            lambda ledger: RefundService(ledger, NOBODY).list(
                refund_service_pb2.RefundServiceListRequest(statuses=[1] * 201)  # type: ignore[list-item]
            ),
        ),
        (
            "connectors",
            lambda ledger: DisputeService(ledger, NOBODY).list(
                dispute_service_pb2.DisputeServiceListRequest(connectors=["stripe"] * 201)
            ),
        ),
    ],
)
async def test_a_list_that_selects_by_the_impossible_is_refused(field: str, refusing: Any) -> None:
    with pytest.raises(RequestRejected) as refused:
        await refusing(MemoryLedger())
    assert refused.value.metadata == {"field": field}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"amount_from": 1}, "currency"),
        ({"amount_until": 1}, "currency"),
        ({"order": payment_service_pb2.PAYMENT_ORDER_LEAST_AMOUNT_FIRST}, "currency"),
        ({"order": 99}, "order"),
    ],
)
async def test_amounts_without_a_currency_and_unknown_orders_are_refused(asked: dict[str, Any], field: str) -> None:
    payments = PaymentService(MemoryLedger(), NOBODY, NOBODY)
    with pytest.raises(RequestRejected) as refused:
        await payments.list(payment_service_pb2.PaymentServiceListRequest(**asked))
    assert refused.value.metadata == {"field": field}
