"""EventService: raw webhooks in; recorded, published events out. The same object serves every front door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from connectors.spi import Context, Environment
from orchestrator.ledger.base import Ledger, Recorded, Recording
from orchestrator.plugins import connector_named
from orchestrator.services.checks import check_filter, field_fault, page_size
from orchestrator.services.intake import Accepted, Intake
from orchestrator.services.observing import Observer, SilentObserver
from orchestrator.services.subscribing import subscribe
from orchestratorx_prism.errors import NotFound, PrismError, Unavailable
from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.wire import to_refusal

MAX_BATCH = 1_000
MAX_IN_FLIGHT = 256
"""Messages of one stream that may be under way at once."""


class EventService:
    """Every rpc of `orchestratorx_prism.v1.EventService`, in snake case."""

    def __init__(self, intake: Intake, ledger: Ledger, observer: Observer | None = None) -> None:
        self._intake = intake
        self._ledger = ledger
        self._observer: Observer = observer or SilentObserver()

    async def handle_event(self, request: pb.HandleEventRequest) -> pb.HandleEventResponse:
        """Verifies, normalizes, records once. When it returns, the events cannot be lost any more."""
        accepted, recorded = await self._handle(request)
        answer = pb.HandleEventResponse()
        self._fill(answer, request, accepted, recorded)
        return answer

    async def handle_events(
        self, requests: AsyncIterator[pb.HandleEventsRequest]
    ) -> AsyncIterator[pb.HandleEventsResponse]:
        """One answer a message, in order. Messages that wait together are recorded together."""
        answers: asyncio.Queue[asyncio.Task[pb.HandleEventsResponse] | None] = asyncio.Queue(MAX_IN_FLIGHT)

        async def read() -> None:
            try:
                async for message in requests:
                    await answers.put(asyncio.create_task(self._stream_answer(message.request)))
            finally:
                await answers.put(None)

        reader = asyncio.create_task(read())
        try:
            while (answer := await answers.get()) is not None:
                yield await answer
            await reader
        finally:
            reader.cancel()
            while not answers.empty():
                if (answer := answers.get_nowait()) is not None:
                    answer.cancel()

    async def batch_handle_events(self, request: pb.BatchHandleEventsRequest) -> pb.BatchHandleEventsResponse:
        """An answer or a refusal for each, in order; recorded in as few transactions as possible.

        Raises:
            Unavailable: The database could not be written to: nothing was recorded.
        """
        if len(request.requests) > MAX_BATCH:
            raise field_fault("requests", f"at most {MAX_BATCH} webhooks a call; send the rest in another")
        outcomes = [(one, await self._try_accept(one)) for one in request.requests]
        recordings = [
            Recording(outcome.events, one.payload) for one, outcome in outcomes if isinstance(outcome, Accepted)
        ]
        ends = await self._ledger.record_many(recordings)
        away = [end for end in ends if isinstance(end, Unavailable)]
        if away and len(away) == len(ends):
            raise away[0]
        recorded = iter(ends)
        response = pb.BatchHandleEventsResponse()
        for one, outcome in outcomes:
            end = next(recorded) if isinstance(outcome, Accepted) else outcome
            if isinstance(outcome, Accepted) and isinstance(end, Recorded):
                self._fill(response.results.add().handled, one, outcome, end)
            elif isinstance(end, PrismError):
                self._observer.refused(one.connector, end)
                response.results.add(refused=to_refusal(end))
        return response

    async def parse_event(self, request: pb.ParseEventRequest) -> pb.ParseEventResponse:
        """Type and references, without any trust."""
        label = connector_named(request.connector)
        context = Context("", Environment.ENVIRONMENT_SANDBOX, 0)
        events = label.normalize(label.parse(request.payload), context, request.payload)
        response = pb.ParseEventResponse()
        for event in events:
            response.events.add(
                type=event.type,
                provider_event_type=event.provider_event_type,
                provider_event_id=event.provider_event_id,
                account=event.account,
                references=event.references,
                merchant_transaction_id=event.merchant_transaction_id,
            )
        return response

    async def get_event(self, request: pb.GetEventRequest) -> pb.GetEventResponse:
        """One recorded event."""
        if not request.event_id:
            raise field_fault("event_id", "name the event")
        event = await self._ledger.get_event(request.merchant_id or "default", request.event_id)
        if event is None:
            raise NotFound("no such event", fix="check the id and the merchant")
        return pb.GetEventResponse(event=event)

    async def list_events(self, request: pb.ListEventsRequest) -> pb.ListEventsResponse:
        """Recorded events, newest first."""
        check_filter(request.filter)
        events, token = await self._ledger.list_events(
            request.filter, page_size=page_size(request.page_size), page_token=request.page_token
        )
        return pb.ListEventsResponse(events=events, next_page_token=token)

    async def replay_events(self, request: pb.ReplayEventsRequest) -> pb.ReplayEventsResponse:
        """Puts recorded events into the outbox again, under their own ids."""
        chosen = pb.EventFilter()
        chosen.CopyFrom(request.filter)
        chosen.ClearField("merchant_id")
        if not request.event_ids and not chosen.ByteSize():
            raise field_fault(
                "filter", "say which events: event_ids, or a filter with a type, payment, connector or time"
            )
        if len(request.event_ids) > MAX_BATCH:
            raise field_fault("event_ids", f"at most {MAX_BATCH} ids a call")
        check_filter(request.filter)
        count = await self._ledger.replay(request.filter, list(request.event_ids), channel=request.channel)
        return pb.ReplayEventsResponse(replayed=count)

    def subscribe_events(self, request: pb.SubscribeEventsRequest) -> AsyncIterator[pb.SubscribeEventsResponse]:
        """Recorded events in commit order from a cursor on, then as they come."""
        return subscribe(self._ledger, request)

    async def _handle(self, request: pb.HandleEventRequest) -> tuple[Accepted, Recorded]:
        try:
            accepted = await self._intake.accept(request)
            return accepted, await self._ledger.record(Recording(accepted.events, request.payload))
        except PrismError as error:
            self._observer.refused(request.connector, error)
            raise

    async def _try_accept(self, request: pb.HandleEventRequest) -> Accepted | PrismError:
        try:
            return await self._intake.accept(request)
        except PrismError as error:
            return error

    async def _stream_answer(self, request: pb.HandleEventRequest) -> pb.HandleEventsResponse:
        answer = pb.HandleEventsResponse()
        try:
            accepted, recorded = await self._handle(request)
        except PrismError as error:
            answer.refused.CopyFrom(to_refusal(error))
        else:
            self._fill(answer.handled, request, accepted, recorded)
        return answer

    def _fill(
        self, answer: pb.HandleEventResponse, request: pb.HandleEventRequest, accepted: Accepted, recorded: Recorded
    ) -> None:
        """Fills the answer in place. CopyFrom is half the cost of a keyword, which serializes and parses."""
        self._observer.handled(request.connector, recorded)
        for event in recorded.events:
            answer.events.add().CopyFrom(event)
        answer.duplicate_event_ids.extend(recorded.duplicate_ids)
        answer.verification.CopyFrom(accepted.verification)
        answer.acknowledgement.CopyFrom(accepted.acknowledgement)
