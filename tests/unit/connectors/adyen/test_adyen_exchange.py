"""What the SDK and our transport send: addresses, headers, and what becomes of strange answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from connectors.adyen.endpoints import read_endpoints
from connectors.adyen.exchange import MAX_ANSWER_BYTES, Exchange, Pool, Trouble
from connectors.adyen.prepared import Endpoint, Prepared
from connectors.adyen.replies import Reply
from connectors.spi import Environment

LIVE = Environment.ENVIRONMENT_PRODUCTION
SANDBOX = Environment.ENVIRONMENT_SANDBOX
CONFIG = {
    "ADYEN_API_KEY": "AQEkey",
    "ADYEN_TRANSFERS_API_KEY": "AQFkey",
    "ADYEN_MERCHANT_ACCOUNT": "ShopECOM",
    "ADYEN_LIVE_PREFIX": "1797a841fbb37ca7-testshop",
}
Handler = Callable[[httpx.Request], httpx.Response]


class FakePool(Pool):
    """Connections to a function."""

    def __init__(self, handler: Handler) -> None:
        def streamed(request: httpx.Request) -> httpx.Response:
            made = handler(request)
            return httpx.Response(made.status_code, headers=made.headers, stream=httpx.ByteStream(made.content))

        super().__init__(1)
        self._http = httpx.Client(transport=httpx.MockTransport(streamed))


def run(
    handler: Handler,
    prepared: Prepared,
    environment: Environment.ValueType = SANDBOX,
    base: str = "",
    deadline_s: float = 5.0,
) -> Exchange:
    endpoints = read_endpoints({**CONFIG, "ADYEN_API_BASE": base}, environment)
    pool = FakePool(handler)
    exchange = Exchange(pool, endpoints, prepared, key="key-1", deadline_s=time.monotonic() + deadline_s)
    exchange.run()
    pool.close()
    return exchange


def sent(
    prepared: Prepared, environment: Environment.ValueType = SANDBOX, base: str = ""
) -> tuple[httpx.Request, Reply]:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"ok": 1})

    outcome = run(handler, prepared, environment, base).outcome
    assert isinstance(outcome, Reply)
    return requests[0], outcome


CAPTURE = Prepared(Endpoint.CAPTURES, {"amount": {"value": 1}}, ("PSP1",))
DELETE = Prepared(Endpoint.DELETE_STORED, path=("ID1",), query={"shopperReference": "a&b=c/ü", "merchantAccount": "X"})


@pytest.mark.parametrize(
    ("prepared", "test", "live"),
    [
        (
            Prepared(Endpoint.PAYMENTS, {}),
            "https://checkout-test.adyen.com/v71/payments",
            "https://1797a841fbb37ca7-testshop-checkout-live.adyenpayments.com/checkout/v71/payments",
        ),
        (
            CAPTURE,
            "https://checkout-test.adyen.com/v71/payments/PSP1/captures",
            "https://1797a841fbb37ca7-testshop-checkout-live.adyenpayments.com/checkout/v71/payments/PSP1/captures",
        ),
        (
            Prepared(Endpoint.ACCEPT_DISPUTE, {}),
            "https://ca-test.adyen.com/ca/services/DisputeService/v30/acceptDispute",
            "https://ca-live.adyen.com/ca/services/DisputeService/v30/acceptDispute",
        ),
        (
            Prepared(Endpoint.TRANSFERS, {}),
            "https://balanceplatform-api-test.adyen.com/btl/v4/transfers",
            "https://balanceplatform-api-live.adyen.com/btl/v4/transfers",
        ),
    ],
    ids=["payments", "captures", "disputes", "transfers"],
)
def test_every_api_has_its_address(prepared: Prepared, test: str, live: str) -> None:
    assert str(sent(prepared)[0].url) == test
    assert str(sent(prepared, LIVE)[0].url) == live


@pytest.mark.parametrize("endpoint", Endpoint)
def test_every_endpoint_is_one_of_the_sdks_and_goes_to_the_configured_base(endpoint: Endpoint) -> None:
    modification = endpoint in {
        Endpoint.CAPTURES,
        Endpoint.CANCELS,
        Endpoint.REVERSALS,
        Endpoint.AMOUNT_UPDATES,
        Endpoint.REFUNDS,
    }
    read = endpoint in {Endpoint.LIST_STORED, Endpoint.DELETE_STORED}
    path = ("ID1",) if modification or endpoint is Endpoint.DELETE_STORED else ()
    request, _ = sent(Prepared(endpoint, None if read else {}, path), base="http://127.0.0.1:8080")
    assert (request.url.host, request.url.port) == ("127.0.0.1", 8080)
    assert request.method == {Endpoint.LIST_STORED: "GET", Endpoint.DELETE_STORED: "DELETE"}.get(endpoint, "POST")


def test_a_post_carries_the_key_and_the_credentials_of_its_api() -> None:
    request, _ = sent(CAPTURE)
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["x-api-key"] == "AQEkey"
    assert request.headers["content-type"] == "application/json"
    assert request.content == b'{"amount":{"value":1}}'
    assert sent(Prepared(Endpoint.TRANSFERS, {}))[0].headers["x-api-key"] == "AQFkey"


def test_queries_are_quoted_though_the_sdk_does_not() -> None:
    request, _ = sent(DELETE)
    assert dict(request.url.params) == {"shopperReference": "a&b=c/ü", "merchantAccount": "X"}
    assert "idempotency-key" not in request.headers


@pytest.mark.parametrize(
    ("raised", "trouble"),
    [
        (httpx.ConnectError("no"), Trouble.NOT_SENT),
        (httpx.ConnectTimeout("no"), Trouble.NOT_SENT),
        (httpx.PoolTimeout("no"), Trouble.NOT_SENT),
        (httpx.ReadTimeout("no"), Trouble.LOST),
        (httpx.WriteTimeout("no"), Trouble.LOST),
        (httpx.ReadError("no"), Trouble.LOST),
        (httpx.WriteError("no"), Trouble.LOST),
        (httpx.RemoteProtocolError("no"), Trouble.LOST),
    ],
    ids=lambda value: type(value).__name__,
)
def test_trouble_says_whether_adyen_can_have_seen_the_request(raised: Exception, trouble: Trouble) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise raised

    assert run(handler, CAPTURE).outcome is trouble


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b'{"a":' * 5000])
@pytest.mark.parametrize("status", [200, 302, 422, 500])
def test_strange_answers_do_not_reach_the_sdk(body: bytes, status: int) -> None:
    outcome = run(lambda _request: httpx.Response(status, content=body), CAPTURE).outcome
    assert outcome == Reply(status, body)


def test_an_answer_that_does_not_end_is_lost() -> None:
    outcome = run(lambda _request: httpx.Response(200, content=b"x" * (MAX_ANSWER_BYTES + 1)), CAPTURE).outcome
    assert outcome is Trouble.LOST


@pytest.mark.parametrize(
    ("headers", "transient", "retry_after_s"),
    [
        ({"Transient-Error": "True", "Retry-After": "7"}, True, 7.0),
        ({"transient-error": "false", "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, False, None),
        ({"retry-after": "999999"}, False, 60.0),
        ({"retry-after": "٣"}, False, None),
    ],
)
def test_headers_say_when_to_come_again(headers: dict[str, str], transient: bool, retry_after_s: float | None) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    outcome = run(lambda _request: httpx.Response(429, headers=encoded), CAPTURE).outcome
    assert isinstance(outcome, Reply)
    assert (outcome.transient, outcome.retry_after_s) == (transient, retry_after_s)


def test_a_request_whose_time_is_over_is_not_sent() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    assert run(handler, CAPTURE, deadline_s=-1.0).outcome is Trouble.NOT_SENT
    assert asked == []
