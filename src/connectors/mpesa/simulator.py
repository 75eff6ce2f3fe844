"""A simulator of M-Pesa: sample callbacks of every type, and Daraja's API as far as callbacks are checked with it.

Built from the documentation, not from our client. For `demo`, `trigger` and tests.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from connectors.mpesa import codes as c
from connectors.mpesa import mapping as m
from connectors.mpesa import sample_results, samples
from connectors.mpesa.amounts import CURRENCY
from connectors.mpesa.sample_ids import SHORTCODE, Made
from connectors.spi import KnownRequest, SampleRequest, SampleWebhook
from orchestratorx_prism.v1.money_pb2 import Money

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_KNOWN_BY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("stk", "stk_push", "stk_query"), "checkout"),
    **dict.fromkeys(("b2c", "b2b", "reversal", "result"), "conversation"),
    "b2b_express": "uuid",
}
"""Families that answer a request of ours → which id it is known by."""


def sample(request: SampleRequest) -> SampleWebhook:
    """A callback of any type in `mapping.TYPES`, with the URL token, the URL's purpose, and the request it answers.

    The same seed makes the same CheckoutRequestID and receipt, so a push, its C2B confirmation, its status and its
    reversal are of one payment; the step tells one reversal or payout from another. Always KES.

    Raises:
        ValueError: Not such a type.
    """
    if request.event_type not in m.TYPES:
        raise ValueError("not a type of M-Pesa's simulator; the label's event_types lists them")
    family, _, variant = request.event_type.partition(".")
    made = Made(request)
    asks_later = variant == c.ACCEPTED and family in (*m.KINDS, "result")
    build = sample_results.accepted if asks_later else samples.BY_FAMILY[family]
    fields = _unanswered(made) if request.event_type == "status.unanswered" else build(made, variant)
    return SampleWebhook(
        body=_ENCODER.encode(fields),
        headers={"Content-Type": "application/json"},
        url_token=request.secret,
        purpose=_purpose(family, variant),
        known_request=_known(made, family),
    )


def _unanswered(made: Made) -> dict[str, Any]:
    return sample_results.result(made, "", c.FAILED, {})


def _purpose(family: str, variant: str) -> str:
    if (family, variant) == ("c2b", "validation"):
        return m.VALIDATION_PURPOSE
    kind = family if family in m.KINDS else ""
    if variant == c.TIMEOUT and (kind or family == "result"):
        return f"{kind}.{m.TIMEOUT_PURPOSE}" if kind else m.TIMEOUT_PURPOSE
    return kind if variant in (c.ACCEPTED, "unanswered") else ""


def _known(made: Made, family: str) -> KnownRequest | None:
    if family not in _KNOWN_BY:
        return None
    return KnownRequest(
        connector_request_id=getattr(made, _KNOWN_BY[family]),
        amount=Money(minor_units=made.request.amount_minor, currency=CURRENCY),
        account=SHORTCODE,
        merchant_transaction_id=made.request.merchant_transaction_id,
    )


Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class DarajaApi:
    """An ASGI app that answers like Daraja: OAuth, and STK query by a table of truths.

    Args:
        pushes: CheckoutRequestID → result code, "0" or "1032"; "processing" for one that is not finished. It is read
            at every call, so a test may change it. A push that is not there is answered like one that is not finished.
        token_lifetime_s: What OAuth says; as text, as Daraja does. Seconds.
    """

    def __init__(
        self,
        pushes: Mapping[str, str],
        *,
        consumer_key: str,
        consumer_secret: str,
        shortcode: str,
        passkey: str,
        token_lifetime_s: int = 3599,
    ) -> None:
        self._pushes = pushes
        self._consumer = f"{consumer_key}:{consumer_secret}".encode()
        self._shortcode = shortcode
        self._passkey = passkey
        self._lifetime = str(token_lifetime_s)
        self.tokens_given = 0
        """How often OAuth was asked with the right credentials."""
        self.queries = 0
        """How often an STK query came with a valid token."""

    def revoke(self) -> None:
        """Makes every token given so far invalid."""
        self.tokens_given += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status, answer = self._route(scope["method"], scope["path"], headers, body)
        content = _ENCODER.encode(answer)
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": int(status), "headers": head})
        await send({"type": "http.response.body", "body": content})

    def _route(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        match method, path:
            case "GET", "/oauth/v1/generate":
                return self._give_token(headers)
            case "POST", "/mpesa/stkpushquery/v1/query":
                return self._answer_query(headers, body)
            case _:
                return _error(HTTPStatus.NOT_FOUND, "404.001.01", "Resource not found")

    def _give_token(self, headers: Mapping[str, str]) -> tuple[HTTPStatus, dict[str, Any]]:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(self._consumer)
        if scheme != "Basic" or not hmac.compare_digest(given.encode(), expected):
            return _error(HTTPStatus.BAD_REQUEST, "400.008.01", "Invalid Authentication passed")
        self.tokens_given += 1
        return HTTPStatus.OK, {"access_token": self._token(), "expires_in": self._lifetime}

    def _answer_query(self, headers: Mapping[str, str], body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        if headers.get("authorization") != f"Bearer {self._token()}":
            return _error(HTTPStatus.NOT_FOUND, "404.001.03", "Invalid Access Token")
        self.queries += 1
        try:
            asked = msgspec.json.decode(body, type=dict[str, str])
        except msgspec.MsgspecError:
            return _error(HTTPStatus.BAD_REQUEST, "400.002.05", "Invalid Request Payload")
        stamp = asked.get("Timestamp", "")
        password = base64.b64encode(f"{self._shortcode}{self._passkey}{stamp}".encode()).decode()
        if asked.get("BusinessShortCode") != self._shortcode or asked.get("Password") != password:
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "500.001.1001", "Wrong credentials")
        checkout = asked.get("CheckoutRequestID", "")
        code = self._pushes.get(checkout)
        if code is None or code == c.PROCESSING:
            message = "The transaction is being processed"
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "500.001.1001", message)
        return HTTPStatus.OK, {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successfully",
            "MerchantRequestID": "10000-10000000-1",
            "CheckoutRequestID": checkout,
            "ResultCode": code,
            "ResultDesc": "Simulated",
        }

    def _token(self) -> str:
        return f"simulated-token-{self.tokens_given}"


def app(pushes: Mapping[str, str], **credentials: Any) -> DarajaApi:
    """Daraja's API by `pushes`; see `DarajaApi` for the keywords."""
    return DarajaApi(pushes, **credentials)


def _error(status: HTTPStatus, code: str, message: str) -> tuple[HTTPStatus, dict[str, Any]]:
    return status, {"requestId": "10000-10000000-1", "errorCode": code, "errorMessage": message}
