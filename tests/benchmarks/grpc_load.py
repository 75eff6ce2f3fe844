"""The three ways in over gRPC, beside an empty echo; CPU of the server process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
from bodies import SECRET, webhooks
from measuring import Result
from serving import Server, echo, orchestrator

from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.v1.event_service_pb2_grpc import EventServiceStub

IN_FLIGHT = 64
CALLS = 6_000
STREAMED = 12_000
BATCH = 100
BATCHES = 120


def echo_us() -> float:
    """CPU microseconds of one empty call, at the server."""

    async def load(port: int, calls: int) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/bench.Echo/Echo")
            await _in_flight([b""] * calls, call)

    with echo() as server:
        asyncio.run(load(server.grpc_port, 500))
        began = server.cpu_s()
        asyncio.run(load(server.grpc_port, CALLS))
        return (server.cpu_s() - began) / CALLS * 1e6


def requests(count: int, first_seed: int) -> list[pb.HandleEventRequest]:
    """`count` new webhooks as messages."""
    return [
        pb.HandleEventRequest(connector="stripe", payload=one.body, headers=dict(one.headers), webhook_secret=SECRET)
        for one in webhooks(count, first_seed=first_seed)
    ]


def all_ways(echo_cost_us: float) -> list[Result]:
    """Unary, stream and batch, one after the other on one server."""
    with orchestrator() as server:
        asyncio.run(_unary(server, requests(500, 1)))
        unary = _measured(server, _unary, requests(CALLS, 10_000))
        stream = _measured(server, _stream, requests(STREAMED, 50_000))
        batch = _measured(server, _batch, requests(BATCH * BATCHES, 100_000))
    floor = "empty gRPC echo"
    return [
        Result("gRPC unary, durable, 64 in flight", unary, floor, echo_cost_us, limit_ratio=2),
        Result("gRPC bidirectional stream, durable", stream, floor, echo_cost_us, limit_us=130),
        Result(f"gRPC batch of {BATCH}, durable", batch, floor, echo_cost_us, limit_us=65),
    ]


def _measured(server: Server, load, messages: list[pb.HandleEventRequest]) -> float:  # type: ignore[no-untyped-def]
    began = server.cpu_s()
    asyncio.run(load(server, messages))
    return (server.cpu_s() - began) / len(messages) * 1e6


async def _unary(server: Server, messages: list[pb.HandleEventRequest]) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        await _in_flight(messages, EventServiceStub(channel).HandleEvent)


async def _stream(server: Server, messages: list[pb.HandleEventRequest]) -> None:
    async def sent() -> AsyncIterator[pb.HandleEventsRequest]:
        for message in messages:
            yield pb.HandleEventsRequest(request=message)

    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        answered = 0
        async for answer in EventServiceStub(channel).HandleEvents(sent()):
            assert answer.WhichOneof("outcome") == "handled", answer
            answered += 1
        assert answered == len(messages)


async def _batch(server: Server, messages: list[pb.HandleEventRequest]) -> None:
    calls = [pb.BatchHandleEventsRequest(requests=messages[at : at + BATCH]) for at in range(0, len(messages), BATCH)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = EventServiceStub(channel)
        for call in calls:
            response = await stub.BatchHandleEvents(call)
            assert all(result.WhichOneof("outcome") == "handled" for result in response.results)


async def _in_flight(messages, call) -> None:  # type: ignore[no-untyped-def]
    waiting = iter(messages)

    async def caller() -> None:
        for message in waiting:
            await call(message)

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
