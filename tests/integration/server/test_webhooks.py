"""The webhook ingress over real connections: what is passed on, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from typing import Any

import httpx
import pytest

from orchestratorx_prism.errors import (
    NotFound,
    PayloadRejected,
    PrismError,
    ProviderUnavailable,
    RequestRejected,
    SignatureRejected,
    Unavailable,
)
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement

LIMIT = 1024 * 1024


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == response.status_code
    return found


async def test_a_webhook_reaches_the_service_byte_for_byte(http: Any) -> None:
    body = b'{ "a" : 1.0 , "\xc3\xa9":"\\u00e9" }\n'
    headers = {"Stripe-Signature": "t=1,v1=00", "traceparent": "00-1-2-01", "X-Trace": "1"}
    response = await http.post(content=body, headers=headers)
    assert response.status_code == 200
    (request,) = http.script.seen
    assert request.payload == body
    assert request.connector == "stripe"
    assert request.merchant_id == "default"
    assert request.remote_address == "127.0.0.1"
    assert request.headers["stripe-signature"] == "t=1,v1=00"
    assert request.headers["x-trace"] == "1"
    assert request.traceparent == "00-1-2-01"
    assert not request.webhook_secret


async def test_every_webhook_gets_a_correlation_id_of_its_own(http: Any) -> None:
    for _ in range(3):
        await http.post()
    ids = [request.correlation_id for request in http.script.seen]
    assert all(ids)
    assert len(set(ids)) == 3


async def test_token_alias_and_purpose_come_from_the_url(http: Any) -> None:
    await http.post("/webhooks/m/acme/s3cret-token")
    await http.post("/webhooks/mpesa/acme/s3cret-token?purpose=validation")
    await http.post("/webhooks/m/acme/s3cret-token/timeout")
    found = [(r.connector, r.merchant_id, r.url_token, r.purpose) for r in http.script.seen]
    assert found == [
        ("mpesa", "acme", "s3cret-token", ""),
        ("mpesa", "acme", "s3cret-token", "validation"),
        ("mpesa", "acme", "s3cret-token", "timeout"),
    ]


async def test_the_connectors_acknowledgement_is_sent_back_as_it_is(http_server: Any) -> None:
    reply = Acknowledgement(status=202, headers={"content-type": "text/plain"}, body=b"[accepted]")
    async with http_server(acknowledgement=reply) as http:
        response = await http.post("/webhooks/adyen/default")
    assert (response.status_code, response.content) == (202, b"[accepted]")
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["content-length"] == "10"


async def test_nothing_says_what_software_answers(http: Any) -> None:
    for response in (await http.post(), await http.client.get("/nowhere")):
        assert "server" not in response.headers


REFUSALS: list[tuple[PrismError, int]] = [
    (SignatureRejected("no match"), 401),
    (SignatureRejected("no secret", reason="SECRET_MISSING"), 401),
    (PayloadRejected("not JSON"), 400),
    (RequestRejected("no such merchant", reason="MERCHANT_UNKNOWN"), 404),
    (RequestRejected("test money", reason="ENVIRONMENT_MISMATCH"), 400),
    (NotFound("no such thing"), 404),
]


@pytest.mark.parametrize(("error", "status"), REFUSALS, ids=lambda value: getattr(value, "reason", str(value)))
async def test_a_refusal_is_a_problem_document_with_reason_and_fix(
    http_server: Any, error: PrismError, status: int
) -> None:
    error.fix = "mend it"
    async with http_server(error=error) as http:
        response = await http.post()
    assert response.status_code == status
    found = problem(response)
    assert (found["reason"], found["fix"], found["detail"]) == (error.reason, "mend it", error.message)
    assert found["retryable"] is False
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (Unavailable("the database cannot commit"), "5"),
        (Unavailable("the database cannot commit", retry_after_s=0.2), "1"),
        (ProviderUnavailable("PayPal did not answer", retry_after_s=30), "30"),
    ],
)
async def test_what_is_not_recorded_is_answered_503_and_asked_for_again(
    http_server: Any, error: PrismError, retry_after: str
) -> None:
    reply = Acknowledgement(status=200, body=b"[accepted]")
    async with http_server(error=error, acknowledgement=reply) as http:
        response = await http.post()
    assert response.status_code == 503
    assert response.headers["retry-after"] == retry_after
    assert b"accepted" not in response.content
    assert problem(response)["retryable"] is True


async def test_a_service_that_takes_too_long_is_not_waited_for(http_server: Any) -> None:
    async def slow() -> None:
        await asyncio.sleep(30)

    async with http_server({"request_timeout_s": 0.1}, before=slow) as http:
        response = await http.post()
    assert response.status_code == 504
    assert problem(response)["reason"] == "DEADLINE_EXPIRED"
    assert response.headers["retry-after"] == "5"


async def test_a_timeout_within_the_service_is_not_taken_for_ours(http_server: Any) -> None:
    async with http_server(error=TimeoutError("a socket")) as http:
        response = await http.post()
    assert response.status_code == 500
    assert problem(response)["reason"] == "INTERNAL"


async def test_a_defect_is_500_with_a_correlation_id_and_no_word_of_the_body(
    http_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with http_server(error=KeyError("4111111111111111")) as http:
        response = await http.post(content=b'{"card":"4111111111111111"}')
    assert response.status_code == 500
    assert "correlation id" in problem(response)["detail"]
    assert "4111" not in response.text
    assert "4111" not in caplog.text
    assert caplog.records[-1].levelno >= logging.WARNING
    assert any(record.getMessage() == "unexpected failure" for record in caplog.records)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_webhooks_are_posted(http: Any, method: str) -> None:
    response = await http.client.request(method, "/webhooks/stripe/default")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert http.script.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/acme/default",
        "/webhooks/stripe",
        "/webhooks/stripe/",
        "/webhooks",
        "/",
        "/webhooks/m/a/b/c",
        "/x" * 99,
    ],
)
async def test_other_paths_are_404(http: Any, path: str) -> None:
    response = await http.post(path)
    assert response.status_code == 404
    assert problem(response)["reason"] in {"CONNECTOR_UNKNOWN", "PATH_UNKNOWN"}
    assert http.script.seen == []


async def test_a_body_larger_than_the_limit_is_413(http: Any) -> None:
    response = await http.post(content=b"x" * (LIMIT + 1))
    assert response.status_code == 413
    assert problem(response)["reason"] == "PAYLOAD_TOO_LARGE"
    assert http.script.seen == []


async def test_a_body_of_5_megabytes_is_413_and_the_connection_stays_good(http: Any) -> None:
    async def chunks() -> Any:
        for _ in range(80):
            yield b"x" * 65_536

    assert (await http.post(content=b"x" * 5_000_000)).status_code == 413
    assert (await http.client.post("/webhooks/stripe/default", content=chunks())).status_code == 413
    assert (await http.post(content=b"{}")).status_code == 200
    assert [request.payload for request in http.script.seen] == [b"{}"]


async def test_a_body_of_exactly_the_limit_passes(http: Any) -> None:
    assert (await http.post(content=b"x" * LIMIT)).status_code == 200
    assert len(http.script.seen[0].payload) == LIMIT


@pytest.mark.parametrize(("packing", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_packed_bodies_are_unpacked_before_they_are_verified(http: Any, packing: str, pack: Any) -> None:
    response = await http.post(content=pack(b'{"a":1}'), headers={"content-encoding": packing})
    assert response.status_code == 200
    assert http.script.seen[0].payload == b'{"a":1}'
    assert "content-encoding" not in http.script.seen[0].headers


async def test_a_gzip_bomb_is_413(http: Any) -> None:
    bomb = gzip.compress(b"\x00" * 200_000_000, compresslevel=1)
    assert len(bomb) < LIMIT
    response = await http.post(content=bomb, headers={"content-encoding": "gzip"})
    assert response.status_code == 413
    assert http.script.seen == []


@pytest.mark.parametrize(("packing", "status"), [("br", 415), ("gzip, gzip", 415), ("gzip", 400)])
async def test_packings_that_are_wrong_are_refused(http: Any, packing: str, status: int) -> None:
    response = await http.post(content=b"{}", headers={"content-encoding": packing})
    assert response.status_code == status
    assert http.script.seen == []


async def test_a_signature_given_twice_is_missing_and_the_refusal_says_why(http_server: Any) -> None:
    async with http_server(error=SignatureRejected("no signature", reason="SIGNATURE_MISSING")) as http:
        headers = [("Stripe-Signature", "t=1,v1=aa"), ("Stripe-Signature", "t=2,v1=bb")]
        response = await http.post(headers=headers)
    assert "stripe-signature" not in http.script.seen[0].headers
    assert response.status_code == 401
    assert problem(response)["reason"] == "SIGNATURE_MISSING"
    assert "stripe-signature" in problem(response)["detail"]
    assert "v1=" not in response.text


async def test_a_trusted_proxy_is_believed_and_nobody_else(http_server: Any) -> None:
    forwarded = {"x-forwarded-for": "196.201.214.200"}
    async with http_server({"trusted_proxies": ["127.0.0.0/8"]}) as behind, http_server() as open_to_all:
        await behind.post(headers=forwarded)
        await open_to_all.post(headers=forwarded)
    assert behind.script.seen[0].remote_address == "196.201.214.200"
    assert open_to_all.script.seen[0].remote_address == "127.0.0.1"


async def test_neither_token_nor_signature_nor_body_reaches_a_log(
    http_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_server(error=SignatureRejected("no match")) as http:
        await http.post(
            "/webhooks/m/default/tok-in-the-url",
            content=b'{"secret-in-body":1}',
            headers={"stripe-signature": "sig-in-header"},
        )
    ours = "\n".join(r.getMessage() + str(r.__dict__) for r in caplog.records if not r.name.startswith("http"))
    assert "SIGNATURE_MISMATCH" in ours
    for secret in ("tok-in-the-url", "secret-in-body", "sig-in-header"):
        assert secret not in ours


async def test_refusals_and_answers_are_counted(http_server: Any) -> None:
    async with http_server() as http:
        await http.post()
        await http.post("/webhooks/acme/default")
        await http.post(content=b"x" * (LIMIT + 1))
        text = (await http.client.get("/metrics")).text
    assert 'orchestrator_request_seconds_count{code="200",door="http",method="webhook"} 1.0' in text
    assert 'orchestrator_request_seconds_count{code="404",door="http",method="webhook"} 1.0' in text
    assert 'orchestrator_refusals_total{connector="other",reason="CONNECTOR_UNKNOWN"} 1.0' in text
    assert 'orchestrator_refusals_total{connector="stripe",reason="PAYLOAD_TOO_LARGE"} 1.0' in text
