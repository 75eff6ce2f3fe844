"""The three ways in over gRPC, beside an empty echo; CPU of the server process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
from bodies import SECRET, webhooks
from measuring import Result
from serving import Server, floor, orchestrator

from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.v1.event_service_pb2_grpc import EventServiceStub

IN_FLIGHT = 64
CALLS = 6_000
STREAMED = 12_000
BATCH = 100
BATCHES = 120


@dataclass(frozen=True, slots=True)
class Floors:
    """CPU microseconds at a server that answers with what it got."""

    call: float
    """An empty call."""
    streamed: float
    """A message of a stream, as large as a webhook."""
    batched: float
    """One of a hundred of those in a call."""


def floors() -> Floors:
    """Measures them."""
    body = requests(1, 1)[0].SerializeToString()
    with floor("grpc") as server:
        asyncio.run(_echo(server.grpc_port, [b""] * 500))
        return Floors(
            _echo_us(server, _echo, [b""] * CALLS, CALLS),
            _echo_us(server, _echo_stream, [body] * CALLS, CALLS),
            _echo_us(server, _echo, [body * BATCH] * 200, 200 * BATCH),
        )


def _echo_us(server: Server, load, messages: list[bytes], count: int) -> float:  # type: ignore[no-untyped-def]
    began = server.cpu_s()
    asyncio.run(load(server.grpc_port, messages))
    return (server.cpu_s() - began) / count * 1e6


async def _echo(port: int, messages: list[bytes]) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await _in_flight(messages, channel.unary_unary("/bench.Echo/Echo"))


async def _echo_stream(port: int, messages: list[bytes]) -> None:
    async def sent() -> AsyncIterator[bytes]:
        for message in messages:
            yield message

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        async for _ in channel.stream_stream("/bench.Echo/Stream")(sent()):
            pass


def requests(count: int, first_seed: int) -> list[pb.HandleEventRequest]:
    """`count` new webhooks as messages."""
    return [
        pb.HandleEventRequest(connector="stripe", payload=one.body, headers=dict(one.headers), webhook_secret=SECRET)
        for one in webhooks(count, first_seed=first_seed)
    ]


def all_ways(beside: Floors) -> list[Result]:
    """Unary, stream and batch, one after the other on one server."""
    with orchestrator() as server:
        asyncio.run(_unary(server, requests(500, 1)))
        unary = _measured(server, _unary, requests(CALLS, 10_000))
        stream = _measured(server, _stream, requests(STREAMED, 50_000))
        batch = _measured(server, _batch, requests(BATCH * BATCHES, 100_000))
    return [
        Result("gRPC unary, durable, 64 in flight", unary, "empty gRPC echo", beside.call, limit_ratio=2),
        Result("gRPC bidirectional stream, durable", stream, "echoed stream", beside.streamed, limit_us=130),
        Result(f"gRPC batch of {BATCH}, durable", batch, "echoed batch", beside.batched, limit_us=65),
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
