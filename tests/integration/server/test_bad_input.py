"""Bad input by both doors of a real server: each kind refused for its own reason, nothing recorded, no 500."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
import pytest

from connectors.spi import SampleRequest
from orchestrator.plugins import connector_named
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.wire import from_rpc_error

SECRET = b"whsec_serve_test"


def signed(body: bytes, *, at_s: int | None = None, key: bytes = SECRET) -> dict[str, str]:
    """The header that Stripe would send."""
    now_s = int(time.time()) if at_s is None else at_s
    mac = hmac.digest(key, b"%d." % now_s + body, hashlib.sha256).hex()
    return {"Stripe-Signature": f"t={now_s},v1={mac}"}


@dataclass(frozen=True)
class Case:
    """One bad webhook, and what is to become of it."""

    name: str
    body: bytes
    reason: str
    status: int
    headers: Callable[[bytes], dict[str, str]] = signed
    connector: str = "stripe"
    path: str = ""
    grpc_code: int = 3
    more: dict[str, Any] = field(default_factory=dict)


def amount(text: bytes, currency: bytes = b"usd") -> bytes:
    """A payment of that amount, whatever it is."""
    return (
        b'{"id":"evt_1","object":"event","type":"payment_intent.succeeded","created":1700000000,"livemode":false,'
        b'"data":{"object":{"id":"pi_1","object":"payment_intent","status":"succeeded","amount":%s,'
        b'"amount_received":%s,"currency":"%s"}}}' % (text, text, currency)
    )


def adyen() -> bytes:
    """A notification signed by a key that the server does not have."""
    sample = connector_named("adyen").sample
    assert sample is not None
    return sample(SampleRequest("AUTHORISATION", secret="00" * 32, now_s=1_700_000_000)).body


GOOD = amount(b"1099")
REFUSED = {"status": 401, "grpc_code": 16}
CASES = [
    Case("an empty body", b"", "PAYLOAD_EMPTY", 400),
    Case("only spaces", b"  \n", "PAYLOAD_EMPTY", 400),
    Case("not JSON", b"hello", "PAYLOAD_NOT_JSON", 400),
    Case("JSON cut short", b'{"id":', "PAYLOAD_NOT_JSON", 400),
    Case("not UTF-8", b'{"id":"\xff\xfe"}', "PAYLOAD_NOT_UTF8", 400),
    Case("a list", b"[]", "PAYLOAD_NOT_OBJECT", 400),
    Case("a number", b"1", "PAYLOAD_NOT_OBJECT", 400),
    Case("NaN", amount(b"NaN"), "PAYLOAD_NOT_JSON", 400),
    Case("infinity", amount(b"1e999"), "PAYLOAD_FIELD_INVALID", 400),
    Case("a fraction of a cent", amount(b"10.5"), "PAYLOAD_FIELD_INVALID", 400),
    Case("a number beyond 64 bits", amount(b"9" * 30), "AMOUNT_OUT_OF_RANGE", 400),
    Case("an unknown currency", amount(b"1", b"xxq"), "CURRENCY_UNKNOWN", 400),
    Case("5 MB", b'{"a":"' + b"x" * 5_000_000 + b'"}', "PAYLOAD_TOO_LARGE", 413),
    Case("no signature", GOOD, "SIGNATURE_MISSING", headers=lambda _: {}, **REFUSED),
    Case("a malformed signature", GOOD, "SIGNATURE_MALFORMED", headers=lambda _: {"Stripe-Signature": "x"}, **REFUSED),
    Case("another key", GOOD, "SIGNATURE_MISMATCH", headers=lambda b: signed(b, key=b"whsec_other"), **REFUSED),
    Case("another body", GOOD, "SIGNATURE_MISMATCH", headers=lambda b: signed(b + b" "), **REFUSED),
    Case("too old", GOOD, "TIMESTAMP_OUT_OF_TOLERANCE", headers=lambda b: signed(b, at_s=1_700_000_000), **REFUSED),
    Case("too new", GOOD, "TIMESTAMP_OUT_OF_TOLERANCE", headers=lambda b: signed(b, at_s=4_000_000_000), **REFUSED),
    Case("a secret nobody set", adyen(), "SECRET_MISSING", connector="adyen", headers=lambda _: {}, **REFUSED),
    Case("a connector nobody has", b"{}", "CONNECTOR_UNKNOWN", 404, connector="acme"),
    Case("a merchant nobody knows", GOOD, "MERCHANT_UNKNOWN", 404, path="/webhooks/stripe/nobody"),
]
DEEP = Case("deeply nested", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "PAYLOAD_TOO_DEEP", 400)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_server: Any) -> Iterator[Any]:
    """One server for all of this file."""
    process = start_server(tmp_path_factory.mktemp("bad-input"))
    yield process
    assert process.stop() == 0
    process.close()


def recorded(server: Any) -> int:
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary("/orchestratorx_prism.v1.EventService/ListEvents")
        return len(pb.ListEventsResponse.FromString(call(b"", timeout=10)).events)


@pytest.mark.parametrize("case", [*CASES, DEEP], ids=lambda case: case.name)
def test_bad_webhooks_over_http(server: Any, case: Case) -> None:
    path = case.path or f"/webhooks/{case.connector}/default"
    answer = httpx.post(server.url + path, content=case.body, headers=case.headers(case.body), timeout=20)
    assert (answer.status_code, answer.json()["reason"]) == (case.status, case.reason)
    assert recorded(server) == 0


@pytest.mark.parametrize("case", [*CASES, DEEP], ids=lambda case: case.name)
def test_bad_webhooks_over_grpc(server: Any, case: Case) -> None:
    request = pb.HandleEventRequest(
        connector=case.connector,
        payload=case.body,
        headers=case.headers(case.body),
        merchant_id=case.path.rpartition("/")[2],
    )
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary("/orchestratorx_prism.v1.EventService/HandleEvent")
        with pytest.raises(grpc.RpcError) as raised:
            call(request.SerializeToString(), timeout=20)
    error: PrismError = from_rpc_error(raised.value)
    assert (error.grpc_code, error.reason) == (case.grpc_code, case.reason)
    assert recorded(server) == 0


def test_bad_webhooks_of_a_batch_are_refused_one_by_one(server: Any) -> None:
    batch = pb.BatchHandleEventsRequest(
        requests=[
            pb.HandleEventRequest(connector=case.connector, payload=case.body, headers=case.headers(case.body))
            for case in CASES
            if not case.path
        ]
    )
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary("/orchestratorx_prism.v1.EventService/BatchHandleEvents")
        answer = pb.BatchHandleEventsResponse.FromString(call(batch.SerializeToString(), timeout=20))
    reasons = [result.refused.reason for result in answer.results]
    assert reasons == [case.reason for case in CASES if not case.path]
    assert recorded(server) == 0


def test_refusals_are_counted_by_reason(server: Any) -> None:
    httpx.post(f"{server.url}/webhooks/stripe/default", content=GOOD)
    text = httpx.get(f"{server.url}/metrics").text
    counted = 'orchestrator_refusals_total{connector="stripe",reason="SIGNATURE_MISSING"} '
    failed = 'orchestrator_verification_failures_total{connector="stripe",reason="SIGNATURE_MISSING"} '
    assert counted in text
    assert failed in text
    assert json.dumps("acme") not in text
