"""EventClient: raw webhooks in, events out; recorded events listed, replayed and streamed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Unpack

from orchestratorx_prism.clients._generated import (
    EventMethods,
    GetEventFields,
    HandleEventFields,
    ListEventsFields,
    ParseEventFields,
    SubscribeEventsFields,
)
from orchestratorx_prism.clients.base import DEFAULT_MERCHANT, Ended, merged
from orchestratorx_prism.clients.webhooks import body_bytes, header_dict, webhook_request
from orchestratorx_prism.errors import Internal, PrismError, RequestRejected, Unavailable
from orchestratorx_prism.from_values import enum_number
from orchestratorx_prism.transports.base import Transport
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_service_pb2 import (
    BatchHandleEventsRequest,
    BatchHandleEventsResponse,
    BatchHandleEventsResult,
    GetEventRequest,
    GetEventResponse,
    HandleEventRequest,
    HandleEventResponse,
    HandleEventsRequest,
    HandleEventsResponse,
    ListEventsRequest,
    ListEventsResponse,
    ParseEventRequest,
    ParseEventResponse,
    SubscribeEventsRequest,
    SubscribeEventsResponse,
)
from orchestratorx_prism.wire import from_refusal
from orchestratorx_prism.wrappers import HandledEvent, MessageView, PrismEvent, StreamedEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestratorx_prism.transports.grpc import Tls

Webhook = HandleEventRequest | Mapping[str, Any]
"""A webhook as a dict (payload, headers, webhook_secret, …) or as a message."""

_LONGEST_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events, newest first."""

    events: tuple[PrismEvent, ...]
    next_page_token: str
    """For the next call; empty: no more."""


class EventClient(EventMethods):
    """Takes raw webhooks and gives events back. Without a target it runs in this process.

    client = EventClient(connector="stripe")
    event = await client.handle_event({"payload": raw, "headers": headers, "webhook_secret": "whsec_…"})
    if event["type"] == "payment.captured": ...
    """

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
        """
        Args:
            connector: Whose webhooks: "stripe". Goes into every request that names no connector.
            environment: "SANDBOX" or "PRODUCTION", where a webhook does not say. None: the server's own.
            api_key, target, merchant_id, settings, timeout_s, tls, insecure, transport: See `ServiceClient`.

        Raises:
            RequestRejected: No such environment.
            DriverMissing, SettingsRejected: See `ServiceClient`.
        """
        self._environment = 0 if environment is None else enum_number(Environment.DESCRIPTOR, environment)
        super().__init__(
            connector=connector,
            api_key=api_key,
            target=target,
            merchant_id=merchant_id,
            settings=settings,
            timeout_s=timeout_s,
            tls=tls,
            insecure=insecure,
            transport=transport,
        )

    async def handle_event(
        self, request: Webhook | None = None, *, timeout_s: float | None = None, **fields: Unpack[HandleEventFields]
    ) -> HandledEvent:
        """Verifies and normalizes one webhook and records it once. When it returns, the events cannot be lost any more.

        Args:
            request: A dict: `payload` (the raw body, bytes or text), `headers`, `webhook_secret`, and what
                `HandleEventFields` lists besides. Or a message. Or give the same names as keywords.
            timeout_s: How long this call may take, if not as long as the client's others. Seconds.

        Raises:
            SignatureRejected: Not verified; answer 401.
            PayloadRejected: Not readable; answer 400 (413 for PayloadTooLarge).
            RequestRejected, UnknownConnector: The call is wrong; the fix says how to mend it.
            Unavailable: Not recorded; answer 503, the provider sends it again.
            DeadlineExpired: No answer in time; send the same webhook again, it is recorded once.
        """
        answer = await self._transport.unary(
            self.service,
            "HandleEvent",
            self._webhook(request, fields),
            response_type=HandleEventResponse,
            timeout_s=self._timeout_s if timeout_s is None else timeout_s,
            metadata=self._metadata,
        )
        return HandledEvent(answer)

    async def batch_handle_events(
        self, requests: Iterable[Webhook], *, timeout_s: float | None = None
    ) -> list[HandledEvent | PrismError]:
        """Handles up to 1,000 webhooks in one call, the cheapest way for volume: an answer or a refusal each, in order.

        Refusals are returned, not raised, also of what is no request at all; `raise` is for what befell the call as a
        whole.
        """
        prepared = [self._prepared(request) for request in requests]
        message = BatchHandleEventsRequest(requests=[one for one in prepared if not isinstance(one, PrismError)])
        if prepared and not message.requests:
            return [one for one in prepared if isinstance(one, PrismError)]
        answer = await self._unary("BatchHandleEvents", message, BatchHandleEventsResponse, timeout_s)
        results = iter(answer.results)
        return [one if isinstance(one, PrismError) else _outcome(next(results)) for one in prepared]

    async def handle_events(
        self, requests: AsyncIterable[Webhook] | Iterable[Webhook], *, timeout_s: float | None = None
    ) -> AsyncIterator[HandledEvent | PrismError]:
        """Handles a stream of webhooks: one answer or refusal each, in order. A refused one does not end the stream.

        Without `timeout_s` the stream may last for ever.
        """
        unfit: dict[int, PrismError] = {}
        answers = self._transport.bidi(
            self.service,
            "HandleEvents",
            self._stream(requests, unfit),
            response_type=HandleEventsResponse,
            timeout_s=timeout_s,
            metadata=self._metadata,
        )
        place = 0
        async with Ended(answers):
            async for answer in answers:
                yield unfit.pop(place) if place in unfit else _outcome(answer)
                place += 1

    async def parse_event(
        self,
        request: ParseEventRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ParseEventFields],
    ) -> tuple[MessageView, ...]:
        """Reads type and references of a body, without a secret. Verifies nothing, records nothing: for routing only.

        Returns:
            One for each event of the body: `type`, `provider_event_type`, `references`, `merchant_transaction_id`, …
        """
        if not isinstance(request, ParseEventRequest):
            values: dict[str, Any] = {"connector": self._connector, **merged(request, fields)}
            values["payload"] = body_bytes(values.get("payload"))
            if values.get("headers") is not None:
                values["headers"] = header_dict(values["headers"])
            request, fields = values, {}
        message = self._request(ParseEventRequest, request, fields)
        answer = await self._unary("ParseEvent", message, ParseEventResponse, timeout_s)
        return tuple(MessageView(event) for event in answer.events)

    async def get_event(
        self,
        request: GetEventRequest | Mapping[str, Any] | str | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[GetEventFields],
    ) -> PrismEvent:
        """One recorded event, by its id: `await client.get_event("5b1c…")`.

        Raises:
            NotFound: There is none with this id, for this merchant.
        """
        given = {"event_id": request} if isinstance(request, str) else request
        message = self._request(GetEventRequest, given, fields)
        answer = await self._unary("GetEvent", message, GetEventResponse, timeout_s)
        return PrismEvent(answer.event)

    async def list_events(
        self,
        request: ListEventsRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ListEventsFields],
    ) -> EventPage:
        """A page of recorded events, newest first: `await client.list_events(types=["payment.*"], page_size=100)`."""
        message = self._request(ListEventsRequest, request, fields)
        answer = await self._unary("ListEvents", message, ListEventsResponse, timeout_s)
        return EventPage(tuple(PrismEvent(event) for event in answer.events), answer.next_page_token)

    async def iterate_events(
        self,
        request: ListEventsRequest | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        **fields: Unpack[ListEventsFields],
    ) -> AsyncIterator[PrismEvent]:
        """As `list_events`, page after page, one by one. `timeout_s` is for each page."""
        message = self._request(ListEventsRequest, request, fields)
        async with Ended(self._pages("ListEvents", message, ListEventsResponse, "events", timeout_s)) as events:
            async for event in events:
                yield PrismEvent(event)

    async def subscribe_events(
        self,
        request: SubscribeEventsRequest | Mapping[str, Any] | None = None,
        *,
        reconnect: bool = True,
        **fields: Unpack[SubscribeEventsFields],
    ) -> AsyncIterator[StreamedEvent]:
        """Recorded events in commit order, from a cursor on, and then as they come; ends when you stop asking.

        Keep `event.cursor` where you keep the event's effect, and begin there again. Without a cursor it begins now;
        "0" begins with the first. With `reconnect` it takes a lost connection up again where it broke.

        Raises:
            RequestRejected: The cursor is not one that the stream gave.
            Unavailable: The connection is lost and `reconnect` is off, or was lost before the stream said where it is.
        """
        message = self._request(SubscribeEventsRequest, request, fields)
        failures = 0
        while True:
            try:
                async with Ended(self._subscription(message)) as answers:
                    async for answer in answers:
                        failures = 0
                        message.cursor = answer.cursor
                        if answer.HasField("event"):
                            yield StreamedEvent(answer.event, answer.cursor)
                return
            except Unavailable:
                # Beginning "now" a second time would skip what came in between.
                if not reconnect or not message.cursor:
                    raise
            failures += 1
            await asyncio.sleep(random.uniform(0.1, min(_LONGEST_PAUSE_S, 0.2 * 2**failures)))  # noqa: S311

    def _subscription(self, message: SubscribeEventsRequest) -> AsyncIterator[SubscribeEventsResponse]:
        sent = SubscribeEventsRequest(filter=message.filter, cursor=message.cursor)
        return self._transport.server_stream(
            self.service,
            "SubscribeEvents",
            sent,
            response_type=SubscribeEventsResponse,
            timeout_s=None,
            metadata=self._metadata,
        )

    def _webhook(self, request: Webhook | None, fields: Mapping[str, Any]) -> HandleEventRequest:
        if isinstance(request, HandleEventRequest):
            if fields:
                raise RequestRejected("give a message, or keywords, not both", fix="set the fields in the message")
            message = HandleEventRequest()
            message.CopyFrom(request)
            message.connector = message.connector or self._connector
            message.merchant_id = message.merchant_id or self._merchant_id
            if not message.environment:
                message.environment = self._environment  # type: ignore[assignment]
            return message
        return webhook_request(
            merged(request, fields),
            connector=self._connector,
            environment=self._environment,
            merchant_id=self._merchant_id,
        )

    def _prepared(self, request: Webhook) -> HandleEventRequest | PrismError:
        """The request as a message; the refusal of one that cannot be made one, so that the others are sent."""
        try:
            return self._webhook(request, {})
        except PrismError as refusal:
            return refusal

    async def _stream(
        self, requests: AsyncIterable[Webhook] | Iterable[Webhook], unfit: dict[int, PrismError]
    ) -> AsyncIterator[HandleEventsRequest]:
        """What is sent. In place of what is no request goes an empty one, which is refused, so that answers stay in
        order; `unfit` then has why, by its place in the stream."""
        place = 0
        async for request in _each(requests):
            prepared = self._prepared(request)
            if isinstance(prepared, PrismError):
                unfit[place] = prepared
                prepared = HandleEventRequest(connector=self._connector)
            yield HandleEventsRequest(request=prepared)
            place += 1


async def _each(requests: AsyncIterable[Webhook] | Iterable[Webhook]) -> AsyncIterator[Webhook]:
    if isinstance(requests, AsyncIterable):
        async for request in requests:
            yield request
        return
    for request in requests:
        yield request


def _outcome(answer: HandleEventsResponse | BatchHandleEventsResult) -> HandledEvent | PrismError:
    which = answer.WhichOneof("outcome")
    if which == "handled":
        return HandledEvent(answer.handled)
    if which == "refused":
        return from_refusal(answer.refused)
    return Internal("the server answered neither with events nor with a refusal", fix="upgrade the SDK")
