"""What strangers send: each fault a typed refusal that names it, never a server error."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from rest_desk import ALL_KEY, Rest, caller_of, rest_of_fakes

from orchestratorx_prism.errors import DeadlineExpired, RequestInFlight

JSON = {"Content-Type": "application/json", "Idempotency-Key": "k1"}
PAYMENTS = "/v1/payments"
MONEY = {"minor_units": 1099, "currency": "USD"}


@pytest.fixture
def rest() -> Rest:
    """Services that take everything: what is refused, is refused by REST."""
    return rest_of_fakes()


@pytest.fixture
async def caller(rest: Rest) -> Any:
    """With a key of every scope."""
    async with caller_of(rest, {"X-API-Key": ALL_KEY}) as client:
        yield client


def check_problem(answer: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    """A whole problem document, and nothing that a browser could make something of."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["reason"]) == (status, reason)
    assert problem["type"] == f"urn:orchestratorx:problem:{reason}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].endswith(answer.headers["x-request-id"])
    assert isinstance(problem["retryable"], bool)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return problem


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "PAYLOAD_NOT_JSON"),
        (b"{'amount': 1}", "PAYLOAD_NOT_JSON"),
        (b'{"amount": NaN}', "PAYLOAD_NOT_JSON"),
        (b'{"amount": Infinity}', "PAYLOAD_NOT_JSON"),
        (b'{"connector": "stripe", "connector": "adyen"}', "PAYLOAD_NOT_JSON"),
        (b'{"amount": {"currency": "USD", "currency": "EUR"}}', "PAYLOAD_NOT_JSON"),
        (b'{"connector": "\xff"}', "PAYLOAD_NOT_UTF8"),
        (b"[]", "PAYLOAD_NOT_OBJECT"),
        (b"null", "PAYLOAD_NOT_OBJECT"),
        (b"1", "PAYLOAD_NOT_OBJECT"),
        (b'{"metadata": ' + b"[" * 40 + b"]" * 40 + b"}", "PAYLOAD_TOO_DEEP"),
        (b"[" * 100_000 + b"]" * 100_000, "PAYLOAD_TOO_DEEP"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "PAYLOAD_TOO_DEEP"),
        (b"\x00", "PAYLOAD_NOT_JSON"),
        (b"\xef\xbb\xbf{}", "PAYLOAD_NOT_JSON"),
        (b"{} {}", "PAYLOAD_NOT_JSON"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(caller: httpx.AsyncClient, body: bytes, reason: str) -> None:
    check_problem(await caller.post(PAYMENTS, content=body, headers=JSON), 400, reason)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amout": MONEY}, "amout"),
        ({"amount": {**MONEY, "minorUnits": 1}}, "amount.minorUnits"),
        ({"amount": {"minor_units": "1099", "currency": "USD"}}, "amount.minor_units"),
        ({"amount": {"minor_units": 10.99, "currency": "USD"}}, "amount.minor_units"),
        ({"amount": {"minor_units": 1e3, "currency": "USD"}}, "amount.minor_units"),
        ({"amount": {"minor_units": True, "currency": "USD"}}, "amount.minor_units"),
        ({"amount": {"minor_units": 2**63, "currency": "USD"}}, "amount.minor_units"),
        ({"amount": {"minor_units": 10**5000, "currency": "USD"}}, "amount.minor_units"),
        ({"amount": None}, "amount"),
        ({"amount": {"minor_units": 1, "currency": None}}, "amount.currency"),
        ({"amount": []}, "amount"),
        ({"amount": "10.99 USD"}, "amount"),
        ({"amount": MONEY, "capture_mode": 2}, "capture_mode"),
        ({"amount": MONEY, "capture_mode": "SOMETIMES"}, "capture_mode"),
        ({"amount": MONEY, "off_session": "yes"}, "off_session"),
        ({"amount": MONEY, "off_session": 1}, "off_session"),
        ({"amount": MONEY, "metadata": []}, "metadata"),
        ({"amount": MONEY, "metadata": [["a", "b"]]}, "metadata"),
        ({"amount": MONEY, "metadata": {"a": 1}}, "metadata.a"),
        ({"amount": MONEY, "metadata": {"a": "\0"}}, "metadata"),
        ({"amount": MONEY, "instrument": {"token": "pm_1", "phone": "2547"}}, "instrument.phone"),
        ({"amount": MONEY, "instrument": {"card": {"expiry_month": -1}}}, "instrument.card.expiry_month"),
        ({"amount": MONEY, "description": "half a pair \ud83d"}, "description"),
        ({"amount": MONEY, "description": "a\0b"}, "description"),
        ({"amount": MONEY, "saved_card_id": ""}, "saved_card_id"),
        ({"amount": MONEY, "saved_card_id": {"$ne": ""}}, "saved_card_id"),
        ({}, "amount"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_its_path(
    caller: httpx.AsyncClient, fields: dict[str, Any], field: str
) -> None:
    answer = await caller.post(PAYMENTS, content=as_json(fields), headers=JSON)
    problem = check_problem(answer, 400, "REQUEST_INVALID")
    assert problem["metadata"] == {"field": field}
    assert problem["fix"] or field in problem["detail"]


def as_json(fields: dict[str, Any]) -> str:
    """JSON, of numbers too that Python will not print at once."""
    huge = 10**5000
    if fields.get("amount") == {"minor_units": huge, "currency": "USD"}:
        return '{"amount": {"minor_units": 1' + "0" * 5000 + ', "currency": "USD"}}'
    return json.dumps(fields)


async def test_a_name_that_is_nearly_right_is_told_the_right_one(caller: httpx.AsyncClient) -> None:
    answer = await caller.post(PAYMENTS, json={"amout": MONEY}, headers=JSON)
    assert answer.json()["fix"] == "did you mean amount?"
    asked = await caller.get(PAYMENTS, params={"stauts": "CAPTURED"})
    assert asked.json()["fix"] == "did you mean status?"


async def test_half_a_surrogate_pair_in_a_name_does_not_come_back(caller: httpx.AsyncClient) -> None:
    answer = await caller.post(PAYMENTS, content=b'{"\\ud83d": 1}', headers=JSON)
    check_problem(answer, 400, "REQUEST_INVALID")


async def test_a_field_of_the_path_does_not_stand_in_the_body(caller: httpx.AsyncClient) -> None:
    answer = await caller.post(f"{PAYMENTS}/pay_1/void", json={"payment_id": "pay_2"}, headers=JSON)
    problem = check_problem(answer, 400, "REQUEST_INVALID")
    assert problem["fix"] == "it stands in the path"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=many", "page_size"),
        ("page_size=1&page_size=2", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=99999999999", "page_size"),
        ("page_size=1e3", "page_size"),
        ("page_size=%D9%A1", "page_size"),
        ("status=captured_", "status"),
        ("currency=%00", "currency"),
        ("created_from=yesterday", "created_from"),
        ("created_from=2026-01-01T00:00:00", "created_from"),
        ("nothing=1", "nothing"),
        ("merchant_id=a&merchant_id=b", "merchant_id"),
    ],
)
async def test_a_query_that_does_not_fit_is_refused_by_its_name(
    caller: httpx.AsyncClient, query: str, field: str
) -> None:
    problem = check_problem(await caller.get(f"{PAYMENTS}?{query}"), 400, "REQUEST_INVALID")
    assert problem["metadata"] == {"field": field}


async def test_a_query_that_no_url_may_hold_is_refused(caller: httpx.AsyncClient) -> None:
    check_problem(await caller.get(f"{PAYMENTS}?currency=%ff%fe"), 400, "REQUEST_INVALID")
    check_problem(await caller.get(f"{PAYMENTS}?" + "&".join(["status=FAILED"] * 501)), 400, "REQUEST_INVALID")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=utf-16"]
)
async def test_a_body_that_is_not_said_to_be_json_is_refused(caller: httpx.AsyncClient, content_type: str) -> None:
    headers = {**JSON, "Content-Type": content_type}
    answer = await caller.post(PAYMENTS, content=b'{"amount": 1}', headers=headers)
    check_problem(answer, 415, "CONTENT_TYPE_UNSUPPORTED")


async def test_a_body_may_say_that_it_is_json_in_utf_8(caller: httpx.AsyncClient) -> None:
    headers = {**JSON, "Content-Type": 'Application/JSON; Charset="UTF-8"'}
    answer = await caller.post(PAYMENTS, content=json.dumps({"amount": MONEY}), headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.1", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0, */*", 406),
        ("application/json;q=nonsense", 406),
        ("image/png, text/csv", 406),
    ],
)
async def test_whoever_takes_no_json_gets_none(caller: httpx.AsyncClient, accept: str, status: int) -> None:
    answer = await caller.get(PAYMENTS, headers={"Accept": accept})
    assert answer.status_code == status
    if status == 406:
        check_problem(answer, 406, "NOT_ACCEPTABLE")


async def test_a_body_beyond_the_limit_is_refused_however_it_is_packed(rest: Rest, caller: httpx.AsyncClient) -> None:
    large = b'{"description": "' + b"a" * (1024 * 1024) + b'"}'
    check_problem(await caller.post(PAYMENTS, content=large, headers=JSON), 413, "PAYLOAD_TOO_LARGE")
    packed = {**JSON, "Content-Encoding": "gzip"}
    check_problem(await caller.post(PAYMENTS, content=gzip.compress(large), headers=packed), 413, "PAYLOAD_TOO_LARGE")
    brotli = {**JSON, "Content-Encoding": "br"}
    check_problem(await caller.post(PAYMENTS, content=b"x", headers=brotli), 415, "CONTENT_ENCODING_UNKNOWN")


async def test_evidence_may_be_as_large_as_its_files(caller: httpx.AsyncClient) -> None:
    file = {
        "purpose": "receipt",
        "file_name": "r.pdf",
        "content_type": "application/pdf",
        "content": "AAAA" * 1_000_000,
    }
    answer = await caller.post("/v1/disputes/dis_1/evidence", json={"files": [file]}, headers=JSON)
    assert answer.status_code == 200
    too_large = {**file, "content": "AAAA" * 3_000_000}
    answer = await caller.post("/v1/disputes/dis_1/evidence", json={"files": [too_large]}, headers=JSON)
    check_problem(answer, 413, "PAYLOAD_TOO_LARGE")


async def test_a_path_that_is_none_is_refused(caller: httpx.AsyncClient) -> None:
    for path in (
        "/v1/",
        "/v1/payment",
        "/v1/payments/",
        "/v1/payments/pay_1/steal",
        "/docs/../etc",
        "/v1/payments//void",
    ):
        check_problem(await caller.get(path), 404, "PATH_UNKNOWN")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/payments", "GET, HEAD, POST"),
        ("GET", "/v1/payments/pay_1/void", "POST"),
        ("GET", "/v1/events/replay", "POST"),
        ("OPTIONS", "/v1/payments/cards", "GET, HEAD, POST"),
        ("POST", "/v1/payments/cards/pm_1", "DELETE"),
        ("TRACE", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_another_method_than_the_path_takes_is_refused_with_those(
    caller: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await caller.request(method, path)
    check_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed


async def test_other_origins_get_no_leave(caller: httpx.AsyncClient) -> None:
    answer = await caller.get(PAYMENTS, headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("key", ["", "é", "a\tb", "k" * 256])
async def test_an_idempotency_key_that_is_none_is_refused(caller: httpx.AsyncClient, key: str) -> None:
    headers = [("Idempotency-Key", key.encode("latin-1")), ("Content-Type", b"application/json")]
    answer = await caller.post(PAYMENTS, json={"amount": MONEY}, headers=headers)  # type: ignore[arg-type]
    problem = check_problem(answer, 400, "REQUEST_INVALID")
    assert problem["metadata"] == {"field": "Idempotency-Key"}


async def test_a_header_that_decides_and_comes_twice_otherwise_is_refused(
    caller: httpx.AsyncClient,
) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await caller.post(PAYMENTS, json={"amount": MONEY}, headers=headers)
    check_problem(answer, 400, "HEADER_REPEATED")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_of_another_site_makes_a_browser_do_nothing(caller: httpx.AsyncClient, site: str) -> None:
    answer = await caller.post("/v1/api-keys/key_1/revoke", headers={"Sec-Fetch-Site": site})
    check_problem(answer, 403, "CROSS_SITE")
    same = await caller.post("/v1/api-keys/key_1/revoke", headers={"Sec-Fetch-Site": "same-origin"})
    assert same.status_code == 200


async def test_a_call_that_is_still_under_way_says_when_to_ask_again(rest: Rest, caller: httpx.AsyncClient) -> None:
    async def busy(_request: Any) -> Any:
        raise RequestInFlight("a call with this request_id has not ended yet", retry_after_s=1.0)

    rest.services["PaymentService"].authorize = busy  # type: ignore[attr-defined]
    answer = await caller.post(PAYMENTS, json={"amount": MONEY}, headers=JSON)
    assert check_problem(answer, 409, "REQUEST_IN_FLIGHT")["retryable"] is True
    assert answer.headers["retry-after"] == "1"


async def test_a_defect_of_a_service_is_told_without_its_words(rest: Rest, caller: httpx.AsyncClient) -> None:
    async def broken(_request: Any) -> Any:
        raise ZeroDivisionError("sk_live_secret")

    rest.services["PaymentService"].get = broken  # type: ignore[attr-defined]
    answer = await caller.get(f"{PAYMENTS}/pay_1")
    problem = check_problem(answer, 500, "INTERNAL")
    assert "sk_live" not in answer.text
    assert problem["metadata"]["correlation_id"] in problem["detail"]


async def test_a_call_that_takes_too_long_is_told_to_repeat_with_the_same_key(
    rest: Rest, caller: httpx.AsyncClient
) -> None:
    async def late(_request: Any) -> Any:
        raise DeadlineExpired("no answer within 20 s")

    rest.services["PaymentService"].get = late  # type: ignore[attr-defined]
    problem = check_problem(await caller.get(f"{PAYMENTS}/pay_1"), 504, "DEADLINE_EXPIRED")
    assert "same Idempotency-Key" in problem["fix"]


async def test_head_is_answered_as_get(caller: httpx.AsyncClient) -> None:
    assert (await caller.head(f"{PAYMENTS}/pay_1")).status_code == 200
