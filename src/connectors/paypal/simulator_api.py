"""The simulator's HTTP half: a small ASGI app that answers like PayPal's API. See `simulator` and `simulator_world`.

Besides the API (`simulator_routes`) it has PayPal's tokens, certificates and online check, and the pages where a payer
approves: GET the address of a next action, with `&cancel=1` for a payer who does not.
"""

from __future__ import annotations

import asyncio
import base64
import email.parser
import email.policy
import hmac
import secrets
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec

from connectors.paypal.cert_url import CERTIFICATE_PATH
from connectors.paypal.simulator import CERTIFICATE_ID, authority
from connectors.paypal.simulator_callbacks import Callbacks, public
from connectors.paypal.simulator_keys import Keys
from connectors.paypal.simulator_routes import PAGES, Route, route_of
from connectors.paypal.simulator_truths import truths
from connectors.paypal.simulator_verify import verify
from connectors.paypal.simulator_world import (
    DONE_BUT_504,
    LATE,
    LATE_S,
    NOT_DONE_503,
    UNSURE,
    Ask,
    Object,
    Refusal,
    World,
    invalid,
    not_found,
)
from connectors.paypal.webhooks import SIMULATOR_WEBHOOK_ID
from connectors.spi.simulating import Receive, Scope, Send, SimulatorOptions, Truth

CLIENT_ID = "simulator-client"
CLIENT_SECRET = "simulator-secret"  # noqa: S105 (of a simulator)
TOKEN_LIFETIME_S = 32_400
ROOT_PATH = "/simulator/root.pem"
"""Where the simulator's own CA is: a server believes its webhooks only if it is told to trust that."""
_JSON = "application/json"


def make_simulator(options: SimulatorOptions) -> SimulatorApi:
    """PayPal's API in memory. See `connectors.spi.simulating.Simulator`."""
    return SimulatorApi(CLIENT_ID, CLIENT_SECRET, TOKEN_LIFETIME_S, options)


def app(client_id: str, client_secret: str, *, token_lifetime_s: int = TOKEN_LIFETIME_S) -> SimulatorApi:
    """The same with other credentials.

    Args:
        token_lifetime_s: What it says in `expires_in`.
    """
    return SimulatorApi(client_id, client_secret, token_lifetime_s, SimulatorOptions())


class SimulatorApi:
    """The app. It counts what it was asked, so that tests can see what was kept and what was asked again."""

    def __init__(self, client_id: str, client_secret: str, token_lifetime_s: int, options: SimulatorOptions) -> None:
        self._client = (client_id, client_secret)
        self._options = options
        self._token_lifetime_s = token_lifetime_s
        self._tokens: set[str] = set()
        self._callbacks = Callbacks(options)
        self._keys = Keys(options.now_s)
        self.world = World(
            options.seed,
            options.now_s,
            self._callbacks.emit,
            events=self._callbacks.events,
            raw_cards=options.raw_cards,
        )
        self.asked: dict[str, int] = {}
        """Path → how often."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (lifespan) are left alone."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        path = scope["path"]
        self.asked[path] = self.asked.get(path, 0) + 1
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status, answer, kind, more = await self._answer(scope, headers, body)
        sent = [(b"content-type", kind.encode()), (b"content-length", str(len(answer)).encode()), *more]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": answer})

    def config(self, base_url: str) -> Mapping[str, str]:
        """Credentials under the connector's config keys, and where certificates are fetched from."""
        address = urlsplit(base_url)
        certificates = {"PAYPAL_CERT_HOST": address.netloc} if address.scheme == "http" else {}
        return {
            "PAYPAL_CLIENT_ID": self._client[0],
            "PAYPAL_CLIENT_SECRET": self._client[1],
            "PAYPAL_WEBHOOK_ID": self._options.webhook_secret or SIMULATOR_WEBHOOK_ID,
            "PAYPAL_API_BASE": base_url.rstrip("/"),
            **certificates,
        }

    def truths(self) -> Sequence[Truth]:
        """Every order that was made here."""
        return truths(self.world)

    def end_tokens(self) -> None:
        """Lets every token that was given out end before its time."""
        self._tokens.clear()

    async def drain(self) -> None:
        """Waits until all webhooks that are due were sent."""
        await self._callbacks.drain()

    async def aclose(self) -> None:
        """Sends what is due, then stops."""
        await self.drain()

    async def _answer(
        self, scope: Scope, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, str, list[tuple[bytes, bytes]]]:
        debug_id = secrets.token_hex(7)[:13]
        more = [(b"paypal-debug-id", debug_id.encode())]
        try:
            if scope["method"] == "GET" and scope["path"] in PAGES:
                ask = _ask(scope, headers, body)
                return 302, b"", "text/html", [(b"location", PAGES[scope["path"]](self.world, ask).encode())]
            if scope["method"] == "GET" and scope["path"] == CERTIFICATE_PATH + CERTIFICATE_ID:
                return 200, authority().leaf, "application/x-pem-file", more
            if scope["method"] == "GET" and scope["path"] == ROOT_PATH:
                return 200, authority().root, "application/x-pem-file", more
            status, answer = await self._api(scope, headers, body)
        except Refusal as refusal:
            status, answer = refusal.status, _error(refusal, debug_id)
        content = msgspec.json.encode(public(answer)) if status != 204 else b""
        return status, content, _JSON, more

    async def _api(self, scope: Scope, headers: dict[str, str], body: bytes) -> tuple[int, Object]:
        method, path = scope["method"], scope["path"]
        if method == "POST" and path == "/v1/oauth2/token":
            return self._token(headers, body)
        online_check = method == "POST" and path == "/v1/notifications/verify-webhook-signature"
        found = route_of(method, path)
        if not online_check and found is None:
            raise not_found()
        if headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return 401, {"error": "invalid_token", "error_description": "Token signature verification failed"}
        if found is None:
            return 200, dict(verify(body))
        route, ids = found
        ask = _ask(scope, headers, body)
        return await self._carry_out(route, ids, ask, body)

    async def _carry_out(self, route: Route, ids: tuple[str, ...], ask: Ask, body: bytes) -> tuple[int, Object]:
        """The answer to one operation, with what its amount asks for."""
        trouble = _amount_of(self.world, ask, ids) if ask.method == "POST" else ""
        unsure = trouble in {DONE_BUT_504, NOT_DONE_503} and self._keys.tries(ask.path, ask.request_id) <= UNSURE
        if unsure and trouble == NOT_DONE_503:
            raise Refusal(503, "SERVICE_UNAVAILABLE")
        handler = route.handler
        if ask.request_id and route.key_life_s:
            answer = self._keys.answer(
                ask.path, ask.request_id, body, route.key_life_s, lambda: handler(self.world, ask, *ids)
            )
        else:
            answer = handler(self.world, ask, *ids)
        if unsure:
            raise Refusal(504, "GATEWAY_TIMEOUT")
        if trouble == LATE:
            await asyncio.sleep(LATE_S)
        return answer

    def _token(self, headers: dict[str, str], body: bytes) -> tuple[int, Object]:
        pair = base64.b64encode(":".join(self._client).encode()).decode()
        if not hmac.compare_digest(headers.get("authorization", "").encode(), f"Basic {pair}".encode()):
            return 401, {"error": "invalid_client", "error_description": "Client Authentication failed"}
        if parse_qs(body.decode("ascii", "replace")).get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self._token_lifetime_s}


def _ask(scope: Scope, headers: dict[str, str], body: bytes) -> Ask:
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    base = f"{scope.get('scheme', 'http')}://{headers.get('host', 'api-m.sandbox.paypal.com')}"
    return Ask(scope["method"], scope["path"], query, _decoded(headers, body), headers, base, _mock(headers))


def _decoded(headers: dict[str, str], body: bytes) -> Object:
    """The body as an object: JSON, or a form whose part `input` is JSON beside its files."""
    if not body:
        return {}
    kind = headers.get("content-type", "")
    try:
        if kind.startswith("multipart/form-data"):
            return _form(kind, body)
        found = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        raise invalid("MALFORMED_REQUEST_JSON", "/") from None
    if not isinstance(found, dict):
        raise invalid("INVALID_PARAMETER_SYNTAX", "/")
    return found


def _form(kind: str, body: bytes) -> Object:
    head = b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n"
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    found: Object = {"_files": []}
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        if part.get_param("name", header="content-disposition") == "input":
            found |= msgspec.json.decode(data)
        else:
            found["_files"].append((part.get_filename(), part.get_content_type(), len(data)))
    return found


def _mock(headers: dict[str, str]) -> str:
    try:
        asked = msgspec.json.decode(headers.get("paypal-mock-response", "{}"), type=dict[str, str])
    except msgspec.MsgspecError:
        raise invalid("INVALID_PARAMETER_SYNTAX", "/PayPal-Mock-Response") from None
    return asked.get("mock_application_codes", "")


def _amount_of(world: World, ask: Ask, ids: tuple[str, ...]) -> str:
    """The amount that a changing request is about, in PayPal's text."""
    units = ask.body.get("purchase_units") or [{}]
    amount: Any = ask.body.get("amount") or units[0].get("amount")
    if amount is None and ids:
        thing = world.orders.get(ids[0]) or world.authorizations.get(ids[0]) or {}
        amount = thing.get("amount") or (thing.get("purchase_units") or [{}])[0].get("amount")
    return str((amount or {}).get("value", ""))


def _error(refusal: Refusal, debug_id: str) -> Object:
    """An error body. Source: PayPal docs, "API responses"."""
    details = [{"issue": refusal.issue, "description": _sentence(refusal.issue)}] if refusal.issue else []
    if details and refusal.field:
        details[0]["field"] = refusal.field
    return {
        "name": refusal.name,
        "message": _sentence(refusal.name),
        "debug_id": debug_id,
        "details": details,
        "links": refusal.links,
    }


def _sentence(word: str) -> str:
    return f"{word.replace('_', ' ').capitalize()}."


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: MutableMapping[str, Any] = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
