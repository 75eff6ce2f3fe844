"""Keys at gRPC's door of a whole server: every rpc that it serves, tried with none, the wrong and another's key."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from every_rpc import every_rpc, name_of, requests_naming
from google.protobuf.message_factory import GetMessageClass

from orchestrator.access.confining import MERCHANTLESS
from orchestrator.access.scopes import INSTALLATION_ONLY, SCOPE_OF, SCOPES
from orchestrator.bootstrap import Application, build
from orchestrator.plugins import installed_connectors
from orchestrator.services import subscribing
from orchestrator.serving import Server
from orchestrator.settings_loading import settings_from
from orchestrator.telemetry.metrics import Metrics
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.transports.grpc import from_rpc_error
from orchestratorx_prism.v1 import api_key_service_pb2 as keys
from orchestratorx_prism.v1 import audit_service_pb2 as audit
from orchestratorx_prism.v1 import event_service_pb2 as events
from orchestratorx_prism.v1 import payment_service_pb2 as payments

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Running:
    """A server on loopback, over a file."""

    application: Application
    metrics: Metrics
    channel: Any
    database: Path
    http: str

    async def key(self, *scopes: str, merchant_id: str = "acme") -> keys.ApiKeyServiceCreateResponse:
        """A new one, made as the command line makes it."""
        request = keys.ApiKeyServiceCreateRequest(merchant_id=merchant_id, scopes=scopes)
        return await self.application.services.api_keys.create(request)

    def serves(self, method: Any) -> bool:
        """Whether this server has the method's service."""
        return method.containing_service in self.application.services.by_descriptor()

    async def call(self, method: Any, request: bytes, metadata: Metadata) -> bytes:
        """One answer of any kind of rpc, as bytes."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        if method.client_streaming:
            stream = self.channel.stream_stream(path)(metadata=metadata, timeout=10)
            with contextlib.suppress(asyncio.InvalidStateError):  # refused before it could be written
                await stream.write(request)
            answer: bytes = await stream.read()
        elif method.server_streaming:
            answer = await self.channel.unary_stream(path)(request, metadata=metadata, timeout=10).read()
        else:
            answer = await self.channel.unary_unary(path)(request, metadata=metadata, timeout=10)
        return answer

    async def refused(self, method: Any, request: bytes, metadata: Metadata) -> PrismError:
        """How a call is refused."""
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await self.call(method, request, metadata)
        return from_rpc_error(raised.value)


def sent(key: str) -> Metadata:
    """A key, as it is sent."""
    return (("x-api-key", key),)


def method_named(name: str) -> Any:
    """The descriptor of "PaymentService.Get"."""
    return next(method for method in every_rpc() if name_of(method) == name)


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Running]:
    values = {
        "database_url": f"sqlite:///{tmp_path / 'access.db'}",
        "grpc_port": 0,
        "http_port": 0,
        "merchants": {"acme": {}, "globex": {}},
        "reconcile_every_s": 0,
        "calls_per_minute": 0,
    }
    metrics = Metrics(installed_connectors())
    application = build(settings_from(values), metrics)
    server = Server(application, metrics)
    addresses = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{addresses.grpc_port}") as channel:
        yield Running(application, metrics, channel, tmp_path, f"http://127.0.0.1:{addresses.http_port}")
        await server.stop()


async def test_without_a_key_every_rpc_is_refused(run: Running) -> None:
    await run.key("payments:read")
    for method in every_rpc():
        refused = await run.refused(method, b"", ())
        assert (refused.grpc_code, refused.reason) == (16, "CREDENTIALS_REFUSED"), name_of(method)


async def test_without_its_scope_every_rpc_is_refused_whatever_else_the_key_may(run: Running) -> None:
    almost_all = {
        scope: (await run.key(*(SCOPES - {scope, "*"}), merchant_id="*")).secret for scope in set(SCOPE_OF.values())
    }
    for method in filter(run.serves, every_rpc()):
        scope = SCOPE_OF[name_of(method)]
        refused = await run.refused(method, b"", sent(almost_all[scope]))
        assert (refused.grpc_code, refused.reason) == (7, "SCOPE_MISSING"), name_of(method)
        assert scope in refused.message


async def test_another_merchants_things_are_not_there_for_every_rpc(run: Running) -> None:
    key = (await run.key("*")).secret
    for method in filter(run.serves, every_rpc()):
        name = name_of(method)
        if name in INSTALLATION_ONLY:
            request = GetMessageClass(method.input_type)().SerializeToString()
            assert (await run.refused(method, request, sent(key))).reason == "INSTALLATION_ONLY"
            continue
        tried = 0
        for foreign in requests_naming(method, "globex"):
            refused = await run.refused(method, foreign.SerializeToString(), sent(key))
            assert (refused.grpc_code, refused.reason.rpartition("NOT_FOUND")[1]) == (5, "NOT_FOUND"), name
            tried += 1
        assert tried or name in MERCHANTLESS


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("PaymentService.Get", {"payment_id": "pay_1"}),
        ("RefundService.Get", {"refund_id": "re_1"}),
        ("DisputeService.Get", {"dispute_id": "dp_1"}),
        ("PayoutService.Get", {"payout_id": "po_1"}),
        ("EventService.GetEvent", {"event_id": "evt_1"}),
        ("PaymentService.Capture", {"payment_id": "pay_1", "request_id": "r1"}),
        ("ApiKeyService.Get", {"key_id": "key_1"}),
        ("ApiKeyService.Revoke", {"key_id": "key_1"}),
        ("MerchantService.Get", {}),
        ("CredentialService.Get", {"connector": "stripe"}),
        ("CredentialService.Delete", {"connector": "stripe"}),
        ("WebhookEndpointService.Get", {"endpoint_id": "we_1"}),
        ("WebhookEndpointService.Delete", {"endpoint_id": "we_1"}),
        ("DeliveryService.Get", {"delivery_id": "dlv_1"}),
        ("DeliveryService.Replay", {"delivery_id": "dlv_1"}),
    ],
)
async def test_another_merchants_thing_is_missing_in_the_words_of_one_that_is_missing(
    run: Running, name: str, missing: dict[str, str]
) -> None:
    method = method_named(name)
    if not run.serves(method):
        pytest.skip("not served here")
    kind: Any = GetMessageClass(method.input_type)
    # To the installation's own key a merchant that there is not shows what a missing thing looks like.
    whose = "*" if name == "MerchantService.Get" else "acme"
    seen = kind(**missing, merchant_id="nobody" if whose == "*" else "").SerializeToString()
    own = await run.refused(method, seen, sent((await run.key("*", merchant_id=whose)).secret))
    there = kind(**missing, merchant_id="globex").SerializeToString()
    foreign = await run.refused(method, there, sent((await run.key("*")).secret))
    assert _told(own) == _told(foreign)


async def test_an_empty_merchant_is_the_keys_own(run: Running) -> None:
    key = await run.key("keys:write")
    raw = await run.call(method_named("ApiKeyService.List"), b"", sent(key.secret))
    assert [one.key_id for one in keys.ApiKeyServiceListResponse.FromString(raw).api_keys] == [key.api_key.key_id]


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}"])
async def test_a_key_comes_by_itself_or_as_a_bearer_token(run: Running, form: str) -> None:
    key = (await run.key("payments:read")).secret
    name = "authorization" if "earer" in form else "x-api-key"
    raw = await run.call(method_named("PaymentService.List"), b"", ((name, form.format(key)),))
    assert payments.PaymentServiceListResponse.FromString(raw).payments == []


@pytest.mark.parametrize(
    "forms",
    [
        (("x-api-key", "{}"), ("x-api-key", "{}")),
        (("x-api-key", "{}"), ("authorization", "Bearer {}")),
        (("authorization", "{}"),),
        (("authorization", "Basic {}"),),
        (("x-api-key", "Bearer {}"),),
        (("x-api-key", " "),),
    ],
)
async def test_a_key_that_is_sent_otherwise_is_none(run: Running, forms: Metadata) -> None:
    key = (await run.key("payments:read")).secret
    metadata = tuple((name, form.format(key)) for name, form in forms)
    assert (await run.refused(method_named("PaymentService.List"), b"", metadata)).grpc_code == 16


async def test_a_stream_ends_when_its_key_is_revoked(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "POLL_S", 0.01)
    monkeypatch.setattr(subscribing, "HEARTBEAT_S", 0.02)
    key = await run.key("events:read")
    path = "/orchestratorx_prism.v1.EventService/SubscribeEvents"
    request = events.SubscribeEventsRequest().SerializeToString()
    stream = run.channel.unary_stream(path)(request, metadata=sent(key.secret), timeout=10)
    for _ in range(3):
        events.SubscribeEventsResponse.FromString(await stream.read())
    await run.application.services.api_keys.revoke(
        keys.ApiKeyServiceRevokeRequest(key_id=key.api_key.key_id, merchant_id="acme")
    )

    async def to_its_end() -> None:
        while await stream.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await to_its_end()
    assert (ended.value.code(), from_rpc_error(ended.value).reason) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_ENDED")


async def test_every_message_of_a_stream_is_confined(run: Running) -> None:
    key = (await run.key("events:write")).secret
    path = "/orchestratorx_prism.v1.EventService/HandleEvents"
    stream = run.channel.stream_stream(path)(metadata=sent(key), timeout=10)
    own = events.HandleEventsRequest(request=events.HandleEventRequest(connector="stripe", payload=b"{}"))
    await stream.write(own.SerializeToString())
    assert events.HandleEventsResponse.FromString(await stream.read()).HasField("refused")
    own.request.merchant_id = "globex"
    await stream.write(own.SerializeToString())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stream.read()
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_who_did_what_from_where_stands_in_the_audit_log(run: Running) -> None:
    maker = await run.key("keys:write", "payments:read")
    request = keys.ApiKeyServiceCreateRequest(scopes=["payments:read"])
    raw = await run.call(method_named("ApiKeyService.Create"), request.SerializeToString(), sent(maker.secret))
    made = keys.ApiKeyServiceCreateResponse.FromString(raw).api_key
    page = await run.application.services.audit.list(
        audit.AuditServiceListRequest(merchant_id="acme", actor=maker.api_key.key_id, actions=["key.created"])
    )
    [entry] = page.entries
    assert (entry.target, entry.remote_address) == (made.key_id, "127.0.0.1")


async def test_metrics_are_for_keys_of_no_single_merchant(run: Running) -> None:
    async with httpx.AsyncClient(base_url=run.http) as client:
        assert (await client.get("/metrics")).status_code == 200
        merchants, installations = await run.key("*"), await run.key("payments:read", merchant_id="*")
        refused = await client.get("/metrics")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        denied = await client.get("/metrics", headers={"x-api-key": merchants.secret})
        assert (denied.status_code, denied.json()["reason"]) == (403, "INSTALLATION_ONLY")
        bearer = {"authorization": f"Bearer {installations.secret}"}
        assert (await client.get("/metrics", headers=bearer)).status_code == 200
        for _ in range(10):
            assert (await client.get("/metrics", headers={"x-api-key": "wrong"})).status_code == 401
        put_off = await client.get("/metrics", headers={"x-api-key": "wrong"})
        assert put_off.status_code == 429
        assert 290 <= int(put_off.headers["retry-after"]) <= 310


async def test_callers_are_counted_by_what_became_of_them(run: Running) -> None:
    key = (await run.key("payments:read")).secret
    method = method_named("PaymentService.List")
    await run.call(method, b"", sent(key))
    for metadata in ((), sent("wrong")):
        await run.refused(method, b"", metadata)
    await run.refused(method_named("PaymentService.Void"), b"", sent(key))
    for _ in range(10):
        await run.refused(method, b"", sent("wrong"))
    lines = run.metrics.exposition().decode().splitlines()
    for line in (
        'orchestrator_authentications_total{outcome="success"} 1.0',
        'orchestrator_authentications_total{outcome="missing"} 1.0',
        'orchestrator_authentications_total{outcome="unknown"} 10.0',
        'orchestrator_authentications_total{outcome="scope_denied"} 1.0',
        'orchestrator_rate_limited_total{by="address"} 1.0',
    ):
        assert line in lines


async def test_no_keys_text_reaches_a_log_a_refusal_a_metric_or_the_database(
    run: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    method = method_named("PaymentService.List")
    good = (await run.key("payments:read", "keys:write")).secret
    wrong = "ox_CANARYww_CANARYCANARYCANARYCANARYCANARYCA"
    raw = await run.call(
        method_named("ApiKeyService.Create"),
        keys.ApiKeyServiceCreateRequest(scopes=["payments:read"]).SerializeToString(),
        sent(good),
    )
    other = keys.ApiKeyServiceCreateResponse.FromString(raw).secret
    told = [str(await run.refused(method, b"", sent(text))) for text in (wrong, good + "x", "CANARY")]
    told.append(str(await run.refused(method_named("PaymentService.Void"), b"", sent(good))))
    told.append(
        str([await run.application.ledger.tables.read(_everything(name)) for name in ("api_keys", "audit_log")])
    )
    await run.application.access.stop()
    files = b"".join(path.read_bytes() for path in run.database.glob("access.db*"))
    everything = "\n".join([*told, caplog.text, run.metrics.exposition().decode(), files.decode("latin-1")])
    assert good[:11] in everything  # the search finds what may be shown
    for secret in (good[12:], other[12:], "CANARY"):
        assert secret not in everything


def _told(error: PrismError) -> tuple[Any, ...]:
    return error.grpc_code, error.reason, error.message, error.fix, error.metadata


def _everything(name: str) -> Any:
    from sqlalchemy import select

    from orchestrator.ledger.schema_all import metadata

    return select(*metadata.tables[name].c)
