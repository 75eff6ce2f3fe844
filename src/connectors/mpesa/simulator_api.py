"""A simulator of Daraja's API, written from the documentation and not from our client. For tests and development.

It answers OAuth, STK push and query, B2C, reversal, transaction status and Pull Transactions, checks what Daraja
checks, and posts the callbacks. What a payer or a receiver does is chosen by the phone number: see `simulator_pushes`
and `simulator_transfers` for the magic ones.

**Time** is `SimulatorOptions.now_s`, and nothing else. With the real clock, callbacks are sent by themselves. With a
clock of your own, move it, then `await simulator.advance()`, which sends what has become due:

    clock = 1_800_000_000.0
    simulator = make_simulator(SimulatorOptions(seed=7, now_s=lambda: clock, deliver=post, lost_callbacks=0.2))
    for _ in range(24 * 60):
        clock += 60
        await simulator.advance()

Ids, losses and duplicates come from the seed: the same requests at the same times end the same.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from connectors.mpesa import samples
from connectors.mpesa import simulator_pushes as pushes
from connectors.mpesa.sample_ids import Fields
from connectors.mpesa.simulator_books import ENCODER, Books, Paid, Refused
from connectors.mpesa.simulator_pulls import Pulls
from connectors.mpesa.simulator_transfers import Transfers
from connectors.spi.simulating import Receive, Scope, Send, SimulatorOptions, Truth

TOKEN_LIFETIME_S: Final = 3599
URL_TOKEN: Final = "simulated-callback-token"  # noqa: S105 - made up
"""What stands in callback URLs where the options name no token."""

_BODY: Final = msgspec.json.Decoder(dict[str, Any])
Endpoint = Callable[[Mapping[str, Any]], Fields]


def make_simulator(options: SimulatorOptions) -> DarajaSimulator:
    """Daraja in memory."""
    return DarajaSimulator(options)


class DarajaSimulator:
    """See `connectors.spi.simulating.Simulator`."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._books = Books(options)
        self._pushes = pushes.Pushes(self._books)
        self._transfers = Transfers(self._books)
        self._pulls = Pulls(self._books)
        self._tokens: dict[str, float] = {}
        self.callbacks = self._books.callbacks
        """What is to be sent, and counts of what was."""
        self.asked: Counter[str] = Counter()
        """Path → how many requests came, the refused ones included."""
        self.late_answer_s = 5.0
        """How long the phone that answers late keeps the caller waiting. Real seconds."""
        self._endpoints: Mapping[tuple[str, str], Endpoint] = {
            ("POST", "/mpesa/stkpush/v1/processrequest"): self._pushes.push,
            ("POST", "/mpesa/stkpushquery/v1/query"): self._pushes.query,
            ("POST", "/mpesa/b2c/v3/paymentrequest"): self._transfers.b2c,
            ("POST", "/mpesa/reversal/v1/request"): self._transfers.reverse,
            ("POST", "/mpesa/transactionstatus/v1/query"): self._transfers.status,
            ("POST", "/pulltransactions/v1/register"): self._pulls.register,
            ("POST", "/pulltransactions/v1/query"): self._pulls.query,
            ("GET", "/pulltransactions/v1/query"): self._pulls.query,
        }

    def config(self, base_url: str) -> Mapping[str, str]:
        """Credentials with which our client talks to this simulator. Callbacks go to `deliver`, whatever their URL."""
        credentials = self._books.credentials
        return {
            "MPESA_CONSUMER_KEY": credentials.consumer_key,
            "MPESA_CONSUMER_SECRET": credentials.consumer_secret,
            "MPESA_SHORTCODE": credentials.shortcode,
            "MPESA_PASSKEY": credentials.passkey,
            "MPESA_INITIATOR_NAME": credentials.initiator,
            "MPESA_SECURITY_CREDENTIAL": credentials.security_credential,
            "MPESA_PULL_NUMBER": "254708374149",
            "MPESA_URL_TOKEN": self._books.options.webhook_secret or URL_TOKEN,
            "MPESA_CALLBACK_BASE": base_url,
            "MPESA_API_BASE": base_url,
        }

    def truths(self) -> Sequence[Truth]:
        """Every push that was made here, as M-Pesa knows it at this moment of the clock."""
        return self._pushes.truths()

    def pay_in(self, phone: str, amount_minor: int, reference: str, *, announced: bool = False) -> Paid:
        """A customer pays at the till without a push (C2B).

        Args:
            announced: Whether a C2B confirmation is called back, as for a shortcode that has registered a URL for it;
                chance may lose it. If not, only Pull Transactions lists the money.
        """
        books = self._books
        paid = books.pay_in(books.make(phone, amount_minor, reference), books.now_s)
        if announced:
            url = f"/webhooks/daraja/default/{books.options.webhook_secret or URL_TOKEN}"
            due_s = books.now_s + books.options.callback_delay_s
            books.call_back(url, samples.c2b(paid.made, "confirmation"), due_s, f"{paid.made.receipt} c2b")
        return paid

    async def advance(self) -> int:
        """Sends every callback that is due by the clock, in order. Returns how many."""
        return await self.callbacks.send_due()

    def end_tokens(self) -> None:
        """Lets every token that was given out end before its time."""
        self._tokens.clear()

    async def aclose(self) -> None:
        """Sends what callbacks are due, then stops."""
        await self.callbacks.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (lifespan) are left alone."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        self.asked[scope["path"]] += 1
        asked: Mapping[str, Any] = {}
        try:
            if scope["path"] == "/oauth/v1/generate":
                status, fields = 200, self._give_token(scope)
            else:
                endpoint = self._endpoint(scope)
                asked = _fields(body)
                status, fields = 200, endpoint(asked)
        except Refused as refused:
            status, fields = refused.status, refused.fields
        phone = str(asked.get("PhoneNumber") or asked.get("PartyB") or "")
        if phone == pushes.ANSWERS_LATE:
            await asyncio.sleep(self.late_answer_s)
        if phone == pushes.ANSWERS_500:
            await _answer(send, 500, b"")
            return
        await _answer(send, status, ENCODER.encode(fields))

    def _endpoint(self, scope: Scope) -> Endpoint:
        scheme, _, token = _header(scope, b"authorization").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= self._books.now_s:
            raise Refused(404, "404.001.03", "Invalid Access Token")
        endpoint = self._endpoints.get((scope["method"], scope["path"]))
        if endpoint is None:
            raise Refused(404, "404.001.01", "Resource not found")
        return endpoint

    def _give_token(self, scope: Scope) -> Fields:
        credentials = self._books.credentials
        scheme, _, given = _header(scope, b"authorization").partition(" ")
        expected = base64.b64encode(f"{credentials.consumer_key}:{credentials.consumer_secret}".encode())
        if scheme != "Basic" or not hmac.compare_digest(given.encode(), expected):
            raise Refused(400, "400.008.01", "Invalid Authentication passed")
        if parse_qs(scope["query_string"].decode("latin-1")).get("grant_type") != ["client_credentials"]:
            raise Refused(400, "400.008.02", "Invalid grant type passed")
        chance = self.callbacks.chance(f"token {self.asked['/oauth/v1/generate']}")
        token = f"simulated-{chance.getrandbits(96):024x}"
        self._tokens[token] = self._books.now_s + TOKEN_LIFETIME_S
        return {"access_token": token, "expires_in": str(TOKEN_LIFETIME_S)}


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        return _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "400.002.05", "Invalid Request Payload") from None


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for given, value in scope["headers"] if given.lower() == name), "")


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Send, status: int, body: bytes) -> None:
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
