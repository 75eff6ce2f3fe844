"""The history of payments as one CSV file, streamed page by page (RFC 4180: UTF-8, CRLF, a header)."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final, cast

from starlette.responses import Response, StreamingResponse

from orchestrator.http_api.rest.callers import accepts, check_acceptable
from orchestrator.http_api.rest.calling import Call, call_once
from orchestratorx_prism.v1 import payment_service_pb2 as pb
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.values import to_dict

PAGE: Final = 1_000
CSV: Final = "text/csv"
_MEDIA_TYPE: Final = f"{CSV}; charset=utf-8; header=present"
_JSON: Final = "application/json"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for a formula's beginning; the wide forms too. Source: OWASP, "CSV Injection"."""

Read = Callable[[dict[str, Any]], object]


def _plain(name: str) -> Read:
    return lambda payment: payment[name]


def _minor(name: str) -> Read:
    return lambda payment: payment.get(name, {}).get("minor_units", "")


def _part(name: str, inner: str) -> Read:
    return lambda payment: payment.get(name, {}).get(inner, "")


def _currency(payment: dict[str, Any]) -> object:
    for name in ("amount", "authorized", "captured", "refunded"):
        if name in payment:
            return payment[name]["currency"]
    return ""


def _time(name: str) -> Read:
    return lambda payment: payment.get(name, "")


COLUMNS: Final[tuple[tuple[str, Read], ...]] = (
    ("id", _plain("id")),
    ("created_at", _time("created_at")),
    ("updated_at", _time("updated_at")),
    ("merchant_id", _plain("merchant_id")),
    ("provider", _plain("connector")),
    ("environment", _plain("environment")),
    ("account", _plain("account")),
    ("merchant_transaction_id", _plain("merchant_transaction_id")),
    ("connector_transaction_id", _plain("connector_transaction_id")),
    ("status", _plain("status")),
    ("currency", _currency),
    ("amount_minor_units", _minor("amount")),
    ("authorized_minor_units", _minor("authorized")),
    ("captured_minor_units", _minor("captured")),
    ("refunded_minor_units", _minor("refunded")),
    ("payment_method", _part("payment_method", "type")),
    ("last4", _part("payment_method", "last4")),
    ("failure_code", _part("failure", "code")),
    ("disputed", lambda payment: str(payment["disputed"]).lower()),
)
"""Column → what it shows of a payment as plain values."""


async def as_csv_if_asked(call: Call) -> Response:
    """CSV where Accept prefers it to JSON; else a page as JSON."""
    accepted = call.caller.accepted
    call.headers["Vary"] = "Accept"
    if accepted and accepts(accepted, CSV) > accepts(accepted, _JSON):
        return await as_csv(call)
    check_acceptable(call.caller, _JSON)
    return await call_once(call)


async def as_csv(call: Call) -> Response:
    """Everything that the request chooses. What the first page refuses is refused as everywhere.

    A page that fails later ends the connection before the file's end, so that nobody takes a part for the whole.
    """
    request = pb.PaymentServiceListRequest()
    request.CopyFrom(cast(pb.PaymentServiceListRequest, call.request))
    request.page_size = PAGE
    first = await _page(call, request)
    headers = call.headers | {"Content-Disposition": 'attachment; filename="transactions.csv"'}
    if not call.caller.wants_body:
        return Response(None, 200, headers, _MEDIA_TYPE)
    return StreamingResponse(_rows(call, request, first), 200, headers, _MEDIA_TYPE)


async def _rows(
    call: Call, request: pb.PaymentServiceListRequest, page: pb.PaymentServiceListResponse
) -> AsyncIterator[bytes]:
    yield _written([[name for name, _ in COLUMNS]])
    while True:
        yield _written(map(_cells, page.payments))
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
        await call.kitchen.guard.still(call.principal)
        page = await _page(call, request)


async def _page(call: Call, request: pb.PaymentServiceListRequest) -> pb.PaymentServiceListResponse:
    page: pb.PaymentServiceListResponse = await call.ask(call.inputs.row.rpc, request, confined=True)
    return page


def _cells(payment: Payment) -> list[str]:
    values = to_dict(payment)
    return [_safe(read(values)) for _, read in COLUMNS]


def _safe(value: object) -> str:
    """A text that a spreadsheet shows and does not compute. Numbers are ours, and stay."""
    if not isinstance(value, str):
        return str(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def _written(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
