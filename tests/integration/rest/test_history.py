"""/v1/transactions: filters, pages, and the CSV that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest
from rest_desk import ALL_KEY, Rest, caller_of, rest_of_fakes

from orchestrator.http_api.rest import history
from orchestratorx_prism.errors import Unavailable
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListResponse


def read(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file with a header."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
async def history_of_three(pay: Any) -> list[str]:
    """Ids of three payments: 500 USD captured, 900 USD reserved, 700 EUR captured."""
    made = [
        await pay("k1", amount={"minor_units": 500, "currency": "USD"}),
        await pay("k2", amount={"minor_units": 900, "currency": "USD"}, capture_mode="MANUAL"),
        await pay("k3", amount={"minor_units": 700, "currency": "EUR"}),
    ]
    return [each["payment"]["id"] for each in made]


async def test_history_is_filtered_and_sorted(caller: httpx.AsyncClient, history_of_three: list[str]) -> None:
    first, second, third = history_of_three
    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({"status": "AUTHORIZED"}, [second]),
        ({"status": ["CAPTURED", "AUTHORIZED"], "currency": "USD"}, [second, first]),
        ({"provider": "stripe", "sort": "OLDEST_FIRST"}, [first, second, third]),
        ({"provider": "adyen"}, []),
        ({"currency": "USD", "amount_from": "600"}, [second]),
        ({"currency": "USD", "amount_until": "600"}, [first]),
        ({"currency": "USD", "sort": "LEAST_AMOUNT_FIRST"}, [first, second]),
        ({"created_until": "2020-01-01T00:00:00Z"}, []),
        ({"created_from": "2020-01-01T00:00:00+02:00", "merchant_transaction_id": "order-k3"}, [third]),
    ]
    for params, expected in asked:
        answer = await caller.get("/v1/transactions", params=params)
        assert answer.status_code == 200, answer.text
        assert [each["id"] for each in answer.json()["payments"]] == expected, params


async def test_history_is_read_page_by_page(caller: httpx.AsyncClient, history_of_three: list[str]) -> None:
    seen, token = [], ""
    for _ in range(3):
        params = {"page_size": "1", "page_token": token, "sort": "OLDEST_FIRST"}
        page = (await caller.get("/v1/transactions", params=params)).json()
        seen += [each["id"] for each in page["payments"]]
        token = page["next_page_token"]
    assert (seen, token) == (history_of_three, "")


async def test_the_csv_holds_everything_that_the_filter_chooses(
    caller: httpx.AsyncClient, history_of_three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 1)  # three pages
    answer = await caller.get("/v1/transactions.csv", params={"sort": "OLDEST_FIRST"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="transactions.csv"'
    rows = read(answer.text)
    assert [row["id"] for row in rows] == history_of_three
    assert [(row["amount_minor_units"], row["currency"], row["status"]) for row in rows] == [
        ("500", "USD", "CAPTURED"),
        ("900", "USD", "AUTHORIZED"),
        ("700", "EUR", "CAPTURED"),
    ]
    assert (
        await caller.get("/v1/transactions", headers={"Accept": "text/csv"}, params={"sort": "OLDEST_FIRST"})
    ).text == (answer.text)


async def test_whoever_likes_json_as_much_gets_json(caller: httpx.AsyncClient) -> None:
    for accept, media_type in (
        ("text/csv, application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.1", "text/csv; charset=utf-8; header=present"),
    ):
        answer = await caller.get("/v1/transactions", headers={"Accept": accept})
        assert answer.headers["content-type"] == media_type
    assert (await caller.get("/v1/transactions", headers={"Accept": "image/png"})).status_code == 406


async def test_a_fault_of_the_filter_is_a_problem_and_no_file(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/transactions.csv", params={"amount_from": "5"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1", "\uff1d1", '=HYPERLINK("http://x")')


class Pages:
    """A PaymentService of as many pages as one is given."""

    def __init__(self, *pages: list[Payment], fails_after: int = 1_000) -> None:
        self._pages = pages
        self._fails_after = fails_after
        self.asked = 0

    async def list(self, request: Any) -> PaymentServiceListResponse:
        number = int(request.page_token or 0)
        if self.asked >= self._fails_after:
            raise Unavailable("the database is away")
        self.asked += 1
        more = str(number + 1) if number + 1 < len(self._pages) else ""
        return PaymentServiceListResponse(payments=self._pages[number], next_page_token=more)


def rest_with(pages: Pages) -> Rest:
    """REST over these pages."""
    rest = rest_of_fakes()
    rest.services["PaymentService"].list = pages.list  # type: ignore[attr-defined]
    return rest


async def test_no_text_is_a_formula() -> None:
    payments = [
        Payment(id=f"pay_{index}", merchant_transaction_id=text, status=PAYMENT_STATUS_CAPTURED)
        for index, text in enumerate([*HOSTILE, "order-1", 'a "quoted", one', "lines\r\nof two"])
    ]
    async with caller_of(rest_with(Pages(payments)), {"X-API-Key": ALL_KEY}) as client:
        rows = read((await client.get("/v1/transactions.csv")).text)
    texts = [row["merchant_transaction_id"] for row in rows]
    assert texts == [*(f"'{text}" for text in HOSTILE), "order-1", 'a "quoted", one', "lines\r\nof two"]


async def test_an_amount_below_zero_stays_a_number() -> None:
    payment = Payment(id="pay_1", captured={"minor_units": -5, "currency": "USD"})
    async with caller_of(rest_with(Pages([payment])), {"X-API-Key": ALL_KEY}) as client:
        (row,) = read((await client.get("/v1/transactions.csv")).text)
    assert (row["captured_minor_units"], row["amount_minor_units"], row["currency"]) == ("-5", "", "USD")


async def test_a_file_that_is_cut_off_does_not_look_whole() -> None:
    pages = Pages([Payment(id="pay_1")], [Payment(id="pay_2")], fails_after=1)
    async with caller_of(rest_with(pages), {"X-API-Key": ALL_KEY}) as client:
        with pytest.raises(Unavailable):  # behind a server: the connection breaks before the last chunk
            await client.get("/v1/transactions.csv")


async def test_the_next_page_is_read_when_the_last_was_taken() -> None:
    pages = Pages(*([Payment(id=f"pay_{number}")] for number in range(50)))
    async with (
        caller_of(rest_with(pages), {"X-API-Key": ALL_KEY}) as client,
        client.stream("GET", "/v1/transactions.csv") as answer,
    ):
        text = (await answer.aread()).decode()
    assert (pages.asked, len(read(text))) == (50, 50)


async def test_whoever_wants_no_body_has_one_page_read() -> None:
    pages = Pages(*([Payment(id=f"pay_{number}")] for number in range(50)))
    async with caller_of(rest_with(pages), {"X-API-Key": ALL_KEY}) as client:
        answer = await client.head("/v1/transactions.csv")
    assert (answer.status_code, answer.content, pages.asked) == (200, b"", 1)
