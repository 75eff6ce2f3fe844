"""BatchHandleEvents: an answer or a refusal for each webhook, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from ledger_events import make

from orchestrator.ledger.base import Ledger, Recorded, Recording
from orchestrator.services.events import EventService
from orchestrator.services.intake import Accepted
from orchestratorx_prism.errors import Internal, PrismError, ProviderUnavailable, Unavailable
from orchestratorx_prism.v1 import event_service_pb2 as pb
from orchestratorx_prism.v1.event_pb2 import Verification

AWAY = Unavailable("the database is away", reason="DATABASE_UNAVAILABLE")
BROKEN = Internal("it could not be recorded", reason="NOT_RECORDABLE")
UNSURE = ProviderUnavailable("the provider did not answer")


class Accepting:
    """An intake that makes one event of each body; some bodies are refused."""

    async def accept(self, request: pb.HandleEventRequest) -> Accepted:
        if request.payload == b"unsure":
            raise UNSURE
        return Accepted([make("payment.created", request.payload.decode())], Verification(), pb.Acknowledgement())


class Ending:
    """A ledger in which recordings end as told, by their bodies."""

    def __init__(self, ends: dict[bytes, PrismError]) -> None:
        self._ends = ends

    async def record_many(self, recordings: Sequence[Recording]) -> list[Recorded | PrismError]:
        return [self._ends.get(one.body) or Recorded(list(one.events), []) for one in recordings]


async def batch(bodies: list[bytes], ends: dict[bytes, PrismError]) -> list[str]:
    service = EventService(cast(Any, Accepting()), cast(Ledger, cast(Any, Ending(ends))))
    requests = [pb.HandleEventRequest(payload=body) for body in bodies]
    response = await service.batch_handle_events(pb.BatchHandleEventsRequest(requests=requests))
    return [
        one.refused.reason if one.HasField("refused") else one.handled.events[0].provider_event_id
        for one in response.results
    ]


async def test_one_that_cannot_be_recorded_is_refused_and_the_others_are_answered() -> None:
    assert await batch([b"a", b"b", b"unsure", b"c"], {b"b": BROKEN}) == ["a", "NOT_RECORDABLE", UNSURE.reason, "c"]


async def test_what_was_recorded_before_the_database_went_away_is_answered() -> None:
    assert await batch([b"a", b"b"], {b"b": AWAY}) == ["a", "DATABASE_UNAVAILABLE"]


async def test_where_nothing_could_be_recorded_the_call_fails() -> None:
    with pytest.raises(Unavailable):
        await batch([b"a", b"unsure", b"b"], {b"a": AWAY, b"b": AWAY})


async def test_a_batch_of_refusals_alone_is_answered() -> None:
    assert await batch([b"unsure"], {}) == [UNSURE.reason]
