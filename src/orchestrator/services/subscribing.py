"""SubscribeEvents: the ledger's events as an endless stream with a resumable cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from orchestrator.ledger.base import Ledger
from orchestrator.services.checks import check_filter
from orchestratorx_prism.v1.event_service_pb2 import SubscribeEventsRequest, SubscribeEventsResponse

PAGE = 200
POLL_S = 1.0
"""Longest wait between looks; the ledger's hint usually comes sooner."""
HEARTBEAT_S = 10.0
"""How often the cursor is sent while nothing matches, so that a reconnect does not look at the same rows again."""


async def subscribe(ledger: Ledger, request: SubscribeEventsRequest) -> AsyncIterator[SubscribeEventsResponse]:
    """Events after the request's cursor in commit order, then as they come. Ends only when the caller stops.

    Raises:
        RequestRejected: The cursor is not one of ours, or no event can be selected by the filter.
    """
    check_filter(request.filter)
    cursor = request.cursor or await ledger.head_cursor()
    if not request.cursor:
        yield SubscribeEventsResponse(cursor=cursor)
    loop = asyncio.get_running_loop()
    told = loop.time()
    while True:
        page, after = await ledger.events_after(cursor, request.filter, limit=PAGE)
        for event, position in page:
            yield SubscribeEventsResponse(event=event, cursor=position)
        moved = after != cursor
        cursor = after
        if page:
            told = loop.time()
        elif loop.time() - told >= HEARTBEAT_S:
            yield SubscribeEventsResponse(cursor=cursor)
            told = loop.time()
        if not moved:
            await ledger.outbox.wait_for_work(POLL_S)
