"""What the endpoints of all frameworks share: limits, the request, the answer, and handing events to the application.

The provider is acknowledged only after the application's own handler is through. If that raises, the framework answers
500 and the provider sends the webhook again.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from orchestratorx_prism.errors import PayloadTooLarge, PrismError, Unavailable
from orchestratorx_prism.wire import to_problem
from orchestratorx_prism.wrappers import HandledEvent, PrismEvent

MAX_BODY_BYTES: Final = 1024 * 1024
PATH_FIELDS: Final = ("connector", "merchant_id", "url_token", "purpose")
"""What an endpoint's path may hold, by these names: `/webhooks/mpesa/{url_token}`."""

Secret = str | Sequence[str] | Callable[[], str | Sequence[str]] | None
"""What verifies: one secret, several during rotation, or how to get them. None: the orchestrator's configured ones."""
OnEvent = Callable[[PrismEvent], Any]
"""The application's handler; a coroutine function where the client is asynchronous."""

_log = logging.getLogger("orchestratorx_prism.webhooks")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def refused(error: PrismError) -> Answer:
    """The refusal as a problem document (RFC 9457)."""
    _log.warning("webhook refused: %s [%s] %s", error.message, error.reason, error.fix)
    headers = {"Content-Type": "application/problem+json"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return Answer(error.http_status, headers, json.dumps(to_problem(error)).encode())


class Endpoint:
    """One webhook endpoint: what it needs besides the framework's request."""

    def __init__(self, *, secret: Secret, webhook_id: str, on_event: OnEvent | None, max_body_bytes: int) -> None:
        self._secret = secret
        self._webhook_id = webhook_id
        self._on_event = on_event
        self.max_body_bytes = max_body_bytes
        self._once = Once()

    def request(
        self, body: bytes, headers: Iterable[tuple[Any, Any]], path: Mapping[str, Any], remote_address: str
    ) -> dict[str, Any]:
        """What `handle_event` is to be called with.

        Raises:
            PayloadTooLarge: The body is larger than the limit.
        """
        if len(body) > self.max_body_bytes:
            raise self.too_large()
        found: dict[str, Any] = {name: path[name] for name in PATH_FIELDS if name in path}
        secret = self._secret() if callable(self._secret) else self._secret
        if secret:
            found["webhook_secrets"] = [secret] if isinstance(secret, str) else list(secret)
        return {
            "payload": body,
            "headers": list(headers),
            "webhook_id": self._webhook_id,
            "remote_address": remote_address,
            **found,
        }

    def too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"the body is larger than {self.max_body_bytes} bytes", fix="raise max_body_bytes if this provider needs it"
        )

    async def answer(self, handled: HandledEvent) -> Answer:
        """Calls the application's handler with each event it has not finished with, then acknowledges.

        What the handler raises is the application's, and passes.
        """
        for event in handled.events if self._on_event else ():
            other = self._once.claim(event.message.id)
            if other is None:
                with self._once.settling(event.message.id):
                    await self._call(event)
            elif not await asyncio.wrap_future(other):
                return refused(_failed_elsewhere())
        return _acknowledgement(handled)

    def answer_blocking(self, handled: HandledEvent) -> Answer:
        """As `answer`, for blocking frameworks."""
        for event in handled.events if self._on_event else ():
            other = self._once.claim(event.message.id)
            if other is None:
                with self._once.settling(event.message.id):
                    self._call_blocking(event)
            elif not other.result():
                return refused(_failed_elsewhere())
        return _acknowledgement(handled)

    async def _call(self, event: PrismEvent) -> None:
        result = self._on_event(event) if self._on_event else None
        if inspect.isawaitable(result):
            await result

    def _call_blocking(self, event: PrismEvent) -> None:
        result = self._on_event(event) if self._on_event else None
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError("on_event is a coroutine function; a blocking client takes a plain one")


class Once:
    """Which events the handler has finished with, in this process: the newest `window` of them.

    Not "was it recorded before": a webhook whose handler failed comes again, is a duplicate, and must be handled then.
    After a restart a webhook that comes again is handled again: at least once. Key effects by `event.id`.
    """

    def __init__(self, window: int = 10_000) -> None:
        self._window = window
        self._lock = threading.Lock()
        self._claims: OrderedDict[str, Future[bool]] = OrderedDict()

    def claim(self, event_id: str) -> Future[bool] | None:
        """None: the caller is to handle it, within `settling`. Else how the one who does, or did, came out."""
        with self._lock:
            other = self._claims.get(event_id)
            if other is None:
                self._claims[event_id] = Future()
                self._drop_old()
            return other

    def settling(self, event_id: str) -> _Settling:
        """Within it the handler runs; a failure leaves the event to the next delivery."""
        return _Settling(self, event_id)

    def settle(self, event_id: str, *, handled: bool) -> None:
        with self._lock:
            claim = self._claims[event_id]
            if not handled:
                del self._claims[event_id]
        claim.set_result(handled)

    def _drop_old(self) -> None:
        """Keeps the window's size; while the oldest is still being handled, the window grows."""
        while len(self._claims) > self._window:
            oldest = next(iter(self._claims))
            if not self._claims[oldest].done():
                return
            del self._claims[oldest]


class _Settling:
    def __init__(self, once: Once, event_id: str) -> None:
        self._once, self._event_id = once, event_id

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._once.settle(self._event_id, handled=kind is None)


def _acknowledgement(handled: HandledEvent) -> Answer:
    answer = handled.acknowledgement
    return Answer(answer.status, answer.headers, answer.body)


def _failed_elsewhere() -> Unavailable:
    return Unavailable(
        "the same webhook was being handled, and its handler failed", reason="HANDLER_FAILED", fix="send it again"
    )
