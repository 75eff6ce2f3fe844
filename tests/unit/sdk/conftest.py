"""A real gRPC server of this process with a small fake behind it, on a free port of loopback."""

# ruff: noqa: N802 - rpcs are named as in the protos
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from orchestratorx_prism.errors import NotFound, PrismError, SignatureRejected, Unavailable
from orchestratorx_prism.v1 import event_service_pb2 as api
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2_grpc import EventServiceServicer, add_EventServiceServicer_to_server
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, Payment, PaymentData
from orchestratorx_prism.v1.payment_service_pb2 import (
    PaymentServiceCaptureRequest,
    PaymentServiceCaptureResponse,
    PaymentServiceGetRequest,
    PaymentServiceGetResponse,
    PaymentServiceListRequest,
    PaymentServiceListResponse,
)
from orchestratorx_prism.v1.payment_service_pb2_grpc import (
    PaymentServiceServicer,
    add_PaymentServiceServicer_to_server,
)
from orchestratorx_prism.wire import DETAILS_KEY, to_refusal, to_rpc_status


def event_named(name: str) -> Event:
    data = PaymentData(merchant_transaction_id="order-1", status=PAYMENT_STATUS_CAPTURED)
    return Event(id=name, type="payment.captured", connector="stripe", payment=data)


@dataclass
class Fake:
    """What the fake saw, and what it is told to do."""

    target: str = ""
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    failures: list[PrismError] = field(default_factory=list)
    """Raised by the next calls, one each."""
    pages: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    """Page token → event ids, next token."""
    subscriptions: list[list[tuple[str | None, str] | PrismError]] = field(default_factory=list)
    """For each subscription: (event id or None for a heartbeat, cursor), or how it ends."""
    delay_s: float = 0.0

    async def saw(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        await asyncio.sleep(self.delay_s)
        if self.failures:
            await abort(context, self.failures.pop(0))


async def abort(context: Any, error: PrismError) -> None:
    status = to_rpc_status(error)
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    await context.abort(code, status.message, ((DETAILS_KEY, status.SerializeToString()),))


def outcome(request: api.HandleEventRequest) -> dict[str, Any]:
    """Refuses the body `forged`; else an event whose id is the body."""
    if request.payload == b"forged":
        return {"refused": to_refusal(SignatureRejected("no signature matches"))}
    return {"handled": api.HandleEventResponse(events=[event_named(request.payload.decode())])}


class FakeEvents(EventServiceServicer):
    def __init__(self, fake: Fake) -> None:
        self.fake = fake

    async def HandleEvent(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        answer = outcome(request)
        if "refused" in answer:
            await abort(context, SignatureRejected("no signature matches", fix="check the secret"))
        return answer["handled"]

    async def HandleEvents(self, requests: Any, context: Any) -> Any:
        async for one in requests:
            await self.fake.saw(one.request, context)
            yield api.HandleEventsResponse(**outcome(one.request))

    async def BatchHandleEvents(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        return api.BatchHandleEventsResponse(
            results=[api.BatchHandleEventsResult(**outcome(one)) for one in request.requests]
        )

    async def ParseEvent(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        return api.ParseEventResponse(events=[api.ParsedEvent(type="payment.captured", account="acct_1")])

    async def GetEvent(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        if request.event_id == "none":
            await abort(context, NotFound("no such event"))
        return api.GetEventResponse(event=event_named(request.event_id))

    async def ListEvents(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        ids, following = self.fake.pages[request.page_token]
        return api.ListEventsResponse(events=[event_named(i) for i in ids], next_page_token=following)

    async def ReplayEvents(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        return api.ReplayEventsResponse(replayed=len(request.event_ids))

    async def SubscribeEvents(self, request: Any, context: Any) -> Any:
        await self.fake.saw(request, context)
        for step in self.fake.subscriptions.pop(0):
            if isinstance(step, PrismError):
                await abort(context, step)
            else:
                event = event_named(step[0]) if step[0] else None
                yield api.SubscribeEventsResponse(event=event, cursor=step[1])


class FakePayments(PaymentServiceServicer):
    def __init__(self, fake: Fake) -> None:
        self.fake = fake

    async def Get(self, request: PaymentServiceGetRequest, context: Any) -> Any:
        await self.fake.saw(request, context)
        return PaymentServiceGetResponse(payment=Payment(id=request.payment_id, status=PAYMENT_STATUS_CAPTURED))

    async def List(self, request: PaymentServiceListRequest, context: Any) -> Any:
        await self.fake.saw(request, context)
        ids, following = self.fake.pages[request.page_token]
        return PaymentServiceListResponse(payments=[Payment(id=i) for i in ids], next_page_token=following)

    async def Capture(self, request: PaymentServiceCaptureRequest, context: Any) -> Any:
        await self.fake.saw(request, context)
        return PaymentServiceCaptureResponse(payment=Payment(id=request.payment_id))

    async def Void(self, request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "later")


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    """A running fake; `fake.target` is where."""
    state = Fake()
    server = grpc.aio.server()
    add_EventServiceServicer_to_server(FakeEvents(state), server)
    add_PaymentServiceServicer_to_server(FakePayments(state), server)
    state.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield state
    await server.stop(0)


@pytest.fixture
def away() -> Callable[[int], list[PrismError]]:
    """As many refusals as a server gives that is away for a moment."""
    return lambda times: [Unavailable("away", retry_after_s=0.001) for _ in range(times)]
