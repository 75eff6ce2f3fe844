"""Blocking clients: the same names and arguments as the asynchronous ones, without `await`.

from orchestratorx_prism.sync import EventClient

client = EventClient(connector="stripe")
event = client.handle_event({"payload": raw, "headers": headers, "webhook_secret": "whsec_…"})
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, Unpack

from orchestratorx_prism.clients import events
from orchestratorx_prism.clients._generated import (
    GetEventFields,
    HandleEventFields,
    ListEventsFields,
    ParseEventFields,
    SubscribeEventsFields,
)
from orchestratorx_prism.clients._generated_sync import (
    ApiKeyClient,
    AuditClient,
    CredentialClient,
    CustomerClient,
    DeliveryClient,
    DisputeClient,
    EventMethods,
    MandateClient,
    MerchantClient,
    PaymentClient,
    PaymentMethodClient,
    PayoutClient,
    ReconciliationClient,
    RefundClient,
    SubscriptionClient,
    WebhookEndpointClient,
)
from orchestratorx_prism.clients.base import DEFAULT_MERCHANT
from orchestratorx_prism.clients.events import EventPage, Webhook
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.transports.base import Transport
from orchestratorx_prism.v1.event_service_pb2 import (
    GetEventRequest,
    ListEventsRequest,
    ParseEventRequest,
    SubscribeEventsRequest,
)
from orchestratorx_prism.wrappers import HandledEvent, MessageView, PrismEvent, StreamedEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestratorx_prism.transports.grpc import Tls

__all__ = [
    "ApiKeyClient",
    "AuditClient",
    "CredentialClient",
    "CustomerClient",
    "DeliveryClient",
    "DisputeClient",
    "EventClient",
    "MandateClient",
    "MerchantClient",
    "PaymentClient",
    "PaymentMethodClient",
    "PayoutClient",
    "ReconciliationClient",
    "RefundClient",
    "SubscriptionClient",
    "WebhookEndpointClient",
]

_END: Final = object()


class EventClient(EventMethods):
    """Takes raw webhooks and gives events back. Without a target it runs in this process."""

    _client: events.EventClient

    def __init__(
        self,
        *,
        connector: str = "",
        api_key: str | None = None,
        environment: str | None = "SANDBOX",
        target: str | None = None,
        merchant_id: str = DEFAULT_MERCHANT,
        settings: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
        tls: Tls | None = None,
        insecure: bool = False,
        transport: Transport | None = None,
    ) -> None:
        """As the asynchronous client's; see there."""
        self._client = events.EventClient(
            connector=connector,
            api_key=api_key,
            environment=environment,
            target=target,
            merchant_id=merchant_id,
            settings=settings,
            timeout_s=timeout_s,
            tls=tls,
            insecure=insecure,
            transport=transport,
        )

    def handle_event(
        self, request: Webhook | None = None, *, timeout_s: float | None = None, **fields: Unpack[HandleEventFields]
    ) -> HandledEvent:
        """Verifies and normalizes one webhook and records it once. See the asynchronous `EventClient.handle_event`."""
        return self._run(self._client.handle_event(request, timeout_s=timeout_s, **fields))

    def batch_handle_events(
        self, requests: Iterable[Webhook], *, timeout_s: float | None = None
    ) -> list[HandledEvent | PrismError]:
        """Handles up to 1,000 webhooks in one call: an answer or a refusal each, in order."""
        return self._run(self._client.batch_handle_events(list(requests), timeout_s=timeout_s))

    def handle_events(
        self, requests: Iterable[Webhook], *, timeout_s: float | None = None
    ) -> Iterator[HandledEvent | PrismError]:
        """Handles a stream of webhooks: one answer or refusal each, in order. `requests` is read in another thread."""
        return self._drain(self._client.handle_events(_pulled(requests), timeout_s=timeout_s))

    def parse_event(
        self,
        request: ParseEventRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ParseEventFields],
    ) -> tuple[MessageView, ...]:
        """Reads type and references of a body, without a secret. Verifies and records nothing: for routing only."""
        return self._run(self._client.parse_event(request, timeout_s=timeout_s, **fields))

    def get_event(
        self,
        request: GetEventRequest | Mapping[str, Any] | str | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[GetEventFields],
    ) -> PrismEvent:
        """One recorded event, by its id: `client.get_event("5b1c…")`."""
        return self._run(self._client.get_event(request, timeout_s=timeout_s, **fields))

    def list_events(
        self,
        request: ListEventsRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ListEventsFields],
    ) -> EventPage:
        """A page of recorded events, newest first."""
        return self._run(self._client.list_events(request, timeout_s=timeout_s, **fields))

    def iterate_events(
        self,
        request: ListEventsRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ListEventsFields],
    ) -> Iterator[PrismEvent]:
        """As `list_events`, page after page, one by one."""
        return self._drain(self._client.iterate_events(request, timeout_s=timeout_s, **fields))

    def subscribe_events(
        self,
        request: SubscribeEventsRequest | Mapping[str, Any] | None = None,
        *,
        reconnect: bool = True,
        **fields: Unpack[SubscribeEventsFields],
    ) -> Iterator[StreamedEvent]:
        """Recorded events in commit order, and then as they come; blocks until the next. See the asynchronous one."""
        return self._drain(self._client.subscribe_events(request, reconnect=reconnect, **fields))


async def _pulled(requests: Iterable[Webhook]) -> AsyncIterator[Webhook]:
    """A blocking iterable, read one by one in a thread of its own.

    A daemon: an iterable that waits for ever, on a queue say, holds up neither the event loop nor the process's exit.
    """
    loop = asyncio.get_running_loop()
    wanted: SimpleQueue[asyncio.Future[Any] | None] = SimpleQueue()
    threading.Thread(target=_pull, args=(iter(requests), wanted, loop), daemon=True).start()
    try:
        while True:
            future: asyncio.Future[Any] = loop.create_future()
            wanted.put(future)
            request = await future
            if request is _END:
                return
            yield request
    finally:
        wanted.put(None)


def _pull(
    source: Iterator[Webhook], wanted: SimpleQueue[asyncio.Future[Any] | None], loop: asyncio.AbstractEventLoop
) -> None:
    while (future := wanted.get()) is not None:
        try:
            settled = partial(_settle, future, next(source, _END), None)
        except BaseException as error:
            settled = partial(_settle, future, None, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settled)


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():  # given up meanwhile
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
