"""The simulator's HTTP half: a small ASGI app with PayPal's tokens, certificates and online check. See `simulator`."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from connectors.paypal.cert_url import CERTIFICATE_PATH
from connectors.paypal.simulator import CERTIFICATE_ID, CERTIFICATE_URL, authority, transmission_id
from connectors.paypal.transmission import ALGORITHM
from connectors.paypal.webhooks import SIMULATOR_WEBHOOK_ID

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, bytes, str]
"""Status, body, content type."""


class _Question(msgspec.Struct):
    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    webhook_event: msgspec.Raw


_QUESTION = msgspec.json.Decoder(_Question)


def app(client_id: str, client_secret: str, *, token_lifetime_s: int = 32_400) -> SimulatorApi:
    """An ASGI app that answers like PayPal's API.

    Paths: POST /v1/oauth2/token, POST /v1/notifications/verify-webhook-signature, GET /v1/notifications/certs/{id}.

    Args:
        client_id: The credentials that it accepts.
        token_lifetime_s: What it says in `expires_in`.
    """
    return SimulatorApi(client_id, client_secret, token_lifetime_s)


class SimulatorApi:
    """The app. It counts what it was asked, so that tests can see what was kept and what was asked again."""

    def __init__(self, client_id: str, client_secret: str, token_lifetime_s: int) -> None:
        self._basic = b"Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode())
        self._token_lifetime_s = token_lifetime_s
        self._tokens: set[bytes] = set()
        self.asked: dict[str, int] = {}
        """Path → how often."""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One HTTP request. Other scopes (lifespan) are left alone."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        headers = dict(scope["headers"])
        path = scope["path"]
        self.asked[path] = self.asked.get(path, 0) + 1
        status, answer, kind = self._answer(scope["method"], path, headers, body)
        sent_headers = [(b"content-type", kind.encode()), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": sent_headers})
        await send({"type": "http.response.body", "body": answer})

    def end_tokens(self) -> None:
        """Lets every token that was given out end before its time."""
        self._tokens.clear()

    def _answer(self, method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> Answer:
        if method == "POST" and path == "/v1/oauth2/token":
            return self._token(headers, body)
        if method == "POST" and path == "/v1/notifications/verify-webhook-signature":
            if headers.get(b"authorization", b"").removeprefix(b"Bearer ") not in self._tokens:
                return _error(401, "invalid_token")
            return _verify(body)
        if method == "GET" and path == CERTIFICATE_PATH + CERTIFICATE_ID:
            return 200, authority().leaf, "application/x-pem-file"
        return _error(404, "RESOURCE_NOT_FOUND")

    def _token(self, headers: dict[bytes, bytes], body: bytes) -> Answer:
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._basic):
            return _error(401, "invalid_client")
        if parse_qs(body.decode("ascii", "replace")).get("grant_type") != ["client_credentials"]:
            return _error(400, "unsupported_grant_type")
        token = secrets.token_urlsafe(24)
        self._tokens.add(token.encode())
        return _json(200, {"access_token": token, "token_type": "Bearer", "expires_in": self._token_lifetime_s})


def _verify(body: bytes) -> Answer:
    """PayPal's answer. It looks at the event's bytes as they stand in the request, like PayPal does."""
    try:
        question = _QUESTION.decode(body)
    except msgspec.MsgspecError:
        return _error(400, "VALIDATION_ERROR")
    genuine = _is_genuine(question, bytes(question.webhook_event))
    return _json(200, {"verification_status": "SUCCESS" if genuine else "FAILURE"})


def _is_genuine(question: _Question, event: bytes) -> bool:
    if question.auth_algo != ALGORITHM or question.cert_url != CERTIFICATE_URL:
        return False
    if question.webhook_id == SIMULATOR_WEBHOOK_ID or question.transmission_id != transmission_id(event):
        return False
    text = f"{question.transmission_id}|{question.transmission_time}|{question.webhook_id}|{zlib.crc32(event)}"
    try:
        signature = binascii.a2b_base64(question.transmission_sig.encode(), strict_mode=True)
        authority().key.public_key().verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def _error(status: int, name: str) -> Answer:
    return _json(status, {"name": name})


def _json(status: int, value: object) -> Answer:
    return status, msgspec.json.encode(value), "application/json"


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
