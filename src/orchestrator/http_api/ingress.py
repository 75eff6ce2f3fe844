"""The webhook ingress: `POST /webhooks/{connector}/{merchant}[/{token}[/{purpose}]]` to `EventService.handle_event`.

Secrets, tokens and bodies never leave this file for a log: a URL may hold a token, so no URL is logged.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from connectors.spi import Label
from orchestrator.deadlines import Deadlines
from orchestrator.http_api.addresses import TrustedProxies
from orchestrator.http_api.answers import Send, acknowledge, refuse
from orchestrator.http_api.bodies import ClientGone, Receive, read_body
from orchestrator.http_api.requests import Head, Route, Router, read_head
from orchestrator.settings import Settings
from orchestrator.telemetry.incidents import incident
from orchestrator.telemetry.refusals import RefusalLog
from orchestratorx_prism.errors import DeadlineExpired, PrismError, Rejected, SignatureRejected, Unavailable
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest, HandleEventResponse

Handle = Callable[[HandleEventRequest], Awaitable[HandleEventResponse]]
Refused = Callable[[str, PrismError], None]
Answered = Callable[[str, str, str, float], None]
CLIENT_GONE = 499
"""As nginx counts it: the sender left before the answer."""


class MethodRefused(Rejected):
    """Another method than the path takes."""

    default_reason = "METHOD_NOT_ALLOWED"
    http_status = 405


class Ingress:
    """Serves webhooks."""

    def __init__(
        self,
        settings: Settings,
        connectors: Mapping[str, Label],
        handle: Handle,
        *,
        refused: Refused,
        answered: Answered,
    ) -> None:
        """
        Args:
            handle: `EventService.handle_event`.
            refused: Told of each refusal that `handle` does not see: (connector, error).
            answered: Told of each answer: (door, method, status, seconds).
        """
        self._handle = handle
        self._router = Router(connectors)
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._max_body_bytes = settings.http_max_body_bytes
        self._deadlines = Deadlines(settings.request_timeout_s)
        self._refused = refused
        self._answered = answered
        self._log = RefusalLog("http")
        self._made_here = f"{secrets.token_hex(6)}-"
        self._count = itertools.count(1)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        began = time.perf_counter()
        status = CLIENT_GONE
        try:
            status = await self._serve(scope, receive, send)
        except asyncio.CancelledError:
            # The server has waited long enough for this request, and stops.
            status = await refuse(send, _stopping(), close=True)
        finally:
            self._answered("http", "webhook", str(status), time.perf_counter() - began)

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> int:
        """The status that was answered."""
        connector = ""
        head: Head | None = None
        try:
            route = self._route(scope)
            connector = route.connector
            head = read_head(scope["headers"])
            body = await read_body(receive, self._max_body_bytes, head.content_length, head.content_encoding)
            request = self._request(scope, route, head, body)
        except ClientGone:
            return CLIENT_GONE
        except Exception as error:
            refusal = _as_refusal(error, head)
            self._refused(connector, refusal)
            return await self._refuse(send, connector, refusal, head)
        try:
            response = await self._deadlines.within(self._handle(request))
        except Exception as error:
            refusal = _as_refusal(error, head)
            if isinstance(refusal, DeadlineExpired):
                self._refused(connector, refusal)
            return await self._refuse(send, connector, refusal, head)
        return await acknowledge(send, response.acknowledgement)

    def _route(self, scope: Mapping[str, Any]) -> Route:
        route = self._router.route(scope["path"], scope["query_string"])
        if scope["method"] != "POST":
            raise MethodRefused("webhooks are posted", fix="use POST")
        return route

    def _request(self, scope: Mapping[str, Any], route: Route, head: Head, body: bytes) -> HandleEventRequest:
        client = scope["client"]
        return HandleEventRequest(
            connector=route.connector,
            payload=body,
            headers=head.passed_on,
            url_token=route.token,
            remote_address=self._proxies.sender(client[0], head.forwarded_for) if client else "",
            merchant_id=route.merchant,
            correlation_id=f"{self._made_here}{next(self._count):x}",
            traceparent=head.passed_on.get("traceparent", ""),
            purpose=route.purpose,
        )

    async def _refuse(self, send: Send, connector: str, refusal: PrismError, head: Head | None) -> int:
        self._log.refused(connector, refusal)
        headers = [(b"allow", b"POST")] if isinstance(refusal, MethodRefused) else None
        return await refuse(send, refusal, headers=headers, close=head is not None and head.expects_continue)


def _as_refusal(error: Exception, head: Head | None) -> PrismError:
    if isinstance(error, SignatureRejected) and head is not None and head.repeated:
        names = ", ".join(sorted(set(head.repeated)))
        return SignatureRejected(
            f"{error.message}; these headers came more than once with different values, and were not read: {names}",
            reason=error.reason,
            fix="send each header once; look at the proxies on the way",
        )
    return error if isinstance(error, PrismError) else incident(error, where="http webhook")


def _stopping() -> Unavailable:
    return Unavailable("the server is stopping", reason="SERVER_STOPPING", fix="send it again", retry_after_s=1.0)
