"""SubscribeEvents: heartbeats that move the cursor, whatever goes on beside what is asked for."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ledger_events import make

from orchestrator.ledger.base import Ledger, Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.services import subscribing
from orchestrator.services.subscribing import subscribe
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter, SubscribeEventsRequest


class Busy:
    """A ledger in which something else happens all the time."""

    async def events_after(self, cursor: str, where: EventFilter, *, limit: int) -> tuple[list[tuple[Event, str]], str]:
        return [], str(int(cursor) + 1)


async def test_a_subscriber_whose_events_are_rare_hears_how_far_it_is_on_a_busy_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscribing, "HEARTBEAT_S", 0.01)
    stream = subscribe(cast(Ledger, cast(Any, Busy())), SubscribeEventsRequest(cursor="0"))
    first, second = await anext(stream), await anext(stream)
    assert not first.HasField("event")
    assert not second.HasField("event")
    assert int(second.cursor) > int(first.cursor) > 0


async def test_a_subscriber_of_a_quiet_ledger_hears_that_it_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(subscribing, "POLL_S", 0.01)
    ledger = MemoryLedger()
    await ledger.record(Recording([make("payment.created", "a")]))
    stream = subscribe(ledger, SubscribeEventsRequest(cursor="0"))
    told = [await anext(stream) for _ in range(3)]
    assert [one.event.provider_event_id for one in told] == ["a", "", ""]
    assert {one.cursor for one in told} == {"1"}
