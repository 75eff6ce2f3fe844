"""The API half of Adyen's simulator: an ASGI app. Payments are in `simulator_payments.py`, the rest in
`simulator_other.py`; what it remembers, and its test cards and magic values, in `simulator_state.py`.

Written from Adyen's pages, not from our client. What a test can ask for:

    paymentMethod.encryptedCardNumber   test_4111111111111111 and other test cards are authorized;
                                        test_4917610000000000 redirects to 3-D Secure
    paymentMethod.holderName            DECLINED, CARD_EXPIRED, NOT_ENOUGH_BALANCE, … refuse, ERROR is a technical
                                        error, as on Adyen's test platform. SIMULATOR_LATE answers after two seconds,
                                        SIMULATOR_LOST carries out and breaks the connection, SIMULATOR_500 carries
                                        out and answers 500
    paymentMethod.type                  ideal, klarna, … redirect; multibanco, … show a voucher
    redirectResult                      what the page behind `action.url` sends back; with "!refused", "!cancelled",
                                        "!pending" or "!received" at its end it ended so
    shopperReference                    "declines-…": its saved payment methods are refused
    transferInstrumentId                "SECLOSED…": the transfer fails at the other bank
    amount of a transfer                1,000,000.00 and more: refused, not enough balance

Idempotency: the same key and body get the first answer, also at the same time as the first (704, transient-error);
another body with a used key gets 704 for good. Adyen does not say what it does then; 704 is its only word for keys.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from connectors.adyen.amounts import EXPONENTS
from connectors.adyen.samples import MERCHANT_ACCOUNT
from connectors.adyen.simulator_hooks import Hooks
from connectors.adyen.simulator_other import open_dispute, posted, stored_methods
from connectors.adyen.simulator_payments import MODIFY, details, modify, payments
from connectors.adyen.simulator_state import BALANCE_ACCOUNT, FAILS_AFTER, LATE, LATE_S, LOST, Memory, Paid, Problem
from connectors.spi.money import from_minor
from connectors.spi.simulating import Receive, Scope, Send, SimulatorOptions, Truth

Body = dict[str, Any]
Stored = tuple[int, bytes]

_MODIFICATION: Final = re.compile(r"/v\d+/payments/([0-9A-Za-z]+)/(\w+)")
_CHECKOUT: Final = re.compile(r"/v\d+(/.*)")
_BODY: Final = msgspec.json.Decoder(Body)
_STATUSES: Final[dict[str, str]] = {
    "Authorised": "AUTHORIZED",
    "Refused": "FAILED",
    "Error": "FAILED",
    "Cancelled": "FAILED",
    "RedirectShopper": "ACTION_REQUIRED",
    "PresentToShopper": "ACTION_REQUIRED",
    "Pending": "PENDING",
    "Received": "PENDING",
}


def make_simulator(options: SimulatorOptions) -> AdyenSimulator:
    """Adyen's API in memory.

    Raises:
        RequestRejected: The webhook secret is not hexadecimal.
    """
    return AdyenSimulator(options)


class AdyenSimulator:
    """See `connectors.spi.simulating.Simulator`."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._memory = Memory(options)
        self._hooks = Hooks(self._memory)
        digest = hashlib.sha256(f"adyen api key {options.seed}".encode()).hexdigest()
        self._api_key, self._transfers_key = f"AQE{digest[:40]}", f"AQF{digest[:40]}"
        self._answers: dict[str, tuple[bytes, Stored]] = {}
        """Idempotency key → (fingerprint of the request, its answer)."""
        self._running: set[str] = set()
        self.asked: dict[str, int] = {}
        """Path → how often."""

    @property
    def memory(self) -> Memory:
        """What it knows; tests look into it."""
        return self._memory

    def config(self, base_url: str) -> Mapping[str, str]:
        """Credentials of the one merchant that it has."""
        return {
            "ADYEN_API_KEY": self._api_key,
            "ADYEN_TRANSFERS_API_KEY": self._transfers_key,
            "ADYEN_MERCHANT_ACCOUNT": MERCHANT_ACCOUNT,
            "ADYEN_BALANCE_ACCOUNT": BALANCE_ACCOUNT,
            "ADYEN_LIVE_PREFIX": "simulator-Example",
            "ADYEN_HMAC_KEY": self._memory.options.webhook_secret,
            "ADYEN_API_BASE": base_url,
        }

    def truths(self) -> Sequence[Truth]:
        """Every payment, also of payers who are still away."""
        away = [paid for paid in self._memory.waiting.values() if paid.psp not in self._memory.payments]
        return [_truth(paid) for paid in (*self._memory.payments.values(), *away)]

    async def aclose(self) -> None:
        """Sends what webhooks are due."""
        await self._hooks.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (lifespan) are left alone."""
        if scope["type"] != "http":
            return
        content = await _read(receive)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        self.asked[path] = self.asked.get(path, 0) + 1
        if path.startswith("/checkoutshopper/redirect/"):
            await self._return_page(path, scope, send)
            return
        key = headers.get("idempotency-key", "") if scope["method"] == "POST" else ""
        extra: dict[str, str] = {"idempotency-key": key} if key else {}
        try:
            status, answer = await self._once(scope, headers, content, key)
        except Problem as problem:
            status, answer = problem.status, _error(problem)
            if problem.kind == "in progress":
                extra["transient-error"] = "true"
        except _BrokenOff:
            await _send(send, 200, b"", {"content-length": "1024"}, more=True)
            return
        await _send(send, status, answer, {"content-type": "application/json", **extra})

    async def _once(self, scope: Scope, headers: Mapping[str, str], content: bytes, key: str) -> Stored:
        """Carries out a request, or gives the answer of the first with its key."""
        self._authenticate(scope["path"], headers)
        if not key:
            return self._handle(scope, headers, content, key)
        fingerprint = hashlib.sha256(scope["path"].encode() + b"\n" + content).digest()
        known = self._answers.get(key)
        if known is not None:
            if known[0] == fingerprint:
                return known[1]
            raise Problem(422, "704", "request already processed or in progress")
        if key in self._running:
            raise Problem(422, "704", "request already processed or in progress", "in progress")
        self._running.add(key)
        try:
            stored = self._handle(scope, headers, content, key)
            try:
                return await _spoiled(content, stored)
            finally:
                self._answers[key] = (fingerprint, stored)
        finally:
            self._running.discard(key)

    def _authenticate(self, path: str, headers: Mapping[str, str]) -> None:
        expected = self._transfers_key if path.startswith("/btl/") else self._api_key
        if not hmac.compare_digest(headers.get("x-api-key", "").encode(), expected.encode()):
            raise Problem(401, "000", "HTTP Status Response - Unauthorized", "security")

    def _handle(self, scope: Scope, headers: Mapping[str, str], content: bytes, key: str) -> Stored:
        path, method = scope["path"], scope["method"]
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
        host = f"http://{headers.get('host', 'localhost')}"
        modification = _MODIFICATION.fullmatch(path)
        checkout = _CHECKOUT.fullmatch(path)
        if method == "POST" and modification and modification[2] in MODIFY:
            return _json(201, modify(self._memory, self._hooks, modification[1], modification[2], _body(content)))
        if method == "POST" and checkout and checkout[1] == "/payments":
            return _json(200, payments(self._memory, self._hooks, _body(content), key, host))
        if method == "POST" and checkout and checkout[1] == "/payments/details":
            return _json(200, details(self._memory, self._hooks, _body(content)))
        if method == "POST":
            return _json(*posted(self._memory, self._hooks, path, _body(content)))
        if path.partition("/storedPaymentMethods")[1]:
            return _json(*stored_methods(self._memory, self._hooks, method, path, query))
        raise Problem(404, "000", "Not found", "internal")

    def open_dispute(self, psp: str) -> str:
        """The payer of a payment disputes it, all of it: a webhook tells. Its disputePspReference."""
        return open_dispute(self._memory, self._hooks, psp)

    async def _return_page(self, path: str, scope: Scope, send: Send) -> None:
        """The issuer's page: sends the payer back at once. `?how=refused` lets it end so."""
        name = path.rsplit("/", 1)[-1]
        paid = self._memory.waiting.get(name)
        if paid is None:
            await _send(send, 404, b"", {})
            return
        how = parse_qs(scope["query_string"].decode()).get("how", [""])[-1]
        joint = "&" if "?" in paid.return_url else "?"
        result = f"{name}!{how}" if how else name
        await _send(send, 302, b"", {"location": f"{paid.return_url}{joint}redirectResult={result}"})


class _BrokenOff(Exception):
    """The connection ends before the answer does."""


async def _spoiled(content: bytes, stored: Stored) -> Stored:
    """The answer of a request that is carried out, as its magic holderName wants it."""
    if LATE.encode() in content:
        await asyncio.sleep(LATE_S)
    if LOST.encode() in content:
        raise _BrokenOff
    return (500, b"") if FAILS_AFTER.encode() in content else stored


def _truth(paid: Paid) -> Truth:
    """A payment in ISO 4217 minor units."""

    def minor(value: int) -> int:
        return from_minor(value, paid.currency, EXPONENTS).minor_units

    status = _STATUSES[paid.result]
    if paid.canceled:
        status = "VOIDED"
    elif paid.captured:
        status = "CAPTURED" if paid.captured >= paid.value else "PARTIALLY_CAPTURED"
    return Truth(
        merchant_transaction_id=paid.reference,
        connector_transaction_id=paid.psp,
        key=paid.key,
        status=status,
        currency=paid.currency,
        authorized_minor=minor(paid.value) if paid.result == "Authorised" else 0,
        captured_minor=minor(paid.captured),
        refunded_minor=minor(paid.refunded),
    )


def _body(content: bytes) -> Body:
    try:
        return _BODY.decode(content)
    except msgspec.MsgspecError:
        raise Problem(400, "702", "The request body is not a JSON object") from None


def _json(status: int, value: object) -> Stored:
    return status, b"" if status == 204 else msgspec.json.encode(value)


def _error(problem: Problem) -> bytes:
    kind = "validation" if problem.kind == "in progress" else problem.kind
    return msgspec.json.encode(
        {"status": problem.status, "errorCode": problem.code, "message": problem.message, "errorType": kind}
    )


async def _send(send: Send, status: int, body: bytes, headers: Mapping[str, str], *, more: bool = False) -> None:
    named = {"content-length": str(len(body)), **headers}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
