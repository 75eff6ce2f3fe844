"""`/livez`, `/readyz` and `/metrics`: for load balancers, orchestrators of containers, and Prometheus."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from orchestrator.http_api.answers import Send, answer, refuse
from orchestrator.http_api.ingress import MethodRefused
from orchestrator.readiness import Readiness
from orchestrator.telemetry.metrics import CONTENT_TYPE
from orchestratorx_prism.errors import NotFound, Unauthenticated

Exposition = Callable[[], Awaitable[bytes]]

_JSON = [(b"content-type", b"application/json")]
_TEXT = [(b"content-type", CONTENT_TYPE.encode())]


class Probes:
    """Answers everything that is not a webhook."""

    def __init__(self, readiness: Readiness, exposition: Exposition, api_keys: Iterable[str]) -> None:
        """With API keys configured, `/metrics` asks for one: `Authorization: Bearer …` or `x-api-key`."""
        self._readiness = readiness
        self._exposition = exposition
        self._keys = [hashlib.sha256(key.encode()).digest() for key in api_keys]
        self._paths: Mapping[str, Callable[[Any, Send], Awaitable[None]]] = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Mapping[str, Any], _receive: Any, send: Send) -> None:
        """One request."""
        serve = self._paths.get(scope["path"])
        if serve is None:
            error = NotFound("nothing is here", reason="PATH_UNKNOWN", fix="post webhooks to /webhooks/…")
            await refuse(send, error)
        elif scope["method"] not in {"GET", "HEAD"}:
            await refuse(send, MethodRefused("this is read", fix="use GET"), headers=[(b"allow", b"GET, HEAD")])
        else:
            await serve(scope, send)

    async def _live(self, _scope: Any, send: Send) -> None:
        await answer(send, 200, b'{"status":"alive"}', _JSON)

    async def _ready(self, _scope: Any, send: Send) -> None:
        state = await self._readiness.look()
        body = {"status": state.word, "database": state.database, "broker": state.broker}
        await answer(send, 200 if state.ready else 503, msgspec.json.encode(body), _JSON)

    async def _metrics(self, scope: Any, send: Send) -> None:
        if self._keys and not self._knows_key(scope["headers"]):
            error = Unauthenticated("metrics ask for an API key", fix="send one of api_keys as a bearer token")
            await refuse(send, error, headers=[(b"www-authenticate", b"Bearer")])
            return
        await answer(send, 200, await self._exposition(), _TEXT)

    def _knows_key(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        given = b""
        for name, value in headers:
            if name == b"x-api-key":
                given = value
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                given = value[7:]
        digest = hashlib.sha256(given).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._keys]
        return any(matches)
