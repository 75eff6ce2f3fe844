"""The simulator's API half: an ASGI app that answers as api.stripe.com and files.stripe.com do, in test mode.

Written from the Stripe API reference. Forms with nested brackets, errors as {"error": {type, code, decline_code,
message, param, payment_intent, …}}, ids, lists, `expand`, idempotency keys. Webhooks are the existing samples' frame
around the real objects, signed with `options.webhook_secret`.

What payment methods do is in `simulator_methods.py`: the test names that Stripe documents, pm_card_visa,
pm_card_chargeDeclined, pm_card_visa_chargeDeclinedInsufficientFunds, pm_card_authenticationRequired,
pm_card_threeDSecure2Required, pm_card_refundFail, pm_card_pendingRefund, pm_card_createDispute, and tokens of the same
ends, tok_visa.

What Stripe has no magic for, this simulator's own `metadata[simulator]` asks for, on any POST that takes metadata:

    error         500, and nothing is done; as Stripe does, the key keeps that answer
    error_after   500, and it is done
    late          done at once, and answered after `late_s`; the same key meanwhile gets 409 idempotency_key_in_use
    rate_limit    429 for the first request with this key

The payer's part, instead of their browser: GET /simulator/authenticate/{pi_… or seti_…}, with ?result=failed for a
failure, sends back to the return URL. What test cards do later: POST /simulator/refunds/{re_…}/settle.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from connectors.spi.simulating import Receive, Scope, Send, SimulatorOptions, Truth
from connectors.stripe.amounts import money
from connectors.stripe.sample_frame import API_VERSION
from connectors.stripe.sample_objects import MERCHANT_KEY, Json
from connectors.stripe.simulator_cards import Cards
from connectors.stripe.simulator_forms import Refused, read_form, read_upload
from connectors.stripe.simulator_money import Money
from connectors.stripe.simulator_payments import Payments
from connectors.stripe.simulator_routes import ID, routes
from connectors.stripe.simulator_store import Store

KEY: Final = "sk_test_simulator"
KEY_LIFE_S: Final = 24 * 3600


@dataclass(slots=True)
class Kept:
    """What an idempotency key remembers."""

    fingerprint: str
    at_s: float
    answer: tuple[int, bytes] | None = None
    """None while it is being carried out."""


class StripeSimulator:
    """One account in test mode; see `simulating.Simulator`."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.late_s = 3.0
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request, in order."""
        self._options = options
        self._store = Store(options)
        self._cards = Cards(self._store, raw_cards=options.raw_cards)
        self._payments = Payments(self._store, self._cards)
        self._money = Money(self._store, self._cards)
        self._kept: dict[str, Kept] = {}
        self._limited: set[str] = set()
        self._routes = routes(self._store, self._cards, self._payments, self._money)

    def config(self, base_url: str) -> Mapping[str, str]:
        """Credentials under the connector's config keys."""
        return {
            "STRIPE_API_KEY": KEY,
            "STRIPE_API_BASE": base_url,
            "STRIPE_WEBHOOK_SECRET": self._options.webhook_secret,
        }

    def truths(self) -> Sequence[Truth]:
        """Every PaymentIntent, the oldest first."""
        return [self._truth(one) for one in reversed(self._store.of_kind("payment_intent"))]

    async def aclose(self) -> None:
        """Sends what webhooks are due."""
        await self._store.settle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (lifespan) are left alone."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.asked.append((scope["method"], scope["path"]))
        if scope["path"].startswith("/simulator/"):
            status, answer, more = self._aside(scope)
        else:
            status, answer, more = await self._answered(scope, headers, body)
        sent = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        sent += [(name.encode(), value.encode()) for name, value in more.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": answer})

    def _aside(self, scope: Scope) -> tuple[int, bytes, dict[str, str]]:
        """What happens outside of Stripe's API: the payer's doing, and time that passes."""
        self._store.request = ("", None)
        passed = parse_qs(scope["query_string"].decode()).get("result") != ["failed"]
        try:
            if found := re.fullmatch(rf"/simulator/authenticate/{ID}", scope["path"]):
                setup = found[1].startswith("seti_")
                go = self._cards.authenticate_setup if setup else self._payments.authenticate
                back = go(found[1], passed)
                return (302, b"", {"location": back}) if back else (200, b"{}", {})
            if found := re.fullmatch(rf"/simulator/refunds/{ID}/settle", scope["path"]):
                return 200, _json(self._money.settle_refund(found[1])), {}
        except Refused as refusal:
            return refusal.status, _json({"error": refusal.error}), {}
        return 404, b"{}", {}

    async def _answered(
        self, scope: Scope, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        request_id = self._store.new_id("req")
        key = headers.get("idempotency-key", "") if scope["method"] == "POST" else ""
        self._store.request = (request_id, key or None)
        more = {"request-id": request_id, "stripe-version": headers.get("stripe-version", API_VERSION)}
        if key:
            more["idempotency-key"] = key
        try:
            _authorized(headers)
            values = self._values(scope, headers, body)
            status, answer, replayed = await self._once(scope, headers, values, key)
        except Refused as refusal:
            error = {**refusal.error, "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"}
            return refusal.status, _json({"error": error}), more
        return status, answer, {**more, "idempotent-replayed": "true"} if replayed else more

    def _values(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> Json:
        content_type = headers.get("content-type", "")
        if scope["method"] != "POST":
            return read_form(scope["query_string"].decode())
        if content_type.startswith("multipart/form-data"):
            return read_upload(content_type, body)
        if body and not content_type.startswith("application/x-www-form-urlencoded"):
            raise Refused(400, f"Invalid request (check that your POST content type is {content_type})", begun=False)
        return read_form(body.decode())

    async def _once(self, scope: Scope, headers: Mapping[str, str], values: Json, key: str) -> tuple[int, bytes, bool]:
        """Carries a request out, or repeats what its key remembers. The last value: whether it was repeated."""
        fingerprint = json.dumps([scope["method"], scope["path"], values], sort_keys=True, default=repr)
        if key and (kept := self._remembered(key, fingerprint)):
            return (*kept, True)
        wanted = values.get("metadata", {}).get("simulator", "") if isinstance(values.get("metadata"), dict) else ""
        if wanted == "rate_limit" and key not in self._limited:
            self._limited.add(key)
            raise Refused(429, "Request rate limit exceeded.", code="rate_limit", begun=False)
        if key:
            self._kept[key] = Kept(fingerprint, self._options.now_s())
        try:
            status, answer = self._done(scope, headers, values, wanted)
        except Refused as refusal:
            if key and not refusal.begun:
                del self._kept[key]
                raise
            status, answer = refusal.status, _json({"error": refusal.error})
        if wanted == "late":
            await asyncio.sleep(self.late_s)
        if key:
            self._kept[key].answer = (status, answer)
        return status, answer, False

    def _remembered(self, key: str, fingerprint: str) -> tuple[int, bytes] | None:
        kept = self._kept.get(key)
        if kept is None or self._options.now_s() - kept.at_s >= KEY_LIFE_S:
            return None
        if kept.fingerprint != fingerprint:
            raise Refused(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
                f"using a key other than '{key}' if you meant to execute a different request.",
                type="idempotency_error",
            )
        if kept.answer is None:
            raise Refused(
                409,
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                "submitted twice, and the other request is still going through). Please try again later.",
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        return kept.answer

    def _done(self, scope: Scope, headers: Mapping[str, str], values: Json, wanted: str) -> tuple[int, bytes]:
        if wanted == "error":
            return 500, _json(_BROKEN)
        base = f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
        made = self._routed(scope, values, base)
        answer = self._store.expanded(made, _words(values.get("expand")))
        return (500, _json(_BROKEN)) if wanted == "error_after" else (200, _json(answer))

    def _routed(self, scope: Scope, values: Json, base: str) -> Json:
        for method, path, handle in self._routes:
            found = path.fullmatch(scope["path"])
            if found and method == scope["method"]:
                return handle(*found.groups(), values, base)
        text = f"Unrecognized request URL ({scope['method']}: {scope['path']})."
        raise Refused(404, text, begun=False)

    def _truth(self, intent: Json) -> Truth:
        refunds = [
            one["amount"]
            for one in self._store.of_kind("refund")
            if one["payment_intent"] == intent["id"] and one["status"] == "succeeded"
        ]
        charged = self._store.objects.get(intent["latest_charge"] or "", {}).get("status") == "succeeded"
        currency = intent["currency"]
        return Truth(
            merchant_transaction_id=intent["metadata"].get(MERCHANT_KEY, ""),
            connector_transaction_id=intent["id"],
            key=self._store.made_by.get(intent["id"], ""),
            status=_status(intent),
            currency=currency.upper(),
            authorized_minor=_minor(intent["amount"] if charged else 0, currency),
            captured_minor=_minor(intent["amount_received"], currency),
            refunded_minor=_minor(sum(refunds), currency),
        )


_BROKEN: Final[Json] = {
    "error": {
        "message": "Sorry! There was an error while talking to one of our backends. Support has been notified.",
        "type": "api_error",
    }
}
_STATUS: Final[dict[str, str]] = {
    "requires_payment_method": "CREATED",
    "requires_confirmation": "CREATED",
    "requires_action": "ACTION_REQUIRED",
    "processing": "PENDING",
    "requires_capture": "AUTHORIZED",
    "succeeded": "CAPTURED",
    "canceled": "VOIDED",
}


def _status(intent: Json) -> str:
    if intent["status"] == "requires_payment_method" and intent["last_payment_error"]:
        return "FAILED"
    if intent["amount_received"]:
        return "PARTIALLY_CAPTURED" if intent["status"] == "requires_capture" else "CAPTURED"
    return _STATUS[intent["status"]]


def _minor(amount: int, currency: str) -> int:
    given = money(amount, currency)
    return given.minor_units if given is not None else 0


def _words(given: Any) -> list[str]:
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


def _authorized(headers: Mapping[str, str]) -> None:
    """Bearer, or Basic with the key as the user. Source: Stripe API reference, "Authentication"."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except ValueError:
            given = ""
    if scheme.lower() not in {"bearer", "basic"} or not given:
        text = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise Refused(401, text, begun=False)
    if not hmac.compare_digest(given.encode(), KEY.encode()):
        raise Refused(401, f"Invalid API Key provided: {given[:8]}{'*' * 12}{given[-4:]}", begun=False)


def make_simulator(options: SimulatorOptions) -> StripeSimulator:
    """Stripe's API for tests and development."""
    return StripeSimulator(options)
