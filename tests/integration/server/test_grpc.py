"""The gRPC server over real connections: every failure a typed status, health, reflection, keys, limits."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from orchestratorx_prism.errors import PayloadRejected, PrismError, SignatureRejected, Unavailable
from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.wire import from_rpc_error

SERVICE = "orchestratorx_prism.v1.EventService"


async def refusal(call: Any) -> PrismError:
    """The error that a call ends in, as the SDK sees it."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return from_rpc_error(raised.value)


def counted(rpc: Any, method: str, code: str) -> bool:
    line = f'orchestrator_request_seconds_count{{code="{code}",door="grpc",method="/{SERVICE}/{method}"}} 1.0'
    return line in rpc.metrics.exposition().decode()


async def test_a_call_reaches_its_method_and_its_answer_comes_back(grpc_server: Any) -> None:
    async with grpc_server(acknowledgement=pb.Acknowledgement(status=200, body=b"[accepted]")) as rpc:
        answer = await rpc.handle(pb.HandleEventRequest(connector="adyen", payload=b"\x00\xff"))
    assert answer.acknowledgement.body == b"[accepted]"
    assert [request.payload for request in rpc.script.seen] == [b"\x00\xff"]
    assert counted(rpc, "HandleEvent", "OK")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SignatureRejected("no match", fix="set the secret"), grpc.StatusCode.UNAUTHENTICATED),
        (PayloadRejected("not JSON", metadata={"field": "payload"}), grpc.StatusCode.INVALID_ARGUMENT),
        (Unavailable("cannot commit", retry_after_s=2.0), grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_a_refusal_arrives_as_the_error_it_left_as(
    grpc_server: Any, error: PrismError, code: grpc.StatusCode
) -> None:
    async with grpc_server(error=error) as rpc:
        found = await refusal(rpc.handle())
    assert type(found) is type(error)
    assert found.grpc_code == code.value[0]
    assert (found.reason, found.message, found.fix) == (error.reason, error.message, error.fix)
    assert (found.metadata, found.retry_after_s) == (error.metadata, error.retry_after_s)
    assert counted(rpc, "HandleEvent", code.name)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\xff\xff\xff\xff", id="rubbish"),
        pytest.param(b"\x0a\xff", id="cut short"),
        pytest.param(b"\x0a\x02\xc3\x28", id="text that is not UTF-8"),
        pytest.param(b"\x12\x80\x80\x80\x80\x10", id="a length beyond the message"),
    ],
)
async def test_a_request_that_is_no_protobuf_message_is_invalid_argument(rpc: Any, raw: bytes) -> None:
    found = await refusal(rpc.unary("HandleEvent")(raw))
    assert (found.grpc_code, found.reason) == (3, "REQUEST_MALFORMED")
    assert rpc.script.seen == []


async def test_a_malformed_message_on_a_stream_ends_it_as_invalid_argument(rpc: Any) -> None:
    call = rpc.channel.stream_stream(f"/{SERVICE}/HandleEvents")()
    await call.write(b"\xff\xff\xff\xff")
    assert (await refusal(call.read())).reason == "REQUEST_MALFORMED"


async def test_an_unexpected_exception_is_internal_and_says_nothing_but_an_id(
    rpc: Any, caplog: pytest.LogCaptureFixture
) -> None:
    found = await refusal(rpc.unary("GetEvent")(b""))
    assert (found.grpc_code, found.reason) == (13, "INTERNAL")
    record = next(record for record in caplog.records if record.getMessage() == "unexpected failure")
    assert record.correlation_id == found.metadata["correlation_id"]
    assert record.where == f"grpc /{SERVICE}/GetEvent"
    assert "4111" not in str(found) + str(record.__dict__) + caplog.text
    assert counted(rpc, "GetEvent", "INTERNAL")


@pytest.mark.parametrize(
    ("path", "reason"),
    [(f"/{SERVICE}/Forget", "METHOD_UNKNOWN"), ("/acme.v1.Nothing/Do", "SERVICE_UNKNOWN"), ("/x", "SERVICE_UNKNOWN")],
)
async def test_a_method_nobody_serves_is_unimplemented_and_names_what_was_asked(
    rpc: Any, path: str, reason: str
) -> None:
    for call in (rpc.channel.unary_unary(path)(b""), rpc.channel.unary_stream(path)(b"").read()):
        found = await refusal(call)
        assert (found.grpc_code, found.reason) == (12, reason)
        assert path == f"/{found.metadata['service']}/{found.metadata['method']}".replace("//", "/")


async def test_a_message_larger_than_the_limit_is_too_large(grpc_server: Any) -> None:
    async with grpc_server({"grpc_max_message_bytes": 10_000}) as rpc:
        found = await refusal(rpc.handle(pb.HandleEventRequest(payload=b"x" * 20_000)))
        assert found.reason == "PAYLOAD_TOO_LARGE"
        assert rpc.script.seen == []
        await rpc.handle(pb.HandleEventRequest(payload=b"x" * 9_000))


async def test_a_packed_message_that_unpacks_beyond_the_limit_is_too_large(grpc_server: Any) -> None:
    async with grpc_server({"grpc_max_message_bytes": 100_000}) as rpc:
        bomb = pb.HandleEventRequest(payload=b"\x00" * 50_000_000)
        found = await refusal(rpc.handle(bomb, compression=grpc.Compression.Gzip))
        assert found.reason == "PAYLOAD_TOO_LARGE"
        assert rpc.script.seen == []


async def test_the_callers_deadline_is_kept_and_what_was_begun_is_finished(grpc_server: Any) -> None:
    begun, may_write, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def write() -> None:
        begun.set()
        writing = asyncio.create_task(may_write.wait())
        writing.add_done_callback(lambda _: finished.set())
        await asyncio.shield(writing)

    async with grpc_server(before=write) as rpc:
        await rpc.channel.channel_ready()
        found = await refusal(rpc.handle(timeout=2))
        assert found.reason == "DEADLINE_EXPIRED"
        assert begun.is_set()
        may_write.set()
        await asyncio.wait_for(finished.wait(), 20)


async def test_without_a_deadline_the_servers_own_limit_holds(grpc_server: Any) -> None:
    async def hang() -> None:
        await asyncio.sleep(30)

    async with grpc_server({"request_timeout_s": 0.1}, before=hang) as rpc:
        found = await refusal(rpc.handle())
    assert (found.grpc_code, found.reason) == (4, "DEADLINE_EXPIRED")
    assert counted(rpc, "HandleEvent", "DEADLINE_EXCEEDED")


async def test_a_call_given_up_by_its_caller_ends_here_too(grpc_server: Any) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    async with grpc_server(before=hang) as rpc:
        call = rpc.unary("HandleEvent")(b"")
        await asyncio.wait_for(begun.wait(), 5)
        call.cancel()
        await asyncio.wait_for(ended.wait(), 5)
        assert counted(rpc, "HandleEvent", "CANCELLED")


async def test_a_stream_answers_each_message_in_order(rpc: Any) -> None:
    call = rpc.channel.stream_stream(f"/{SERVICE}/HandleEvents")()
    for number in range(50):
        request = pb.HandleEventsRequest(request=pb.HandleEventRequest(payload=b"%d" % number))
        await call.write(request.SerializeToString())
    await call.done_writing()
    answers = [pb.HandleEventsResponse.FromString(raw).WhichOneof("outcome") async for raw in call]
    assert answers == ["handled"] * 50
    assert [request.payload for request in rpc.script.seen] == [b"%d" % number for number in range(50)]
    assert await call.code() is grpc.StatusCode.OK


async def test_a_server_that_stops_answers_what_it_read_and_then_says_so(grpc_server: Any) -> None:
    read = asyncio.Event()

    async def slow() -> None:
        read.set()
        await asyncio.sleep(0.2)

    async with grpc_server(before=slow) as rpc:
        call = rpc.channel.stream_stream(f"/{SERVICE}/HandleEvents")()
        await call.write(pb.HandleEventsRequest(request=pb.HandleEventRequest(payload=b"1")).SerializeToString())
        await asyncio.wait_for(read.wait(), 5)
        stopping = asyncio.create_task(rpc.server.stop(10))
        assert pb.HandleEventsResponse.FromString(await call.read()).WhichOneof("outcome") == "handled"
        found = await refusal(call.read())
        assert (found.grpc_code, found.reason, found.retryable) == (14, "SERVER_STOPPING", True)
        await asyncio.wait_for(stopping, 5)


async def test_a_subscription_ends_at_once_when_the_server_stops(rpc: Any) -> None:
    call = rpc.channel.unary_stream(f"/{SERVICE}/SubscribeEvents")(b"")
    cursors = [pb.SubscribeEventsResponse.FromString(await call.read()).cursor for _ in range(3)]
    assert cursors == ["0", "1", "2"]
    stopping = asyncio.create_task(rpc.server.stop(30))
    assert (await refusal(call.read())).reason == "SERVER_STOPPING"
    await asyncio.wait_for(stopping, 5)


async def test_a_subscription_in_the_middle_of_a_message_ends_after_it(
    rpc: Any, caplog: pytest.LogCaptureFixture
) -> None:
    flood = pb.SubscribeEventsRequest(cursor="flood").SerializeToString()
    call = rpc.channel.unary_stream(f"/{SERVICE}/SubscribeEvents")(flood)
    await call.read()
    await asyncio.sleep(0.3)  # the next messages fill what the connection holds, and one waits to be written
    stopping = asyncio.create_task(rpc.server.stop(30))
    await asyncio.sleep(0.1)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await drained(call)
    assert from_rpc_error(ended.value).reason == "SERVER_STOPPING"
    await asyncio.wait_for(stopping, 5)
    assert "ExecuteBatchError" not in caplog.text


async def test_subscriptions_that_have_only_just_begun_end_without_a_fault(
    rpc: Any, caplog: pytest.LogCaptureFixture
) -> None:
    calls = [rpc.channel.unary_stream(f"/{SERVICE}/SubscribeEvents")(b"") for _ in range(100)]
    await calls[0].read()  # the others are about to write their first
    await asyncio.wait_for(rpc.server.stop(30), 10)
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await drained(call)
        assert ended.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert "ExecuteBatchError" not in caplog.text


async def drained(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        continue


async def test_a_call_in_hand_is_finished_when_the_server_stops(grpc_server: Any) -> None:
    begun = asyncio.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(0.3)

    async with grpc_server(before=slow) as rpc:
        call = asyncio.create_task(rpc.handle())
        await asyncio.wait_for(begun.wait(), 5)
        await rpc.server.stop(10)
        assert isinstance(await call, pb.HandleEventResponse)


async def test_a_call_that_outlives_the_grace_is_cut_off(grpc_server: Any) -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.sleep(30)

    async with grpc_server(before=hang) as rpc:
        call = asyncio.create_task(rpc.handle())
        await asyncio.wait_for(begun.wait(), 5)
        await asyncio.wait_for(rpc.server.stop(0.2), 5)
        assert (await refusal(call)).retryable


async def health(rpc: Any, service: str = "", **more: Any) -> int:
    raw = await rpc.unary("Check", "grpc.health.v1.Health")(
        health_pb2.HealthCheckRequest(service=service).SerializeToString(), **more
    )
    return int(health_pb2.HealthCheckResponse.FromString(raw).status)


async def test_health_follows_the_database_for_the_server_and_each_service(rpc: Any) -> None:
    for service in ("", SERVICE):
        assert await health(rpc, service) == health_pb2.HealthCheckResponse.SERVING
        rpc.dependencies.database = Unavailable("away")
        assert await health(rpc, service) == health_pb2.HealthCheckResponse.NOT_SERVING
        rpc.dependencies.database = None
    rpc.dependencies.broker = Unavailable("away")
    assert await health(rpc) == health_pb2.HealthCheckResponse.SERVING
    rpc.readiness.drain()
    assert await health(rpc) == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_of_a_service_nobody_serves_is_not_found(rpc: Any) -> None:
    assert (await refusal(health(rpc, "acme.Nothing"))).grpc_code == 5


async def test_health_lists_all_services(rpc: Any) -> None:
    raw = await rpc.unary("List", "grpc.health.v1.Health")(b"")
    assert set(health_pb2.HealthListResponse.FromString(raw).statuses) == {"", SERVICE}


async def test_watchers_of_health_hear_of_the_stop_and_do_not_hold_it_up(rpc: Any) -> None:
    def status(raw: bytes) -> int:
        return int(health_pb2.HealthCheckResponse.FromString(raw).status)

    call = rpc.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
    assert status(await call.read()) == health_pb2.HealthCheckResponse.SERVING
    rpc.readiness.drain()
    assert status(await call.read()) == health_pb2.HealthCheckResponse.NOT_SERVING
    assert await call.read() is grpc.aio.EOF
    await asyncio.wait_for(rpc.server.stop(30), 5)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_shows_services_and_their_files(rpc: Any, version: str) -> None:
    call = rpc.channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")()

    async def ask(**question: Any) -> Any:
        await call.write(reflection_pb2.ServerReflectionRequest(**question).SerializeToString())
        return reflection_pb2.ServerReflectionResponse.FromString(await call.read())

    listed = {service.name for service in (await ask(list_services="")).list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= listed
    found = await ask(file_containing_symbol=SERVICE)
    assert any(b"HandleEventRequest" in file for file in found.file_descriptor_response.file_descriptor_proto)
    assert (await ask(file_containing_symbol="acme.Nothing")).error_response.error_code == 5
    await call.done_writing()


KEYS = {"api_keys": ["first-key", "second-key"]}


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((), id="none"),
        pytest.param((("x-api-key", "wrong"),), id="wrong"),
        pytest.param((("x-api-key", "first-ke"),), id="cut short"),
        pytest.param((("x-api-key", ""),), id="empty"),
        pytest.param((("x-api-key", "first-key"), ("x-api-key", "first-key")), id="twice"),
        pytest.param((("authorization", "first-key"),), id="elsewhere"),
    ],
)
async def test_without_a_valid_key_nothing_is_served_but_health(grpc_server: Any, metadata: Any) -> None:
    async with grpc_server(KEYS) as rpc:
        found = await refusal(rpc.handle(metadata=metadata))
        assert (found.grpc_code, found.reason) == (16, "CREDENTIALS_REFUSED")
        assert (await refusal(rpc.unary("Do", "acme.Nothing")(b"", metadata=metadata))).grpc_code == 16
        listing = rpc.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        assert (await refusal(listing(metadata=metadata).read())).grpc_code == 16
        assert await health(rpc, metadata=metadata) == health_pb2.HealthCheckResponse.SERVING
        assert rpc.script.seen == []


async def test_any_of_the_keys_opens(grpc_server: Any) -> None:
    async with grpc_server(KEYS) as rpc:
        for key in ("first-key", "second-key"):
            await rpc.handle(metadata=(("x-api-key", key),))
        assert len(rpc.script.seen) == 2


async def test_keys_reach_no_log(grpc_server: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with grpc_server(KEYS) as rpc:
        await refusal(rpc.handle(metadata=(("x-api-key", "first-key-but-wrong"),)))
    assert "first-key" not in caplog.text


async def test_two_servers_do_not_share_a_port_unasked(grpc_server: Any) -> None:
    async with grpc_server() as rpc:
        with pytest.raises(Unavailable) as refused:
            async with grpc_server({"grpc_port": rpc.port}):
                pytest.fail("both listen")
    assert refused.value.reason == "ADDRESS_UNAVAILABLE"
