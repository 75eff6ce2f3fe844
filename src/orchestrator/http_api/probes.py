"""`/livez`, `/readyz` and `/metrics`: for load balancers, orchestrators of containers, and Prometheus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from orchestrator.access.guard import ANY_METHOD, Guard
from orchestrator.access.principal import EVERYBODY
from orchestrator.http_api.addresses import TrustedProxies
from orchestrator.http_api.answers import Send, answer, refuse
from orchestrator.http_api.ingress import MethodRefused
from orchestrator.readiness import Readiness
from orchestrator.telemetry.metrics import CONTENT_TYPE
from orchestratorx_prism.errors import NotFound, PermissionRefused, PrismError, Unauthenticated

Exposition = Callable[[], Awaitable[bytes]]

_JSON = [(b"content-type", b"application/json")]
_TEXT = [(b"content-type", CONTENT_TYPE.encode())]


class Probes:
    """Answers everything that is not a webhook."""

    def __init__(
        self, readiness: Readiness, exposition: Exposition, guard: Guard, trusted_proxies: Iterable[str] = ()
    ) -> None:
        """Where keys are asked for, `/metrics` asks for one that is no single merchant's: `Authorization: Bearer …` or
        `x-api-key`."""
        self._readiness = readiness
        self._exposition = exposition
        self._guard = guard
        self._proxies = TrustedProxies(trusted_proxies)
        self._paths: Mapping[str, Callable[[Any, Send], Awaitable[None]]] = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Mapping[str, Any], _receive: Any, send: Send) -> None:
        """One request."""
        serve = self._paths.get(scope["path"])
        if serve is None:
            error = NotFound(
                "nothing is here",
                reason="PATH_UNKNOWN",
                fix="post webhooks to /webhooks/…; /docs lists what else there is",
            )
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
        try:
            await self._check_caller(scope)
        except PrismError as error:
            challenge = [(b"www-authenticate", b"Bearer")] if isinstance(error, Unauthenticated) else None
            await refuse(send, error, headers=challenge)
            return
        await answer(send, 200, await self._exposition(), _TEXT)

    async def _check_caller(self, scope: Any) -> None:
        key = forwarded_for = None
        for name, value in scope["headers"]:
            if name == b"x-api-key":
                key = value
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                key = value[7:]
            elif name == b"x-forwarded-for":
                forwarded_for = value.decode("latin-1")
        client = scope.get("client")
        address = self._proxies.sender(client[0], forwarded_for or "") if client else ""
        text = None if key is None else key.decode("utf-8", "surrogateescape")
        principal = await self._guard.admit(text, ANY_METHOD, address)
        if principal.merchant_id != EVERYBODY:
            raise PermissionRefused(
                "metrics tell of all merchants, and the key is one merchant's",
                reason="INSTALLATION_ONLY",
                fix='use a key of merchant "*"',
            )
