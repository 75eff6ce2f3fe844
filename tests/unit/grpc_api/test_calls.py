"""Behaviours of rpcs where a real connection leaves it to chance what happens first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from orchestrator.grpc_api.calls import Streams, server_stream
from orchestratorx_prism.v1 import event_service_pb2 as pb

PATH = "/orchestratorx_prism.v1.EventService/SubscribeEvents"


class CallerWhoLeft:
    """A call whose other end is gone: gRPC takes no message for it any more."""

    async def write(self, _message: bytes) -> None:
        raise grpc.aio.InternalError("ExecuteBatchError")

    async def abort(self, *_: Any, **__: Any) -> None:
        raise AssertionError("nobody is there to be told")


async def test_a_caller_who_leaves_while_being_answered_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    closed, codes = [], []

    async def cursors(_request: Any) -> AsyncIterator[pb.SubscribeEventsResponse]:
        try:
            while True:
                yield pb.SubscribeEventsResponse(cursor="1")
        finally:
            closed.append(True)

    call = server_stream(
        cursors, pb.SubscribeEventsRequest, PATH, Streams(), lambda _path, code, _seconds: codes.append(code)
    )
    with caplog.at_level(logging.INFO), pytest.raises(asyncio.CancelledError):
        await call(b"", CallerWhoLeft())
    assert (closed, codes) == ([True], ["CANCELLED"])
    assert not caplog.records
